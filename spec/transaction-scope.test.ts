import { Int32 } from 'bson';
import * as E from 'fp-ts/lib/Either.js';
import * as assert from 'uvu/assert';
import { digest } from '../core/model/digest.js';
import { float, int, linkTo } from '../core/model/edge-types.js';
import { printInstruction } from '../core/model/notation.js';
import { type Transaction, transact } from '../core/session/transaction.js';
import { type UsageCode, WriteError } from '../core/session/usage-error.js';
import type { ObjectView } from '../core/session/view.js';
import { done, nothing, schema, world } from './kit/people.js';
import { suite } from './kit/suite.js';

const scope = suite('scope of transactions');

const one = 'CreateObject P[1]\n';

const namesOf = ({ _id, name }: ObjectView): readonly unknown[] => [_id, name];

scope('asymmetric objects are created, and are gone when the transaction is over', () => {
  const result = transact(world(one), schema, (tx) => {
    tx.create('Log', { _id: 1, text: 'a', p: 1, any: [int(5)] });
    tx.set('P', 1, 'name', 'b');
    tx.delete('P', 1);
  });
  if (E.isLeft(result)) throw result.left;
  const { instructions: out, state } = result.right;
  assert.equal(out.map(printInstruction), [
    'CreateObject Log[1]',
    'Update Log[1].text = "a"',
    'Update Log[1].p = link(P, 1)',
    'Update Log[1].any = list',
    'Clear Log[1].any list',
    'ArrayInsert Log[1].any[0] = 5 of 0',
    'Update P[1].name = "b"',
    'EraseObject P[1]',
  ]);
  assert.is(digest(state), digest(nothing));
});

scope('a transaction reads what it has written, and its views stay as they were', () => {
  done(world(one), (tx) => {
    const before = tx.objects('P');
    tx.create('P', { _id: 2, name: 'b' });
    tx.set('P', 1, 'name', 'a');
    const after = tx.objects('P');
    tx.delete('P', 2);
    assert.equal(
      before.map((object) => namesOf(object)),
      [[1, '']],
    );
    assert.equal(
      after.map((object) => namesOf(object)),
      [
        [1, 'a'],
        [2, 'b'],
      ],
    );
    assert.is(after.size, 2);
    assert.is(tx.object('P', 2), null);
    assert.equal(tx.objects('P').keys(), [1]);
  });
});

scope('a body that writes nothing leaves the state as it is', () => {
  const before = world(one);
  const { state, instructions: out, result } = done(before, (tx) => tx.objects('P').size);
  assert.is(state, before);
  assert.equal([out, result], [[], 1]);
});

scope('an error of the application goes through, and nothing is kept', () => {
  const before = world(one);
  assert.throws(
    () =>
      transact(before, schema, (tx) => {
        tx.set('P', 1, 'name', 'b');
        throw new RangeError('mine');
      }),
    (error: unknown) => error instanceof RangeError,
  );
  assert.is(digest(before), digest(world(one)));
});

scope('a body that catches what a method threw goes on as if it had not been called', () => {
  const { instructions: out } = done(world(one), (tx) => {
    assert.throws(() => tx.update('P', 1, { name: 'b', age: 'old' }), WriteErrorOf('wrong-type'));
    assert.throws(() => tx.create('P', { _id: 2, tags: ['a', 5] }), WriteErrorOf('wrong-type'));
    assert.throws(() => tx.list('P', 1, 'tags').push('a', 5), WriteErrorOf('wrong-type'));
    assert.throws(() => tx.set('P', 1, 'home', { street: 's', lines: [1] }), WriteErrorOf('wrong-type'));
    tx.set('P', 1, 'name', 'c');
  });
  assert.equal(out.map(printInstruction), ['Update P[1].name = "c"']);
});

const WriteErrorOf = (code: UsageCode) => (error: unknown) =>
  error instanceof WriteError && error.code === code;

scope('a transaction ends with its body', () => {
  let leaked: Transaction | null = null;
  let list: ReturnType<Transaction['list']> | null = null;
  done(world(one), (tx) => {
    leaked = tx;
    list = tx.list('P', 1, 'tags');
  });
  const uses: readonly (() => unknown)[] = [
    () => leaked?.set('P', 1, 'name', 'b'),
    () => leaked?.object('P', 1),
    () => leaked?.objects('P'),
    () => list?.push('a'),
    () => list?.length,
  ];
  for (const use of uses) assert.throws(use, WriteErrorOf('ended'));
  const result = transact(world(one), schema, (tx) => Promise.resolve(tx.set('P', 1, 'name', 'b')));
  assert.is(E.isLeft(result) ? result.left.code : '', 'ended');
});

