/**
 * Row of Clear. What the other side does inside the collection goes (nested rule), whatever the times;
 * against an overwrite of the whole slot the newer stands. A Clear of a collection that is itself an
 * element of a list follows that element.
 *
 * Source: merge-semantics, sections 4.3, 4.4 (U3, U5), 4.5 (U4) and 4.12 no. 3.
 */
import {
  type AddInteger,
  type ArrayErase,
  type ArrayInsert,
  type ArrayMove,
  type Clear,
  type Instruction,
  isPathInstruction,
  type Update,
} from '../../model/instruction.js';
import { isShared } from '../../model/value.js';
import { type Outcome, unchanged, verdict } from '../outcome.js';
import { isInside, lastIndex, mapMove, sameContainer, samePath, withIndex } from '../path.js';
import { independent, type Row } from '../rule.js';
import { asOwn, collectionOf } from '../shared.js';
import { pathAgainstErase } from './columns.js';

const u3 = verdict('U3', 'one side cleared the collection and the other replaced it; the newer stands');
const u3Shared = verdict('U3', 'the collection was replaced by another kind, and this update did not own it');
const u3Emptied = verdict(
  'U3',
  'the collection was cleared, so that all that is in it is its own again',
  'marked',
);
const u4 = verdict('U4', 'the value was made a collection');
const u5 = verdict('U5', 'both sides cleared the collection, and the newer clear stands for both');
const l10 = verdict('L10', 'an element was inserted before the collection that it clears', 'moved');
const l11 = verdict('L11', 'the collection that it clears was moved, or another element past it', 'moved');
const l12 = verdict('L12', 'an element before the collection that it clears was erased', 'moved');
const l12Same = verdict('L12', 'the list element that held the collection was erased');
const insideCleared = verdict('n:Clear', 'the collection that it is in was cleared');

const clearAgainstUpdate = (clear: Clear, update: Update, clearIsNewer: boolean): Outcome => {
  if (!samePath(clear, update)) return unchanged;
  const kind = collectionOf(update.value);
  if (kind === clear.collection)
    return isShared(update.value) ? u3Emptied.change('stays', asOwn(update)) : unchanged;
  return isShared(update.value) ? u3Shared.secondGoes : u3.older(clearIsNewer);
};

const clearAgainstAdd = (clear: Clear, add: AddInteger): Outcome =>
  samePath(clear, add) ? u4.secondGoes : unchanged;

const bothClear = (first: Clear, second: Clear, firstIsNewer: boolean): Outcome =>
  samePath(first, second) ? u5.older(firstIsNewer) : unchanged;

/** The collection is an element of the list that the other works on. */
const isElement = (clear: Clear, other: ArrayInsert | ArrayMove | ArrayErase): boolean =>
  sameContainer(clear, other) && typeof clear.path[clear.path.length - 1] === 'number';

const clearAgainstInsert = (clear: Clear, insert: ArrayInsert): Outcome => {
  if (!isElement(clear, insert)) return unchanged;
  const at = lastIndex(clear);
  return at >= lastIndex(insert) ? l10.change(withIndex(clear, at + 1), 'stays') : unchanged;
};

const clearAgainstMove = (clear: Clear, move: ArrayMove): Outcome => {
  if (!isElement(clear, move)) return unchanged;
  const at = lastIndex(clear);
  const index = mapMove(at, lastIndex(move), move.to);
  return index === at ? unchanged : l11.change(withIndex(clear, index), 'stays');
};

const clearAgainstErase = (clear: Clear, erase: ArrayErase): Outcome => {
  if (!isElement(clear, erase)) return unchanged;
  const at = lastIndex(clear);
  const gone = lastIndex(erase);
  if (at === gone) return l12Same.firstGoes;
  return at > gone ? l12.change(withIndex(clear, at - 1), 'stays') : unchanged;
};

export const insideClear = (outer: Clear, inner: Instruction): Outcome =>
  isPathInstruction(inner) && isInside(outer, inner) ? insideCleared.secondGoes : unchanged;

export const clearRow: Row<'Clear'> = {
  AddTable: independent,
  EraseTable: independent,
  CreateObject: independent,
  EraseObject: independent,
  Update: clearAgainstUpdate,
  AddInteger: clearAgainstAdd,
  AddColumn: independent,
  EraseColumn: pathAgainstErase,
  ArrayInsert: clearAgainstInsert,
  ArrayMove: clearAgainstMove,
  ArrayErase: clearAgainstErase,
  Clear: bothClear,
};
