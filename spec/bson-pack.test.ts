import {
  Binary,
  BSONRegExp,
  BSONSymbol,
  Code,
  DBRef,
  Decimal128,
  Double,
  Int32,
  Long,
  MaxKey,
  MinKey,
  ObjectId,
  Timestamp,
  UUID,
} from 'bson';
import fc, { type Arbitrary } from 'fast-check';
import * as E from 'fp-ts/lib/Either.js';
import { Packr } from 'msgpackr/pack';
import * as assert from 'uvu/assert';
import type { DecodeError } from '../core/base/decode-error.js';
import { limits } from '../core/base/limits.js';
import { type BsonValue, packValue, unpackValue } from '../core/protocol/pack.js';
import { strings } from './kit/arbitraries.js';
import { mutations } from './kit/mutations.js';
import { suite } from './kit/suite.js';

const packing = suite('packing of BSON');

const bytes = (size: number): Arbitrary<Uint8Array> => fc.uint8Array({ minLength: size, maxLength: size });
const int32 = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
const doubles = fc.oneof(
  fc.double(),
  fc.constantFrom(0, -0, 1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31, 2 ** 32, -(2 ** 31) - 1),
);
const objectIds = bytes(12).map((id) => new ObjectId(id));

const classes: Record<string, Arbitrary<BsonValue>> = {
  ObjectId: objectIds,
  UUID: bytes(16).map((id) => new UUID(id)),
  Binary: fc
    .tuple(fc.uint8Array({ maxLength: 20 }), fc.constantFrom(0, 1, 2, 3, 4, 5, 6, 8, 128, 255))
    .map(([content, subtype]) => new Binary(content, subtype)),
  Decimal128: bytes(16).map((id) => new Decimal128(id)),
  Timestamp: fc.tuple(fc.nat(2 ** 32 - 1), fc.nat(2 ** 32 - 1)).map(([t, i]) => new Timestamp({ t, i })),
  Long: fc.tuple(int32, int32, fc.boolean()).map(([low, high, unsigned]) => new Long(low, high, unsigned)),
  Double: doubles.map((value) => new Double(value)),
  Int32: int32.map((value) => new Int32(value)),
  BSONRegExp: fc
    .tuple(strings, fc.subarray(['i', 'm', 'x', 'l', 's', 'u']))
    .filter(([pattern]) => !pattern.includes('\0'))
    .map(([pattern, options]) => new BSONRegExp(pattern, options.join(''))),
  BSONSymbol: strings.map((value) => new BSONSymbol(value)),
  Code: fc
    .tuple(strings, fc.option(fc.dictionary(fc.constantFrom('a', 'b'), int32, { noNullPrototype: true })))
    .map(([code, scope]) => new Code(code, scope)),
  DBRef: fc
    .tuple(
      fc.constantFrom('a', 'b', 'a.b.c'),
      objectIds,
      fc.option(fc.constantFrom('d', ''), { nil: undefined }),
    )
    .map(([collection, id, db]) => new DBRef(collection, id, db, { x: 1 })),
  MinKey: fc.constant(new MinKey()),
  MaxKey: fc.constant(new MaxKey()),
};

const scalars: Arbitrary<BsonValue> = fc.oneof(
  fc.constant(null),
  fc.boolean(),
  doubles,
  int32,
  strings,
  fc.constantFrom(`\ufeff${'a'.repeat(100)}`, 'x'.repeat(300)),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.uint8Array({ maxLength: 300 }),
  fc.date({ noInvalidDate: false }),
  ...Object.values(classes),
);

const keys = fc.oneof(
  fc.constantFrom('a', 'b', '1', '__proto__', 'constructor', 'toJSON', 'hasOwnProperty', '_bsontype'),
  strings,
);

