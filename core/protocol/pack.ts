/**
 * BSON values as bytes, exactly: what a client hands over that is no changeset, such as arguments of queries.
 *
 * MessagePack through msgpackr, with an extension for every class of the `bson` package, so that none becomes
 * a string or a plain number on the way; -0, NaN, dates and unusual text have extensions too. Documents keep
 * their keys and the order of them. A value made of several parts is an array that begins with the empty
 * extension of its class.
 *
 * Laws: unpack(pack(x)) = x; pack(unpack(b)) = b for all bytes b that unpack; unpacking any bytes gives a value
 * or a `DecodeError`, never a throw, within `limits`.
 */
import {
  Binary,
  BSONRegExp,
  BSONSymbol,
  Code,
  DBRef,
  Decimal128,
  Double,
  Int32,
  Long,
  MaxKey,
  MinKey,
  ObjectId,
  Timestamp,
  UUID,
} from 'bson';
import { type Either, right } from 'fp-ts/lib/Either.js';
import { answer, type DecodeError, refuse } from '../base/decode-error.js';
import { limits } from '../base/limits.js';
import { findBadUtf8, readUtf8 } from '../base/utf8.js';
import { Extension, extension, pack, registerExtension, requireCanonical, unpack } from './packer.js';
import { isPlainText, textBytes } from './text.js';

/** A value of BSON, in the classes of the `bson` package or the plainest thing that stands for it. */
export type BsonValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | Date
  | ObjectId
  | Binary
  | Decimal128
  | Timestamp
  | Long
  | Double
  | Int32
  | BSONRegExp
  | BSONSymbol
  | Code
  | DBRef
  | MinKey
  | MaxKey
  | readonly BsonValue[]
  | { readonly [key: string]: BsonValue };

/** Extension types: in a range that applications seldom use, clear of those that msgpackr has for itself. */
const types = {
  text: 0x50,
  number: 0x51,
  date: 0x52,
  objectId: 0x53,
  uuid: 0x54,
  binary: 0x55,
  decimal128: 0x56,
  timestamp: 0x57,
  long: 0x58,
  double: 0x59,
  int32: 0x5a,
  regExp: 0x5b,
  symbol: 0x5c,
  code: 0x5d,
  dbRef: 0x5e,
  minKey: 0x5f,
  maxKey: 0x60,
} as const;

for (const type of Object.values(types)) registerExtension(type);

/** Throws where the value is none of `BsonValue`, is cyclic, or exceeds `limits`. */
export const packValue = (value: BsonValue): Uint8Array => {
  const bytes = pack(toWire(value, 0));
  if (bytes.length > limits.messageBytes) throw new Error(`a value of ${bytes.length} bytes is too large`);
  return bytes;
};

export const unpackValue = (bytes: Uint8Array): Either<DecodeError, BsonValue> => {
  try {
    if (bytes.length > limits.messageBytes) {
      refuse('tooLarge', 0, `a value of ${bytes.length} bytes: expected at most ${limits.messageBytes}`);
    }
    // A view of our own, because msgpackr leaves a property on what it reads.
    const view = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
    const value = fromWire(unpack(view).value);
    requireCanonical(view, pack(toWire(value, 0)));
    return right(value);
  } catch (thrown) {
    return answer(thrown);
  }
};

const toWire = (value: BsonValue, depth: number): unknown => {
  if (depth > limits.packedDepth) throw new Error(`a value that nests deeper than ${limits.packedDepth}`);
  switch (typeof value) {
    case 'boolean':
      return value;
    case 'string':
      return isPlainText(value) ? value : extension(types.text, textBytes(value));
    case 'bigint':
      if (BigInt.asIntN(64, value) !== value) throw new Error(`${value} is not a 64-bit integer`);
      return value;
    case 'number':
      if (Number.isNaN(value)) return extension(types.number, Uint8Array.of(NAN));
      return Object.is(value, -0) ? extension(types.number, Uint8Array.of(MINUS_ZERO)) : value;
    case 'object':
      return value === null ? null : objectToWire(value, depth);
    default:
      throw new Error(`${typeof value} is no BSON value`);
  }
};

const NAN = 0;
const MINUS_ZERO = 1;

const objectToWire = (value: BsonValue & object, depth: number): unknown => {
  if (isList(value)) return value.map((item) => toWire(item, depth + 1));
  // Of the language's own array type, whatever subclass the platform has handed over.
  if (value instanceof Uint8Array) return new Uint8Array(value.buffer, value.byteOffset, value.length);
  if (value instanceof Date) return extension(types.date, float64(value.getTime()));
  if (isClass(value)) return classToWire(value, depth);
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== null && prototype !== Object.prototype) {
    throw new Error(`an instance of ${value.constructor.name} is no BSON value`);
  }
  const map = new Map<unknown, unknown>();
  for (const [key, item] of Object.entries(value)) map.set(toWire(key, depth), toWire(item, depth + 1));
  return map;
};

type BsonClass = Extract<BsonValue, { readonly _bsontype: string }>;

// By the tag that the package gives its classes, because an application may have loaded another copy of it.
const isClass = (value: object): value is BsonClass =>
  '_bsontype' in value && !Object.hasOwn(value, '_bsontype');
const isList = (value: BsonValue): value is readonly BsonValue[] => Array.isArray(value);

