/**
 * A scanner for the changesets that histories mostly consist of: creations, erasures and updates of plain
 * properties. It keeps numbers only, and the same numbers for all changesets that it is shown: of objects,
 * and of the properties of a class. Whatever it does not know at a glance it gives up, the good as well as the
 * bad, and `decodeChangeset` says which it is; it accepts nothing that the decoder refuses.
 *
 * Changesets are copied to where everything is read in the same way, a word at a time where that helps, and
 * where short steps over the end do no harm: it is enough to see afterwards that there were some.
 *
 * Format: `core/model/codec.ts`, `core/model/codec-format.ts`.
 */
import { Reader } from '../base/bytes.js';
import { limits } from '../base/limits.js';
import * as format from '../model/codec-format.js';
import { kindNumbers } from '../model/codec-format.js';
import { readKey } from '../model/codec-read.js';
import { type Key, nullKey } from '../model/key.js';
import { ByteNames } from './byte-names.js';
import { Numbers, type TableNumbers } from './compact-numbers.js';
import * as slotLayout from './object-id-slots.js';
import { ObjectIdSlots } from './object-id-slots.js';
import { QuickEnvelope } from './quick-envelope.js';
import { QuickNames } from './quick-names.js';
import * as rowLayout from './quick-rows.js';
import { integerEnd, textEnd, valueEnd, varintAt, varintSize } from './quick-values.js';

// A module's own constants cost nothing, whereas imported ones are looked up whenever they are used.
const {
  HAS_PATH,
  KEY_INT,
  KEY_KNOWN,
  KEY_OBJECT_ID,
  KEY_STRING,
  KEY_UUID,
  KIND_MASK,
  SAME_FIELD,
  SAME_OBJECT,
  SAME_TABLE,
  TAG_DOUBLE,
  TAG_INT,
  TAG_MASK,
  TAG_TRUE,
} = format;
const { SLOT_KEY, SLOT_MET, SLOT_OBJECT, SLOT_TABLE } = slotLayout;
const { ROW, ROW_END, ROW_FIELD, ROW_KIND, ROW_OBJECT, ROW_PAYLOAD, ROW_START } = rowLayout;
const { Update: UPDATE, CreateObject: CREATE_OBJECT, EraseObject: ERASE_OBJECT } = kindNumbers;

/** Changesets of more rows, or more bytes, are not scanned at a glance. */
const MOST_ROWS = 4096;
const MOST_BYTES = 0x10000;
/** How far a step over the end may reach. */
const SLACK = 1024;

export class QuickScan {
  /** Of the changeset scanned last. */
  readonly envelope = new QuickEnvelope();
  /** Of what was scanned last; `count` rows. */
  rows = new Int32Array(ROW * MOST_ROWS);
  count = 0;
  readonly numbers = new Numbers();

  private readonly names = new QuickNames();
  private readonly objectIds = new ObjectIdSlots();
  private readonly otherKeys = new ByteNames();
  /** Keys are numbered together, whichever table has found them. */
  private readonly keysByBytes: number[] = [];
  private readonly keyTexts: (Key | undefined)[] = [];
  private keyTotal = 0;
  /** By number of the name. */
  private readonly tablesByName: (TableNumbers | undefined)[] = [];
  /** Names and keys of this body, in the order in which they are met, and by number the body that met them last. */
  private readonly localNames: number[] = [];
  private localKeys = new Int32Array(MOST_ROWS);
  private readonly namesMet: number[] = [];
  private readonly keysMet: number[] = [];
  private body = 0;
  private nameCount = 0;
  private keyCount = 0;
  private readonly scratch = new Uint8Array(MOST_BYTES + SLACK);
  private readonly scratchView = new DataView(this.scratch.buffer);
  /** What is being scanned, which ends at `end`. */
  private bytes: Uint8Array = this.scratch;
  private view: DataView = this.scratchView;
  private end = 0;
  private position = 0;

  /** False where the changeset is not of the kind that is known at a glance, or no changeset at all. */
  scan(bytes: Uint8Array): boolean {
    if (bytes.length > MOST_BYTES) return false;
    this.scratch.set(bytes);
    this.position = this.envelope.read(this.scratch, this.scratchView, bytes.length);
    if (this.position < 0) return false;
    this.bytes = this.scratch;
    this.view = this.scratchView;
    this.end = bytes.length;
    return this.scanRows(MOST_ROWS);
  }

