/**
 * Scanning a body (format: `codec-format.ts`): every byte is checked, nothing but numbers is kept. What comes
 * out can be unpacked without a failure, and is the only encoding of what it says.
 *
 * Memory: a few numbers a byte at the very most, and no string unless a body has many of them.
 */
import type { Reader } from '../base/bytes.js';
import { refuse } from '../base/decode-error.js';
import { limits } from '../base/limits.js';
import { readUtf8 } from '../base/utf8.js';
import {
  COLUMN_HAS_TARGET,
  collectionTypes,
  ELEMENT_MASK,
  elementTypes,
  HAS_PATH,
  IS_DEFAULT,
  KEY_GLOBAL,
  KEY_INT,
  KEY_KNOWN,
  KEY_OBJECT_ID,
  KEY_STRING,
  KEY_UUID,
  KIND_MASK,
  kindNumbers,
  markers,
  SAME_FIELD,
  SAME_OBJECT,
  SAME_TABLE,
  SPEC_ASYMMETRIC,
  SPEC_BITS,
  SPEC_HAS_KEY,
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
import { type Names, readKey } from './codec-read.js';
import { kinds } from './instruction.js';
import { nullKey } from './key.js';
import { FIELD, KIND, OBJECT, PackedInstructions, REST, STRIDE, TABLE } from './packed.js';

/** Up to this many names are compared with each other, more go through a set. */
const FEW = 16;
const UINT32 = 0xffffffff;
const MOST_NANOSECONDS = 999_999_999;
/** Scratch longer than this is let go after use. */
const KEPT = 65_536;

const NEEDS_INDEX = 0x100;
const place = SAME_TABLE | SAME_OBJECT | SAME_FIELD | HAS_PATH;

/** What may stand in the head of each kind: flags, and whether the path must end in an index. */
const shapes: readonly number[] = kinds.map((kind) => {
  switch (kind) {
    case 'AddTable':
    case 'EraseTable':
      return SAME_TABLE;
    case 'CreateObject':
    case 'EraseObject':
      return SAME_TABLE | SAME_OBJECT;
    case 'AddColumn':
    case 'EraseColumn':
      return SAME_TABLE | SAME_FIELD;
    case 'ArrayInsert':
    case 'ArrayMove':
    case 'ArrayErase':
      return place | NEEDS_INDEX;
    default:
      return place;
  }
});

/** For keys that are written out. */
const noNames: Names = {
  stringAt: () => '',
  keyAt: () => nullKey,
};

let rows: number[] = [];
let strings: number[] = [];
let keys: number[] = [];
let stringCount = 0;
let keyCount = 0;
/** The last bytes of the names so far, modulo 32: a name whose bit is clear is a new one. */
let stringBits = 0;
let keyBits = 0;
let manyStrings: Set<string> | null = null;
let manyKeys: Set<string> | null = null;

/**
 * The packed form of a body that stands from the reader's position to the end. Keeps hold of the reader and its
 * bytes. Refuses (see `core/base/decode-error.ts`) everything that `writeBody` cannot have written. O(bytes).
 */
export const scanBody = (reader: Reader): PackedInstructions => {
  // A scan that was refused has not done this.
  releaseScratch();
  const start = reader.position;
  stringCount = 0;
  keyCount = 0;
  stringBits = 0;
  keyBits = 0;
  const count = reader.varint(limits.changesetInstructions);
  if (count > reader.remaining) {
    refuse('truncated', start, `${count} instructions announced where ${reader.remaining} bytes remain`);
  }
  scanInstructions(reader, count);
  reader.end('the instructions');
  // One array out of three, because three allocations take longer than this.
  let length = STRIDE * count;
  for (let i = 0; i < 2 * stringCount; i++) rows[length++] = strings[i] as number;
  for (let i = 0; i < keyCount; i++) rows[length++] = keys[i] as number;
  const packed = new PackedInstructions(reader, start, count, stringCount, rows.slice(0, length));
  releaseScratch();
  return packed;
};

const releaseScratch = (): void => {
  manyStrings = null;
  manyKeys = null;
  if (rows.length > KEPT) rows = [];
  if (strings.length > KEPT) strings = [];
  if (keys.length > KEPT) keys = [];
};

const scanInstructions = (reader: Reader, count: number): void => {
  const { bytes } = reader;
  const columns = rows;
  // Engines keep a function's own constants in registers, and read a module's from memory at each use.
  const kindMask = KIND_MASK;
  const sameTable = SAME_TABLE;
  const sameObject = SAME_OBJECT;
  const sameField = SAME_FIELD;
  const hasPath = HAS_PATH;
  const stride = STRIDE;
  const update = kindNumbers.Update;
  const int = TAG_INT;
  const string = TAG_STRING;
  let row = 0;
  let table = -1;
  let object = -1;
  let field = -1;
  for (let i = 0; i < count; i++) {
    const start = reader.position;
    const head = reader.byte();
    const shape = shapes[head & kindMask] ?? unknownKind(start, head);
    if ((head & ~kindMask & ~shape) !== 0) strangeFlags(start, head);

    if ((head & sameTable) === 0) table = scanPart(reader, 'table', table);
    else if (table < 0) nothingBefore(start, 'table');

    if ((head & sameObject) !== 0) {
      if (object < 0) nothingBefore(start, 'object');
    } else if ((shape & sameObject) !== 0) object = scanObject(reader, object);

    if ((head & sameField) !== 0) {
      if (field < 0) nothingBefore(start, 'field');
    } else if ((shape & sameField) !== 0) {
      // Most fields are one byte that names another string than before. (At the end there is none.)
      const code = bytes[reader.position] ?? 0xff;
      const number = code >> 1;
      if (
        (code & 0x81) === 0 &&
        number < stringCount &&
        number !== field &&
        isNameSize(strings[2 * number + 1] as number)
      ) {
        reader.position++;
        field = number;
      } else field = scanPart(reader, 'field', field);
    }

    columns[row + KIND] = head & (kindMask | hasPath);
    columns[row + TABLE] = table;
    columns[row + OBJECT] = (shape & sameObject) === 0 ? -1 : object;
    columns[row + FIELD] = (shape & sameField) === 0 ? -1 : field;
    columns[row + REST] = reader.position;
    row += stride;
    const endsInIndex = (head & hasPath) !== 0 && scanPath(reader);
    if ((shape & NEEDS_INDEX) !== 0 && !endsInIndex) noIndex(start, head);
    if ((head & (kindMask | hasPath)) === update) {
      // Most operands are texts and integers of properties.
      const tag = (bytes[reader.position] as number) & TAG_MASK;
      if (tag === string || tag === int) {
        reader.position++;
        if (tag === int) reader.skipVarint64();
        else reader.skipText(reader.varint(limits.valueBytes), 'a string');
        continue;
      }
    }
    scanOperand(reader, head & kindMask, endsInIndex);
  }
};

const isNameSize = (size: number): boolean => size > 0 && size <= limits.nameBytes;

const scanPart = (reader: Reader, what: string, last: number): number => {
  const start = reader.position;
  const name = scanName(reader, what);
  if (name === last) refuse('notCanonical', start, `the ${what} of the instruction before, written again`);
  return name;
};

const scanObject = (reader: Reader, last: number): number => {
  const start = reader.position;
  const key = scanKey(reader);
  if (key === last) refuse('notCanonical', start, 'the object of the instruction before, written again');
  return key;
};

const scanName = (reader: Reader, what: string): number => {
  const start = reader.position;
  const number = scanString(reader, reader.varint(2 * limits.valueBytes + 1));
  const size = strings[2 * number + 1] as number;
  if (size === 0) refuse('malformed', start, `an empty name of a ${what}`);
  if (size > limits.nameBytes) {
    refuse('tooLarge', start, `a name of ${size} bytes for a ${what}: expected at most ${limits.nameBytes}`);
  }
  return number;
};

/** `code` is the varint of the string, read already. */
const scanString = (reader: Reader, code: number): number => {
  const number = code >> 1;
  if ((code & 1) !== 0) return addString(reader, number);
  if (number >= stringCount) {
    refuse('malformed', reader.position - 1, `string ${number} where ${stringCount} are known`);
  }
  return number;
};

const addString = (reader: Reader, size: number): number => {
  const start = reader.position;
  reader.skipText(size, 'a string');
  const { bytes } = reader;
  if (stringCount < FEW) {
    const bit = 1 << (size === 0 ? 0 : (bytes[start + size - 1] as number));
    if ((stringBits & bit) !== 0) {
      for (let i = 0; i < stringCount; i++) {
        if (strings[2 * i + 1] === size && sameBytes(bytes, strings[2 * i] as number, start, size)) {
          repeated(start, 'string');
        }
      }
    }
    stringBits |= bit;
  } else {
    if (manyStrings === null) {
      manyStrings = new Set();
      for (let i = 0; i < stringCount; i++) {
        const offset = strings[2 * i] as number;
        manyStrings.add(readUtf8(bytes, offset, offset + (strings[2 * i + 1] as number)));
      }
    }
    const text = readUtf8(bytes, start, start + size);
    if (manyStrings.has(text)) repeated(start, 'string');
    manyStrings.add(text);
  }
  strings[2 * stringCount] = start;
  strings[2 * stringCount + 1] = size;
  return stringCount++;
};

const scanKey = (reader: Reader): number => {
  const start = reader.position;
  const code = reader.varint(UINT32);
  if (code >= KEY_KNOWN) {
    const number = code - KEY_KNOWN;
    if (number >= keyCount) refuse('malformed', start, `key ${number} where ${keyCount} are known`);
    return number;
  }
  skipKeyContent(reader, code);
  const { bytes, position } = reader;
  if (keyCount < FEW) {
    const bit = 1 << (bytes[position - 1] as number);
    if ((keyBits & bit) !== 0) {
      for (let i = 0; i < keyCount; i++) {
        // A key says itself where it ends, so that equal bytes of this length are equal keys.
        if (sameBytes(bytes, keys[i] as number, start, position - start)) repeated(start, 'key');
      }
    }
    keyBits |= bit;
  } else {
    if (manyKeys === null) {
      manyKeys = new Set();
      for (let i = 0; i < keyCount; i++) {
        reader.position = keys[i] as number;
        manyKeys.add(readKey(reader, noNames));
      }
    }
    reader.position = start;
    const key = readKey(reader, noNames);
    if (manyKeys.has(key)) repeated(start, 'key');
    manyKeys.add(key);
  }
  keys[keyCount] = start;
  return keyCount++;
};

const skipKeyContent = (reader: Reader, type: number): void => {
  switch (type) {
    case KEY_OBJECT_ID:
      reader.skip(12, 'an ObjectId');
      return;
    case KEY_UUID:
      reader.skip(16, 'a UUID');
      return;
    case KEY_INT:
      reader.skipVarint64();
      return;
    case KEY_STRING:
      reader.skipText(reader.varint(limits.valueBytes), 'a key');
      return;
    case KEY_GLOBAL:
      reader.skipVarint64();
      reader.skipVarint64();
      return;
    default:
  }
};

/** Whether the path ends in an index. */
const scanPath = (reader: Reader): boolean => {
  const start = reader.position;
  const length = reader.byte();
  if (length === 0) refuse('notCanonical', start, 'an empty path written out');
  if (length > limits.pathElements) {
    refuse('tooLarge', start, `a path of ${length} elements: expected at most ${limits.pathElements}`);
  }
  let isIndex = false;
  for (let i = 0; i < length; i++) {
    const at = reader.position;
    const code = reader.varint(2 * UINT32);
    isIndex = code % 2 === 0;
    if (isIndex) continue;
    const string = (code - 1) / 2;
    if (string > 2 * limits.valueBytes + 1) refuse('tooLarge', at, 'a string in a path beyond the limit');
    scanString(reader, string);
  }
  return isIndex;
};

const scanOperand = (reader: Reader, kind: number, endsInIndex: boolean): void => {
  switch (kind) {
    case kindNumbers.Update:
      if (endsInIndex) {
        reader.varint(UINT32);
        scanPayload(reader, TAG_MASK);
      } else scanPayload(reader, TAG_MASK | IS_DEFAULT);
      return;
    case kindNumbers.AddInteger:
      reader.skipVarint64();
      return;
    case kindNumbers.ArrayInsert:
      reader.varint(UINT32);
      scanPayload(reader, TAG_MASK);
      return;
    case kindNumbers.ArrayMove:
      reader.varint(UINT32);
      reader.varint(UINT32);
      return;
    case kindNumbers.ArrayErase:
      reader.varint(UINT32);
      return;
    case kindNumbers.Clear: {
      const start = reader.position;
      const collection = reader.byte();
      if (collection >= collectionTypes.length) refuse('unknown', start, `collection type ${collection}`);
      return;
    }
    case kindNumbers.SetInsert:
    case kindNumbers.SetErase:
      scanPayload(reader, TAG_MASK);
      return;
    case kindNumbers.AddTable:
      scanTableSpec(reader);
      return;
    case kindNumbers.AddColumn:
      scanColumnSpec(reader);
      return;
    default:
  }
};

/** `allowed` has the bits that the tag's byte may have. */
const scanPayload = (reader: Reader, allowed: number): void => {
  const start = reader.position;
  const byte = reader.byte();
  if ((byte & ~allowed) !== 0) refuse('malformed', start, 'a default value where there is none');
  switch (byte & TAG_MASK) {
    case TAG_NULL:
    case TAG_FALSE:
    case TAG_TRUE:
      return;
    case TAG_INT:
      reader.skipVarint64();
      return;
    case TAG_STRING:
      reader.skipText(reader.varint(limits.valueBytes), 'a string');
      return;
    case TAG_BINARY:
      reader.skip(reader.varint(limits.valueBytes), 'a binary');
      return;
    case TAG_TIMESTAMP:
      scanTimestamp(reader);
      return;
    case TAG_FLOAT:
      reader.skip(4, 'a float');
      return;
    case TAG_DOUBLE:
      reader.skip(8, 'a double');
      return;
    case TAG_DECIMAL:
      reader.skip(16, 'a decimal');
      return;
    case TAG_OBJECT_ID:
      reader.skip(12, 'an ObjectId');
      return;
    case TAG_UUID:
      reader.skip(16, 'a UUID');
      return;
    case TAG_LINK:
      scanName(reader, 'table');
      scanKey(reader);
      return;
    default: {
      const tags = TAG_MARKERS + markers.length;
      if ((byte & TAG_MASK) >= tags)
        refuse('unknown', start, `value type ${byte & TAG_MASK}: expected less than ${tags}`);
    }
  }
};

/** Both parts have one sign, which is the lowest bit of a zigzag varint. */
const scanTimestamp = (reader: Reader): void => {
  const start = reader.position;
  reader.skipVarint64();
  const first = reader.bytes[start] as number;
  const at = reader.position;
  const nanoseconds = reader.varint(2 * MOST_NANOSECONDS);
  if (nanoseconds !== 0 && first !== 0 && ((first ^ nanoseconds) & 1) !== 0) {
    refuse('malformed', at, 'a timestamp whose seconds and nanoseconds differ in sign');
  }
};

const scanTableSpec = (reader: Reader): void => {
  const start = reader.position;
  const flags = reader.byte();
  if (flags === 0) return;
  // Key type and nullability have a meaning only where there is a key, all others only at top level.
  const known = (flags & SPEC_HAS_KEY) === 0 ? SPEC_TOP_LEVEL | SPEC_ASYMMETRIC : SPEC_BITS;
  if ((flags & SPEC_TOP_LEVEL) === 0 || (flags & ~known) !== 0) {
    refuse('malformed', start, `a table with flags ${flags} that do not go together`);
  }
  if ((flags & SPEC_HAS_KEY) !== 0) scanName(reader, 'primary key');
};

const scanColumnSpec = (reader: Reader): void => {
  const start = reader.position;
  const flags = reader.byte();
  const type = elementTypes[flags & ELEMENT_MASK];
  if (type === undefined) refuse('unknown', start, `element type ${flags & ELEMENT_MASK}`);
  if ((flags & COLUMN_HAS_TARGET) === 0) return;
  if (type !== 'link')
    refuse('malformed', start, `a column of type ${type} with a target: only links have one`);
  scanName(reader, 'target table');
};

const sameBytes = (bytes: Uint8Array, a: number, b: number, size: number): boolean => {
  // From the end, because identifiers made one after the other differ there.
  for (let i = size - 1; i >= 0; i--) if (bytes[a + i] !== bytes[b + i]) return false;
  return true;
};

const unknownKind = (offset: number, head: number): never =>
  refuse('unknown', offset, `instruction of kind ${head & KIND_MASK}: expected 0 to ${kinds.length - 1}`);
const strangeFlags = (offset: number, head: number): never =>
  refuse('malformed', offset, `flags ${head >> 4} that ${kinds[head & KIND_MASK]} does not have`);
const noIndex = (offset: number, head: number): never =>
  refuse('malformed', offset, `the path of ${kinds[head & KIND_MASK]} ends in no index`);
const nothingBefore = (offset: number, what: string): never =>
  refuse('malformed', offset, `the same ${what} as before, the first time`);
const repeated = (offset: number, what: string): never =>
  refuse('notCanonical', offset, `a ${what} that was met before, written out again`);
