/** Entries as bytes (see `container.ts`), one at a time, in memory that is used again. */
import { Writer } from '../base/bytes.js';
import { entryChecksum } from './container.js';
import { type EntryHead, headForm } from './entry.js';

export class EntryWriter {
  readonly #writer = new Writer();

  /** Framed: a view that holds until the next call. `rest` writes what follows the head. */
  entry(sequence: number, head: EntryHead, rest: (to: Writer) => void = () => undefined): Uint8Array {
    const writer = this.#writer;
    writer.begin();
    writer.reserve(4);
    writer.position += 4;
    headForm.write(writer, head);
    rest(writer);
    const end = writer.position;
    const sum = entryChecksum(sequence, writer.bytes, writer.start + 4, end);
    writer.reserve(4);
    writer.uint32(sum);
    const size = writer.length - 8;
    const after = writer.position;
    writer.position = writer.start;
    writer.uint32(size);
    writer.position = after;
    return writer.bytes.subarray(writer.start, after);
  }
}
