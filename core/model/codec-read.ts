/**
 * Reading keys, paths, values and specs out of a body that the scanner has found good (format:
 * `codec-format.ts`). On such bytes nothing here can refuse.
 */
import { hexOf, type Reader } from '../base/bytes.js';
import { readUtf8 } from '../base/utf8.js';
import {
  COLLECTION_MASK,
  COLUMN_COLLECTION_SHIFT,
  COLUMN_HAS_TARGET,
  COLUMN_NULLABLE,
  collectionTypes,
  ELEMENT_MASK,
  elementTypes,
  KEY_GLOBAL,
  KEY_INT,
  KEY_KNOWN,
  KEY_NULL,
  KEY_OBJECT_ID,
  KEY_STRING,
  KEY_UUID,
  keyTypes,
  markers,
  SPEC_ASYMMETRIC,
  SPEC_HAS_KEY,
  SPEC_KEY_NULLABLE,
  SPEC_KEY_TYPE_SHIFT,
  SPEC_TOP_LEVEL,
  TAG_BINARY,
  TAG_DECIMAL,
  TAG_DOUBLE,
  TAG_FALSE,
  TAG_FLOAT,
  TAG_INT,
  TAG_LINK,
  TAG_MARKERS,
  TAG_MASK,
  TAG_NULL,
  TAG_OBJECT_ID,
  TAG_STRING,
  TAG_TIMESTAMP,
  TAG_TRUE,
  TAG_UUID,
} from './codec-format.js';
import type { Path, PathElement } from './instruction.js';
import { globalKey, intKey, type Key, nullKey, objectIdKey, stringKey, uuidKey } from './key.js';
import type { ColumnSpec, TableSpec } from './schema.js';
import {
  binary,
  decimal,
  doubleFromBits,
  floatFromBits,
  link,
  type Marker,
  objectId,
  type Payload,
  timestamp,
  uuid,
} from './value.js';

/** What a body refers to by number. */
export interface Names {
  stringAt(number: number): string;
  keyAt(number: number): Key;
}

const MOST = 0x7ffffffff;

export const readKey = (reader: Reader, names: Names): Key => {
  const code = reader.varint(MOST);
  switch (code) {
    case KEY_OBJECT_ID:
      return objectIdKey(readHex(reader, 12));
    case KEY_UUID:
      return uuidKey(readHex(reader, 16));
    case KEY_INT:
      return intKey(reader.signed());
    case KEY_STRING:
      return stringKey(readText(reader, reader.varint(MOST)));
    case KEY_GLOBAL: {
      const hi = reader.unsigned();
      return globalKey(hi, reader.unsigned());
    }
    case KEY_NULL:
      return nullKey;
    default:
      return names.keyAt(code - KEY_KNOWN);
  }
};

/** At the length of the path. */
export const readPath = (reader: Reader, names: Names): Path => {
  const path: PathElement[] = [];
  for (let left = reader.byte(); left > 0; left--) {
    const code = reader.varint(MOST);
    path.push(code % 2 === 0 ? code / 2 : readString(reader, names, (code - 1) / 2));
  }
  return path;
};

export const readPayload = (reader: Reader, names: Names): Payload => {
  const tag = reader.byte() & TAG_MASK;
  switch (tag) {
    case TAG_NULL:
      return null;
    case TAG_FALSE:
      return false;
    case TAG_TRUE:
      return true;
    case TAG_INT:
      return reader.signed();
    case TAG_STRING:
      return readText(reader, reader.varint(MOST));
    case TAG_BINARY: {
      const size = reader.varint(MOST);
      const start = reader.position;
      reader.position += size;
      // A copy: a small value must not keep the whole message alive.
      return binary(reader.bytes.slice(start, start + size));
    }
    case TAG_TIMESTAMP: {
      const seconds = reader.signed();
      return timestamp(seconds, Number(reader.signed()));
    }
    case TAG_FLOAT:
      return floatFromBits(reader.uint32());
    case TAG_DOUBLE:
      return doubleFromBits(reader.bits64());
    case TAG_DECIMAL:
      return decimal(readHex(reader, 16));
    case TAG_OBJECT_ID:
      return objectId(readHex(reader, 12));
    case TAG_UUID:
      return uuid(readHex(reader, 16));
    case TAG_LINK: {
      const table = readString(reader, names, reader.varint(MOST));
      return link(table, readKey(reader, names));
    }
    default:
      return markers[tag - TAG_MARKERS] as Marker;
  }
};

export const readTableSpec = (reader: Reader, names: Names): TableSpec => {
  const flags = reader.byte();
  if ((flags & SPEC_TOP_LEVEL) === 0) return { type: 'embedded' };
  const asymmetric = (flags & SPEC_ASYMMETRIC) !== 0;
  if ((flags & SPEC_HAS_KEY) === 0) return { type: 'topLevel', primaryKey: null, asymmetric };
  const type = keyTypes[flags >> SPEC_KEY_TYPE_SHIFT] ?? 'int';
  const name = readString(reader, names, reader.varint(MOST));
  const primaryKey = { name, type, nullable: (flags & SPEC_KEY_NULLABLE) !== 0 };
  return { type: 'topLevel', primaryKey, asymmetric };
};

export const readColumnSpec = (reader: Reader, names: Names): ColumnSpec => {
  const flags = reader.byte();
  return {
    type: elementTypes[flags & ELEMENT_MASK] ?? 'mixed',
    nullable: (flags & COLUMN_NULLABLE) !== 0,
    collection: collectionTypes[(flags >> COLUMN_COLLECTION_SHIFT) & COLLECTION_MASK] ?? 'single',
    target: (flags & COLUMN_HAS_TARGET) === 0 ? null : readString(reader, names, reader.varint(MOST)),
  };
};

/** `code` is the varint of the string, read already. */
const readString = (reader: Reader, names: Names, code: number): string =>
  (code & 1) === 0 ? names.stringAt(code >> 1) : readText(reader, code >> 1);

const readText = (reader: Reader, size: number): string => {
  const start = reader.position;
  reader.position = start + size;
  return readUtf8(reader.bytes, start, start + size);
};

const readHex = (reader: Reader, size: number): string => {
  const start = reader.position;
  reader.position = start + size;
  return hexOf(reader.bytes, start, size);
};
