/** Records in memory, for machines that are driven by hand: what a store would hold. */
import type { RecordBatch, RecordEntry, RecordRange } from '../../core/base/record.js';

export class MemoryRecords {
  readonly #spaces = new Map<string, Map<number, Uint8Array>>();

  commit(batch: RecordBatch): void {
    for (const range of batch.deletes) {
      const space = this.#spaces.get(range.space);
      if (space === undefined) continue;
      for (const index of [...space.keys()]) if (index >= range.from && index < range.to) space.delete(index);
    }
    for (const put of batch.puts) {
      const space = this.#spaces.get(put.space) ?? new Map<number, Uint8Array>();
      this.#spaces.set(put.space, space.set(put.index, put.bytes.slice()));
    }
  }

  /** Ordered by space and index, as a store answers them. */
  entries(spaces?: readonly string[]): readonly RecordEntry[] {
    const names = [...this.#spaces.keys()]
      .filter((name) => spaces === undefined || spaces.includes(name))
      .sort();
    return names.flatMap((space) =>
      [...(this.#spaces.get(space) as Map<number, Uint8Array>)]
        .sort(([a], [b]) => a - b)
        .map(([index, bytes]) => ({ space, index, bytes })),
    );
  }

  read(range: RecordRange, maxBytes: number | null): readonly RecordEntry[] {
    const found = this.entries([range.space]).filter(
      (entry) => entry.index >= range.from && entry.index < range.to,
    );
    if (maxBytes === null) return found;
    let bytes = 0;
    const end = found.findIndex((entry) => {
      bytes += entry.bytes.length;
      return bytes >= maxBytes;
    });
    return end < 0 ? found : found.slice(0, end + 1);
  }
}
