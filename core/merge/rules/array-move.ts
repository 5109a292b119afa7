/**
 * Row of ArrayMove: erasing an element and inserting it elsewhere, except that what happens to the element
 * meanwhile goes with it.
 *
 * Source: merge-semantics, sections 4.3, 4.8 (L2, L5, L7) and 4.12 no. 2.
 */
import {
  type ArrayInsert,
  type ArrayMove,
  type Instruction,
  isPathInstruction,
  type Update,
} from '../../model/instruction.js';
import { type Outcome, unchanged, verdict } from '../outcome.js';
import { isInsideContainer, lastIndex, mapMove, sameContainer, withIndex, withIndexAt } from '../path.js';
import { independent, type Row } from '../rule.js';
import { moved, outOfRange, pathsDiffer, rangeProblem, sizesDiffer } from './bookkeeping.js';
import { pathAgainstErase } from './columns.js';

const l2 = verdict('L2', 'an element of the list was moved', 'moved');
const l5 = verdict(
  'L5',
  'one side moved an element, the other inserted one; at one place the newer comes first',
  'moved',
);
const l7 = verdict('L7', 'both sides moved an element; at one place the older comes first', 'moved');
const l7Same = verdict('L7', 'both sides moved the same element, and the newer move stands', 'moved');
const insideMoved = verdict('n:ArrayMove', 'the element it is in was moved, or another past it', 'moved');

const redirected = (move: ArrayMove, from: number, to: number, priorSize: number): ArrayMove => ({
  ...moved(move, from, priorSize),
  to,
});

const moveAgainstUpdate = (move: ArrayMove, update: Update): Outcome => {
  if (!sameContainer(move, update)) return unchanged;
  if (update.priorSize === null) return pathsDiffer(move, update);
  const problem = outOfRange(move, update, 0, 0);
  if (problem !== null) return problem;
  const index = mapMove(lastIndex(update), lastIndex(move), move.to);
  return index === lastIndex(update) ? unchanged : l2.change('stays', withIndex(update, index));
};

const moveAgainstInsert = (move: ArrayMove, insert: ArrayInsert, moveIsNewer: boolean): Outcome => {
  if (!sameContainer(move, insert)) return unchanged;
  const problem = outOfRange(move, insert, 0, 1);
  if (problem !== null) return problem;
  let from = lastIndex(move);
  let to = move.to;
  let at = lastIndex(insert);
  // First the index that the insert has in the list without the moved element, ...
  if (at > from) at--;
  else from++;
  // ... then the two elements that are put back, in their order.
  if (at < to || (at === to && !moveIsNewer)) to++;
  else at++;
  return l5.change(
    redirected(move, from, to, move.priorSize + 1),
    at === lastIndex(insert) ? 'stays' : withIndex(insert, at),
  );
};

const bothMove = (first: ArrayMove, second: ArrayMove, firstIsNewer: boolean): Outcome => {
  if (!sameContainer(first, second)) return unchanged;
  const problem = sizesDiffer(first, second) ?? outOfRange(first, second, 0, 0);
  if (problem !== null) return problem;
  const size = first.priorSize;
  if (first.to >= size || second.to >= size) return rangeProblem(first, second);
  let from1 = lastIndex(first);
  let from2 = lastIndex(second);
  if (from1 === from2) return sameElementMoved(first, second, firstIsNewer);
  let to1 = first.to;
  let to2 = second.to;
  // Each takes its element out of the list, ...
  if (from1 < from2) from2--;
  else from1--;
  // ... the place where one puts it is crossed with the place where the other takes it, ...
  if (to1 > from2) to1--;
  else from2++;
  if (from1 < to2) to2--;
  else from1++;
  // ... and the two elements that are put back are brought into order.
  if (to1 < to2 || (to1 === to2 && !firstIsNewer)) to2++;
  else to1++;
  return l7.change(
    from1 === to1 ? 'goes' : redirected(first, from1, to1, size),
    from2 === to2 ? 'goes' : redirected(second, from2, to2, size),
  );
};

/** The newer one starts from where the older one has brought the element, and may find it in place. */
const sameElementMoved = (first: ArrayMove, second: ArrayMove, firstIsNewer: boolean): Outcome => {
  if (first.to === second.to) return l7Same.bothGo;
  return firstIsNewer
    ? l7Same.change(withIndex(first, second.to), 'goes')
    : l7Same.change('goes', withIndex(second, first.to));
};

export const insideMove = (outer: ArrayMove, inner: Instruction): Outcome => {
  if (!isPathInstruction(inner) || !isInsideContainer(outer, inner)) return unchanged;
  const depth = outer.path.length - 1;
  const sibling = inner.path[depth];
  if (typeof sibling !== 'number') return pathsDiffer(outer, inner);
  const index = mapMove(sibling, lastIndex(outer), outer.to);
  return index === sibling ? unchanged : insideMoved.change('stays', withIndexAt(inner, depth, index));
};

/** Realm leaves the inner path as it is, and changes the index that the move itself starts from. */
export const realmInsideMove = (outer: ArrayMove, inner: Instruction): Outcome => {
  if (!isPathInstruction(inner) || !isInsideContainer(outer, inner)) return unchanged;
  const sibling = inner.path[outer.path.length - 1];
  if (typeof sibling !== 'number') return pathsDiffer(outer, inner);
  const from = mapMove(lastIndex(outer), sibling, outer.to);
  return from === lastIndex(outer) ? unchanged : insideMoved.change(withIndex(outer, from), 'stays');
};

export const arrayMoveRow: Row<'ArrayMove'> = {
  AddTable: independent,
  EraseTable: independent,
  CreateObject: independent,
  EraseObject: independent,
  Update: moveAgainstUpdate,
  AddInteger: independent,
  AddColumn: independent,
  EraseColumn: pathAgainstErase,
  ArrayInsert: moveAgainstInsert,
  ArrayMove: bothMove,
};
