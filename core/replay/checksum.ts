/**
 * 32 bits that tell whether bytes, or a sequence of words, texts and bytes, are what they were: one
 * multiplication a word, since it is made of everything that is recorded. It finds mistakes and torn writes,
 * not forgery.
 */
const PRIME = 0x9e3779b1 | 0;
const START = 0x243f6a88;

export class Checksum {
  #hash: number;

  constructor(seed = 0) {
    this.#hash = seed ^ START;
  }

  /** As a new one. */
  begin(seed = 0): void {
    this.#hash = seed ^ START;
  }

  word(word: number): void {
    const mixed = Math.imul(this.#hash ^ word, PRIME);
    this.#hash = mixed ^ (mixed >>> 15);
  }

  /** Any number, by its 64 bits. */
  number(value: number): void {
    if ((value | 0) === value) {
      this.word(value);
      return;
    }
    scratch.setFloat64(0, value);
    this.word(scratch.getInt32(0));
    this.word(scratch.getInt32(4));
  }

  text(text: string): void {
    this.word(text.length);
    for (let i = 0; i < text.length; i++) this.word(text.charCodeAt(i));
  }

  /** The bytes in [start, end). */
  bytes(bytes: Uint8Array, start = 0, end = bytes.length): void {
    let hash = Math.imul(this.#hash ^ (end - start), PRIME);
    let p = start;
    for (; p + 4 <= end; p += 4) {
      const word =
        (bytes[p] as number) |
        ((bytes[p + 1] as number) << 8) |
        ((bytes[p + 2] as number) << 16) |
        ((bytes[p + 3] as number) << 24);
      hash = Math.imul(hash ^ word, PRIME);
      hash ^= hash >>> 15;
    }
    for (; p < end; p++) {
      hash = Math.imul(hash ^ (bytes[p] as number), PRIME);
      hash ^= hash >>> 15;
    }
    this.#hash = hash;
  }

  /** Of all that came so far: an integer from 0 to 2^32 - 1. */
  done(): number {
    const mixed = Math.imul(this.#hash ^ (this.#hash >>> 16), 0x85ebca6b);
    return (mixed ^ (mixed >>> 13)) >>> 0;
  }
}

const scratch = new DataView(new ArrayBuffer(8));
