import { ObjectId, UUID } from 'bson';
import fc from 'fast-check';
import * as E from 'fp-ts/lib/Either.js';
import * as assert from 'uvu/assert';
import { DoubleBits, type EdgeValue, Float, LinkView, linkTo, Timestamp } from '../core/model/edge-types.js';
import { emptyState, type State } from '../core/model/state.js';
import { ReadError, type UsageCode } from '../core/session/usage-error.js';
import {
  changes,
  type KeyArgument,
  type ObjectsView,
  type ObjectView,
  objects,
  readObject,
} from '../core/session/view.js';
import { instructions } from './kit/notation.js';
import { world } from './kit/people.js';
import { seeded } from './kit/random.js';
import { suite } from './kit/suite.js';
import { build, randomWorld } from './kit/worlds.js';

const views = suite('view');

const read = (state: State, className: string, key: KeyArgument): ObjectView | null => {
  const result = readObject(state, className, key);
  if (E.isLeft(result)) throw result.left;
  return result.right;
};

const all = (state: State, className: string): ObjectsView => {
  const result = objects(state, className);
  if (E.isLeft(result)) throw result.left;
  return result.right;
};

views('an object reads as a record of its properties, the primary key first', () => {
  const state = world(`CreateObject P[1]
    CreateObject P[2]
    Update P[1].name = "a"
    ArrayInsert P[1].tags[0] = "x" of 0
    SetInsert P[1].codes 5
    Update P[1].notes["__proto__"] = "p"
    Update P[1].notes["k"] = "v"
    Update P[1].any = list
    ArrayInsert P[1].any[0] = 1 of 0
    ArrayInsert P[1].any[1] = double(1) of 1
    ArrayInsert P[1].any[2] = dictionary of 2
    Update P[1].any[2]["k"] = link(P, 2)
    Update P[1].home = object
    Update P[1].home["street"] = "s"
    ArrayInsert P[1].places[0] = object of 0
    Update P[1].byName["x"] = object
    Update P[1].byName["y"] = null
    Update P[1].friend = link(P, 2)
    ArrayInsert P[1].friends[0] = link(P, 2) of 0
    SetInsert P[1].circle link(P, 2)
    Update P[1].roles["r"] = link(P, 2)`);
  const { any: mixed, notes, ...others } = read(state, 'P', 1) ?? {};
  const address = { lines: [], next: null, owner: null, street: null };
  const two = linkTo('P', 2);
  assert.equal(others, {
    _id: 1,
    age: null,
    anyBy: {},
    anyOf: [],
    anys: [],
    byName: { x: address, y: null },
    circle: [two],
    codes: [5],
    friend: two,
    friends: [two],
    home: { ...address, street: 's' },
    name: 'a',
    places: [address],
    pointer: null,
    pointers: [],
    roles: { r: two },
    tags: ['x'],
  });
  assert.is(Object.keys(read(state, 'P', 1) ?? {})[0], '_id');
  const [first, second, third] = mixed as readonly EdgeValue[];
  assert.is(first, 1n);
  assert.is(Number(second), 1);
  assert.equal(third, { k: two });
  assert.equal(Object.keys(notes as object).sort(), ['__proto__', 'k']);
  assert.is(Object.getPrototypeOf(notes), Object.prototype);
  assert.is(read(state, 'P', 3), null);
});

views('a link whose target is gone reads as null, or is hidden in lists and sets of links', () => {
  const state = world(`CreateObject P[1]
    Update P[1].friend = link(P, 9)
    ArrayInsert P[1].friends[0] = link(P, 9) of 0
    ArrayInsert P[1].friends[1] = link(P, 1) of 1
    ArrayInsert P[1].pointers[0] = link(P, 9) of 0
    SetInsert P[1].circle link(P, 9)
    SetInsert P[1].anyOf link(P, 9)
    Update P[1].roles["r"] = link(P, 9)
    Update P[1].any = link(P, 9)
    ArrayInsert P[1].anys[0] = link(P, 9) of 0
    ArrayInsert P[1].anys[1] = 5 of 1`);
  const { friend, friends, pointers, circle, anyOf, roles, any: mixed, anys } = read(state, 'P', 1) ?? {};
  assert.equal(
    { friend, friends, pointers, circle, anyOf, roles, mixed, anys },
    {
      friend: null,
      friends: [linkTo('P', 1)],
      pointers: [],
      circle: [],
      anyOf: [],
      roles: { r: null },
      mixed: null,
      // A list of mixed values keeps its indices.
      anys: [null, 5n],
    },
  );
  const again = build(instructions`CreateObject P[9]`, state);
  assert.equal(read(again, 'P', 1)?.['friends'], [linkTo('P', 9), linkTo('P', 1)]);
});

