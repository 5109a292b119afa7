/**
 * Writing instructions to a body (format: `codec-format.ts`), in one pass and without an object per
 * instruction. What is not well formed throws: it is the caller's bug, and a decoder would refuse it.
 */
import type { Writer } from '../base/bytes.js';
import { limits } from '../base/limits.js';
import { utf8Length } from '../base/utf8.js';
import {
  COLUMN_COLLECTION_SHIFT,
  COLUMN_HAS_TARGET,
  COLUMN_NULLABLE,
  collectionNumbers,
  elementTypeNumbers,
  HAS_PATH,
  IS_DEFAULT,
  KEY_GLOBAL,
  KEY_INT,
  KEY_KNOWN,
  KEY_NULL,
  KEY_OBJECT_ID,
  KEY_STRING,
  KEY_UUID,
  keyTypeNumbers,
  kindNumbers,
  markerNumber,
  SAME_FIELD,
  SAME_OBJECT,
  SAME_TABLE,
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
  TAG_NULL,
  TAG_OBJECT_ID,
  TAG_STRING,
  TAG_TIMESTAMP,
  TAG_TRUE,
  TAG_UUID,
} from './codec-format.js';
import { endsInIndex, type Instruction, type Path, type PathInstruction } from './instruction.js';
import { globalKeyParts, type Key, keyType } from './key.js';
import { printInstruction } from './print.js';
import type { ColumnSpec, TableSpec } from './schema.js';
import { doubleFromBits, type Payload, type Timestamp } from './value.js';

/** Names of one body by number. Few are found by looking through them, many through a map. */
class Names<T extends string> {
  readonly #list: T[] = [];
  #count = 0;
  #map: Map<T, number> | null = null;

  clear(): void {
    this.#count = 0;
    this.#map = null;
  }

  /** The number of `name`, or -1 where it had none until now. */
  number(name: T): number {
    const count = this.#count;
    const list = this.#list;
    if (count < FEW) {
      for (let i = 0; i < count; i++) if (list[i] === name) return i;
      list[count] = name;
      this.#count = count + 1;
      return -1;
    }
    return this.#numberOfMany(name);
  }

