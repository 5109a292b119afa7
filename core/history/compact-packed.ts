/**
 * Superseding a segment without unpacking it. What the object of a group was written is all in one place, so
 * that everything that is known of it fits a few numbers for each property. Only objects that have more than
 * plain properties, and changesets in which something may be folded, are made readable.
 */
import type { ColumnLookup } from '../merge/rule.js';
import * as format from '../model/codec-format.js';
import { kindNumbers } from '../model/codec-format.js';
import { type Instruction, isPathInstruction } from '../model/instruction.js';
import type { PackedInstructions } from '../model/packed.js';
import * as packed from '../model/packed.js';
import { supersede } from './compact.js';
import { columnsOfHistory } from './compact-absorb.js';
import { operandEnd, operandsEnd } from './compact-operand.js';
import { keepsCreate, keepsErase, keepsPath, ObjectTrack } from './compact-place.js';
import { SCHEMA_OBJECT, Survivors } from './compact-survivors.js';
import { foldWithin } from './compact-within.js';
import { type Block, changesetsOf, encodeSegment, type Segment } from './segment.js';
import type { Parts } from './segment-format.js';

// A module's own constants cost nothing, whereas imported ones are looked up whenever they are used.
const { IS_DEFAULT, TAG_INT, TAG_LINK, TAG_MARKERS, TAG_MASK, TAG_NULL } = format;
const { FIELD, KIND, OBJECT, REST, STRIDE, TABLE } = packed;
const { Update: UPDATE, CreateObject: CREATE_OBJECT, EraseObject: ERASE_OBJECT } = kindNumbers;

/**
 * The bytes of the superseded segment. It says what `supersede` of its changesets says, with the same
 * `columns`; the order of instructions on different objects may differ within a changeset.
 */
export const supersedeSegment = (segment: Segment, columns: ColumnLookup): Uint8Array => {
  const pass = new PackedPass(segment, columns);
  // What the schema has lost divides history for all objects at once: too rare to be quick about.
  return pass.run()
    ? pass.survivors.written(segment.parts, false)
    : encodeSegment(supersede(changesetsOf(segment), columns));
};

/** Besides `IS_DEFAULT`, which is 0x80: an integer or null, to which additions may be made. */
const IS_ADDABLE = 1;

class PackedPass {
  readonly survivors = new Survivors();
  private readonly segment: Segment;
  private columns: ColumnLookup;
  /** No changeset is older than one before it, so that there is nothing to compare. */
  private readonly isOrdered: boolean;
  /** Of the property's last write that stays, by number of its name; valid where `lives` says this life. */
  private lives = new Int32Array(0);
  private timestamps = new Float64Array(0);
  private origins = new Float64Array(0);
  private flags = new Uint8Array(0);
  private life = 0;
  /** What the name has become among the survivors, plus 1; 0 while it has not. */
  private names = new Int32Array(0);

  constructor(segment: Segment, columns: ColumnLookup) {
    this.segment = segment;
    this.columns = columns;
    this.isOrdered = isOrdered(segment.parts);
  }

  /** False where a group is not all of its object, or the schema has lost something. */
  run(): boolean {
    const { blocks } = this.segment;
    this.learnColumns();
    const objects = new Set<string>();
    for (const block of blocks) {
      const { body } = block;
      this.survivors.sources.push(body.bytes);
      this.lives = new Int32Array(body.stringCount);
      this.timestamps = new Float64Array(body.stringCount);
      this.origins = new Float64Array(body.stringCount);
      this.flags = new Uint8Array(body.stringCount);
      this.names = new Int32Array(body.stringCount);
      this.life = 0;
      for (let end = body.count; end > 0; ) {
        const at = (end - 1) * STRIDE;
        const object = body.columns[at + OBJECT] as number;
        if (object < 0) {
          if (!this.keepsSchema(block, end - 1)) return false;
          end--;
          continue;
        }
        const table = body.stringAt(body.columns[at + TABLE] as number);
        const key = body.keyAt(object);
        const name = `${table.length}:${table}${key}`;
        if (objects.has(name)) return false;
        objects.add(name);
        end = this.object(block, end, this.survivors.object(table, key));
      }
    }
    return true;
  }

