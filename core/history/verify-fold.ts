/**
 * Whether two sequences of instructions on one property, of one changeset, say the same to everybody: they
 * leave the same behind, and whatever is concurrent with the changeset as a whole fares alike.
 *
 * Each sequence is boiled down to what it amounts to. A scalar slot: a value and what is added to it. A list:
 * the elements that were there (erased ones marked, for concurrent insertions find their place by them) and
 * the new ones among them, each with what was done inside it; new ones that went again have never been. What
 * cannot be boiled down with certainty has to be literally the same.
 *
 * Source: merge-semantics, section 6.6 (A, UA, IU, IE).
 */
import type { PathElement, PathInstruction } from '../model/instruction.js';
import { printInstruction } from '../model/print.js';
import { addWrapping, isMarker, type Payload } from '../model/value.js';

type Sequence = readonly PathInstruction[];

/** O(n log n) without lists; with lists each structural change costs in proportion to the list that it touches. */
export const saysTheSame = (one: Sequence, other: Sequence): boolean => sameAt(one, other, 0);

const isSame = (a: PathInstruction, b: PathInstruction): boolean =>
  a === b || printInstruction(a) === printInstruction(b);

const isLiterallySame = (one: Sequence, other: Sequence): boolean =>
  one.length === other.length &&
  one.every((instruction, i) => isSame(instruction, other[i] as PathInstruction));

/** All paths have the same first `depth` elements. */
const sameAt = (one: Sequence, other: Sequence, depth: number): boolean => {
  if (isLiterallySame(one, other)) return true;
  const both = [...one, ...other];
  const areHere = both.filter(({ path }) => path.length === depth).length;
  // What is written to the place itself, or moves its elements, divides what is written inside.
  if (areHere > 0)
    return sameParts(summed(one, depth), summed(other, depth), depth, ({ path }) => path.length === depth);
  const isMove = ({ kind, path }: PathInstruction): boolean =>
    kind === 'ArrayMove' && path.length === depth + 1;
  if (both.some(isMove)) return sameParts(one, other, depth, isMove);
  const isList = (instruction: PathInstruction): boolean =>
    instruction.path.length === depth + 1 && 'priorSize' in instruction && instruction.priorSize !== null;
  if (both.some((instruction) => instruction.kind !== 'Update' && isList(instruction)))
    return sameList(one, other, depth);
  const ones = byElement(one, depth);
  const others = byElement(other, depth);
  return [...new Set([...ones.keys(), ...others.keys()])].every((element) =>
    sameAt(ones.get(element) ?? [], others.get(element) ?? [], depth + 1),
  );
};

type Test = (instruction: PathInstruction) => boolean;

const sameParts = (one: Sequence, other: Sequence, depth: number, isDivider: Test): boolean => {
  if (!isLiterallySame(one.filter(isDivider), other.filter(isDivider))) return false;
  const parts = dividedBy(one, isDivider);
  const others = dividedBy(other, isDivider);
  return parts.every((part, i) => sameAt(part, others[i] ?? [], depth));
};

const dividedBy = (sequence: Sequence, isDivider: Test): Sequence[] => {
  let part: PathInstruction[] = [];
  const parts = [part];
  for (const instruction of sequence) {
    if (isDivider(instruction)) {
      part = [];
      parts.push(part);
    } else part.push(instruction);
  }
  return parts;
};

const byElement = (sequence: Sequence, depth: number): Map<PathElement, PathInstruction[]> => {
  const parts = new Map<PathElement, PathInstruction[]>();
  for (const instruction of sequence) {
    const element = instruction.path[depth] as PathElement;
    const part = parts.get(element);
    if (part === undefined) parts.set(element, [instruction]);
    else part.push(instruction);
  }
  return parts;
};

/** With additions in a row to the place itself summed, and added to an integer right before them. */
const summed = (sequence: Sequence, depth: number): Sequence => {
  const out: PathInstruction[] = [];
  for (const instruction of sequence) {
    const last = out[out.length - 1];
    if (instruction.kind !== 'AddInteger' || instruction.path.length > depth || last?.path.length !== depth)
      out.push(instruction);
    else if (last.kind === 'AddInteger')
      out[out.length - 1] = { ...last, value: addWrapping(last.value, instruction.value) };
    else if (last.kind === 'Update' && !last.isDefault && typeof last.value === 'bigint')
      out[out.length - 1] = { ...last, value: addWrapping(last.value, instruction.value) };
    else out.push(instruction);
  }
  return out;
};

