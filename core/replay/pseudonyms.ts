/**
 * Pseudonyms: other content in the place of a user's, the same for the same, different for different.
 *
 * Each takes as many bytes as what it stands for, has its sign, and stands for a default where that is one: what
 * machines decide by the size or equality of content they decide alike. It is drawn by chance, and so tells
 * nothing of the original but its size; the shortest originals, of one or two bytes, may come out as others of them.
 *
 * What stays: booleans, nulls, zeros, NaNs and infinities, empty texts; texts that are names of the schema, where
 * names stay; and integers of properties that are counted up, since sums would not come out.
 */
import * as E from 'fp-ts/lib/Either.js';
import { partitionName, partitionOfName, partitionTypes } from '../access/partition-value.js';
import { utf8Length } from '../base/utf8.js';
import type { Instruction, Path } from '../model/instruction.js';
import { intKey, type Key, keyType, objectIdKey, stringKey, uuidKey } from '../model/key.js';
import { decimalNumber } from '../model/member.js';
import type { ColumnSpec, TableSpec } from '../model/schema.js';
import {
  binary,
  decimal,
  float,
  floatToNumber,
  link,
  objectId,
  type Payload,
  timestamp,
  uuid,
  valueId,
} from '../model/value.js';

const letters = 'abcdefghijklmnopqrstuvwxyz';

/** Tries before something shorter than chance likes is looked for in order. */
const TRIES = 100;

/** Not for secrets: what is drawn does not depend on what it stands for. */
class Chance {
  #a: number;
  #b: number;

  constructor(salt: number) {
    this.#a = (Math.floor(salt / 2 ** 32) ^ 0x9e3779b9) | 0;
    this.#b = (salt | 0) ^ 0x243f6a88;
    for (let i = 0; i < 16; i++) this.word();
  }

  /** From 0 to 2^32 - 1. */
  word(): number {
    const t = this.#a ^ (this.#a << 13);
    this.#a = (this.#b + 0x6d2b79f5) | 0;
    this.#b = (Math.imul(t ^ (t >>> 17), 0x85ebca6b) ^ this.#b ^ (this.#b >>> 5)) | 0;
    return this.#b >>> 0;
  }

  below(end: number): number {
    return this.word() % end;
  }

  hex(digits: number): string {
    let text = '';
    while (text.length < digits) text += this.word().toString(16).padStart(8, '0');
    return text.slice(0, digits);
  }
}

/** Bytes that the integer takes, zigzagged, in groups of seven bits. */
const signedSize = (value: bigint): number => {
  let rest = value < 0n ? -value - 1n : value;
  let size = 1;
  for (rest >>= 6n; rest > 0n; rest >>= 7n) size++;
  return size;
};

const fieldId = (table: string, field: string): string => JSON.stringify([table, field]);

/** What must be known of a recording before names are given. */
export class Vocabulary {
  readonly names = new Set<string>();
  readonly #counted = new Set<string>();

  /** Answers the instruction itself. */
  take(instruction: Instruction): Instruction {
    this.names.add(instruction.table);
    if ('field' in instruction) this.names.add(instruction.field);
    if (instruction.kind === 'AddInteger') this.#counted.add(fieldId(instruction.table, instruction.field));
    if (instruction.kind === 'AddTable' && instruction.spec.type === 'topLevel')
      this.names.add(instruction.spec.primaryKey?.name ?? '');
    return instruction;
  }

  isCounted(table: string, field: string): boolean {
    return this.#counted.has(fieldId(table, field));
  }
}

export class Pseudonyms {
  readonly #chance: Chance;
  readonly #vocabulary: Vocabulary;
  readonly #hidesNames: boolean;
  readonly #given = new Map<string, Payload>();
  /** Values of which nothing else may become one. */
  readonly #used = new Set<string>();
  readonly #salts = new Map<number, number>([[0, 0]]);
  readonly #notes = new Map<string, string>([['', '']]);

  /** `salt`: an integer from 1 to 2^53 - 1, to be forgotten afterwards. */
  constructor(salt: number, vocabulary: Vocabulary, hidesNames: boolean) {
    this.#chance = new Chance(salt);
    this.#vocabulary = vocabulary;
    this.#hidesNames = hidesNames;
    if (!hidesNames) for (const name of vocabulary.names) this.#used.add(valueId(name));
  }

