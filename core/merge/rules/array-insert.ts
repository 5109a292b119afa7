/**
 * Row of ArrayInsert: what comes at or behind the new element moves up by one. (File by file, the list
 * rules L1 to L9 are exact integer arithmetic; their theory is in `spec/merging.md`.)
 *
 * Source: merge-semantics, sections 4.3 and 4.8 (L1, L4).
 */
import {
  type ArrayInsert,
  type Instruction,
  isPathInstruction,
  type Update,
} from '../../model/instruction.js';
import { type Outcome, unchanged, verdict } from '../outcome.js';
import { isInsideContainer, lastIndex, sameContainer, withIndexAt } from '../path.js';
import { independent, type Row } from '../rule.js';
import { moved, outOfRange, pathsDiffer, sizesDiffer } from './bookkeeping.js';
import { pathAgainstErase } from './columns.js';
import { insertAgainstEraseTable } from './dangling.js';

const l1 = verdict('L1', 'an element was inserted into the list', 'moved');
const l4 = verdict(
  'L4',
  'both sides inserted into the list; at one place the older element comes first',
  'moved',
);
const insideInserted = verdict('n:ArrayInsert', 'an element was inserted before the one it is in', 'moved');

const insertAgainstUpdate = (insert: ArrayInsert, update: Update): Outcome => {
  if (!sameContainer(insert, update)) return unchanged;
  const problem = sizesDiffer(insert, update) ?? outOfRange(insert, update, 1, 0);
  if (problem !== null) return problem;
  const at = lastIndex(update);
  const index = at >= lastIndex(insert) ? at + 1 : at;
  return l1.change('stays', moved(update, index, insert.priorSize + 1));
};

const bothInsert = (first: ArrayInsert, second: ArrayInsert, firstIsNewer: boolean): Outcome => {
  if (!sameContainer(first, second)) return unchanged;
  const problem = sizesDiffer(first, second) ?? outOfRange(first, second, 1, 1);
  if (problem !== null) return problem;
  const a = lastIndex(first);
  const b = lastIndex(second);
  const firstGivesWay = a > b || (a === b && firstIsNewer);
  const size = first.priorSize + 1;
  return l4.change(
    moved(first, firstGivesWay ? a + 1 : a, size),
    moved(second, firstGivesWay ? b : b + 1, size),
  );
};

export const insideInsert = (outer: ArrayInsert, inner: Instruction): Outcome => {
  if (!isPathInstruction(inner) || !isInsideContainer(outer, inner)) return unchanged;
  const depth = outer.path.length - 1;
  const sibling = inner.path[depth];
  if (typeof sibling !== 'number') return pathsDiffer(outer, inner);
  return sibling >= lastIndex(outer)
    ? insideInserted.change('stays', withIndexAt(inner, depth, sibling + 1))
    : unchanged;
};

export const arrayInsertRow: Row<'ArrayInsert'> = {
  AddTable: independent,
  EraseTable: insertAgainstEraseTable,
  CreateObject: independent,
  EraseObject: independent,
  Update: insertAgainstUpdate,
  AddInteger: independent,
  AddColumn: independent,
  EraseColumn: pathAgainstErase,
  ArrayInsert: bothInsert,
};
