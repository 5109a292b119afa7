/**
 * Superseding changesets as they stand in a log, each encoded by itself, into one segment. They are scanned
 * from the newest to the oldest, and each is done with at once: what is held is what stays, and a few numbers
 * for each property of each object. Most changesets are never made readable (`quick-scan.ts`).
 *
 * An object with nothing but plain properties is *plain*: of each property it is enough to know the last
 * write that stays. The first instruction of another kind makes it known in full (`compact-place.ts`).
 */
import { type Either, isLeft, left, right } from 'fp-ts/lib/Either.js';
import type { DecodeError } from '../base/decode-error.js';
import type { ColumnLookup } from '../merge/rule.js';
import type { Changeset } from '../model/changeset.js';
import { decodeChangeset } from '../model/codec.js';
import * as format from '../model/codec-format.js';
import { kindNumbers } from '../model/codec-format.js';
import type { Instruction } from '../model/instruction.js';
import type { Key } from '../model/key.js';
import * as packed from '../model/packed.js';
import { type PackedInstructions, unpack } from '../model/packed.js';
import { isMarker } from '../model/value.js';
import { supersede } from './compact.js';
import { operandsEnd } from './compact-operand.js';
import {
  keepsCreate,
  keepsErase,
  keepsPath,
  ObjectTrack,
  Place,
  RESET,
  type Stamp,
} from './compact-place.js';
import { SCHEMA_OBJECT, Survivors } from './compact-survivors.js';
import { foldWithin } from './compact-within.js';
import * as rowLayout from './quick-rows.js';
import { QuickScan } from './quick-scan.js';
import { encodeSegment } from './segment-write.js';

// A module's own constants cost nothing, whereas imported ones are looked up whenever they are used.
const { KIND_MASK, TAG_INT, TAG_MASK, TAG_NULL } = format;
const { FIELD, KIND, OBJECT, REST, STRIDE, TABLE } = packed;
const { ROW, ROW_END, ROW_FIELD, ROW_KIND, ROW_OBJECT, ROW_PAYLOAD, ROW_START } = rowLayout;
const { Update: UPDATE, CreateObject: CREATE_OBJECT } = kindNumbers;

/** Which changeset was refused, by position, and why; the offset is into its bytes. */
export interface EncodedError extends DecodeError {
  readonly position: number;
}

/**
 * `encoded` are the changesets of a stretch of history, ascending by version. The segment says what
 * `supersede` of them says with the same `columns`, except that columns which the stretch adds itself are not
 * known: at best they are those of the state behind it. Nothing is kept of the bytes. Left where one cannot be
 * decoded; then nothing is to be done with any of them.
 */
export const supersedeEncoded = (
  encoded: readonly Uint8Array[],
  columns: ColumnLookup,
): Either<EncodedError, Uint8Array> => {
  const pass = new EncodedPass(columns);
  for (let i = encoded.length - 1; i >= 0; i--) {
    const error = pass.changeset(encoded[i] as Uint8Array);
    if (error !== null) return left({ ...error, position: i });
    if (pass.hasLoss) return supersedeReadable(encoded, columns);
  }
  return right(pass.written());
};

/** What the schema has lost divides history for all objects at once: too rare to be quick about. */
const supersedeReadable = (
  encoded: readonly Uint8Array[],
  columns: ColumnLookup,
): Either<EncodedError, Uint8Array> => {
  const history: Changeset[] = [];
  for (const [position, bytes] of encoded.entries()) {
    const decoded = decodeChangeset(bytes);
    if (isLeft(decoded)) return left({ ...decoded.left, position });
    history.push(unpack(decoded.right));
  }
  return right(encodeSegment(supersede(history, columns)));
};

/** Instead of the number of an object, for the schema. */
const NO_OBJECT = -1;

/** Of a property's last write that stays: what kind of value it wrote, and in the higher bits its part plus 1. */
const IS_DEFAULT = 1;
const IS_ADDABLE = 2;
const FLAGS = IS_DEFAULT | IS_ADDABLE;
const SHIFT = 2;

