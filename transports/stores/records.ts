/**
 * Records in memory: the dumb twin that stores are measured by, and the content of the memory stores.
 *
 * A space is two parallel arrays, indices in ascending order and their bytes. Appending is O(1), reading
 * from an index O(log n), writing in the middle or deleting O(n) moves of a word.
 */
import { compareStrings, type RecordBatch, type RecordEntry } from '../../core/client.js';

interface Space {
  readonly indices: number[];
  readonly bytes: Uint8Array[];
}

/** Position of the first index that is not below `index`. */
const lowerBound = (indices: readonly number[], index: number): number => {
  let low = 0;
  let high = indices.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((indices[middle] ?? 0) < index) low = middle + 1;
    else high = middle;
  }
  return low;
};

export class Records {
  readonly #spaces = new Map<string, Space>();

  /** Performs a batch that `checkBatch` has passed. Copies the bytes. */
  apply(batch: RecordBatch): void {
    for (const { space, from, to } of batch.deletes) {
      const found = this.#spaces.get(space);
      if (found === undefined) continue;
      const start = lowerBound(found.indices, from);
      const count = lowerBound(found.indices, to) - start;
      if (count <= 0) continue;
      found.indices.splice(start, count);
      found.bytes.splice(start, count);
      if (found.indices.length === 0) this.#spaces.delete(space);
    }
    for (const { space, index, bytes } of batch.puts) {
      let found = this.#spaces.get(space);
      if (found === undefined) {
        found = { indices: [], bytes: [] };
        this.#spaces.set(space, found);
      }
      const { indices } = found;
      const at = index > (indices[indices.length - 1] ?? -1) ? indices.length : lowerBound(indices, index);
      if (indices[at] === index) {
        found.bytes[at] = bytes.slice();
      } else if (at === indices.length) {
        indices.push(index);
        found.bytes.push(bytes.slice());
      } else {
        indices.splice(at, 0, index);
        found.bytes.splice(at, 0, bytes.slice());
      }
    }
  }

  /** The entries of the named spaces, or of all, in ascending order of space and index. */
  entries(spaces: Iterable<string> = this.#spaces.keys()): readonly RecordEntry[] {
    const entries: RecordEntry[] = [];
    for (const space of [...new Set(spaces)].sort(compareStrings)) {
      const found = this.#spaces.get(space);
      if (found === undefined) continue;
      for (const [at, index] of found.indices.entries()) {
        const bytes = found.bytes[at];
        if (bytes !== undefined) entries.push({ space, index, bytes });
      }
    }
    return entries;
  }

  /** See `PartitionStore.read`. */
  read(space: string, from: number, to: number, maxBytes: number): readonly RecordEntry[] {
    const entries: RecordEntry[] = [];
    const found = this.#spaces.get(space);
    if (found === undefined) return entries;
    let total = 0;
    for (let at = lowerBound(found.indices, from); ; at++) {
      const index = found.indices[at];
      const bytes = found.bytes[at];
      if (index === undefined || bytes === undefined || index >= to) return entries;
      entries.push({ space, index, bytes });
      total += bytes.length;
      if (total >= maxBytes) return entries;
    }
  }
}
