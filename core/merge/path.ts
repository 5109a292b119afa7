/**
 * Questions about the places of two instructions. They compare from the outside in and allocate nothing:
 * most pairs differ in the object.
 *
 * Source: merge-semantics, section 4.1.
 */
import type { Path, PathInstruction } from '../model/instruction.js';

export const sameField = (a: PathInstruction, b: PathInstruction): boolean =>
  a.object === b.object && a.field === b.field && a.table === b.table;

const equalUpTo = (a: Path, b: Path, length: number): boolean => {
  for (let i = 0; i < length; i++) if (a[i] !== b[i]) return false;
  return true;
};

export const samePath = (a: PathInstruction, b: PathInstruction): boolean =>
  a.path.length === b.path.length && sameField(a, b) && equalUpTo(a.path, b.path, a.path.length);

/** The paths are equal but for their last elements. */
export const sameContainer = (a: PathInstruction, b: PathInstruction): boolean =>
  a.path.length === b.path.length &&
  a.path.length > 0 &&
  sameField(a, b) &&
  equalUpTo(a.path, b.path, a.path.length - 1);

/** `inner` is somewhere inside what `outer` names. */
export const isInside = (outer: PathInstruction, inner: PathInstruction): boolean =>
  outer.path.length < inner.path.length &&
  sameField(outer, inner) &&
  equalUpTo(outer.path, inner.path, outer.path.length);

/** `inner` is somewhere inside an element of the list whose element `outer` names. */
export const isInsideContainer = (outer: PathInstruction, inner: PathInstruction): boolean =>
  outer.path.length > 0 &&
  outer.path.length < inner.path.length &&
  sameField(outer, inner) &&
  equalUpTo(outer.path, inner.path, outer.path.length - 1);

/** The last element of a path that ends in an index. */
export const lastIndex = (instruction: PathInstruction): number =>
  instruction.path[instruction.path.length - 1] as number;

/** The same instruction with another index at `depth`; the same reference where the index is the same. */
export const withIndexAt = <T extends PathInstruction>(instruction: T, depth: number, index: number): T => {
  if (instruction.path[depth] === index) return instruction;
  const path = instruction.path.slice();
  path[depth] = index;
  return { ...instruction, path };
};

/** The same instruction with another last index. */
export const withIndex = <T extends PathInstruction>(instruction: T, index: number): T =>
  withIndexAt(instruction, instruction.path.length - 1, index);

/** Where the element at `index` is after the element at `from` was moved to `to`. */
export const mapMove = (index: number, from: number, to: number): number => {
  if (index === from) return to;
  const without = index > from ? index - 1 : index;
  return without >= to ? without + 1 : without;
};
