/**
 * Entries as bytes (see `container.ts`): a run of blocks, in memory that is used again. No entry allocates, or is
 * copied on its way there, and checksums are made of whole blocks.
 */
import { Writer } from '../base/bytes.js';
import { writeUint } from '../base/msgpack.js';
import { blockBytes, blockHeadBytes, blockSum, entryHeadBytes } from './container.js';
import { type EntryHead, headForm } from './entry.js';

/** The position of steps in the form of heads. */
const STEP = 0;

export class EntryWriter {
  readonly #writer = new Writer();
  #sequence = 0;
  /** Bytes of the run that are kept; where its open block begins, and the entry that was made last. */
  #kept = 0;
  #block = 0;
  #entry = 0;

  /** Begins a run of that segment. The last one is written over. */
  begin(sequence: number): void {
    this.#writer.begin();
    this.#sequence = sequence;
    this.#kept = 0;
    this.#block = 0;
  }

  /** Bytes of the run, without what is not kept. */
  get length(): number {
    return this.#kept;
  }

  /** Bytes of the run with the entry that was made last. */
  get lengthWithEntry(): number {
    return this.#writer.length;
  }

  /** Where the run is: [start, start + length), until more is written. Ended before. */
  get bytes(): Uint8Array {
    return this.#writer.bytes;
  }

  get start(): number {
    return this.#writer.start;
  }

  /** Begins an entry, which writes over what was made and not kept. Its body follows. */
  beginEntry(): Writer {
    const writer = this.#writer;
    writer.position = writer.start + this.#kept;
    if (this.#kept - this.#block >= blockBytes) this.#close();
    writer.reserve(blockHeadBytes + entryHeadBytes);
    if (this.#kept === this.#block) writer.position += blockHeadBytes;
    this.#entry = writer.length;
    writer.position += entryHeadBytes;
    return writer;
  }

  /** Makes an entry, and answers its size. `rest` writes what follows the head. */
  entry(head: EntryHead, rest?: (to: Writer) => void): number {
    const writer = this.beginEntry();
    headForm.write(writer, head);
    if (rest !== undefined) rest(writer);
    return this.finish();
  }

  /** Begins a step, as its form says, and without it: nothing else is written so often. Its event follows. */
  beginStep(track: number, isMoreComing: boolean, isDeep: boolean, digest: number): Writer {
    const writer = this.beginEntry();
    writer.reserve(21);
    writer.byte(STEP);
    writeUint(writer, track);
    writer.byte(isMoreComing ? 1 : 0);
    writer.byte(isDeep ? 1 : 0);
    writer.uint32(digest);
    return writer;
  }

  /** Ends what was begun, and answers its size. */
  finish(): number {
    const writer = this.#writer;
    const end = writer.position;
    const size = writer.length - this.#entry;
    writer.position = writer.start + this.#entry;
    writer.uint32(size - entryHeadBytes);
    writer.position = end;
    return size;
  }

  /** The entry that was made last is there to stay. */
  keep(): void {
    this.#kept = this.#writer.length;
  }

  #close(): void {
    const writer = this.#writer;
    const { bytes, start } = writer;
    const from = start + this.#block + blockHeadBytes;
    const end = start + this.#kept;
    writer.position = from - blockHeadBytes;
    writer.uint32(end - from);
    writer.uint32(blockSum(this.#sequence, bytes, from, end));
    writer.position = end;
    this.#block = this.#kept;
  }

  /** Ends the run; in memory, four bytes of 0 follow it. */
  end(): void {
    const writer = this.#writer;
    writer.position = writer.start + this.#kept;
    if (this.#kept > this.#block) this.#close();
    writer.reserve(4);
    writer.uint32(0);
    writer.position -= 4;
  }
}
