/**
 * Grammar of keys and values in the notation (`notation.ts`). After a fault of the scanner the result is
 * some value of the type, and means nothing.
 */
import { intKey, type Key, nullKey, objectIdKey, stringKey, uuidKey } from './key.js';
import type { Scanner } from './scan.js';
import {
  binary,
  decimal,
  dictionary,
  doubleFromBits,
  erased,
  type Float,
  float,
  floatFromBits,
  link,
  list,
  type OddNaN,
  objectId,
  objectValue,
  type Payload,
  set,
  type Timestamp,
  timestamp,
  uuid,
} from './value.js';

const INT64_MIN = -(2n ** 63n);
const INT64_MAX = 2n ** 63n - 1n;
/** What `NaN` stands for; the engine's own choice of bits may differ between machines. */
const ORDINARY_FLOAT_NAN = 0x7fc00000;

const isObjectId = (token: string): boolean => /^[0-9a-f]{24}$/.test(token);
const isUuid = (token: string): boolean => /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(token);
const isDecimal = (token: string): boolean => /^[0-9a-f]{32}$/.test(token);
const isHex = (token: string): boolean => token.length % 2 === 0 && !/[^0-9a-f]/.test(token);
const isGlobal = (token: string): boolean =>
  /^(?:0|[1-9a-f][0-9a-f]{0,15})-(?:0|[1-9a-f][0-9a-f]{0,15})$/.test(token);

/** A decimal that does not overflow when rounded, or one of the words for what no decimal says. */
const isNumber = (token: string, round: (value: number) => number): boolean =>
  /^(?:NaN|-?Infinity)$/.test(token) ||
  (/^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?$/.test(token) &&
    Number.isFinite(round(Number(token))));
const isFloat = (token: string): boolean => /^0x[0-9a-f]{8}$/.test(token) || isNumber(token, Math.fround);
const isDouble = (token: string): boolean =>
  /^0x[0-9a-f]{16}$/.test(token) || isNumber(token, (value) => value);

const objectIdHex = (scanner: Scanner): string => scanner.argument(isObjectId, '24 lower-case hex digits');
const uuidHex = (scanner: Scanner): string =>
  scanner.argument(isUuid, 'lower-case hex digits in groups of 8-4-4-4-12').replaceAll('-', '');

/** A 64-bit signed integer. */
export const readInt = (scanner: Scanner, expected: string): bigint =>
  scanner.integer(INT64_MIN, INT64_MAX, expected);

export const readKey = (scanner: Scanner): Key => {
  if (scanner.peek('"')) return stringKey(scanner.string());
  if (scanner.acceptWord('null')) return nullKey;
  if (scanner.acceptWord('objectId')) return objectIdKey(objectIdHex(scanner));
  if (scanner.acceptWord('uuid')) return uuidKey(uuidHex(scanner));
  if (scanner.acceptWord('global')) {
    return `g${scanner.argument(isGlobal, 'two numbers of 64 bits as hi-lo, in lower-case hex')}` as Key;
  }
  return intKey(
    readInt(scanner, 'a key: null, an integer of 64 bits, "text", objectId(…), uuid(…) or global(…)'),
  );
};

const readFloat = (scanner: Scanner): Float => {
  const token = scanner.argument(isFloat, 'a number within the range of floats, or 0x and 8 hex digits');
  if (token === 'NaN') return floatFromBits(ORDINARY_FLOAT_NAN);
  return token.startsWith('0x') ? floatFromBits(Number(token)) : float(Number(token));
};

const readDouble = (scanner: Scanner): number | OddNaN => {
  const token = scanner.argument(isDouble, 'a number within the range of doubles, or 0x and 16 hex digits');
  return token.startsWith('0x') ? doubleFromBits(BigInt(token)) : Number(token);
};

const readBinary = (scanner: Scanner): Payload => {
  const hex = scanner.argument(isHex, 'an even number of lower-case hex digits');
  const bytes = new Uint8Array(hex.length / 2);
  for (let i = 0; i < bytes.length; i++) bytes[i] = Number.parseInt(hex.slice(2 * i, 2 * i + 2), 16);
  return binary(bytes);
};

const readTimestamp = (scanner: Scanner): Timestamp => {
  scanner.expect('(');
  const seconds = readInt(scanner, 'seconds, an integer of 64 bits');
  scanner.expect(',');
  const nanoseconds = Number(
    scanner.integer(
      seconds > 0n ? 0n : -999_999_999n,
      seconds < 0n ? 0n : 999_999_999n,
      'nanoseconds of the sign of the seconds, nearer to zero than 1000000000',
    ),
  );
  scanner.expect(')');
  return timestamp(seconds, nanoseconds);
};

const readLink = (scanner: Scanner): Payload => {
  scanner.expect('(');
  const table = scanner.name('a class name');
  scanner.expect(',');
  const key = readKey(scanner);
  scanner.expect(')');
  return link(table, key);
};

const words = new Map<string, Payload>([
  ['null', null],
  ['true', true],
  ['false', false],
  ['object', objectValue],
  ['erased', erased],
  ['list', list],
  ['dictionary', dictionary],
  ['set', set],
]);

const calls = new Map<string, (scanner: Scanner) => Payload>([
  ['double', readDouble],
  ['float', readFloat],
  ['binary', readBinary],
  ['timestamp', readTimestamp],
  ['decimal', (scanner) => decimal(scanner.argument(isDecimal, '32 lower-case hex digits'))],
  ['objectId', (scanner) => objectId(objectIdHex(scanner))],
  ['uuid', (scanner) => uuid(uuidHex(scanner))],
  ['link', readLink],
]);

/** A value or a marker. */
export const readPayload = (scanner: Scanner): Payload => {
  if (scanner.peek('"')) return scanner.string();
  const word = scanner.peekWord();
  const constant = words.get(word);
  if (constant !== undefined) {
    scanner.accept(word);
    return constant;
  }
  const call = calls.get(word);
  if (call !== undefined) {
    scanner.accept(word);
    return call(scanner);
  }
  return readInt(
    scanner,
    'a value: an integer of 64 bits, "text", null, true, false, double(…), float(…), decimal(…), binary(…), ' +
      'timestamp(…), objectId(…), uuid(…), link(…), object, erased, list, dictionary or set',
  );
};
