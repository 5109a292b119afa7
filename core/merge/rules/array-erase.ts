/**
 * Row of ArrayErase: what is on or in the element goes with it, what comes behind it moves down by one.
 *
 * Source: merge-semantics, sections 4.3 and 4.8 (L3, L6, L8, L9).
 */
import {
  type ArrayErase,
  type ArrayInsert,
  type ArrayMove,
  type Instruction,
  isPathInstruction,
  type Update,
} from '../../model/instruction.js';
import { type Outcome, unchanged, verdict } from '../outcome.js';
import { isInsideContainer, lastIndex, sameContainer, withIndex, withIndexAt } from '../path.js';
import { independent, type Row } from '../rule.js';
import { moved, outOfRange, pathsDiffer, rangeProblem, sizesDiffer } from './bookkeeping.js';
import { pathAgainstErase } from './columns.js';

const l3 = verdict('L3', 'an element was erased from the list', 'moved');
const l3Same = verdict('L3', 'the element was erased');
const l6 = verdict('L6', 'one side erased an element of the list, the other inserted one', 'moved');
const l8 = verdict('L8', 'one side erased an element of the list, the other moved one', 'moved');
const l8Same = verdict(
  'L8',
  'the element was erased, and the erasure follows it to where it was moved',
  'moved',
);
const l9 = verdict('L9', 'both sides erased an element of the list', 'moved');
const l9Same = verdict('L9', 'both sides erased the element, so neither has to tell the other');
const insideErased = verdict('n:ArrayErase', 'the list element it is in was erased');
const behindErased = verdict('n:ArrayErase', 'an element before the one it is in was erased', 'moved');

const eraseAgainstUpdate = (erase: ArrayErase, update: Update): Outcome => {
  if (!sameContainer(erase, update)) return unchanged;
  const problem = sizesDiffer(erase, update) ?? outOfRange(erase, update, 0, 0);
  if (problem !== null) return problem;
  const at = lastIndex(update);
  const gone = lastIndex(erase);
  if (at === gone) return l3Same.secondGoes;
  return l3.change('stays', moved(update, at > gone ? at - 1 : at, erase.priorSize - 1));
};

const eraseAgainstInsert = (erase: ArrayErase, insert: ArrayInsert): Outcome => {
  if (!sameContainer(erase, insert)) return unchanged;
  const problem = sizesDiffer(erase, insert) ?? outOfRange(erase, insert, 0, 1);
  if (problem !== null) return problem;
  const size = erase.priorSize;
  const gone = lastIndex(erase);
  const at = lastIndex(insert);
  return at <= gone
    ? l6.change(moved(erase, gone + 1, size + 1), moved(insert, at, size - 1))
    : l6.change(moved(erase, gone, size + 1), moved(insert, at - 1, size - 1));
};

const eraseAgainstMove = (erase: ArrayErase, move: ArrayMove): Outcome => {
  if (!sameContainer(erase, move)) return unchanged;
  const problem = sizesDiffer(erase, move) ?? outOfRange(erase, move, 0, 0);
  if (problem !== null) return problem;
  if (move.to >= move.priorSize) return rangeProblem(erase, move);
  let gone = lastIndex(erase);
  let from = lastIndex(move);
  if (gone === from) return l8Same.change(withIndex(erase, move.to), 'goes');
  let to = move.to;
  if (gone > from) gone--;
  else from--;
  if (gone >= to) gone++;
  else to--;
  return l8.change(
    gone === lastIndex(erase) ? 'stays' : withIndex(erase, gone),
    from === to ? 'goes' : { ...moved(move, from, move.priorSize - 1), to },
  );
};

const bothErase = (first: ArrayErase, second: ArrayErase): Outcome => {
  if (!sameContainer(first, second)) return unchanged;
  const problem = sizesDiffer(first, second) ?? outOfRange(first, second, 0, 0);
  if (problem !== null) return problem;
  const a = lastIndex(first);
  const b = lastIndex(second);
  if (a === b) return l9Same.bothGo;
  const size = first.priorSize - 1;
  return l9.change(moved(first, a > b ? a - 1 : a, size), moved(second, b > a ? b - 1 : b, size));
};

export const insideErase = (outer: ArrayErase, inner: Instruction): Outcome => {
  if (!isPathInstruction(inner) || !isInsideContainer(outer, inner)) return unchanged;
  const depth = outer.path.length - 1;
  const sibling = inner.path[depth];
  if (typeof sibling !== 'number') return pathsDiffer(outer, inner);
  const gone = lastIndex(outer);
  if (sibling === gone) return insideErased.secondGoes;
  return sibling > gone ? behindErased.change('stays', withIndexAt(inner, depth, sibling - 1)) : unchanged;
};

export const arrayEraseRow: Row<'ArrayErase'> = {
  AddTable: independent,
  EraseTable: independent,
  CreateObject: independent,
  EraseObject: independent,
  Update: eraseAgainstUpdate,
  AddInteger: independent,
  AddColumn: independent,
  EraseColumn: pathAgainstErase,
  ArrayInsert: eraseAgainstInsert,
  ArrayMove: eraseAgainstMove,
  ArrayErase: bothErase,
};