interface Element {
  /** Where it was before; -1 for a new one. */
  readonly from: number;
  /** Of a new one. */
  value: Payload;
  isErased: boolean;
  /** What was done to it and inside it, as if it had been at index 0 all the time. */
  readonly inside: PathInstruction[];
}

const sameList = (one: Sequence, other: Sequence, depth: number): boolean => {
  const elements = simulated(one, depth);
  const others = simulated(other, depth);
  if (elements === null || others === null) return false;
  makeUp(elements, others.length);
  makeUp(others, elements.length);
  return elements.every((element, i) => {
    const twin = others[i] as Element;
    if (element.from !== twin.from || element.isErased !== twin.isErased) return false;
    if (element.from < 0 && !isSamePayload(element.value, twin.value)) return false;
    return sameAt(element.inside, twin.inside, depth + 1);
  });
};

const isSamePayload = (a: Payload, b: Payload): boolean => {
  const carrier = (value: Payload): PathInstruction => ({
    kind: 'SetInsert',
    table: 'T',
    object: 'n' as PathInstruction['object'],
    field: 'f',
    path: [],
    value,
  });
  return isSame(carrier(a), carrier(b));
};

/**
 * The list as far as the sequence speaks of it, with erased elements in their places; null where an
 * instruction does not fit.
 */
const simulated = (sequence: Sequence, depth: number): Element[] | null => {
  const elements: Element[] = [];
  let known = 0;
  /** Position of the element that is at `index` now, among all; as many old ones are made up as that takes. */
  const locate = (index: number): number => {
    let alive = -1;
    for (let position = 0; ; position++) {
      if (position === elements.length)
        elements.push({ from: known++, value: null, isErased: false, inside: [] });
      if (!(elements[position] as Element).isErased) alive++;
      if (alive === index) return position;
    }
  };
  for (const instruction of sequence) {
    const index = instruction.path[depth];
    if (typeof index !== 'number') return null;
    if (
      instruction.path.length > depth + 1 ||
      instruction.kind === 'Clear' ||
      instruction.kind === 'Update'
    ) {
      const element = elements[locate(index)] as Element;
      const isFirst =
        element.from < 0 && element.inside.length === 0 && instruction.path.length === depth + 1;
      if (isFirst && isReplacing(instruction)) {
        element.value = instruction.value;
        continue;
      }
      element.inside.push(atIndexZero(instruction, depth));
      continue;
    }
    switch (instruction.kind) {
      case 'ArrayInsert': {
        // Behind the element before it: between that and erased ones, as a concurrent insertion would be.
        const position = index === 0 ? 0 : locate(index - 1) + 1;
        elements.splice(position, 0, { from: -1, value: instruction.value, isErased: false, inside: [] });
        break;
      }
      case 'ArrayErase': {
        const position = locate(index);
        const element = elements[position] as Element;
        if (element.from < 0) elements.splice(position, 1);
        else element.isErased = true;
        break;
      }
      default:
        return null;
    }
  }
  return elements;
};

/** Old elements that the sequence does not speak of. */
const makeUp = (elements: Element[], length: number): void => {
  let from = elements.filter((element) => element.from >= 0).length;
  while (elements.length < length) elements.push({ from: from++, value: null, isErased: false, inside: [] });
};

const isReplacing = (
  instruction: PathInstruction,
): instruction is Extract<PathInstruction, { readonly kind: 'Update' }> =>
  instruction.kind === 'Update' && !isMarker(instruction.value);

/** Sizes and indices of the list itself have done their duty. */
const atIndexZero = (instruction: PathInstruction, depth: number): PathInstruction => {
  const path = instruction.path.slice();
  path[depth] = 0;
  const isElement = path.length === depth + 1 && instruction.kind === 'Update';
  return isElement ? { ...instruction, path, priorSize: 0 } : { ...instruction, path };
};
