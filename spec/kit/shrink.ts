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
 * The smallest failing row found within `tries` attempts, at most as long as `choices`. `fails` answers the
 * story of a failure, or null; it is asked about rows that make sense to nobody else.
 */
export const shrink = (
  choices: readonly number[],
  fails: (random: Random) => string | null,
  tries = 3000,
): { readonly choices: readonly number[]; readonly story: string | null } => {
  let best = choices;
  let story = fails(fromChoices(best));
  let left = tries;
  const attempt = (row: readonly number[]): boolean => {
    if (left-- <= 0) return false;
    const found = fails(fromChoices(row));
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
        if (attempt([...best.slice(0, at), ...best.slice(at + size)])) improved = true;
        else at += size;
    for (let at = 0; at < best.length; at++)
      for (const lower of [0, (best[at] as number) >> 1, (best[at] as number) - 1])
        if (lower >= 0 && lower < (best[at] as number) && attempt(best.with(at, lower))) {
          improved = true;
          break;
        }
  }
  return { choices: best, story };
};
