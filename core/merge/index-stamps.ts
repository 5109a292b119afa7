/**
 * The order of age of changesets as integers, so that hot loops compare numbers.
 *
 * Source: merge-semantics, section 3.2.
 */
import { type Changeset, isOlder } from '../model/changeset.js';

/**
 * Ranks of the changesets of both sides: a left one is older than a right one exactly when its rank is
 * lower. No rank occurs twice. Linear where both sides are in order of age, else n log n.
 */
export const stampsOf = (
  left: readonly Changeset[],
  right: readonly Changeset[],
): { readonly left: Int32Array; readonly right: Int32Array } => {
  const ours = inOrder(left);
  const theirs = inOrder(right);
  const stamps = { left: new Int32Array(left.length), right: new Int32Array(right.length) };
  let l = 0;
  let r = 0;
  for (let rank = 0; rank < left.length + right.length; rank++) {
    const row = ours[l] as number;
    const column = theirs[r] as number;
    // Of two that cannot be told apart the left counts as newer, as in every rule.
    const leftIsNext =
      r === right.length || (l < left.length && isOlder(left[row] as Changeset, right[column] as Changeset));
    if (leftIsNext) {
      stamps.left[row] = rank;
      l++;
    } else {
      stamps.right[column] = rank;
      r++;
    }
  }
  return stamps;
};

/** The positions of changesets from the oldest to the newest. */
const inOrder = (changesets: readonly Changeset[]): Int32Array => {
  const order = new Int32Array(changesets.length);
  let isSorted = true;
  for (let position = 0; position < changesets.length; position++) {
    order[position] = position;
    if (position > 0 && isOlder(changesets[position] as Changeset, changesets[position - 1] as Changeset))
      isSorted = false;
  }
  if (isSorted) return order;
  return order.sort((a, b) => {
    const first = changesets[a] as Changeset;
    const second = changesets[b] as Changeset;
    return isOlder(first, second) ? -1 : isOlder(second, first) ? 1 : a - b;
  });
};