  /** What is added to the schema stands in front. */
  private learnColumns(): void {
    const instructions: Instruction[] = [];
    for (const { body } of this.segment.blocks)
      for (let row = 0; row < body.count && (body.columns[row * STRIDE + OBJECT] as number) < 0; row++)
        instructions.push(body.instructionAt(row));
    if (instructions.length > 0)
      this.columns = columnsOfHistory(
        [{ version: 0, base: 0, timestamp: 0, origin: 0, instructions }],
        this.columns,
      );
  }

  private keepsSchema({ body, parts }: Block, row: number): boolean {
    const instruction = body.instructionAt(row);
    this.survivors.add(SCHEMA_OBJECT, parts[row] as number, instruction);
    return instruction.kind !== 'EraseTable' && instruction.kind !== 'EraseColumn';
  }

  /** Goes through the object whose last row is before `end`. Answers where it begins. */
  private object(block: Block, end: number, object: number): number {
    const { count } = this.survivors;
    const start = this.plainObject(block, end, object);
    if (start >= 0) return start;
    this.survivors.truncate(count);
    return this.anyObject(block, end, object);
  }

  /** The same where it has nothing but creations, erasures and plain properties; -1 where it has more. */
  private plainObject({ body, parts }: Block, end: number, object: number): number {
    const { columns, bytes } = body;
    const { timestamps, origins } = this.segment.parts;
    const { survivors, lives, flags, isOrdered } = this;
    const source = survivors.sources.length - 1;
    const last = (end - 1) * STRIDE;
    const key = columns[last + OBJECT];
    const table = columns[last + TABLE];
    let life = ++this.life;
    let eraser = -1;
    let at = last;
    for (; at >= 0 && columns[at + OBJECT] === key && columns[at + TABLE] === table; at -= STRIDE) {
      const kind = columns[at + KIND] as number;
      if (kind === UPDATE) {
        const rest = columns[at + REST] as number;
        const head = bytes[rest] as number;
        const tag = head & TAG_MASK;
        if (tag >= TAG_MARKERS) return -1;
        if (eraser >= 0) continue;
        const field = columns[at + FIELD] as number;
        const has = (head & IS_DEFAULT) | (tag === TAG_NULL || tag === TAG_INT ? IS_ADDABLE : 0);
        const part = parts[at / STRIDE] as number;
        if (lives[field] === life) {
          // Neither a value goes for a default, nor what stops additions for what lets them live.
          const more = (flags[field] as number) & ~has;
          if (
            (more === 0 || this.mayOverwrite(body, at, more)) &&
            (isOrdered || this.isNotOlder(field, part))
          )
            continue;
        }
        lives[field] = life;
        flags[field] = has;
        if (!isOrdered) {
          this.timestamps[field] = timestamps[part] as number;
          this.origins[field] = origins[part] as number;
        }
        if (tag === TAG_LINK) survivors.add(object, part, body.instructionAt(at / STRIDE));
        else
          survivors.addRaw(object, part, kind, this.name(body, field), source, rest, operandEnd(bytes, rest));
      } else if (kind === CREATE_OBJECT) {
        if (eraser >= 0) continue;
        life = ++this.life;
        survivors.addRaw(object, parts[at / STRIDE] as number, kind, -1, source, 0, 0);
      } else if (kind === ERASE_OBJECT) {
        const part = parts[at / STRIDE] as number;
        if (eraser >= 0 && isNotOlder(this.segment.parts, eraser, part)) continue;
        eraser = part;
        survivors.addRaw(object, part, kind, -1, source, 0, 0);
      } else return -1;
    }
    return at / STRIDE + 1;
  }

