/**
 * Where the merge learns the shape of columns. It needs to know very little of the schema: only an
 * EraseColumn of an embedded class makes it ask which class a link column leads to.
 */
import type { Changeset } from '../model/changeset.js';
import type { ColumnSpec } from '../model/schema.js';
import { findColumn, findTable, type State } from '../model/state.js';
import type { ColumnLookup } from './rule.js';

export const noColumns: ColumnLookup = () => null;

/**
 * The columns of a state. For a merge it may be the state that both sides are based on, or one that came
 * from it by either side's changes: a column that a side has erased meanwhile is never asked for, since its
 * own erasure has discarded by then whatever led through it.
 */
export const columnsOf =
  (state: State): ColumnLookup =>
  (table, field) => {
    const found = findTable(state, table);
    return found === undefined ? null : (findColumn(found, field)?.spec ?? null);
  };

/** What `known` knows, and besides the columns that the changesets add. Reads them when first asked. */
export const columnsWith = (
  known: ColumnLookup,
  left: readonly Changeset[],
  right: readonly Changeset[],
): ColumnLookup => {
  let added: Map<string, Map<string, ColumnSpec>> | null = null;
  return (table, field) => {
    const column = known(table, field);
    if (column !== null) return column;
    added ??= addedColumns([left, right]);
    return added.get(table)?.get(field) ?? null;
  };
};

const addedColumns = (sides: readonly (readonly Changeset[])[]): Map<string, Map<string, ColumnSpec>> => {
  const added = new Map<string, Map<string, ColumnSpec>>();
  for (const side of sides)
    for (const { instructions } of side)
      for (const instruction of instructions) {
        if (instruction.kind !== 'AddColumn') continue;
        const fields = added.get(instruction.table) ?? new Map<string, ColumnSpec>();
        added.set(instruction.table, fields.set(instruction.field, instruction.column));
      }
  return added;
};
