/**
 * The laws of the merge, as questions about given changesets: null where a law holds, and a text that shows
 * the case where it does not.
 */
import * as E from 'fp-ts/lib/Either.js';
import { columnsOf } from '../../core/merge/column-lookup.js';
import type { RuleSet } from '../../core/merge/rule.js';
import { syncline } from '../../core/merge/rule-set.js';
import { type MergeOptions, type Transformed, transform } from '../../core/merge/transform.js';
import { edit } from '../../core/model/apply.js';
import type { Changeset } from '../../core/model/changeset.js';
import { digest } from '../../core/model/digest.js';
import { printChangesets, printInstruction } from '../../core/model/notation.js';
import { toInstructions } from '../../core/model/snapshot.js';
import type { State } from '../../core/model/state.js';
import { contentsOf } from './contents.js';
import { marked } from './foreign.js';
import { naiveTransform } from './naive.js';
import type { Random } from './random.js';
import { allWeights, contentWeights, randomInstructions, type ValidOptions } from './valid.js';
import { randomWorld } from './worlds.js';

type Changesets = readonly Changeset[];

export const options = (base: State, rules: RuleSet = syncline): MergeOptions => ({
  rules,
  columns: columnsOf(base),
});

const show = (title: string, lines: Readonly<Record<string, string>>): string =>
  [title, ...Object.entries(lines).map(([name, text]) => `${name}\n${text.replace(/^/gm, '  ')}`)].join('\n');

const story = (title: string, base: State, sides: Readonly<Record<string, string>>): string =>
  show(title, { base: toInstructions(base).map(printInstruction).join('\n'), ...sides });

/** The state after the changesets, or why they cannot be applied. */
export const after = (base: State, changesets: Changesets): State | string => {
  const draft = edit(base);
  for (const { instructions } of changesets)
    for (const instruction of instructions) {
      const error = draft.apply(instruction);
      if (error !== null) return `${printInstruction(instruction)}: ${error.message}`;
    }
  return draft.finish();
};

/** Whether the two orders end alike; the quick form of `convergence`, which explains. */
export const converges = (base: State, left: Changesets, right: Changesets): boolean => {
  const merged = transform(left, right, options(base));
  if (E.isLeft(merged)) return false;
  const leftFirst = after(base, [...left, ...merged.right.right]);
  const rightFirst = after(base, [...right, ...merged.right.left]);
  if (typeof leftFirst === 'string' || typeof rightFirst === 'string') return false;
  return digest(leftFirst) === digest(rightFirst);
};

/**
 * Convergence: left and then the new right gives what right and then the new left gives. Besides: which
 * side is called left makes no difference, and the result is that of the naive merge.
 */
export const convergence = (base: State, left: Changesets, right: Changesets): string | null => {
  const sides = { left: printChangesets(left), right: printChangesets(right) };
  const merged = transform(left, right, options(base));
  if (E.isLeft(merged)) return story(merged.left.message, base, sides);
  const { left: newLeft, right: newRight } = merged.right;
  const results = { ...sides, 'new left': printChangesets(newLeft), 'new right': printChangesets(newRight) };
  const turned = transform(right, left, options(base));
  if (E.isLeft(turned)) return story(`turned round: ${turned.left.message}`, base, sides);
  const other = { left: turned.right.right, right: turned.right.left };
  if (textOf(other) !== textOf(merged.right))
    return story('depends on which side is left', base, { ...results, turned: textOf(other) });
  const naive = naiveTransform(left, right, options(base));
  if (E.isLeft(naive)) return story(`the naive merge fails: ${naive.left}`, base, results);
  if (textOf(naive.right) !== textOf(merged.right))
    return story('differs from the naive merge', base, { ...results, naive: textOf(naive.right) });
  const leftFirst = after(base, [...left, ...newRight]);
  const rightFirst = after(base, [...right, ...newLeft]);
  if (typeof leftFirst === 'string') return story(`left first: ${leftFirst}`, base, results);
  if (typeof rightFirst === 'string') return story(`right first: ${rightFirst}`, base, results);
  const sameContents = contentsOf(leftFirst).join('\n') === contentsOf(rightFirst).join('\n');
  if (digest(leftFirst) === digest(rightFirst) && sameContents) return null;
  return story('does not converge', base, {
    ...results,
    'left first': contentsOf(leftFirst).join('\n'),
    'right first': contentsOf(rightFirst).join('\n'),
  });
};

const textOf = ({ left, right }: Transformed): string =>
  `left\n${printChangesets(left)}\nright\n${printChangesets(right)}`;

/** Solubility: merging `first` and then `second` with `right` is merging both with it at once. */
export const solubility = (
  base: State,
  first: Changesets,
  second: Changesets,
  right: Changesets,
): string | null => {
  const sides = {
    first: printChangesets(first),
    second: printChangesets(second),
    right: printChangesets(right),
  };
  const whole = transform([...first, ...second], right, options(base));
  const a = transform(first, right, options(base));
  if (E.isLeft(whole) || E.isLeft(a)) return story('does not merge', base, sides);
  const middle = after(base, first);
  if (typeof middle === 'string') return story(`the first part cannot be applied: ${middle}`, base, sides);
  const b = transform(second, a.right.right, options(middle));
  if (E.isLeft(b)) return story(`the second part does not merge: ${b.left.message}`, base, sides);
  const parts = { left: [...a.right.left, ...b.right.left], right: b.right.right };
  return textOf(parts) === textOf(whole.right)
    ? null
    : story('differs when it is merged in parts', base, {
        ...sides,
        'at once': textOf(whole.right),
        'in parts': textOf(parts),
      });
};

export type RandomMerge = 'contents' | 'mixed values' | 'schema';

/**
 * All laws on two random sides of up to three changesets, on a random state, with timestamps in any order.
 * Null where they hold; else the case.
 */
export const randomMerge = (random: Random, kind: RandomMerge): string | null => {
  const weights = kind === 'schema' ? allWeights : contentWeights;
  const columns = kind === 'mixed values' ? { columns: ['mixed', 'l_mixed', 'd_mixed'] } : {};
  const base = randomWorld(random, { ...columns, steps: 8 });
  const left = marked(base, randomSide(random, base, 2, weights));
  const right = marked(base, randomSide(random, base, 3, weights));
  return convergence(base, left, right) ?? solubility(base, left.slice(0, 1), left.slice(1), right);
};

const randomSide = (
  random: Random,
  base: State,
  origin: number,
  weights: NonNullable<ValidOptions['weights']>,
): Changesets => {
  const side: Changeset[] = [];
  let state = base;
  const count = 1 + random.int(3);
  for (let version = 1; version <= count; version++) {
    const timestamp = random.int(8);
    const run = randomInstructions(random, state, 1 + random.int(4), { weights });
    side.push({ version, base: 0, timestamp, origin, instructions: run.instructions });
    state = run.state;
  }
  return side;
};
