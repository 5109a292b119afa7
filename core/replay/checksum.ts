/**
 * 32 bits that tell whether bytes, or a sequence of words, texts and bytes, are what they were: one
 * multiplication a word, since it is made of everything that is recorded. It finds mistakes and torn writes,
 * not forgery.
 *
 * A sum is a number that is handed on, from `begun` to `done`: `done(withWord(begun(0), 7))`.
 */
const PRIME = 0x9e3779b1 | 0;
const START = 0x243f6a88;

export const begun = (seed: number): number => seed ^ START;

/** Of an integer its low 32 bits count. */
export const withWord = (sum: number, word: number): number => {
  const mixed = Math.imul(sum ^ word, PRIME);
  return mixed ^ (mixed >>> 15);
};

/** Any number, by its 64 bits. */
export const withNumber = (sum: number, value: number): number => {
  if ((value | 0) === value) return withWord(sum, value);
  scratch.setFloat64(0, value);
  return withWord(withWord(sum, scratch.getInt32(0)), scratch.getInt32(4));
};

export const withText = (sum: number, text: string): number => {
  let mixed = withWord(sum, text.length);
  for (let i = 0; i < text.length; i++) mixed = withWord(mixed, text.charCodeAt(i));
  return mixed;
};

/** The bytes in [start, end). In two lanes, so that one multiplication need not wait for the other. */
export const withBytes = (sum: number, bytes: Uint8Array, start = 0, end = bytes.length): number => {
  let even = Math.imul(sum ^ (end - start), PRIME);
  let odd = START;
  let p = start;
  for (; p + 8 <= end; p += 8) {
    even ^=
      (bytes[p] as number) |
      ((bytes[p + 1] as number) << 8) |
      ((bytes[p + 2] as number) << 16) |
      ((bytes[p + 3] as number) << 24);
    odd ^=
      (bytes[p + 4] as number) |
      ((bytes[p + 5] as number) << 8) |
      ((bytes[p + 6] as number) << 16) |
      ((bytes[p + 7] as number) << 24);
    even = Math.imul(even, PRIME);
    odd = Math.imul(odd, PRIME);
    even ^= even >>> 15;
    odd ^= odd >>> 15;
  }
  for (; p < end; p++) {
    even = Math.imul(even ^ (bytes[p] as number), PRIME);
    even ^= even >>> 15;
  }
  return withWord(even, odd);
};

/** An integer from 0 to 2^32 - 1. */
export const done = (sum: number): number => {
  const mixed = Math.imul(sum ^ (sum >>> 16), 0x85ebca6b);
  return (mixed ^ (mixed >>> 13)) >>> 0;
};

const scratch = new DataView(new ArrayBuffer(8));
