import { Binary, Timestamp as BsonTimestamp, Decimal128, Double, Int32, Long, ObjectId, UUID } from 'bson';
import fc from 'fast-check';
import * as assert from 'uvu/assert';
import { keyFromEdge, keyToEdge, toEdge } from '../core/model/edge.js';
import { describeFound, isPlainObject } from '../core/model/edge-kinds.js';
import { fromEdge, Mismatch, mixedFromEdge } from '../core/model/edge-read.js';
import {
  DoubleBits,
  double,
  Float,
  float,
  int,
  LinkView,
  linkTo,
  Timestamp,
} from '../core/model/edge-types.js';
import { globalKey, intKey, nullKey, objectIdKey, stringKey, uuidKey } from '../core/model/key.js';
import { printValue } from '../core/model/notation.js';
import type { TableSpec } from '../core/model/schema.js';
import { identical, link, type ScalarType, typeOf, type Value } from '../core/model/value.js';
import * as arbitrary from './kit/arbitraries.js';
import { suite } from './kit/suite.js';

const edge = suite('edge');

type Plain = Exclude<ScalarType, 'link'>;
const types = [
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
] as const satisfies readonly Plain[];

const hex = (value: Value | Mismatch): string =>
  value instanceof Mismatch ? `${value.found} / ${value.expected}` : printValue(value);

edge('what is handed out is taken back as the same value, in typed and in mixed properties', () => {
  for (const type of types)
    fc.assert(
      fc.property(arbitrary.valuesOf(type), (value) => {
        for (const isMixed of [false, true]) {
          const out = toEdge(value, isMixed);
          const back = isMixed ? mixedFromEdge(out) : fromEdge(type, out);
          assert.ok(
            !(back instanceof Mismatch) && identical(back, value),
            `${hex(value)} gave ${hex(back)} by ${String(out)}`,
          );
          assert.is(back instanceof Mismatch ? '' : typeOf(back), type);
        }
      }),
      { numRuns: 200 },
    );
});

edge('each type takes the values that stand for it', () => {
  const bytes = new Uint8Array([1, 2, 255]);
  const taken: readonly (readonly [Plain, unknown, string])[] = [
    ['bool', true, 'true'],
    ['int', 5, '5'],
    ['int', -0, '0'],
    ['int', 5n, '5'],
    ['int', new Int32(-5), '-5'],
    ['int', Long.fromString('-9223372036854775808'), '-9223372036854775808'],
    ['int', Long.fromNumber(7, true), '7'],
    ['int', Number.MAX_SAFE_INTEGER, '9007199254740991'],
    ['int', 2n ** 63n - 1n, '9223372036854775807'],
    ['double', 5, 'double(5)'],
    ['double', -0, 'double(-0)'],
    ['double', Number.NaN, 'double(NaN)'],
    ['double', new Double(1.5), 'double(1.5)'],
    ['float', 1.5, 'float(1.5)'],
    ['float', 0.1, 'float(0.1)'],
    ['float', new Double(1.5), 'float(1.5)'],
    ['float', float(1.5), 'float(1.5)'],
    ['string', 'a', '"a"'],
    ['binary', bytes, 'binary(0102ff)'],
    ['binary', Buffer.from(bytes), 'binary(0102ff)'],
    ['binary', new Binary(bytes), 'binary(0102ff)'],
    ['timestamp', new Date(1500), 'timestamp(1, 500000000)'],
    ['timestamp', new Date(-1500), 'timestamp(-1, -500000000)'],
    ['timestamp', new Date(-2000), 'timestamp(-2, 0)'],
    ['timestamp', new Timestamp(1n, 5), 'timestamp(1, 5)'],
    ['decimal', Decimal128.fromString('1.00'), 'decimal(303c0000000000000000000000000064)'],
    ['objectId', new ObjectId('0123456789abcdef01234567'), 'objectId(0123456789abcdef01234567)'],
    ['uuid', new UUID('0123456789abcdef0123456789abcdef'), 'uuid(01234567-89ab-cdef-0123-456789abcdef)'],
    [
      'uuid',
      new UUID('0123456789abcdef0123456789abcdef').toBinary(),
      'uuid(01234567-89ab-cdef-0123-456789abcdef)',
    ],
  ];
  for (const [type, value, expected] of taken) assert.is(hex(fromEdge(type, value)), expected);
});

