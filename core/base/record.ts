/**
 * Records: what stores keep for a client or a partition.
 *
 * A store is a map from (space, index) to bytes, read in order of the index within a space and changed by
 * atomic batches. Which spaces there are and what their bytes mean is known to `core/history` only.
 */
export interface RecordEntry {
  /** Short ASCII name, such as `log`. */
  readonly space: string;
  /** Integer from 0 to 2^53 - 1. */
  readonly index: number;
  readonly bytes: Uint8Array;
}

/** All indices of `space` with `from <= index < to`. */
export interface RecordRange {
  readonly space: string;
  readonly from: number;
  readonly to: number;
}

/** Performed as one: first the deletions, then the puts (a put replaces). */
export interface RecordBatch {
  readonly deletes: readonly RecordRange[];
  readonly puts: readonly RecordEntry[];
}

export const emptyBatch: RecordBatch = { deletes: [], puts: [] };

export const isEmptyBatch = (batch: RecordBatch): boolean =>
  batch.deletes.length === 0 && batch.puts.length === 0;
