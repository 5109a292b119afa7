/**
 * Bytes: a writer that grows and a reader that refuses.
 *
 * Varints are unsigned LEB128: seven bits a byte, least significant first, the high bit set on all bytes
 * but the last. Only the shortest form is allowed. Signed 64-bit integers are zigzagged first, so that
 * small negative numbers stay short. Fixed-size numbers are big endian.
 */
import { refuse } from './decode-error.js';
import { findBadUtf8, utf8Length, writeUtf8 } from './utf8.js';

const CHUNK = 16 * 1024;
/** Larger results are copied out. */
const SHARED_RESULT = 1024;
/** Larger buffers are let go after use. */
const KEPT_BUFFER = 1024 * 1024;

const empty = new Uint8Array(0);
const nowhere = { bytes: empty, view: new DataView(empty.buffer) };

/**
 * Collects one run of bytes after another: `begin`, writes, `finish`. Short results are views on a chunk that
 * several results share and that is never written again, because allocating an array for each would take longer
 * than encoding a small changeset. A run that outgrows the chunk goes on in a buffer, and is copied out in the
 * end, so that no result keeps more alive than a chunk.
 *
 * Whoever writes numbers must `reserve` first: `reserve(n)` makes room for n bytes, and every method that does
 * not say otherwise relies on it.
 */
export class Writer {
  bytes: Uint8Array = nowhere.bytes;
  position = 0;
  #view: DataView = nowhere.view;
  #start = 0;
  #chunk: { readonly bytes: Uint8Array; readonly view: DataView; free: number } = { ...nowhere, free: 0 };
  #buffer: { readonly bytes: Uint8Array; readonly view: DataView } = nowhere;