edge('each type refuses all others, and says what it found', () => {
  const refused: readonly (readonly [Plain, unknown, RegExp])[] = [
    ['bool', 1, /^the number 1 \/ bool \(a boolean\)/],
    ['int', 1.5, /^the number 1.5 \/ int \(an integer/],
    ['int', 2 ** 53, /^the number 9007199254740992 \//],
    ['int', 2n ** 63n, /^the bigint 9223372036854775808 \//],
    ['int', -(2n ** 63n) - 1n, /^the bigint -9223372036854775809 \//],
    ['int', Long.MAX_UNSIGNED_VALUE, /^a bson Long \//],
    ['int', new Double(1), /^a bson Double \//],
    ['int', '1', /^the string "1" \//],
    ['int', new Date(0), /^an instance of Date \//],
    ['double', 1n, /^the bigint 1 \//],
    ['double', new Int32(1), /^a bson Int32 \//],
    ['float', 1n, /^the bigint 1 \//],
    ['string', 5, /^the number 5 \//],
    ['string', null, /^null \//],
    ['string', undefined, /^undefined \//],
    ['string', ['a'], /^an array of 1 \//],
    ['binary', 'abc', /^the string "abc" \//],
    ['binary', [1, 2], /^an array of 2 \//],
    ['binary', new Binary(new Uint8Array(1), 5), /^a bson Binary of subtype 5 \//],
    ['binary', new UUID('0'.repeat(32)), /^a bson UUID \//],
    ['binary', new Uint16Array(1), /^an instance of Uint16Array \//],
    ['timestamp', new Date(Number.NaN), /^an invalid Date \//],
    ['timestamp', 0, /^the number 0 \//],
    ['timestamp', new BsonTimestamp({ t: 1, i: 1 }), /^a bson Timestamp \//],
    ['timestamp', new Timestamp(1n, -1), /^an instance of Timestamp \//],
    ['timestamp', new Timestamp(-1n, 1), /^an instance of Timestamp \//],
    ['timestamp', new Timestamp(0n, 1e9), /^an instance of Timestamp \//],
    ['timestamp', new Timestamp(2n ** 63n, 0), /^an instance of Timestamp \//],
    ['decimal', '1.0', /^the string "1.0" \//],
    ['decimal', 1, /^the number 1 \//],
    ['objectId', '0123456789abcdef01234567', /^the string "0123456789abcdef01234567" \//],
    ['objectId', { _bsontype: 'ObjectId', toHexString: () => '0'.repeat(24) }, /^a plain object \//],
    ['uuid', '0'.repeat(32), /^the string "0+" \//],
    ['uuid', new Binary(new Uint8Array(16)), /^a bson Binary of subtype 0 \//],
    ['uuid', new Binary(new Uint8Array(15), 4), /^a bson UUID \//],
    ['string', linkTo('A', 1), /^a link to A \//],
    ['string', Symbol('a'), /^a symbol \//],
    ['string', () => 1, /^a function \//],
    ['string', Object.create(null), /^a plain object \//],
    ['string', 'x'.repeat(17_000_000), /^a value of 17000000 bytes \/ at most 16777199 bytes/],
    ['binary', new Uint8Array(17_000_000), /^a value of 17000000 bytes/],
  ];
  for (const [type, value, expected] of refused) assert.match(hex(fromEdge(type, value)), expected);
});

edge('a mixed property takes what tells its type, and no bare number', () => {
  const taken: readonly (readonly [unknown, string])[] = [
    [5n, '5'],
    [int(5), '5'],
    [new Int32(5), '5'],
    [Long.fromNumber(5), '5'],
    [double(5), 'double(5)'],
    [float(5), 'float(5)'],
    [true, 'true'],
    ['a', '"a"'],
    [new Date(0), 'timestamp(0, 0)'],
    [new Uint8Array(1), 'binary(00)'],
    [new Binary(new Uint8Array(1)), 'binary(00)'],
    [new UUID('0'.repeat(32)), 'uuid(00000000-0000-0000-0000-000000000000)'],
    [new ObjectId('0'.repeat(24)), `objectId(${'0'.repeat(24)})`],
  ];
  for (const [value, expected] of taken) assert.is(hex(mixedFromEdge(value)), expected);
  assert.match(
    hex(mixedFromEdge(5)),
    /^the bare number 5 .*int\(…\), double\(…\).*a bigint.*bson Double, Int32/,
  );
  assert.match(hex(mixedFromEdge(2n ** 64n)), /^the bigint 18446744073709551616 /);
  assert.match(hex(mixedFromEdge(undefined)), /^undefined/);
  assert.match(hex(mixedFromEdge(new Date(Number.NaN))), /^an invalid Date/);
  assert.match(hex(mixedFromEdge(new Binary(new Uint8Array(1), 128))), /^a bson Binary of subtype 128/);
});

edge('values are handed out as JavaScript knows them', () => {
  assert.is(toEdge(5n, false), 5);
  assert.is(toEdge(5n, true), 5n);
  assert.is(toEdge(2n ** 53n, false), 2n ** 53n);
  assert.is(toEdge(2n ** 53n - 1n, false), 2 ** 53 - 1);
  assert.is(toEdge(1.5, false), 1.5);
  assert.equal(toEdge(1.5, true), new Double(1.5));
  assert.ok(toEdge({ type: 'double', bits: 0x7ff8000000000001n }, false) instanceof DoubleBits);
  assert.is(toEdge({ type: 'float', bits: 0x3fc00000 }, false), 1.5);
  assert.ok(Number.isNaN(toEdge({ type: 'float', bits: 0x7fc00000 }, false)));
  const odd = toEdge({ type: 'float', bits: 0x7fc00001 }, false);
  assert.ok(odd instanceof Float && odd.bits === 0x7fc00001 && Number.isNaN(odd.value));
  assert.equal(
    toEdge({ type: 'timestamp', seconds: -1n, nanoseconds: -500_000_000 }, false),
    new Date(-1500),
  );
  assert.ok(toEdge({ type: 'timestamp', seconds: 1n, nanoseconds: 1 }, false) instanceof Timestamp);
  assert.equal(
    toEdge({ type: 'timestamp', seconds: 8_640_000_000_000n, nanoseconds: 0 }, false),
    new Date(8.64e15),
  );
  const beyond = { type: 'timestamp', seconds: 8_640_000_000_000n, nanoseconds: 1_000_000 } as const;
  assert.ok(toEdge(beyond, false) instanceof Timestamp);
  const view = toEdge(link('A', stringKey('x')), true);
  assert.ok(view instanceof LinkView && view.class === 'A' && view.key === 'x' && Object.isFrozen(view));
});

edge('bytes are copied both ways', () => {
  const bytes = Buffer.from([1, 2, 3]);
  const value = fromEdge('binary', bytes);
  bytes[0] = 9;
  assert.is(hex(value), 'binary(010203)');
  const out = value instanceof Mismatch ? null : toEdge(value, false);
  if (out instanceof Uint8Array) out[0] = 9;
  assert.is(hex(value), 'binary(010203)');
});

const topLevel = (type: 'int' | 'string' | 'objectId' | 'uuid', nullable = false): TableSpec => ({
  type: 'topLevel',
  primaryKey: { name: '_id', type, nullable },
  asymmetric: false,
});
const keyless: TableSpec = { type: 'topLevel', primaryKey: null, asymmetric: false };

edge('primary keys are taken by the type of the class, and handed out as its values', () => {
  const oid = '0123456789abcdef01234567';
  const id = `${oid}01234567`;
  assert.is(keyFromEdge(topLevel('int'), 5), intKey(5n));
  assert.is(keyFromEdge(topLevel('int'), 2n ** 60n), intKey(2n ** 60n));
  assert.is(keyFromEdge(topLevel('string'), '5'), stringKey('5'));
  assert.is(keyFromEdge(topLevel('objectId'), new ObjectId(oid)), objectIdKey(oid));
  assert.is(keyFromEdge(topLevel('uuid'), new UUID(id)), uuidKey(id));
  assert.is(keyFromEdge(topLevel('int', true), null), nullKey);
  assert.is(keyFromEdge(keyless, '1f-2'), globalKey(31n, 2n));
  for (const [spec, key] of [
    [topLevel('int'), '5'],
    [topLevel('int'), null],
    [topLevel('int'), 1.5],
    [topLevel('string'), 5],
    [topLevel('string', true), undefined],
    [topLevel('objectId'), oid],
    [keyless, '01-2'],
    [keyless, 'x'],
    [{ type: 'embedded' }, 1],
  ] as const)
    assert.instance(keyFromEdge(spec, key), Mismatch);
  for (const type of ['int', 'string', 'objectId', 'uuid'] as const)
    fc.assert(
      fc.property(arbitrary.keysOf(type), (key) => {
        assert.is(keyFromEdge(topLevel(type), keyToEdge(key)), key);
      }),
    );
});

edge('makers refuse what is not exact', () => {
  assert.throws(() => int(1.5), /int\(1.5\): expected a safe integer/);
  assert.throws(() => int(2 ** 53), /safe integer/);
  assert.throws(() => int(2n ** 63n), /within 64 bits/);
  assert.is(int(-(2n ** 63n)), -(2n ** 63n));
  assert.is(float(0.1).value, Math.fround(0.1));
  assert.is(Number(float(1.5)), 1.5);
});

edge('plain objects are told from instances, and described in words', () => {
  assert.ok(isPlainObject({}) && isPlainObject(Object.create(null)));
  assert.not(
    isPlainObject([]) || isPlainObject(new Date()) || isPlainObject(linkTo('A', 1)) || isPlainObject(null),
  );
  assert.not(isPlainObject(new ObjectId('0'.repeat(24))) || isPlainObject(new Map()));
  assert.is(describeFound('x'.repeat(50)), `the string "${'x'.repeat(40)}…"`);
  assert.is(describeFound(-0), 'the number -0');
  assert.is(describeFound(Object.create({ constructor: null })), 'an instance of a class');
});

edge('nothing that is made asks for the time or for chance', () => {
  const { now } = Date;
  const { random } = Math;
  const asked = (): never => {
    throw new Error('core asked for the time or for chance');
  };
  Date.now = asked;
  Math.random = asked;
  try {
    assert.ok(toEdge({ type: 'objectId', hex: '0'.repeat(24) }, false) instanceof ObjectId);
    assert.ok(toEdge({ type: 'uuid', hex: '0'.repeat(32) }, false) instanceof UUID);
    assert.ok(toEdge({ type: 'decimal', hex: '0'.repeat(32) }, false) instanceof Decimal128);
  } finally {
    Date.now = now;
    Math.random = random;
  }
});

edge.run();