const classToWire = (value: BsonClass, depth: number): unknown => {
  const parts = (type: number, ...items: BsonValue[]): unknown[] => [
    extension(type, nothing),
    ...items.map((item) => toWire(item, depth + 1)),
  ];
  switch (value._bsontype) {
    case 'ObjectId':
      return extension(types.objectId, value.id);
    case 'Binary': {
      const content = value.buffer.subarray(0, value.position);
      return value instanceof UUID
        ? extension(types.uuid, content)
        : extension(types.binary, prefixed(value.sub_type, content));
    }
    case 'Decimal128':
      return extension(types.decimal128, value.bytes);
    case 'Timestamp':
      return extension(types.timestamp, int64(value.high, value.low));
    case 'Long':
      return extension(types.long, prefixed(value.unsigned ? 1 : 0, int64(value.high, value.low)));
    case 'Double':
      return extension(types.double, float64(value.value));
    case 'Int32':
      return extension(types.int32, int64(0, value.value).subarray(4));
    case 'MinKey':
      return extension(types.minKey, nothing);
    case 'MaxKey':
      return extension(types.maxKey, nothing);
    case 'BSONSymbol':
      return parts(types.symbol, value.value);
    case 'BSONRegExp':
      return parts(types.regExp, value.pattern, value.options);
    case 'Code':
      return parts(types.code, value.code, value.scope as BsonValue);
    case 'DBRef':
      return parts(types.dbRef, value.collection, value.oid, value.db ?? null, value.fields as BsonValue);
  }
};

/** What is not the canonical form of its value is refused by comparison in the end. */
const fromWire = (wire: unknown): BsonValue => {
  if (wire instanceof Extension) return fromExtension(wire);
  if (wire instanceof Map) return fromMap(wire);
  if (Array.isArray(wire)) {
    const list: readonly unknown[] = wire;
    const [first] = list;
    return first instanceof Extension && isMarker(first.type)
      ? fromParts(first.type, list.slice(1).map(fromWire))
      : list.map(fromWire);
  }
  // A byte array is copied, so that it does not keep the whole message. The rest is what the scan lets through:
  // null, booleans, numbers, bigints, strings.
  return wire instanceof Uint8Array ? wire.slice() : (wire as BsonValue);
};

const fromMap = (map: ReadonlyMap<unknown, unknown>): BsonValue => {
  const entries: [string, BsonValue][] = [];
  for (const [key, item] of map) {
    const name = fromWire(key);
    if (typeof name !== 'string') return malformed('a key that is no string');
    entries.push([name, fromWire(item)]);
  }
  return Object.fromEntries(entries);
};

const fromExtension = ({ type, bytes }: Extension): BsonValue => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const requireSize = (size: number): void => {
    if (bytes.length !== size) malformed(`extension ${type} of ${bytes.length} bytes: expected ${size}`);
  };
  switch (type) {
    case types.text:
      if (findBadUtf8(bytes, 0, bytes.length) >= 0) malformed('text that is not well-formed UTF-8');
      return readUtf8(bytes, 0, bytes.length);
    case types.number:
      requireSize(1);
      return bytes[0] === NAN ? Number.NaN : -0;
    case types.date:
      requireSize(8);
      return new Date(view.getFloat64(0));
    case types.objectId:
      requireSize(12);
      return new ObjectId(bytes.slice());
    case types.uuid:
      requireSize(16);
      return new UUID(bytes.slice());
    case types.decimal128:
      requireSize(16);
      return new Decimal128(bytes.slice());
    case types.binary:
      return new Binary(bytes.slice(1), bytes[0] ?? malformed('a binary without a subtype'));
    case types.timestamp:
      requireSize(8);
      return new Timestamp({ t: view.getUint32(0), i: view.getUint32(4) });
    case types.long:
      requireSize(9);
      return new Long(view.getInt32(5), view.getInt32(1), bytes[0] !== 0);
    case types.double:
      requireSize(8);
      return new Double(view.getFloat64(0));
    case types.int32:
      requireSize(4);
      return new Int32(view.getInt32(0));
    case types.minKey:
      return new MinKey();
    case types.maxKey:
      return new MaxKey();
    default:
      return malformed(`extension ${type} outside of its array`);
  }
};

const isMarker = (type: number): boolean =>
  type === types.symbol || type === types.regExp || type === types.code || type === types.dbRef;

const fromParts = (type: number, [a, b, c, d]: readonly BsonValue[]): BsonValue => {
  if (typeof a === 'string') {
    if (type === types.symbol) return new BSONSymbol(a);
    if (type === types.regExp && typeof b === 'string' && isRegExp(a, b)) return new BSONRegExp(a, b);
    if (type === types.code && (b === null || isDocument(b))) return new Code(a, b);
    if (type === types.dbRef && b instanceof ObjectId && isDocument(d)) {
      return new DBRef(a, b, typeof c === 'string' ? c : undefined, d);
    }
  }
  return malformed(`parts of extension ${type} that are missing, or not of their types`);
};

const isRegExp = (pattern: string, options: string): boolean =>
  !pattern.includes('\0') && /^[imxlsu]*$/.test(options);

const isDocument = (value: BsonValue | undefined): value is { readonly [key: string]: BsonValue } =>
  typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;

const malformed = (message: string): never => refuse('malformed', 0, message);

const nothing = new Uint8Array(0);

const prefixed = (first: number, rest: Uint8Array): Uint8Array => {
  const bytes = new Uint8Array(1 + rest.length);
  bytes[0] = first;
  bytes.set(rest, 1);
  return bytes;
};

const int64 = (high: number, low: number): Uint8Array => {
  const bytes = new Uint8Array(8);
  const view = new DataView(bytes.buffer);
  view.setInt32(0, high);
  view.setInt32(4, low);
  return bytes;
};

/** All NaNs alike: which one a number is, is not observable, and must not reach the bytes. */
const float64 = (value: number): Uint8Array => {
  const bytes = new Uint8Array(8);
  const view = new DataView(bytes.buffer);
  if (Number.isNaN(value)) view.setUint32(0, 0x7ff80000);
  else view.setFloat64(0, value);
  return bytes;
};
