/**
 * Whether an instruction that was made for one schema means the same in another: the class that it names, and
 * each property on its way. Where one is gone or has become something else there is no place for what was
 * written; since everything below that property is then in the same case, setting it aside disturbs nothing
 * else.
 */
import { type Instruction, isPathInstruction, type PathInstruction } from '../model/instruction.js';
import { printColumnSpec, printName, printTableSpec } from '../model/notation.js';
import { sameTableSpec } from '../model/schema.js';
import { type Column, findColumn, findTable, type State, type Table } from '../model/state.js';
import { type Outcome, parked } from './report.js';
import { isColumnKept } from './schema-difference.js';

/** Null where the instruction, made for the schema of `before`, fits that of `after`; else why it is parked. */
export const schemaMisfit = (instruction: Instruction, before: State, after: State): Outcome | null => {
  if (!('object' in instruction)) return null;
  const name = instruction.table;
  const table = findTable(before, name);
  const other = findTable(after, name);
  // Whatever became of a class that the app itself has erased since is not the server's doing.
  if (table === undefined) return null;
  if (other === undefined) return parked('classGone', `the server has no class ${printName(name)} any more`);
  if (!sameTableSpec(table.spec, other.spec))
    return parked(
      'classChanged',
      `class ${printName(name)} was ${printTableSpec(table.spec)}, and is ${printTableSpec(other.spec)} now`,
    );
  return isPathInstruction(instruction) ? pathMisfit(instruction, before, after, table, other) : null;
};

const pathMisfit = (
  { field, path }: PathInstruction,
  before: State,
  after: State,
  table: Table,
  other: Table,
): Outcome | null => {
  let inner: Table | undefined = table;
  let otherInner: Table | undefined = other;
  let name: string | null = field;
  let step = 0;
  while (name !== null && inner !== undefined && otherInner !== undefined) {
    const column: Column | undefined = findColumn(inner, name);
    if (column === undefined) return null;
    const there: Column | undefined = findColumn(otherInner, name);
    const place = `${printName(inner.name)}.${printName(name)}`;
    if (there === undefined) return parked('propertyGone', `the server has no property ${place} any more`);
    if (!isColumnKept(before, after, column, there))
      return parked(
        'propertyChanged',
        `property ${place} was ${printColumnSpec(column.spec)}, and is ${printColumnSpec(there.spec)} now`,
      );
    if (!column.embedded) return null;
    if (column.spec.collection !== 'single') step++;
    const next = path[step++];
    name = typeof next === 'string' ? next : null;
    inner = findTable(before, column.spec.target ?? '');
    otherInner = findTable(after, column.spec.target ?? '');
  }
  return null;
};
