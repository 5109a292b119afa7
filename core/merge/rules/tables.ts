/**
 * Rows of AddTable and EraseTable. Adding a class twice is one fact told twice; erasing it wins over
 * everything that happens in it (nested rule), and over adding it.
 *
 * Source: merge-semantics, section 4.7.
 */
import type { AddTable, EraseTable, Instruction } from '../../model/instruction.js';
import { printName } from '../../model/notation.js';
import type { TableSpec } from '../../model/schema.js';
import { fail, type Outcome, unchanged, verdict } from '../outcome.js';
import type { Row } from '../rule.js';
import type { Problem } from '../transform-error.js';

const t1 = verdict('T1', 'both sides added the class, so neither has to tell the other');
const t2 = verdict('T2', 'the class was erased');
const t3 = verdict('T3', 'both sides erased the class, so neither has to tell the other');
const inErasedTable = verdict('n:EraseTable', 'its class was erased');

const difference = (table: string, a: TableSpec, b: TableSpec): Problem | null => {
  const name = printName(table);
  if (a.type !== b.type) {
    const kind = (spec: TableSpec) => (spec.type === 'embedded' ? 'embedded' : 'top level');
    return { reason: 'table-kind', subject: `class ${name}`, first: kind(a), second: kind(b) };
  }
  if (a.type === 'embedded' || b.type === 'embedded') return null;
  const subject = `primary key of class ${name}`;
  const p = a.primaryKey;
  const q = b.primaryKey;
  if (p?.name !== q?.name) {
    const keyName = (key: typeof p) => (key === null ? 'none' : printName(key.name));
    return { reason: 'primary-key-name', subject, first: keyName(p), second: keyName(q) };
  }
  if (p !== null && q !== null) {
    if (p.type !== q.type) return { reason: 'primary-key-type', subject, first: p.type, second: q.type };
    if (p.nullable !== q.nullable) {
      const text = (nullable: boolean) => (nullable ? 'nullable' : 'required');
      const first = text(p.nullable);
      return { reason: 'primary-key-nullability', subject, first, second: text(q.nullable) };
    }
  }
  if (a.asymmetric !== b.asymmetric) {
    const text = (asymmetric: boolean) => (asymmetric ? 'asymmetric' : 'symmetric');
    const first = text(a.asymmetric);
    return { reason: 'table-asymmetry', subject: `class ${name}`, first, second: text(b.asymmetric) };
  }
  return null;
};

const bothAdd = (first: AddTable, second: AddTable): Outcome => {
  if (first.table !== second.table) return unchanged;
  const problem = difference(first.table, first.spec, second.spec);
  return problem === null ? t1.bothGo : fail(problem);
};

const eraseAgainstAdd = (erase: EraseTable, add: AddTable): Outcome =>
  erase.table === add.table ? t2.secondGoes : unchanged;

const bothErase = (first: EraseTable, second: EraseTable): Outcome =>
  first.table === second.table ? t3.bothGo : unchanged;

/** Everything in the class goes with it, whatever it is and whenever it was written. */
export const insideErasedTable = (outer: EraseTable, inner: Instruction): Outcome =>
  outer.table === inner.table ? inErasedTable.secondGoes : unchanged;

export const addTableRow: Row<'AddTable'> = {
  AddTable: bothAdd,
};

export const eraseTableRow: Row<'EraseTable'> = {
  AddTable: eraseAgainstAdd,
  EraseTable: bothErase,
};
