/**
 * Applications at random: class configurations, and calls of a transaction's methods, most of them valid.
 *
 * A call is chosen by looking at what the transaction can see, and kept as data, so that the same calls can
 * be made again.
 */
import { sortedKeys } from '../../core/base/trie.js';
import type { ClassSchema, Property, Schema } from '../../core/model/class-schema.js';
import { nestedProperty } from '../../core/model/class-schema.js';
import { keyToEdge, toEdge } from '../../core/model/edge.js';
import { type EdgeKey, type EdgeValue, linkTo } from '../../core/model/edge-types.js';
import type { PathElement } from '../../core/model/instruction.js';
import { findTable, type State } from '../../core/model/state.js';
import type { Transaction } from '../../core/session/transaction.js';
import { tableKeys, valuesOf } from './alphabet.js';
import { once, pick, type Random } from './random.js';

const suffixes = { single: '', list: '[]', set: '<>', dictionary: '{}' } as const;

/**
 * The configuration of all classes of a state that can be configured (not those without primary key). With
 * chance, some properties get defaults.
 */
export const configOf = (state: State, random: Random | null = null): readonly unknown[] => {
  const names = sortedKeys(state.tables);
  const configs: unknown[] = [];
  for (const name of names) {
    const table = findTable(state, name);
    if (table === undefined) continue;
    const { spec } = table;
    const properties: Record<string, unknown> = {};
    for (const column of table.columns) {
      const { type, target, collection, nullable } = column.spec;
      const isFree = type !== 'link' && type !== 'mixed';
      const short = `${target ?? type}${isFree && nullable ? '?' : ''}${suffixes[collection]}`;
      const property = { name: column.name, column: column.spec, embedded: null, default: undefined };
      const hasDefault = random !== null && type !== 'link' && once(random, 3);
      properties[column.name] = hasDefault
        ? { type: short, default: propertyValue(random, property, 3) }
        : short;
    }
    if (spec.type === 'embedded') configs.push({ name, kind: 'embedded', properties });
    else if (spec.primaryKey !== null) {
      properties[spec.primaryKey.name] = `${spec.primaryKey.type}${spec.primaryKey.nullable ? '?' : ''}`;
      const kind = spec.asymmetric ? 'asymmetric' : 'object';
      configs.push({ name, kind, primaryKey: spec.primaryKey.name, properties });
    }
  }
  return configs;
};

const arrayOf = <A>(random: Random, make: () => A): A[] => Array.from({ length: random.int(4) }, make);

const recordOf = <A>(random: Random, make: () => A): Record<string, A> => {
  const record: Record<string, A> = {};
  for (let i = random.int(3); i > 0; i--) record[pick(random, ['k', 'l', '', '__proto_'])] = make();
  return record;
};

const mixedValue = (random: Random, depth: number): unknown => {
  if (depth > 0 && once(random, 3))
    return once(random, 2)
      ? recordOf(random, () => mixedValue(random, depth - 1))
      : arrayOf(random, () => mixedValue(random, depth - 1));
  if (once(random, 6)) return null;
  return toEdge(pick(random, pick(random, Object.values(valuesOf))), true);
};

const keysOf = (className: string): readonly EdgeKey[] => (tableKeys.get(className) ?? []).map(keyToEdge);

/** A value, element or entry that mostly fits; links may lead nowhere. Without a schema, no embedded objects. */
export const slotValue = (
  random: Random,
  property: Property,
  depth: number,
  schema: Schema | null,
): unknown => {
  const { type, nullable, target } = property.column;
  if (type === 'mixed') {
    if (schema !== null && once(random, 6)) return linkTo('A', pick(random, keysOf('A')));
    return mixedValue(random, depth);
  }
  if (nullable && once(random, 5)) return null;
  if (property.embedded !== null) {
    const shape = schema?.byName.get(property.embedded);
    return shape === undefined || schema === null ? null : someProperties(random, shape, depth - 1, schema);
  }
  if (type === 'link') {
    const className = target ?? pick(random, ['A', 'B']);
    return linkTo(className, pick(random, keysOf(className)));
  }
  return toEdge(pick(random, valuesOf[type]), false);
};

