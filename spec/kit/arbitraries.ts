/**
 * Arbitraries of everything an instruction can say, without regard to any state: values, keys, shapes,
 * well-formed instructions and changesets.
 *
 * Names, keys and indices come mostly from small alphabets, so that things collide; strings now and then
 * are nasty: empty, quotes and escapes, separators, lone surrogates, names of built-in properties.
 */
import fc, { type Arbitrary } from 'fast-check';
import type { Changeset } from '../../core/model/changeset.js';
import {
  addColumn,
  addInteger,
  addTable,
  arrayErase,
  arrayInsert,
  arrayMove,
  clear,
  createObject,
  eraseColumn,
  eraseObject,
  eraseTable,
  type Instruction,
  type Path,
  type PathElement,
  setErase,
  setInsert,
  update,
  updateElement,
} from '../../core/model/instruction.js';
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
import type { CollectionType, ColumnSpec, TableSpec } from '../../core/model/schema.js';
import {
  binary,
  type Decimal,
  decimal,
  dictionary,
  doubleFromBits,
  erased,
  type Float,
  float,
  floatFromBits,
  type Link,
  link,
  list,
  type Marker,
  type OddNaN,
  objectId,
  objectValue,
  type Payload,
  type ScalarType,
  set,
  type Timestamp,
  timestamp,
  uuid,
  type Value,
} from '../../core/model/value.js';

const INT64_MAX = 2n ** 63n - 1n;
const INT64_MIN = -(2n ** 63n);
const UINT64_MAX = 2n ** 64n - 1n;
const UINT32_MAX = 2 ** 32 - 1;

const nastyStrings: Arbitrary<string> = fc.oneof(
  fc.constantFrom(
    '',
    ' ',
    '`',
    '"',
    "'",
    '\\',
    '\\`',
    '\\"',
    '\n',
    '\r\n',
    '\u0000',
    '\u007f',
    '\u0085',
    '\u2028',
    '\u202e',
    '\ufeff',
    '\ud800',
    '\udc00\ud800',
    'a\udfff',
    '\u{1f6eb}',
    '.',
    '[0]',
    '["a"]',
    'null',
    'keyless',
    'default',
    'of',
    '__proto__',
    'constructor',
    'toString',
    'ä',
    'a\u0308',
  ),
  fc.string({ unit: 'binary', maxLength: 6 }),
  // Any code units, so that surrogates stand alone.
  fc
    .array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 6 })
    .map((units) => String.fromCharCode(...units)),
);

const mostly = <T>(usual: Arbitrary<T>, rare: Arbitrary<T>): Arbitrary<T> =>
  fc.oneof({ weight: 4, arbitrary: usual }, { weight: 1, arbitrary: rare });

export const strings: Arbitrary<string> = mostly(fc.constantFrom('', 'a', 'b', 'ab'), nastyStrings);
export const tableNames: Arbitrary<string> = mostly(fc.constantFrom('A', 'B', 'C'), nastyStrings);
export const fieldNames: Arbitrary<string> = mostly(fc.constantFrom('a', 'b', 'c', '_id'), nastyStrings);

export const ints: Arbitrary<bigint> = mostly(
  fc.constantFrom(-1n, 0n, 1n, 2n),
  fc.oneof(fc.constantFrom(INT64_MIN, INT64_MAX), fc.bigInt({ min: INT64_MIN, max: INT64_MAX })),
);

const hex = (digits: number): Arbitrary<string> =>
  mostly(
    fc.constantFrom('0', '1', 'f').map((digit) => digit.padStart(digits, '0')),
    fc.bigInt({ min: 0n, max: 16n ** BigInt(digits) - 1n }).map((n) => n.toString(16).padStart(digits, '0')),
  );

const smallIntKeys = fc.constantFrom(1n, 2n, 3n).map(intKey);

