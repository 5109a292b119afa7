/**
 * Rows of AddColumn and EraseColumn. Adding a column twice is one fact told twice, provided that the two
 * agree; erasing it wins over adding it and over everything written to it.
 *
 * Source: merge-semantics, sections 4.4 and 4.7 (T4), and 4.12 no. 6.
 */
import {
  type AddColumn,
  type EraseColumn,
  type EraseTable,
  eraseColumn,
  type PathInstruction,
} from '../../model/instruction.js';
import { printColumnSpec, printName } from '../../model/notation.js';
import type { ColumnSpec } from '../../model/schema.js';
import { fail, type Outcome, unchanged, verdict } from '../outcome.js';
import { type ColumnLookup, type Context, independent, type Row } from '../rule.js';
import type { Problem } from '../transform-error.js';

const c1 = verdict('C1', 'both sides added the property, so neither has to tell the other');
const c2 = verdict('C2', 'the property was erased');
const c3 = verdict('C3', 'both sides erased the property, so neither has to tell the other');
const c4 = verdict('C4', 'the property was erased');
const t4 = verdict('T4', 'the class that the new property links to was erased, so the property goes first');

const difference = (table: string, field: string, a: ColumnSpec, b: ColumnSpec): Problem | null => {
  const problem = (reason: Problem['reason'], first: string, second: string): Problem => {
    const subject = `property ${printName(table)}.${printName(field)}`;
    return { reason, subject, first, second };
  };
  if (a.type !== b.type) return problem('column-type', printColumnSpec(a), printColumnSpec(b));
  if (a.nullable !== b.nullable) return problem('column-nullability', printColumnSpec(a), printColumnSpec(b));
  if (a.collection !== b.collection)
    return problem('column-collection', printColumnSpec(a), printColumnSpec(b));
  if (a.type === 'link' && a.target !== b.target)
    return problem('column-target', printColumnSpec(a), printColumnSpec(b));
  return null;
};

const sameColumn = (a: AddColumn | EraseColumn, b: AddColumn | EraseColumn): boolean =>
  a.field === b.field && a.table === b.table;

const bothAdd = (first: AddColumn, second: AddColumn): Outcome => {
  if (!sameColumn(first, second)) return unchanged;
  const problem = difference(first.table, first.field, first.column, second.column);
  return problem === null ? c1.bothGo : fail(problem);
};

// A class can only be erased when nothing links to it, so the side that erases it has to drop first what
// the other side has added meanwhile. (A column *of* the erased class falls under the nested rule.)
const addAgainstEraseTable = (add: AddColumn, erase: EraseTable): Outcome =>
  add.column.type === 'link' && add.column.target === erase.table
    ? t4.prepend('goes', eraseColumn(add.table, add.field))
    : unchanged;

const eraseAgainstAdd = (erase: EraseColumn, add: AddColumn): Outcome =>
  sameColumn(erase, add) ? c2.secondGoes : unchanged;

const bothErase = (first: EraseColumn, second: EraseColumn): Outcome =>
  sameColumn(first, second) ? c3.bothGo : unchanged;

/**
 * Whether the way from the object to the instruction's place goes through a property. Properties of
 * embedded classes are found by walking: a link whose path goes on leads to an embedded object, behind an
 * index or a key where the property is a collection. Anything else ends the walk: what lies inside mixed
 * values has no class.
 */
const uses = (
  { table, field, path }: PathInstruction,
  erase: EraseColumn,
  columns: ColumnLookup,
): boolean => {
  let inTable = table;
  let atField = field;
  let depth = 0;
  for (;;) {
    if (inTable === erase.table && atField === erase.field) return true;
    if (depth >= path.length) return false;
    const column = columns(inTable, atField);
    if (column === null || column.type !== 'link' || column.target === null) return false;
    if (column.collection !== 'single') depth++;
    const next = path[depth++];
    if (typeof next !== 'string') return false;
    inTable = column.target;
    atField = next;
  }
};

const eraseAgainstPath = (
  erase: EraseColumn,
  path: PathInstruction,
  _firstIsNewer: boolean,
  { columns }: Context,
): Outcome => (uses(path, erase, columns) ? c4.secondGoes : unchanged);

/** The rows of the path instructions hold the same cell the other way round. */
export const pathAgainstErase = (
  path: PathInstruction,
  erase: EraseColumn,
  _firstIsNewer: boolean,
  { columns }: Context,
): Outcome => (uses(path, erase, columns) ? c4.firstGoes : unchanged);

/** Realm's C4: nothing but updates, and those only by the property of the top-level object. */
export const realmEraseAgainstUpdate = (erase: EraseColumn, update: PathInstruction): Outcome =>
  update.field === erase.field && update.table === erase.table ? c4.secondGoes : unchanged;

export const addColumnRow: Row<'AddColumn'> = {
  AddTable: independent,
  EraseTable: addAgainstEraseTable,
  CreateObject: independent,
  EraseObject: independent,
  Update: independent,
  AddInteger: independent,
  AddColumn: bothAdd,
};

export const eraseColumnRow: Row<'EraseColumn'> = {
  AddTable: independent,
  EraseTable: independent,
  CreateObject: independent,
  EraseObject: independent,
  Update: eraseAgainstPath,
  AddInteger: eraseAgainstPath,
  AddColumn: eraseAgainstAdd,
  EraseColumn: bothErase,
};
