/**
 * Application of the four instructions on classes and columns. They are rare, so they may cost time in
 * proportion to the schema, and erasing a class in proportion to the state.
 *
 * Source: merge-semantics, sections 1.2, 1.3 and 2.3.
 */

import { limits } from '../base/limits.js';
import { emptyTrie, forEach, get, remove, set } from '../base/trie.js';
import { utf8Length } from '../base/utf8.js';
import { type Failure, failure } from './apply-error.js';
import type { Edit } from './edit.js';
import type { AddColumn, AddTable, EraseColumn, EraseTable } from './instruction.js';
import { printColumnSpec, printTableSpec } from './print.js';
import { type ColumnSpec, sameColumnSpec, sameTableSpec } from './schema.js';
import {
  type Column,
  type Content,
  DictionaryNode,
  defaultValue,
  isNullable,
  ListNode,
  ObjectNode,
  SetNode,
  type State,
  Table,
} from './state.js';
import { isLink, type Value } from './value.js';

const nameFits = (name: string): Failure | null => {
  if (name === '') return failure('invalid-name', 'found an empty name');
  const bytes = utf8Length(name);
  if (bytes <= limits.nameBytes) return null;
  return failure('invalid-name', `found a name of ${bytes} bytes, expected at most ${limits.nameBytes}`);
};

const noTable = (name: string): Failure => failure('no-such-table', `there is no class ${name}`);

const replaceTable = (
  edit: Edit,
  table: Table,
  columns: readonly Column[],
  byName: ReadonlyMap<string, Column>,
  slots: number,
): void => {
  const next = new Table(edit.owner, table.name, table.spec, columns, byName, slots, table.objects);
  edit.state.tables = set(edit.state.tables, table.name, next, edit.owner);
  edit.state.era = {};
};

export const applyAddTable = (edit: Edit, { table: name, spec }: AddTable): Failure | null => {
  const { state, owner } = edit;
  const existing = get(state.tables, name);
  if (existing !== undefined) {
    if (sameTableSpec(existing.spec, spec)) return null;
    return failure(
      'table-mismatch',
      `found the class as ${printTableSpec(existing.spec)}, expected ${printTableSpec(spec)}`,
    );
  }
  const badName =
    nameFits(name) ??
    (spec.type === 'topLevel' && spec.primaryKey !== null ? nameFits(spec.primaryKey.name) : null);
  if (badName !== null) return badName;
  const table = new Table(owner, name, spec, [], new Map(), 0, emptyTrie());
  state.tables = set(state.tables, name, table, owner);
  state.era = {};
  return null;
};

export const applyEraseTable = (edit: Edit, { table: name }: EraseTable): Failure | null => {
  const { state, owner, rules } = edit;
  if (get(state.tables, name) === undefined) return rules.eraseSchema === 'idempotent' ? null : noTable(name);
  const user = findUser(state, name, rules.eraseLinkedFromInside === 'error');
  if (user !== null) return failure('table-in-use', `${user} still links to the class`);
  state.tables = remove(state.tables, name, owner);
  state.era = {};
  return null;
};

export const applyAddColumn = (
  edit: Edit,
  { table: name, field, column: spec }: AddColumn,
): Failure | null => {
  const table = get(edit.state.tables, name);
  if (table === undefined) return noTable(name);
  const existing = existingColumn(table, field);
  if (existing !== null) {
    const ignored = edit.rules.columnNullability === 'ignore' ? { nullable: existing.nullable } : {};
    if (sameColumnSpec(existing, { ...spec, ...ignored })) return null;
    return failure(
      'column-mismatch',
      `found the property as ${printColumnSpec(existing)}, expected ${printColumnSpec(spec)}`,
    );
  }
  const bad = nameFits(field) ?? columnFits(edit.state, spec);
  if (bad !== null) return bad;
  const target = spec.target === null ? undefined : get(edit.state.tables, spec.target);
  const column: Column = {
    name: field,
    spec,
    slot: table.slots,
    nullable: isNullable(spec),
    embedded: target?.spec.type === 'embedded',
    fallback: defaultValue(spec),
  };
  const after = table.columns.findIndex((other) => other.name > field);
  const columns = table.columns.toSpliced(after < 0 ? table.columns.length : after, 0, column);
  replaceTable(edit, table, columns, new Map(table.byName).set(field, column), table.slots + 1);
  return null;
};