scope('data that have lost what the schema has refuse the transaction as a whole', () => {
  const lost = world(`${one}EraseColumn P.name\nEraseColumn D.count\nEraseTable Log`);
  const refused = (body: (tx: Transaction) => unknown): string => {
    const result = transact(lost, schema, (tx) => {
      try {
        body(tx);
      } catch {
        // The application goes on: what was emitted before cannot be kept.
      }
      tx.set('P', 1, 'age', 1);
    });
    return E.isLeft(result) ? result.left.message : '';
  };
  assert.match(
    refused((tx) => tx.create('P', { _id: 2, name: 'b' })),
    /P\[2\].name: found .*no property name/,
  );
  assert.match(
    refused((tx) => tx.create('Log', { _id: 2 })),
    /Log: found .*no class Log/,
  );
  assert.throws(
    () => done(lost, (tx) => tx.set('P', 1, 'name', 'b')),
    /P\[1\].name: found a property that the data have lost/,
  );
  // Defaults of properties that are gone are not missed.
  const { instructions: out } = done(lost, (tx) => tx.create('D', { key: 'a', tags: [], any: null }));
  assert.not(out.map(printInstruction).join().includes('count'));
});

scope('too many instructions are refused, whatever the body makes of it', () => {
  const result = transact(world(one), schema, (tx) => {
    try {
      tx.set(
        'P',
        1,
        'tags',
        Array.from({ length: 1_000_001 }, () => 'a'),
      );
    } catch {
      // Looked away from.
    }
  });
  assert.is(E.isLeft(result) ? result.left.code : '', 'too-large');
});

