/**
 * Values of JavaScript and `bson` taken as values of the engine; the table of what is taken stands in
 * `edge.ts`. Nothing is converted that would lose something, but a number to the nearest float.
 */
import { hexOf } from '../base/bytes.js';
import { limits } from '../base/limits.js';
import { utf8Length } from '../base/utf8.js';
import { bsonTag, describeFound, isBytes, isDate } from './edge-kinds.js';
import { DoubleBits, Float, isInt64, Timestamp } from './edge-types.js';
import {
  binary,
  decimal,
  doubleFromBits,
  type Float as FloatValue,
  float,
  floatFromBits,
  objectId,
  type ScalarType,
  type Timestamp as TimestampValue,
  timestamp,
  uuid,
  type Value,
} from './value.js';

/** A value that does not fit: what it is and what was expected, in words. */
export class Mismatch {
  readonly found: string;
  readonly expected: string;

  constructor(found: string, expected: string) {
    this.found = found;
    this.expected = expected;
  }
}

type Plain = Exclude<ScalarType, 'link'>;

const expectations: Readonly<Record<Plain, string>> = {
  bool: 'a boolean',
  int: 'an integer within 64 bits: a safe number, a bigint, or a bson Long or Int32',
  double: 'a number or a bson Double',
  float: 'a number, a Float or a bson Double',
  string: 'a string',
  binary: 'a Uint8Array or a bson Binary of subtype 0',
  timestamp: 'a valid Date or a Timestamp',
  decimal: 'a bson Decimal128',
  objectId: 'a bson ObjectId',
  uuid: 'a bson UUID',
};

// Each reader answers undefined for what it does not take.

const readInt = (value: unknown): bigint | undefined => {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : undefined;
  if (typeof value === 'bigint') return isInt64(value) ? value : undefined;
  if (typeof value !== 'object' || value === null) return undefined;
  const tag = bsonTag(value);
  if (tag === 'Int32' && 'value' in value && typeof value.value === 'number') return readInt(value.value);
  if (tag !== 'Long' || !('low' in value && 'high' in value)) return undefined;
  const { low, high } = value;
  if (typeof low !== 'number' || typeof high !== 'number') return undefined;
  const bits = (BigInt(high | 0) << 32n) | BigInt(low >>> 0);
  const isUnsigned = 'unsigned' in value && value.unsigned === true;
  return isUnsigned && bits < 0n ? undefined : bits;
};

const readBsonDouble = (value: unknown): number | undefined =>
  typeof value === 'object' &&
  value !== null &&
  bsonTag(value) === 'Double' &&
  'value' in value &&
  typeof value.value === 'number'
    ? value.value
    : undefined;

const readDouble = (value: unknown): Value | undefined => {
  if (typeof value === 'number') return value;
  if (value instanceof DoubleBits) return doubleFromBits(BigInt.asUintN(64, value.bits));
  return readBsonDouble(value);
};

const readFloat = (value: unknown): FloatValue | undefined => {
  if (value instanceof Float) return floatFromBits(value.bits);
  const number = typeof value === 'number' ? value : readBsonDouble(value);
  return number === undefined ? undefined : float(number);
};

const readTimestamp = (value: unknown): TimestampValue | undefined => {
  if (value instanceof Timestamp) {
    const { seconds, nanoseconds } = value;
    if (typeof seconds !== 'bigint' || !isInt64(seconds) || !Number.isInteger(nanoseconds)) return undefined;
    if (Math.abs(nanoseconds) >= 1e9) return undefined;
    if ((seconds > 0n && nanoseconds < 0) || (seconds < 0n && nanoseconds > 0)) return undefined;
    // No negative zero.
    return timestamp(seconds, nanoseconds + 0);
  }
  if (typeof value !== 'object' || value === null || !isDate(value)) return undefined;
  const ms = value.getTime();
  if (Number.isNaN(ms)) return undefined;
  return timestamp(BigInt(Math.trunc(ms / 1000)), (ms % 1000) * 1e6 + 0);
};

