/**
 * Merging what two sides do to one list and to its elements.
 *
 * Where neither side changes the order, an index is a name like any other. Otherwise the instructions become
 * operations on integers (`list-merge.ts`): inserts, erasures and moves; everything else, at an element or
 * inside it, follows the element, and goes when it goes. What both sides did to one element is merged for
 * itself, with the number of the element in the place of the index.
 *
 * Source: merge-semantics, sections 4.3 and 4.8.
 */
import {
  type ArrayErase,
  type ArrayInsert,
  type ArrayMove,
  arrayErase,
  arrayInsert,
  arrayMove,
  type Instruction,
  type Path,
  type PathInstruction,
  type Update,
} from '../model/instruction.js';
import { typeOf } from '../model/value.js';
import type { IndexMerge, Positions } from './index-merge.js';
import type { Table } from './index-objects.js';
import { divide, mergePlace } from './index-places.js';
import type { Track } from './index-track.js';
import { mergeLists, transcribeAll, weaveLists } from './list-merge.js';
import { ERASE, INSERT, isPerformable, type ListOps, listOps, MOVE, UPDATE } from './list-ops.js';
import { withIndexAt } from './path.js';
import { syncline } from './rule-set.js';
import { collectionOf } from './shared.js';

/** Merges instructions whose paths are equal up to `depth`, where each goes on with an index. */
export const mergeList = (merge: IndexMerge, table: Table, depth: number): void => {
  const { rows, columns } = table;
  if (!ordersAny(merge.left, rows, depth) && !ordersAny(merge.right, columns, depth)) {
    const index = (instruction: Instruction): number =>
      (instruction as PathInstruction).path[depth] as number;
    for (const part of divide(merge, table, index)) mergePlace(merge, part, depth + 1);
    return;
  }
  const size = sizeOf(merge.left, rows, depth) ?? sizeOf(merge.right, columns, depth) ?? 0;
  const ours = operations(merge.left, rows, merge.stamps.left, size, depth);
  const theirs = operations(merge.right, columns, merge.stamps.right, size, depth);
  const isMerged =
    ours !== null &&
    theirs !== null &&
    (isFlat(merge.left, rows, depth) && isFlat(merge.right, columns, depth)
      ? mergeLists(ours, theirs)
      : isPerformable(ours, size) &&
        isPerformable(theirs, size) &&
        mergeElements(merge, table, depth, ours, theirs));
  if (!isMerged) {
    merge.meetAll(rows, columns);
    return;
  }
  write(merge.left, rows, ours, depth);
  write(merge.right, columns, theirs, depth);
};

const kindOf = (instruction: PathInstruction, depth: number): number => {
  if (instruction.path.length !== depth + 1) return UPDATE;
  switch (instruction.kind) {
    case 'ArrayInsert':
      return INSERT;
    case 'ArrayErase':
      return ERASE;
    case 'ArrayMove':
      return MOVE;
    default:
      return UPDATE;
  }
};

const at = (track: Track, k: number): PathInstruction => track.instructions[k] as PathInstruction;

const ordersAny = (track: Track, positions: Positions, depth: number): boolean => {
  for (const k of positions) if (kindOf(at(track, k), depth) !== UPDATE) return true;
  return false;
};

type Sized = ArrayInsert | ArrayErase | ArrayMove | (Update & { readonly priorSize: number });

/** Whether the instruction names the size of the list. */
const isSized = (instruction: PathInstruction, depth: number): instruction is Sized =>
  instruction.path.length === depth + 1 && 'priorSize' in instruction && instruction.priorSize !== null;

/** The size of the list before all of them, where one of them names it. */
const sizeOf = (track: Track, positions: Positions, depth: number): number | null => {
  for (const k of positions) {
    const instruction = at(track, k);
    if (isSized(instruction, depth)) return instruction.priorSize;
  }
  return null;
};

/** Whether all are inserts, erasures and moves, and updates of whole elements that make no collection. */
const isFlat = (track: Track, positions: Positions, depth: number): boolean => {
  for (const k of positions) {
    const instruction = at(track, k);
    if (instruction.path.length !== depth + 1) return false;
    if (instruction.kind === 'Update') {
      if (instruction.priorSize === null || collectionOf(instruction.value) !== null) return false;
    } else if (kindOf(instruction, depth) === UPDATE) return false;
  }
  return true;
};

/** An addition to an element, or a set in its place, has no meaning, and no rule makes it follow the element. */
const follows = (instruction: PathInstruction, depth: number): boolean =>
  instruction.path.length > depth + 1 || instruction.kind === 'Update' || instruction.kind === 'Clear';

/** Null where they are not all the list merge's to do. `size` is that of the list before them. */
const operations = (
  track: Track,
  positions: Positions,
  stamps: Int32Array,
  size: number,
  depth: number,
): ListOps | null => {
  const ops = listOps(positions.length);
  let now = size;
  for (let k = 0; k < positions.length; k++) {
    const position = positions[k] as number;
    const instruction = at(track, position);
    const index = instruction.path[depth] as number;
    const kind = kindOf(instruction, depth);
    if (kind === UPDATE && !follows(instruction, depth)) return null;
    ops.kind[k] = kind;
    ops.index[k] = index;
    // An index that is no small integer does not come back from the column as it was.
    if (ops.index[k] !== index) return null;
    if (instruction.kind === 'ArrayMove' && kind === MOVE) {
      ops.to[k] = instruction.to;
      if (ops.to[k] !== instruction.to) return null;
    }
    ops.priorSize[k] = isSized(instruction, depth) ? instruction.priorSize : now;
    ops.stamp[k] = stamps[track.owner[position] as number] as number;
    if (instruction.kind === 'Update' && typeOf(instruction.value) === 'objectValue') ops.creates[k] = 1;
    now += kind === INSERT ? 1 : kind === ERASE ? -1 : 0;
  }
  return ops;
};

