/**
 * Where operands end in good bytes, if they stand alone: what names nothing by number can be copied to another
 * body as it is. Format: `core/model/codec-format.ts`.
 */
import * as format from '../model/codec-format.js';
import { kindNumbers } from '../model/codec-format.js';
import { fixedSize } from './quick-values.js';

// A module's own constants cost nothing, whereas imported ones are looked up whenever they are used.
const { HAS_PATH, KIND_MASK, TAG_LINK, TAG_BINARY, TAG_INT, TAG_MASK, TAG_STRING, TAG_TIMESTAMP } = format;
const {
  AddInteger: ADD_INTEGER,
  ArrayErase: ARRAY_ERASE,
  ArrayInsert: ARRAY_INSERT,
  ArrayMove: ARRAY_MOVE,
  Clear: CLEAR,
  SetErase: SET_ERASE,
  SetInsert: SET_INSERT,
  Update: UPDATE,
} = kindNumbers;

/**
 * The offset behind the path and the operand of an instruction on an object, which begin at `start`; `head` is
 * the kind, plus `HAS_PATH`. -1 where they do not stand alone.
 */
export const operandsEnd = (head: number, bytes: Uint8Array, start: number): number => {
  let p = start;
  let isIndexed = false;
  if ((head & HAS_PATH) !== 0) {
    for (let left = bytes[p++] as number; left > 0; left--) {
      // Indices are even.
      if (((bytes[p] as number) & 1) !== 0) return -1;
      p = varintEnd(bytes, p);
    }
    isIndexed = true;
  }
  switch (head & KIND_MASK) {
    case UPDATE:
      return payloadEnd(bytes, isIndexed ? varintEnd(bytes, p) : p);
    case ARRAY_INSERT:
      return payloadEnd(bytes, varintEnd(bytes, p));
    case SET_INSERT:
    case SET_ERASE:
      return payloadEnd(bytes, p);
    case ARRAY_MOVE:
      return varintEnd(bytes, varintEnd(bytes, p));
    case ARRAY_ERASE:
    case ADD_INTEGER:
      return varintEnd(bytes, p);
    case CLEAR:
      return p + 1;
    default:
      return p;
  }
};

const payloadEnd = (bytes: Uint8Array, start: number): number =>
  ((bytes[start] as number) & TAG_MASK) === TAG_LINK ? -1 : operandEnd(bytes, start);

/** The offset behind the value that begins at `start`, which is no link. */
export const operandEnd = (bytes: Uint8Array, start: number): number => {
  let p = start + 1;
  const tag = (bytes[start] as number) & TAG_MASK;
  switch (tag) {
    case TAG_INT:
      return varintEnd(bytes, p);
    case TAG_STRING:
    case TAG_BINARY: {
      let size = 0;
      let weight = 1;
      let byte = bytes[p++] as number;
      while (byte > 0x7f) {
        size += (byte & 0x7f) * weight;
        weight *= 0x80;
        byte = bytes[p++] as number;
      }
      return p + size + byte * weight;
    }
    case TAG_TIMESTAMP:
      return varintEnd(bytes, varintEnd(bytes, p));
    default:
      // What is no value is a marker, and has nothing behind its tag either.
      return p + Math.max(0, fixedSize(tag));
  }
};

const varintEnd = (bytes: Uint8Array, start: number): number => {
  let p = start;
  while ((bytes[p] as number) > 0x7f) p++;
  return p + 1;
};
