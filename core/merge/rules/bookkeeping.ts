/**
 * What two instructions on one list must agree on before their indices mean anything, and how they are
 * rewritten.
 *
 * Source: merge-semantics, sections 4.8 and 4.10.
 */
import type { ArrayErase, ArrayInsert, ArrayMove, PathInstruction, Update } from '../../model/instruction.js';
import { printPlace } from '../../model/notation.js';
import { fail, type Outcome } from '../outcome.js';
import { lastIndex } from '../path.js';

export type ListInstruction = ArrayInsert | ArrayMove | ArrayErase | Update;

/** The same instruction at another index, for another size of its list. */
export const moved = <T extends ListInstruction>(instruction: T, index: number, priorSize: number): T => {
  let { path } = instruction;
  const last = path.length - 1;
  if (path[last] !== index) {
    const copy = path.slice();
    copy[last] = index;
    path = copy;
  }
  return { ...instruction, path, priorSize };
};

/** Null where both were made for one size of the list. */
export const sizesDiffer = (first: ListInstruction, second: ListInstruction): Outcome | null => {
  if (first.priorSize === second.priorSize && first.priorSize !== null) return null;
  if (first.priorSize === null || second.priorSize === null) return pathsDiffer(first, second);
  return fail({
    reason: 'prior-size',
    subject: `the size of the list behind ${printPlace(first)}`,
    first: String(first.priorSize),
    second: String(second.priorSize),
  });
};

/** Null where each index is within the size that its instruction names; `room` is 1 for an insert. */
export const outOfRange = (
  first: ListInstruction,
  second: ListInstruction,
  firstRoom: number,
  secondRoom: number,
): Outcome | null => {
  const firstFits = lastIndex(first) < (first.priorSize ?? 0) + firstRoom;
  const secondFits = lastIndex(second) < (second.priorSize ?? 0) + secondRoom;
  return firstFits && secondFits ? null : rangeProblem(first, second);
};

export const rangeProblem = (first: ListInstruction, second: ListInstruction): Outcome => {
  const text = (instruction: ListInstruction): string => {
    const to = instruction.kind === 'ArrayMove' ? ` to ${instruction.to}` : '';
    return `${lastIndex(instruction)}${to} of ${instruction.priorSize ?? 'none'}`;
  };
  const subject = `the index of ${printPlace(first)}`;
  return fail({ reason: 'index-range', subject, first: text(first), second: text(second) });
};

/** One takes for a list what the other takes for something else. */
export const pathsDiffer = (first: PathInstruction, second: PathInstruction): Outcome =>
  fail({
    reason: 'paths',
    subject: `a path element of ${printPlace(first)}`,
    first: printPlace(first),
    second: printPlace(second),
  });
