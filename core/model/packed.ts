/**
 * Instructions in packed form: the bytes of a body (format: `codec-format.ts`), and an array of small integers
 * that says where in them everything is. Strings, keys, values and instructions come into being when someone
 * asks for them.
 *
 * `columns` begins with `STRIDE` numbers for each instruction; those of instruction i start at `i * STRIDE`:
 *
 *     +KIND      the kind (position in `kinds`), plus `HAS_PATH` where the path is not empty
 *     +TABLE     number of the table's name among the strings
 *     +OBJECT    number of the key                            -1 where the kind has none
 *     +FIELD     number of the property's name                -1 where the kind has none
 *     +REST      offset of what follows: the path where there is one, then the operand
 *
 * Then come two numbers for each string, the offset and the size of its text; then one for each key, the offset
 * of its type, which its content follows. Strings and keys are all different: two instructions name the same
 * table, object or field exactly where the numbers are equal.
 *
 * It is one plain array because allocating several, or a typed one, takes longer than scanning a short body.
 */
import type { Reader } from '../base/bytes.js';
import { readUtf8 } from '../base/utf8.js';
import type { Changeset } from './changeset.js';
import { collectionTypes, HAS_PATH, IS_DEFAULT, KIND_MASK } from './codec-format.js';
import { readColumnSpec, readKey, readPath, readPayload, readTableSpec } from './codec-read.js';
import { endsInIndex, type Instruction, type Kind, kinds, type Path } from './instruction.js';
import type { Key } from './key.js';

export const STRIDE = 5;
export const KIND = 0;
export const TABLE = 1;
export const OBJECT = 2;
export const FIELD = 3;
export const REST = 4;

/** A changeset whose instructions are packed. */
export interface PackedChangeset extends Omit<Changeset, 'instructions'> {
  readonly body: PackedInstructions;
}

/** Made by the scanner only (`codec-scan.ts`): everything here relies on bytes that it has found good. */
export class PackedInstructions {
  /** The body, from `start` to the end. Not to be written to for as long as this lives. */
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly count: number;
  readonly stringCount: number;
  readonly keyCount: number;
  readonly columns: readonly number[];
  readonly #reader: Reader;
  #strings: (string | undefined)[] | null = null;
  #keys: (Key | undefined)[] | null = null;

  constructor(reader: Reader, start: number, count: number, stringCount: number, columns: readonly number[]) {
    this.bytes = reader.bytes;
    this.start = start;
    this.count = count;
    this.stringCount = stringCount;
    this.keyCount = columns.length - STRIDE * count - 2 * stringCount;
    this.columns = columns;
    this.#reader = reader;
  }

  /** The string with this number. */
  stringAt(number: number): string {
    this.#strings ??= new Array<string | undefined>(this.stringCount);
    const known = this.#strings[number];
    if (known !== undefined) return known;
    const entry = STRIDE * this.count + 2 * number;
    const offset = this.columns[entry] as number;
    const text = readUtf8(this.bytes, offset, offset + (this.columns[entry + 1] as number));
    this.#strings[number] = text;
    return text;
  }

  /** Where the type of the key with this number stands. */
  keyOffset(number: number): number {
    return this.columns[STRIDE * this.count + 2 * this.stringCount + number] as number;
  }

  /** The key with this number. */
  keyAt(number: number): Key {
    this.#keys ??= new Array<Key | undefined>(this.keyCount);
    const known = this.#keys[number];
    if (known !== undefined) return known;
    const reader = this.#reader;
    const { position } = reader;
    reader.position = this.keyOffset(number);
    const key = readKey(reader, this);
    reader.position = position;
    this.#keys[number] = key;
    return key;
  }

  /** Instruction i in readable form. */
  instructionAt(i: number): Instruction {
    const row = i * STRIDE;
    const { columns } = this;
    const head = columns[row + KIND] as number;
    const kind = kinds[head & KIND_MASK] as Kind;
    const table = this.stringAt(columns[row + TABLE] as number);
    const reader = this.#reader;
    reader.position = columns[row + REST] as number;
    switch (kind) {
      case 'AddTable':
        return { kind, table, spec: readTableSpec(reader, this) };
      case 'EraseTable':
        return { kind, table };
      case 'CreateObject':
      case 'EraseObject':
        return { kind, table, object: this.keyAt(columns[row + OBJECT] as number) };
      case 'AddColumn': {
        const field = this.stringAt(columns[row + FIELD] as number);
        return { kind, table, field, column: readColumnSpec(reader, this) };
      }
      case 'EraseColumn':
        return { kind, table, field: this.stringAt(columns[row + FIELD] as number) };
      default:
    }
    const object = this.keyAt(columns[row + OBJECT] as number);
    const field = this.stringAt(columns[row + FIELD] as number);
    const path = (head & HAS_PATH) === 0 ? noPath : readPath(reader, this);
    switch (kind) {
      case 'Update': {
        const priorSize = endsInIndex(path) ? reader.varint(UINT32) : null;
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
