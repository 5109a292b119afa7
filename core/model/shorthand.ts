/**
 * The short form of a property's type: a name, `?` for values that can be null, and the collection.
 *
 *     int  string?  double[]  string?<>  mixed{}  Airport  Airport[]
 *
 * The name is a type of value (some have two names, for those who know Realm) or a class.
 */
import type { CollectionType, ElementType } from './schema.js';

const typeNames: ReadonlyMap<string, ElementType> = new Map<string, ElementType>([
  ['bool', 'bool'],
  ['int', 'int'],
  ['float', 'float'],
  ['double', 'double'],
  ['decimal', 'decimal'],
  ['decimal128', 'decimal'],
  ['string', 'string'],
  ['binary', 'binary'],
  ['data', 'binary'],
  ['timestamp', 'timestamp'],
  ['date', 'timestamp'],
  ['objectId', 'objectId'],
  ['uuid', 'uuid'],
  ['mixed', 'mixed'],
  ['link', 'link'],
]);

export interface Shorthand {
  /** A type of value, `link` with a target that stands elsewhere, or null where `name` should be a class. */
  readonly type: ElementType | null;
  readonly name: string;
  readonly optional: boolean;
  readonly collection: CollectionType;
}

const suffixes: Readonly<Record<string, CollectionType>> = { '[]': 'list', '<>': 'set', '{}': 'dictionary' };

/** Total: a text that follows no form reads as the name of a class, and no class will have it. */
export const readShorthand = (text: string): Shorthand => {
  const collection = suffixes[text.slice(-2)] ?? 'single';
  const element = collection === 'single' ? text : text.slice(0, -2);
  const optional = element.endsWith('?');
  const name = optional ? element.slice(0, -1) : element;
  return { type: typeNames.get(name) ?? null, name, optional, collection };
};

export const isTypeName = (name: string): boolean => typeNames.has(name);

/** For messages. */
export const typeList = [...typeNames.keys()].join(', ');
