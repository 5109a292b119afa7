/**
 * Passing over what a scan does not need to know. All of these answer the offset behind what they pass over,
 * or -1 where it is not good, not known at a glance, or longer than what is there. `bytes` goes on behind
 * `end` for as long as anything short could reach.
 *
 * Format: `core/model/codec-format.ts`.
 */
import { limits } from '../base/limits.js';
import { findBadUtf8 } from '../base/utf8.js';
import * as format from '../model/codec-format.js';

// A module's own constants cost nothing, whereas imported ones are looked up whenever they are used.
const {
  TAG_BINARY,
  TAG_DECIMAL,
  TAG_DOUBLE,
  TAG_FALSE,
  TAG_FLOAT,
  TAG_INT,
  TAG_MASK,
  TAG_NULL,
  TAG_OBJECT_ID,
  TAG_STRING,
  TAG_TRUE,
  TAG_UUID,
} = format;

/**
 * A varint that says how much comes, or which of what was met before; -1 where it is longer than four bytes, or
 * longer than it need be. `varintSize` tells how long it is.
 */
export const varintAt = (bytes: Uint8Array, start: number): number => {
  const first = bytes[start] as number;
  if (first < 0x80) return first;
  let value = first & 0x7f;
  for (let i = 1; i < 4; i++) {
    const byte = bytes[start + i] as number;
    value |= (byte & 0x7f) << (7 * i);
    if (byte < 0x80) return byte === 0 ? -1 : value;
  }
  return -1;
};

/** How many bytes the shortest form of a varint takes. */
export const varintSize = (value: number): number =>
  value < 0x80 ? 1 : value < 0x4000 ? 2 : value < 0x200000 ? 3 : 4;

/** Integers of up to nine bytes; longer ones are for the decoder. */
export const integerEnd = (bytes: Uint8Array, start: number): number => {
  let byte = bytes[start] as number;
  if (byte < 0x80) return start + 1;
  for (let p = start + 1; p < start + 9; p++) {
    byte = bytes[p] as number;
    if (byte < 0x80) return byte === 0 ? -1 : p + 1;
  }
  return -1;
};

/** A size, and as much text, which is well formed. */
export const textEnd = (bytes: Uint8Array, start: number, end: number): number => {
  const size = varintAt(bytes, start);
  if (size < 0 || size > limits.valueBytes) return -1;
  const from = start + varintSize(size);
  const to = from + size;
  if (to > end) return -1;
  let all = 0;
  for (let p = from; p < to; p++) all |= bytes[p] as number;
  return all < 0x80 || findBadUtf8(bytes, from, to) < 0 ? to : -1;
};

/** Bytes behind the tag of a value, where all of its type have as many; -1 where they have not, or it is no value. */
export const fixedSize = (tag: number): number => {
  switch (tag) {
    case TAG_NULL:
    case TAG_FALSE:
    case TAG_TRUE:
      return 0;
    case TAG_FLOAT:
      return 4;
    case TAG_DOUBLE:
      return 8;
    case TAG_OBJECT_ID:
      return 12;
    case TAG_DECIMAL:
    case TAG_UUID:
      return 16;
    default:
      return -1;
  }
};

/** A payload that stands alone, and is no timestamp. */
export const valueEnd = (bytes: Uint8Array, start: number, end: number): number => {
  const p = start + 1;
  const tag = (bytes[start] as number) & TAG_MASK;
  switch (tag) {
    case TAG_INT:
      return integerEnd(bytes, p);
    case TAG_STRING:
      return textEnd(bytes, p, end);
    case TAG_BINARY: {
      const size = varintAt(bytes, p);
      return size < 0 || size > limits.valueBytes ? -1 : p + varintSize(size) + size;
    }
    default: {
      const size = fixedSize(tag);
      return size < 0 ? -1 : p + size;
    }
  }
};