const bsonValues: Arbitrary<BsonValue> = fc.letrec<{ value: BsonValue }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    scalars,
    fc.array(tie('value'), { maxLength: 4 }),
    // Of entries, because that defines a key such as __proto__ instead of assigning to it.
    fc.array(fc.tuple(keys, tie('value')), { maxLength: 4 }).map((entries) => Object.fromEntries(entries)),
  ),
})).value;

/** Everything that tells two values apart: class, order of keys, bits. */
const portrait = (value: unknown): unknown => {
  if (typeof value === 'number') return `number ${Object.is(value, -0) ? '-0' : value}`;
  if (typeof value === 'string') return `string ${JSON.stringify(value)}`;
  if (typeof value === 'bigint') return `bigint ${value}`;
  if (typeof value !== 'object' || value === null) return String(value);
  const name = Object.getPrototypeOf(value)?.constructor.name ?? 'none';
  if (value instanceof Uint8Array) return ['bytes', ...value];
  if (value instanceof Date) return `date ${value.getTime()}`;
  if (Array.isArray(value)) return value.map(portrait);
  if (value instanceof ObjectId) return `ObjectId ${value.toHexString()}`;
  if (value instanceof Binary) return [name, value.sub_type, ...value.buffer.subarray(0, value.position)];
  return [name, ...Object.entries(value).map(([key, item]) => [key, portrait(item)])];
};

const orThrow = (result: E.Either<DecodeError, BsonValue>): BsonValue => {
  if (E.isLeft(result)) throw new Error(JSON.stringify(result.left));
  return result.right;
};

packing('every value comes back as what it was', () => {
  fc.assert(
    fc.property(bsonValues, (value) => {
      const packed = packValue(value);
      const unpacked = orThrow(unpackValue(packed));
      assert.equal(portrait(unpacked), portrait(value));
      assert.equal([...packValue(unpacked)], [...packed]);
    }),
    { numRuns: 3000 },
  );
});

for (const [name, values] of Object.entries(classes)) {
  packing(`${name} comes back as ${name}, alone and inside of others`, () => {
    fc.assert(
      fc.property(values, (value) => {
        for (const whole of [value, [value, value], { a: [value] }]) {
          assert.equal(portrait(orThrow(unpackValue(packValue(whole)))), portrait(whole));
        }
      }),
    );
  });
}

packing('the bytes depend on nothing but the value', () => {
  fc.assert(
    fc.property(bsonValues, bsonValues, (a, b) => {
      const first = [...packValue(a)];
      packValue(b);
      assert.equal([...packValue(a)], first);
    }),
  );
});

packing('damaged bytes give an error, or are the one encoding of what they now say', () => {
  let accepted = 0;
  fc.assert(
    fc.property(
      bsonValues.chain((value) => mutations(packValue(value).slice(0, 300))),
      (damaged) => {
        const unpacked = unpackValue(damaged);
        if (E.isLeft(unpacked)) return;
        accepted++;
        assert.equal([...packValue(unpacked.right)], [...damaged]);
      },
    ),
    { numRuns: 6000 },
  );
  assert.ok(accepted > 100, `${accepted} accepted`);
});

packing('any bytes are a value or an error', () => {
  const token = fc.oneof(
    fc.constantFrom(0x81, 0x92, 0xc4, 0xc7, 0xc9, 0xcb, 0xd3, 0xd4, 0xd8, 0xdd, 0xdf, 0xff),
    fc.integer({ min: 0x50, max: 0x60 }),
    fc.nat(255),
  );
  fc.assert(
    fc.property(fc.array(token, { maxLength: 30 }), (list) => {
      const unpacked = unpackValue(Uint8Array.from(list));
      if (E.isRight(unpacked)) assert.equal([...packValue(unpacked.right)], list);
    }),
    { numRuns: 6000 },
  );
});