/** Merges operations of which some are inside elements. False where that is for the rules to do. */
const mergeElements = (
  merge: IndexMerge,
  { rows, columns }: Table,
  depth: number,
  ours: ListOps,
  theirs: ListOps,
): boolean => {
  const { pairs, nested } = merge.rules;
  if (pairs.Clear !== syncline.pairs.Clear || nested.ArrayMove !== syncline.nested.ArrayMove) return false;
  // Few pairs take less time than what a weave sets up.
  const count = rows.length * columns.length;
  const weave = count <= 32 * merge.fewPairs ? null : weaveLists(ours, theirs, count / 8);
  if (weave === null) return false;
  const left = new Stand(merge.left, depth);
  const right = new Stand(merge.right, depth);
  for (const part of contested(
    { positions: rows, ops: ours, elements: weave.left.element },
    { positions: columns, ops: theirs, elements: weave.right.element },
  )) {
    for (const row of part.rows) left.replace(row, part.element);
    for (const column of part.columns) right.replace(column, part.element);
    mergePlace(merge, part, depth + 1);
  }
  left.restore();
  right.restore();
  transcribeAll(weave);
  return true;
};

interface Followers {
  readonly positions: Positions;
  readonly ops: ListOps;
  readonly elements: Int32Array;
}

/** The elements at or in which both sides do something, and what that is. */
const contested = (left: Followers, right: Followers): (Table & { readonly element: number })[] => {
  const parts = new Map<number, { element: number; rows: number[]; columns: number[] }>();
  for (let k = 0; k < left.ops.length; k++) {
    if (left.ops.kind[k] !== UPDATE) continue;
    const element = left.elements[k] as number;
    const row = left.positions[k] as number;
    const part = parts.get(element);
    if (part === undefined) parts.set(element, { element, rows: [row], columns: [] });
    else part.rows.push(row);
  }
  for (let k = 0; k < right.ops.length; k++) {
    if (right.ops.kind[k] !== UPDATE) continue;
    parts.get(right.elements[k] as number)?.columns.push(right.positions[k] as number);
  }
  return [...parts.values()].filter(({ columns }) => columns.length > 0);
};

/**
 * Instructions that have the number of an element in the place of its index while they are merged with
 * those of the other side. The sizes that they name are made equal too: as far as the element goes, both
 * sides are based on one state.
 */
class Stand {
  readonly #track: Track;
  readonly #depth: number;
  readonly #originals: {
    readonly position: number;
    readonly original: Instruction;
    readonly numbered: Instruction;
  }[] = [];

  constructor(track: Track, depth: number) {
    this.#track = track;
    this.#depth = depth;
  }

  replace(position: number, element: number): void {
    const original = at(this.#track, position);
    const placed = withIndexAt(original, this.#depth, element);
    const numbered = isSized(placed, this.#depth) ? { ...placed, priorSize: 0 } : placed;
    this.#track.instructions[position] = numbered;
    this.#originals.push({ position, original, numbered });
  }

  /** Puts back what nothing has happened to. */
  restore(): void {
    const { instructions } = this.#track;
    for (const { position, original, numbered } of this.#originals)
      if (instructions[position] === numbered) instructions[position] = original;
  }
}

/** Gives the instructions the indices and sizes of the merged operations. */
const write = (track: Track, positions: Positions, ops: ListOps, depth: number): void => {
  const paths = new Paths(ops.length);
  for (let k = 0; k < positions.length; k++) {
    const position = positions[k] as number;
    const instruction = track.instructions[position] as PathInstruction | null;
    if (instruction === null) continue;
    const merged =
      ops.gone[k] === 1
        ? null
        : withOperation(
            instruction,
            depth,
            paths,
            ops.index[k] as number,
            ops.to[k] as number,
            ops.priorSize[k] as number,
          );
    if (merged !== instruction) track.replace(position, merged);
  }
};

const withOperation = (
  instruction: PathInstruction,
  depth: number,
  paths: Paths,
  index: number,
  to: number,
  priorSize: number,
): PathInstruction => {
  if (!isSized(instruction, depth)) return withIndexAt(instruction, depth, index);
  const isSame = instruction.path[depth] === index && instruction.priorSize === priorSize;
  const { table, object, field } = instruction;
  switch (instruction.kind) {
    case 'ArrayInsert':
      if (isSame) return instruction;
      return arrayInsert(table, object, field, paths.to(instruction, index), instruction.value, priorSize);
    case 'ArrayErase':
      if (isSame) return instruction;
      return arrayErase(table, object, field, paths.to(instruction, index), priorSize);
    case 'ArrayMove':
      if (isSame && instruction.to === to) return instruction;
      return arrayMove(table, object, field, paths.to(instruction, index), to, priorSize);
    default:
      return isSame ? instruction : { ...instruction, path: paths.to(instruction, index), priorSize };
  }
};

/** Paths of merged instructions: on a property that is a list, many are the same. */
class Paths {
  readonly #known: (Path | undefined)[];

  /** `count` is how many instructions there are, about. */
  constructor(count: number) {
    this.#known = new Array<Path | undefined>(count);
  }

  /** The path of an instruction with another last index. */
  to({ path }: PathInstruction, index: number): Path {
    const last = path.length - 1;
    if (path[last] === index) return path;
    if (last > 0) {
      const copy = path.slice();
      copy[last] = index;
      return copy;
    }
    if (index >= this.#known.length) return [index];
    let known = this.#known[index];
    if (known === undefined) {
      known = [index];
      this.#known[index] = known;
    }
    return known;
  }
}
