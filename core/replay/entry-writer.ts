/** Entries as bytes (see `container.ts`), one at a time, in memory that is used again. */
import { Writer } from '../base/bytes.js';
import { writeUint } from '../base/msgpack.js';
import { entryChecksum } from './container.js';
import { type EntryHead, headForm } from './entry.js';

/** The position of steps in the form of heads. */
const STEP = 0;

export class EntryWriter {
  readonly #writer = new Writer();

  #begin(): Writer {
    const writer = this.#writer;
    writer.begin();
    writer.reserve(4);
    writer.position += 4;
    return writer;
  }

  /** A view that holds until the next call. `rest` writes what follows the head. */
  entry(sequence: number, head: EntryHead, rest: (to: Writer) => void = () => undefined): Uint8Array {
    const writer = this.#begin();
    headForm.write(writer, head);
    rest(writer);
    return this.end(sequence);
  }

  /** Begins a step, as its form says, and without it: nothing else is written so often. Its event follows. */
  beginStep(track: number, isMoreComing: boolean, isDeep: boolean, digest: number): Writer {
    const writer = this.#begin();
    writer.reserve(21);
    writer.byte(STEP);
    writeUint(writer, track);
    writer.byte(isMoreComing ? 1 : 0);
    writer.byte(isDeep ? 1 : 0);
    writeUint(writer, digest);
    return writer;
  }

  /** Ends what was begun: framed, a view that holds until the next call. */
  end(sequence: number): Uint8Array {
    const writer = this.#writer;
    const sum = entryChecksum(sequence, writer.bytes, writer.start + 4, writer.position);
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
