/**
 * What applications see of values that JavaScript and the `bson` package have no type for, and makers for
 * values whose type a bare number does not tell.
 *
 * All other values are what an application expects: booleans, strings, numbers and bigints, `Date`,
 * `Uint8Array`, and bson's ObjectId, UUID, Decimal128 and Double. Which is used where stands in `edge.ts`.
 */
import { type Decimal128, Double, type ObjectId, type UUID } from 'bson';
import { float as engineFloat, floatFromBits, floatToNumber } from './value.js';

/** A 32-bit floating point number, by its bits so that every NaN survives. */
export class Float {
  readonly bits: number;

  constructor(bits: number) {
    this.bits = bits >>> 0;
    Object.freeze(this);
  }

  get value(): number {
    return floatToNumber(floatFromBits(this.bits));
  }

  valueOf(): number {
    return this.value;
  }
}

/** A double that is a NaN with another payload than JavaScript's own, by its bits. */
export class DoubleBits {
  readonly bits: bigint;

  constructor(bits: bigint) {
    this.bits = bits;
    Object.freeze(this);
  }
}

/**
 * A moment that a `Date` cannot hold: finer than milliseconds, or far away. Seconds and nanoseconds since
 * 1970, both of one sign, nanoseconds strictly within ±10^9.
 */
export class Timestamp {
  readonly seconds: bigint;
  readonly nanoseconds: number;

  constructor(seconds: bigint, nanoseconds: number) {
    this.seconds = seconds;
    this.nanoseconds = nanoseconds;
    Object.freeze(this);
  }
}

/** The value of a primary key. Ints are numbers where that is exact, else bigints. */
export type EdgeKey = null | string | number | bigint | ObjectId | UUID;

/** A link: the class and the primary key of its target. */
export class LinkView {
  readonly class: string;
  readonly key: EdgeKey;

  constructor(className: string, key: EdgeKey) {
    this.class = className;
    this.key = key;
    Object.freeze(this);
  }
}

export type EdgeScalar =
  | null
  | boolean
  | string
  | number
  | bigint
  | Uint8Array
  | Date
  | Timestamp
  | Float
  | Double
  | DoubleBits
  | Decimal128
  | ObjectId
  | UUID
  | LinkView;

export type EdgeValue = EdgeScalar | EdgeList | EdgeRecord;
/** A list or a set. Frozen. */
export type EdgeList = readonly EdgeValue[];
/** An embedded object or a dictionary. Frozen. */
export interface EdgeRecord {
  readonly [name: string]: EdgeValue;
}

export const isInt64 = (value: bigint): boolean => BigInt.asIntN(64, value) === value;

/** An int, for mixed properties. Throws a RangeError for what is not an integer of 64 bits. */
export const int = (value: number | bigint): bigint => {
  if (typeof value === 'number' && !Number.isSafeInteger(value))
    throw new RangeError(`int(${value}): expected a safe integer or a bigint`);
  const integer = BigInt(value);
  if (!isInt64(integer)) throw new RangeError(`int(${value}): expected an integer within 64 bits`);
  return integer;
};

/** A double, for mixed properties. */
export const double = (value: number): Double => new Double(value);

/** The float nearest to `value`. */
export const float = (value: number): Float => new Float(engineFloat(value).bits);

/** A link to the object of a class with the given primary key. Whether it fits is checked when it is written. */
export const linkTo = (className: string, key: EdgeKey): LinkView => new LinkView(className, key);
