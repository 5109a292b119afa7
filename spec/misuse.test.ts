/** What an app does wrong in a transaction, with values that look like others, or with a class that is not there. */
import { Binary, Decimal128, Long, ObjectId } from 'bson';
import * as assert from 'uvu/assert';
import { fromEdge, Mismatch } from '../core/model/edge-read.js';
import type { ScalarType } from '../core/model/value.js';
import type { Transaction } from '../core/session/transaction.js';
import { WriteError } from '../core/session/usage-error.js';
import { type ClientOptions, SynclineError } from '../transports/client.js';
import { rejection, setUp } from './kit/driver-world.js';
import { suite } from './kit/suite.js';

const misuse = suite('misuse');

const schema = [
  {
    name: 'A',
    primaryKey: '_id',
    properties: { _id: 'int', list: 'int[]', map: 'int{}', inner: 'E', members: 'int<>', name: 'string' },
  },
  { name: 'E', kind: 'embedded', properties: { n: 'int' } },
];

type Untyped = Readonly<Record<string, (...args: readonly unknown[]) => unknown>>;
/** The same, as plain JavaScript sees it. */
const untyped = (of: unknown): Untyped => of as Untyped;

const wrong: readonly (readonly [
  what: string,
  call: (tx: Untyped) => unknown,
  code: string,
  says: RegExp,
])[] = [
  ['a class by number', (tx) => tx['create']?.(7, {}), 'unknown-class', /the class name.*the number 7/],
  ['a class that is not there', (tx) => tx['create']?.('B', {}), 'unknown-class', /B.*does not have/],
  ['an embedded class', (tx) => tx['create']?.('E', {}), 'embedded-class', /reached by the path/],
  ['properties in an array', (tx) => tx['create']?.('A', [1]), 'wrong-type', /a plain object of properties/],
  ['no properties', (tx) => tx['create']?.('A'), 'wrong-type', /a plain object of properties/],
  [
    'an update with a class instance',
    (tx) => tx['update']?.('A', 1, new Map()),
    'wrong-type',
    /a plain object of properties/,
  ],
  [
    'a list from a text',
    (tx) => untyped(tx['list']?.('A', 1, ['list']))['assign']?.('abc'),
    'wrong-type',
    /an array/,
  ],
  [
    'a key that is a number',
    (tx) => untyped(tx['dictionary']?.('A', 1, ['map']))['set']?.(5, 1),
    'wrong-type',
    /the number 5 as a key.*a string/,
  ],
];

for (const [what, call, code, says] of wrong)
  misuse(`${what} is refused, and the transaction undone`, async () => {
    const { server, open } = await setUp();
    const client = await open({ schema, connect: false });
    client.write((tx) => tx.create('A', { _id: 1 }));
    const before = client.digest();
    let thrown: unknown;
    try {
      client.write((tx: Transaction) => void call(untyped(tx)));
    } catch (error) {
      thrown = error;
    }
    assert.ok(thrown instanceof SynclineError, String(thrown));
    assert.instance(thrown.details, WriteError);
    assert.is((thrown.details as WriteError).code, code);
    assert.match(thrown.message, says);
    assert.is(client.digest(), before);
    await client.close();
    await server.close();
  });

misuse('what cannot be an option of a client is refused, and named', async () => {
  const { server, open } = await setUp();
  for (const [given, says] of [
    [{ connector: undefined }, /connector is undefined, expected one such as/],
    [{ connector: {} }, /connector is an object, expected one such as/],
    [{ reset: { mode: 'recovr' } }, /reset.mode is "recovr", expected one of manual, discardLocal/],
    [{ reset: 'recover' }, /reset is "recover", expected an object such as/],
  ] as const)
    assert.match(String(await rejection(open(given as unknown as Partial<ClientOptions>))), says);
  await server.close();
});

misuse('what is no direction or mode is refused, and not taken for another one', async () => {
  const { server, open } = await setUp();
  const client = await open();
  const { session } = client;
  const says = /direction is "sideways", expected one of upload, download/;
  for (const name of ['pause', 'resume']) assert.throws(() => untyped(session)[name]?.('sideways'), says);
  assert.throws(() => untyped(session)['progress']?.('sideways', 'reportIndefinitely'), says);
  assert.throws(() => untyped(session)['progress']?.('upload', 'now'), /mode is "now", expected one of/);
  assert.throws(() => untyped(session)['reset']?.('manual'), /expected one of discardLocal, recover,/);
  await client.close();
  await server.close();
});

misuse.run();

const disguises = suite('values that look like others');

/** An object of another make that says it is a bson value of this type. */
const disguised = (tag: string, fields: object): object =>
  Object.assign(Object.create({ _bsontype: tag }) as object, fields);

const sixteen = Uint8Array.from({ length: 16 }, (_, i) => i);
const others: readonly (readonly [type: Exclude<ScalarType, 'link'>, value: object])[] = [
  ['int', disguised('Long', { low: '1', high: 0 })],
  ['int', disguised('Long', { low: 1, high: null })],
  ['int', disguised('Int32', { value: '1' })],
  ['double', disguised('Double', { value: '1' })],
  ['binary', disguised('Binary', { buffer: null, sub_type: 0 })],
  ['binary', disguised('Binary', { buffer: [1], sub_type: 0 })],
  ['binary', disguised('Binary', { buffer: sixteen, sub_type: '0' })],
  ['uuid', disguised('Binary', { buffer: sixteen, sub_type: 4, position: 15 })],
  ['objectId', disguised('ObjectId', {})],
  ['objectId', disguised('ObjectId', { toHexString: 'f'.repeat(24) })],
  ['objectId', disguised('ObjectId', { toHexString: () => 'g'.repeat(24) })],
  ['objectId', disguised('ObjectId', { toHexString: () => 24 })],
  ['decimal', disguised('Decimal128', {})],
  ['decimal', disguised('Decimal128', { bytes: null })],
  ['decimal', disguised('Decimal128', { bytes: sixteen.subarray(1) })],
  ['decimal', disguised('Decimal128', { bytes: [...sixteen] })],
];
for (const [i, [type, value]] of others.entries())
  disguises(`are no ${type} (${i})`, () => {
    assert.instance(fromEdge(type, value), Mismatch);
  });

disguises('but those of another copy of the package are what they say', () => {
  const twin = (value: object, tag: string, names: readonly string[]): object =>
    disguised(tag, Object.fromEntries(names.map((name) => [name, Reflect.get(value, name)])));
  const long = Long.fromString('-5000000000');
  assert.is(fromEdge('int', twin(long, 'Long', ['low', 'high', 'unsigned'])), -5_000_000_000n);
  const binary = new Binary(sixteen, 0);
  assert.equal(
    fromEdge('binary', twin(binary, 'Binary', ['buffer', 'sub_type'])),
    fromEdge('binary', binary),
  );
  const decimal = Decimal128.fromString('1.5');
  assert.equal(fromEdge('decimal', twin(decimal, 'Decimal128', ['bytes'])), fromEdge('decimal', decimal));
  const id = new ObjectId('f'.repeat(24));
  assert.equal(
    fromEdge('objectId', disguised('ObjectId', { toHexString: () => id.toHexString() })),
    fromEdge('objectId', id),
  );
});

disguises.run();
