/**
 * Application of the instructions on lists and sets, and of Clear. For the array instructions the cursor
 * stands at the list, that is at the path without its last element; for the others at the whole path.
 *
 * Source: merge-semantics, section 2.3.
 */
import { emptyTrie, get, type Owner, remove, set } from '../base/trie.js';
import { type Failure, failure } from './apply-error.js';
import type { FloatSets } from './bisected-set.js';
import type { Edit } from './edit.js';
import { describe, memberFits, valueFits } from './fits.js';
import type { ArrayErase, ArrayInsert, ArrayMove, Clear, Path, SetErase, SetInsert } from './instruction.js';
import type { CollectionType } from './schema.js';
import {
  type Column,
  type Content,
  DictionaryNode,
  ListNode,
  nestedColumn,
  ObjectNode,
  SetNode,
} from './state.js';
import { identical, isMarker, type Payload } from './value.js';

/** The last element of the path as an index below `bound`, or what is wrong with it. */
const lastIndex = (path: Path, bound: number): number | Failure => {
  const index = path[path.length - 1];
  if (typeof index !== 'number') return failure('wrong-place', 'the path does not end in an index');
  return inRange(index, bound) ? index : outOfRange(index, bound);
};

const inRange = (index: number, bound: number): boolean =>
  Number.isInteger(index) && index >= 0 && index < bound;

const outOfRange = (index: number, bound: number): Failure =>
  failure('index-out-of-range', `found index ${index}, expected one below ${bound}`);

const notA = (collection: 'list' | 'set', { cursor }: Edit): Failure =>
  cursor.read() === undefined
    ? cursor.missing()
    : failure('wrong-place', `the path does not lead to a ${collection}`);

const wrongSize = (size: number, priorSize: number): Failure =>
  failure('prior-size-mismatch', `the list has ${size} elements, the instruction was made for ${priorSize}`);

const elementFits = (edit: Edit, column: Column, payload: Payload): Failure | null => {
  if (!isMarker(payload)) return valueFits(edit.state, column, payload);
  if (payload.type === 'objectValue' && column.embedded) return null;
  if ((payload.type === 'list' || payload.type === 'dictionary') && column.spec.type === 'mixed') return null;
  return failure('type-mismatch', `found ${payload.type}, expected ${describe(column)}`);
};

/** What a list holds for a payload that fits. */
const newElement = (owner: Owner, payload: Payload): Content => {
  if (!isMarker(payload)) return payload;
  if (payload.type === 'objectValue') return new ObjectNode(owner, []);
  return payload.type === 'list' ? new ListNode(owner, []) : new DictionaryNode(owner, emptyTrie());
};

export const applyArrayInsert = (edit: Edit, { path, value, priorSize }: ArrayInsert): Failure | null => {
  const { cursor, owner } = edit;
  const list = cursor.read();
  if (!(list instanceof ListNode)) return notA('list', edit);
  const size = list.items.length;
  if (size !== priorSize) return wrongSize(size, priorSize);
  const index = lastIndex(path, size + 1);
  if (typeof index !== 'number') return index;
  const unfit = elementFits(edit, cursor.isSingle ? nestedColumn : cursor.column, value);
  if (unfit !== null) return unfit;
  const content = newElement(owner, value);
  // Copying and inserting in one go is several times faster than one after the other.
  if (list.owner !== owner) cursor.write(new ListNode(owner, list.items.toSpliced(index, 0, content)));
  else if (index === size) list.items.push(content);
  else list.items.splice(index, 0, content);
  return null;
};

export const applyArrayMove = (edit: Edit, { path, to, priorSize }: ArrayMove): Failure | null => {
  const list = edit.cursor.openList();
  if (list === null) return notA('list', edit);
  const { items } = list;
  if (items.length !== priorSize) return wrongSize(items.length, priorSize);
  const from = lastIndex(path, items.length);
  if (typeof from !== 'number') return from;
  if (!inRange(to, items.length)) return outOfRange(to, items.length);
  if (from === to) return failure('move-to-same-place', `the element is at ${to} already`);
  items.splice(to, 0, ...items.splice(from, 1));
  return null;
};

