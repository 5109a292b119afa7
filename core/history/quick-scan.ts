/**
 * A scanner for the changesets that histories mostly consist of: creations, erasures and updates of plain
 * properties. It keeps numbers only, and the same numbers for all changesets that it is shown: of objects,
 * and of the properties of a class. Whatever it does not know at a glance it gives up, the good as well as the
 * bad, and `decodeChangeset` says which it is; it accepts nothing that the decoder refuses.
 *
 * Format: `core/model/codec.ts`, `core/model/codec-format.ts`.
 */
import { Reader } from '../base/bytes.js';
import { limits } from '../base/limits.js';
import { readUint } from '../base/msgpack.js';
import { findBadUtf8 } from '../base/utf8.js';
import {
  HAS_PATH,
  IS_DEFAULT,
  KEY_INT,
  KEY_KNOWN,
  KEY_OBJECT_ID,
  KEY_STRING,
  KEY_UUID,
  KIND_MASK,
  kindNumbers,
  SAME_FIELD,
  SAME_OBJECT,
  SAME_TABLE,
  TAG_BINARY,
  TAG_DECIMAL,
  TAG_DOUBLE,
  TAG_FALSE,
  TAG_FLOAT,
  TAG_INT,
  TAG_MASK,
  TAG_NULL,
  TAG_OBJECT_ID,
  TAG_STRING,
  TAG_TRUE,
  TAG_UUID,
} from '../model/codec-format.js';
import { readKey } from '../model/codec-read.js';
import { type Key, nullKey } from '../model/key.js';
import { ByteNames, ObjectIdSlots, SLOT_KEY, SLOT_MET, SLOT_OBJECT, SLOT_TABLE } from './byte-names.js';
import { Numbers, type TableNumbers } from './compact-numbers.js';

/** A row: what `kindNumbers` says, the object, the property, and where the operand begins and ends. */
export const ROW = 5;
export const ROW_KIND = 0;
export const ROW_OBJECT = 1;
export const ROW_FIELD = 2;
export const ROW_START = 3;
export const ROW_END = 4;

const ARRAY_OF_FIVE = 0x95;
/** Changesets of more rows are not scanned at a glance. */
const MOST_ROWS = 4096;

export class QuickScan {
  version = 0;
  base = 0;
  timestamp = 0;
  origin = 0;
  /** Of the changeset scanned last; `count` rows. */
  readonly rows = new Int32Array(ROW * MOST_ROWS);
  count = 0;
  readonly numbers = new Numbers();

  private readonly names = new ByteNames();
  /** By a few bits, the name that had them last. */
  private readonly guesses = new Int32Array(256).fill(-1);
  private readonly objectIds = new ObjectIdSlots();
  private readonly keyBytes = new ByteNames();
  /** Keys are numbered together, whichever table has found them. */
  private readonly keysByBytes: number[] = [];
  private readonly keyTexts: (Key | undefined)[] = [];
  private keyTotal = 0;
  /** By number of the name's bytes. */
  private readonly tablesByBytes: (TableNumbers | undefined)[] = [];
  /** Names and keys of this changeset, in the order in which they are met, and by number the changeset that met them last. */
  private readonly localNames: number[] = [];
  private readonly localKeys: number[] = [];
  private readonly namesMet: number[] = [];
  private readonly keysMet: number[] = [];
  private changeset = 0;
  private nameCount = 0;
  private keyCount = 0;
  private bytes: Uint8Array = new Uint8Array(0);
  private position = 0;

  /** False where the changeset is not of the kind that is known at a glance, or no changeset at all. */
  scan(bytes: Uint8Array): boolean {
    // A refusal is the decoder's to explain.
    try {
      return this.scanEnvelope(bytes);
    } catch {
      return false;
    }
  }

  private scanEnvelope(bytes: Uint8Array): boolean {
    if (bytes[0] !== ARRAY_OF_FIVE) return false;
    this.bytes = bytes;
    this.position = 1;
    this.version = this.scanUint();
    this.base = this.scanUint();
    this.timestamp = this.scanUint();
    this.origin = this.scanUint();
    if (this.version < 0 || this.base < 0 || this.timestamp < 0 || this.origin < 0) return false;
    if (this.scanBinHead() !== bytes.length - this.position) return false;
    const count = this.scanVarint();
    if (count < 0 || count > MOST_ROWS) return false;
    this.count = count;
    return this.scanRows(count);
  }

  /** An integer of the envelope; -1 where it is not in its shortest form, or not there. */
  private scanUint(): number {
    const { bytes, position } = this;
    const token = bytes[position] as number;
    if (token < 0x80) {
      this.position++;
      return token;
    }
    const a = bytes[position + 1] as number;
    if (token === 0xcc) {
      this.position += 2;
      return a < 0x80 ? -1 : a;
    }
    const b = (a << 8) | (bytes[position + 2] as number);
    if (token === 0xcd) {
      this.position += 3;
      return b < 0x100 ? -1 : b;
    }
    if (token === 0xce) {
      this.position += 5;
      const value = b * 0x10000 + ((bytes[position + 3] as number) << 8) + (bytes[position + 4] as number);
      return value < 0x10000 || Number.isNaN(value) ? -1 : value;
    }
    const reader = new Reader(bytes, position);
    const value = readUint(reader, 'a number');
    this.position = reader.position;
    return value;
  }

