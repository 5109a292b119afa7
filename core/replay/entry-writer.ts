/** Entries as bytes (see `container.ts`), one at a time, in memory that is used again: no entry allocates. */
import { Writer } from '../base/bytes.js';
import { writeUint } from '../base/msgpack.js';
import { entryChecksum } from './container.js';
import { type EntryHead, headForm } from './entry.js';

/** The position of steps in the form of heads. */
const STEP = 0;

export class EntryWriter {
  readonly #writer = new Writer();

  /** Where the entry is that was made last: [start, end), until the next one is begun. */
  get bytes(): Uint8Array {
    return this.#writer.bytes;
  }

  get start(): number {
    return this.#writer.start;
  }

  get end(): number {
    return this.#writer.position;
  }

  #begin(): Writer {
    const writer = this.#writer;
    writer.begin();
    writer.reserve(4);
    writer.position += 4;
    return writer;
  }

  /** Makes an entry, and answers its size. `rest` writes what follows the head. */
  entry(sequence: number, head: EntryHead, rest: (to: Writer) => void = () => undefined): number {
    const writer = this.#begin();
    headForm.write(writer, head);
    rest(writer);
    return this.finish(sequence);
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

  /** Ends what was begun, and answers its size. */
  finish(sequence: number): number {
    const writer = this.#writer;
    const sum = entryChecksum(sequence, writer.bytes, writer.start + 4, writer.position);
    writer.reserve(4);
    writer.uint32(sum);
    const size = writer.length;
    const end = writer.position;
    writer.position = writer.start;
    writer.uint32(size - 8);
    writer.position = end;
    return size;
  }
}
