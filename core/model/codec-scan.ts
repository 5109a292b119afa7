/**
 * Scanning a body (format: `codec-format.ts`): every byte is checked, nothing but numbers is kept. What comes
 * out can be unpacked without a failure, and is the only encoding of what it says.
 *
 * Memory: seven numbers a byte at the very most, and no string unless a body has many of them.
 */
import { Reader } from '../base/bytes.js';
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
import { readKeyContent } from './codec-read.js';
import { kinds } from './instruction.js';
import { PackedInstructions } from './packed.js';

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

let rows: number[] = [];
let strings: number[] = [];
let keys: number[] = [];
let stringCount = 0;
let keyCount = 0;
let manyStrings: Set<string> | null = null;
let manyKeys: Set<string> | null = null;

/**
 * The packed form of a body that takes all of `bytes`, of which it keeps hold. Refuses (see
 * `core/base/decode-error.ts`) everything that `writeBody` cannot have written. O(bytes).
 */
export const scanBody = (bytes: Uint8Array): PackedInstructions => {
  stringCount = 0;
  keyCount = 0;
  manyStrings = null;
  manyKeys = null;
  const reader = new Reader(bytes);
  const count = reader.varint(limits.changesetInstructions);
  if (count > reader.remaining) {
    refuse(
      'truncated',
      reader.position,
      `${count} instructions announced where ${reader.remaining} bytes remain`,
    );
  }
  const length = scanInstructions(reader, count);
  reader.end('the instructions');
  const packed = new PackedInstructions(
    count,
    reader,
    rows.slice(0, length),
    strings.slice(0, 2 * stringCount),
    keys.slice(0, 2 * keyCount),
  );
  if (rows.length > KEPT) rows = [];
  if (strings.length > KEPT) strings = [];
  if (keys.length > KEPT) keys = [];
  return packed;
};

const scanInstructions = (reader: Reader, count: number): number => {
  let row = 0;
  let table = -1;
  let object = -1;
  let field = -1;
  for (let i = 0; i < count; i++) {
    const start = reader.position;
    const head = reader.byte();
    const kind = head & KIND_MASK;
    const shape = shapes[kind];
    if (shape === undefined) return refuse('unknown', start, `instruction of kind ${kind}: expected 0 to 13`);
    if ((head & ~KIND_MASK & ~shape) !== 0) {
      refuse('malformed', start, `an instruction with flags ${head >> 4} that ${kinds[kind]} does not have`);
    }

    table = scanPart(reader, 'table', table, (head & SAME_TABLE) !== 0);
    if ((shape & SAME_OBJECT) !== 0) object = scanObject(reader, object, (head & SAME_OBJECT) !== 0);
    if ((shape & SAME_FIELD) !== 0) field = scanPart(reader, 'field', field, (head & SAME_FIELD) !== 0);

    rows[row] = kind;
    rows[row + 1] = table;
    rows[row + 2] = (shape & SAME_OBJECT) === 0 ? -1 : object;
    rows[row + 3] = (shape & SAME_FIELD) === 0 ? -1 : field;
    let endsInIndex = false;
    if ((head & HAS_PATH) === 0) rows[row + 4] = -1;
    else {
      rows[row + 4] = reader.position;
      endsInIndex = scanPath(reader);
    }
    if ((shape & NEEDS_INDEX) !== 0 && !endsInIndex) {
      refuse('malformed', start, `the path of ${kinds[kind]} ends in no index`);
    }
    rows[row + 5] = reader.position;
    scanOperand(reader, kind, endsInIndex);
    row += 6;
  }
  return row;
};

const scanPart = (reader: Reader, what: string, last: number, same: boolean): number => {
  if (same)
    return last >= 0
      ? last
      : refuse('malformed', reader.position, `the same ${what} as before, the first time`);
  const start = reader.position;
  const name = scanName(reader, what);
  if (name === last) refuse('notCanonical', start, `the ${what} of the instruction before, written again`);
  return name;
};

const scanObject = (reader: Reader, last: number, same: boolean): number => {
  if (same)
    return last >= 0
      ? last
      : refuse('malformed', reader.position, 'the same object as before, the first time');
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
    for (let i = 0; i < stringCount; i++) {
      if (strings[2 * i + 1] === size && sameBytes(bytes, strings[2 * i] as number, start, size)) {
        repeated(start, 'string');
      }
    }
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
  if (code < KEY_KNOWN) return addKey(reader, code);
  const number = code - KEY_KNOWN;
  if (number >= keyCount) refuse('malformed', start, `key ${number} where ${keyCount} are known`);
  return number;
};

const addKey = (reader: Reader, type: number): number => {
  const start = reader.position;
  switch (type) {
    case KEY_OBJECT_ID:
      reader.skip(12, 'an ObjectId');
      break;
    case KEY_UUID:
      reader.skip(16, 'a UUID');
      break;
    case KEY_INT:
      reader.skipVarint64();
      break;
    case KEY_STRING:
      reader.skipText(reader.varint(limits.valueBytes), 'a key');
      break;
    case KEY_GLOBAL:
      reader.skipVarint64();
      reader.skipVarint64();
      break;
    default:
  }
  const end = reader.position;
  if (keyCount < FEW) {
    for (let i = 0; i < keyCount; i++) {
      // A content says itself where it ends, so that equal bytes of this length are an equal content.
      if (keys[2 * i] === type && sameBytes(reader.bytes, keys[2 * i + 1] as number, start, end - start)) {
        repeated(start, 'key');
      }
    }
  } else {
    if (manyKeys === null) {
      manyKeys = new Set();
      for (let i = 0; i < keyCount; i++) {
        reader.position = keys[2 * i + 1] as number;
        manyKeys.add(readKeyContent(reader, keys[2 * i] as number));
      }
    }
    reader.position = start;
    const key = readKeyContent(reader, type);
    if (manyKeys.has(key)) repeated(start, 'key');
    manyKeys.add(key);
  }
  keys[2 * keyCount] = type;
  keys[2 * keyCount + 1] = start;
  return keyCount++;
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
  // From the end: identifiers made one after the other differ there.
  for (let i = size - 1; i >= 0; i--) if (bytes[a + i] !== bytes[b + i]) return false;
  return true;
};

const repeated = (offset: number, what: string): never =>
  refuse('notCanonical', offset, `a ${what} that was met before, written out again`);