/** The primary key counts: it is a column that AddTable made. */
const existingColumn = ({ spec, byName }: Table, field: string): ColumnSpec | null => {
  if (spec.type === 'topLevel' && spec.primaryKey?.name === field) {
    const { type, nullable } = spec.primaryKey;
    return { type, nullable, collection: 'single', target: null };
  }
  return byName.get(field)?.spec ?? null;
};

/** Whether a column of this shape can exist. */
const columnFits = (state: State, { type, collection, target }: ColumnSpec): Failure | null => {
  if (type !== 'link')
    return target === null
      ? null
      : failure('invalid-column', `found a target class on a property of type ${type}`);
  if (target === null)
    return collection === 'single' || collection === 'list'
      ? null
      : failure(
          'invalid-column',
          `found a ${collection} of links to any class, expected a single link or a list`,
        );
  const table = get(state.tables, target);
  if (table === undefined) return failure('no-such-table', `there is no class ${target} to link to`);
  if (table.spec.type === 'embedded')
    return collection === 'set' ? failure('invalid-column', 'found a set of embedded objects') : null;
  return table.spec.asymmetric
    ? failure('invalid-column', `found a link to ${target}, which is asymmetric`)
    : null;
};

export const applyEraseColumn = (edit: Edit, { table: name, field }: EraseColumn): Failure | null => {
  const table = get(edit.state.tables, name);
  if (table === undefined) return noTable(name);
  if (!table.byName.has(field)) {
    if (existingColumn(table, field) !== null)
      return failure('primary-key-is-fixed', 'the primary key cannot be erased');
    if (edit.rules.eraseSchema === 'idempotent') return null;
    return failure('no-such-column', `class ${name} has no property ${field}`);
  }
  const columns = table.columns.filter((column) => column.name !== field);
  const byName = new Map(table.byName);
  byName.delete(field);
  replaceTable(edit, table, columns, byName, table.slots);
  return null;
};

/** A place outside class `target` that links to it, by its column or by a value; null if there is none. */
const findUser = (state: State, target: string, inside: boolean): string | null => {
  let user: string | null = null;
  forEach(state.tables, (table, name) => {
    if (user !== null) return;
    const own = name === target;
    const column = own ? undefined : table.columns.find(({ spec }) => spec.target === target);
    if (column !== undefined) user = `${name}.${column.name}`;
    if (column !== undefined || (own && !inside) || !mayLinkAnywhere(state, table, new Set())) return;
    // Of the class's own objects only what is embedded in them is outside.
    const columns = own ? table.columns.filter(({ embedded }) => embedded) : table.columns;
    forEach(table.objects, (object, key) => {
      if (user === null && objectLinks(state, columns, object, target))
        user = `an object of ${name} (${key})`;
    });
  });
  return user;
};

/** Whether objects of the class, with what is embedded in them, can hold links that no column's target announces. */
const mayLinkAnywhere = (state: State, table: Table, seen: Set<string>): boolean => {
  if (seen.has(table.name)) return false;
  seen.add(table.name);
  return table.columns.some(({ spec, embedded }) => {
    if (spec.type === 'mixed' || (spec.type === 'link' && spec.target === null)) return true;
    const inner = embedded && spec.target !== null ? get(state.tables, spec.target) : undefined;
    return inner !== undefined && mayLinkAnywhere(state, inner, seen);
  });
};

const objectLinks = (state: State, columns: readonly Column[], object: ObjectNode, target: string): boolean =>
  columns.some((column) => {
    const content = object.slots[column.slot];
    return content !== undefined && contentLinks(state, column, content, target);
  });

const contentLinks = (state: State, column: Column, content: Content, target: string): boolean => {
  if (content instanceof ObjectNode) {
    const table = column.spec.target === null ? undefined : get(state.tables, column.spec.target);
    return table !== undefined && objectLinks(state, table.columns, content, target);
  }
  if (content instanceof ListNode)
    return content.items.some((item) => contentLinks(state, column, item, target));
  if (content instanceof DictionaryNode) {
    let found = false;
    forEach(content.entries, (entry) => {
      found ||= contentLinks(state, column, entry, target);
    });
    return found;
  }
  if (content instanceof SetNode) {
    let found = false;
    forEach(content.members, (member) => {
      found ||= linksTo(member, target);
    });
    return found;
  }
  return linksTo(content, target);
};

const linksTo = (value: Value, target: string): boolean => isLink(value) && value.table === target;
