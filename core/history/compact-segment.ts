/**
 * Superseding a segment from its bytes: they are scanned at a glance (`quick-scan.ts`), block after block from
 * the last to the first, and what stays is copied. Segments that hold anything but the schema, in front, and
 * plain objects are decoded (`compact-packed.ts`).
 */
import { type Either, isLeft, right } from 'fp-ts/lib/Either.js';
import type { DecodeError } from '../base/decode-error.js';
import type { ColumnLookup } from '../merge/rule.js';
import * as format from '../model/codec-format.js';
import { kindNumbers } from '../model/codec-format.js';
import type { Instruction } from '../model/instruction.js';
import type { Key } from '../model/key.js';
import { columnsOfHistory } from './compact-absorb.js';
import { supersedeSegment } from './compact-packed.js';
import { flagsOfHead, MOST_PLACES, PartStamps, PlainWrites } from './compact-plain.js';
import { SCHEMA_OBJECT, Survivors } from './compact-survivors.js';
import * as rowLayout from './quick-rows.js';
import { QuickScan } from './quick-scan.js';
import { type BlockFrame, decodeSegment, frameSegment, type SegmentFrame, scanBlock } from './segment.js';
import type { Parts } from './segment-format.js';

// A module's own constants cost nothing, whereas imported ones are looked up whenever they are used.
const { KIND_MASK } = format;
const { ROW, ROW_END, ROW_FIELD, ROW_KIND, ROW_OBJECT, ROW_PAYLOAD, ROW_START } = rowLayout;
const {
  Update: UPDATE,
  CreateObject: CREATE_OBJECT,
  AddTable: ADD_TABLE,
  AddColumn: ADD_COLUMN,
} = kindNumbers;

/**
 * The bytes of the superseded segment: what `supersedeSegment` gives for the decoded one, the order of
 * objects aside. Left where it is damaged; then nothing is to be done with it.
 */
export const supersedeSegmentBytes = (
  bytes: Uint8Array,
  columns: ColumnLookup,
): Either<DecodeError, Uint8Array> => {
  const frame = frameSegment(bytes);
  if (isLeft(frame)) return frame;
  const quick = new SegmentPass(frame.right, columns).run();
  if (quick !== null) return right(quick);
  const segment = decodeSegment(bytes);
  return isLeft(segment) ? segment : right(supersedeSegment(segment.right, columns));
};

class Order extends PartStamps {
  readonly isOrdered: boolean;

  constructor({ timestamps, origins }: Parts) {
    super(Array.from(timestamps), Array.from(origins));
    let isOrdered = true;
    for (let part = 1; part < timestamps.length; part++)
      if (!this.isNotOlder(part, part - 1)) isOrdered = false;
    this.isOrdered = isOrdered;
  }
}

class SegmentPass {
  private readonly frame: SegmentFrame;
  private readonly columns: ColumnLookup;
  private readonly scan = new QuickScan();
  private readonly survivors = new Survivors();
  private readonly view: DataView;
  /** By what the scan has numbered: numbers among the survivors, plus 1. */
  private readonly fields: number[] = [];
  private readonly objects: number[] = [];
  /** By object, the earliest part that has been seen of it, plus 1. */
  private readonly partsSeen: number[] = [];

  constructor(frame: SegmentFrame, columns: ColumnLookup) {
    const { bytes } = frame;
    this.frame = frame;
    this.columns = columns;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.survivors.sources.push(bytes);
  }

