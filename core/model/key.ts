/**
 * Primary keys.
 *
 * A key is compared, hashed and interned more often than anything else in the engine, so it is held as
 * one canonical string: a type letter and the content.
 *
 *     n                null                        s<text>          string
 *     i<decimal>       int                         o<24 hex>        objectId
 *     u<32 hex>        uuid                        g<hi>-<lo>       global key (classes without primary key)
 *
 * Two keys are the same key exactly when the strings are equal. Hex is lower case; `hi` and `lo` are
 * lower-case hex without leading zeros. Source: merge-semantics, section 1.4.
 */
import type { ObjectIdValue, UuidValue } from './value.js';

declare const brand: unique symbol;
export type Key = string & { readonly [brand]: 'Key' };

export type KeyType = 'int' | 'string' | 'objectId' | 'uuid';

/** What a key stands for. Global keys have no value: no property shows them. */
export type KeyValue = null | bigint | string | ObjectIdValue | UuidValue;

export const nullKey = 'n' as Key;
export const intKey = (value: bigint): Key => `i${value}` as Key;
export const stringKey = (value: string): Key => `s${value}` as Key;
export const objectIdKey = (hex: string): Key => `o${hex}` as Key;
export const uuidKey = (hex: string): Key => `u${hex}` as Key;
export const globalKey = (hi: bigint, lo: bigint): Key => `g${hi.toString(16)}-${lo.toString(16)}` as Key;

export const keyType = (key: Key): KeyType | 'null' | 'globalKey' => {
  switch (key.charCodeAt(0)) {
    case 0x69:
      return 'int';
    case 0x73:
      return 'string';
    case 0x6f:
      return 'objectId';
    case 0x75:
      return 'uuid';
    case 0x67:
      return 'globalKey';
    default:
      return 'null';
  }
};

/** The value of a key that is not a global key. */
export const keyValue = (key: Key): KeyValue => {
  const content = key.slice(1);
  switch (keyType(key)) {
    case 'int':
      return BigInt(content);
    case 'string':
      return content;
    case 'objectId':
      return { type: 'objectId', hex: content };
    case 'uuid':
      return { type: 'uuid', hex: content };
    case 'null':
      return null;
    case 'globalKey':
      throw new Error(`a global key has no value: ${key}`);
  }
};

export const keyOf = (value: KeyValue): Key => {
  if (value === null) return nullKey;
  if (typeof value === 'bigint') return intKey(value);
  if (typeof value === 'string') return stringKey(value);
  return value.type === 'objectId' ? objectIdKey(value.hex) : uuidKey(value.hex);
};

/** The two halves of a global key. */
export const globalKeyParts = (key: Key): { readonly hi: bigint; readonly lo: bigint } => {
  const dash = key.indexOf('-');
  return { hi: BigInt(`0x${key.slice(1, dash)}`), lo: BigInt(`0x${key.slice(dash + 1)}`) };
};