class EncodedPass {
  hasLoss = false;
  private readonly columns: ColumnLookup;
  private readonly scan = new QuickScan();
  private readonly survivors = new Survivors();
  /** By part, from the newest on. */
  private readonly versions: number[] = [];
  private readonly bases: number[] = [];
  private readonly timestamps: number[] = [];
  private readonly origins: number[] = [];
  /** No part so far is newer than the one behind it. */
  private isOrdered = true;
  /** Numbers that survivors have for what the scan has numbered. */
  private readonly objects: (number | undefined)[] = [];
  private readonly fields: (number | undefined)[] = [];
  /** By object, what is known of those that are not plain. */
  private readonly tracks: (ObjectTrack | undefined)[] = [];
  private hasTracks = false;
  /**
   * Rows of `stride` numbers, one for each object: the part plus 1 of the earliest erasure that stays, then for
   * each property its last write that stays. They stand together because they are needed together.
   */
  private stride = 8;
  private known = new Int32Array(1024);

  constructor(columns: ColumnLookup) {
    this.columns = columns;
  }

  /** Takes in the changeset that stands before those taken in so far. */
  changeset(bytes: Uint8Array): DecodeError | null {
    const { scan, survivors } = this;
    if (!scan.scan(bytes) || (this.hasTracks && this.meetsTrack())) return this.anyChangeset(bytes);
    const { rows } = scan;
    const part = this.begin(scan);
    const source = survivors.sources.length;
    const { count } = survivors;
    for (let row = (scan.count - 1) * ROW; row >= 0; row -= ROW) {
      const object = rows[row + ROW_OBJECT] as number;
      const kind = (rows[row + ROW_KIND] as number) & KIND_MASK;
      if (kind === UPDATE) {
        const field = rows[row + ROW_FIELD] as number;
        const head = (rows[row + ROW_KIND] as number) >> ROW_PAYLOAD;
        const tag = head & TAG_MASK;
        const addable = tag === TAG_NULL || tag === TAG_INT ? IS_ADDABLE : 0;
        const has = addable | (head > TAG_MASK ? IS_DEFAULT : 0);
        if (!this.keepsUpdate(object, field, has, part)) continue;
        const start = rows[row + ROW_START] as number;
        const end = rows[row + ROW_END] as number;
        survivors.addRaw(this.objectOf(object), part, kind, this.fieldOf(field), source, start, end);
      } else if (kind === CREATE_OBJECT ? this.keepsCreate(object) : this.keepsErase(object, part))
        survivors.addRaw(this.objectOf(object), part, kind, -1, source, 0, 0);
    }
    if (survivors.count > count) survivors.sources.push(bytes);
    return null;
  }

  written(): Uint8Array {
    const column = (values: readonly number[]): Float64Array => Float64Array.from(values).reverse();
    const parts = {
      versions: column(this.versions),
      bases: column(this.bases),
      timestamps: column(this.timestamps),
      origins: column(this.origins),
    };
    return this.survivors.written(parts, true);
  }

  /** Begins a part. Answers its number. */
  private begin({ version, base, timestamp, origin }: Head): number {
    const part = this.versions.push(version) - 1;
    this.bases.push(base);
    this.timestamps.push(timestamp);
    this.origins.push(origin);
    if (part > 0 && this.isOrdered) this.isOrdered = this.isNotOlder(part - 1, part);
    return part;
  }

  private isNotOlder(later: number, part: number): boolean {
    const a = this.timestamps[later] as number;
    const b = this.timestamps[part] as number;
    return a > b || (a === b && (this.origins[later] as number) >= (this.origins[part] as number));
  }

  /** Whether something in the changeset scanned last is on an object that is not plain. */
  private meetsTrack(): boolean {
    const { rows, count } = this.scan;
    for (let row = 0; row < count * ROW; row += ROW)
      if (this.tracks[rows[row + ROW_OBJECT] as number] !== undefined) return true;
    return false;
  }

  private objectOf(object: number): number {
    const known = this.objects[object];
    if (known !== undefined) return known;
    const { tables, keys } = this.scan.numbers;
    const number = this.survivors.object(tables[object] as string, keys[object] as Key);
    this.objects[object] = number;
    return number;
  }