  /** Null where that is not possible at a glance. */
  run(): Uint8Array | null {
    const { bytes, parts, blocks } = this.frame;
    let schemaBlocks = 0;
    while (schemaBlocks < blocks.length && this.isSchema(blocks[schemaBlocks] as BlockFrame)) schemaBlocks++;
    const schema = this.schemaIn(blocks.slice(0, schemaBlocks));
    if (schema === null) return null;
    const columns = columnsOfHistory(
      [{ version: 0, base: 0, timestamp: 0, origin: 0, instructions: schema }],
      this.columns,
    );
    const plain = new PlainWrites(new Order(parts), this.scan.numbers, columns);
    for (let i = blocks.length - 1; i >= schemaBlocks; i--) {
      const block = blocks[i] as BlockFrame;
      const isKnown = this.scan.scanBody(bytes, this.view, block.start, block.end);
      if (!isKnown || this.scan.count !== block.parts.length || !this.passes(block, plain)) return null;
    }
    return this.survivors.written(parts, false);
  }

  private isSchema({ start, end, parts }: BlockFrame): boolean {
    // The kind of the first instruction follows the number of them.
    let p = start;
    while ((this.frame.bytes[p] as number) > 0x7f) p++;
    const kind = (this.frame.bytes[p + 1] as number) & KIND_MASK;
    return parts.length > 0 && p + 1 < end && (kind === ADD_TABLE || kind === ADD_COLUMN);
  }

  /** Null where there is something else, or something wrong, which is said when all is decoded. */
  private schemaIn(blocks: readonly BlockFrame[]): Instruction[] | null {
    const schema: Instruction[] = [];
    const schemaParts: number[] = [];
    for (const block of blocks) {
      const segmentBlock = this.decoded(block);
      if (segmentBlock === null) return null;
      for (const [row, instruction] of segmentBlock.entries()) {
        if (instruction.kind !== 'AddTable' && instruction.kind !== 'AddColumn') return null;
        schema.push(instruction);
        schemaParts.push(block.parts[row] as number);
      }
    }
    for (let i = schema.length - 1; i >= 0; i--)
      this.survivors.add(SCHEMA_OBJECT, schemaParts[i] as number, schema[i] as Instruction);
    return schema;
  }

  private decoded(block: BlockFrame): Instruction[] | null {
    const body = scanBlock(this.frame.bytes, block);
    return isLeft(body) ? null : body.right.unpack();
  }

  /** False where the rows of an object are not in the order of parts, or it is not plain. */
  private passes({ parts }: BlockFrame, plain: PlainWrites): boolean {
    const { survivors, scan, partsSeen } = this;
    const { rows, count } = scan;
    if (scan.numbers.mostPlaces > MOST_PLACES) return false;
    for (let i = count - 1; i >= 0; i--) {
      const row = i * ROW;
      const object = rows[row + ROW_OBJECT] as number;
      const part = parts[i] as number;
      const seen = partsSeen[object] ?? 0;
      if (seen !== 0 && part >= seen) return false;
      partsSeen[object] = part + 1;
      const kind = (rows[row + ROW_KIND] as number) & KIND_MASK;
      if (kind === UPDATE) {
        const field = rows[row + ROW_FIELD] as number;
        const head = (rows[row + ROW_KIND] as number) >> ROW_PAYLOAD;
        if (!plain.keepsUpdate(object, field, flagsOfHead(head), part)) continue;
        const start = rows[row + ROW_START] as number;
        const end = rows[row + ROW_END] as number;
        survivors.addRaw(this.objectOf(object), part, kind, this.fieldOf(field), 0, start, end);
      } else if (kind === CREATE_OBJECT ? plain.keepsCreate(object) : plain.keepsErase(object, part))
        survivors.addRaw(this.objectOf(object), part, kind, -1, 0, 0, 0);
    }
    return true;
  }

  private objectOf(object: number): number {
    const known = this.objects[object] ?? 0;
    if (known > 0) return known - 1;
    const { tables, keys } = this.scan.numbers;
    const number = this.survivors.object(tables[object] as string, keys[object] as Key);
    this.objects[object] = number + 1;
    return number;
  }

  private fieldOf(field: number): number {
    const known = this.fields[field] ?? 0;
    if (known > 0) return known - 1;
    const number = this.survivors.names.push(this.scan.numbers.fieldNames[field] as string);
    this.fields[field] = number;
    return number - 1;
  }
}
