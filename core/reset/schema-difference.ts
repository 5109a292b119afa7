/**
 * What became of classes and properties between two states of a server.
 *
 * A class is *kept* where both have it with the same kind and key, a property where both have it with the same
 * shape and a target that is kept and of the same kind. What the later state has beside that is an addition.
 * Anything of the earlier state that is not kept was taken away: that is a destructive change, and writes to
 * it have no place to go to.
 */
import { forEach } from '../base/trie.js';
import { addColumn, addTable, type Instruction } from '../model/instruction.js';
import { sameColumnSpec, sameTableSpec } from '../model/schema.js';
import { type Column, findColumn, findTable, type State, type Table } from '../model/state.js';

/** A property of the later state; `before` is null where the earlier one did not have it, or had another. */
export interface ColumnPair {
  readonly before: Column | null;
  readonly after: Column;
}

export const isTableKept = (before: State, after: State, name: string): boolean => {
  const a = findTable(before, name);
  const b = findTable(after, name);
  return a !== undefined && b !== undefined && sameTableSpec(a.spec, b.spec);
};

/** Whether a column of `before` is still there in `after`, and means the same. */
export const isColumnKept = (before: State, after: State, a: Column, b: Column): boolean =>
  (a === b || (sameColumnSpec(a.spec, b.spec) && a.embedded === b.embedded)) &&
  (a.spec.target === null || isTableKept(before, after, a.spec.target));

export class SchemaDifference {
  readonly before: State;
  readonly after: State;
  readonly additions: readonly Instruction[];
  /** Whether anything was taken away, or has become something else. */
  readonly isDestructive: boolean;
  /** By class: the columns of the later state. */
  readonly #pairs = new Map<string, readonly ColumnPair[]>();

  constructor(before: State, after: State) {
    this.before = before;
    this.after = after;
    const tables: Instruction[] = [];
    const columns: Instruction[] = [];
    let isDestructive = false;
    forEach(before.tables, (table, name) => {
      if (!isTableKept(before, after, name)) isDestructive = true;
      else
        for (const column of table.columns) {
          const other = findColumn(findTable(after, name) as Table, column.name);
          if (other === undefined || !isColumnKept(before, after, column, other)) isDestructive = true;
        }
    });
    forEach(after.tables, (table, name) => {
      const old = findTable(before, name);
      if (old === undefined) tables.push(addTable(name, table.spec));
      for (const column of table.columns)
        if (old === undefined || findColumn(old, column.name) === undefined)
          columns.push(addColumn(name, column.name, column.spec));
    });
    this.additions = [...tables, ...columns];
    this.isDestructive = isDestructive;
  }

  /** The columns of a class of the later state, each with what it was. */
  pairs(table: Table): readonly ColumnPair[] {
    const known = this.#pairs.get(table.name);
    if (known !== undefined) return known;
    const old = isTableKept(this.before, this.after, table.name)
      ? findTable(this.before, table.name)
      : undefined;
    const pairs = table.columns.map((after) => {
      const before = old === undefined ? undefined : findColumn(old, after.name);
      const isKept = before !== undefined && isColumnKept(this.before, this.after, before, after);
      return { before: isKept ? before : null, after };
    });
    this.#pairs.set(table.name, pairs);
    return pairs;
  }
}
