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

/** One batch that does what the given ones do in turn. */
export const inSequence = (batches: readonly RecordBatch[]): RecordBatch => {
  if (batches.length === 1) return batches[0] as RecordBatch;
  const deletes: RecordRange[] = [];
  const puts = new Map<string, RecordEntry>();
  for (const batch of batches) {
    for (const range of batch.deletes) {
      deletes.push(range);
      // What an earlier batch put and this one deletes must not come back: puts follow all deletions.
      for (const [id, put] of puts)
        if (put.space === range.space && put.index >= range.from && put.index < range.to) puts.delete(id);
    }
    for (const put of batch.puts) puts.set(`${put.space}/${put.index}`, put);
  }
  return { deletes, puts: [...puts.values()] };
};