  /** The same for a body alone, of any length, from `start` to `end`. `view` is on the same bytes. */
  scanBody(bytes: Uint8Array, view: DataView, start: number, end: number): boolean {
    this.bytes = bytes;
    this.view = view;
    this.position = start;
    this.end = end;
    // A word that reaches over the end of all bytes was not good.
    try {
      return this.scanRows(Math.min(limits.changesetInstructions, end - start));
    } catch {
      return false;
    }
  }

  /** The number of the object whose key stands written out at `start`, in bytes that are good. */
  objectAt(bytes: Uint8Array, start: number, tableName: string): number {
    const { objectIds } = this;
    if (bytes[start] !== KEY_OBJECT_ID)
      return this.numbers.object(tableName, readKey(new Reader(bytes, start), noNames));
    for (let i = 0; i < 12; i++) this.scratch[i] = bytes[start + 1 + i] as number;
    const at = objectIds.find(this.scratchView, 0);
    const { slots } = objectIds;
    const table = this.numbers.table(tableName);
    if (slots[at + SLOT_TABLE] !== table.number) {
      const key =
        (slots[at + SLOT_KEY] as number) > 0 ? (slots[at + SLOT_KEY] as number) - 1 : this.keyTotal++;
      slots[at + SLOT_KEY] = key + 1;
      slots[at + SLOT_TABLE] = table.number;
      slots[at + SLOT_OBJECT] = this.objectOf(table, key, bytes, start);
    }
    return slots[at + SLOT_OBJECT] as number;
  }

  private scanRows(most: number): boolean {
    const { bytes, view, end, localNames, objectIds } = this;
    const count = varintAt(bytes, this.position);
    if (count < 0 || count > most) return false;
    this.count = count;
    if (count > this.localKeys.length) {
      this.localKeys = new Int32Array(count);
      this.rows = new Int32Array(ROW * count);
    }
    const { rows, localKeys } = this;
    const body = ++this.body;
    this.nameCount = 0;
    this.keyCount = 0;
    let p = this.position + varintSize(count);
    let tableName = -1;
    let table: TableNumbers | undefined;
    let key = -1;
    let object = -1;
    let fieldName = -1;
    let field = -1;
    for (let row = 0; row < count * ROW; row += ROW) {
      if (p >= end) return false;
      const head = bytes[p++] as number;
      const kind = head & KIND_MASK;
      const isUpdate = kind === UPDATE;
      if (isUpdate ? (head & HAS_PATH) !== 0 : (head & (HAS_PATH | SAME_FIELD)) !== 0) return false;
      if (!isUpdate && kind !== CREATE_OBJECT && kind !== ERASE_OBJECT) return false;

      if ((head & SAME_TABLE) === 0) {
        this.position = p;
        const name = this.scanName();
        p = this.position;
        if (name < 0 || name === tableName) return false;
        tableName = name;
        table = this.tableOf(name);
        object = -1;
        field = -1;
      }
      if (table === undefined) return false;
      if ((head & SAME_OBJECT) === 0) {
        if (bytes[p] === KEY_OBJECT_ID) {
          const slot = objectIds.find(view, p + 1);
          const { slots } = objectIds;
          p += 13;
          // Written out though it has a number already, which also says that it is not the same as before.
          if (slots[slot + SLOT_MET] === body) return false;
          slots[slot + SLOT_MET] = body;
          key = (slots[slot + SLOT_KEY] as number) - 1;
          if (key < 0) {
            key = this.keyTotal++;
            slots[slot + SLOT_KEY] = key + 1;
          }
          localKeys[this.keyCount++] = key;
          if (slots[slot + SLOT_TABLE] === table.number) object = slots[slot + SLOT_OBJECT] as number;
          else {
            object = this.objectOf(table, key, bytes, p - 13);
            slots[slot + SLOT_TABLE] = table.number;
            slots[slot + SLOT_OBJECT] = object;
          }
        } else {
          this.position = p;
          const next = this.scanKey();
          p = this.position;
          if (next < 0 || next === key) return false;
          key = next;
          object = -1;
        }
      } else if (key < 0) return false;
      if (object < 0) object = this.objectOf(table, key, bytes, p);

      rows[row + ROW_OBJECT] = object;
      if (!isUpdate) {
        rows[row + ROW_KIND] = kind;
        continue;
      }
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
      if (field < 0) field = this.fieldOf(table, fieldName);
      rows[row + ROW_FIELD] = field;
      rows[row + ROW_START] = p;
      const payload = bytes[p] as number;
      rows[row + ROW_KIND] = kind | (payload << ROW_PAYLOAD);
      const tag = payload & TAG_MASK;
      if (tag === TAG_DOUBLE) p += 9;
      else if (tag <= TAG_TRUE) p++;
      else if (tag === TAG_INT && (bytes[p + 1] as number) < 0x80) p += 2;
      else {
        p = valueEnd(bytes, p, end);
        if (p < 0) return false;
      }
      rows[row + ROW_END] = p;
    }
    return p === end;
  }

