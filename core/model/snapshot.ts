/**
 * A state as instructions: the canonical sequence that builds it from the empty state.
 *
 * Classes come first, since columns name them as targets, then the columns, then the objects, each sorted
 * by name or key. Only what differs from the defaults is written. States of equal contents give equal
 * sequences, and applying the sequence gives a state of equal contents.
 */
import { forEach, get, sortedKeys } from '../base/trie.js';
import type { Instruction, Path } from './instruction.js';
import * as make from './instruction.js';
import type { Key } from './key.js';
import {
  type Column,
  type Content,
  DictionaryNode,
  isDefault,
  ListNode,
  ObjectNode,
  SetNode,
  type State,
  type Table,
} from './state.js';
import { dictionary, list, objectValue, type Payload } from './value.js';

/** Time and memory in proportion to the state. */
export const toInstructions = (state: State): Instruction[] => {
  const out = schemaOf(state);
  for (const table of tablesByName(state))
    for (const key of sortedKeys(table.objects)) {
      objectInstructions(state, table, key as Key, get(table.objects, key) as ObjectNode, out);
    }
  return out;
};

/** Adds what makes one object, with all that is in it, to `out`. */
export const objectInstructions = (
  state: State,
  table: Table,
  key: Key,
  object: ObjectNode,
  out: Instruction[],
): void => {
  out.push(make.createObject(table.name, key));
  new Writer(state, out, table.name, key).properties(table, object);
};

/** What makes the classes, without objects. */
export const schemaOf = (state: State): Instruction[] => {
  const out: Instruction[] = [];
  const tables = tablesByName(state);
  for (const { name, spec } of tables) out.push(make.addTable(name, spec));
  for (const { name, columns } of tables)
    for (const column of columns) out.push(make.addColumn(name, column.name, column.spec));
  return out;
};

const tablesByName = (state: State): Table[] =>
  sortedKeys(state.tables).map((name) => get(state.tables, name) as Table);

/** What instructions carry to make `content`, before anything is put into it. */
const payloadOf = (content: Content): Payload => {
  if (content instanceof ObjectNode) return objectValue;
  if (content instanceof ListNode) return list;
  if (content instanceof DictionaryNode) return dictionary;
  if (content instanceof SetNode) throw new Error('a set can be a property only');
  return content;
};

class Writer {
  private readonly state: State;
  private readonly out: Instruction[];
  private readonly table: string;
  private readonly object: Key;
  private field = '';

  constructor(state: State, out: Instruction[], table: string, object: Key) {
    this.state = state;
    this.out = out;
    this.table = table;
    this.object = object;
  }

  properties(table: Table, object: ObjectNode): void {
    for (const column of table.columns) {
      this.field = column.name;
      this.property(column, object, []);
    }
  }

  private property(column: Column, object: ObjectNode, path: Path): void {
    const content = object.slots[column.slot];
    if (content === undefined || isDefault(column, content)) return;
    if (column.spec.collection === 'single')
      this.out.push(make.update(this.table, this.object, this.field, path, payloadOf(content)));
    this.inside(column, content, path);
  }

  /** All that is in `content`, which is at `path`; the instruction that makes it is out already. */
  private inside(column: Column, content: Content, path: Path): void {
    if (content instanceof ObjectNode) {
      const table = get(this.state.tables, column.spec.target ?? '') as Table;
      for (const inner of table.columns) this.property(inner, content, [...path, inner.name]);
    } else if (content instanceof ListNode) {
      content.items.forEach((item, index) => {
        const at = [...path, index];
        this.out.push(make.arrayInsert(this.table, this.object, this.field, at, payloadOf(item), index));
        this.inside(column, item, at);
      });
    } else if (content instanceof DictionaryNode) {
      for (const key of sortedKeys(content.entries)) {
        const at = [...path, key];
        const entry = get(content.entries, key) as Content;
        this.out.push(make.update(this.table, this.object, this.field, at, payloadOf(entry)));
        this.inside(column, entry, at);
      }
    } else if (content instanceof SetNode) {
      forEach(content.members, (member) => {
        this.out.push(make.setInsert(this.table, this.object, this.field, path, member));
      });
    }
  }
}
