/**
 * Writing segments (format: `segment.ts`): the parts first, then group after group, one for each object.
 */
import { Writer } from '../base/bytes.js';
import { limits } from '../base/limits.js';
import type { Changeset } from '../model/changeset.js';
import { beginBody, writeInstruction } from '../model/codec-write.js';
import type { Instruction } from '../model/instruction.js';
import { writeColumn } from './segment-columns.js';
import { checksum, MAGIC, type Parts } from './segment-format.js';

/** Rows of a segment in the order in which they are written: by object, and for each object by part. */
export interface Rows {
  readonly count: number;
  partOf(row: number): number;
  /** Whether the row is on the same object as the one before. */
  continues(row: number): boolean;
  /** How many rows are on the schema: they stand in front. */
  readonly schemaCount: number;
  write(writer: Writer, row: number): void;
}

/** Blocks are closed at the end of an object once they have so many rows. */
const BLOCK_ROWS = 250_000;

export const writeSegment = (parts: Parts, rows: Rows): Uint8Array => {
  const writer = new Writer();
  writer.begin();
  writer.reserve(16);
  for (const byte of MAGIC) writer.byte(byte);
  const ends = blockEnds(rows);
  writer.varint(parts.versions.length);
  writer.varint(ends.length);
  writeParts(writer, parts);
  writeChecksum(writer, 0);
  let start = 0;
  for (const end of ends) {
    writeBlock(writer, rows, start, end);
    start = end;
  }
  return writer.finish();
};

const blockEnds = (rows: Rows): number[] => {
  const ends: number[] = [];
  let start = rows.schemaCount;
  for (let end = limits.changesetInstructions; end < start; end += limits.changesetInstructions)
    ends.push(end);
  if (start > 0) ends.push(start);
  for (let row = start + 1; row < rows.count; row++) {
    const size = row - start;
    if (size < BLOCK_ROWS || (size < limits.changesetInstructions && rows.continues(row))) continue;
    ends.push(row);
    start = row;
  }
  if (rows.count > start) ends.push(rows.count);
  return ends;
};

const writeChecksum = (writer: Writer, start: number): void => {
  const sum = checksum(writer.bytes, writer.start + start, writer.position);
  writer.reserve(4);
  writer.uint32(sum);
};

const writeParts = (writer: Writer, { versions, timestamps, origins, bases }: Parts): void => {
  writeColumn(writer, distances(versions));
  writeColumn(writer, distances(timestamps));
  writeColumn(writer, origins);
  const last = new Map<number, number>();
  const fromLast = new Float64Array(bases.length);
  for (let i = 0; i < bases.length; i++) {
    const origin = origins[i] as number;
    const base = bases[i] as number;
    fromLast[i] = base - (last.get(origin) ?? 0);
    last.set(origin, base);
  }
  writeColumn(writer, fromLast);
};

const distances = (values: Float64Array): Float64Array => {
  const result = new Float64Array(values.length);
  let last = 0;
  for (let i = 0; i < values.length; i++) {
    result[i] = (values[i] as number) - last;
    last = values[i] as number;
  }
  return result;
};

const writeBlock = (writer: Writer, rows: Rows, from: number, to: number): void => {
  const start = writer.length;
  writer.reserve(8 + 5 * (to - from));
  writer.varint(to - from);
  let last = 0;
  for (let row = from; row < to; row++) {
    const part = rows.partOf(row);
    const distance = part - last;
    writer.varint(((distance << 1) ^ (distance >> 31)) >>> 0);
    last = part;
  }
  // The size stands before the body and is known after it.
  const size = new Writer();
  size.begin();
  beginBody(size, to - from);
  for (let row = from; row < to; row++) rows.write(size, row);
  const body = size.finish();
  writer.reserve(5);
  writer.varint(body.length);
  writer.raw(body);
  writeChecksum(writer, start);
};

/** Stands in front, so that readers know the schema before they meet what uses it. */
const SCHEMA = '';

/** What a changeset contributes: its instructions, divided where those on the schema and on objects meet. */
const runsOf = (instructions: readonly Instruction[]): (readonly Instruction[])[] => {
  const runs: Instruction[][] = [];
  let isSchema: boolean | null = null;
  for (const instruction of instructions) {
    const is = !('object' in instruction);
    if (is !== isSchema) runs.push([]);
    isSchema = is;
    runs[runs.length - 1]?.push(instruction);
  }
  return runs.length === 0 ? [[]] : runs;
};

/**
 * A stretch of history, ascending by version, as one segment. Throws where a changeset is not well formed, as
 * `encodeChangeset` does.
 */
export const encodeSegment = (history: readonly Changeset[]): Uint8Array => {
  const heads: Changeset[] = [];
  type Row = { readonly part: number; readonly instruction: Instruction };
  const groups = new Map<string, Row[]>([[SCHEMA, []]]);
  for (const changeset of history)
    for (const run of runsOf(changeset.instructions)) {
      for (const instruction of run) {
        const object =
          'object' in instruction
            ? `${instruction.table.length}:${instruction.table}${instruction.object}`
            : SCHEMA;
        const group = groups.get(object) ?? [];
        if (group.length === 0) groups.set(object, group);
        group.push({ part: heads.length, instruction });
      }
      heads.push(changeset);
    }
  const rows = [...groups.values()].flat();
  const starts = new Set<number>();
  let start = 0;
  for (const group of groups.values()) {
    starts.add(start);
    start += group.length;
  }
  const column = (of: (changeset: Changeset) => number): Float64Array => Float64Array.from(heads, of);
  const parts: Parts = {
    versions: column(({ version }) => version),
    bases: column(({ base }) => base),
    timestamps: column(({ timestamp }) => timestamp),
    origins: column(({ origin }) => origin),
  };
  return writeSegment(parts, {
    count: rows.length,
    schemaCount: groups.get(SCHEMA)?.length ?? 0,
    partOf: (row) => (rows[row] as Row).part,
    continues: (row) => !starts.has(row),
    write: (writer, row) => writeInstruction(writer, (rows[row] as Row).instruction),
  });
};
