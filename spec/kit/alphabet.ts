/**
 * The small alphabet of classes, columns, keys and values that random schemas, states and instructions are
 * made of. It is small so that things collide.
 *
 * Classes `A` (int keys), `B` (nullable string keys), `C` (keys of object ids) are top-level, `E` is
 * embedded, `G` has no primary key. What a class or column is called decides its shape, so replicas that
 * change their schemas independently agree.
 */
import {
  globalKey,
  intKey,
  type Key,
  type KeyType,
  nullKey,
  objectIdKey,
  stringKey,
  uuidKey,
} from '../../core/model/key.js';
import type { CollectionType, ColumnSpec, ElementType, TableSpec } from '../../core/model/schema.js';
import {
  binary,
  decimal,
  doubleFromBits,
  float,
  floatFromBits,
  objectId,
  type ScalarType,
  timestamp,
  uuid,
  type Value,
} from '../../core/model/value.js';

const topLevel = (type: KeyType, nullable = false): TableSpec => ({
  type: 'topLevel',
  primaryKey: { name: '_id', type, nullable },
  asymmetric: false,
});

/** All classes there can be. */
export const tableSpecs: ReadonlyMap<string, TableSpec> = new Map<string, TableSpec>([
  ['A', topLevel('int')],
  ['B', topLevel('string', true)],
  ['C', topLevel('objectId')],
  ['E', { type: 'embedded' }],
  ['G', { type: 'topLevel', primaryKey: null, asymmetric: false }],
]);

/** Classes with the types of keys that `A` and `B` do not have, for those who ask for them by name. */
export const keyedTables: ReadonlyMap<string, TableSpec> = new Map<string, TableSpec>([
  ['C', topLevel('objectId')],
  ['D', topLevel('uuid')],
  ['I', topLevel('int', true)],
  ['O', topLevel('objectId', true)],
  ['S', topLevel('string')],
  ['U', topLevel('uuid', true)],
]);

/** All keys that objects of a class can have. */
export const tableKeys: ReadonlyMap<string, readonly Key[]> = new Map<string, readonly Key[]>([
  ['A', [intKey(1n), intKey(2n), intKey(3n)]],
  ['B', [stringKey('a'), stringKey('b'), nullKey]],
  ['C', [objectIdKey('0'.repeat(24)), objectIdKey('f'.repeat(24))]],
  ['D', [uuidKey('0'.repeat(32)), uuidKey('f'.repeat(32))]],
  ['G', [globalKey(0n, 1n), globalKey(2n, 1n)]],
  ['I', [intKey(1n), intKey(2n), nullKey]],
  ['O', [objectIdKey('0'.repeat(24)), nullKey]],
  ['S', [stringKey('a'), stringKey('b')]],
  ['U', [uuidKey('0'.repeat(32)), nullKey]],
]);

const types: readonly (readonly [string, ElementType, string | null])[] = [
  ['int', 'int', null],
  ['string', 'string', null],
  ['bool', 'bool', null],
  ['double', 'double', null],
  ['float', 'float', null],
  ['decimal', 'decimal', null],
  ['binary', 'binary', null],
  ['timestamp', 'timestamp', null],
  ['objectId', 'objectId', null],
  ['uuid', 'uuid', null],
  ['mixed', 'mixed', null],
  ['linkA', 'link', 'A'],
  ['linkB', 'link', 'B'],
  ['embedded', 'link', 'E'],
];

const collections: readonly (readonly [string, CollectionType])[] = [
  ['', 'single'],
  ['l_', 'list'],
  ['s_', 'set'],
  ['d_', 'dictionary'],
];

/** All columns that a class can have, such as `int`, `int_null`, `l_mixed`, `d_embedded`. */
export const columnSpecs: ReadonlyMap<string, ColumnSpec> = (() => {
  const specs = new Map<string, ColumnSpec>();
  for (const [prefix, collection] of collections)
    for (const [name, type, target] of types) {
      if (name === 'embedded' && collection === 'set') continue;
      const nullable =
        type === 'mixed' || (type === 'link' && (collection === 'single' || collection === 'dictionary'));
      specs.set(prefix + name, { type, nullable, collection, target });
      if (type !== 'mixed' && type !== 'link')
        specs.set(`${prefix}${name}_null`, { type, nullable: true, collection, target });
    }
  specs.set('linkAny', { type: 'link', nullable: true, collection: 'single', target: null });
  specs.set('l_linkAny', { type: 'link', nullable: false, collection: 'list', target: null });
  return specs;
})();

/** The columns that merges care about; the others differ from them in the type of their values only. */
export const coreColumns: readonly string[] = [
  'int',
  'int_null',
  'string',
  'mixed',
  'linkA',
  'embedded',
  'l_int',
  'l_mixed',
  'l_linkB',
  'l_embedded',
  's_int',
  's_mixed',
  's_linkA',
  'd_int',
  'd_mixed',
  'd_linkB',
  'd_embedded',
];

export const valuesOf: Readonly<Record<Exclude<ScalarType, 'link'>, readonly Value[]>> = {
  bool: [false, true],
  int: [0n, 1n, -1n, 2n, 2n ** 63n - 1n, -(2n ** 63n)],
  double: [0, 1, 1.5, -0, Number.NaN, doubleFromBits(0x7ff8000000000001n), Number.POSITIVE_INFINITY],
  float: [float(0), float(1), float(-0), floatFromBits(0x7fc00001)],
  string: ['', 'a', 'b', 'ä\ud83d\ude00'],
  binary: [binary(new Uint8Array(0)), binary(new Uint8Array([1])), binary(new Uint8Array([1, 255]))],
  timestamp: [timestamp(0n, 0), timestamp(1n, 999_999_999), timestamp(-1n, -1)],
  // 0, 1, 1.00, -0, NaN
  decimal: [
    decimal('30400000000000000000000000000000'),
    decimal('30400000000000000000000000000001'),
    decimal('303c0000000000000000000000000064'),
    decimal('b0400000000000000000000000000000'),
    decimal('7c000000000000000000000000000000'),
  ],
  objectId: [objectId('0'.repeat(24)), objectId('f'.repeat(24))],
  uuid: [uuid('0'.repeat(32)), uuid('f'.repeat(32))],
};
