import * as E from 'fp-ts/lib/Either.js';
import * as assert from 'uvu/assert';
import type { DecodeError } from '../core/base/decode-error.js';
import { limits } from '../core/base/limits.js';
import type { Changeset } from '../core/model/changeset.js';
import { decodeInstructions, encodeChangeset, encodeInstructions } from '../core/model/codec.js';
import {
  addColumn,
  addInteger,
  addTable,
  arrayErase,
  arrayInsert,
  createObject,
  eraseObject,
  eraseTable,
  type Instruction,
  type Update,
  update,
  updateElement,
} from '../core/model/instruction.js';
import { intKey, type Key, objectIdKey } from '../core/model/key.js';
import { binary, decimal, link, objectId, timestamp } from '../core/model/value.js';
import { suite } from './kit/suite.js';

const codec = suite('encoding');

const orThrow = <A>(result: E.Either<DecodeError, A>): A => {
  if (E.isLeft(result)) throw new Error(JSON.stringify(result.left));
  return result.right;
};

const changesetOf = (...instructions: Instruction[]): Changeset => ({
  version: 1,
  base: 0,
  timestamp: 0,
  origin: 0,
  instructions,
});

codec('what is not well formed is not encoded', () => {
  const key = intKey(1n);
  const long = 'x'.repeat(limits.nameBytes + 1);
  const wide = 'é'.repeat(limits.nameBytes / 2 + 1);
  const cases: readonly [Instruction, RegExp][] = [
    [eraseTable(''), /"" is no name/],
    [eraseTable(long), /is no name: expected 1 to 255 bytes/],
    [eraseTable(wide), /is no name/],
    [addColumn('A', '', { type: 'int', nullable: false, collection: 'single', target: null }), /is no name/],
    [addColumn('A', 'a', { type: 'int', nullable: false, collection: 'single', target: 'B' }), /only links/],
    [
      addTable('A', {
        type: 'topLevel',
        primaryKey: { name: '', type: 'int', nullable: false },
        asymmetric: false,
      }),
      /is no name/,
    ],
    [update('A', key, 'a', [0], 1n), /a prior size exactly where the path ends in an index/],
    [updateElement('A', key, 'a', ['x'], 1n, 3), /a prior size exactly where/],
    [{ ...(updateElement('A', key, 'a', [0], 1n, 3) as Update), isDefault: true }, /no default in a list/],
    [arrayInsert('A', key, 'a', [], 1n, 0), /a path that ends in an index/],
    [arrayErase('A', key, 'a', [0], -1), /-1 is not an integer from 0 to 2\^32 - 1/],
    [arrayErase('A', key, 'a', [2 ** 32], 1), /is not an integer/],
    [arrayErase('A', key, 'a', [0.5], 1), /is not an integer/],
    [update('A', key, 'a', new Array<string>(101).fill(''), null), /a path of 101 elements/],
    [update('A', key, 'a', [], 2n ** 63n), /is not a 64-bit integer/],
    [addInteger('A', key, 'a', [], -(2n ** 63n) - 1n), /is not a 64-bit integer/],
    [update('A', key, 'a', [], timestamp(1n, -1)), /no timestamp/],
    [update('A', key, 'a', [], timestamp(1n, 1e9)), /no timestamp/],
    [update('A', key, 'a', [], timestamp(1n, 0.5)), /no timestamp/],
    [update('A', key, 'a', [], objectId('00')), /expected 24 hex digits/],
    [update('A', key, 'a', [], decimal('G'.repeat(32))), /expected 32 hex digits/],
    [update('A', key, 'a', [], decimal('İ'.repeat(32))), /expected 32 hex digits/],
    [update('A', key, 'a', [], { type: 'double', bits: 0n }), /no odd NaN/],
    [update('A', key, 'a', [], link('', key)), /is no name/],
    [createObject('A', objectIdKey('ABCDEF'.repeat(4))), /expected 24 hex digits/],
    [eraseObject('A', 'i9223372036854775808' as Key), /is not a 64-bit integer/],
  ];
  for (const [instruction, message] of cases) {
    assert.throws(() => encodeChangeset(changesetOf(instruction)), message);
    assert.throws(() => encodeInstructions([instruction]), message);
  }
  const numbers = { ...changesetOf(), version: 2 ** 53 };
  assert.throws(() => encodeChangeset(numbers), /is not an integer from 0 to 2\^53 - 1/);
  assert.throws(() => encodeChangeset({ ...changesetOf(), timestamp: -1 }), /is not an integer/);
  assert.throws(() => encodeChangeset({ ...changesetOf(), base: 1.5 }), /is not an integer/);
});

codec('an encoding that failed leaves nothing behind', () => {
  const good = changesetOf(createObject('A', intKey(1n)));
  const expected = [...encodeChangeset(good)];
  assert.throws(() => encodeChangeset(changesetOf(createObject('A', intKey(2n)), eraseTable(''))));
  assert.equal([...encodeChangeset(good)], expected);
});

codec('a value of the largest size fits, one byte more does not', () => {
  const text = 'x'.repeat(limits.valueBytes);
  const bytes = encodeInstructions([update('A', intKey(1n), 'a', [], text)]);
  assert.is((orThrow(decodeInstructions(bytes))[0] as Update).value, text);
  const key = intKey(1n);
  const tooLarge = /at most 16777199 are allowed/;
  assert.throws(() => encodeInstructions([update('A', key, 'a', [], `${text}x`)]), tooLarge);
  assert.throws(
    () => encodeInstructions([update('A', key, 'a', [], binary(new Uint8Array(limits.valueBytes + 1)))]),
    tooLarge,
  );
});

codec.run();