  /** Drops what a run that was abandoned has left. */
  begin(): void {
    if (this.#chunk.bytes.length - this.#chunk.free < SHARED_RESULT) {
      const bytes = new Uint8Array(CHUNK);
      this.#chunk = { bytes, view: new DataView(bytes.buffer), free: 0 };
    }
    const { bytes, view, free } = this.#chunk;
    this.bytes = bytes;
    this.#view = view;
    this.#start = free;
    this.position = free;
    if (this.#buffer.bytes.length > KEPT_BUFFER) this.#buffer = nowhere;
  }

  reserve(size: number): void {
    if (this.position + size > this.bytes.length) this.#grow(size);
  }

  /** Bytes written since `begin`. */
  get length(): number {
    return this.position - this.#start;
  }

  /** Offset into `bytes` of the first byte since `begin`; growing moves it. */
  get start(): number {
    return this.#start;
  }

  finish(): Uint8Array {
    const { bytes, position } = this;
    const start = this.#start;
    if (bytes !== this.#chunk.bytes || position - start > SHARED_RESULT) return bytes.slice(start, position);
    this.#chunk.free = position;
    return bytes.subarray(start, position);
  }

  byte(value: number): void {
    this.bytes[this.position++] = value;
  }

  /** An integer from 0 to 2^35 - 1. Takes up to 5 bytes. */
  varint(value: number): void {
    let rest = value;
    if (rest > 0x7fffffff) {
      this.bytes[this.position++] = 0x80 | (rest & 0x7f);
      rest = Math.floor(rest / 0x80);
    }
    while (rest > 0x7f) {
      this.bytes[this.position++] = 0x80 | (rest & 0x7f);
      rest >>>= 7;
    }
    this.bytes[this.position++] = rest;
  }

  /** An integer from -2^63 to 2^63 - 1, zigzagged. Takes up to 10 bytes. Throws beyond. */
  signed(value: bigint): void {
    const small = Number(value);
    if (small >= -0x40000000 && small <= 0x3fffffff) this.varint((small << 1) ^ (small >> 31));
    else {
      if (BigInt.asIntN(64, value) !== value) throw new Error(`${value} is not a 64-bit integer`);
      this.unsigned(BigInt.asUintN(64, (value << 1n) ^ (value >> 63n)));
    }
  }

  /** An integer from 0 to 2^64 - 1. Takes up to 10 bytes. Throws beyond. */
  unsigned(value: bigint): void {
    if (BigInt.asUintN(64, value) !== value) throw new Error(`${value} is not an unsigned 64-bit integer`);
    let low = Number(value & 0xffffffffn);
    let high = Number(value >> 32n);
    while (high !== 0 || low > 0x7f) {
      this.bytes[this.position++] = 0x80 | (low & 0x7f);
      low = ((low >>> 7) | (high << 25)) >>> 0;
      high >>>= 7;
    }
    this.bytes[this.position++] = low;
  }

  uint16(value: number): void {
    this.#view.setUint16(this.position, value);
    this.position += 2;
  }

  uint32(value: number): void {
    this.#view.setUint32(this.position, value);
    this.position += 4;
  }

  /** All NaNs are written alike: which NaN a number is, is not observable, and must not reach the bytes. */
  float64(value: number): void {
    if (Number.isNaN(value)) {
      this.uint32(0x7ff80000);
      this.uint32(0);
      return;
    }
    this.#view.setFloat64(this.position, value);
    this.position += 8;
  }

  /** 64 bits, as they are. */
  bits64(value: bigint): void {
    this.#view.setBigUint64(this.position, value);
    this.position += 8;
  }

  /** The bytes that `text` spells from `from` on, `size` of them, in lower-case hex. Throws otherwise. */
  hex(text: string, from: number, size: number): void {
    const { bytes } = this;
    let p = this.position;
    let seen = 0;
    const end = from + 2 * size;
    for (let i = from; i < end; i += 2) {
      const a = text.charCodeAt(i);
      const b = text.charCodeAt(i + 1);
      const high = nibbles[a & 0x7f] as number;
      const low = nibbles[b & 0x7f] as number;
      seen |= high | low | ((a | b) & 0xff80);
      bytes[p++] = (high << 4) | low;
    }
    if (seen > 0xf || text.length !== end) {
      throw new Error(`expected ${2 * size} hex digits, found ${JSON.stringify(text.slice(from))}`);
    }
    this.position = p;
  }

  /** The bytes themselves. Reserves. */
  raw(bytes: Uint8Array): void {
    this.reserve(bytes.length);
    this.bytes.set(bytes, this.position);
    this.position += bytes.length;
  }

  /**
   * A varint `scale * n + shift`, where n is the number of bytes, then the text from `from` on. Reserves.
   * Gives n.
   */
  text(text: string, from: number, scale: number, shift: number): number {
    this.reserve(text.length - from + 5);
    const start = this.position;
    this.varint(scale * (text.length - from) + shift);
    const { bytes } = this;
    let p = this.position;
    for (let i = from; i < text.length; i++) {
      const unit = text.charCodeAt(i);
      if (unit > 0x7f) {
        this.position = start;
        return this.#wideText(text.slice(from), scale, shift);
      }
      bytes[p++] = unit;
    }
    this.position = p;
    return text.length - from;
  }

  #wideText(text: string, scale: number, shift: number): number {
    const length = utf8Length(text);
    this.reserve(length + 5);
    this.varint(scale * length + shift);
    this.position = writeUtf8(text, this.bytes, this.position);
    return length;
  }

  #grow(size: number): void {
    const { length } = this;
    const run = this.bytes.subarray(this.#start, this.position);
    if (this.bytes === this.#buffer.bytes || length + size > this.#buffer.bytes.length) {
      const bytes = new Uint8Array(2 * (length + size));
      this.#buffer = { bytes, view: new DataView(bytes.buffer) };
    }
    this.bytes = this.#buffer.bytes;
    this.#view = this.#buffer.view;
    this.bytes.set(run);
    this.#start = 0;
    this.position = length;
  }
}

const nibbles = new Uint8Array(128).fill(0xff);
const digits: number[] = [];
for (let i = 0; i < 16; i++) {
  const digit = i.toString(16);
  digits.push(digit.charCodeAt(0));
  nibbles[digit.charCodeAt(0)] = i;
}

/** Lower-case hex of `size` bytes, of all by default. */
export const hexOf = (bytes: Uint8Array, start = 0, size = bytes.length - start): string => {
  let text = '';
  let p = start;
  const end = start + size;
  for (; p + 4 <= end; p += 4) {
    const a = bytes[p] as number;
    const b = bytes[p + 1] as number;
    const c = bytes[p + 2] as number;
    const d = bytes[p + 3] as number;
    text += String.fromCharCode(
      digits[a >> 4] as number,
      digits[a & 15] as number,
      digits[b >> 4] as number,
      digits[b & 15] as number,
      digits[c >> 4] as number,
      digits[c & 15] as number,
      digits[d >> 4] as number,
      digits[d & 15] as number,
    );
  }
  for (; p < end; p++) {
    const a = bytes[p] as number;
    text += String.fromCharCode(digits[a >> 4] as number, digits[a & 15] as number);
  }
  return text;
};

/** The bytes that `hex` spells, two hex digits each. */
export const bytesOfHex = (hex: string): Uint8Array =>
  Uint8Array.from({ length: hex.length / 2 }, (_, i) => Number.parseInt(hex.slice(2 * i, 2 * i + 2), 16));

/** Reads from `position` on. Every method refuses (see `decode-error.ts`) what is not there or not canonical. */
export class Reader {
  readonly bytes: Uint8Array;
  position: number;
  readonly #end: number;

