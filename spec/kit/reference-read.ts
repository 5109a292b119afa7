/**
 * Decoder of the reference's binary form of the instructions of one changeset.
 *
 * It also tells where the values of set erasures came from, since the reference compares those by position
 * (merge-semantics, 4.12 no. 1). It keeps the strings and binaries of a changeset in one buffer, in the
 * order in which it meets them; a string that is interned is in it once, a payload every time.
 *
 * Source: README of the vectors, "Binary form"; merge-semantics, sections 1.1 and 2.1.
 */
import {
  addColumn,
  addInteger,
  addTable,
  arrayErase,
  arrayInsert,
  arrayMove,
  clear,
  createObject,
  eraseColumn,
  eraseObject,
  eraseTable,
  type Instruction,
  kinds,
  type PathInstruction,
  type SetErase,
  setErase,
  setInsert,
  update,
  updateElement,
} from '../../core/model/instruction.js';
import {
  globalKey,
  intKey,
  type Key,
  type KeyType,
  nullKey,
  objectIdKey,
  stringKey,
  uuidKey,
} from '../../core/model/key.js';
import type { CollectionType, ElementType } from '../../core/model/schema.js';
import {
  binary,
  dictionary,
  doubleFromBits,
  erased,
  floatFromBits,
  link,
  list,
  objectId,
  objectValue,
  type Payload,
  type PayloadType,
  set,
  timestamp,
  uuid,
} from '../../core/model/value.js';
import { collections, INTERN, typesByCode } from './reference-format.js';
import { finiteDecimal } from './vector-json.js';

/** Where the value of a set erasure was read from; equal texts are equal to the reference. */
export type Positions = WeakMap<SetErase, string>;

class Reader {
  private at = 0;
  private readonly bytes: Uint8Array;
  private readonly strings: string[] = [];
  private bufferSize = 0;
  private readonly positions: Positions;

  constructor(bytes: Uint8Array, positions: Positions) {
    this.bytes = bytes;
    this.positions = positions;
  }

  instructions(): Instruction[] {
    const out: Instruction[] = [];
    while (this.at < this.bytes.length) {
      const code = this.number();
      if (code !== INTERN) {
        out.push(this.instruction(code));
        continue;
      }
      const index = this.number();
      if (index !== this.strings.length) throw new Error(`interned string ${index} out of order`);
      this.strings.push(this.string().text);
    }
    return out;
  }

  private instruction(code: number): Instruction {
    const kind = kinds[code];
    if (kind === undefined) throw new Error(`unknown opcode ${code}`);
    const table = this.interned();
    switch (kind) {
      case 'AddTable': {
        const form = this.number();
        if (form === 1) return addTable(table, { type: 'embedded' });
        const name = this.interned();
        const type = this.type();
        const nullable = this.bool();
        const primaryKey = type === 'globalKey' ? null : { name, type: type as KeyType, nullable };
        return addTable(table, { type: 'topLevel', primaryKey, asymmetric: form === 2 });
      }
      case 'EraseTable':
        return eraseTable(table);
      case 'AddColumn': {
        const field = this.interned();
        const code = this.type();
        const type: ElementType = code === 'null' ? 'mixed' : (code as ElementType);
        const nullable = this.bool();
        const collection = this.collection();
        const target = type === 'link' ? this.interned() : '';
        if (collection === 'dictionary') this.type();
        return addColumn(table, field, { type, nullable, collection, target: target === '' ? null : target });
      }
      case 'EraseColumn':
        return eraseColumn(table, this.interned());
      case 'CreateObject':
        return createObject(table, this.key().key);
      case 'EraseObject':
        return eraseObject(table, this.key().key);
      default:
        return this.pathInstruction(kind, table);
    }
  }

  private pathInstruction(kind: PathInstruction['kind'], table: string): Instruction {
    const { key } = this.key();
    const field = this.interned();
    const path: (number | string)[] = [];
    for (let rest = this.number(); rest > 0; rest--) {
      const element = this.number();
      path.push(element === -1 ? this.interned() : element);
    }
    switch (kind) {
      case 'AddInteger':
        return addInteger(table, key, field, path, this.integer());
      case 'ArrayMove':
        return arrayMove(table, key, field, path, this.number(), this.number());
      case 'ArrayErase':
        return arrayErase(table, key, field, path, this.number());
      case 'Clear':
        return clear(table, key, field, path, this.collection());
      default: {
        const { payload, position } = this.payload();
        if (kind === 'ArrayInsert') return arrayInsert(table, key, field, path, payload, this.number());
        if (kind === 'SetInsert') return setInsert(table, key, field, path, payload);
        if (kind === 'Update')
          return typeof path.at(-1) === 'number'
            ? updateElement(table, key, field, path, payload, this.number())
            : update(table, key, field, path, payload, this.bool());
        const erase = setErase(table, key, field, path, payload);
        if (position !== null) this.positions.set(erase, position);
        return erase;
      }
    }
  }