/** Keys of one type of primary key; `globalKey` for those of classes without one. */
export const keysOf = (type: KeyType | 'globalKey'): Arbitrary<Key> => {
  switch (type) {
    case 'int':
      return mostly(smallIntKeys, ints.map(intKey));
    case 'string':
      return strings.map(stringKey);
    case 'objectId':
      return hex(24).map(objectIdKey);
    case 'uuid':
      return hex(32).map(uuidKey);
    case 'globalKey': {
      const half = mostly(fc.constantFrom(0n, 1n), fc.bigInt({ min: 0n, max: UINT64_MAX }));
      return fc.tuple(half, half).map(([hi, lo]) => globalKey(hi, lo));
    }
  }
};

/** Keys of all types; mostly few different ones. */
export const keys: Arbitrary<Key> = mostly(
  smallIntKeys,
  fc.oneof(
    fc.constant(nullKey),
    keysOf('int'),
    keysOf('string'),
    keysOf('objectId'),
    keysOf('uuid'),
    keysOf('globalKey'),
  ),
);

const floats: Arbitrary<Float> = fc.oneof(
  fc.constantFrom(0, -0, 1, 1.5, 0.1, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY).map(float),
  fc.constantFrom(0x7fc00000, 0x7fc00001, 0xffc00000, 0x7f800001, 0x00000001, 0x7f7fffff).map(floatFromBits),
  fc.integer({ min: 0, max: UINT32_MAX }).map(floatFromBits),
);

const doubles: Arbitrary<number | OddNaN> = fc.oneof(
  fc.constantFrom(0, -0, 1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, Number.MIN_VALUE, 2 ** 53),
  fc
    .constantFrom(0x7ff8000000000000n, 0x7ff8000000000001n, 0xfff8000000000000n, 0x7ff0000000000001n)
    .map(doubleFromBits),
  fc.bigInt({ min: 0n, max: UINT64_MAX }).map(doubleFromBits),
);

const timestamps: Arbitrary<Timestamp> = fc
  .tuple(
    ints,
    fc.oneof(fc.constantFrom(0, 1, 999_999_999), fc.integer({ min: 0, max: 999_999_999 })),
    fc.boolean(),
  )
  .map(([seconds, nanoseconds, negative]) => {
    const sign = seconds < 0n || (seconds === 0n && negative);
    return timestamp(seconds, sign && nanoseconds !== 0 ? -nanoseconds : nanoseconds);
  });

/** 1 and 1.00, 0 and -0, NaN, infinity; and any bits. */
const decimals: Arbitrary<Decimal> = fc
  .oneof(
    fc.constantFrom(
      '30400000000000000000000000000001',
      '303c0000000000000000000000000064',
      '30400000000000000000000000000000',
      'b0400000000000000000000000000000',
      '7c000000000000000000000000000000',
      '78000000000000000000000000000000',
    ),
    hex(32),
  )
  .map(decimal);

export const links: Arbitrary<Link> = fc.tuple(tableNames, keys).map(([table, key]) => link(table, key));

/** Values of one type; never null. */
export const valuesOf = (type: ScalarType): Arbitrary<Exclude<Value, null>> => {
  switch (type) {
    case 'bool':
      return fc.boolean();
    case 'int':
      return ints;
    case 'double':
      return doubles;
    case 'float':
      return floats;
    case 'string':
      return strings;
    case 'binary':
      return fc.uint8Array({ maxLength: 4 }).map(binary);
    case 'timestamp':
      return timestamps;
    case 'decimal':
      return decimals;
    case 'objectId':
      return hex(24).map(objectId);
    case 'uuid':
      return hex(32).map(uuid);
    case 'link':
      return links;
  }
};

const scalarTypes = [
  'bool',
  'int',
  'double',
  'float',
  'string',
  'binary',
  'timestamp',
  'decimal',
  'objectId',
  'uuid',
  'link',
] as const satisfies readonly ScalarType[];

export const values: Arbitrary<Value> = fc.oneof(fc.constant(null), ...scalarTypes.map(valuesOf));
export const markers: Arbitrary<Marker> = fc.constantFrom(objectValue, erased, list, dictionary, set);
export const payloads: Arbitrary<Payload> = mostly<Payload>(values, markers);

