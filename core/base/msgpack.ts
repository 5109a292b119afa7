/**
 * The few MessagePack forms that envelopes and messages are made of, in the bytes that msgpackr gives them:
 * integers from 0 to 2^53 - 1 (in the shortest form up to 32 bits, as a float beyond), booleans, heads of arrays,
 * of binaries and of strings.
 * Other forms of the same thing are refused as not canonical.
 */
import type { Reader, Writer } from './bytes.js';
import { refuse } from './decode-error.js';

const FALSE = 0xc2;
const TRUE = 0xc3;
const FLOAT_64 = 0xcb;
const UINT_8 = 0xcc;
const UINT_16 = 0xcd;
const UINT_32 = 0xce;
const BIN_8 = 0xc4;
const BIN_16 = 0xc5;
const BIN_32 = 0xc6;
const FIX_STR = 0xa0;
const STR_8 = 0xd9;
const STR_16 = 0xda;
const STR_32 = 0xdb;
const FIX_ARRAY = 0x90;
const ARRAY_16 = 0xdc;
const ARRAY_32 = 0xdd;

/** Takes up to 9 bytes. Throws where `value` is no integer from 0 to 2^53 - 1. */
export const writeUint = (writer: Writer, value: number): void => {
  if (value >>> 0 !== value) {
    if (!Number.isSafeInteger(value) || value < 0)
      throw new Error(`${value} is not an integer from 0 to 2^53 - 1`);
    writer.byte(FLOAT_64);
    writer.float64(value);
  } else if (value < 0x80) {
    writer.byte(value);
  } else if (value < 0x100) {
    writer.byte(UINT_8);
    writer.byte(value);
  } else if (value < 0x10000) {
    writer.byte(UINT_16);
    writer.uint16(value);
  } else {
    writer.byte(UINT_32);
    writer.uint32(value);
  }
};

export const readUint = (reader: Reader, what: string): number => {
  const start = reader.position;
  const token = reader.byte();
  if (token < 0x80) return token;
  switch (token) {
    case UINT_8:
      return atLeast(reader.byte(), 0x80, start);
    case UINT_16:
      return atLeast(reader.uint16(), 0x100, start);
    case UINT_32:
      return atLeast(reader.uint32(), 0x10000, start);
    case FLOAT_64:
      return readLargeUint(reader, start, what);
    default:
      return refuse(
        'malformed',
        start,
        `${describe(token)} for ${what}: expected an integer from 0 to 2^53 - 1`,
      );
  }
};

const scratch = new DataView(new ArrayBuffer(8));

const readLargeUint = (reader: Reader, start: number, what: string): number => {
  scratch.setUint32(0, reader.uint32());
  scratch.setUint32(4, reader.uint32());
  const value = scratch.getFloat64(0);
  if (value <= 0xffffffff || !Number.isSafeInteger(value)) {
    refuse('malformed', start, `${value} as a double for ${what}: expected an integer from 2^32 to 2^53 - 1`);
  }
  return value;
};

export const writeBool = (writer: Writer, value: boolean): void => writer.byte(value ? TRUE : FALSE);

export const readBool = (reader: Reader, what: string): boolean => {
  const start = reader.position;
  const token = reader.byte();
  if (token === TRUE || token === FALSE) return token === TRUE;
  return refuse('malformed', start, `${describe(token)} for ${what}: expected true or false`);
};

/** Takes up to 5 bytes. */
export const writeArrayHead = (writer: Writer, length: number): void => {
  if (length < 0x10) writer.byte(FIX_ARRAY | length);
  else if (length < 0x10000) {
    writer.byte(ARRAY_16);
    writer.uint16(length);
  } else {
    writer.byte(ARRAY_32);
    writer.uint32(length);
  }
};

/** The length that the head of an array gives. Bytes for that many elements may not be there. */
export const readArrayHead = (reader: Reader, what: string): number => {
  const start = reader.position;
  const token = reader.byte();
  if ((token & 0xf0) === FIX_ARRAY) return token & 0x0f;
  if (token === ARRAY_16) return atLeast(reader.uint16(), 0x10, start);
  if (token === ARRAY_32) return atLeast(reader.uint32(), 0x10000, start);
  return refuse('malformed', start, `${describe(token)} for ${what}: expected an array`);
};

/** Bytes that the head of a binary of this size takes. */
export const binHeadSize = (size: number): 2 | 3 | 5 => (size < 0x100 ? 2 : size < 0x10000 ? 3 : 5);

export const writeBinHead = (writer: Writer, size: number): void => {
  if (size < 0x100) {
    writer.byte(BIN_8);
    writer.byte(size);
  } else if (size < 0x10000) {
    writer.byte(BIN_16);
    writer.uint16(size);
  } else {
    writer.byte(BIN_32);
    writer.uint32(size);
  }
};

/** The size that the head of a binary gives; so many bytes follow. */
export const readBinHead = (reader: Reader, what: string): number => {
  const start = reader.position;
  const token = reader.byte();
  let size: number;
  if (token === BIN_8) size = reader.byte();
  else if (token === BIN_16) size = atLeast(reader.uint16(), 0x100, start);
  else if (token === BIN_32) size = atLeast(reader.uint32(), 0x10000, start);
  else return refuse('malformed', start, `${describe(token)} for ${what}: expected a binary`);
  if (size > reader.remaining) {
    refuse('truncated', start, `${what} of ${size} bytes where ${reader.remaining} remain`);
  }
  return size;
};

/** Whether a binary comes next. */
export const isBinHead = (reader: Reader): boolean => {
  const token = reader.bytes[reader.position];
  return token === BIN_8 || token === BIN_16 || token === BIN_32;
};

/** `size` is in bytes. Takes up to 5 of them. */
export const writeStrHead = (writer: Writer, size: number): void => {
  if (size < 0x20) writer.byte(FIX_STR | size);
  else if (size < 0x100) {
    writer.byte(STR_8);
    writer.byte(size);
  } else if (size < 0x10000) {
    writer.byte(STR_16);
    writer.uint16(size);
  } else {
    writer.byte(STR_32);
    writer.uint32(size);
  }
};

/** The size in bytes that the head of a string gives; so many may not be there. */
export const readStrHead = (reader: Reader, what: string): number => {
  const start = reader.position;
  const token = reader.byte();
  if ((token & 0xe0) === FIX_STR) return token & 0x1f;
  if (token === STR_8) return atLeast(reader.byte(), 0x20, start);
  if (token === STR_16) return atLeast(reader.uint16(), 0x100, start);
  if (token === STR_32) return atLeast(reader.uint32(), 0x10000, start);
  return refuse('malformed', start, `${describe(token)} for ${what}: expected a string`);
};

/** A number that has come in a form that is for numbers from `least` on. */
const atLeast = (value: number, least: number, start: number): number =>
  value >= least ? value : refuse('notCanonical', start, `${value} in a form for ${least} and more`);

const describe = (token: number): string => `MessagePack token 0x${token.toString(16).padStart(2, '0')}`;
