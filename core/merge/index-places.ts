/**
 * Cutting the table of one object along properties, paths and values.
 *
 * At each depth of the path there are instructions on the place itself, and instructions on something
 * inside it. Those inside meet only where they go the same way further in: the same property, key or list
 * element, or, in a set, the same value. Those on the place meet everything; they cut the sequences into
 * *runs*, and each run of one side is taken against each run of the other.
 *
 * What stays quadratic is writes that neither discard each other nor leave each other alone, interleaved
 * with what is inside: a mixed value that both sides make a list and fill, again and again. Such writes let
 * each other through, and each may be marked by anything that it meets inside (`shared.ts`), so that it has
 * to meet all of it.
 *
 * Source: merge-semantics, sections 4.1 to 4.3 and 5.4.
 */
import type { Instruction, PathInstruction } from '../model/instruction.js';
import { memberId } from '../model/member.js';
import { isMarker } from '../model/value.js';
import { mergeList } from './index-lists.js';
import type { IndexMerge, Positions } from './index-merge.js';
import type { Table } from './index-objects.js';
import { mergeProperties, mergeSlot } from './index-slots.js';
import { ERASURE, type Track } from './index-track.js';
import { syncline } from './rule-set.js';

/** Merges the instructions of both sides on one object. */
export const mergeObject = (merge: IndexMerge, table: Table): void => {
  const { rows, columns } = table;
  if (merge.isSmall(rows, columns)) merge.meetAll(rows, columns);
  // Creations meet nothing but erasures of the object.
  else if (erases(merge.left, rows) || erases(merge.right, columns))
    mergeRuns(merge, table, isErasure, (runs) => mergeFields(merge, runs));
  else mergeFields(merge, table);
};

const erases = (track: Track, positions: Positions): boolean => {
  for (let k = 0; k < positions.length; k++) if (track.sorts[positions[k] as number] === ERASURE) return true;
  return false;
};

const isErasure = (instruction: Instruction): boolean => instruction.kind === 'EraseObject';

const mergeFields = (merge: IndexMerge, table: Table): void => {
  if (mergeProperties(merge, table)) return;
  for (const part of divide(merge, table, fieldOf)) mergePlace(merge, part, 0);
};

const fieldOf = (instruction: Instruction): string | null =>
  'path' in instruction ? instruction.field : null;

/** Merges instructions whose paths are equal up to `depth`. */
export const mergePlace = (merge: IndexMerge, table: Table, depth: number): void => {
  const { rows, columns } = table;
  if (merge.failed) return;
  if (merge.isSmall(rows, columns)) {
    merge.meetAll(rows, columns);
    return;
  }
  const steps = stepsOf(merge, merge.left, rows, depth) | stepsOf(merge, merge.right, columns, depth);
  if (steps === ON) mergeSlot(merge, table);
  else if ((steps & ON) === 0) mergeInside(merge, table, depth, steps);
  else {
    const isOn = (instruction: Instruction): boolean => stepFrom(merge, instruction, depth) === null;
    mergeRuns(merge, table, isOn, (runs) => mergeInside(merge, runs, depth, steps & ~ON));
  }
};

/** Where instructions go from a place: nowhere, to a key, field or value inside it, or to an index. */
const ON = 1;
const NAME = 2;
const INDEX = 4;

const stepsOf = (merge: IndexMerge, track: Track, positions: Positions, depth: number): number => {
  let steps = 0;
  for (const k of positions) {
    const instruction = track.instructions[k] as PathInstruction;
    if (instruction.path.length > depth) steps |= typeof instruction.path[depth] === 'number' ? INDEX : NAME;
    else steps |= stepFrom(merge, instruction, depth) === null ? ON : NAME;
  }
  return steps;
};

/**
 * Which way an instruction goes on from a depth of its path: an index, a key or field, or the value of a
 * set; null where the place itself is meant.
 */
const stepFrom = (merge: IndexMerge, instruction: Instruction, depth: number): number | string | null => {
  const { path } = instruction as PathInstruction;
  if (path.length > depth) return path[depth] as number | string;
  // One step further in, an operation on a set is on its value.
  if (path.length < depth || (instruction.kind !== 'SetInsert' && instruction.kind !== 'SetErase'))
    return null;
  // Rules that compare values in a way of their own have to see them all.
  if (merge.rules.pairs.SetErase !== syncline.pairs.SetErase || isMarker(instruction.value)) return null;
  return `\0${memberId(instruction.value)}`;
};

/** `steps` are those that occur on either side. */
const mergeInside = (merge: IndexMerge, table: Table, depth: number, steps: number): void => {
  if (steps === INDEX) mergeList(merge, table, depth);
  else if (steps === NAME) {
    const step = (instruction: Instruction) => stepFrom(merge, instruction, depth);
    for (const part of divide(merge, table, step)) mergePlace(merge, part, depth + 1);
  } else {
    // Names against indices are an error, or will be discarded by what makes the place a collection.
    merge.meetAll(table.rows, table.columns);
  }
};

/**
 * Cuts both sequences where `isOuter` begins and ends to hold, and takes run against run: `inner` where it
 * holds on neither side, else pair by pair.
 */
const mergeRuns = (
  merge: IndexMerge,
  { rows, columns }: Table,
  isOuter: (instruction: Instruction) => boolean,
  inner: (table: Table) => void,
): void => {
  const ours = runsOf(merge.left, rows, isOuter);
  const theirs = runsOf(merge.right, columns, isOuter);
  // Many short runs are no help.
  if (16 * ours.length * theirs.length > rows.length * columns.length) {
    merge.meetAll(rows, columns);
    return;
  }
  for (const run of ours)
    for (const other of theirs) {
      if (merge.failed) return;
      const table = { rows: alive(merge.left, run.positions), columns: alive(merge.right, other.positions) };
      if (table.rows.length === 0) break;
      if (table.columns.length === 0) continue;
      if (run.isOuter || other.isOuter) merge.meetAll(table.rows, table.columns);
      else inner(table);
    }
};

interface Run {
  readonly positions: number[];
  readonly isOuter: boolean;
}

const runsOf = (
  track: Track,
  positions: Positions,
  isOuter: (instruction: Instruction) => boolean,
): Run[] => {
  const runs: Run[] = [];
  let run: Run | null = null;
  for (const k of positions) {
    const outer = isOuter(track.instructions[k] as Instruction);
    if (run === null || run.isOuter !== outer) {
      run = { positions: [], isOuter: outer };
      runs.push(run);
    }
    run.positions.push(k);
  }
  return runs;
};

const alive = (track: Track, positions: Positions): Positions => {
  for (const k of positions)
    if (track.instructions[k] === null) return positions.filter((each) => track.instructions[each] !== null);
  return positions;
};

/** The parts of a table with equal keys, where both sides have one. What has no key is in none. */
export const divide = (
  merge: IndexMerge,
  { rows, columns }: Table,
  keyOf: (instruction: Instruction) => string | number | null,
): Table[] => {
  const parts = new Map<string | number, { rows: number[]; columns: number[] }>();
  for (const row of rows) {
    const key = keyOf(merge.left.instructions[row] as Instruction);
    if (key === null) continue;
    const part = parts.get(key);
    if (part === undefined) parts.set(key, { rows: [row], columns: [] });
    else part.rows.push(row);
  }
  const contested: Table[] = [];
  for (const column of columns) {
    const key = keyOf(merge.right.instructions[column] as Instruction);
    const part = key === null ? undefined : parts.get(key);
    if (part === undefined) continue;
    if (part.columns.length === 0) contested.push(part);
    part.columns.push(column);
  }
  return contested;
};
