/**
 * Planted faults: small patches of one file each, kept beside this one. A patch says on its first line what is
 * wrong with the code it makes, and on the second within how many runs of what that must be found (of the simulator
 * where it names no law, “with sync” where only those worlds would find it); then follows
 * a unified diff.
 *
 * Lines are matched by what they say and not by their number, so that a patch lives as long as the lines that it
 * changes; a place that is there twice, or not at all, is an error.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Canary {
  readonly name: string;
  /** What is wrong with the code. */
  readonly says: string;
  readonly within: number;
  /** The law of `npm run fuzz` that finds it; null for the simulator. */
  readonly law: string | null;
  /** Whether the simulator's servers sync by a configuration in all runs, and not in some. */
  readonly withSync: boolean;
  /** Path from the root. */
  readonly file: string;
  readonly hunks: readonly { readonly before: string; readonly after: string }[];
}

/** @throws Error where the text is no such patch. */
export const parseCanary = (name: string, text: string): Canary => {
  const [says = '', demand = '', ...diff] = text.split('\n');
  const [, within, law, withSync] = /^within (\d+) runs(?: of (.+)| (with sync))?$/.exec(demand) ?? [];
  const file = diff.find((line) => line.startsWith('+++ b/'))?.slice('+++ b/'.length);
  if (says === '' || within === undefined || file === undefined)
    throw new Error(`${name} is no patch of a canary: a sentence, “within N runs”, and a unified diff`);
  const hunks: { before: string[]; after: string[] }[] = [];
  for (const line of diff.slice(diff.findIndex((each) => each.startsWith('@@')))) {
    if (line.startsWith('@@')) hunks.push({ before: [], after: [] });
    const hunk = hunks.at(-1);
    if (hunk === undefined) continue;
    if (line.startsWith(' ') || line.startsWith('-')) hunk.before.push(line.slice(1));
    if (line.startsWith(' ') || line.startsWith('+')) hunk.after.push(line.slice(1));
  }
  return {
    name,
    says,
    within: Number(within),
    law: law ?? null,
    withSync: withSync !== undefined,
    file,
    hunks: hunks.map(({ before, after }) => ({ before: before.join('\n'), after: after.join('\n') })),
  };
};

/** All of a folder, by name. */
export const canariesIn = (folder: string): readonly Canary[] =>
  readdirSync(folder)
    .filter((name) => name.endsWith('.patch'))
    .sort()
    .map((name) => parseCanary(name.slice(0, -'.patch'.length), readFileSync(join(folder, name), 'utf8')));

/** The file with the fault in it. @throws Error where the patch does not apply any more. */
export const planted = ({ name, file, hunks }: Canary, text: string): string => {
  let after = text;
  for (const { before, after: then } of hunks) {
    const parts = after.split(`${before}\n`);
    if (parts.length !== 2)
      throw new Error(
        `canary ${name} does not apply: these lines are ${parts.length - 1} times in ${file}:\n${before}`,
      );
    after = parts.join(`${then}\n`);
  }
  return after;
};