const isFrozen = (value: EdgeValue): boolean => {
  if (typeof value !== 'object' || value === null) return true;
  if (
    value instanceof LinkView ||
    value instanceof Float ||
    value instanceof Timestamp ||
    value instanceof DoubleBits
  )
    return Object.isFrozen(value);
  const isRecord = Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype;
  // Bytes, dates and the values of bson are copies: whoever changes them changes his own.
  return !isRecord || (Object.isFrozen(value) && Object.values(value).every(isFrozen));
};

views('records are frozen to the ground, and reading changes nothing', () => {
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      const state = randomWorld(seeded(seed), { tables: ['C', 'G'] });
      for (const name of ['A', 'B', 'C', 'G']) {
        const view = all(state, name);
        assert.is([...view].length, view.size);
        for (const object of view) assert.ok(isFrozen(object));
        for (const key of view.keys()) {
          const object = view.get(key);
          assert.ok(object !== null);
          if (name !== 'G') assert.equal(object?.['_id'], key);
          assert.equal(object, read(state, name, key));
        }
      }
    }),
    { numRuns: 60 },
  );
});

const keyed = (name: string, type: string, keys: readonly string[]): State =>
  build(
    instructions(
      `AddTable ${name} topLevel _id: ${type}?\n${keys.map((key) => `CreateObject ${name}[${key}]`).join('\n')}`,
    ),
  );

views('objects come in the order of their keys: null first, ints by number, texts by code unit', () => {
  const huge = `${2n ** 62n}`;
  const ints = keyed('A', 'int', ['10', '9', huge, '-3', 'null', '0', '-20']);
  assert.equal(all(ints, 'A').keys(), [null, -20, -3, 0, 9, 10, 2n ** 62n]);
  const texts = keyed('A', 'string', ['"b"', '"B"', '"ä"', 'null', '""', '"a"', '"n"']);
  assert.equal(all(texts, 'A').keys(), [null, '', 'B', 'a', 'b', 'n', 'ä']);
  const ids = keyed('A', 'objectId', [`objectId(${'f'.repeat(24)})`, `objectId(${'0'.repeat(24)})`]);
  assert.equal(all(ids, 'A').keys().map(String), ['0'.repeat(24), 'f'.repeat(24)]);
  const view = all(ints, 'A');
  assert.equal(
    view.map(({ _id }) => _id),
    view.keys(),
  );
  assert.equal(view.filter(({ _id }) => _id === 9).length, 1);
});

views('objects are found by the values of their keys', () => {
  const oid = '0123456789abcdef01234567';
  const uuid = '01234567-89ab-cdef-0123-456789abcdef';
  assert.ok(read(keyed('A', 'int', [`${2n ** 60n}`]), 'A', 2n ** 60n));
  assert.ok(read(keyed('A', 'int', ['null']), 'A', null));
  assert.ok(read(keyed('A', 'objectId', [`objectId(${oid})`]), 'A', new ObjectId(oid)));
  assert.equal(read(keyed('A', 'uuid', [`uuid(${uuid})`]), 'A', new UUID(uuid)), { _id: new UUID(uuid) });
});

views('what cannot be read is named', () => {
  const state = world('');
  const cases: readonly (readonly [E.Either<ReadError, unknown>, UsageCode, RegExp])[] = [
    [readObject(state, 'Nope', 1), 'unknown-class', /^Nope: found a class that does not exist/],
    [objects(state, '__proto__'), 'unknown-class', /^__proto__/],
    [objects(state, 'Address'), 'embedded-class', /^Address/],
    [objects(state, 'Log'), 'asymmetric-class', /^Log/],
    [
      readObject(state, 'P', '1'),
      'wrong-type',
      /^P: found the string "1" as key, expected a primary key: int/,
    ],
  ];
  for (const [result, code, message] of cases) {
    if (E.isRight(result)) throw new Error(`read: ${message}`);
    assert.instance(result.left, ReadError);
    assert.is(result.left.code, code);
    assert.match(result.left.message, message);
  }
  assert.throws(
    () => all(state, 'P').get('1'),
    (error: unknown) => error instanceof ReadError,
  );
});

views('changes name the objects that were inserted, modified and deleted', () => {
  const before = world(`CreateObject P[10]
    CreateObject P[9]
    CreateObject P[8]
    Update P[8].home = object
    CreateObject D["x"]`);
  const after = build(
    instructions`
      EraseObject P[9]
      Update P[10].name = "a"
      Update P[8].home["street"] = "s"
      CreateObject P[100]
      CreateObject P[20]
      CreateObject D[null]
      EraseObject D[null]`,
    before,
  );
  assert.equal(
    [...changes(before, after)],
    [['P', { insertions: [20, 100], modifications: [8, 10], deletions: [9] }]],
  );
  assert.is(changes(after, after).size, 0);
  assert.equal(changes(emptyState, after).get('D'), { insertions: ['x'], modifications: [], deletions: [] });
});

views.run();
