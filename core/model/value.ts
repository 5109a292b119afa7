/**
 * Values: what a property, a list element, a set member or a dictionary entry can hold.
 *
 * Inside the engine a value is the lightest exact JavaScript thing that can stand for it, so that
 * states, changesets and merges neither box nor convert:
 *
 *     null  boolean  string     themselves
 *     int                       bigint, always within 64 bits signed
 *     double                    number (including -0 and the ordinary NaN)
 *     everything else           a small frozen record with a `type` tag
 *
 * The classes of the `bson` package, `Date` and plain integers are accepted and returned at the edge
 * of the API only (`edge.ts`); nothing below the edge knows them.
 *
 * Source of the list of types and of their equality: merge-semantics, section 1.1.
 */
import type { Key } from './key.js';

export interface Binary {
  readonly type: 'binary';
  /** Never written to after construction: states and changesets share it. */
  readonly bytes: Uint8Array;
}

/** Seconds and nanoseconds since 1970, both of one sign; nanoseconds strictly within ±10^9. */
export interface Timestamp {
  readonly type: 'timestamp';
  readonly seconds: bigint;
  readonly nanoseconds: number;
}

/** IEEE binary32, kept as its 32 bits (unsigned) so that every NaN survives. */
export interface Float {
  readonly type: 'float';
  readonly bits: number;
}

/** A double that is a NaN other than 0x7ff8000000000000, kept as its 64 bits. Every other double is a `number`. */
export interface OddNaN {
  readonly type: 'double';
  readonly bits: bigint;
}

/** IEEE decimal128 in its binary integer form: 32 hex digits, most significant first, lower case. */
export interface Decimal {
  readonly type: 'decimal';
  readonly hex: string;
}

/** 24 hex digits, lower case. */
export interface ObjectIdValue {
  readonly type: 'objectId';
  readonly hex: string;
}

/** 32 hex digits, lower case, no dashes. */
export interface UuidValue {
  readonly type: 'uuid';
  readonly hex: string;
}

/** Names its target; whether the target exists is a question to the state, never to the link. */
export interface Link {
  readonly type: 'link';
  readonly table: string;
  readonly key: Key;
}

export type Value =
  | null
  | boolean
  | bigint
  | number
  | string
  | Binary
  | Timestamp
  | Float
  | OddNaN
  | Decimal
  | ObjectIdValue
  | UuidValue
  | Link;

/**
 * What an instruction can carry where a value is expected, but a state never holds: "an embedded object
 * exists here", "this dictionary entry is absent", "this mixed value is an empty list / dictionary / set".
 */
export interface Marker {
  readonly type: 'objectValue' | 'erased' | 'list' | 'dictionary' | 'set';
}

export type Payload = Value | Marker;

export const objectValue: Marker = Object.freeze({ type: 'objectValue' });
export const erased: Marker = Object.freeze({ type: 'erased' });
export const list: Marker = Object.freeze({ type: 'list' });
export const dictionary: Marker = Object.freeze({ type: 'dictionary' });
export const set: Marker = Object.freeze({ type: 'set' });
/**
 * A list and a dictionary that say no more than the two above, and differ from them by reference only. The
 * merge tells by them which updates it has seen something pass into (`core/merge/shared.ts`).
 */
export const sharedList: Marker = Object.freeze({ type: 'list' });
export const sharedDictionary: Marker = Object.freeze({ type: 'dictionary' });

export type ScalarType =
  | 'bool'
  | 'int'
  | 'double'
  | 'float'
  | 'string'
  | 'binary'
  | 'timestamp'
  | 'decimal'
  | 'objectId'
  | 'uuid'
  | 'link';
export type ValueType = 'null' | ScalarType;
export type PayloadType = ValueType | Marker['type'];

export const binary = (bytes: Uint8Array): Binary => ({ type: 'binary', bytes });
export const timestamp = (seconds: bigint, nanoseconds: number): Timestamp => ({
  type: 'timestamp',
  seconds,
  nanoseconds,
});
export const decimal = (hex: string): Decimal => ({ type: 'decimal', hex });
export const objectId = (hex: string): ObjectIdValue => ({ type: 'objectId', hex });
export const uuid = (hex: string): UuidValue => ({ type: 'uuid', hex });
export const link = (table: string, key: Key): Link => ({ type: 'link', table, key });

const scratch = new DataView(new ArrayBuffer(8));
const ORDINARY_NAN = 0x7ff8000000000000n;

/** The float nearest to `value`. */
export const float = (value: number): Float => {
  scratch.setFloat32(0, value);
  return { type: 'float', bits: scratch.getUint32(0) };
};