  constructor(bytes: Uint8Array, position = 0) {
    this.bytes = bytes;
    this.position = position;
    this.#end = bytes.length;
  }

  get remaining(): number {
    return this.#end - this.position;
  }

  byte(): number {
    if (this.position >= this.#end) return truncated(this.position, 'a byte');
    return this.bytes[this.position++] as number;
  }

  /** An integer from 0 to `most`, which is at most 2^35 - 1. */
  varint(most: number): number {
    const start = this.position;
    let value = this.byte();
    if (value > 0x7f) value = this.#longVarint(value);
    if (value > most) refuse('tooLarge', start, `${value} where at most ${most} is allowed`);
    return value;
  }

  #longVarint(first: number): number {
    let value = first & 0x7f;
    for (let weight = 0x80; ; weight *= 0x80) {
      const byte = this.byte();
      value += (byte & 0x7f) * weight;
      if (byte < 0x80) {
        if (byte === 0) overlong(this.position - 1);
        return value;
      }
      if (weight === 0x10000000) return tooLong(this.position - 1, 5);
    }
  }

  /** Passes over a 64-bit varint. */
  skipVarint64(): void {
    const start = this.position;
    let byte = this.byte();
    if (byte < 0x80) return;
    do byte = this.byte();
    while (byte > 0x7f && this.position - start < 10);
    if (byte > 0x7f || (this.position - start === 10 && byte > 1)) tooLong(this.position - 1, 10);
    if (byte === 0) overlong(this.position - 1);
  }

  /** An integer from 0 to 2^64 - 1. */
  unsigned(): bigint {
    const start = this.position;
    this.skipVarint64();
    let value = 0n;
    let p = this.position;
    while (p > start) value = (value << 7n) | BigInt((this.bytes[--p] as number) & 0x7f);
    return value;
  }

  /** An integer from -2^63 to 2^63 - 1, zigzagged. */
  signed(): bigint {
    const { bytes, position } = this;
    const a = bytes[position] as number;
    if (a < 0x80) {
      this.position++;
      return BigInt((a >>> 1) ^ -(a & 1));
    }
    const b = bytes[position + 1] as number;
    if (b < 0x80 && b !== 0) {
      this.position += 2;
      const zigzag = (a & 0x7f) | (b << 7);
      return BigInt((zigzag >>> 1) ^ -(zigzag & 1));
    }
    const zigzag = this.unsigned();
    return (zigzag >> 1n) ^ -(zigzag & 1n);
  }

  /** Passes over `size` bytes that `what` names. */
  skip(size: number, what: string): void {
    if (size > this.#end - this.position) {
      refuse('truncated', this.position, `${what} of ${size} bytes where ${this.remaining} remain`);
    }
    this.position += size;
  }

  /** Passes over `size` bytes of well-formed text. */
  skipText(size: number, what: string): void {
    const { bytes, position } = this;
    const end = position + size;
    if (end > this.#end) this.skip(size, what);
    let p = position;
    while (p < end && (bytes[p] as number) < 0x80) p++;
    if (p < end) {
      const bad = findBadUtf8(bytes, p, end);
      if (bad >= 0) refuse('badText', bad, `${what} is not well-formed UTF-8`);
    }
    this.position = end;
  }

  uint16(): number {
    return (this.byte() << 8) | this.byte();
  }

  uint32(): number {
    const p = this.position;
    this.skip(4, 'a number');
    const { bytes } = this;
    const high = ((bytes[p] as number) << 24) | ((bytes[p + 1] as number) << 16);
    return (high | ((bytes[p + 2] as number) << 8) | (bytes[p + 3] as number)) >>> 0;
  }

  bits64(): bigint {
    const high = BigInt(this.uint32());
    return (high << 32n) | BigInt(this.uint32());
  }

  /** Refuses unless everything has been read. */
  end(what: string): void {
    if (this.remaining > 0) {
      refuse('trailing', this.position, `${this.remaining} bytes after the end of ${what}`);
    }
  }
}

const truncated = (offset: number, what: string): never =>
  refuse('truncated', offset, `the bytes end where ${what} was expected`);
const overlong = (offset: number): never =>
  refuse('notCanonical', offset, 'a varint longer than its number needs');
const tooLong = (offset: number, most: number): never =>
  refuse('tooLarge', offset, `a varint longer than ${most} bytes or 64 bits`);
