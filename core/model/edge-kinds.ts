/**
 * What a JavaScript value is: told by tags and prototypes, not by identity, so that values of other realms
 * and of other copies of the `bson` package are known too.
 */
import { LinkView } from './edge-types.js';

const shortened = (text: string): string => (text.length <= 40 ? text : `${text.slice(0, 40)}…`);
const nameTag = (value: object): string => Object.prototype.toString.call(value).slice(8, -1);

/** The bson class, by its tag; undefined for everything else, and for records with a property of that name. */
export const bsonTag = (value: object): unknown =>
  '_bsontype' in value && !Object.hasOwn(value, '_bsontype') ? value._bsontype : undefined;

/** Records and objects without prototype, whatever realm they come from; not instances of classes. */
export const isPlainObject = (value: unknown): value is Readonly<Record<string, unknown>> => {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
};

export const isMap = (value: unknown): value is ReadonlyMap<unknown, unknown> =>
  typeof value === 'object' && value !== null && nameTag(value) === 'Map';
export const isSet = (value: unknown): value is ReadonlySet<unknown> =>
  typeof value === 'object' && value !== null && nameTag(value) === 'Set';

/** A value in words, for messages. */
export const describeFound = (value: unknown): string => {
  switch (typeof value) {
    case 'undefined':
      return 'undefined';
    case 'string':
      return `the string ${JSON.stringify(shortened(value))}`;
    case 'number':
      return `the number ${Object.is(value, -0) ? '-0' : value}`;
    case 'bigint':
      return `the bigint ${shortened(String(value))}`;
    case 'boolean':
      return String(value);
    case 'symbol':
      return 'a symbol';
    case 'function':
      return 'a function';
    case 'object':
  }
  if (value === null) return 'null';
  if (Array.isArray(value)) return `an array of ${value.length}`;
  if (isPlainObject(value)) return 'a plain object';
  if (value instanceof LinkView) return `a link to ${value.class}`;
  const tag = bsonTag(value);
  if (tag === 'Binary') {
    const type = 'sub_type' in value ? value.sub_type : undefined;
    return type === 4 ? 'a bson UUID' : `a bson Binary of subtype ${String(type)}`;
  }
  if (tag !== undefined) return `a bson ${String(tag)}`;
  if (isDate(value) && Number.isNaN(value.getTime())) return 'an invalid Date';
  const made = value.constructor;
  const name = typeof made === 'function' && made.name !== '' ? made.name : 'a class';
  return `an instance of ${name}`;
};

export const isDate = (value: object): value is Date => nameTag(value) === 'Date';
export const isBytes = (value: object): value is Uint8Array => nameTag(value) === 'Uint8Array';
