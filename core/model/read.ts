/**
 * Reading a state, or a draft in the middle, by the place names of instructions.
 *
 * Source: merge-semantics, sections 1.7 and 2.2.
 */
import { get } from '../base/trie.js';
import { type Failure, failure } from './apply-error.js';
import { Cursor } from './cursor.js';
import type { Path } from './instruction.js';
import type { Key } from './key.js';
import { type Column, DictionaryNode, ListNode, ObjectNode, SetNode, type State } from './state.js';
import type { Value } from './value.js';

/**
 * What is at a place. `column` is the property's, or that of the collection whose element or entry it is;
 * inside mixed values it stands for mixed. For collections it gives the type of what they hold.
 */
export type Reading =
  | { readonly kind: 'value'; readonly column: Column; readonly value: Value }
  | { readonly kind: 'embedded'; readonly column: Column; readonly node: ObjectNode }
  | { readonly kind: 'list'; readonly column: Column; readonly node: ListNode }
  | { readonly kind: 'dictionary'; readonly column: Column; readonly node: DictionaryNode }
  | { readonly kind: 'set'; readonly column: Column; readonly node: SetNode }
  /** Nothing is there; `failure` says what is missing on the way, or that the path can lead nowhere. */
  | { readonly kind: 'absent'; readonly failure: Failure };

const absent = (found: Failure): Reading => ({ kind: 'absent', failure: found });

/** Unset properties read as their defaults: a value, or an empty collection. */
export const read = (state: State, table: string, key: Key, field: string, path: Path): Reading => {
  const found = get(state.tables, table);
  if (found === undefined) return absent(failure('no-such-table', `there is no class ${table}`));
  const object = get(found.objects, key);
  if (object === undefined) return absent(failure('no-such-object', 'there is no such object'));
  const cursor = new Cursor();
  const outside = cursor.enter(object, found, field);
  if (outside !== null) return absent(outside);
  for (const element of path) {
    const stuck = cursor.step(state, element);
    if (stuck !== null) return absent(stuck);
  }
  const content = cursor.read();
  if (content === undefined) return absent(cursor.missing());
  const { column } = cursor;
  if (content instanceof ObjectNode) return { kind: 'embedded', column, node: content };
  if (content instanceof ListNode) return { kind: 'list', column, node: content };
  if (content instanceof DictionaryNode) return { kind: 'dictionary', column, node: content };
  if (content instanceof SetNode) return { kind: 'set', column, node: content };
  return { kind: 'value', column, value: content };
};
