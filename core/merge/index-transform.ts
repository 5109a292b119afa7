/**
 * The whole merge by way of the index.
 */
import type { Changeset } from '../model/changeset.js';
import { IndexMerge } from './index-merge.js';
import { meetings } from './index-objects.js';
import { mergeObject } from './index-places.js';
import { Names, Track } from './index-track.js';
import type { Context, RuleSet } from './rule.js';

/** Tables of so few pairs are compared faster than they are cut. */
const FEW_PAIRS = 16;

/**
 * Both sides, each rewritten to come after the other, as the rules would have it pair by pair. Null where
 * that is not for the index to do: where a rule reports a problem, or classes or properties are erased.
 *
 * `fewPairs` is the size of tables that are not cut, for tests of what is.
 */
export const transformIndexed = (
  left: readonly Changeset[],
  right: readonly Changeset[],
  rules: RuleSet,
  context: Context,
  fewPairs = FEW_PAIRS,
): { readonly left: readonly Changeset[]; readonly right: readonly Changeset[] } | null => {
  const names = new Names();
  const merge = new IndexMerge(
    new Track(left, names),
    new Track(right, names),
    names,
    rules,
    context,
    fewPairs,
  );
  if (merge.left.erasesSchema || merge.right.erasesSchema) return null;
  for (const table of meetings(merge.left, merge.right)) {
    mergeObject(merge, table);
    if (merge.failed) return null;
  }
  return { left: merge.left.result(), right: merge.right.result() };
};
