/**
 * Application of Update and AddInteger, at the place where the cursor stands.
 *
 * Source: merge-semantics, section 2.3.
 */
import { emptyTrie } from '../base/trie.js';
import { type Failure, failure } from './apply-error.js';
import type { Edit } from './edit.js';
import { describe, valueFits } from './fits.js';
import type { AddInteger, Update } from './instruction.js';
import { DictionaryNode, ListNode, ObjectNode } from './state.js';
import { addWrapping, isMarker, type Marker } from './value.js';

export const applyUpdate = (edit: Edit, { value }: Update): Failure | null => {
  const { cursor } = edit;
  if (!cursor.isSingle)
    return failure('wrong-place', `found a ${cursor.column.spec.collection}, expected a single value`);
  if (cursor.at === 'element' && cursor.read() === undefined) return cursor.missing();
  if (isMarker(value)) return applyMarker(edit, value);
  const unfit = valueFits(edit.state, cursor.column, value);
  if (unfit !== null) return unfit;
  cursor.write(value);
  return null;
};

const applyMarker = ({ cursor, owner, rules }: Edit, { type }: Marker): Failure | null => {
  const { column, at } = cursor;
  switch (type) {
    case 'erased':
      if (at !== 'entry') break;
      cursor.removeEntry();
      return null;
    case 'objectValue': {
      if (!column.embedded) break;
      // Elements of an embedded list always exist.
      if (at === 'element') return null;
      const exists = (cursor.read() ?? null) !== null;
      if (!exists || (at === 'entry' && rules.replaceEmbeddedEntry)) cursor.write(new ObjectNode(owner, []));
      return null;
    }
    case 'list':
      if (column.spec.type !== 'mixed') break;
      if (!(cursor.read() instanceof ListNode)) cursor.write(new ListNode(owner, []));
      return null;
    case 'dictionary':
      if (column.spec.type !== 'mixed') break;
      if (!(cursor.read() instanceof DictionaryNode)) cursor.write(new DictionaryNode(owner, emptyTrie()));
      return null;
    case 'set':
      break;
  }
  return failure('type-mismatch', `found ${type}, expected ${describe(column)}`);
};

export const applyAddInteger = ({ cursor }: Edit, { value }: AddInteger): Failure | null => {
  const { type } = cursor.column.spec;
  if (cursor.at !== 'property' || !cursor.isSingle)
    return failure('wrong-place', 'only a property of an object can be added to');
  if (type !== 'int' && type !== 'mixed')
    return failure('not-an-integer', `found a property of type ${describe(cursor.column)}`);
  const content = cursor.read();
  if (content === null) return null;
  if (typeof content !== 'bigint') return failure('not-an-integer', 'the mixed value is no integer');
  cursor.write(addWrapping(content, value));
  return null;
};
