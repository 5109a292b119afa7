/**
 * Merging the operations of two sides on one list, without comparing every pair.
 *
 * The rules of lists (L1 - L9) are defined on pairs, and 5,000 operations against 5,000 are 25 million
 * pairs. This module computes the same result, number by number, in O((n + m) √(n + m)) with a constant so
 * small that it passes for n log n, as follows.
 *
 * Both sides start from one list. Let state (i, j) be that list after the first i operations of the left and
 * the first j of the right side. What the pairwise rules compute for the i-th left operation is what it does
 * to state (i - 1, m); for the j-th right one, to state (n, j - 1). Nothing else of the pairs is visible in
 * the result. So it suffices to know which elements these states have, and in which order they lie:
 *
 * 1. A *view* of the left side (`list-view.ts`) stands for all states (i, 0), (i, 1) … (i, j), one of the
 *    right side for (0, j), (1, j) … (i, j). Operations are taken from the two sides in order of age, and
 *    each takes one step: in the view of its own side it changes all states, in that of the other side it
 *    adds a state.
 * 2. Where an element comes to lie in all those states at once is decided by the pairwise rules only where
 *    nothing alive is between it and an element of the other side. Older operations have been taken before,
 *    so that an insertion is usually the newer one of every such pair, and simply goes in front of its right
 *    neighbour. If that neighbour has been removed by the other side, if moves are near, or if stamps are
 *    not in order, the insertion is followed from neighbour to neighbour (`list-trace.ts`).
 * 3. In the end the left view holds the states (n, 0) … (n, m) and the right one (0, m) … (n, m). Counting
 *    through them gives the merged indices and sizes.
 *
 * Erasures and updates follow their elements. Of the updates of one element by both sides the older goes
 * (U1); they influence nothing else.
 *
 * Nothing here depends on stamps being in order along a side; they only make it fast.
 *
 * What is slower: a move, and an insertion whose right neighbour the other side has removed, may cost as much
 * as there are places between the nearest two elements that the other side has not touched. To be
 * quadratic, a pair of sequences has to keep a large such region, with insertions at its removed elements
 * that are erased again at once; then, after as many steps as an eighth of the pairs, the pairs are compared
 * instead, at a few nanoseconds each.
 *
 * Source: merge-semantics, sections 4.8 and 5.3.
 */
import { isPerformable, type ListOps, UPDATE } from './list-ops.js';
import { mergePairs, mergeUpdates } from './list-pairs.js';
import { transcribe } from './list-transcript.js';
import { type ListSide, ListWeave } from './list-weave.js';

/**
 * Lets the older of two updates of one element go, pair by pair in the order of the rules (U1). Erasures come
 * later on both sides, and so have nothing to say here.
 */
export const mergeAllUpdates = (left: ListSide, right: ListSide): void => {
  const updates = new Map<number, number[]>();
  for (let k = 0; k < right.ops.length; k++) {
    if (right.ops.kind[k] !== UPDATE) continue;
    const element = right.element[k] as number;
    const known = updates.get(element);
    if (known === undefined) updates.set(element, [k]);
    else known.push(k);
  }
  if (updates.size === 0) return;
  for (let k = 0; k < left.ops.length; k++) {
    if (left.ops.kind[k] !== UPDATE) continue;
    const rivals = updates.get(left.element[k] as number);
    if (rivals === undefined) continue;
    let kept = 0;
    for (let r = 0; r < rivals.length; r++) {
      const rival = rivals[r] as number;
      if (left.ops.gone[k] === 0) {
        const leftIsNewer = (left.ops.stamp[k] as number) > (right.ops.stamp[rival] as number);
        mergeUpdates(left.ops, k, right.ops, rival, leftIsNewer);
      }
      if (right.ops.gone[rival] === 0) rivals[kept++] = rival;
    }
    rivals.length = kept;
  }
};

/**
 * Merges two sequences of operations on one list, rewriting both: afterwards each can be performed after the
 * other, exactly as the rules would have it, pair by pair.
 *
 * Stamps say which of two operations is newer; none may occur on both sides. Returns false, and has changed
 * nothing, unless both sequences can be performed on a list of one and the same size: then it is for the
 * rules to say what is wrong.
 */
export const mergeLists = (left: ListOps, right: ListOps): boolean => {
  if (left.length === 0 || right.length === 0) return true;
  const size = left.priorSize[0] as number;
  if (!isPerformable(left, size) || !isPerformable(right, size)) return false;
  const pairs = left.length * right.length;
  const weave = pairs < FEW_PAIRS ? null : weaveLists(left, right, pairs / 8);
  if (weave === null) mergePairs(left, right);
  else {
    mergeAllUpdates(weave.left, weave.right);
    transcribeAll(weave);
  }
  return true;
};

/** So many pairs take less time than what a weave sets up. */
const FEW_PAIRS = 1000;

/**
 * Goes through two sequences that can be performed on one list, in the way described above. The result
 * knows the element of each operation. Null where that costs about `patience` steps more than it usually
 * does.
 */
export const weaveLists = (left: ListOps, right: ListOps, patience: number): ListWeave | null => {
  const weave = new ListWeave(left, right, left.priorSize[0] as number, patience);
  let l = 0;
  let r = 0;
  while (l < left.length || r < right.length) {
    const leftFirst =
      r === right.length || (l < left.length && (left.stamp[l] as number) < (right.stamp[r] as number));
    if (leftFirst) weave.take(weave.left, weave.right, l++);
    else weave.take(weave.right, weave.left, r++);
    if (weave.left.view.patience < 0 || weave.right.view.patience < 0) return null;
  }
  return weave;
};

/** Rewrites the operations of both sides. */
export const transcribeAll = (weave: ListWeave): void => {
  const elements = weave.elementOf.subarray(0, weave.places);
  transcribe(weave.left, weave.right, elements, weave.length);
  transcribe(weave.right, weave.left, elements, weave.length);
};