  private scanBinHead(): number {
    const { bytes, position } = this;
    const token = bytes[position] as number;
    const a = bytes[position + 1] as number;
    if (token === 0xc4) {
      this.position += 2;
      return a;
    }
    if (token !== 0xc5) return -1;
    this.position += 3;
    const size = (a << 8) | (bytes[position + 2] as number);
    return size < 0x100 ? -1 : size;
  }

  private scanRows(count: number): boolean {
    const { bytes, rows, localNames, localKeys } = this;
    this.changeset++;
    this.nameCount = 0;
    this.keyCount = 0;
    let p = this.position;
    let tableName = -1;
    let table: TableNumbers | undefined;
    let key = -1;
    let object = -1;
    let fieldName = -1;
    let field = -1;
    for (let row = 0; row < count * ROW; row += ROW) {
      const head = bytes[p++] as number;
      const kind = head & KIND_MASK;
      const isUpdate = kind === kindNumbers.Update;
      if (isUpdate ? (head & HAS_PATH) !== 0 : (head & (HAS_PATH | SAME_FIELD)) !== 0) return false;
      if (!isUpdate && kind !== kindNumbers.CreateObject && kind !== kindNumbers.EraseObject) return false;

      let isOther = false;
      if ((head & SAME_TABLE) === 0) {
        this.position = p;
        const name = this.scanName();
        p = this.position;
        if (name < 0 || name === tableName) return false;
        tableName = name;
        table = this.tableOf(name);
        isOther = true;
        field = -1;
      }
      if (table === undefined) return false;
      if ((head & SAME_OBJECT) === 0) {
        let next: number;
        if (bytes[p] === KEY_OBJECT_ID && p + 13 <= bytes.length) {
          const { objectIds } = this;
          const slot = objectIds.find(bytes, p + 1);
          const { slots } = objectIds;
          p += 13;
          next = (slots[slot + SLOT_KEY] as number) - 1;
          if (next < 0) {
            next = this.newKey();
            slots[slot + SLOT_KEY] = next + 1;
          }
          if (next === key || slots[slot + SLOT_MET] === this.changeset) return false;
          slots[slot + SLOT_MET] = this.changeset;
          localKeys[this.keyCount++] = next;
          key = next;
          if (slots[slot + SLOT_TABLE] === table.number) object = slots[slot + SLOT_OBJECT] as number;
          else {
            object = (table.objectsByKey[key] ?? 0) - 1;
            if (object < 0) object = this.newObject(table, key, p);
            slots[slot + SLOT_TABLE] = table.number;
            slots[slot + SLOT_OBJECT] = object;
          }
          isOther = false;
          next = -2;
        } else {
          this.position = p;
          next = this.scanKey();
          p = this.position;
        }
        if (next === -1 || next === key) return false;
        if (next >= 0) {
          key = next;
          isOther = true;
        }
      } else if (key < 0) return false;
      if (isOther) object = (table.objectsByKey[key] ?? 0) - 1;
      if (object < 0) object = this.newObject(table, key, p);

      rows[row + ROW_KIND] = kind;
      rows[row + ROW_OBJECT] = object;
      if (!isUpdate) continue;
      if ((head & SAME_FIELD) === 0) {
        const code = bytes[p] as number;
        let name: number;
        if ((code & 0x81) === 0 && code >> 1 < this.nameCount) {
          name = localNames[code >> 1] as number;
          p++;
        } else {
          this.position = p;
          name = this.scanName();
          p = this.position;
        }
        if (name < 0 || name === fieldName) return false;
        fieldName = name;
        field = -1;
      } else if (fieldName < 0) return false;
      if (field < 0) field = (table.fieldsByName[fieldName] ?? 0) - 1;
      if (field < 0) field = this.newField(table, fieldName);
      rows[row + ROW_FIELD] = field;
      rows[row + ROW_START] = p;
      const tag = (bytes[p] as number) & TAG_MASK;
      if (tag === TAG_DOUBLE) p += 9;
      else if (tag <= TAG_TRUE) p++;
      else if (tag === TAG_INT && (bytes[p + 1] as number) < 0x80) p += 2;
      else {
        this.position = p;
        if (!this.scanValue()) return false;
        p = this.position;
      }
      rows[row + ROW_END] = p;
    }
    return p === bytes.length;
  }

  private tableOf(name: number): TableNumbers {
    let table = this.tablesByBytes[name];
    if (table === undefined) {
      table = this.numbers.table(this.names.text(name));
      this.tablesByBytes[name] = table;
    }
    return table;
  }

  private newKey(): number {
    return this.keyTotal++;
  }

  /** `end` is behind the key where it has been read for the first time. */
  private newObject(table: TableNumbers, key: number, end: number): number {
    let text = this.keyTexts[key];
    if (text === undefined) {
      // Only an ObjectId can have been met without its text having been read.
      text = readKey(new Reader(this.bytes, end - 13), noNames);
      this.keyTexts[key] = text;
    }
    const object = this.numbers.object(table.name, text);
    table.objectsByKey[key] = object + 1;
    return object;
  }

