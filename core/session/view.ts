/**
 * Reading: objects as frozen plain records of the values that applications know (`core/model/edge.ts`).
 *
 * A record is a copy, made when it is asked for; the state below it is shared and never changes. A link
 * whose target does not exist reads as null in a property, a dictionary or a mixed value, and is hidden
 * in lists and sets of links, so the indices that an application sees can be smaller than those of
 * instructions. Sets read as arrays, in an order that depends on their contents only.
 *
 * Source: merge-semantics, section 1.7.
 */
import type { Int32, Long } from 'bson';
import * as E from 'fp-ts/lib/Either.js';
import { forEach, get } from '../base/trie.js';
import { difference } from '../model/difference.js';
import { keyFromEdge, keyToEdge, toEdge } from '../model/edge.js';
import { describeFound } from '../model/edge-kinds.js';
import { Mismatch } from '../model/edge-read.js';
import type { EdgeKey, EdgeRecord, EdgeValue } from '../model/edge-types.js';
import { type Key, keyType } from '../model/key.js';
import { printName } from '../model/print.js';
import {
  type Column,
  type Content,
  DictionaryNode,
  findTable,
  hasObject,
  ListNode,
  nestedColumn,
  ObjectNode,
  property,
  SetNode,
  type State,
  type Table,
} from '../model/state.js';
import type { Value } from '../model/value.js';
import { ReadError } from './usage-error.js';

/** An object by the names of its properties, the primary key first. Deeply frozen. */
export type ObjectView = EdgeRecord;

/** What is taken as a primary key. */
export type KeyArgument = EdgeKey | Long | Int32;

const isUnresolved = (state: State, content: Content): boolean =>
  content !== null &&
  typeof content === 'object' &&
  content.type === 'link' &&
  !hasObject(state, content.table, content.key);

/** Whether lists and sets of the column hide links whose targets do not exist. */
const hidesUnresolved = ({ spec, embedded }: Column): boolean => spec.type === 'link' && !embedded;

/** The items of a list that the application sees. */
export const visibleItems = (state: State, column: Column, list: ListNode): readonly Content[] =>
  hidesUnresolved(column) ? list.items.filter((item) => !isUnresolved(state, item)) : list.items;

/** The position in the list of the item that the application sees at `index`; -1 where there is none. */
export const rawIndex = (state: State, column: Column, list: ListNode, index: number): number => {
  const { items } = list;
  if (!hidesUnresolved(column)) return index >= 0 && index < items.length ? index : -1;
  let visible = -1;
  for (let i = 0; i < items.length; i++)
    if (!isUnresolved(state, items[i] as Content) && ++visible === index) return i;
  return -1;
};

/** The members that the application sees. */
export const visibleMembers = (state: State, set: SetNode): Value[] => {
  const members: Value[] = [];
  forEach(set.members, (member) => {
    if (!isUnresolved(state, member)) members.push(member);
  });
  return members;
};

const put = (record: Record<string, EdgeValue>, name: string, value: EdgeValue): void => {
  // An assignment would set the prototype.
  if (name === '__proto__')
    Object.defineProperty(record, name, { value, enumerable: true, configurable: true, writable: true });
  else record[name] = value;
};

/**
 * What a property, an element or an entry reads as. `column` is its own, or that of the collection that it
 * is in; `nestedColumn` inside mixed values.
 */
export const contentToEdge = (state: State, column: Column, content: Content): EdgeValue => {
  if (content instanceof ObjectNode) return embeddedToEdge(state, column, content);
  const inner = column.spec.collection === 'single' ? nestedColumn : column;
  if (content instanceof ListNode)
    return Object.freeze(
      visibleItems(state, inner, content).map((item) => contentToEdge(state, elementOf(inner), item)),
    );
  if (content instanceof SetNode)
    return Object.freeze(
      visibleMembers(state, content).map((member) => toEdge(member, inner.spec.type === 'mixed')),
    );
  if (content instanceof DictionaryNode) {
    const record: Record<string, EdgeValue> = {};
    forEach(content.entries, (entry, key) => put(record, key, contentToEdge(state, elementOf(inner), entry)));
    return Object.freeze(record);
  }
  if (isUnresolved(state, content)) return null;
  return toEdge(content, column.spec.type === 'mixed');
};

const elements = new WeakMap<Column, Column>();

/** The column's elements or entries, as if they were a property of their own. */
export const elementOf = (column: Column): Column => {
  if (column.spec.collection === 'single') return column;
  let element = elements.get(column);
  if (element === undefined) {
    element = { ...column, spec: { ...column.spec, collection: 'single' } };
    elements.set(column, element);
  }
  return element;
};

const embeddedToEdge = (state: State, column: Column, object: ObjectNode): EdgeValue => {
  const { target } = column.spec;
  const table = target === null ? undefined : findTable(state, target);
  if (table === undefined) throw new Error(`an embedded object of a class that does not exist: ${target}`);
  return recordOf(state, table, object, {});
};

const recordOf = (
  state: State,
  table: Table,
  object: ObjectNode,
  record: Record<string, EdgeValue>,
): ObjectView => {
  for (const column of table.columns)
    put(record, column.name, contentToEdge(state, column, property(object, column)));
  return Object.freeze(record);
};

export const viewOf = (state: State, table: Table, key: Key, object: ObjectNode): ObjectView => {
  const record: Record<string, EdgeValue> = {};
  if (table.spec.type === 'topLevel' && table.spec.primaryKey !== null)
    put(record, table.spec.primaryKey.name, keyToEdge(key));
  return recordOf(state, table, object, record);
};

