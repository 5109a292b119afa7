/**
 * The rows that stay when a stretch of history is compacted in packed form, on their way into a segment: most
 * are bytes that are copied as they are, the others readable instructions.
 */
import type { Writer } from '../base/bytes.js';
import { writeInstruction, writeRaw } from '../model/codec-write.js';
import type { Instruction } from '../model/instruction.js';
import type { Key } from '../model/key.js';
import type { Parts } from './segment-format.js';
import { type Rows, writeSegment } from './segment-write.js';

const STRIDE = 7;
const OBJECT = 0;
const PART = 1;
/** -1 for a readable instruction. */
const KIND = 2;
/** Among the names; -1 for none. */
const FIELD = 3;
/** Among the sources, or among the instructions. */
const SOURCE = 4;
const START = 5;
const END = 6;

/** Number of what belongs to no object. */
export const SCHEMA_OBJECT = 0;

export class Survivors {
  /** What `field` of `addRaw` refers to. */
  readonly names: string[] = [];
  /** What `source` of `addRaw` refers to. */
  readonly sources: Uint8Array[] = [];
  private readonly tables: string[] = [''];
  private readonly keys: Key[] = ['' as Key];
  private readonly instructions: Instruction[] = [];
  private rows = new Int32Array(STRIDE * 1024);
  private length = 0;

  /** How many there are so far; `truncate` goes back to there. */
  get count(): number {
    return this.length / STRIDE;
  }

  truncate(count: number): void {
    this.length = count * STRIDE;
  }

  /** The number of a new object. */
  object(table: string, key: Key): number {
    this.tables.push(table);
    return this.keys.push(key) - 1;
  }

  /** An instruction whose path and operand stand in a source, and name nothing by number. */
  addRaw(
    object: number,
    part: number,
    kind: number,
    field: number,
    source: number,
    start: number,
    end: number,
  ): void {
    if (this.length === this.rows.length) this.grow();
    const { rows, length } = this;
    rows[length + OBJECT] = object;
    rows[length + PART] = part;
    rows[length + KIND] = kind;
    rows[length + FIELD] = field;
    rows[length + SOURCE] = source;
    rows[length + START] = start;
    rows[length + END] = end;
    this.length = length + STRIDE;
  }

  add(object: number, part: number, instruction: Instruction): void {
    this.addRaw(object, part, -1, -1, this.instructions.push(instruction) - 1, 0, 0);
  }

  private grow(): void {
    const larger = new Int32Array(2 * this.rows.length);
    larger.set(this.rows);
    this.rows = larger;
  }

  /**
   * As a segment. For each object, they must have been added from the last to the first; parts are numbered
   * from the last to the first, too, where `isFromEnd` says so.
   */
  written(parts: Parts, isFromEnd: boolean): Uint8Array {
    const { rows } = this;
    const order = this.byObject();
    const last = parts.versions.length - 1;
    const partAt = (at: number): number => rows[at + PART] as number;
    let schemaCount = 0;
    while (schemaCount < order.length && rows[order[schemaCount] as number] === SCHEMA_OBJECT) schemaCount++;
    const ordered: Rows = {
      count: order.length,
      schemaCount,
      partOf: (row) => (isFromEnd ? last - partAt(order[row] as number) : partAt(order[row] as number)),
      continues: (row) => row > 0 && rows[order[row] as number] === rows[order[row - 1] as number],
      write: (writer, row) => this.write(writer, order[row] as number),
    };
    return writeSegment(parts, ordered);
  }

  private write(writer: Writer, at: number): void {
    const { rows } = this;
    const kind = rows[at + KIND] as number;
    const source = rows[at + SOURCE] as number;
    if (kind < 0) {
      writeInstruction(writer, this.instructions[source] as Instruction);
      return;
    }
    const object = rows[at + OBJECT] as number;
    const field = rows[at + FIELD] as number;
    writeRaw(
      writer,
      kind,
      this.tables[object] as string,
      this.keys[object] as Key,
      field < 0 ? null : (this.names[field] as string),
      this.sources[source] as Uint8Array,
      rows[at + START] as number,
      rows[at + END] as number,
    );
  }

  /** Positions by object, and for each object in the reverse of the order in which they were added. */
  private byObject(): Int32Array {
    const { rows, length } = this;
    const next = new Int32Array(this.keys.length + 1);
    for (let at = 0; at < length; at += STRIDE) {
      const object = (rows[at + OBJECT] as number) + 1;
      next[object] = (next[object] as number) + 1;
    }
    for (let i = 1; i < next.length; i++) next[i] = (next[i] as number) + (next[i - 1] as number);
    const order = new Int32Array(length / STRIDE);
    for (let at = length - STRIDE; at >= 0; at -= STRIDE) {
      const object = rows[at + OBJECT] as number;
      const position = next[object] as number;
      order[position] = at;
      next[object] = position + 1;
    }
    return order;
  }
}