  /** What stands for the value called `id`: the first that `draw` gives and that stands for nothing else. */
  #pseudonym<P extends Payload>(id: string, draw: (tries: number) => P): P {
    const known = this.#given.get(id);
    if (known !== undefined) return known as P;
    for (let tries = 0; ; tries++) {
      const drawn = draw(tries);
      const made = idOf(drawn);
      if (this.#used.has(made) || (made === id && tries < TRIES)) continue;
      this.#used.add(made);
      this.#given.set(id, drawn);
      return drawn;
    }
  }

  text(text: string): string {
    if (text === '' || (!this.#hidesNames && this.#vocabulary.names.has(text))) return text;
    const size = utf8Length(text);
    return this.#pseudonym(idOf(text), (tries) => this.#letters(size, tries));
  }

  #letters(size: number, tries: number): string {
    let text = '';
    if (tries < TRIES) {
      while (text.length < size) text += letters[this.#chance.below(letters.length)];
      return text;
    }
    // Of short ones there are few: then any characters, in order, and more of them when those are used up.
    const all = 128 ** Math.min(size, 4);
    const length = size + Math.floor((tries - TRIES) / all);
    for (let rest = (tries - TRIES) % all; text.length < length; rest >>>= 7)
      text += String.fromCharCode(rest & 127);
    return text;
  }

  name(name: string): string {
    return this.#hidesNames ? this.text(name) : name;
  }

  #int(value: bigint): bigint {
    if (value === 0n) return value;
    const size = signedSize(value);
    const least = size === 1 ? 0n : 1n << BigInt(7 * size - 8);
    const count = (size === 10 ? 1n << 63n : 1n << BigInt(7 * size - 1)) - least;
    return this.#pseudonym(idOf(value), (tries) => {
      const drawn =
        tries < TRIES ? (BigInt(this.#chance.word()) << 32n) | BigInt(this.#chance.word()) : BigInt(tries);
      const inside = least + (drawn % count);
      // Zero stays what it is, and so nothing else becomes it.
      if (value < 0n) return -inside - 1n;
      return inside === 0n ? 1n : inside;
    });
  }

  #double(value: number): number {
    if (value === 0 || !Number.isFinite(value)) return value;
    return this.#pseudonym(idOf(value), () => Math.sign(value) * ((this.#chance.word() + 1) / 4096));
  }