/** The contents of a whole property. */
export const propertyValue = (
  random: Random,
  property: Property,
  depth: number,
  schema: Schema | null = null,
): unknown => {
  // Sets of mixed values hold no collections.
  const inner = property.column.collection === 'set' ? 0 : depth;
  const slot = (): unknown => slotValue(random, property, inner, schema);
  switch (property.column.collection) {
    case 'single':
      return slot();
    case 'list':
      return arrayOf(random, slot);
    case 'set':
      return once(random, 2) ? new Set(arrayOf(random, slot)) : arrayOf(random, slot);
    case 'dictionary':
      return once(random, 2) ? new Map(Object.entries(recordOf(random, slot))) : recordOf(random, slot);
  }
};

const someProperties = (
  random: Random,
  shape: ClassSchema,
  depth: number,
  schema: Schema,
): Record<string, unknown> => {
  const given: Record<string, unknown> = {};
  for (const property of shape.properties)
    if (random.int(3) > 0 && (depth > 0 || property.embedded === null))
      given[property.name] = propertyValue(random, property, depth, schema);
  return given;
};

interface Target {
  readonly className: string;
  readonly key: EdgeKey;
  readonly path: readonly [string, ...PathElement[]];
}

type Editor = 'list' | 'setOf' | 'dictionary';

/** A call of one method. */
export type Call =
  | {
      readonly do: 'create' | 'update';
      readonly className: string;
      readonly key: EdgeKey;
      readonly given: object;
    }
  | { readonly do: 'delete'; readonly className: string; readonly key: EdgeKey }
  | ({ readonly do: 'set'; readonly value: unknown } & Target)
  | ({ readonly do: 'increment'; readonly by: unknown } & Target)
  | ({ readonly do: Editor; readonly method: string; readonly args: readonly unknown[] } & Target);

/** Makes the call; throws what it throws. */
export const perform = (tx: Transaction, call: Call): unknown => {
  switch (call.do) {
    case 'create':
      return tx.create(call.className, { _id: call.key, ...call.given });
    case 'update':
      return tx.update(call.className, call.key, { ...call.given });
    case 'delete':
      return tx.delete(call.className, call.key);
    case 'set':
      return tx.set(call.className, call.key, call.path, call.value);
    case 'increment':
      return tx.increment(call.className, call.key, call.path, call.by);
    default: {
      const editor: object = tx[call.do](call.className, call.key, call.path);
      const method: unknown = Reflect.get(editor, call.method);
      if (typeof method !== 'function') throw new Error(`no method ${call.method}`);
      return method.apply(editor, call.args);
    }
  }
};

/** What a path leads to, as the transaction shows it, and what the schema says of it. */
interface Seen extends Target {
  readonly property: Property;
  readonly isCollection: boolean;
  readonly value: EdgeValue | undefined;
}

const isRecord = (value: unknown): value is Readonly<Record<string, EdgeValue>> =>
  typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;

const look = (random: Random, tx: Transaction, schema: Schema): Seen | null => {
  const shapes = schema.classes.filter(({ spec }) => spec.type === 'topLevel' && !spec.asymmetric);
  const shape = pick(random, shapes);
  const className = shape.name;
  const key = pick(random, keysOf(className));
  const object = tx.object(className, key);
  if (object === null || shape.properties.length === 0) return null;
  let property = pick(random, shape.properties);
  let isCollection = property.column.collection !== 'single';
  let value = object[property.name];
  const path: [string, ...PathElement[]] = [property.name];
  while (path.length < 4 && random.int(4) > 0) {
    const inner = property.embedded === null ? undefined : schema.byName.get(property.embedded);
    let element: PathElement;
    if (Array.isArray(value)) {
      if (property.column.collection === 'set' && isCollection) break;
      element = random.int(value.length + (once(random, 8) ? 1 : 0) || 1);
      value = value[element];
      property = isCollection ? property : nestedProperty;
      isCollection = false;
    } else if (isRecord(value) && inner !== undefined && !isCollection) {
      if (inner.properties.length === 0) break;
      property = pick(random, inner.properties);
      isCollection = property.column.collection !== 'single';
      element = property.name;
      value = value[element];
    } else if (isRecord(value)) {
      element = pick(random, [...Object.keys(value), 'k']);
      value = value[element];
      property = isCollection ? property : nestedProperty;
      isCollection = false;
    } else break;
    path.push(element);
  }
  return { className, key, path, property, isCollection, value };
};

