/**
 * States as plain nested data, to be looked at and compared without any cleverness: the twin of digest,
 * difference and snapshot.
 */
import { entries, get } from '../../core/base/trie.js';
import type { Key } from '../../core/model/key.js';
import { printColumnSpec, printTableSpec, printValue } from '../../core/model/notation.js';
import {
  type Column,
  type Content,
  DictionaryNode,
  ListNode,
  ObjectNode,
  SetNode,
  type State,
  type Table,
} from '../../core/model/state.js';
import type { Value } from '../../core/model/value.js';

/** Values stand in the notation, so that -0, NaNs and decimals keep their bits. */
export type Plain =
  | string
  | readonly Plain[]
  | { readonly object: Fields }
  | { readonly dictionary: Fields }
  /** Sorted. */
  | { readonly set: readonly string[] };
export type Fields = { readonly [name: string]: Plain };

const sorted = <T>(fields: Iterable<readonly [string, T]>): { [name: string]: T } =>
  Object.fromEntries([...fields].sort(([a], [b]) => (a < b ? -1 : 1)));

const plainContent = (state: State, column: Column, content: Content): Plain => {
  if (content instanceof ObjectNode) {
    const table = get(state.tables, column.spec.target as string) as Table;
    return { object: fieldsOf(state, table, content) };
  }
  if (content instanceof ListNode) return content.items.map((item) => plainContent(state, column, item));
  if (content instanceof DictionaryNode) {
    const all = [...entries(content.entries)];
    return { dictionary: sorted(all.map(([key, entry]) => [key, plainContent(state, column, entry)])) };
  }
  if (content instanceof SetNode)
    return { set: [...entries(content.members)].map(([, member]) => printValue(member)).sort() };
  return printValue(content);
};

const unset = (column: Column): Plain => {
  switch (column.spec.collection) {
    case 'single':
      return printValue(column.fallback as Value);
    case 'list':
      return [];
    case 'dictionary':
      return { dictionary: {} };
    case 'set':
      return { set: [] };
  }
};

const fieldsOf = (state: State, table: Table, object: ObjectNode): Fields =>
  sorted(
    table.columns.map((column) => {
      const content = object.slots[column.slot];
      return [column.name, content === undefined ? unset(column) : plainContent(state, column, content)];
    }),
  );

/** All properties of an object by name, set or not; null where there is no such object. */
export const plainObject = (state: State, name: string, key: Key): Fields | null => {
  const table = get(state.tables, name);
  const object = table === undefined ? undefined : get(table.objects, key);
  return table === undefined || object === undefined ? null : fieldsOf(state, table, object);
};

export interface PlainTable {
  readonly spec: string;
  readonly columns: { readonly [name: string]: string };
  readonly objects: { readonly [key: string]: Fields };
}

/** Everything, by name and key. */
export const plainState = (state: State): { readonly [table: string]: PlainTable } =>
  sorted(
    [...entries(state.tables)].map(([name, table]) => [
      name,
      {
        spec: printTableSpec(table.spec),
        columns: sorted(table.columns.map((column) => [column.name, printColumnSpec(column.spec)])),
        objects: sorted(
          [...entries(table.objects)].map(([key, object]) => [key, fieldsOf(state, table, object)]),
        ),
      },
    ]),
  );
