/**
 * Instructions in packed form: the bytes of a body (format: `codec-format.ts`), and columns of numbers that say
 * where in them everything is. Scanning a body makes a few arrays, however many instructions there are; strings,
 * keys, values and instructions come into being when someone asks for them.
 *
 * `rows` has `STRIDE` numbers for each instruction; those of instruction i start at `i * STRIDE`:
 *
 *     +KIND      the kind (position in `kinds`)
 *     +TABLE     number of the table's name among the strings
 *     +OBJECT    number of the key                            -1 where the kind has none
 *     +FIELD     number of the property's name                -1 where the kind has none
 *     +PATH      offset of the path, at its length            -1 where it is empty
 *     +OPERAND   offset of what follows the place
 *
 * Two instructions of one body name the same table, object or field exactly where the numbers are equal.
 * Plain arrays of small integers, because allocating typed arrays takes longer than scanning a short body.
 */
import type { Reader } from '../base/bytes.js';
import { readUtf8 } from '../base/utf8.js';
import type { Changeset } from './changeset.js';
import { collectionTypes, IS_DEFAULT } from './codec-format.js';
import { readColumnSpec, readKeyContent, readPath, readPayload, readTableSpec } from './codec-read.js';
import { type Instruction, type Kind, kinds, type Path } from './instruction.js';
import type { Key } from './key.js';

export const STRIDE = 6;
export const KIND = 0;
export const TABLE = 1;
export const OBJECT = 2;
export const FIELD = 3;
export const PATH = 4;
export const OPERAND = 5;

/** A changeset whose instructions are packed. */
export interface PackedChangeset extends Omit<Changeset, 'instructions'> {
  readonly body: PackedInstructions;
}

/** Made by the scanner only (`codec-scan.ts`): everything here relies on bytes that it has found good. */
export class PackedInstructions {
  readonly count: number;
  /** The body. Not to be written to for as long as this lives. */
  readonly bytes: Uint8Array;
  readonly rows: readonly number[];
  /** Two numbers for each string: offset and size of its text. */
  readonly strings: readonly number[];
  /** Two numbers for each key: its type and the offset of its content. */
  readonly keys: readonly number[];
  readonly #reader: Reader;
  #texts: (string | undefined)[] | null = null;
  #keyTexts: (Key | undefined)[] | null = null;

  constructor(
    count: number,
    reader: Reader,
    rows: readonly number[],
    strings: readonly number[],
    keys: readonly number[],
  ) {
    this.count = count;
    this.bytes = reader.bytes;
    this.rows = rows;
    this.strings = strings;
    this.keys = keys;
    this.#reader = reader;
  }

  /** The string with this number. */
  stringAt(number: number): string {
    this.#texts ??= new Array<string | undefined>(this.strings.length / 2);
    const known = this.#texts[number];
    if (known !== undefined) return known;
    const offset = this.strings[2 * number] as number;
    const text = readUtf8(this.bytes, offset, offset + (this.strings[2 * number + 1] as number));
    this.#texts[number] = text;
    return text;
  }

  /** The key with this number. */
  keyAt(number: number): Key {
    this.#keyTexts ??= new Array<Key | undefined>(this.keys.length / 2);
    const known = this.#keyTexts[number];
    if (known !== undefined) return known;
    const reader = this.#reader;
    const { position } = reader;
    reader.position = this.keys[2 * number + 1] as number;
    const key = readKeyContent(reader, this.keys[2 * number] as number);
    reader.position = position;
    this.#keyTexts[number] = key;
    return key;
  }

  /** The path of instruction i; empty where its kind has none. */
  pathAt(i: number): Path {
    const offset = this.rows[i * STRIDE + PATH] as number;
    if (offset < 0) return noPath;
    this.#reader.position = offset;
    return readPath(this.#reader, this);
  }

  /** Instruction i in readable form. */
  instructionAt(i: number): Instruction {
    const row = i * STRIDE;
    const { rows } = this;
    const kind = kinds[rows[row + KIND] as number] as Kind;
    const table = this.stringAt(rows[row + TABLE] as number);
    const path = this.pathAt(i);
    const reader = this.#reader;
    reader.position = rows[row + OPERAND] as number;
    switch (kind) {
      case 'AddTable':
        return { kind, table, spec: readTableSpec(reader, this) };
      case 'EraseTable':
        return { kind, table };
      case 'CreateObject':
      case 'EraseObject':
        return { kind, table, object: this.keyAt(rows[row + OBJECT] as number) };
      case 'AddColumn': {
        const field = this.stringAt(rows[row + FIELD] as number);
        return { kind, table, field, column: readColumnSpec(reader, this) };
      }
      case 'EraseColumn':
        return { kind, table, field: this.stringAt(rows[row + FIELD] as number) };
      default:
    }
    const object = this.keyAt(rows[row + OBJECT] as number);
    const field = this.stringAt(rows[row + FIELD] as number);
    switch (kind) {
      case 'Update': {
        const priorSize = typeof path[path.length - 1] === 'number' ? reader.varint(UINT32) : null;
        const isDefault = (this.bytes[reader.position] as number) >= IS_DEFAULT;
        return { kind, table, object, field, path, value: readPayload(reader, this), isDefault, priorSize };
      }
      case 'AddInteger':
        return { kind, table, object, field, path, value: reader.signed() };
      case 'ArrayInsert': {
        const priorSize = reader.varint(UINT32);
        return { kind, table, object, field, path, value: readPayload(reader, this), priorSize };
      }
      case 'ArrayMove': {
        const priorSize = reader.varint(UINT32);
        return { kind, table, object, field, path, to: reader.varint(UINT32), priorSize };
      }
      case 'ArrayErase':
        return { kind, table, object, field, path, priorSize: reader.varint(UINT32) };
      case 'Clear':
        return { kind, table, object, field, path, collection: collectionTypes[reader.byte()] ?? 'single' };
      case 'SetInsert':
      case 'SetErase':
        return { kind, table, object, field, path, value: readPayload(reader, this) };
    }
  }

  /** All instructions in readable form. */
  unpack(): Instruction[] {
    const instructions: Instruction[] = [];
    for (let i = 0; i < this.count; i++) instructions.push(this.instructionAt(i));
    return instructions;
  }
}

const UINT32 = 0xffffffff;
const noPath: Path = [];

export const unpack = ({ version, base, timestamp, origin, body }: PackedChangeset): Changeset => ({
  version,
  base,
  timestamp,
  origin,
  instructions: body.unpack(),
});