  private newField(table: TableNumbers, name: number): number {
    const field = this.numbers.field(table.name, this.names.text(name));
    table.fieldsByName[name] = field + 1;
    return field;
  }

  /** A number up to four bytes long; -1 where it is longer, or longer than it need be. */
  private scanVarint(): number {
    const { bytes } = this;
    let value = bytes[this.position++] as number;
    if (value < 0x80) return value;
    value &= 0x7f;
    for (let shift = 7; shift <= 21; shift += 7) {
      const byte = bytes[this.position++] as number;
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return byte === 0 ? -1 : value;
    }
    return -1;
  }

  private scanName(): number {
    const code = this.scanVarint();
    if (code < 0) return -1;
    if ((code & 1) === 0) {
      const number = code >> 1;
      return number < this.nameCount ? (this.localNames[number] as number) : -1;
    }
    const size = code >> 1;
    const start = this.position;
    const end = start + size;
    if (size === 0 || size > limits.nameBytes || end > this.bytes.length) return -1;
    this.position = end;
    // Histories know few names: mostly a look at two bytes tells which it may be.
    const guess =
      (size ^ ((this.bytes[start] as number) << 1) ^ ((this.bytes[end - 1] as number) << 3)) & 255;
    let name = this.guesses[guess] as number;
    if (name < 0 || !this.names.isEqual(name, this.bytes, start, end)) {
      const { count } = this.names;
      name = this.names.number(this.bytes, start, end);
      this.guesses[guess] = name;
      // What is known already was found good then.
      if (name === count) {
        this.namesMet[name] = 0;
        if (findBadUtf8(this.bytes, start, end) >= 0) return -1;
      }
    }
    if (this.namesMet[name] === this.changeset) return -1;
    this.namesMet[name] = this.changeset;
    this.localNames[this.nameCount++] = name;
    return name;
  }

  private scanKey(): number {
    const { bytes } = this;
    const start = this.position;
    const code = this.scanVarint();
    if (code >= KEY_KNOWN) {
      const number = code - KEY_KNOWN;
      return number < this.keyCount ? (this.localKeys[number] as number) : -1;
    }
    let end = this.position;
    switch (code) {
      case KEY_UUID:
        end += 16;
        break;
      case KEY_INT:
        if (!this.scanInteger()) return -1;
        end = this.position;
        break;
      case KEY_STRING: {
        const size = this.scanVarint();
        if (size < 0 || size > limits.valueBytes) return -1;
        end = this.position + size;
        break;
      }
      default:
        return -1;
    }
    if (end > bytes.length) return -1;
    if (code === KEY_STRING && findBadUtf8(bytes, this.position, end) >= 0) return -1;
    this.position = end;
    const { count } = this.keyBytes;
    const number = this.keyBytes.number(bytes, start, end);
    if (number === count) {
      this.keysByBytes.push(this.keyTotal);
      this.keyTexts[this.keyTotal] = readKey(new Reader(bytes, start), noNames);
      this.newKey();
      this.keysMet.push(0);
    }
    if (this.keysMet[number] === this.changeset) return -1;
    this.keysMet[number] = this.changeset;
    const key = this.keysByBytes[number] as number;
    this.localKeys[this.keyCount++] = key;
    return key;
  }

  /** Integers of up to nine bytes; longer ones are for the decoder. */
  private scanInteger(): boolean {
    const { bytes } = this;
    let byte = bytes[this.position++] as number;
    if (byte < 0x80) return true;
    for (let i = 0; i < 8; i++) {
      byte = bytes[this.position++] as number;
      if (byte < 0x80) return byte !== 0;
    }
    return false;
  }

  private scanValue(): boolean {
    const { bytes } = this;
    const head = bytes[this.position++] as number;
    switch (head & TAG_MASK & ~IS_DEFAULT) {
      case TAG_NULL:
      case TAG_FALSE:
      case TAG_TRUE:
        break;
      case TAG_INT:
        return this.scanInteger();
      case TAG_STRING: {
        const size = this.scanVarint();
        const start = this.position;
        const end = start + size;
        if (size < 0 || size > limits.valueBytes || end > bytes.length) return false;
        this.position = end;
        let all = 0;
        for (let p = start; p < end; p++) all |= bytes[p] as number;
        return all < 0x80 || findBadUtf8(bytes, start, end) < 0;
      }
      case TAG_BINARY: {
        const size = this.scanVarint();
        if (size < 0 || size > limits.valueBytes) return false;
        this.position += size;
        break;
      }
      case TAG_FLOAT:
        this.position += 4;
        break;
      case TAG_DOUBLE:
        this.position += 8;
        break;
      case TAG_OBJECT_ID:
        this.position += 12;
        break;
      case TAG_DECIMAL:
      case TAG_UUID:
        this.position += 16;
        break;
      default:
        return false;
    }
    return this.position <= bytes.length;
  }
}

const noNames = { stringAt: () => '', keyAt: () => nullKey };
