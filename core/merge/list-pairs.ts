/**
 * The rules of lists on columns, pair by pair: n × m steps of a few nanoseconds that allocate nothing.
 *
 * This is the way of the list merge for sequences that its own method does not suit (`list-merge.ts`).
 * Unlike the rules proper it takes for granted that both sequences can be performed.
 *
 * Source: merge-semantics, sections 4.8 and 5.3.
 */
import { ERASE, INSERT, type ListOps, MOVE } from './list-ops.js';
import { mapMove } from './path.js';

/** Merges two sequences that can be performed on one list, by comparing every pair. */
export const mergePairs = (left: ListOps, right: ListOps): void => {
  const leftSize = sizeAfter(left);
  const rightSize = sizeAfter(right);
  for (let l = 0; l < left.length; l++) {
    const stamp = left.stamp[l] as number;
    for (let r = 0; r < right.length; r++) {
      if (right.gone[r] !== 0) continue;
      const leftIsNewer = stamp > (right.stamp[r] as number);
      if ((left.kind[l] as number) <= (right.kind[r] as number)) mergePair(left, l, right, r, leftIsNewer);
      else mergePair(right, r, left, l, !leftIsNewer);
      if (left.gone[l] !== 0) break;
    }
  }
  nameSizes(left, rightSize);
  nameSizes(right, leftSize);
};

const changeOf = (ops: ListOps, k: number): number =>
  ops.kind[k] === INSERT ? 1 : ops.kind[k] === ERASE ? -1 : 0;

/** The size of the list after all of them; there is at least one. */
const sizeAfter = (ops: ListOps): number => {
  const last = ops.length - 1;
  return (ops.priorSize[last] as number) + changeOf(ops, last);
};

/** Writes the sizes that operations find on a list of `size` elements. */
const nameSizes = (ops: ListOps, size: number): void => {
  for (let k = 0; k < ops.length; k++) {
    if (ops.gone[k] !== 0) continue;
    ops.priorSize[k] = size;
    size += changeOf(ops, k);
  }
};

/** The kind of `a` comes first in the order of kinds. Sizes are left to the end: no rule decides by them. */
const mergePair = (a: ListOps, i: number, b: ListOps, j: number, firstIsNewer: boolean): void => {
  const kind = b.kind[j];
  switch (a.kind[i]) {
    case INSERT:
      if (kind === INSERT) bothInsert(a, i, b, j, firstIsNewer);
      else if (kind === ERASE) insertAgainstErase(a, i, b, j);
      else if (kind === MOVE) insertAgainstMove(a, i, b, j, firstIsNewer);
      else if ((b.index[j] as number) >= (a.index[i] as number)) (b.index[j] as number)++;
      break;
    case ERASE:
      if (kind === ERASE) bothErase(a, i, b, j);
      else if (kind === MOVE) eraseAgainstMove(a, i, b, j);
      else eraseAgainstUpdate(a, i, b, j);
      break;
    case MOVE:
      if (kind === MOVE) bothMove(a, i, b, j, firstIsNewer);
      else b.index[j] = mapMove(b.index[j] as number, a.index[i] as number, a.to[i] as number);
      break;
    default:
      if (a.index[i] === b.index[j]) mergeUpdates(a, i, b, j, firstIsNewer);
  }
};

const bothInsert = (a: ListOps, i: number, b: ListOps, j: number, firstIsNewer: boolean): void => {
  const at1 = a.index[i] as number;
  const at2 = b.index[j] as number;
  if (at1 > at2 || (at1 === at2 && firstIsNewer)) a.index[i] = at1 + 1;
  else b.index[j] = at2 + 1;
};

const insertAgainstErase = (a: ListOps, i: number, b: ListOps, j: number): void => {
  const at = a.index[i] as number;
  const gone = b.index[j] as number;
  if (at <= gone) b.index[j] = gone + 1;
  else a.index[i] = at - 1;
};

const insertAgainstMove = (a: ListOps, i: number, b: ListOps, j: number, firstIsNewer: boolean): void => {
  let at = a.index[i] as number;
  const to = b.to[j] as number;
  if (at > (b.index[j] as number)) at--;
  else (b.index[j] as number)++;
  if (at < to || (at === to && firstIsNewer)) b.to[j] = to + 1;
  else at++;
  a.index[i] = at;
};

const bothErase = (a: ListOps, i: number, b: ListOps, j: number): void => {
  const gone1 = a.index[i] as number;
  const gone2 = b.index[j] as number;
  if (gone1 === gone2) {
    a.gone[i] = 1;
    b.gone[j] = 1;
  } else if (gone1 > gone2) a.index[i] = gone1 - 1;
  else b.index[j] = gone2 - 1;
};

const eraseAgainstMove = (a: ListOps, i: number, b: ListOps, j: number): void => {
  let gone = a.index[i] as number;
  let from = b.index[j] as number;
  let to = b.to[j] as number;
  if (gone === from) {
    a.index[i] = to;
    b.gone[j] = 1;
    return;
  }
  if (gone > from) gone--;
  else from--;
  if (gone >= to) gone++;
  else to--;
  a.index[i] = gone;
  b.index[j] = from;
  b.to[j] = to;
  if (from === to) b.gone[j] = 1;
};

const eraseAgainstUpdate = (a: ListOps, i: number, b: ListOps, j: number): void => {
  const gone = a.index[i] as number;
  const at = b.index[j] as number;
  if (at === gone) b.gone[j] = 1;
  else if (at > gone) b.index[j] = at - 1;
};

const bothMove = (a: ListOps, i: number, b: ListOps, j: number, firstIsNewer: boolean): void => {
  let from1 = a.index[i] as number;
  let from2 = b.index[j] as number;
  let to1 = a.to[i] as number;
  let to2 = b.to[j] as number;
  if (from1 === from2) {
    if (to1 === to2 || !firstIsNewer) a.gone[i] = 1;
    if (to1 === to2 || firstIsNewer) b.gone[j] = 1;
    a.index[i] = to2;
    b.index[j] = to1;
    return;
  }
  if (from1 < from2) from2--;
  else from1--;
  if (to1 > from2) to1--;
  else from2++;
  if (from1 < to2) to2--;
  else from1++;
  if (to1 < to2 || (to1 === to2 && !firstIsNewer)) to2++;
  else to1++;
  a.index[i] = from1;
  a.to[i] = to1;
  b.index[j] = from2;
  b.to[j] = to2;
  if (from1 === to1) a.gone[i] = 1;
  if (from2 === to2) b.gone[j] = 1;
};

/** Two updates of one element: the newer stands, but one that creates an embedded object yields to any other. */
export const mergeUpdates = (a: ListOps, i: number, b: ListOps, j: number, firstIsNewer: boolean): void => {
  const first = a.creates[i] as number;
  const second = b.creates[j] as number;
  const firstGoes = first === second ? !firstIsNewer : first > second;
  if (firstGoes) a.gone[i] = 1;
  else b.gone[j] = 1;
};