/** Content of a bson Binary, which may be shorter than its buffer. */
const readBsonBinary = (
  value: object,
): { readonly bytes: Uint8Array; readonly subtype: number } | undefined => {
  if (bsonTag(value) !== 'Binary' || !('buffer' in value && 'sub_type' in value)) return undefined;
  const { buffer, sub_type: subtype } = value;
  if (typeof buffer !== 'object' || buffer === null || !isBytes(buffer)) return undefined;
  if (typeof subtype !== 'number') return undefined;
  const length = 'position' in value && typeof value.position === 'number' ? value.position : buffer.length;
  return { bytes: buffer.subarray(0, length), subtype };
};

const readBinary = (value: unknown): Value | undefined => {
  if (typeof value !== 'object' || value === null) return undefined;
  if (isBytes(value)) return binary(new Uint8Array(value));
  const content = readBsonBinary(value);
  return content?.subtype === 0 ? binary(new Uint8Array(content.bytes)) : undefined;
};

const readUuid = (value: unknown): Value | undefined => {
  if (typeof value !== 'object' || value === null) return undefined;
  const content = readBsonBinary(value);
  return content?.subtype === 4 && content.bytes.length === 16 ? uuid(hexOf(content.bytes)) : undefined;
};

const readObjectId = (value: unknown): Value | undefined => {
  if (typeof value !== 'object' || value === null || bsonTag(value) !== 'ObjectId') return undefined;
  if (!('toHexString' in value) || typeof value.toHexString !== 'function') return undefined;
  const hex: unknown = value.toHexString();
  return typeof hex === 'string' && /^[0-9a-f]{24}$/i.test(hex) ? objectId(hex.toLowerCase()) : undefined;
};

const readDecimal = (value: unknown): Value | undefined => {
  if (typeof value !== 'object' || value === null || bsonTag(value) !== 'Decimal128') return undefined;
  if (!('bytes' in value) || typeof value.bytes !== 'object' || value.bytes === null) return undefined;
  if (!isBytes(value.bytes) || value.bytes.length !== 16) return undefined;
  // bson keeps the least significant byte first.
  return decimal(hexOf(Uint8Array.from(value.bytes).reverse()));
};

const readPlain = (type: Plain, value: unknown): Value | undefined => {
  switch (type) {
    case 'bool':
      return typeof value === 'boolean' ? value : undefined;
    case 'int':
      return readInt(value);
    case 'double':
      return readDouble(value);
    case 'float':
      return readFloat(value);
    case 'string':
      return typeof value === 'string' ? value : undefined;
    case 'binary':
      return readBinary(value);
    case 'timestamp':
      return readTimestamp(value);
    case 'decimal':
      return readDecimal(value);
    case 'objectId':
      return readObjectId(value);
    case 'uuid':
      return readUuid(value);
  }
};

/** Strings and binaries have a limit, far above what anybody should store. */
const tooLong = (value: Value): Mismatch | null => {
  const size =
    typeof value === 'string'
      ? value.length * 3 <= limits.valueBytes
        ? 0
        : utf8Length(value)
      : typeof value === 'object' && value?.type === 'binary'
        ? value.bytes.length
        : 0;
  return size <= limits.valueBytes
    ? null
    : new Mismatch(`a value of ${size} bytes`, `at most ${limits.valueBytes} bytes`);
};

/** A value of one type; never null. */
export const fromEdge = (type: Plain, value: unknown): Value | Mismatch => {
  const read = readPlain(type, value);
  if (read === undefined) return new Mismatch(describeFound(value), `${type} (${expectations[type]})`);
  return tooLong(read) ?? read;
};

/** A value that a mixed property can hold, other than null, links and collections. */
export const mixedFromEdge = (value: unknown): Value | Mismatch => {
  switch (typeof value) {
    case 'number':
      return new Mismatch(
        `the bare number ${value}`,
        'a number whose type can be told: int(…), double(…), float(…), a bigint, or a bson Double, Int32 or Long',
      );
    case 'bigint':
      return fromEdge('int', value);
    case 'boolean':
      return value;
    case 'string':
      return tooLong(value) ?? value;
    default:
  }
  const read =
    readInt(value) ??
    readDouble(value) ??
    (value instanceof Float ? readFloat(value) : undefined) ??
    readTimestamp(value) ??
    readObjectId(value) ??
    readUuid(value) ??
    readBinary(value) ??
    readDecimal(value);
  if (read === undefined) return new Mismatch(describeFound(value), 'a value that mixed can hold');
  return tooLong(read) ?? read;
};
