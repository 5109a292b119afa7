/**
 * The fields of one message, read one after the other. Every method refuses (see `core/base/decode-error.ts`) a
 * field that is missing or of another type.
 */
import { isRight, left } from 'fp-ts/lib/Either.js';
import { Reader } from '../base/bytes.js';
import { type DecodeErrorCode, refuse, within } from '../base/decode-error.js';
import { limits } from '../base/limits.js';
import { findBadUtf8, readUtf8 } from '../base/utf8.js';
import type { Changeset } from '../model/changeset.js';
import { decodeBody } from '../model/codec.js';
import { scanBody } from '../model/codec-scan.js';
import type { DamagedChangeset, Upload } from './messages.js';
import { isPlainText, pack, requireCanonical, unpack } from './packer.js';

/** The fields of the message that takes all of `bytes`. */
export const fieldsOf = (bytes: Uint8Array): Fields => {
  const { value, offsets } = unpack(bytes);
  requireCanonical(bytes, pack(value));
  return Array.isArray(value)
    ? new Fields(bytes, offsets, value, 1)
    : refuse('malformed', 0, `${describe(value)} for a message: expected an array`);
};

export class Fields {
  readonly #bytes: Uint8Array;
  readonly #offsets: readonly number[];
  readonly #values: readonly unknown[];
  /** Place of the first value among the offsets. Those of the others follow: only the last has parts. */
  readonly #first: number;
  #next = 0;

  constructor(bytes: Uint8Array, offsets: readonly number[], values: readonly unknown[], first: number) {
    this.#bytes = bytes;
    this.#offsets = offsets;
    this.#values = values;
    this.#first = first;
  }

  uint(what: string): number {
    const value = this.#take(what);
    return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
      ? value
      : this.#mistyped(value, what, 'an integer from 0 to 2^53 - 1');
  }

  bool(what: string): boolean {
    const value = this.#take(what);
    return typeof value === 'boolean' ? value : this.#mistyped(value, what, 'true or false');
  }

  text(what: string): string {
    const value = this.#take(what);
    if (typeof value === 'string') return value;
    if (!(value instanceof Uint8Array)) return this.#mistyped(value, what, 'a string');
    const bad = findBadUtf8(value, 0, value.length);
    if (bad >= 0) refuse('badText', this.#startOf(value) + bad, `${what} is not well-formed UTF-8`);
    const text = readUtf8(value, 0, value.length);
    return isPlainText(text)
      ? this.fail('notCanonical', `${what} as a binary where a string would do`)
      : text;
  }

  /** As many changesets as the field has, with bodies of up to `most` bytes, together within `limits`. */
  changesets(most: number): Changeset[] {
    const changesets: Changeset[] = [];
    let room: number = limits.messageInstructions;
    for (const fields of this.#changesetFields()) {
      const { body, ...numbers } = fields.#changeset();
      if (body.length > most) fields.fail('tooLarge', tooLong(body, most));
      const packed = within(this.#startOf(body), () => scanBody(new Reader(body)));
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
    for (const fields of this.#changesetFields()) {
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

  get hasMore(): boolean {
    return this.#next < this.#values.length;
  }

  /** Refuses what comes after the last field. */
  end(): void {
    const extra = this.#values.length - this.#next;
    if (extra > 0) {
      refuse('trailing', this.#offsets[this.#first + this.#next] ?? 0, `${extra} fields more than expected`);
    }
  }

  /** Refuses for what the last field holds. */
  fail(code: DecodeErrorCode, message: string): never {
    return refuse(code, this.#offsets[this.#first + this.#next - 1] ?? 0, message);
  }

  /** The fields of each changeset. */
  #changesetFields(): Fields[] {
    const value = this.#take('the changesets');
    if (!Array.isArray(value)) return this.#mistyped(value, 'the changesets', 'an array');
    const list: readonly unknown[] = value;
    if (list.length > limits.messageChangesets) {
      this.fail('tooLarge', `${list.length} changesets: expected at most ${limits.messageChangesets}`);
    }
    let first = this.#first + this.#next;
    return list.map((parts) => {
      const at = first;
      if (!Array.isArray(parts)) {
        return refuse(
          'malformed',
          this.#offsets[at] ?? 0,
          `${describe(parts)} for a changeset: expected an array`,
        );
      }
      first += 1 + parts.length;
      return new Fields(this.#bytes, this.#offsets, parts, at + 1);
    });
  }

  #changeset(): DamagedChangeset {
    const version = this.uint('the version of a changeset');
    const base = this.uint('the base version of a changeset');
    const timestamp = this.uint('the timestamp of a changeset');
    const origin = this.uint('the origin of a changeset');
    const body = this.#take(BODY);
    if (!(body instanceof Uint8Array)) return this.#mistyped(body, BODY, 'a binary');
    this.end();
    return { version, base, timestamp, origin, body };
  }

  #roomAfter(count: number, room: number): number {
    if (count > room) {
      this.fail('tooLarge', `more than ${limits.messageInstructions} instructions in one message`);
    }
    return room - count;
  }

  #take(what: string): unknown {
    const value = this.#values[this.#next++];
    return value === undefined ? this.#missing(what) : value;
  }

  #missing(what: string): never {
    return refuse('malformed', this.#offsets[this.#first - 1] ?? 0, `nothing for ${what}`);
  }

  #mistyped(value: unknown, what: string, expected: string): never {
    return this.fail('malformed', `${describe(value)} for ${what}: expected ${expected}`);
  }

  #startOf(view: Uint8Array): number {
    return view.byteOffset - this.#bytes.byteOffset;
  }
}

const BODY = 'the instructions of a changeset';

const tooLong = (body: Uint8Array, most: number): string =>
  `${BODY} of ${body.length} bytes: expected at most ${most}`;

const describe = (value: unknown): string => {
  if (value === null) return 'null';
  if (Array.isArray(value)) return `an array of ${value.length}`;
  if (value instanceof Uint8Array) return `a binary of ${value.length} bytes`;
  if (value instanceof Map) return 'a map';
  if (typeof value === 'object') return 'an extension';
  return typeof value === 'string' ? 'a string' : String(value);
};
