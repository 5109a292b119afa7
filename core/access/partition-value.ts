/**
 * The value of a partition key: what tells the objects of one partition from those of another, and under
 * which name the partition is opened.
 *
 * A partition is named by its value in the canonical extended JSON of MongoDB, without spaces, so that names
 * are unique and tell the type: `"Store 42"`, `{"$oid":"…"}`, `{"$numberLong":"42"}`, `{"$uuid":"…"}`, `null`.
 *
 * Rules compare ids by their text, and longs as numbers: what an identity provider says of a user is JSON,
 * which has neither.
 *
 * Source: the page on partition-based sync (partition keys, `ErrorIllegalRealmPath`); realm-wire (paths).
 */
import * as E from 'fp-ts/lib/Either.js';
import { describeFound } from '../model/edge-kinds.js';
import { fromEdge, Mismatch } from '../model/edge-read.js';
import { type ObjectIdValue, objectId, type UuidValue, uuid, type Value } from '../model/value.js';

export const partitionTypes = ['string', 'objectId', 'long', 'uuid'] as const;
export type PartitionType = (typeof partitionTypes)[number];

export type PartitionValue = null | string | bigint | ObjectIdValue | UuidValue;

/** The client tried to open a partition that cannot exist (the reference's `ErrorIllegalRealmPath`). */
export interface IllegalPartition {
  readonly name: 'IllegalRealmPath';
  readonly expected: string;
  readonly found: string;
  readonly message: string;
}

export const partitionName = (value: PartitionValue): string => {
  if (value === null || typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'bigint') return `{"$numberLong":"${value}"}`;
  return value.type === 'objectId' ? `{"$oid":"${value.hex}"}` : `{"$uuid":"${dashed(value.hex)}"}`;
};

/** The value that a name stands for, where it is a partition of a key of that type. */
export const partitionOfName = (
  name: string,
  type: PartitionType,
  isRequired: boolean,
): E.Either<IllegalPartition, PartitionValue> => {
  const value = readName(name);
  if (value === undefined) return illegal(expectation(type, isRequired), 'something that is no value');
  const found = typeOf(value);
  if (found === type || (found === 'null' && !isRequired)) return E.right(value);
  return illegal(expectation(type, isRequired), found);
};

/** What is stored in the key's property of an object, where it is a partition's value; else undefined. */
export const partitionOfField = (value: Value, type: PartitionType): PartitionValue | undefined => {
  if (value === null || typeof value === 'string' || typeof value === 'bigint')
    return value === null || typeOf(value) === type ? value : undefined;
  if (typeof value !== 'object' || (value.type !== 'objectId' && value.type !== 'uuid')) return undefined;
  return value.type === type ? value : undefined;
};

/** A value as applications give it: a string, an integer, an ObjectId, a UUID, or null; or what is wrong with it. */
export const readPartitionValue = (given: unknown): E.Either<string, PartitionValue> => {
  if (given === null || typeof given === 'string') return E.right(given);
  const types = typeof given === 'number' || typeof given === 'bigint' ? numeric : identities;
  for (const type of types) {
    const value = fromEdge(type, given);
    if (!(value instanceof Mismatch)) return E.right(value as PartitionValue);
  }
  const expected = 'a string, a 64-bit integer, an ObjectId, a UUID or null';
  return E.left(`no value of a partition: found ${describeFound(given)}, expected ${expected}`);
};

const numeric = ['int'] as const;
const identities = ['objectId', 'uuid'] as const;

/** As rules see it. */
export const partitionInRules = (value: PartitionValue): null | string | number | bigint => {
  if (value === null || typeof value === 'string') return value;
  if (typeof value === 'bigint') return numberOrBigint(value);
  return value.type === 'objectId' ? value.hex : dashed(value.hex);
};

/** Integers are numbers as long as those can tell them apart. */
export const numberOrBigint = (value: bigint): number | bigint =>
  value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER)
    ? Number(value)
    : value;

const typeOf = (value: PartitionValue): PartitionType | 'null' => {
  if (value === null) return 'null';
  if (typeof value === 'string') return 'string';
  return typeof value === 'bigint' ? 'long' : value.type;
};

const expectation = (type: PartitionType, isRequired: boolean): string =>
  isRequired ? type : `${type} or null`;

const illegal = (expected: string, found: string): E.Either<IllegalPartition, never> =>
  E.left({
    name: 'IllegalRealmPath',
    expected,
    found,
    message: `this partition cannot be opened: expected a partition value of type ${expected}, but found ${found}`,
  });

const dashed = (hex: string): string =>
  `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;

/** The forms that hold no other value than their own, so that each value has one name. */
const namePatterns = /^\{"\$(oid|numberLong|uuid)":"([0-9a-f-]+)"\}$/;

const readName = (name: string): PartitionValue | undefined => {
  if (name === 'null') return null;
  if (name.startsWith('"')) {
    const text = readJsonString(name);
    // One value has one name: escapes that are not needed would be another.
    return text !== undefined && JSON.stringify(text) === name ? text : undefined;
  }
  const [, form, text = ''] = namePatterns.exec(name) ?? [];
  switch (form) {
    case 'oid':
      return /^[0-9a-f]{24}$/.test(text) ? objectId(text) : undefined;
    case 'uuid':
      return /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text)
        ? uuid(text.replaceAll('-', ''))
        : undefined;
    case 'numberLong':
      return readLong(text);
    default:
      return undefined;
  }
};

const readJsonString = (name: string): string | undefined => {
  try {
    const read: unknown = JSON.parse(name);
    return typeof read === 'string' ? read : undefined;
  } catch {
    return undefined;
  }
};

const readLong = (text: string): bigint | undefined => {
  if (!/^(?:0|-?[1-9][0-9]{0,18})$/.test(text)) return undefined;
  const value = BigInt(text);
  return BigInt.asIntN(64, value) === value ? value : undefined;
};