  private tableOf(name: number): TableNumbers {
    let table = this.tablesByName[name];
    if (table === undefined) {
      table = this.numbers.table(this.names.text(name));
      this.tablesByName[name] = table;
    }
    return table;
  }

  /** The key stands at `start` in `bytes`, unless it was met before. */
  private objectOf(table: TableNumbers, key: number, bytes: Uint8Array, start: number): number {
    const known = (table.objectsByKey[key] ?? 0) - 1;
    if (known >= 0) return known;
    let text = this.keyTexts[key];
    if (text === undefined) {
      text = readKey(new Reader(bytes, start), noNames);
      this.keyTexts[key] = text;
    }
    const object = this.numbers.object(table.name, text);
    table.objectsByKey[key] = object + 1;
    return object;
  }

  private fieldOf(table: TableNumbers, name: number): number {
    const known = (table.fieldsByName[name] ?? 0) - 1;
    if (known >= 0) return known;
    const field = this.numbers.field(table.name, this.names.text(name));
    table.fieldsByName[name] = field + 1;
    return field;
  }

  /** At the end of the name, or -1. */
  private scanName(): number {
    const { bytes, position } = this;
    const code = varintAt(bytes, position);
    if (code < 0) return -1;
    const start = position + varintSize(code);
    if ((code & 1) === 0) {
      this.position = start;
      const number = code >> 1;
      return number < this.nameCount ? (this.localNames[number] as number) : -1;
    }
    const size = code >> 1;
    if (size === 0 || size > limits.nameBytes || start + size > this.end) return -1;
    this.position = start + size;
    const name = this.names.number(bytes, this.view, start, size);
    if (name < 0 || this.namesMet[name] === this.body) return -1;
    this.namesMet[name] = this.body;
    this.localNames[this.nameCount++] = name;
    return name;
  }

  /** Any key but an ObjectId that is written out. */
  private scanKey(): number {
    const { bytes, position: start } = this;
    const code = varintAt(bytes, start);
    if (code < 0) return -1;
    let end = start + varintSize(code);
    if (code >= KEY_KNOWN) {
      this.position = end;
      const number = code - KEY_KNOWN;
      return number < this.keyCount ? (this.localKeys[number] as number) : -1;
    }
    if (code === KEY_UUID) end += 16;
    else if (code === KEY_INT) end = integerEnd(bytes, end);
    else if (code === KEY_STRING) end = textEnd(bytes, end, this.end);
    else return -1;
    if (end < 0 || end > this.end) return -1;
    this.position = end;
    const { count } = this.otherKeys;
    const number = this.otherKeys.number(bytes, start, end);
    if (number === count) {
      this.keysByBytes.push(this.keyTotal);
      this.keyTexts[this.keyTotal++] = readKey(new Reader(bytes, start), noNames);
      this.keysMet.push(0);
    }
    if (this.keysMet[number] === this.body) return -1;
    this.keysMet[number] = this.body;
    const key = this.keysByBytes[number] as number;
    this.localKeys[this.keyCount++] = key;
    return key;
  }
}

const noNames = { stringAt: () => '', keyAt: () => nullKey };
