/**
 * Encoder of the reference's binary form of the instructions of one changeset. Strings are interned in the
 * order of their first use; the reference's own encoder may choose another.
 *
 * Source: README of the vectors, "Binary form".
 */
import { type Instruction, kinds, type Path, type PathInstruction } from '../../core/model/instruction.js';
import { globalKeyParts, type Key, keyType } from '../../core/model/key.js';
import type { ColumnSpec, TableSpec } from '../../core/model/schema.js';
import { doubleToBits, type Payload, typeOf } from '../../core/model/value.js';
import { collections, INTERN, typeCodes } from './reference-format.js';

class Writer {
  private readonly out: number[] = [];
  private readonly strings = new Map<string, number>();

  bytes(instructions: readonly Instruction[]): Uint8Array {
    for (const instruction of instructions) this.instruction(instruction);
    return Uint8Array.from(this.out);
  }

  private instruction(instruction: Instruction): void {
    // Strings have to be defined in front of the instruction that uses them first.
    for (const text of stringsOf(instruction)) this.define(text);
    const { kind, table } = instruction;
    this.number(kinds.indexOf(kind));
    this.interned(table);
    if ('path' in instruction) {
      this.key(instruction.object);
      this.interned(instruction.field);
      this.path(instruction.path);
      this.operand(instruction);
    } else if ('object' in instruction) this.key(instruction.object);
    else if (kind === 'AddTable') this.tableSpec(instruction.spec);
    else if (kind === 'AddColumn') {
      this.interned(instruction.field);
      this.column(instruction.column);
    } else if (kind === 'EraseColumn') this.interned(instruction.field);
  }

  private tableSpec(spec: TableSpec): void {
    if (spec.type === 'embedded') {
      this.number(1);
      return;
    }
    this.number(spec.asymmetric ? 2 : 0);
    this.interned(spec.primaryKey?.name ?? '');
    this.number(typeCodes[spec.primaryKey?.type ?? 'globalKey']);
    this.bool(spec.primaryKey?.nullable ?? false);
  }

  private column({ type, nullable, collection, target }: ColumnSpec): void {
    this.number(type === 'mixed' ? typeCodes.null : typeCodes[type]);
    this.bool(nullable);
    this.number(collections.indexOf(collection));
    if (type === 'link') this.interned(target ?? '');
    if (collection === 'dictionary') this.number(typeCodes.string);
  }

  private operand(instruction: PathInstruction): void {
    switch (instruction.kind) {
      case 'Update':
        this.payload(instruction.value);
        if (instruction.priorSize === null) this.bool(instruction.isDefault);
        else this.number(instruction.priorSize);
        break;
      case 'AddInteger':
        this.integer(instruction.value);
        break;
      case 'ArrayInsert':
        this.payload(instruction.value);
        this.number(instruction.priorSize);
        break;
      case 'ArrayMove':
        this.number(instruction.to);
        this.number(instruction.priorSize);
        break;
      case 'ArrayErase':
        this.number(instruction.priorSize);
        break;
      case 'Clear':
        this.number(collections.indexOf(instruction.collection));
        break;
      case 'SetInsert':
      case 'SetErase':
        this.payload(instruction.value);
    }
  }

  private define(text: string): void {
    if (this.strings.has(text)) return;
    const number = this.strings.size;
    this.strings.set(text, number);
    this.number(INTERN);
    this.number(number);
    this.sized(Buffer.from(text, 'utf8'));
  }

  private path(path: Path): void {
    this.number(path.length);
    for (const element of path) {
      if (typeof element === 'number') this.number(element);
      else {
        this.number(-1);
        this.interned(element);
      }
    }
  }

  private key(key: Key): void {
    const type = keyType(key);
    this.number(typeCodes[type]);
    const content = key.slice(1);
    if (type === 'int') this.integer(BigInt(content));
    else if (type === 'string') this.interned(content);
    else if (type === 'objectId' || type === 'uuid') this.raw(Buffer.from(content, 'hex'));
    else if (type === 'globalKey') {
      const { hi, lo } = globalKeyParts(key);
      this.integer(hi);
      this.integer(lo);
    }
  }