  private name(body: PackedInstructions, string: number): number {
    const known = this.names[string] as number;
    if (known > 0) return known - 1;
    const name = this.survivors.names.push(body.stringAt(string));
    this.names[string] = name;
    return name - 1;
  }

  private isNotOlder(field: number, part: number): boolean {
    const { timestamps, origins } = this.segment.parts;
    const later = this.timestamps[field] as number;
    const timestamp = timestamps[part] as number;
    return (
      later > timestamp ||
      (later === timestamp && (this.origins[field] as number) >= (origins[part] as number))
    );
  }

  /** Whether an Update may go for one that has the flags `more` and it has not. */
  private mayOverwrite(body: PackedInstructions, at: number, more: number): boolean {
    if ((more & IS_DEFAULT) !== 0) return false;
    const table = body.stringAt(body.columns[at + TABLE] as number);
    const column = this.columns(table, body.stringAt(body.columns[at + FIELD] as number));
    return column !== null && column.type !== 'mixed';
  }

  private anyObject({ body, parts }: Block, end: number, object: number): number {
    const { columns } = body;
    const { timestamps, origins } = this.segment.parts;
    const track = new ObjectTrack();
    const start = groupStart(body, end);
    let kept: Instruction[] = [];
    let keptRows: number[] = [];
    for (let row = end - 1; row >= start; row--) {
      const part = parts[row] as number;
      const stamp = { timestamp: timestamps[part] as number, origin: origins[part] as number };
      const instruction = body.instructionAt(row);
      const keeps = isPathInstruction(instruction)
        ? keepsPath(track, columns[row * STRIDE + FIELD] as number, instruction, stamp, this.columns)
        : instruction.kind === 'EraseObject'
          ? keepsErase(track, stamp)
          : keepsCreate(track);
      if (keeps) {
        kept.push(instruction);
        keptRows.push(row);
      }
      // At the beginning of a part, what is left of it is folded.
      if (row > start && parts[row - 1] === part) continue;
      const folded = foldWithin(kept.reverse());
      if (folded === kept) for (const keptRow of keptRows) this.addRow(body, keptRow, object, part);
      else
        for (let i = folded.length - 1; i >= 0; i--)
          this.survivors.add(object, part, folded[i] as Instruction);
      kept = [];
      keptRows = [];
    }
    return start;
  }

  /** Copies what stands alone: bytes take less than objects to keep, and no time to write. */
  private addRow(body: PackedInstructions, row: number, object: number, part: number): void {
    const { survivors } = this;
    const at = row * STRIDE;
    const kind = body.columns[at + KIND] as number;
    const start = body.columns[at + REST] as number;
    const end = operandsEnd(kind, body.bytes, start);
    if (end < 0) {
      survivors.add(object, part, body.instructionAt(row));
      return;
    }
    const name = body.columns[at + FIELD] as number;
    const field = name < 0 ? -1 : this.name(body, name);
    survivors.addRaw(object, part, kind, field, survivors.sources.length - 1, start, end);
  }
}

const isNotOlder = ({ timestamps, origins }: Parts, later: number, part: number): boolean => {
  const a = timestamps[later] as number;
  const b = timestamps[part] as number;
  return a > b || (a === b && (origins[later] as number) >= (origins[part] as number));
};

const isOrdered = (parts: Parts): boolean => {
  for (let part = 1; part < parts.versions.length; part++)
    if (!isNotOlder(parts, part, part - 1)) return false;
  return true;
};

/** The first row of the object whose last row is before `end`. */
const groupStart = ({ columns }: PackedInstructions, end: number): number => {
  const last = (end - 1) * STRIDE;
  let at = last;
  while (
    at >= 0 &&
    columns[at + OBJECT] === columns[last + OBJECT] &&
    columns[at + TABLE] === columns[last + TABLE]
  )
    at -= STRIDE;
  return at / STRIDE + 1;
};