export const applyArrayErase = (edit: Edit, { path, priorSize }: ArrayErase): Failure | null => {
  const { cursor, owner } = edit;
  const list = cursor.read();
  if (!(list instanceof ListNode)) return notA('list', edit);
  const { items } = list;
  if (items.length !== priorSize) return wrongSize(items.length, priorSize);
  const index = lastIndex(path, items.length);
  if (typeof index !== 'number') return index;
  if (list.owner !== owner) cursor.write(new ListNode(owner, items.toSpliced(index, 1)));
  else items.splice(index, 1);
  return null;
};

const emptyCollection = (
  { owner }: Edit,
  type: Exclude<CollectionType, 'single'>,
): ListNode | DictionaryNode | SetNode => {
  switch (type) {
    case 'list':
      return new ListNode(owner, []);
    case 'dictionary':
      return new DictionaryNode(owner, emptyTrie());
    case 'set':
      return new SetNode(owner, emptyTrie(), []);
  }
};

export const applyClear = (edit: Edit, { collection }: Clear): Failure | null => {
  const { cursor, rules } = edit;
  const { column } = cursor;
  if (!cursor.isSingle) {
    const own = column.spec.collection;
    // Old senders say `single` for whatever the column is.
    if (own === 'single' || (collection !== 'single' && collection !== own))
      return failure('collection-mismatch', `found a clear of a ${collection}, expected a ${own}`);
    cursor.write(emptyCollection(edit, own));
    return null;
  }
  if (column.spec.type !== 'mixed')
    return failure('wrong-place', `found a property of type ${describe(column)}, expected a collection`);
  if (collection !== 'list' && collection !== 'dictionary')
    return failure(
      'collection-mismatch',
      `found a clear of a ${collection}, but mixed values hold lists and dictionaries`,
    );
  const missing = cursor.read() === undefined;
  if (missing && (cursor.at === 'element' || rules.clearMissingEntry === 'error')) return cursor.missing();
  cursor.write(emptyCollection(edit, collection));
  return null;
};

/** Null for sets that are kept as all others are. */
const floatSets = ({ rules, cursor }: Edit): FloatSets | null => {
  if (rules.floatSets === 'hashed') return null;
  const { type } = cursor.column.spec;
  return type === 'float' || type === 'double' ? rules.floatSets : null;
};

export const applySetInsert = (edit: Edit, { value }: SetInsert): Failure | null => {
  const { cursor, rules, owner } = edit;
  const node = cursor.openSet();
  if (node === null) return notA('set', edit);
  const unfit = memberFits(edit.state, cursor.column, value);
  if (unfit !== null || isMarker(value)) return unfit;
  const special = floatSets(edit);
  if (special !== null) {
    special.insert(node, value, rules.memberId, owner);
    return null;
  }
  const id = rules.memberId(value);
  const present = get(node.members, id);
  const stays = present !== undefined && (rules.insertedAgain === 'kept' || identical(present, value));
  if (!stays) node.members = set(node.members, id, value, owner);
  return null;
};

export const applySetErase = (edit: Edit, { value }: SetErase): Failure | null => {
  const { cursor, rules, owner } = edit;
  const node = cursor.openSet();
  if (node === null) return notA('set', edit);
  const unfit = memberFits(edit.state, cursor.column, value);
  if (unfit !== null || isMarker(value)) return unfit;
  if (value === null && rules.setEraseNull === 'error' && cursor.column.spec.type !== 'mixed')
    return failure('type-mismatch', `found null, expected ${describe(cursor.column)}`);
  const special = floatSets(edit);
  if (special !== null) special.erase(node, value, rules.memberId, owner);
  else node.members = remove(node.members, rules.memberId(value), owner);
  return null;
};