  private payload(payload: Payload): void {
    this.number(typeCodes[typeOf(payload)]);
    if (payload === null) return;
    if (typeof payload === 'bigint') this.integer(payload);
    else if (typeof payload === 'boolean') this.bool(payload);
    else if (typeof payload === 'string') this.sized(Buffer.from(payload, 'utf8'));
    else if (typeof payload === 'number') this.double(doubleToBits(payload));
    else this.record(payload);
  }

  private record(payload: Exclude<Payload, null | bigint | boolean | string | number>): void {
    switch (payload.type) {
      case 'binary':
        this.sized(payload.bytes);
        break;
      case 'timestamp':
        this.integer(payload.seconds);
        this.number(payload.nanoseconds);
        break;
      case 'double':
        this.double(payload.bits);
        break;
      case 'float': {
        const bytes = new Uint8Array(4);
        new DataView(bytes.buffer).setUint32(0, payload.bits, true);
        this.raw(bytes);
        break;
      }
      case 'decimal':
        this.decimal(BigInt(`0x${payload.hex}`));
        break;
      case 'link':
        this.interned(payload.table);
        this.key(payload.key);
        break;
      case 'objectId':
      case 'uuid':
        this.raw(Buffer.from(payload.hex, 'hex'));
    }
  }

  private decimal(bits: bigint): void {
    let rest = bits & ((1n << 113n) - 1n);
    while (rest > 0x7fn) {
      this.out.push(Number(rest & 0x7fn) | 0x80);
      rest >>= 7n;
    }
    this.out.push(Number(rest));
    this.number(Number((bits >> 113n) & 0x3fffn) - 6176);
    this.bool(bits >> 127n === 1n);
  }

  private double(bits: bigint): void {
    const bytes = new Uint8Array(8);
    new DataView(bytes.buffer).setBigUint64(0, bits, true);
    this.raw(bytes);
  }

  private interned(text: string): void {
    this.number(this.strings.get(text) as number);
  }

  private raw(bytes: Uint8Array): void {
    for (const byte of bytes) this.out.push(byte);
  }

  private sized(bytes: Uint8Array): void {
    this.number(bytes.length);
    this.raw(bytes);
  }

  private bool(value: boolean): void {
    this.number(value ? 1 : 0);
  }

  private number(value: number): void {
    this.integer(BigInt(value));
  }

  private integer(value: bigint): void {
    let rest = value < 0n ? -(value + 1n) : value;
    while (rest > 0x3fn) {
      this.out.push(Number(rest & 0x7fn) | 0x80);
      rest >>= 7n;
    }
    this.out.push(Number(rest) | (value < 0n ? 0x40 : 0));
  }
}

/** What the instruction refers to by number, in the order of reference. */
const stringsOf = (instruction: Instruction): string[] => {
  const texts = [instruction.table];
  const addKey = (key: Key): void => {
    if (keyType(key) === 'string') texts.push(key.slice(1));
  };
  if ('object' in instruction) addKey(instruction.object);
  if ('field' in instruction) texts.push(instruction.field);
  if (instruction.kind === 'AddTable' && instruction.spec.type === 'topLevel')
    texts.push(instruction.spec.primaryKey?.name ?? '');
  if (instruction.kind === 'AddColumn' && instruction.column.type === 'link')
    texts.push(instruction.column.target ?? '');
  if ('path' in instruction)
    for (const element of instruction.path) if (typeof element === 'string') texts.push(element);
  if ('value' in instruction) {
    const { value } = instruction;
    if (typeof value === 'object' && value !== null && value.type === 'link') {
      texts.push(value.table);
      addKey(value.key);
    }
  }
  return texts;
};

export const encodeReference = (instructions: readonly Instruction[]): Uint8Array =>
  new Writer().bytes(instructions);
