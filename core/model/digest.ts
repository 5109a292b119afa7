/**
 * A short text that tells whether two states have the same contents: classes, columns, objects, values.
 *
 * It depends on neither history nor slot numbers, and takes unset properties as their defaults. Objects
 * are fingerprinted one by one, kept with the (immutable) object, and summed, so that the digest of a new
 * version costs what has changed and one addition for each object that has not.
 *
 * Not cryptographic: it finds mistakes, not forgery. States that were edited under different rules of set
 * membership have digests that cannot be compared.
 */
import { type Fingerprint, Fingerprinter, fingerprintText } from '../base/hash.js';
import { forEach, get } from '../base/trie.js';
import type { ColumnSpec, TableSpec } from './schema.js';
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
import { type Value, valueId } from './value.js';

const END = 0;
const ITEM = 1;
const OBJECT = 2;
const LIST = 3;
const DICTIONARY = 4;
const SET = 5;
const TEXT = 6;
const BYTES = 7;
const OTHER = 8;

/** 32 hex digits. */
export const digest = (state: State): string => {
  const whole = new Fingerprinter();
  forEach(state.tables, (table, name) => {
    whole.word(ITEM);
    whole.text(name);
    addTableSpec(whole, table.spec);
    for (const column of table.columns) {
      whole.word(ITEM);
      whole.text(column.name);
      addColumnSpec(whole, column.spec);
    }
    whole.word(END);
    whole.word(table.objects.size);
    whole.fingerprint(sumOfObjects(state, table));
  });
  return fingerprintText(whole.done());
};

const addTableSpec = (to: Fingerprinter, spec: TableSpec): void => {
  to.text(spec.type);
  if (spec.type === 'embedded') return;
  to.word(spec.asymmetric ? 1 : 0);
  if (spec.primaryKey === null) return;
  to.text(spec.primaryKey.name);
  to.text(spec.primaryKey.type);
  to.word(spec.primaryKey.nullable ? 1 : 0);
};

const addColumnSpec = (to: Fingerprinter, { type, nullable, collection, target }: ColumnSpec): void => {
  to.text(type);
  to.word(nullable ? 1 : 0);
  to.text(collection);
  to.text(target ?? '');
};

/** A sum, so that no order of objects matters. */
const sumOfObjects = (state: State, table: Table): Fingerprint => {
  let a = 0;
  let b = 0;
  let c = 0;
  let d = 0;
  forEach(table.objects, (object, key) => {
    const f = objectFingerprint(state, table, object, key);
    a = (a + f.a) | 0;
    b = (b + f.b) | 0;
    c = (c + f.c) | 0;
    d = (d + f.d) | 0;
  });
  return { a, b, c, d };
};

const objectFingerprint = (state: State, table: Table, object: ObjectNode, key: string): Fingerprint => {
  if (object.digest !== null && object.digest.era === state.era) return object.digest.fingerprint;
  const to = new Fingerprinter();
  to.text(key);
  addProperties(to, state, table, object);
  const fingerprint = to.done();
  object.digest = { era: state.era, fingerprint };
  return fingerprint;
};

const addProperties = (to: Fingerprinter, state: State, table: Table, object: ObjectNode): void => {
  for (const column of table.columns) {
    const content = object.slots[column.slot];
    if (content === undefined || isDefault(column, content)) continue;
    to.word(ITEM);
    to.text(column.name);
    addContent(to, state, column, content);
  }
  to.word(END);
};

const addContent = (to: Fingerprinter, state: State, column: Column, content: Content): void => {
  if (content instanceof ObjectNode) {
    to.word(OBJECT);
    addProperties(to, state, get(state.tables, column.spec.target ?? '') as Table, content);
  } else if (content instanceof ListNode) {
    to.word(LIST);
    to.word(content.items.length);
    for (const item of content.items) addContent(to, state, column, item);
  } else if (content instanceof DictionaryNode) {
    to.word(DICTIONARY);
    to.word(content.entries.size);
    forEach(content.entries, (entry, key) => {
      to.text(key);
      addContent(to, state, column, entry);
    });
  } else if (content instanceof SetNode) {
    to.word(SET);
    to.word(content.members.size);
    forEach(content.members, (member) => addValue(to, member));
  } else addValue(to, content);
};

const addValue = (to: Fingerprinter, value: Value): void => {
  if (typeof value === 'string') {
    to.word(TEXT);
    to.text(value);
  } else if (typeof value === 'object' && value !== null && value.type === 'binary') {
    to.word(BYTES);
    to.bytes(value.bytes);
  } else {
    to.word(OTHER);
    to.text(valueId(value));
  }
};
