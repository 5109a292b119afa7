/**
 * The edge: how values of the engine and values of JavaScript and `bson` stand for each other.
 *
 *     type        taken                                          handed out
 *     bool        boolean                                        boolean
 *     int         safe number, bigint, bson Long, Int32          number where that is safe, else bigint
 *     double      number, bson Double, DoubleBits                number (DoubleBits for odd NaNs)
 *     float       number, Float, bson Double                     number (Float for odd NaNs)
 *     string      string                                         string
 *     binary      Uint8Array, bson Binary of subtype 0           Uint8Array (a copy)
 *     timestamp   Date, Timestamp                                Date where it can hold it, else Timestamp
 *     decimal     bson Decimal128                                bson Decimal128
 *     objectId    bson ObjectId                                  bson ObjectId
 *     uuid        bson UUID                                      bson UUID
 *     in mixed    all of these but bare numbers                  as above, but int bigint, double Double,
 *                                                                float Float
 *
 * What is handed out is taken back as the same value, bit for bit. Links, embedded objects and collections
 * need the schema to be taken (`input.ts`) and the state to be handed out (`core/session/view.ts`).
 *
 * Classes of `bson` are told by their tag, not by identity: an application may have loaded another copy
 * of the package. None is ever constructed without its bytes: that would read a clock and chance.
 */
import { Decimal128, Double, ObjectId, UUID } from 'bson';
import { bytesOfHex } from '../base/bytes.js';
import { describeFound } from './edge-kinds.js';
import { fromEdge, Mismatch } from './edge-read.js';
import { DoubleBits, type EdgeKey, type EdgeScalar, Float, LinkView, Timestamp } from './edge-types.js';
import { type Key, type KeyType, keyOf, keyType, keyValue } from './key.js';
import type { TableSpec } from './schema.js';
import {
  type Float as FloatValue,
  float,
  floatToNumber,
  type Timestamp as TimestampValue,
  type Value,
} from './value.js';

const MOST_MS = 8_640_000_000_000_000n;

const timestampToEdge = ({ seconds, nanoseconds }: TimestampValue): Date | Timestamp => {
  const ms = seconds * 1000n + BigInt(Math.trunc(nanoseconds / 1e6));
  return nanoseconds % 1e6 !== 0 || ms > MOST_MS || ms < -MOST_MS
    ? new Timestamp(seconds, nanoseconds)
    : new Date(Number(ms));
};

const intToEdge = (value: bigint): number | bigint => {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
};

const ORDINARY_FLOAT_NAN = float(Number.NaN).bits;

const floatToEdge = (value: FloatValue): number | Float => {
  const number = floatToNumber(value);
  return Number.isNaN(number) && value.bits !== ORDINARY_FLOAT_NAN ? new Float(value.bits) : number;
};

/**
 * What the application gets for a value, in a property of the value's own type or in a mixed one. A link is
 * handed out whether or not its target exists.
 */
export const toEdge = (value: Value, isMixed: boolean): EdgeScalar => {
  switch (typeof value) {
    case 'bigint':
      return isMixed ? value : intToEdge(value);
    case 'number':
      return isMixed ? new Double(value) : value;
    case 'string':
    case 'boolean':
      return value;
    default:
  }
  if (value === null) return null;
  switch (value.type) {
    case 'binary':
      return new Uint8Array(value.bytes);
    case 'timestamp':
      return timestampToEdge(value);
    case 'float':
      return isMixed ? new Float(value.bits) : floatToEdge(value);
    case 'double':
      return new DoubleBits(value.bits);
    case 'decimal':
      return new Decimal128(bytesOfHex(value.hex).reverse());
    case 'objectId':
      return new ObjectId(value.hex);
    case 'uuid':
      return new UUID(value.hex);
    case 'link':
      return new LinkView(value.table, keyToEdge(value.key));
  }
};

const GLOBAL_KEY = /^(0|[1-9a-f][0-9a-f]{0,15})-(0|[1-9a-f][0-9a-f]{0,15})$/;

/** A primary key of the class. Keys of objects without primary key are texts of two hex numbers, `1f-2`. */
export const keyFromEdge = (spec: TableSpec, value: unknown): Key | Mismatch => {
  if (spec.type === 'embedded') return new Mismatch(describeFound(value), 'no key: the class is embedded');
  const { primaryKey } = spec;
  if (primaryKey === null) {
    if (typeof value === 'string' && GLOBAL_KEY.test(value)) return `g${value}` as Key;
    return new Mismatch(describeFound(value), 'a key of two hexadecimal numbers, such as "1f-2"');
  }
  if (value === null && primaryKey.nullable) return keyOf(null);
  return keyOfType(primaryKey.type, primaryKey.nullable, value);
};

const keyOfType = (type: KeyType, nullable: boolean, value: unknown): Key | Mismatch => {
  const read = fromEdge(type, value);
  if (read instanceof Mismatch) return nullable ? new Mismatch(read.found, `${read.expected} or null`) : read;
  switch (typeof read) {
    case 'string':
    case 'bigint':
      return keyOf(read);
    default:
  }
  if (typeof read === 'object' && read !== null && (read.type === 'objectId' || read.type === 'uuid'))
    return keyOf(read);
  throw new Error(`a key of type ${type} was read as ${String(read)}`);
};

export const keyToEdge = (key: Key): EdgeKey => {
  if (keyType(key) === 'globalKey') return key.slice(1);
  const value = keyValue(key);
  if (typeof value === 'bigint') return intToEdge(value);
  if (value === null || typeof value === 'string') return value;
  return value.type === 'objectId' ? new ObjectId(value.hex) : new UUID(value.hex);
};