scope('each wrong use is named with its place, what was found and what was expected', () => {
  const before = world(`${one}CreateObject P[2]
    Update P[1].home = object
    ArrayInsert P[1].tags[0] = "a" of 0
    ArrayInsert P[1].places[0] = object of 0
    Update P[1].byName["k"] = null
    Update P[1].notes["k"] = "v"
    Update P[1].any = list
    ArrayInsert P[1].any[0] = "x" of 0`);
  const deep = (depth: number): unknown => (depth === 0 ? [] : [deep(depth - 1)]);
  const cases: readonly (readonly [(tx: Transaction) => unknown, UsageCode, RegExp])[] = [
    [(tx) => tx.create('Nope', {}), 'unknown-class', /^Nope: .*one of P, Address, D/],
    [(tx) => tx.object('Nope', 1), 'unknown-class', /^Nope/],
    [(tx) => tx.objects('toString'), 'unknown-class', /^toString/],
    [
      (tx) => tx.create('Address', {}),
      'embedded-class',
      /^Address: .*embedded objects are reached by the path/,
    ],
    [(tx) => tx.objects('Address'), 'embedded-class', /^Address/],
    [(tx) => tx.set('Address', 1, 'street', 's'), 'embedded-class', /^Address/],
    [(tx) => tx.object('Log', 1), 'asymmetric-class', /^Log: .*can be created, and nothing else/],
    [(tx) => tx.delete('Log', 1), 'asymmetric-class', /^Log/],
    [(tx) => tx.update('Log', 1, {}), 'asymmetric-class', /^Log/],
    [
      (tx) => tx.create('Log', { _id: 1, any: linkTo('P', 1) }),
      'wrong-type',
      /^Log\[1\].any: .*without links/,
    ],
    [
      (tx) => tx.create('P', { name: 'a' }),
      'wrong-type',
      /^P: found undefined as key, expected a primary key: int/,
    ],
    [(tx) => tx.create('P', { _id: 1.5 }), 'wrong-type', /^P: found the number 1.5 as key/],
    [(tx) => tx.create('P', { _id: null }), 'wrong-type', /^P: found null as key/],
    [(tx) => tx.set('P', '1', 'name', 'a'), 'wrong-type', /^P: found the string "1" as key/],
    [
      (tx) => tx.create('P', { _id: new Int32(1) }),
      'object-exists',
      /^P\[1\]: found an object with this key/,
    ],
    [
      (tx) => tx.create('P', { _id: 3, nme: 'a' }),
      'unknown-property',
      /^P\[3\].nme: .*one of P's properties: name/,
    ],
    [(tx) => tx.set('P', 1, 'nme', 'a'), 'unknown-property', /^P\[1\].nme/],
    [(tx) => tx.set('P', 1, '__proto__', 'a'), 'unknown-property', /^P\[1\].__proto__/],
    [(tx) => tx.update('P', 1, { nme: 'a' }), 'unknown-property', /^P\[1\].nme/],
    [(tx) => tx.set('P', 1, ['home', 'zip'], 'a'), 'unknown-property', /^P\[1\].home\["zip"\]/],
    [(tx) => tx.set('P', 1, '_id', 2), 'primary-key', /^P\[1\]._id: .*never changes/],
    [(tx) => tx.update('P', 1, { _id: 1 }), 'primary-key', /^P\[1\]._id/],
    [(tx) => tx.increment('P', 1, '_id', 1), 'primary-key', /^P\[1\]._id/],
    [(tx) => tx.set('P', 9, 'name', 'a'), 'no-such-object', /^P\[9\]: found no object/],
    [(tx) => tx.delete('P', 9), 'no-such-object', /^P\[9\]/],
    [(tx) => [tx.delete('P', 2), tx.set('P', 2, 'name', 'a')], 'no-such-object', /^P\[2\]/],
    [(tx) => tx.list('P', 9, 'tags').push('a'), 'no-such-object', /^P\[9\]/],
    [(tx) => tx.set('P', 1, 'name', 5), 'wrong-type', /^P\[1\].name: found the number 5, expected string/],
    [(tx) => tx.set('P', 1, 'name', null), 'null-not-allowed', /^P\[1\].name: found null, expected string/],
    [(tx) => tx.set('P', 1, 'name', undefined), 'wrong-type', /^P\[1\].name: found undefined/],
    [
      (tx) => tx.set('P', 1, 'age', float(1)),
      'wrong-type',
      /^P\[1\].age: found an instance of Float, expected int/,
    ],
    [
      (tx) => tx.set('P', 1, 'any', 5),
      'wrong-type',
      /^P\[1\].any: found the bare number 5, expected .*int\(…\)/,
    ],
    [
      (tx) => tx.set('P', 1, 'any', [[int(1), 5]]),
      'wrong-type',
      /^P\[1\].any\[0\]\[1\]: found the bare number 5/,
    ],
    [(tx) => tx.set('P', 1, 'any', new Set()), 'wrong-type', /^P\[1\].any: found an instance of Set/],
    [
      (tx) => tx.set('P', 1, 'any', new Map([[1, 'a']])),
      'wrong-type',
      /^P\[1\].any: found the number 1 as a key/,
    ],
    [
      (tx) => tx.set('P', 1, 'any', deep(101)),
      'too-deep',
      /found a value nested 101 deep, expected at most 100/,
    ],
    [(tx) => tx.set('P', 1, 'anyOf', [[]]), 'wrong-type', /^P\[1\].anyOf\[0\]: found an array of 0/],
    [
      (tx) => tx.set('P', 1, 'tags', 'a'),
      'wrong-type',
      /^P\[1\].tags: found the string "a", expected an array of/,
    ],
    [(tx) => tx.set('P', 1, 'tags', ['a', null]), 'null-not-allowed', /^P\[1\].tags\[1\]/],
    [(tx) => tx.set('P', 1, 'codes', {}), 'wrong-type', /^P\[1\].codes: .*an array or Set of int/],
    [
      (tx) => tx.set('P', 1, 'notes', ['a']),
      'wrong-type',
      /^P\[1\].notes: .*a plain object or Map of string/,
    ],
    [(tx) => tx.set('P', 1, 'home', 'here'), 'wrong-type', /^P\[1\].home: .*embedded Address or null/],
    [(tx) => tx.set('P', 1, 'home', linkTo('P', 1)), 'wrong-type', /^P\[1\].home: found a link to P/],
    [(tx) => tx.set('P', 1, 'home', { zip: 1 }), 'unknown-property', /^P\[1\].home\["zip"\]/],
    [
      (tx) => tx.set('P', 1, 'places', [null]),
      'null-not-allowed',
      /^P\[1\].places\[0\]: .*embedded Address$/,
    ],
    [(tx) => tx.set('P', 1, 'friends', [null]), 'null-not-allowed', /^P\[1\].friends\[0\]: .*link to P$/],
    [
      (tx) => tx.set('P', 1, 'friend', 9),
      'no-such-object',
      /^P\[1\].friend: found a link to P\[9\], which does not/,
    ],
    [(tx) => tx.set('P', 1, 'any', linkTo('P', 9)), 'no-such-object', /^P\[1\].any/],
    [
      (tx) => tx.set('P', 1, 'friend', 'x'),
      'wrong-type',
      /^P\[1\].friend: found the string "x" as key of a link to P/,
    ],
    [
      (tx) => tx.set('P', 1, 'friend', linkTo('D', 'a')),
      'wrong-type',
      /^P\[1\].friend: found a link to D, expected link/,
    ],
    [
      (tx) => tx.set('P', 1, 'friend', { name: 'a' }),
      'wrong-type',
      /^P\[1\].friend: found a plain object with "name"/,
    ],
    [(tx) => tx.set('P', 1, 'pointer', 1), 'wrong-type', /^P\[1\].pointer: .*linkTo\(class, key\)/],
    [
      (tx) => tx.set('P', 1, 'pointer', { key: 1 }),
      'wrong-type',
      /^P\[1\].pointer: found a link without a class/,
    ],
    [(tx) => tx.set('P', 1, 'pointer', linkTo('Log', 1)), 'wrong-type', /^P\[1\].pointer: .*asymmetric/],
    [(tx) => tx.set('P', 1, 'any', linkTo('Address', 1)), 'wrong-type', /^P\[1\].any: .*embedded/],
    [(tx) => tx.set('P', 1, 'any', linkTo('Nope', 1)), 'unknown-class', /^P\[1\].any: found a link to Nope/],
    [(tx) => tx.set('P', 1, [], 1), 'bad-path', /^P\[1\]: found undefined in the path/],
    [(tx) => tx.set('P', 1, ['tags', -1], 'a'), 'bad-path', /^P\[1\]: found the number -1 in the path/],
    [(tx) => tx.set('P', 1, ['tags', 'x'], 'a'), 'bad-path', /^P\[1\].tags\["x"\]: .*an index/],
    [(tx) => tx.set('P', 1, ['notes', 0], 'a'), 'bad-path', /^P\[1\].notes\[0\]: .*a key/],
    [(tx) => tx.set('P', 1, ['home', 0], 'a'), 'bad-path', /^P\[1\].home\[0\]/],
    [(tx) => tx.set('P', 1, ['codes', 0], 1), 'bad-path', /^P\[1\].codes\[0\]: found a set, whose members/],
    [(tx) => tx.set('P', 1, ['name', 0], 'a'), 'bad-path', /^P\[1\].name\[0\]: found a value without inner/],
    [
      (tx) => tx.set('P', 2, ['home', 'street'], 'a'),
      'bad-path',
      /^P\[2\].home\["street"\]: found null on the way/,
    ],
    [
      (tx) => tx.set('P', 1, ['byName', 'x', 'street'], 'a'),
      'bad-path',
      /a key that the dictionary does not have/,
    ],
    [(tx) => tx.set('P', 1, ['tags', 1], 'a'), 'index-out-of-range', /^P\[1\].tags\[1\]: found index 1/],
    [(tx) => tx.list('P', 1, 'tags').insert(2, 'a'), 'index-out-of-range', /^P\[1\].tags: .*its 1 elements/],
    [(tx) => tx.list('P', 1, 'tags').remove(0.5), 'index-out-of-range', /the number 0.5 as index/],
    [(tx) => tx.list('P', 1, 'tags').move(0, 1), 'index-out-of-range', /^P\[1\].tags/],
    [(tx) => tx.list('P', 1, 'tags').set(0, 1), 'wrong-type', /^P\[1\].tags\[0\]: found the number 1/],
    [(tx) => tx.list('P', 1, 'codes').push(1), 'bad-path', /^P\[1\].codes: found a set, expected a list/],
    [
      (tx) => tx.list('P', 1, 'name').length,
      'bad-path',
      /^P\[1\].name: found something else, expected a list/,
    ],
    [(tx) => tx.setOf('P', 1, 'tags').add('a'), 'bad-path', /^P\[1\].tags: found a list, expected a set/],
    [(tx) => tx.setOf('P', 1, 'codes').add('a'), 'wrong-type', /^P\[1\].codes: found the string "a"/],
    [
      (tx) => tx.dictionary('P', 1, 'any').keys(),
      'bad-path',
      /^P\[1\].any: found something else, expected a dict/,
    ],
    [(tx) => tx.dictionary('P', 1, 'notes').set('k', 1), 'wrong-type', /^P\[1\].notes\["k"\]/],
    [(tx) => tx.increment('P', 1, 'age', 1), 'not-an-integer', /^P\[1\].age: found null/],
    [(tx) => tx.increment('P', 1, 'name', 1), 'not-an-integer', /^P\[1\].name/],
    [(tx) => tx.increment('P', 1, 'codes', 1), 'bad-path', /^P\[1\].codes/],
    [(tx) => tx.increment('P', 1, ['any', 0], 1), 'bad-path', /^P\[1\].any\[0\]/],
    [(tx) => tx.increment('P', 1, 'age', 0.5), 'wrong-type', /^P\[1\].age: found the number 0.5 to add/],
  ];
  for (const [body, code, message] of cases) {
    const result = transact(before, schema, body);
    if (E.isRight(result)) throw new Error(`nothing was wrong: ${message}`);
    assert.is(result.left.code, code, result.left.message);
    assert.match(result.left.message, message);
    const { place, found, expected } = result.left;
    assert.is(result.left.message, `${place}: found ${found}, expected ${expected}`);
  }
  assert.is(digest(nothing), digest(world('')));
});

scope.run();