export const floatFromBits = (bits: number): Float => ({ type: 'float', bits: bits >>> 0 });

export const floatToNumber = (value: Float): number => {
  scratch.setUint32(0, value.bits);
  return scratch.getFloat32(0);
};

/** Any double by its 64 bits: a `number` where a number keeps them, else an `OddNaN`. */
export const doubleFromBits = (bits: bigint): number | OddNaN => {
  const isNotANumber =
    (bits & 0x7ff0000000000000n) === 0x7ff0000000000000n && (bits & 0xfffffffffffffn) !== 0n;
  if (isNotANumber) return bits === ORDINARY_NAN ? Number.NaN : { type: 'double', bits };
  scratch.setBigUint64(0, bits);
  return scratch.getFloat64(0);
};

export const doubleToBits = (value: number | OddNaN): bigint => {
  if (typeof value !== 'number') return value.bits;
  if (Number.isNaN(value)) return ORDINARY_NAN;
  scratch.setFloat64(0, value);
  return scratch.getBigUint64(0);
};

export const typeOf = (payload: Payload): PayloadType => {
  switch (typeof payload) {
    case 'string':
      return 'string';
    case 'bigint':
      return 'int';
    case 'number':
      return 'double';
    case 'boolean':
      return 'bool';
    default:
      return payload === null ? 'null' : payload.type;
  }
};

export const isMarker = (payload: Payload): payload is Marker => {
  if (typeof payload !== 'object' || payload === null) return false;
  switch (payload.type) {
    case 'objectValue':
    case 'erased':
    case 'list':
    case 'dictionary':
    case 'set':
      return true;
    default:
      return false;
  }
};

export const isShared = (payload: Payload): boolean => payload === sharedList || payload === sharedDictionary;

export const isLink = (payload: Payload): payload is Link =>
  typeof payload === 'object' && payload !== null && payload.type === 'link';

/** 64-bit signed addition that wraps, as every integer of the engine does. */
export const addWrapping = (a: bigint, b: bigint): bigint => BigInt.asIntN(64, a + b);

const bytesEqual = (a: Uint8Array, b: Uint8Array): boolean => {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
};

/**
 * Identity of representation: the same type and the same bits. This is the equality of notation, codec
 * and tests: -0 differs from 0, a NaN equals itself, 1.0 and 1.00 as decimals differ. The merge has an
 * equality of its own (`samePayload` in `core/merge`).
 */
export const identical = (a: Payload, b: Payload): boolean => {
  if (typeof a !== 'object' || a === null || typeof b !== 'object' || b === null) return Object.is(a, b);
  switch (a.type) {
    case 'binary':
      return b.type === 'binary' && bytesEqual(a.bytes, b.bytes);
    case 'timestamp':
      return b.type === 'timestamp' && a.seconds === b.seconds && a.nanoseconds === b.nanoseconds;
    case 'float':
      return b.type === 'float' && a.bits === b.bits;
    case 'double':
      return b.type === 'double' && a.bits === b.bits;
    case 'decimal':
      return b.type === 'decimal' && a.hex === b.hex;
    case 'objectId':
      return b.type === 'objectId' && a.hex === b.hex;
    case 'uuid':
      return b.type === 'uuid' && a.hex === b.hex;
    case 'link':
      return b.type === 'link' && a.table === b.table && a.key === b.key;
    default:
      return a.type === b.type;
  }
};

/**
 * A string that is equal for two values exactly when they are `identical`; its first character is the
 * type. Sets and digests are keyed by it.
 */
export const valueId = (value: Value): string => {
  switch (typeof value) {
    case 'string':
      return `s${value}`;
    case 'bigint':
      return `i${value}`;
    case 'number':
      return Object.is(value, -0) ? 'd-0' : `d${value}`;
    case 'boolean':
      return value ? 'T' : 'F';
    default:
  }
  if (value === null) return 'n';
  switch (value.type) {
    case 'binary': {
      let id = 'b';
      for (const byte of value.bytes) id += String.fromCharCode(byte);
      return id;
    }
    case 'timestamp':
      return `t${value.seconds},${value.nanoseconds}`;
    case 'float':
      return `f${value.bits}`;
    case 'double':
      return `D${value.bits}`;
    case 'decimal':
      return `m${value.hex}`;
    case 'objectId':
      return `o${value.hex}`;
    case 'uuid':
      return `u${value.hex}`;
    case 'link':
      return `l${value.table.length}:${value.table}${value.key}`;
  }
};
