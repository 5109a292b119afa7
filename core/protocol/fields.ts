/**
 * The fields of one message, read one after the other: an array of MessagePack, in the one form that the engine
 * writes. Every method refuses (see `core/base/decode-error.ts`) a field that is missing or of another type, or
 * in another form.
 */
import { isRight, left } from 'fp-ts/lib/Either.js';
import { Reader } from '../base/bytes.js';
import { type DecodeErrorCode, refuse, within } from '../base/decode-error.js';
import { limits } from '../base/limits.js';
import { isBinHead, readArrayHead, readBinHead, readBool, readStrHead, readUint } from '../base/msgpack.js';
import { findBadUtf8, readUtf8 } from '../base/utf8.js';
import type { Changeset } from '../model/changeset.js';
import { decodeBody } from '../model/codec.js';
import { scanBody } from '../model/codec-scan.js';
import type { DamagedChangeset, Upload } from './messages.js';
import { isPlainText } from './text.js';

export class Fields {
  readonly #reader: Reader;
  /** Of the array. */
  readonly #start: number;
  /** Fields that were not read. */
  #left: number;
  /** Start of the last field that was. */
  #at: number;

  /** The fields of the array that begins where the reader stands; `what` names it. */
  constructor(reader: Reader, what: string) {
    this.#reader = reader;
    this.#start = reader.position;
    this.#at = reader.position;
    this.#left = readCount(reader, what);
  }

  uint(what: string): number {
    this.#begin(what);
    return readUint(this.#reader, what);
  }

  bool(what: string): boolean {
    this.#begin(what);
    return readBool(this.#reader, what);
  }

  text(what: string): string {
    this.#begin(what);
    const reader = this.#reader;
    const isBin = isBinHead(reader);
    const size = isBin ? readBinHead(reader, what) : readStrHead(reader, what);
    const start = reader.position;
    reader.skip(size, what);
    const bad = findBadUtf8(reader.bytes, start, start + size);
    if (bad >= 0) refuse('badText', bad, `${what} is not well-formed UTF-8`);
    const text = readUtf8(reader.bytes, start, start + size);
    if (isPlainText(text) === isBin) {
      this.fail(
        'notCanonical',
        isBin ? `${what} as a binary where a string would do` : `${what} as a string that is to be a binary`,
      );
    }
    return text;
  }

  /** As many changesets as the field has, with bodies of up to `most` bytes, together within `limits`. */
  changesets(most: number): Changeset[] {
    const changesets: Changeset[] = [];
    let room: number = limits.messageInstructions;
    for (let left = this.#changesetCount(); left > 0; left--) {
      const fields = new Fields(this.#reader, 'a changeset');
      const { body, ...numbers } = fields.#changeset();
      if (body.length > most) fields.fail('tooLarge', tooLong(body, most));
      const start = this.#reader.position - body.length;
      const packed = within(start, () => scanBody(new Reader(body)));
      room = fields.#roomAfter(packed.count, room);
      changesets.push({ ...numbers, instructions: packed.unpack() });
    }
    return changesets;
  }

  /** The same, but that a body which is too long or cannot be decoded ends the list and begins the other. */
  uploadedChangesets(most: number): Pick<Upload, 'changesets' | 'damaged'> {
    const changesets: Changeset[] = [];
    const damaged: DamagedChangeset[] = [];
    let reason = '';
    let room: number = limits.messageInstructions;
    for (let rest = this.#changesetCount(); rest > 0; rest--) {
      const fields = new Fields(this.#reader, 'a changeset');
      const changeset = fields.#changeset();
      const { body, ...numbers } = changeset;
      const packed =
        damaged.length > 0 || body.length > most ? left({ message: tooLong(body, most) }) : decodeBody(body);
      if (isRight(packed)) {
        room = fields.#roomAfter(packed.right.count, room);
        changesets.push({ ...numbers, instructions: packed.right.unpack() });
      } else {
        if (damaged.length === 0) reason = packed.left.message;
        damaged.push(changeset);
      }
    }
    return damaged.length === 0 ? { changesets } : { changesets, damaged: { changesets: damaged, reason } };
  }

  /** Whether there are fields that were not read. */
  get hasMore(): boolean {
    return this.#left > 0;
  }

  /** Refuses what comes after the last field. */
  end(): void {
    if (this.#left > 0) {
      refuse('trailing', this.#reader.position, `${this.#left} fields more than expected`);
    }
  }

  /** Refuses for what the last field holds. */
  fail(code: DecodeErrorCode, message: string): never {
    return refuse(code, this.#at, message);
  }

  #begin(what: string): void {
    if (this.#left === 0) refuse('malformed', this.#start, `nothing for ${what}`);
    this.#left--;
    this.#at = this.#reader.position;
  }

  #changesetCount(): number {
    this.#begin('the changesets');
    const count = readCount(this.#reader, 'the changesets');
    if (count > limits.messageChangesets) {
      this.fail('tooLarge', `${count} changesets: expected at most ${limits.messageChangesets}`);
    }
    return count;
  }

  #changeset(): DamagedChangeset {
    const version = this.uint('the version of a changeset');
    const base = this.uint('the base version of a changeset');
    const timestamp = this.uint('the timestamp of a changeset');
    const origin = this.uint('the origin of a changeset');
    this.#begin(BODY);
    const reader = this.#reader;
    const size = readBinHead(reader, BODY);
    const start = reader.position;
    reader.skip(size, BODY);
    this.end();
    return { version, base, timestamp, origin, body: reader.bytes.subarray(start, start + size) };
  }

  #roomAfter(count: number, room: number): number {
    if (count > room) {
      this.fail('tooLarge', `more than ${limits.messageInstructions} instructions in one message`);
    }
    return room - count;
  }
}

/** The head of an array whose elements, of a byte at least, can all be there. */
const readCount = (reader: Reader, what: string): number => {
  const count = readArrayHead(reader, what);
  if (count > reader.remaining) {
    refuse(
      'truncated',
      reader.position,
      `${count} elements announced where ${reader.remaining} bytes remain`,
    );
  }
  return count;
};

const BODY = 'the instructions of a changeset';

const tooLong = (body: Uint8Array, most: number): string =>
  `${BODY} of ${body.length} bytes: expected at most ${most}`;