export const tableSpecs: Arbitrary<TableSpec> = fc.oneof(
  fc.constant<TableSpec>({ type: 'embedded' }),
  fc.record({
    type: fc.constant('topLevel' as const),
    primaryKey: fc.oneof(
      { weight: 1, arbitrary: fc.constant(null) },
      {
        weight: 4,
        arbitrary: fc.record({
          name: fieldNames,
          type: fc.constantFrom<KeyType>('int', 'string', 'objectId', 'uuid'),
          nullable: fc.boolean(),
        }),
      },
    ),
    asymmetric: fc.boolean(),
  }),
);

const collectionTypes = fc.constantFrom<CollectionType>('single', 'list', 'set', 'dictionary');

export const columnSpecs: Arbitrary<ColumnSpec> = fc
  .record({
    type: fc.constantFrom(...scalarTypes, 'mixed' as const),
    nullable: fc.boolean(),
    collection: collectionTypes,
    target: fc.option(tableNames, { nil: null }),
  })
  .map((column) => (column.type === 'link' ? column : { ...column, target: null }));

export const indices: Arbitrary<number> = mostly(fc.nat({ max: 3 }), fc.integer({ min: 0, max: UINT32_MAX }));

const pathElements: Arbitrary<PathElement> = fc.oneof(indices, strings);
/** Mostly short. */
export const paths: Arbitrary<Path> = fc.array(pathElements, { maxLength: 3 });
/** Paths that end in an index. */
export const elementPaths: Arbitrary<Path> = fc
  .tuple(paths, indices)
  .map(([path, index]) => [...path, index]);
/** Paths that do not. */
export const slotPaths: Arbitrary<Path> = fc.oneof(
  fc.constant([]),
  fc.tuple(paths, strings).map(([path, key]) => [...path, key]),
);

const place = <P>(
  pathArbitrary: Arbitrary<P>,
): Arbitrary<[table: string, object: Key, field: string, path: P]> =>
  fc.tuple(tableNames, keys, fieldNames, pathArbitrary);

export const schemaInstructions: Arbitrary<Instruction> = fc.oneof<Arbitrary<Instruction>[]>(
  fc.tuple(tableNames, tableSpecs).map((fields) => addTable(...fields)),
  tableNames.map(eraseTable),
  fc.tuple(tableNames, fieldNames, columnSpecs).map((fields) => addColumn(...fields)),
  fc.tuple(tableNames, fieldNames).map((fields) => eraseColumn(...fields)),
);

export const objectInstructions: Arbitrary<Instruction> = fc.oneof<Arbitrary<Instruction>[]>(
  fc.tuple(tableNames, keys).map((fields) => createObject(...fields)),
  fc.tuple(tableNames, keys).map((fields) => eraseObject(...fields)),
  fc.tuple(place(slotPaths), payloads, fc.boolean()).map(([at, value, flag]) => update(...at, value, flag)),
  fc
    .tuple(place(elementPaths), payloads, indices)
    .map(([at, value, size]) => updateElement(...at, value, size)),
  fc.tuple(place(paths), ints).map(([at, value]) => addInteger(...at, value)),
  fc
    .tuple(place(elementPaths), payloads, indices)
    .map(([at, value, size]) => arrayInsert(...at, value, size)),
  fc.tuple(place(elementPaths), indices, indices).map(([at, to, size]) => arrayMove(...at, to, size)),
  fc.tuple(place(elementPaths), indices).map(([at, size]) => arrayErase(...at, size)),
  fc.tuple(place(paths), collectionTypes).map(([at, collection]) => clear(...at, collection)),
  fc.tuple(place(paths), payloads).map(([at, value]) => setInsert(...at, value)),
  fc.tuple(place(paths), payloads).map(([at, value]) => setErase(...at, value)),
);

/** Well-formed, of all fourteen kinds; they fit no state in particular. */
export const instructions: Arbitrary<Instruction> = fc.oneof(
  { weight: 4, arbitrary: schemaInstructions },
  { weight: 11, arbitrary: objectInstructions },
);

const counts = mostly(fc.nat({ max: 5 }), fc.maxSafeNat());

export const changesets: Arbitrary<Changeset> = fc.record({
  version: counts,
  base: counts,
  timestamp: counts,
  origin: counts,
  instructions: fc.array(instructions, { maxLength: 6 }),
});