  private fieldOf(field: number): number {
    const known = this.fields[field];
    if (known !== undefined) return known;
    const number = this.survivors.names.push(this.scan.numbers.fieldNames[field] as string) - 1;
    this.fields[field] = number;
    return number;
  }

  private keepsUpdate(object: number, field: number, has: number, part: number): boolean {
    const place = this.scan.numbers.fieldPlaces[field] as number;
    if (place + 1 >= this.stride) this.widen(place + 1);
    const row = object * this.stride;
    if (row >= this.known.length) this.lengthen(row);
    const { known } = this;
    if (known[row] !== 0) return false;
    const write = known[row + place + 1] as number;
    if (write !== 0) {
      // Neither a value goes for a default, nor what stops additions for what lets them live.
      const more = write & FLAGS & ~has;
      const may = more === 0 || this.mayOverwrite(field, more);
      if (may && (this.isOrdered || this.isNotOlder((write >> SHIFT) - 1, part))) return false;
    }
    known[row + place + 1] = ((part + 1) << SHIFT) | has;
    return true;
  }

  private mayOverwrite(field: number, more: number): boolean {
    if ((more & IS_DEFAULT) !== 0) return false;
    const { fieldTables, fieldNames } = this.scan.numbers;
    const column = this.columns(fieldTables[field] as string, fieldNames[field] as string);
    return column !== null && column.type !== 'mixed';
  }

  private keepsCreate(object: number): boolean {
    const row = object * this.stride;
    if (row >= this.known.length) this.lengthen(row);
    if (this.known[row] !== 0) return false;
    this.known.fill(0, row, row + this.stride);
    return true;
  }

  private keepsErase(object: number, part: number): boolean {
    const row = object * this.stride;
    if (row >= this.known.length) this.lengthen(row);
    const eraser = this.known[row] as number;
    if (eraser !== 0 && this.isNotOlder(eraser - 1, part)) return false;
    this.known.fill(0, row, row + this.stride);
    this.known[row] = part + 1;
    return true;
  }

  private lengthen(row: number): void {
    const known = new Int32Array(2 * (row + this.stride));
    known.set(this.known);
    this.known = known;
  }

  private widen(place: number): void {
    const { stride, known } = this;
    this.stride = 2 * place;
    this.known = new Int32Array(Math.ceil(known.length / stride) * this.stride);
    for (let at = 0; at < known.length; at++)
      this.known[Math.floor(at / stride) * this.stride + (at % stride)] = known[at] as number;
  }

  /** The parts of a changeset are its longest runs of instructions on the schema, or on objects. */
  private anyChangeset(bytes: Uint8Array): DecodeError | null {
    const decoded = decodeChangeset(bytes);
    if (isLeft(decoded)) return decoded.left;
    const { body } = decoded.right;
    const objects = this.objectsIn(body);
    let row = body.count - 1;
    do {
      const part = this.begin(decoded.right);
      const isSchema = objects[row] === NO_OBJECT;
      const kept: Instruction[] = [];
      const keptRows: number[] = [];
      for (; row >= 0 && (objects[row] === NO_OBJECT) === isSchema; row--) {
        const instruction = body.instructionAt(row);
        if (!this.keeps(instruction, objects[row] as number, part, decoded.right)) continue;
        kept.push(instruction);
        keptRows.push(row);
      }
      const folded = foldWithin(kept.reverse());
      if (folded !== kept) this.addFolded(folded, part);
      else for (const keptRow of keptRows) this.addRow(body, keptRow, objects[keptRow] as number, part);
    } while (row >= 0);
    return null;
  }

  private addFolded(instructions: readonly Instruction[], part: number): void {
    for (let i = instructions.length - 1; i >= 0; i--) {
      const instruction = instructions[i] as Instruction;
      const object = this.scan.numbers.objectOf(instruction);
      this.survivors.add(object === NO_OBJECT ? SCHEMA_OBJECT : this.objectOf(object), part, instruction);
    }
  }

