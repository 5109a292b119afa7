/**
 * Whether one removed instruction is justified by one that stayed behind it: the absorption rules once more,
 * written down for a reader who trusts nobody. It goes forward from the removed instruction where the
 * compactor goes backward from the end, keeps no memory between questions, and shares no code with it.
 *
 * Source: merge-semantics, sections 6.5 to 6.7; `spec/compaction.md`.
 */
import { samePayload } from '../merge/same-payload.js';
import { type Changeset, isOlder } from '../model/changeset.js';
import type { Instruction, Path, PathInstruction } from '../model/instruction.js';
import { memberId } from '../model/member.js';
import type { ColumnSpec } from '../model/schema.js';
import { isMarker, type Payload } from '../model/value.js';

/** An instruction and its place in the order of the history. */
export interface Located {
  readonly at: number;
  readonly changeset: Changeset;
  readonly instruction: Instruction;
}

/** Every shape that a property had at some time. */
export type Shapes = (table: string, field: string) => readonly ColumnSpec[];

/**
 * `stayed` are the instructions on the same object that stayed, in order, from the first behind `removed`.
 * `end` is where the schema lost something next, behind `removed`.
 */
export const isJustified = (
  removed: Located,
  stayed: Iterable<Located>,
  end: number,
  shapes: Shapes,
): boolean => {
  const { instruction: gone } = removed;
  // An absorber must name a place longer than this: about shorter ones, something that stayed is in the way.
  let blocked = -1;
  for (const { at, changeset, instruction: later } of stayed) {
    if (at > end) return false;
    const isNotOlder = !isOlder(changeset, removed.changeset);
    if (later.kind === 'EraseObject') {
      if (gone.kind !== 'EraseObject' || isNotOlder) return true;
      continue;
    }
    if (!('path' in gone)) continue;
    if (!('path' in later)) {
      blocked = gone.path.length;
      continue;
    }
    if (later.field !== gone.field || areDifferentMembers(gone, later)) continue;
    const common = commonLength(gone.path, later.path);
    const { length } = later.path;
    if (common === length && length > blocked && doesAll(later, gone, isNotOlder, shapes)) return true;
    const isOnListAround = isListOperation(later) && common >= length - 1;
    blocked = Math.max(blocked, common === length || isOnListAround ? gone.path.length : common);
  }
  return false;
};

const isListOperation = ({ kind }: PathInstruction): boolean =>
  kind === 'ArrayInsert' || kind === 'ArrayMove' || kind === 'ArrayErase';

const commonLength = (a: Path, b: Path): number => {
  let length = 0;
  while (length < a.length && length < b.length && a[length] === b[length]) length++;
  return length;
};

/** Two operations on one set that have nothing to do with each other. */
const areDifferentMembers = (a: PathInstruction, b: PathInstruction): boolean => {
  if (a.kind !== 'SetInsert' && a.kind !== 'SetErase') return false;
  if (b.kind !== 'SetInsert' && b.kind !== 'SetErase') return false;
  if (a.path.length !== b.path.length || commonLength(a.path, b.path) !== a.path.length) return false;
  return isMarker(a.value) || isMarker(b.value) || memberId(a.value) !== memberId(b.value);
};

/** Whether `later`, whose path `gone` begins with, does to everything concurrent all that `gone` does. */
const doesAll = (
  later: PathInstruction,
  gone: PathInstruction,
  isNotOlder: boolean,
  shapes: Shapes,
): boolean => {
  const isInside = gone.path.length > later.path.length;
  const next = gone.path[later.path.length];
  switch (later.kind) {
    case 'Update':
      if (isMarker(later.value) && later.value.type !== 'erased') return false;
      if (isInside) return slotsAt(later, shapes)?.every(({ column }) => column.type !== 'mixed') ?? false;
      return isNotOlder && overwrites(later.value, later.isDefault, gone, shapes);
    case 'Clear':
      if (gone.kind === 'SetInsert' || gone.kind === 'SetErase') return true;
      if (!isInside) return isNotOlder && gone.kind === 'Clear' && gone.collection === later.collection;
      if (later.collection === 'single') return true;
      return later.collection === 'list' ? typeof next === 'number' : typeof next === 'string';
    case 'ArrayErase':
      return isInside || gone.kind === 'Update' || gone.kind === 'Clear';
    case 'SetInsert':
    case 'SetErase':
      return isNotOlder && !isInside && 'value' in gone && samePayload(later.value, later.value);
    default:
      return false;
  }
};

const overwrites = (value: Payload, isDefault: boolean, gone: PathInstruction, shapes: Shapes): boolean => {
  if (gone.kind === 'AddInteger') return !isDefault;
  if (gone.kind !== 'Update' || (isDefault && !gone.isDefault)) return false;
  if (isMarker(gone.value) && (gone.value.type === 'list' || gone.value.type === 'dictionary')) return false;
  const lets = (payload: Payload): boolean => payload === null || typeof payload === 'bigint';
  if (lets(gone.value) || !lets(value)) return true;
  // The one stopped concurrent additions and the other lets them live: fatal where additions are possible.
  return (
    slotsAt(gone, shapes)?.every(({ column, isProperty }) => !isProperty || column.type !== 'mixed') ?? false
  );
};

interface Slot {
  readonly column: ColumnSpec;
  /** The path leads to the property as a whole. */
  readonly isProperty: boolean;
  /** Elements come next, if anything. */
  readonly isCollection: boolean;
}

/** All that the instruction's place may be; null where something on the way is not known. */
const slotsAt = ({ table, field, path }: PathInstruction, shapes: Shapes): readonly Slot[] | null => {
  const properties = (of: string, name: string): Slot[] =>
    shapes(of, name).map((column) => ({
      column,
      isProperty: true,
      isCollection: column.collection !== 'single',
    }));
  let slots = properties(table, field);
  for (const element of path) {
    const inner: Slot[] = [];
    for (const { column, isCollection } of slots) {
      if (isCollection || column.type === 'mixed')
        inner.push({ column, isProperty: false, isCollection: false });
      else if (column.target === null || typeof element !== 'string') return null;
      else {
        const found = properties(column.target, element);
        if (found.length === 0) return null;
        inner.push(...found);
      }
    }
    slots = inner;
  }
  return slots.length === 0 ? null : slots;
};
