/**
 * Making a failing case smaller without knowing what it is. A case is made from a row of choices; whatever
 * makes it takes 0 where the row has ended. Rows that are shorter, or whose choices are lower, make smaller
 * cases, so the row is cut and lowered for as long as the case still fails.
 */
import { fromChoices, type Random } from './random.js';

/** Hands on what `random` says, and keeps it. */
export const recording = (random: Random): { readonly random: Random; readonly choices: number[] } => {
  const choices: number[] = [];
  return {
    choices,
    random: {
      int: (max) => {
        const choice = random.int(max);
        choices.push(choice);
        return choice;
      },
    },
  };
};

/**
 * The smallest failing row found within `tries` attempts, at most as long as `given`. `fails` answers the
 * story of a failure, or null; it is asked about rows that make sense to nobody else.
 */
export const shrinkRow = async (
  given: readonly number[],
  fails: (row: readonly number[]) => string | null | Promise<string | null>,
  tries = 3000,
): Promise<{ readonly row: readonly number[]; readonly story: string | null }> => {
  let best = given;
  let story = await fails(best);
  let left = tries;
  const attempt = async (row: readonly number[]): Promise<boolean> => {
    if (left-- <= 0) return false;
    const found = await fails(row);
    if (found === null) return false;
    best = row;
    story = found;
    return true;
  };
  let improved = true;
  while (improved && left > 0) {
    improved = false;
    for (let size = best.length; size >= 1; size = Math.floor(size / 2))
      for (let at = 0; at + size <= best.length; )
        if (await attempt([...best.slice(0, at), ...best.slice(at + size)])) improved = true;
        else at += size;
    for (let at = 0; at < best.length; at++)
      for (const lower of [0, (best[at] as number) >> 1, (best[at] as number) - 1])
        if (lower >= 0 && lower < (best[at] as number) && (await attempt(best.with(at, lower)))) {
          improved = true;
          break;
        }
  }
  return { row: best, story };
};

/** The same of what is made from choices. */
export const shrink = async (
  choices: readonly number[],
  fails: (random: Random) => string | null | Promise<string | null>,
  tries = 3000,
): Promise<{ readonly choices: readonly number[]; readonly story: string | null }> => {
  const { row, story } = await shrinkRow(choices, (each) => fails(fromChoices(each)), tries);
  return { choices: row, story };
};
