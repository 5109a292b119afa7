/**
 * Which values a column takes, and which keys a class. Nothing is converted: an int does not fit a double.
 *
 * Source: merge-semantics, sections 1.2, 1.4 and 2.3; sessions-and-history, section 1.4.
 */
import { get } from '../base/trie.js';
import { type Failure, failure } from './apply-error.js';
import { type Key, keyType } from './key.js';
import type { TableSpec } from './schema.js';
import type { Column, State } from './state.js';
import { isMarker, type Link, type Payload, typeOf, type Value } from './value.js';

/** A primary key of the class's type; null only where that is nullable; a global key only without primary key. */
export const keyFits = (spec: TableSpec, key: Key): Failure | null => {
  if (spec.type === 'embedded')
    return failure('embedded-table', 'the class is embedded, and its objects have no keys');
  const found = keyType(key);
  const { primaryKey } = spec;
  if (primaryKey === null)
    return found === 'globalKey'
      ? null
      : failure('key-type-mismatch', `found a key of type ${found}, expected a global key`);
  if (found === primaryKey.type || (found === 'null' && primaryKey.nullable)) return null;
  return failure(
    'key-type-mismatch',
    `found a key of type ${found}, expected ${primaryKey.type}${primaryKey.nullable ? ' or null' : ''}`,
  );
};

const linkFits = (state: State, column: Column, link: Link): Failure | null => {
  const { type, target } = column.spec;
  if (type !== 'mixed') {
    if (type !== 'link' || column.embedded)
      return failure('type-mismatch', `found a link, expected ${describe(column)}`);
    if (target !== null && target !== link.table)
      return failure('link-target-mismatch', `found a link to ${link.table}, expected one to ${target}`);
  }
  const table = get(state.tables, link.table);
  if (table === undefined)
    return failure('link-target-mismatch', `found a link to ${link.table}, which is not a class`);
  if (table.spec.type === 'embedded')
    return failure('link-target-mismatch', `found a link to ${link.table}, whose objects are embedded`);
  if (table.spec.asymmetric)
    return failure('link-target-mismatch', `found a link to ${link.table}, which is asymmetric`);
  const badKey = keyFits(table.spec, link.key);
  return badKey && failure('link-target-mismatch', `in the link to ${link.table}: ${badKey.detail}`);
};

/** The value or element type of a column, for messages. */
export const describe = (column: Column): string => {
  const { type, target } = column.spec;
  const name = column.embedded
    ? `embedded ${target}`
    : type === 'link' && target !== null
      ? `link to ${target}`
      : type;
  return column.nullable && type !== 'mixed' ? `${name} or null` : name;
};

/** Whether `value` can be the value, an element, an entry or a member of `column`. */
export const valueFits = (state: State, column: Column, value: Value): Failure | null => {
  if (value === null)
    return column.nullable ? null : failure('not-nullable', `found null, expected ${describe(column)}`);
  const found = typeOf(value);
  if (found === 'link') return linkFits(state, column, value as Link);
  const { type } = column.spec;
  if (found === type || type === 'mixed') return null;
  return failure('type-mismatch', `found ${found}, expected ${describe(column)}`);
};

/** As `valueFits`, for places where no marker has a meaning. */
export const memberFits = (state: State, column: Column, payload: Payload): Failure | null =>
  isMarker(payload)
    ? failure('type-mismatch', `found ${payload.type}, expected ${describe(column)}`)
    : valueFits(state, column, payload);