  #hex(id: string, hex: string, made: (hex: string) => Payload): Payload {
    return /^0*$/.test(hex) ? made(hex) : this.#pseudonym(id, () => made(this.#chance.hex(hex.length)));
  }

  #decimal(hex: string): Payload {
    const number = decimalNumber(hex);
    if (number === '0' || !number.includes('e')) return decimal(hex);
    const exponent = number.startsWith('-') ? 'b040' : '3040';
    return this.#pseudonym(`m${number}`, () =>
      decimal(`${exponent}${'0'.repeat(16)}${this.#chance.hex(12)}`),
    );
  }

  #payload(value: Payload, isCounted: boolean): Payload {
    switch (typeof value) {
      case 'string':
        return this.text(value);
      case 'bigint':
        return isCounted ? value : this.#int(value);
      case 'number':
        return this.#double(value);
      case 'boolean':
        return value;
      default:
    }
    if (value === null) return value;
    switch (value.type) {
      case 'binary': {
        const { length } = value.bytes;
        if (length === 0) return value;
        return this.#pseudonym(idOf(value), () => binary(this.#bytes(length)));
      }
      case 'timestamp':
        return timestamp(this.#int(value.seconds), value.nanoseconds);
      case 'float': {
        const number = floatToNumber(value);
        if (number === 0 || !Number.isFinite(number)) return value;
        return this.#pseudonym(idOf(value), () =>
          float(Math.sign(number) * ((this.#chance.below(2 ** 24) + 1) / 4096)),
        );
      }
      case 'decimal':
        return this.#decimal(value.hex);
      case 'objectId':
        return this.#hex(idOf(value), value.hex, objectId);
      case 'uuid':
        return this.#hex(idOf(value), value.hex, uuid);
      case 'link':
        return link(this.name(value.table), this.#key(value.key));
      default:
        return value;
    }
  }

  #bytes(length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    for (let i = 0; i < length; i++) bytes[i] = this.#chance.below(256);
    return bytes;
  }

  #key(key: Key): Key {
    const content = key.slice(1);
    switch (keyType(key)) {
      case 'int':
        return intKey(this.#int(BigInt(content)));
      case 'string':
        return stringKey(this.text(content));
      case 'objectId':
        return objectIdKey((this.#hex(`o${content}`, content, objectId) as { readonly hex: string }).hex);
      case 'uuid':
        return uuidKey((this.#hex(`u${content}`, content, uuid) as { readonly hex: string }).hex);
      default:
        return key;
    }
  }

  #path(path: Path): Path {
    return path.length === 0
      ? path
      : path.map((element) => (typeof element === 'string' ? this.text(element) : element));
  }

  #tableSpec(spec: TableSpec): TableSpec {
    if (spec.type !== 'topLevel' || spec.primaryKey === null) return spec;
    return { ...spec, primaryKey: { ...spec.primaryKey, name: this.name(spec.primaryKey.name) } };
  }

  #columnSpec(column: ColumnSpec): ColumnSpec {
    return column.target === null ? column : { ...column, target: this.name(column.target) };
  }

  instruction(instruction: Instruction): Instruction {
    const table = this.name(instruction.table);
    switch (instruction.kind) {
      case 'AddTable':
        return { ...instruction, table, spec: this.#tableSpec(instruction.spec) };
      case 'EraseTable':
        return { ...instruction, table };
      case 'AddColumn': {
        const field = this.name(instruction.field);
        return { ...instruction, table, field, column: this.#columnSpec(instruction.column) };
      }
      case 'EraseColumn':
        return { ...instruction, table, field: this.name(instruction.field) };
      case 'CreateObject':
      case 'EraseObject':
        return { ...instruction, table, object: this.#key(instruction.object) };
      default: {
        const place = {
          table,
          object: this.#key(instruction.object),
          field: this.name(instruction.field),
          path: this.#path(instruction.path),
        };
        if (!('value' in instruction) || instruction.kind === 'AddInteger')
          return { ...instruction, ...place };
        const isCounted = this.#vocabulary.isCounted(instruction.table, instruction.field);
        return { ...instruction, ...place, value: this.#payload(instruction.value, isCounted) };
      }
    }
  }

  /** The name of a partition is a value, written down: it goes with the same value elsewhere. */
  partition(name: string): string {
    for (const type of partitionTypes) {
      const value = partitionOfName(name, type, false);
      if (E.isLeft(value)) continue;
      const given = this.#payload(value.right, false);
      if (given === null || typeof given === 'string' || typeof given === 'bigint')
        return partitionName(given);
      if (typeof given === 'object' && (given.type === 'objectId' || given.type === 'uuid'))
        return partitionName(given);
    }
    return this.text(name);
  }

  /** What proves or tells apart: files, histories. */
  salt(salt: number): number {
    let given = this.#salts.get(salt);
    if (given === undefined) {
      given = 1 + this.#chance.below(2 ** 21) * 2 ** 32 + this.#chance.word();
      this.#salts.set(salt, Math.min(given, Number.MAX_SAFE_INTEGER));
    }
    return given;
  }

  /** A sentence, which may tell anything. */
  note(text: string): string {
    let given = this.#notes.get(text);
    if (given === undefined) {
      given = `(text ${this.#notes.size})`;
      this.#notes.set(text, given);
    }
    return given;
  }
}

/** Equal for payloads of which each must become what the other becomes. */
const idOf = (payload: Payload): string => {
  if (typeof payload !== 'object' || payload === null) return valueId(payload);
  switch (payload.type) {
    case 'decimal':
      return `m${decimalNumber(payload.hex)}`;
    case 'objectValue':
    case 'erased':
    case 'list':
    case 'dictionary':
    case 'set':
      return payload.type;
    default:
      return valueId(payload);
  }
};