  /** Copies what stands alone: bytes take less than objects to keep, and no time to write. */
  private addRow(body: PackedInstructions, row: number, object: number, part: number): void {
    const { survivors } = this;
    const { bytes, columns } = body;
    const at = row * STRIDE;
    const kind = columns[at + KIND] as number;
    const start = columns[at + REST] as number;
    const end = object === NO_OBJECT ? -1 : operandsEnd(kind, bytes, start);
    if (end < 0) {
      const instruction = body.instructionAt(row);
      survivors.add(object === NO_OBJECT ? SCHEMA_OBJECT : this.objectOf(object), part, instruction);
      return;
    }
    const { sources } = survivors;
    if (sources[sources.length - 1] !== bytes) sources.push(bytes);
    const name = columns[at + FIELD] as number;
    const { numbers } = this.scan;
    const table = numbers.tables[object] as string;
    const field = name < 0 ? -1 : this.fieldOf(numbers.field(table, body.stringAt(name)));
    survivors.addRaw(this.objectOf(object), part, kind, field, sources.length - 1, start, end);
  }

  /** By row, the number of its object. */
  private objectsIn(body: PackedInstructions): Int32Array {
    const { columns, count } = body;
    const objects = new Int32Array(count);
    // Of each key, the object that it named last, and in which table.
    const tables = new Int32Array(body.keyCount).fill(-1);
    const known = new Int32Array(body.keyCount);
    for (let row = 0; row < count; row++) {
      const key = columns[row * STRIDE + OBJECT] as number;
      const table = columns[row * STRIDE + TABLE] as number;
      if (key < 0) {
        objects[row] = NO_OBJECT;
        continue;
      }
      if (tables[key] !== table) {
        tables[key] = table;
        known[key] = this.scan.objectAt(body.bytes, body.keyOffset(key), body.stringAt(table));
      }
      objects[row] = known[key] as number;
    }
    return objects;
  }

  private keeps(instruction: Instruction, object: number, part: number, stamp: Stamp): boolean {
    if (!('object' in instruction)) {
      if (instruction.kind === 'EraseTable' || instruction.kind === 'EraseColumn') this.hasLoss = true;
      return true;
    }
    const { table, kind } = instruction;
    let track = this.tracks[object];
    if (kind === 'CreateObject') return track === undefined ? this.keepsCreate(object) : keepsCreate(track);
    if (kind === 'EraseObject')
      return track === undefined ? this.keepsErase(object, part) : keepsErase(track, stamp);
    const field = this.scan.numbers.field(table, instruction.field);
    if (track === undefined) {
      if (kind === 'Update' && instruction.path.length === 0 && !isMarker(instruction.value)) {
        const { value, isDefault } = instruction;
        const addable = value === null || typeof value === 'bigint' ? IS_ADDABLE : 0;
        return this.keepsUpdate(object, field, addable | (isDefault ? IS_DEFAULT : 0), part);
      }
      track = this.track(object);
      this.tracks[object] = track;
      this.hasTracks = true;
    }
    const place = this.scan.numbers.fieldPlaces[field] as number;
    return keepsPath(track, place, instruction, stamp, this.columns);
  }

  /** What is known of a plain object, in the form for the others. */
  private track(object: number): ObjectTrack {
    const track = new ObjectTrack();
    const stampOf = (part: number): Stamp => ({
      timestamp: this.timestamps[part] as number,
      origin: this.origins[part] as number,
    });
    const row = object * this.stride;
    const eraser = this.known[row] ?? 0;
    if (eraser !== 0) track.eraser = stampOf(eraser - 1);
    for (let place = 0; place < this.stride - 1; place++) {
      const known = this.known[row + place + 1] ?? 0;
      if (known === 0) continue;
      const write = new Place();
      write.become(RESET, stampOf((known >> SHIFT) - 1));
      write.isDefault = (known & IS_DEFAULT) !== 0;
      write.isAddable = (known & IS_ADDABLE) !== 0;
      track.places[place] = write;
    }
    return track;
  }
}

type Head = Pick<Changeset, 'version' | 'base' | 'timestamp' | 'origin'>;
