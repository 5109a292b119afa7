/**
 * Rows of Update and AddInteger. Two updates of one slot: the newer stands, except that a default of the
 * schema never beats what somebody wrote, and that creating an embedded object or a nested collection is
 * idempotent and never kills what others do inside it. An addition survives an older update by being added
 * to it.
 *
 * Source: merge-semantics, sections 4.3, 4.4 (U1) and 4.5 (U2); `../shared.ts`.
 */
import {
  type AddInteger,
  type Instruction,
  isPathInstruction,
  type Update,
} from '../../model/instruction.js';
import { addWrapping, isShared, typeOf } from '../../model/value.js';
import { type Outcome, unchanged, verdict } from '../outcome.js';
import { isInside, samePath } from '../path.js';
import { independent, type NestedRule, type Row } from '../rule.js';
import { asShared, collectionOf } from '../shared.js';
import { pathsDiffer, sizesDiffer } from './bookkeeping.js';
import { updateAgainstEraseTable } from './dangling.js';

const u1 = verdict('U1', 'both sides wrote the slot, and the newer write stands');
const u1Default = verdict('U1', 'a default from the schema never beats a written value');
const u1Object = verdict('U1', 'creating an embedded object yields to any other write of its slot');
const u1Shared = verdict(
  'U1',
  'the collection was replaced by something else, and this update did not own it',
);
const u2Added = verdict('U2', 'the addition is newer, or the value a default, so the amount is added to it');
const u2Lost = verdict('U2', 'the slot was overwritten by a newer value');
const u2NoInteger = verdict('U2', 'the slot was overwritten by something that cannot be added to');
const overwritten = verdict('n:Update', 'what it is in was overwritten');
const entered = verdict('n:Update', 'the other side has put something into the collection', 'marked');
const insideInteger = verdict('n:AddInteger', 'the other side holds an integer where it expects a structure');

const bothUpdate = (first: Update, second: Update, firstIsNewer: boolean): Outcome => {
  if (!samePath(first, second)) return unchanged;
  const inList = first.priorSize !== null && second.priorSize !== null;
  if (first.priorSize === null ? second.priorSize !== null : second.priorSize === null)
    return pathsDiffer(first, second);
  if (inList) {
    const problem = sizesDiffer(first, second);
    if (problem !== null) return problem;
  }
  const type1 = typeOf(first.value);
  const type2 = typeOf(second.value);
  if (type1 !== type2) {
    if (type1 === 'objectValue') return u1Object.firstGoes;
    if (type2 === 'objectValue') return u1Object.secondGoes;
    const shared1 = isShared(first.value);
    if (shared1 !== isShared(second.value)) return shared1 ? u1Shared.firstGoes : u1Shared.secondGoes;
  } else if (type1 === 'list' || type1 === 'dictionary') return unchanged;
  if (first.isDefault !== second.isDefault)
    return first.isDefault ? u1Default.firstGoes : u1Default.secondGoes;
  return u1.older(firstIsNewer);
};

const addAgainstUpdate = (add: AddInteger, update: Update, addIsNewer: boolean): Outcome => {
  if (!samePath(add, update)) return unchanged;
  if (!addIsNewer && !update.isDefault) return u2Lost.firstGoes;
  if (typeof update.value === 'bigint')
    return u2Added.change('stays', { ...update, value: addWrapping(update.value, add.value) });
  // Nothing can be added to null, but the null may yet be overwritten by an integer.
  return update.value === null ? unchanged : u2NoInteger.firstGoes;
};

/**
 * An update against what the other side does inside its slot. Creating an embedded object leaves that
 * alone, and making a collection leaves alone what fits the collection, and is shared with it from then on.
 */
export const insideUpdate: NestedRule<'Update'> = (outer, inner) => {
  if (!isPathInstruction(inner) || !isInside(outer, inner)) return unchanged;
  if (!keepsInside(outer, inner.path[outer.path.length])) return overwritten.secondGoes;
  const shared = asShared(outer);
  return shared === outer ? unchanged : entered.change(shared, 'stays');
};

/** Realm's: the same, without a memory of sharing. */
export const realmInsideUpdate: NestedRule<'Update'> = (outer, inner) =>
  isPathInstruction(inner) && isInside(outer, inner) && !keepsInside(outer, inner.path[outer.path.length])
    ? overwritten.secondGoes
    : unchanged;

const keepsInside = (outer: Update, next: string | number | undefined): boolean => {
  const { value } = outer;
  switch (collectionOf(value)) {
    case 'list':
      return typeof next === 'number';
    case 'dictionary':
      return typeof next === 'string';
    case null:
      return typeOf(value) === 'objectValue';
  }
};

export const insideAdd = (outer: AddInteger, inner: Instruction): Outcome =>
  isPathInstruction(inner) && isInside(outer, inner) ? insideInteger.secondGoes : unchanged;

export const updateRow: Row<'Update'> = {
  AddTable: independent,
  EraseTable: updateAgainstEraseTable,
  CreateObject: independent,
  EraseObject: independent,
  Update: bothUpdate,
};

export const addIntegerRow: Row<'AddInteger'> = {
  AddTable: independent,
  EraseTable: independent,
  CreateObject: independent,
  EraseObject: independent,
  Update: addAgainstUpdate,
  AddInteger: independent,
};