  /** The position is null for values that the reference compares by content. */
  private payload(): { payload: Payload; position: string | null } {
    const by = (payload: Payload, position: string | null = null) => ({ payload, position });
    const type = this.type();
    switch (type) {
      case 'null':
        return by(null);
      case 'int':
        return by(this.integer());
      case 'bool':
        return by(this.bool());
      case 'string': {
        const { text, offset, size } = this.string();
        return by(text, `string ${offset}+${size}`);
      }
      case 'binary': {
        const offset = this.bufferSize;
        const bytes = this.take(this.number());
        this.bufferSize += bytes.length;
        return by(binary(bytes.slice()), `binary ${offset}+${bytes.length}`);
      }
      case 'timestamp':
        return by(timestamp(this.integer(), this.number()));
      case 'float':
        return by(floatFromBits(this.view(4).getUint32(0, true)));
      case 'double':
        return by(doubleFromBits(this.view(8).getBigUint64(0, true)));
      case 'decimal':
        return by(this.decimal());
      case 'link': {
        const number = this.number();
        const { key, position } = this.key();
        return by(link(this.stringAt(number), key), `link ${number} ${position}`);
      }
      case 'objectId':
        return by(objectId(this.hex(12)));
      case 'uuid':
        return by(uuid(this.hex(16)));
      case 'objectValue':
        return by(objectValue);
      case 'erased':
        return by(erased);
      case 'list':
        return by(list);
      case 'dictionary':
        return by(dictionary);
      case 'set':
        return by(set);
      case 'globalKey':
        throw new Error('a global key is no payload');
    }
  }

  private decimal(): Payload {
    let coefficient = 0n;
    let shift = 0n;
    for (;;) {
      const byte = this.byte();
      coefficient |= BigInt(byte & 0x7f) << shift;
      shift += 7n;
      if (byte < 0x80) break;
    }
    const exponent = this.number();
    return finiteDecimal(coefficient, exponent, this.bool());
  }

  /** String keys are interned, and `position` says under which number. */
  private key(): { key: Key; position: string } {
    const type = this.type();
    if (type === 'string') {
      const number = this.number();
      return { key: stringKey(this.stringAt(number)), position: `interned ${number}` };
    }
    const key = this.otherKey(type);
    return { key, position: key };
  }

  private otherKey(type: PayloadType | 'globalKey'): Key {
    switch (type) {
      case 'null':
        return nullKey;
      case 'int':
        return intKey(this.integer());
      case 'objectId':
        return objectIdKey(this.hex(12));
      case 'uuid':
        return uuidKey(this.hex(16));
      case 'globalKey':
        return globalKey(this.integer(), this.integer());
      default:
        throw new Error(`a key cannot be of type ${type}`);
    }
  }

  private string(): { text: string; offset: number; size: number } {
    const size = this.number();
    const offset = this.bufferSize;
    this.bufferSize += size;
    return {
      text: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(this.take(size)),
      offset,
      size,
    };
  }

  private interned(): string {
    return this.stringAt(this.number());
  }

  private stringAt(number: number): string {
    const text = this.strings[number];
    if (text === undefined) throw new Error(`interned string ${number} is not defined`);
    return text;
  }

  private type(): PayloadType | 'globalKey' {
    const code = this.number();
    const type = typesByCode.get(code);
    if (type === undefined) throw new Error(`unknown type ${code}`);
    return type;
  }

  private collection(): CollectionType {
    const code = this.number();
    const collection = collections[code];
    if (collection === undefined) throw new Error(`unknown collection type ${code}`);
    return collection;
  }

  private bool(): boolean {
    return this.number() === 1;
  }

  private number(): number {
    return Number(this.integer());
  }

  private integer(): bigint {
    let value = 0n;
    let shift = 0n;
    for (;;) {
      const byte = this.byte();
      if (byte >= 0x80) {
        value |= BigInt(byte & 0x7f) << shift;
        shift += 7n;
        continue;
      }
      value |= BigInt(byte & 0x3f) << shift;
      return (byte & 0x40) === 0 ? value : -(value + 1n);
    }
  }

  private byte(): number {
    return this.take(1)[0] as number;
  }

  private take(size: number): Uint8Array {
    const end = this.at + size;
    if (size < 0 || end > this.bytes.length) throw new Error('the bytes end in the middle');
    const taken = this.bytes.subarray(this.at, end);
    this.at = end;
    return taken;
  }

  private view(size: number): DataView {
    const bytes = this.take(size);
    return new DataView(bytes.buffer, bytes.byteOffset, size);
  }

  private hex(size: number): string {
    return Buffer.from(this.take(size)).toString('hex');
  }
}

/** Throws on bytes that are no changeset. The positions of its set erasures are added to `positions`. */
export const decodeReference = (bytes: Uint8Array, positions: Positions = new WeakMap()): Instruction[] =>
  new Reader(bytes, positions).instructions();
