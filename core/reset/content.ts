/**
 * Contents of two states side by side: whether they are the same, and a text by which they can be told apart.
 */
import { forEach, get, sortedKeys } from '../base/trie.js';
import {
  type Column,
  type Content,
  DictionaryNode,
  isDefault,
  isNode,
  ListNode,
  ObjectNode,
  property,
  SetNode,
  type State,
  type Table,
} from '../model/state.js';
import { identical, valueId } from '../model/value.js';
import type { SchemaDifference } from './schema-difference.js';

const tableOf = (state: State, column: Column): Table | undefined =>
  column.spec.target === null ? undefined : get(state.tables, column.spec.target);

/** Whether two contents of one kept column read the same. Shared subtrees are not visited while the schemas are one. */
export const sameContent = (
  schemas: SchemaDifference,
  column: Column,
  other: Column,
  x: Content,
  y: Content,
): boolean => {
  if (Object.is(x, y) && schemas.before.era === schemas.after.era) return true;
  if (x instanceof ObjectNode) return y instanceof ObjectNode && sameObject(schemas, other, x, y);
  if (x instanceof ListNode) {
    if (!(y instanceof ListNode) || x.items.length !== y.items.length) return false;
    for (let i = 0; i < x.items.length; i++)
      if (!sameContent(schemas, column, other, x.items[i] as Content, y.items[i] as Content)) return false;
    return true;
  }
  if (x instanceof DictionaryNode) {
    if (!(y instanceof DictionaryNode) || x.entries.size !== y.entries.size) return false;
    let same = true;
    forEach(x.entries, (entry, key) => {
      const found = same ? get(y.entries, key) : undefined;
      same = found !== undefined && sameContent(schemas, column, other, entry, found);
    });
    return same;
  }
  if (x instanceof SetNode) {
    if (!(y instanceof SetNode) || x.members.size !== y.members.size) return false;
    let same = true;
    forEach(x.members, (member, id) => {
      const found = same ? get(y.members, id) : undefined;
      same = found !== undefined && identical(member, found);
    });
    return same;
  }
  return !isNode(y) && identical(x, y);
};

/** Whether two objects of one class read the same. A property that is not kept differs unless it is unset. */
const sameObject = (schemas: SchemaDifference, column: Column, x: ObjectNode, y: ObjectNode): boolean => {
  const table = tableOf(schemas.after, column);
  return table !== undefined && countSame(schemas, table, x, y, true) >= 0;
};

/**
 * How many properties that are set read the same in two objects; -1 where `strict` and one does not.
 */
export const countSame = (
  schemas: SchemaDifference,
  table: Table,
  x: ObjectNode,
  y: ObjectNode,
  strict: boolean,
): number => {
  let count = 0;
  for (const { before, after } of schemas.pairs(table)) {
    const there = property(y, after);
    const isUnset = isDefault(after, there);
    const same = before === null ? isUnset : sameContent(schemas, before, after, property(x, before), there);
    if (same && !isUnset) count++;
    if (!same && strict) return -1;
  }
  return count;
};

const part = (id: string): string => `${id.length}:${id}`;

/** A text that is equal for two contents of one kept column exactly when they read the same. */
export const contentId = (state: State, column: Column, content: Content): string => {
  if (content instanceof ObjectNode) {
    const table = tableOf(state, column);
    let id = 'O';
    for (const inner of table?.columns ?? []) {
      const found = property(content, inner);
      if (!isDefault(inner, found)) id += part(inner.name) + part(contentId(state, inner, found));
    }
    return id;
  }
  if (content instanceof ListNode) {
    let id = 'L';
    for (const item of content.items) id += part(contentId(state, column, item));
    return id;
  }
  if (content instanceof DictionaryNode) {
    let id = 'K';
    for (const key of sortedKeys(content.entries))
      id += part(key) + part(contentId(state, column, get(content.entries, key) as Content));
    return id;
  }
  if (content instanceof SetNode) {
    const ids: string[] = [];
    forEach(content.members, (member) => ids.push(valueId(member)));
    return `S${ids.sort().map(part).join('')}`;
  }
  return `v${valueId(content)}`;
};
