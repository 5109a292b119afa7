/**
 * Objects as documents: what a back end sees of them. A document has all properties of its class, the primary key
 * first, and the field of the partition key, whether or not the class has a property for it.
 *
 * Values are those that applications know (`core/model/edge.ts`). A link to an object of one class is the primary key
 * of that object; a link to any class says the class, too. As on devices, a link to what is not there reads as null,
 * or is hidden in lists and sets.
 */
import { type Form, type FormRecord, recordForm, scalarForm } from '../access/document-form.js';
import type { PartitionValue } from '../access/partition-value.js';
import { forEach } from '../base/trie.js';
import { keyToEdge, toEdge } from '../model/edge.js';
import type { EdgeRecord, EdgeValue } from '../model/edge-types.js';
import { type Key, keyType, keyValue } from '../model/key.js';
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
import { isLink, type Value } from '../model/value.js';
import { elementOf, visibleItems, visibleMembers } from './view.js';

export type Document = EdgeRecord;

/** Which field says the partition, and what it says; undefined where documents are in none, and the field is what is stored. */
export interface PartitionField {
  readonly name: string;
  readonly value: PartitionValue | undefined;
}

/** What documents are built of: forms to compare, or values to hand out. */
interface Builder<A> {
  readonly scalar: (value: Value, isMixed: boolean) => A;
  readonly key: (key: Key) => A;
  readonly list: (items: readonly A[]) => A;
  readonly record: (entries: readonly (readonly [string, A])[]) => A;
}

const edges: Builder<EdgeValue> = {
  scalar: toEdge,
  key: keyToEdge,
  list: (items) => Object.freeze(items),
  record: (entries) => Object.freeze(Object.fromEntries(entries)),
};

const forms: Builder<Form> = {
  scalar: scalarForm,
  key: (key) => scalarForm(keyType(key) === 'globalKey' ? key.slice(1) : keyValue(key)),
  list: (items) => items,
  record: recordForm,
};

/** O(size of the object), as all below. */
export const documentOf = (
  state: State,
  table: Table,
  key: Key,
  object: ObjectNode,
  partition: PartitionField,
): Document => new Reader(state, edges).top(table, key, object, partition) as Document;

/** The same in the form that filters look at. */
export const documentForm = (
  state: State,
  table: Table,
  key: Key,
  object: ObjectNode,
  partition: PartitionField,
): FormRecord => new Reader(state, forms).top(table, key, object, partition) as FormRecord;

class Reader<A> {
  private readonly state: State;
  private readonly build: Builder<A>;

  constructor(state: State, build: Builder<A>) {
    this.state = state;
    this.build = build;
  }

  top(table: Table, key: Key, object: ObjectNode, { name, value }: PartitionField): A {
    const entries: (readonly [string, A])[] = [];
    if (table.spec.type === 'topLevel' && table.spec.primaryKey !== null)
      entries.push([table.spec.primaryKey.name, this.build.key(key)]);
    for (const column of table.columns)
      if (column.name !== name || value === undefined) entries.push(this.column(object, column));
    if (value !== undefined) entries.push([name, this.build.scalar(value, false)]);
    return this.build.record(entries);
  }

  private column(object: ObjectNode, column: Column): readonly [string, A] {
    return [column.name, this.content(column, property(object, column))];
  }

  private content(column: Column, content: Content): A {
    const { spec } = column;
    const inner = spec.collection === 'single' ? nestedColumn : column;
    if (content instanceof ObjectNode) {
      const table = findTable(this.state, spec.target ?? '');
      if (table === undefined)
        throw new Error(`an embedded object of a class that does not exist: ${spec.target}`);
      return this.build.record(table.columns.map((each) => this.column(content, each)));
    }
    if (content instanceof ListNode)
      return this.build.list(
        visibleItems(this.state, inner, content).map((item) => this.content(elementOf(inner), item)),
      );
    if (content instanceof SetNode)
      return this.build.list(visibleMembers(this.state, content).map((member) => this.value(inner, member)));
    if (content instanceof DictionaryNode) {
      const entries: (readonly [string, A])[] = [];
      forEach(content.entries, (entry, key) => entries.push([key, this.content(elementOf(inner), entry)]));
      return this.build.record(entries);
    }
    return this.value(column, content);
  }

  private value({ spec }: Column, value: Value): A {
    if (value !== null && isLink(value)) {
      if (!hasObject(this.state, value.table, value.key)) return this.build.scalar(null, false);
      if (spec.type === 'link' && spec.target !== null) return this.build.key(value.key);
    }
    return this.build.scalar(value, spec.type === 'mixed');
  }
}