/** Null first, ints by number, all others by code unit. */
const sortKeys = (keys: Key[]): Key[] => {
  if (!keys.some((key) => keyType(key) === 'int')) return keys.sort();
  return keys
    .map((key) => ({ key, number: keyType(key) === 'int' ? BigInt(key.slice(1)) : null }))
    .sort(({ number: a }, { number: b }) => {
      if (a === null || b === null) return a === b ? 0 : a === null ? -1 : 1;
      return a < b ? -1 : a > b ? 1 : 0;
    })
    .map(({ key }) => key);
};

/** All objects of a class at one moment, in ascending order of primary keys. Each is read when it is asked for. */
export class ObjectsView implements Iterable<ObjectView> {
  readonly size: number;
  private readonly state: State;
  private readonly table: Table;
  private sorted: readonly Key[] | null = null;

  /** Use `objects`. */
  constructor(state: State, table: Table) {
    this.state = state;
    this.table = table;
    this.size = table.objects.size;
  }

  /** The object with this primary key, or null. Throws a ReadError for what cannot be a key of the class. */
  get(key: KeyArgument): ObjectView | null {
    const found = find(this.state, this.table, key);
    if (E.isLeft(found)) throw found.left;
    return found.right;
  }

  /** O(n log n) the first time. */
  keys(): readonly EdgeKey[] {
    return this.sortedKeys().map(keyToEdge);
  }

  *[Symbol.iterator](): Iterator<ObjectView> {
    for (const key of this.sortedKeys()) {
      const object = get(this.table.objects, key);
      if (object !== undefined) yield viewOf(this.state, this.table, key, object);
    }
  }

  filter(accepts: (object: ObjectView) => boolean): ObjectView[] {
    const found: ObjectView[] = [];
    for (const object of this) if (accepts(object)) found.push(object);
    return found;
  }

  map<A>(f: (object: ObjectView) => A): A[] {
    return Array.from(this, f);
  }

  private sortedKeys(): readonly Key[] {
    if (this.sorted === null) {
      const keys: Key[] = [];
      forEach(this.table.objects, (_, key) => keys.push(key as Key));
      this.sorted = sortKeys(keys);
    }
    return this.sorted;
  }
}

const readable = (state: State, className: string): E.Either<ReadError, Table> => {
  const place = printName(String(className));
  const table = findTable(state, className);
  if (table === undefined)
    return E.left(
      new ReadError('unknown-class', place, 'a class that does not exist', 'a class of the data'),
    );
  if (table.spec.type === 'embedded')
    return E.left(
      new ReadError('embedded-class', place, 'an embedded class', 'a class of objects with keys'),
    );
  if (table.spec.asymmetric)
    return E.left(
      new ReadError('asymmetric-class', place, 'an asymmetric class', 'a class whose objects can be read'),
    );
  return E.right(table);
};

const resolve = (table: Table, key: unknown): E.Either<ReadError, Key> => {
  const read = keyFromEdge(table.spec, key);
  return read instanceof Mismatch
    ? E.left(
        new ReadError(
          'wrong-type',
          printName(table.name),
          `${describeFound(key)} as key`,
          `a primary key: ${read.expected}`,
        ),
      )
    : E.right(read);
};

/** The engine's key for a primary key. Left for a class that cannot be read and a key of the wrong type. */
export const resolveKey = (state: State, className: string, key: KeyArgument): E.Either<ReadError, Key> => {
  const table = readable(state, className);
  return E.isLeft(table) ? table : resolve(table.right, key);
};

const find = (state: State, table: Table, key: unknown): E.Either<ReadError, ObjectView | null> => {
  const resolved = resolve(table, key);
  if (E.isLeft(resolved)) return resolved;
  const object = get(table.objects, resolved.right);
  return E.right(object === undefined ? null : viewOf(state, table, resolved.right, object));
};

/** One object, or null where there is none. Left for a class that cannot be read and a key of the wrong type. */
export const readObject = (
  state: State,
  className: string,
  key: KeyArgument,
): E.Either<ReadError, ObjectView | null> => {
  const table = readable(state, className);
  return E.isLeft(table) ? table : find(state, table.right, key);
};

/** All objects of a class. Left for a class that cannot be read. */
export const objects = (state: State, className: string): E.Either<ReadError, ObjectsView> => {
  const table = readable(state, className);
  return E.isLeft(table) ? table : E.right(new ObjectsView(state, table.right));
};

/** Primary keys in ascending order. */
export interface DataChanges {
  readonly insertions: readonly EdgeKey[];
  readonly modifications: readonly EdgeKey[];
  readonly deletions: readonly EdgeKey[];
}

const edgeKeys = (keys: readonly Key[]): readonly EdgeKey[] => sortKeys(keys.slice()).map(keyToEdge);

/**
 * Which objects differ between two versions, by class; classes without any are left out. The rules are
 * those of `difference`: embedded objects count as part of their owners, and an object whose link ceases to
 * resolve because its target was erased is not modified.
 */
export const changes = (before: State, after: State): ReadonlyMap<string, DataChanges> =>
  new Map(
    difference(before, after).map(({ table, inserted, modified, deleted }) => [
      table,
      { insertions: edgeKeys(inserted), modifications: edgeKeys(modified), deletions: edgeKeys(deleted) },
    ]),
  );