const onCollection = (random: Random, seen: Seen, schema: Schema): Call | null => {
  const { className, key, path, property, isCollection, value } = seen;
  const item = isCollection ? property : nestedProperty;
  const target = { className, key, path };
  const make = (): unknown => slotValue(random, item, 2, schema);
  if (isCollection && item.column.collection === 'set') {
    const method = pick(random, ['add', 'add', 'delete', 'has', 'clear', 'values']);
    return { do: 'setOf', ...target, method, args: [slotValue(random, item, 0, schema)] };
  }
  if (Array.isArray(value)) {
    const index = (): number => random.int(value.length + (once(random, 6) ? 2 : 0) || 1);
    const calls: readonly (readonly [string, readonly unknown[]])[] = [
      ['push', [make()]],
      ['insert', [index(), make(), make()]],
      ['set', [index(), make()]],
      ['move', [index(), index()]],
      ['swap', [index(), index()]],
      ['remove', [index()]],
      ['assign', [arrayOf(random, make)]],
      ['clear', []],
      ['get', [index()]],
    ];
    const [method, args] = pick(random, calls);
    return { do: 'list', ...target, method, args };
  }
  if (!isRecord(value) || (property.embedded !== null && !isCollection)) return null;
  const entry = (): string => pick(random, [...Object.keys(value), 'k', 'l']);
  const calls: readonly (readonly [string, readonly unknown[]])[] = [
    ['set', [entry(), make()]],
    ['delete', [entry()]],
    ['get', [entry()]],
    ['clear', []],
  ];
  const [method, args] = pick(random, calls);
  return { do: 'dictionary', ...target, method, args };
};

const nonsense: readonly unknown[] = [
  undefined,
  null,
  5,
  'text',
  Symbol('s'),
  [[]],
  { odd: 1 },
  new Date(Number.NaN),
];

/** The next call, most often one that succeeds. */
export const randomCall = (random: Random, tx: Transaction, schema: Schema): Call => {
  const shapes = schema.classes.filter(({ spec }) => spec.type === 'topLevel');
  const shape = pick(random, shapes);
  const key = pick(random, keysOf(shape.name));
  const create: Call = {
    do: 'create',
    className: shape.name,
    key,
    given: someProperties(random, shape, 3, schema),
  };
  switch (random.int(12)) {
    case 0:
    case 1:
      return create;
    case 2:
      return { do: 'delete', className: shape.name, key };
    case 3:
      return { do: 'update', className: shape.name, key, given: someProperties(random, shape, 2, schema) };
    default:
  }
  const seen = look(random, tx, schema);
  if (seen === null) return create;
  if (once(random, 2)) {
    const edit = onCollection(random, seen, schema);
    if (edit !== null) return edit;
  }
  const { className, path, property, isCollection } = seen;
  const target = { className, key: seen.key, path };
  if (property.column.type === 'int' && !isCollection && once(random, 2))
    return { do: 'increment', ...target, by: toEdge(pick(random, valuesOf.int), once(random, 2)) };
  if (once(random, 12)) return { do: 'set', ...target, value: pick(random, nonsense) };
  const value = isCollection
    ? propertyValue(random, property, 2, schema)
    : slotValue(random, property, 2, schema);
  return { do: 'set', ...target, value };
};
