/** Pseudonyms: content of every kind anonymized. */
import * as E from 'fp-ts/lib/Either.js';
import * as assert from 'uvu/assert';
import { type PartitionValue, partitionName, partitionOfName } from '../core/access/partition-value.js';
import { update } from '../core/model/instruction.js';
import { stringKey } from '../core/model/key.js';
import { toInstructions } from '../core/model/snapshot.js';
import type { State } from '../core/model/state.js';
import {
  binary,
  decimal,
  float,
  objectId,
  type Payload,
  timestamp,
  uuid,
  valueId,
} from '../core/model/value.js';
import { Pseudonyms, Vocabulary } from '../core/replay/pseudonyms.js';
import { seeded } from './kit/random.js';
import { suite } from './kit/suite.js';
import { allWeights, randomInstructions } from './kit/valid.js';
import { build, wholeSchema } from './kit/worlds.js';

const test = suite('pseudonyms');

/** Every kind of value, and values that are like one another. */
const payloads: readonly Payload[] = [
  null,
  true,
  false,
  0n,
  1n,
  -1n,
  2n ** 62n,
  -(2n ** 63n),
  0,
  -0,
  1.5,
  -1.5,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  '',
  'a',
  'a text that says something',
  binary(new Uint8Array(0)),
  binary(Uint8Array.of(1, 2, 3)),
  timestamp(5n, 7),
  timestamp(-5n, 0),
  float(0),
  float(-2.5),
  float(Number.NaN),
  decimal('30400000000000000000000000000005'),
  decimal('b0400000000000000000000000000005'),
  decimal('30400000000000000000000000000000'),
  objectId('5f4863e4d49bd2191ff1e623'),
  objectId('0'.repeat(24)),
  uuid('00112233445566778899aabbccddeeff'),
  uuid('0'.repeat(32)),
  { type: 'list' },
  { type: 'dictionary' },
  { type: 'erased' },
  { type: 'objectValue' },
] as readonly Payload[];

test('every value becomes one of its type, the same for the same, and what says nothing stays', () => {
  const pseudonyms = new Pseudonyms(77, new Vocabulary(), false);
  const given = (value: Payload): Payload => {
    const made = pseudonyms.instruction(update('T', stringKey('k'), 'f', [], value));
    return made.kind === 'Update' ? made.value : null;
  };
  const typeOf = (value: Payload): string =>
    typeof value === 'object' && value !== null ? value.type : typeof value;
  for (const value of payloads) {
    assert.is(typeOf(given(value)), typeOf(value));
    assert.equal(given(value), given(value));
  }
  for (const value of [null, true, 0n, 0, Number.NaN, Number.POSITIVE_INFINITY, ''])
    assert.equal(given(value), value);
  assert.equal(given(binary(new Uint8Array(0))), binary(new Uint8Array(0)));
  for (const value of [1n, 2n ** 62n, 1.5, 'a text that says something']) assert.is.not(given(value), value);
});

test('of small values there are enough', () => {
  const pseudonyms = new Pseudonyms(5, new Vocabulary(), false);
  const ofOne = (values: readonly Payload[]): ReadonlySet<string> =>
    new Set(
      values.map((value) => {
        const made = pseudonyms.instruction(update('T', stringKey('k'), 'f', [], value));
        return made.kind === 'Update' ? valueId(made.value as never) : '';
      }),
    );
  const ints = Array.from({ length: 128 }, (_, i) => BigInt(i - 64));
  assert.is(ofOne(ints).size, 128);
  const characters = Array.from({ length: 128 }, (_, i) => String.fromCharCode(i));
  assert.is(ofOne(characters).size, 128);
});

test('a partition stays one, of its type', () => {
  const pseudonyms = new Pseudonyms(5, new Vocabulary(), false);
  const values: readonly (readonly [PartitionValue, 'string' | 'long' | 'objectId' | 'uuid'])[] = [
    ['a ward', 'string'],
    [42n, 'long'],
    [objectId('5f4863e4d49bd2191ff1e623'), 'objectId'],
    [uuid('00112233445566778899aabbccddeeff'), 'uuid'],
  ];
  for (const [value, type] of values) {
    const name = pseudonyms.partition(partitionName(value));
    assert.is.not(name, partitionName(value));
    assert.ok(E.isRight(partitionOfName(name, type, true)), name);
    assert.is(pseudonyms.partition(partitionName(value)), name);
  }
  assert.is(pseudonyms.partition('null'), 'null');
  assert.is.not(pseudonyms.partition('a name of an app'), 'a name of an app');
});

test('any valid history is one with other content, and leads to as many objects', () => {
  for (const hides of [false, true])
    for (let seed = 1; seed <= 30; seed++) {
      const schema = wholeSchema();
      const { instructions } = randomInstructions(seeded(seed), build(schema), 60, { weights: allWeights });
      const all = [...schema, ...instructions];
      const vocabulary = new Vocabulary();
      for (const each of all) vocabulary.take(each);
      const pseudonyms = new Pseudonyms(seed * 1000 + 1, vocabulary, hides);
      const made = all.map((each) => pseudonyms.instruction(each));
      const [before, after] = [build(all), build(made)];
      const kinds = (state: State): readonly string[] =>
        toInstructions(state)
          .map(({ kind }) => kind)
          .sort();
      assert.equal(kinds(after), kinds(before), `seed ${seed}`);
    }
});

test.run();
