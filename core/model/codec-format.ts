/**
 * The bytes of the instructions of one changeset: the body.
 *
 * A body stands alone: what it says depends on nothing before it. Strings and keys are written where they
 * occur first, and referred to afterwards by number, counting first occurrences. The same instructions
 * always give the same bytes, and no other bytes give the same instructions.
 *
 *     body         := count instruction*
 *     instruction  := head table? object? field? path? operand?    those that the kind has
 *     head         := byte: kind + 0x10 same table + 0x20 same object + 0x40 same field + 0x80 has path
 *     table, field := string                        left out where the head says "same"
 *     object       := key                           left out where the head says "same"
 *     path         := length element*               length at least 1
 *     element      := 2 × index | 4 × number + 1    index; string met before
 *                   | 4 × size + 3, text            string met for the first time
 *     string       := 2 × number | 2 × size + 1, text
 *     key          := 6 + number | type, content
 *     payload      := byte: tag + 0x80 is default, content
 *
 *     kind                     operand
 *     AddTable                 byte 0: embedded
 *                              byte 1 + 2 asymmetric: top level without primary key
 *                              byte 5 + 2 asymmetric + 8 nullable + 16 × key type, name: string
 *     AddColumn                byte: element type + 16 × collection + 0x40 nullable + 0x80 has target,
 *                              target: string
 *     Update                   prior size where the path ends in an index; payload
 *     AddInteger               integer
 *     ArrayInsert              prior size, payload
 *     ArrayMove                prior size, to
 *     ArrayErase               prior size
 *     Clear                    byte: collection
 *     SetInsert, SetErase      payload
 *     others                   nothing
 *
 * "Same" means as in the last instruction that had one; the bit is set exactly where that is so. Numbers
 * not called bytes are varints (see `core/base/bytes.ts`). Contents: an integer is a zigzag varint, a
 * timestamp two of them, an ObjectId 12 raw bytes, a UUID and a decimal 16, a float 4, a double 8; text and
 * binaries are preceded by their size in bytes; a link is a string and a key; a global key two varints.
 */

import { type Kind, kinds } from './instruction.js';
import type { KeyType } from './key.js';
import type { CollectionType, ElementType } from './schema.js';
import {
  dictionary,
  erased,
  isShared,
  list,
  type Marker,
  objectValue,
  set,
  sharedDictionary,
  sharedList,
} from './value.js';

const numbered = <T extends string>(names: readonly T[]): Readonly<Record<T, number>> =>
  Object.fromEntries(names.map((name, number) => [name, number])) as Record<T, number>;

/** The number of a kind is its position in `kinds`, which is the opcode of the reference. */
export const kindNumbers: Readonly<Record<Kind, number>> = numbered(kinds);

export const KIND_MASK = 0x0f;
export const SAME_TABLE = 0x10;
export const SAME_OBJECT = 0x20;
export const SAME_FIELD = 0x40;
export const HAS_PATH = 0x80;

export const TAG_MASK = 0x7f;
export const IS_DEFAULT = 0x80;

export const TAG_NULL = 0;
export const TAG_FALSE = 1;
export const TAG_TRUE = 2;
export const TAG_INT = 3;
export const TAG_STRING = 4;
export const TAG_BINARY = 5;
export const TAG_TIMESTAMP = 6;
export const TAG_FLOAT = 7;
export const TAG_DOUBLE = 8;
export const TAG_DECIMAL = 9;
export const TAG_OBJECT_ID = 10;
export const TAG_UUID = 11;
export const TAG_LINK = 12;
/** Markers have the tags from here on. */
export const TAG_MARKERS = 13;
export const markers: readonly Marker[] = [
  objectValue,
  erased,
  list,
  dictionary,
  set,
  sharedList,
  sharedDictionary,
];
/** The shared markers are known by reference, all others by their type. */
export const markerNumber = (marker: Marker): number =>
  isShared(marker) ? markers.indexOf(marker) : markers.findIndex(({ type }) => type === marker.type);

export const KEY_NULL = 0;
export const KEY_INT = 1;
export const KEY_STRING = 2;
export const KEY_OBJECT_ID = 3;
export const KEY_UUID = 4;
export const KEY_GLOBAL = 5;
/** Keys met before are referred to by their number plus this. */
export const KEY_KNOWN = 6;

export const SPEC_TOP_LEVEL = 0x01;
export const SPEC_ASYMMETRIC = 0x02;
export const SPEC_HAS_KEY = 0x04;
export const SPEC_KEY_NULLABLE = 0x08;
export const SPEC_KEY_TYPE_SHIFT = 4;
export const SPEC_BITS = 0x3f;

export const keyTypes = ['int', 'string', 'objectId', 'uuid'] as const satisfies KeyType[];
export const keyTypeNumbers: Readonly<Record<KeyType, number>> = numbered(keyTypes);

export const ELEMENT_MASK = 0x0f;
export const COLLECTION_MASK = 0x03;
export const COLUMN_COLLECTION_SHIFT = 4;
export const COLUMN_NULLABLE = 0x40;
export const COLUMN_HAS_TARGET = 0x80;

export const elementTypes = [
  'mixed',
  'bool',
  'int',
  'double',
  'float',
  'string',
  'binary',
  'timestamp',
  'decimal',
  'objectId',
  'uuid',
  'link',
] as const satisfies ElementType[];
export const elementTypeNumbers: Readonly<Record<ElementType, number>> = numbered(elementTypes);

export const collectionTypes = ['single', 'list', 'set', 'dictionary'] as const satisfies CollectionType[];
export const collectionNumbers: Readonly<Record<CollectionType, number>> = numbered(collectionTypes);
