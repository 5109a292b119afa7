/**
 * Rows of CreateObject and EraseObject. Erasing wins over creating and over everything that is written on
 * the object (nested rule), whatever the times: there is no "update wins over delete". Objects that were
 * created on both sides are one object, whose fields then merge one by one.
 *
 * Source: merge-semantics, section 4.6.
 */
import {
  type CreateObject,
  type EraseObject,
  type Instruction,
  isPathInstruction,
} from '../../model/instruction.js';
import { type Outcome, unchanged, verdict } from '../outcome.js';
import { independent, type Row } from '../rule.js';

const o1 = verdict('O1', 'the object was erased');
const o2 = verdict('O2', 'both sides erased the object, and the newer erasure stands for both');
const onErasedObject = verdict('n:EraseObject', 'its object was erased');

const eraseAgainstCreate = (erase: EraseObject, create: CreateObject): Outcome =>
  erase.object === create.object && erase.table === create.table ? o1.secondGoes : unchanged;

// The newer one stays on the way, and so meets what the other side did with the object afterwards: a side
// that erased and created again keeps its new object against an older erasure, and loses it to a newer one.
const bothErase = (first: EraseObject, second: EraseObject, firstIsNewer: boolean): Outcome =>
  first.object === second.object && first.table === second.table ? o2.older(firstIsNewer) : unchanged;

export const onErased = (outer: EraseObject, inner: Instruction): Outcome =>
  isPathInstruction(inner) && inner.object === outer.object && inner.table === outer.table
    ? onErasedObject.secondGoes
    : unchanged;

export const createObjectRow: Row<'CreateObject'> = {
  AddTable: independent,
  EraseTable: independent,
  CreateObject: independent,
};

export const eraseObjectRow: Row<'EraseObject'> = {
  AddTable: independent,
  EraseTable: independent,
  CreateObject: eraseAgainstCreate,
  EraseObject: bothErase,
};