  #numberOfMany(name: T): number {
    let map = this.#map;
    if (map === null) {
      map = new Map();
      for (let i = 0; i < FEW; i++) map.set(this.#list[i] as T, i);
      this.#map = map;
    }
    const number = map.get(name);
    if (number !== undefined) return number;
    map.set(name, this.#count++);
    return -1;
  }
}

const FEW = 16;
/** More than the bytes of an instruction besides strings, keys, paths and binaries. */
const ROOM = 80;

const strings = new Names<string>();
const keys = new Names<Key>();
let lastTable: string | null = null;
let lastObject: Key | null = null;
let lastField: string | null = null;

export const writeBody = (writer: Writer, instructions: readonly Instruction[]): void => {
  beginBody(writer, instructions.length);
  for (let i = 0; i < instructions.length; i++) writeInstruction(writer, instructions[i] as Instruction);
};

/** Begins a body of `count` instructions, which are then written one by one. */
export const beginBody = (writer: Writer, count: number): void => {
  strings.clear();
  keys.clear();
  lastTable = null;
  lastObject = null;
  lastField = null;
  if (count > limits.changesetInstructions) {
    throw new Error(`${count} instructions, at most ${limits.changesetInstructions} fit in a changeset`);
  }
  writer.reserve(ROOM);
  writer.varint(count);
};

/** An instruction whose path and operand stand in `bytes` from `start` to `end` and name nothing by number. `kind` has `HAS_PATH` where there is a path. */
export const writeRaw = (
  writer: Writer,
  kind: number,
  table: string,
  object: Key,
  field: string | null,
  bytes: Uint8Array,
  start: number,
  end: number,
): void => {
  writer.reserve(ROOM);
  writeHead(writer, kind, table, object, field);
  writer.reserve(end - start);
  let { position } = writer;
  for (let p = start; p < end; p++) writer.bytes[position++] = bytes[p] as number;
  writer.position = position;
};

export const writeInstruction = (writer: Writer, instruction: Instruction): void => {
  writer.reserve(ROOM);
  switch (instruction.kind) {
    case 'Update': {
      writePlace(writer, kindNumbers.Update, instruction);
      const { priorSize, isDefault } = instruction;
      if (endsInIndex(instruction.path) !== (priorSize !== null)) {
        throw illFormed(instruction, 'a prior size exactly where the path ends in an index');
      }
      if (priorSize !== null) {
        if (isDefault) throw illFormed(instruction, 'no default in a list');
        writeUint32(writer, priorSize);
      }
      writePayload(writer, instruction.value, isDefault ? IS_DEFAULT : 0);
      return;
    }
    case 'CreateObject':
      writeHead(writer, kindNumbers.CreateObject, instruction.table, instruction.object, null);
      return;
    case 'EraseObject':
      writeHead(writer, kindNumbers.EraseObject, instruction.table, instruction.object, null);
      return;
    case 'AddInteger':
      writePlace(writer, kindNumbers.AddInteger, instruction);
      writer.signed(instruction.value);
      return;
    case 'ArrayInsert':
      writeElementPlace(writer, kindNumbers.ArrayInsert, instruction, instruction.priorSize);
      writePayload(writer, instruction.value, 0);
      return;
    case 'ArrayMove':
      writeElementPlace(writer, kindNumbers.ArrayMove, instruction, instruction.priorSize);
      writeUint32(writer, instruction.to);
      return;
    case 'ArrayErase':
      writeElementPlace(writer, kindNumbers.ArrayErase, instruction, instruction.priorSize);
      return;
    case 'Clear':
      writePlace(writer, kindNumbers.Clear, instruction);
      writer.byte(collectionNumbers[instruction.collection]);
      return;
    case 'SetInsert':
      writePlace(writer, kindNumbers.SetInsert, instruction);
      writePayload(writer, instruction.value, 0);
      return;
    case 'SetErase':
      writePlace(writer, kindNumbers.SetErase, instruction);
      writePayload(writer, instruction.value, 0);
      return;
    case 'AddTable':
      writeHead(writer, kindNumbers.AddTable, instruction.table, null, null);
      writeTableSpec(writer, instruction.spec);
      return;
    case 'EraseTable':
      writeHead(writer, kindNumbers.EraseTable, instruction.table, null, null);
      return;
    case 'AddColumn':
      writeHead(writer, kindNumbers.AddColumn, instruction.table, null, instruction.field);
      writeColumnSpec(writer, instruction.column);
      return;
    case 'EraseColumn':
      writeHead(writer, kindNumbers.EraseColumn, instruction.table, null, instruction.field);
      return;
  }
};

const writeHead = (
  writer: Writer,
  head: number,
  table: string,
  object: Key | null,
  field: string | null,
): void => {
  let flags = head;
  if (table === lastTable) flags |= SAME_TABLE;
  if (object !== null && object === lastObject) flags |= SAME_OBJECT;
  if (field !== null && field === lastField) flags |= SAME_FIELD;
  writer.byte(flags);
  if ((flags & SAME_TABLE) === 0) {
    writeName(writer, table);
    lastTable = table;
  }
  if (object !== null && (flags & SAME_OBJECT) === 0) {
    writeKey(writer, object);
    lastObject = object;
  }
  if (field !== null && (flags & SAME_FIELD) === 0) {
    writeName(writer, field);
    lastField = field;
  }
};

const writePlace = (writer: Writer, kind: number, instruction: PathInstruction): void => {
  const { path } = instruction;
  const head = path.length > 0 ? kind | HAS_PATH : kind;
  writeHead(writer, head, instruction.table, instruction.object, instruction.field);
  if (path.length > 0) writePath(writer, path);
};

const writeElementPlace = (
  writer: Writer,
  kind: number,
  instruction: PathInstruction,
  priorSize: number,
): void => {
  if (!endsInIndex(instruction.path)) throw illFormed(instruction, 'a path that ends in an index');
  writePlace(writer, kind, instruction);
  writeUint32(writer, priorSize);
};

const writePath = (writer: Writer, path: Path): void => {
  if (path.length > limits.pathElements) {
    throw new Error(`a path of ${path.length} elements, at most ${limits.pathElements} are allowed`);
  }
  writer.byte(path.length);
  for (const element of path) {
    if (typeof element === 'number') {
      writer.reserve(5);
      checkUint32(element);
      writer.varint(2 * element);
    } else writeString(writer, element, 4, 1);
  }
  writer.reserve(ROOM);
};

/** A string met before as `scale × number + offset`, any other as `scale × size + offset + scale / 2` and text. */
const writeString = (writer: Writer, text: string, scale: 2 | 4, offset: 0 | 1): void => {
  const number = strings.number(text);
  if (number >= 0) {
    writer.reserve(ROOM);
    writer.varint(scale * number + offset);
    return;
  }
  checkSize(writer.text(text, 0, scale, offset + scale / 2), limits.valueBytes, 'a string');
  writer.reserve(ROOM);
};

const writeName = (writer: Writer, name: string): void => {
  // No character takes more than three bytes, so that short names need no counting.
  if (name === '' || (name.length > limits.nameBytes / 3 && utf8Length(name) > limits.nameBytes)) {
    throw new Error(`${JSON.stringify(name)} is no name: expected 1 to ${limits.nameBytes} bytes`);
  }
  writeString(writer, name, 2, 0);
};

const writeKey = (writer: Writer, key: Key): void => {
  const number = keys.number(key);
  if (number >= 0) {
    writer.varint(number + KEY_KNOWN);
    return;
  }
  switch (keyType(key)) {
    case 'objectId':
      writer.byte(KEY_OBJECT_ID);
      writer.hex(key, 1, 12);
      return;
    case 'uuid':
      writer.byte(KEY_UUID);
      writer.hex(key, 1, 16);
      return;
    case 'int':
      writer.byte(KEY_INT);
      writer.signed(BigInt(key.slice(1)));
      return;
    case 'string':
      writer.byte(KEY_STRING);
      checkSize(writer.text(key, 1, 1, 0), limits.valueBytes, 'a key');
      writer.reserve(ROOM);
      return;
    case 'null':
      writer.byte(KEY_NULL);
      return;
    case 'globalKey': {
      const { hi, lo } = globalKeyParts(key);
      writer.byte(KEY_GLOBAL);
      writer.unsigned(hi);
      writer.unsigned(lo);
      return;
    }
  }
};

const writePayload = (writer: Writer, value: Payload, flag: number): void => {
  switch (typeof value) {
    case 'bigint':
      writer.byte(TAG_INT | flag);
      writer.signed(value);
      return;
    case 'string':
      writer.byte(TAG_STRING | flag);
      checkSize(writer.text(value, 0, 1, 0), limits.valueBytes, 'a string');
      return;
    case 'number':
      writer.byte(TAG_DOUBLE | flag);
      writer.float64(value);
      return;
    case 'boolean':
      writer.byte((value ? TAG_TRUE : TAG_FALSE) | flag);
      return;
    default:
      if (value === null) writer.byte(TAG_NULL | flag);
      else writeTagged(writer, value, flag);
  }
};

const writeTagged = (writer: Writer, value: Exclude<Payload & object, null>, flag: number): void => {
  switch (value.type) {
    case 'objectId':
      writer.byte(TAG_OBJECT_ID | flag);
      writer.hex(value.hex, 0, 12);
      return;
    case 'uuid':
      writer.byte(TAG_UUID | flag);
      writer.hex(value.hex, 0, 16);
      return;
    case 'decimal':
      writer.byte(TAG_DECIMAL | flag);
      writer.hex(value.hex, 0, 16);
      return;
    case 'binary':
      checkSize(value.bytes.length, limits.valueBytes, 'a binary');
      writer.byte(TAG_BINARY | flag);
      writer.varint(value.bytes.length);
      writer.raw(value.bytes);
      return;
    case 'timestamp':
      if (!isTimestamp(value)) throw new Error(`no timestamp: ${value.seconds} s ${value.nanoseconds} ns`);
      writer.byte(TAG_TIMESTAMP | flag);
      writer.signed(value.seconds);
      writer.signed(BigInt(value.nanoseconds));
      return;
    case 'float':
      checkUint32(value.bits);
      writer.byte(TAG_FLOAT | flag);
      writer.uint32(value.bits);
      return;
    case 'double':
      if (typeof doubleFromBits(value.bits) === 'number') throw new Error(`no odd NaN: ${value.bits}`);
      writer.byte(TAG_DOUBLE | flag);
      writer.bits64(value.bits);
      return;
    case 'link':
      writer.byte(TAG_LINK | flag);
      writeName(writer, value.table);
      writeKey(writer, value.key);
      return;
    default:
      writer.byte((TAG_MARKERS + markerNumber(value)) | flag);
  }
};

const writeTableSpec = (writer: Writer, spec: TableSpec): void => {
  if (spec.type === 'embedded') {
    writer.byte(0);
    return;
  }
  const flags = SPEC_TOP_LEVEL | (spec.asymmetric ? SPEC_ASYMMETRIC : 0);
  const key = spec.primaryKey;
  if (key === null) {
    writer.byte(flags);
    return;
  }
  const nullable = key.nullable ? SPEC_KEY_NULLABLE : 0;
  writer.byte(flags | SPEC_HAS_KEY | nullable | (keyTypeNumbers[key.type] << SPEC_KEY_TYPE_SHIFT));
  writeName(writer, key.name);
};

const writeColumnSpec = (writer: Writer, column: ColumnSpec): void => {
  const { target } = column;
  if (target !== null && column.type !== 'link') {
    throw new Error(`a column of type ${column.type} with the target ${target}: only links have one`);
  }
  const flags = (column.nullable ? COLUMN_NULLABLE : 0) | (target === null ? 0 : COLUMN_HAS_TARGET);
  const collection = collectionNumbers[column.collection] << COLUMN_COLLECTION_SHIFT;
  writer.byte(elementTypeNumbers[column.type] | collection | flags);
  if (target !== null) writeName(writer, target);
};

const writeUint32 = (writer: Writer, value: number): void => {
  checkUint32(value);
  writer.varint(value);
};

const isTimestamp = ({ seconds, nanoseconds }: Timestamp): boolean =>
  Number.isInteger(nanoseconds) &&
  Math.abs(nanoseconds) < 1e9 &&
  (nanoseconds >= 0 || seconds <= 0n) &&
  (nanoseconds <= 0 || seconds >= 0n);

const checkUint32 = (value: number): void => {
  if (value >>> 0 !== value) throw new Error(`${value} is not an integer from 0 to 2^32 - 1`);
};

const checkSize = (size: number, most: number, what: string): void => {
  if (size > most) throw new Error(`${what} of ${size} bytes, at most ${most} are allowed`);
};

const illFormed = (instruction: Instruction, expected: string): Error =>
  new Error(`${printInstruction(instruction)} is not well formed: expected ${expected}`);
