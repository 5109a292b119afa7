/**
 * Rows of SetInsert and SetErase. Operations on one value are writes of one slot, "is it a member", and the
 * newer stands; operations on different values never meet. A Clear of the set wins over both.
 *
 * Source: merge-semantics, sections 1.1, 4.9 and 4.12 no. 1.
 */
import type { Clear, SetErase, SetInsert } from '../../model/instruction.js';
import { type Outcome, unchanged, verdict } from '../outcome.js';
import { samePath } from '../path.js';
import { independent, type PairRule, type Row } from '../rule.js';
import { sameMember, samePayload } from '../same-payload.js';
import { pathAgainstErase } from './columns.js';
import { setEraseAgainstEraseTable, setInsertAgainstEraseTable } from './dangling.js';

const s1 = verdict('S1', 'the set was cleared');
const s2 = verdict('S2', 'both sides wrote the same value of the set, and the newer write stands');

const againstClear = (operation: SetInsert | SetErase, clear: Clear): Outcome =>
  samePath(operation, clear) ? s1.firstGoes : unchanged;

// A NaN is not the same payload as itself. Where both insert it, or both erase it, that is harmless; but
// an insertion against an erasure must be decided, or each replica keeps what came last.
const insertAgainstErase = (erase: SetErase, insert: SetInsert, eraseIsNewer: boolean): Outcome =>
  samePath(erase, insert) && sameMember(erase.value, insert.value) ? s2.older(eraseIsNewer) : unchanged;

const bothInsert = (first: SetInsert, second: SetInsert, firstIsNewer: boolean): Outcome =>
  samePath(first, second) && samePayload(first.value, second.value) ? s2.older(firstIsNewer) : unchanged;

const bothErase = (first: SetErase, second: SetErase, firstIsNewer: boolean): Outcome =>
  samePath(first, second) && samePayload(first.value, second.value) ? s2.older(firstIsNewer) : unchanged;

/** Realm decides by equality of payloads throughout. */
export const realmInsertAgainstErase = (
  erase: SetErase,
  insert: SetInsert,
  eraseIsNewer: boolean,
): Outcome =>
  samePath(erase, insert) && samePayload(erase.value, insert.value) ? s2.older(eraseIsNewer) : unchanged;

/** Realm compares two erasures by `sameErased`; see `realm.ts`. */
export const realmBothErase =
  (sameErased: (first: SetErase, second: SetErase) => boolean): PairRule<'SetErase', 'SetErase'> =>
  (first, second, firstIsNewer) =>
    samePath(first, second) && sameErased(first, second) ? s2.older(firstIsNewer) : unchanged;

export const setInsertRow: Row<'SetInsert'> = {
  AddTable: independent,
  EraseTable: setInsertAgainstEraseTable,
  CreateObject: independent,
  EraseObject: independent,
  Update: independent,
  AddInteger: independent,
  AddColumn: independent,
  EraseColumn: pathAgainstErase,
  ArrayInsert: independent,
  ArrayMove: independent,
  ArrayErase: independent,
  Clear: againstClear,
  SetInsert: bothInsert,
};

export const setEraseRow: Row<'SetErase'> = {
  AddTable: independent,
  EraseTable: setEraseAgainstEraseTable,
  CreateObject: independent,
  EraseObject: independent,
  Update: independent,
  AddInteger: independent,
  AddColumn: independent,
  EraseColumn: pathAgainstErase,
  ArrayInsert: independent,
  ArrayMove: independent,
  ArrayErase: independent,
  Clear: againstClear,
  SetInsert: insertAgainstErase,
  SetErase: bothErase,
};
