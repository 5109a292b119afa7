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
import { Heads } from './compact-heads.js';
import { operandsEnd } from './compact-operand.js';
import { keepsCreate, keepsErase, keepsPath, type ObjectTrack, type Stamp } from './compact-place.js';
import { flagsOf, flagsOfHead, MOST_PLACES, PlainWrites } from './compact-plain.js';
import { SCHEMA_OBJECT, Survivors } from './compact-survivors.js';
import { foldWithin } from './compact-within.js';
import * as rowLayout from './quick-rows.js';
import { QuickScan } from './quick-scan.js';
import { encodeSegment } from './segment-write.js';

// A module's own constants cost nothing, whereas imported ones are looked up whenever they are used.
const { KIND_MASK } = format;
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

class EncodedPass {
  hasLoss = false;
  private readonly columns: ColumnLookup;
  private readonly scan = new QuickScan();
  private readonly heads = new Heads();
  private readonly plain: PlainWrites;
  private readonly survivors = new Survivors();
  /** Numbers that survivors have for what the scan has numbered. */
  private readonly objects: (number | undefined)[] = [];
  private readonly fields: (number | undefined)[] = [];
  /** By object, what is known of those that are not plain. */
  private readonly tracks: (ObjectTrack | undefined)[] = [];
  private hasTracks = false;
  constructor(columns: ColumnLookup) {
    this.columns = columns;
    this.plain = new PlainWrites(this.heads, this.scan.numbers, columns);
  }

  /** Takes in the changeset that stands before those taken in so far. */
  changeset(bytes: Uint8Array): DecodeError | null {
    const { scan, survivors } = this;
    if (
      !scan.scan(bytes) ||
      ((this.hasTracks || scan.numbers.mostPlaces >= MOST_PLACES) && this.meetsOthers())
    )
      return this.anyChangeset(bytes);
    const { plain } = this;
    const { rows } = scan;
    const part = this.heads.begin(scan.envelope);
    const source = survivors.sources.length;
    const { count } = survivors;
    for (let row = (scan.count - 1) * ROW; row >= 0; row -= ROW) {
      const object = rows[row + ROW_OBJECT] as number;
      const kind = (rows[row + ROW_KIND] as number) & KIND_MASK;
      if (kind === UPDATE) {
        const field = rows[row + ROW_FIELD] as number;
        const head = (rows[row + ROW_KIND] as number) >> ROW_PAYLOAD;
        if (!plain.keepsUpdate(object, field, flagsOfHead(head), part)) continue;
        const start = rows[row + ROW_START] as number;
        const end = rows[row + ROW_END] as number;
        survivors.addRaw(this.objectOf(object), part, kind, this.fieldOf(field), source, start, end);
      } else if (kind === CREATE_OBJECT ? plain.keepsCreate(object) : plain.keepsErase(object, part))
        survivors.addRaw(this.objectOf(object), part, kind, -1, source, 0, 0);
    }
    if (survivors.count > count) survivors.sources.push(bytes);
    return null;
  }

  written(): Uint8Array {
    return this.survivors.written(this.heads.parts(), true);
  }

  /** Whether something in the changeset scanned last is on an object that is not plain, or makes one so. */
  private meetsOthers(): boolean {
    const { rows, count, numbers } = this.scan;
    for (let row = 0; row < count * ROW; row += ROW) {
      if (this.tracks[rows[row + ROW_OBJECT] as number] !== undefined) return true;
      const isUpdate = ((rows[row + ROW_KIND] as number) & KIND_MASK) === UPDATE;
      if (isUpdate && (numbers.fieldPlaces[rows[row + ROW_FIELD] as number] as number) >= MOST_PLACES)
        return true;
    }
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

  /** The parts of a changeset are its longest runs of instructions on the schema, or on objects. */
  private anyChangeset(bytes: Uint8Array): DecodeError | null {
    const decoded = decodeChangeset(bytes);
    if (isLeft(decoded)) return decoded.left;
    const { body } = decoded.right;
    const objects = this.objectsIn(body);
    let row = body.count - 1;
    do {
      const part = this.heads.begin(decoded.right);
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
    if (kind === 'CreateObject')
      return track === undefined ? this.plain.keepsCreate(object) : keepsCreate(track);
    if (kind === 'EraseObject')
      return track === undefined ? this.plain.keepsErase(object, part) : keepsErase(track, stamp);
    const field = this.scan.numbers.field(table, instruction.field);
    const place = this.scan.numbers.fieldPlaces[field] as number;
    if (track === undefined) {
      const isPlain = kind === 'Update' && instruction.path.length === 0 && place < MOST_PLACES;
      if (isPlain && !isMarker(instruction.value)) {
        const { value, isDefault } = instruction;
        const has = flagsOf(value === null || typeof value === 'bigint', isDefault);
        return this.plain.keepsUpdate(object, field, has, part);
      }
      track = this.plain.track(object);
      this.tracks[object] = track;
      this.hasTracks = true;
    }
    return keepsPath(track, place, instruction, stamp, this.columns);
  }
}
