/**
 * The main history of a partition as it was written first: each entry as the servers' disk received it.
 * Whatever servers do with their history afterwards, this one keeps every instruction.
 */
import * as E from 'fp-ts/lib/Either.js';
import type { RecordBatch } from '../../core/base/record.js';
import { applyAll } from '../../core/model/apply.js';
import type { Changeset } from '../../core/model/changeset.js';
import { decodeChangeset, unpack } from '../../core/model/codec.js';
import { digest } from '../../core/model/digest.js';
import { stringKey } from '../../core/model/key.js';
import { emptyState } from '../../core/model/state.js';

export class Archive {
  #entries: Changeset[] = [];
  #marks = new Set<string>();
  #latest: string[] = [];

  /** The newest version. */
  get head(): number {
    return this.#entries.length;
  }

  /** Marks that the history holds. */
  get marks(): ReadonlySet<string> {
    return this.#marks;
  }

  /** Marks that came with what was taken last. */
  get latest(): readonly string[] {
    return this.#latest;
  }

  /**
   * Takes what is new; answers what is wrong with it. A mark is made once, unless it `mayRepeat`: a server that
   * was restored from one backup and then from another may hold what a device has carried over meanwhile.
   */
  take(batch: RecordBatch, mayRepeat: boolean): string | null {
    this.#latest = [];
    const added = batch.puts
      .filter(({ space, index }) => space === 'log' && index > this.head)
      .sort((a, b) => a.index - b.index);
    for (const { index, bytes } of added) {
      if (index !== this.head + 1) return `entry ${index} follows ${this.head}`;
      const decoded = decodeChangeset(bytes);
      if (E.isLeft(decoded)) return `entry ${index} cannot be decoded: ${decoded.left.message}`;
      const entry = unpack(decoded.right);
      this.#entries.push(entry);
      for (const id of marksOf(entry)) {
        if (this.#marks.has(id) && !mayRepeat) return `entry ${index} makes mark ${id} a second time`;
        this.#marks.add(id);
        this.#latest.push(id);
      }
    }
    return null;
  }

  /** One of its own with the same entries, as in a backup of the servers. */
  copy(): Archive {
    const copy = new Archive();
    copy.#entries = this.#entries.slice();
    copy.#marks = new Set(this.#marks);
    return copy;
  }

  /** Of the state that all entries lead to; or what is wrong with them. */
  digest(): string {
    return this.digestAt(this.head);
  }

  /** Of the state that the entries up to a version lead to. */
  digestAt(version: number): string {
    const state = applyAll(
      emptyState,
      this.#entries.slice(0, version).flatMap(({ instructions }) => instructions),
    );
    return E.isLeft(state) ? state.left.message : digest(state.right);
  }
}

const marksOf = (entry: Changeset): readonly string[] => {
  const marks: string[] = [];
  for (const instruction of entry.instructions)
    if (instruction.kind === 'CreateObject' && instruction.table === 'Mark')
      marks.push(instruction.object.slice(stringKey('').length));
  return marks;
};
