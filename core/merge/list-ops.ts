/**
 * The operations of one side on one list, as columns of numbers.
 *
 * The list merge (`list-merge.ts`) reads and rewrites these and nothing else: it allocates nothing for an
 * operation, and knows neither instructions nor values.
 *
 * Updates that make a nested list or dictionary have rules of their own and do not belong here.
 */

/** Kinds of operation. */
export const INSERT = 0;
export const ERASE = 1;
export const MOVE = 2;
export const UPDATE = 3;

export interface ListOps {
  readonly length: number;
  readonly kind: Uint8Array;
  /** The last element of the path: where it inserts, or which element it erases, moves or updates. */
  readonly index: Int32Array;
  /** Of a move: where the element is found afterwards. */
  readonly to: Int32Array;
  readonly priorSize: Int32Array;
  /** Ranks of the changesets in the order that decides conflicts; none occurs on both sides of a merge. */
  readonly stamp: Int32Array;
  /** 1 for an update that creates an embedded object. */
  readonly creates: Uint8Array;
  /** 1 for an operation that the merge discards; its other columns are then without meaning. */
  readonly gone: Uint8Array;
}

export const listOps = (length: number): ListOps => ({
  length,
  kind: new Uint8Array(length),
  index: new Int32Array(length),
  to: new Int32Array(length),
  priorSize: new Int32Array(length),
  stamp: new Int32Array(length),
  creates: new Uint8Array(length),
  gone: new Uint8Array(length),
});

/**
 * Whether the operations can be performed one after the other on a list of `size` elements: each names the
 * size that the one before it left, indices are in range, and no move stays where it is.
 */
export const isPerformable = (ops: ListOps, size: number): boolean => {
  const { kind, index, to, priorSize } = ops;
  for (let k = 0; k < ops.length; k++) {
    const at = index[k] as number;
    if (priorSize[k] !== size || at < 0) return false;
    switch (kind[k]) {
      case INSERT:
        if (at > size) return false;
        size++;
        break;
      case ERASE:
        if (at >= size) return false;
        size--;
        break;
      case MOVE: {
        const target = to[k] as number;
        if (at >= size || target < 0 || target >= size || target === at) return false;
        break;
      }
      default:
        if (at >= size) return false;
    }
  }
  return true;
};