packing('contents that their class does not have are refused', () => {
  const cases: readonly (readonly number[])[] = [
    [0xc7, 11, 0x53, ...new Array<number>(11).fill(0)],
    [0xc7, 15, 0x54, ...new Array<number>(15).fill(0)],
    [0xd7, 0x56, ...new Array<number>(8).fill(0)],
    [0xc7, 0, 0x55],
    [0xd4, 0x51, 2],
    [0xd6, 0x57, 0, 0, 0, 0],
    [0xd7, 0x58, ...new Array<number>(8).fill(0)],
    [0xd7, 0x59, 0x7f, 0xf8, 0, 0, 0, 0, 0, 1],
    [0xd7, 0x52, 0x3f, 0xe0, 0, 0, 0, 0, 0, 0],
    [0xd4, 0x50, 0x41],
    [0xd4, 0x50, 0x80],
    [0xc7, 0, 0x5b],
    [0x93, 0xc7, 0, 0x5b, 0xa1, 0x00, 0xa0],
    [0x93, 0xc7, 0, 0x5b, 0xa0, 0xa1, 0x7a],
    [0x93, 0xc7, 0, 0x5b, 0xa0, 0xa2, 0x78, 0x69],
    [0x92, 0xc7, 0, 0x5d, 0xa0],
    [0x93, 0xc7, 0, 0x5c, 0xa0, 0xa0],
    [0x95, 0xc7, 0, 0x5e, 0xa1, 0x41, 0xc0, 0xc0, 0x80],
    [0x82, 0xa1, 0x41, 1, 0xa1, 0x41, 2],
    [0x81, 1, 1],
    [0xcb, 0x80, 0, 0, 0, 0, 0, 0, 0],
    [0xcb, 0x7f, 0xf8, 0, 0, 0, 0, 0, 0],
    [0xcb, 0x3f, 0xf0, 0, 0, 0, 0, 0, 0],
    [0xcf, 0, 0, 0, 0, 0, 0, 0, 1],
    [0xca, 0x3f, 0x80, 0, 0],
  ];
  for (const list of cases) {
    const unpacked = unpackValue(Uint8Array.from(list));
    assert.ok(E.isLeft(unpacked), `${list}`);
  }
});

packing('what is no BSON value is not packed', () => {
  const cyclic: unknown[] = [];
  cyclic.push(cyclic);
  const cases: readonly [unknown, RegExp][] = [
    [undefined, /undefined is no BSON value/],
    [[undefined], /undefined is no BSON value/],
    [{ a: () => 1 }, /function is no BSON value/],
    [Symbol.iterator, /symbol is no BSON value/],
    [new Map(), /an instance of Map is no BSON value/],
    [new Set(), /an instance of Set is no BSON value/],
    [2n ** 63n, /is not a 64-bit integer/],
    [cyclic, /nests deeper than 100/],
  ];
  for (const [value, message] of cases) assert.throws(() => packValue(value as BsonValue), message);
});

packing('depth and size are bounded', () => {
  let value: BsonValue = 1;
  for (let i = 0; i < limits.packedDepth; i++) value = [value];
  assert.ok(E.isRight(unpackValue(packValue(value))));
  const deep = new Uint8Array(10_000).fill(0x91);
  const bad = new Uint8Array(limits.messageBytes).fill(0x80);
  bad.set([0xdb, 0x01, 0xff, 0xff, 0xfb]);
  for (const [list, code] of [
    [deep, 'tooLarge'],
    [new Uint8Array(limits.messageBytes + 1), 'tooLarge'],
    // Each of these bytes would become three.
    [bad, 'notCanonical'],
  ] as const) {
    const unpacked = unpackValue(list);
    assert.ok(E.isLeft(unpacked));
    assert.is(unpacked.left.code, code);
  }
});

packing('the classes of an application that uses msgpackr too stay its own', () => {
  const packer = new Packr({ useRecords: false });
  const id = new ObjectId('0123456789abcdef01234567');
  const before = [...packer.pack({ id })];
  packValue(id);
  assert.equal([...packer.pack({ id })], before);
});

packing.run();
