/**
 * A state: all classes and objects of a replica at one moment, as an immutable value.
 *
 * The nodes. An object, top-level or embedded, is a flat array of slots, one per column, by the column's
 * slot number; an unset slot stands for the column's default. A slot holds a value or one of four nodes:
 * embedded object, list, dictionary, set. Lists are arrays; dictionaries and sets are tries, sets keyed by
 * member identity. A link is a plain value that names its target: it is unresolved when no such object
 * exists, and resolves again when one is created, so an erased object leaves nothing behind.
 *
 * Columns keep their slot number for good, and an erased column's number is not given out again: objects
 * need no rewriting when the schema changes, and what an erased column leaves in them cannot be reached.
 *
 * The fields of these classes are written by `apply` only, and only in nodes that the running edit owns
 * (see `core/base/trie.ts`). To everybody else all of it is deeply immutable, and versions share what they
 * have in common.
 *
 * Invariant: every column's target class exists, and so does the class that a stored link names.
 * Source: merge-semantics, sections 1.2 to 1.7.
 */
import type { Fingerprint } from '../base/hash.js';
import { emptyTrie, get, type Owner, type Trie } from '../base/trie.js';
import type { Key } from './key.js';
import type { ColumnSpec, TableSpec } from './schema.js';
import { binary, decimal, float, identical, objectId, timestamp, uuid, type Value } from './value.js';

/** What a slot, an element or an entry can hold. */
export type Content = Value | ObjectNode | ListNode | DictionaryNode | SetNode;

export class ObjectNode {
  readonly type = 'object';
  readonly owner: Owner | null;
  readonly slots: (Content | undefined)[];
  /** Cache of `digest`; null where not computed since the last change. */
  digest: RowDigest | null = null;

  constructor(owner: Owner | null, slots: (Content | undefined)[]) {
    this.owner = owner;
    this.slots = slots;
  }
}

export interface RowDigest {
  /** The schema under which it was computed. */
  readonly era: object;
  readonly fingerprint: Fingerprint;
}

export class ListNode {
  readonly type = 'list';
  readonly owner: Owner | null;
  readonly items: Content[];

  constructor(owner: Owner | null, items: Content[]) {
    this.owner = owner;
    this.items = items;
  }
}

export class DictionaryNode {
  readonly type = 'dictionary';
  readonly owner: Owner | null;
  entries: Trie<Content>;

  constructor(owner: Owner | null, entries: Trie<Content>) {
    this.owner = owner;
    this.entries = entries;
  }
}

export class SetNode {
  readonly type = 'set';
  readonly owner: Owner | null;
  /** By member identity, as the rules of application define it. */
  members: Trie<Value>;
  /** @internal The same, in the order of `bisected-set.ts`; empty in the sets that it does not keep. */
  readonly order: Value[];

  constructor(owner: Owner | null, members: Trie<Value>, order: Value[]) {
    this.owner = owner;
    this.members = members;
    this.order = order;
  }
}

export interface Column {
  readonly name: string;
  readonly spec: ColumnSpec;
  readonly slot: number;
  /** Whether value or elements can be null, by the rules of the type where it has its own. */
  readonly nullable: boolean;
  /** Whether value or elements are embedded objects. */
  readonly embedded: boolean;
  /** What an unset slot of a single column reads as; null for collections. */
  readonly fallback: Value;
}

export class Table {
  readonly owner: Owner | null;
  readonly name: string;
  readonly spec: TableSpec;
  /** In ascending order of names. The primary key is not among them. */
  readonly columns: readonly Column[];
  readonly byName: ReadonlyMap<string, Column>;
  /** The next slot number to be given out. */
  readonly slots: number;
  /** By key; always empty for embedded classes. */
  objects: Trie<ObjectNode>;

  constructor(
    owner: Owner | null,
    name: string,
    spec: TableSpec,
    columns: readonly Column[],
    byName: ReadonlyMap<string, Column>,
    slots: number,
    objects: Trie<ObjectNode>,
  ) {
    this.owner = owner;
    this.name = name;
    this.spec = spec;
    this.columns = columns;
    this.byName = byName;
    this.slots = slots;
    this.objects = objects;
  }
}

export interface State {
  /** By name. */
  readonly tables: Trie<Table>;
  /** Changes identity whenever classes or columns do. */
  readonly era: object;
}

export const emptyState: State = { tables: emptyTrie(), era: {} };

/** Mixed values are always nullable, single links and links in dictionaries too, links in lists and sets never. */
export const isNullable = (spec: ColumnSpec): boolean => {
  if (spec.type === 'mixed') return true;
  if (spec.type === 'link') return spec.collection === 'single' || spec.collection === 'dictionary';
  return spec.nullable;
};

/** What a property reads as before it was ever set. */
export const defaultValue = (spec: ColumnSpec): Value => {
  if (spec.collection !== 'single' || isNullable(spec)) return null;
  switch (spec.type) {
    case 'bool':
      return false;
    case 'int':
      return 0n;
    case 'double':
      return 0;
    case 'string':
      return '';
    case 'float':
      return float(0);
    case 'binary':
      return binary(new Uint8Array(0));
    case 'timestamp':
      return timestamp(0n, 0);
    case 'decimal':
      return decimal('30400000000000000000000000000000');
    case 'objectId':
      return objectId('0'.repeat(24));
    case 'uuid':
      return uuid('0'.repeat(32));
    default:
      return null;
  }
};

/** The column that stands for elements and entries of collections inside mixed values. */
export const nestedColumn: Column = {
  name: '',
  spec: { type: 'mixed', nullable: true, collection: 'single', target: null },
  slot: -1,
  nullable: true,
  embedded: false,
  fallback: null,
};

export const findTable = (state: State, name: string): Table | undefined => get(state.tables, name);

export const findColumn = (table: Table, field: string): Column | undefined => table.byName.get(field);

export const findObject = (state: State, table: string, key: Key): ObjectNode | undefined => {
  const found = get(state.tables, table);
  return found === undefined ? undefined : get(found.objects, key);
};

/** A link that names an object that is not there reads as null, or is hidden, by its place. */
export const hasObject = (state: State, table: string, key: Key): boolean =>
  findObject(state, table, key) !== undefined;

export const isNode = (content: Content): content is Exclude<Content, Value> =>
  content instanceof ObjectNode ||
  content instanceof ListNode ||
  content instanceof DictionaryNode ||
  content instanceof SetNode;

const emptyList = new ListNode(null, []);
const emptyDictionary = new DictionaryNode(null, emptyTrie());
const emptySet = new SetNode(null, emptyTrie(), []);

/** What a property holds, with default values and empty collections where nothing was set. */
export const property = (object: ObjectNode, column: Column): Content => {
  const content = object.slots[column.slot];
  if (content !== undefined) return content;
  switch (column.spec.collection) {
    case 'single':
      return column.fallback;
    case 'list':
      return emptyList;
    case 'dictionary':
      return emptyDictionary;
    case 'set':
      return emptySet;
  }
};

/** Whether a property that holds `content` reads as if it had never been set. */
export const isDefault = ({ spec, fallback }: Column, content: Content): boolean => {
  switch (spec.collection) {
    case 'single':
      return !isNode(content) && identical(content, fallback);
    case 'list':
      return content instanceof ListNode && content.items.length === 0;
    case 'dictionary':
      return content instanceof DictionaryNode && content.entries.size === 0;
    case 'set':
      return content instanceof SetNode && content.members.size === 0;
  }
};
