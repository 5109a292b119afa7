import { Double, Long } from 'bson';
import * as assert from 'uvu/assert';
import { double, type EdgeValue, int, linkTo } from '../core/model/edge-types.js';
import { printInstruction } from '../core/model/notation.js';
import type { Transaction } from '../core/session/transaction.js';
import { done, emitted, nothing, world } from './kit/people.js';
import { suite } from './kit/suite.js';

const transactions = suite('transaction');

const one = 'CreateObject P[1]\n';

/** A property of object 1. */
const field = (tx: Transaction, name: string): EdgeValue | undefined => tx.object('P', 1)?.[name];

transactions('creating emits the object, then an update for each property that gets a value', () => {
  assert.equal(
    emitted(nothing, (tx) => tx.create('P', { age: 5, _id: 1, name: 'a', home: undefined })),
    ['CreateObject P[1]', 'Update name = "a"', 'Update age = 5'],
  );
  assert.equal(
    emitted(nothing, (tx) =>
      tx.create('P', {
        _id: 1,
        tags: ['a', 'b'],
        codes: new Set([1, 2, 1]),
        notes: new Map([['k', 'v']]),
        home: { street: 's', next: { lines: ['x'] } },
        places: [{}, { street: null }],
        byName: { work: { street: 's' }, none: null },
        friend: 1,
        friends: [{ key: 1 }],
        circle: [linkTo('P', 1)],
        roles: { me: 1 },
        pointer: { class: 'P', key: 1 },
      }),
    ),
    [
      'CreateObject P[1]',
      'ArrayInsert tags[0] = "a" of 0',
      'ArrayInsert tags[1] = "b" of 1',
      'SetInsert codes 1',
      'SetInsert codes 2',
      'Update notes["k"] = "v"',
      'Update home = object',
      'Update home["street"] = "s"',
      'Update home["next"] = object',
      'ArrayInsert home["next"]["lines"][0] = "x" of 0',
      'ArrayInsert places[0] = object of 0',
      'ArrayInsert places[1] = object of 1',
      'Update places[1]["street"] = null',
      'Update byName["work"] = object',
      'Update byName["work"]["street"] = "s"',
      'Update byName["none"] = null',
      'Update friend = link(P, 1)',
      'ArrayInsert friends[0] = link(P, 1) of 0',
      'SetInsert circle link(P, 1)',
      'Update roles["me"] = link(P, 1)',
      'Update pointer = link(P, 1)',
    ],
  );
});

transactions('what the schema fills in is marked as default, where there is room for the mark', () => {
  assert.equal(
    done(nothing, (tx) => tx.create('D', { key: null })).instructions.map((i) =>
      printInstruction(i).replace('D[null].', ''),
    ),
    [
      'CreateObject D[null]',
      'Update count = 7 default',
      'Update nothing = null default',
      'ArrayInsert tags[0] = "a" of 0',
      'ArrayInsert tags[1] = "b" of 1',
      'SetInsert codes 1',
      'Update notes["k"] = 1',
      'Update any = dictionary default',
      'Clear any dictionary',
      'Update any["k"] = list',
      'Clear any["k"] list',
      'ArrayInsert any["k"][0] = 1 of 0',
      'Update place = object default',
      'Update place["x"] = 1 default',
      'Update place["y"] = 9 default',
      'ArrayInsert spots[0] = object of 0',
      'Update spots[0]["x"] = 2 default',
      'Update spots[0]["y"] = 9 default',
      'Update named["here"] = object',
      'Update named["here"]["y"] = 9 default',
    ],
  );
  // Nothing that the application gives is a default, even where it is the same.
  assert.equal(
    done(nothing, (tx) =>
      tx.create('D', {
        key: 'a',
        count: 7,
        nothing: null,
        tags: [],
        codes: [],
        notes: {},
        any: null,
        place: { x: 1 },
        empty: null,
        spots: [],
        named: {},
      }),
    ).instructions.map((i) => printInstruction(i).replace('D["a"].', '')),
    [
      'CreateObject D["a"]',
      'Update count = 7',
      'Update nothing = null',
      'Update any = null',
      'Update place = object',
      'Update place["x"] = 1',
      'Update place["y"] = 9 default',
      'Update empty = null',
    ],
  );
});

transactions('setting a property is an update, also where nothing changes', () => {
  const before = `${one}Update P[1].name = "a"`;
  assert.equal(
    emitted(before, (tx) => tx.set('P', 1, 'name', 'a')),
    ['Update name = "a"'],
  );
  assert.equal(
    emitted(before, (tx) => tx.update('P', 1, { name: 'b', age: null, home: undefined })),
    ['Update name = "b"', 'Update age = null'],
  );
  assert.equal(
    emitted(before, (tx) => tx.set('P', 1, ['any'], double(5))),
    ['Update any = double(5)'],
  );
});

transactions('increments are additions', () => {
  const before = `${one}Update P[1].age = 1\nUpdate P[1].any = 5`;
  assert.equal(
    emitted(before, (tx) => {
      tx.increment('P', 1, 'age', 2);
      tx.increment('P', 1, 'age', -(2n ** 63n));
      tx.increment('P', 1, 'any', Long.fromNumber(-1));
      assert.is(field(tx, 'any'), 4n);
    }),
    ['AddInteger age += 2', 'AddInteger age += -9223372036854775808', 'AddInteger any += -1'],
  );
});

transactions('an embedded object that replaces another comes after what takes the other away', () => {
  const property = `${one}Update P[1].home = object`;
  const home = { street: 's' };
  const fields = ['Update home = object', 'Update home["street"] = "s"'];
  assert.equal(
    emitted(one, (tx) => tx.set('P', 1, 'home', home)),
    fields,
  );
  assert.equal(
    emitted(property, (tx) => tx.set('P', 1, 'home', home)),
    ['Update home = null', ...fields],
  );
  assert.equal(
    emitted(property, (tx) => tx.set('P', 1, 'home', null)),
    ['Update home = null'],
  );
  const inList = `${one}ArrayInsert P[1].places[0] = object of 0\nArrayInsert P[1].places[1] = object of 1`;
  const replaced = [
    'ArrayErase places[1] of 2',
    'ArrayInsert places[1] = object of 1',
    'Update places[1]["street"] = "s"',
  ];
  assert.equal(
    emitted(inList, (tx) => tx.set('P', 1, ['places', 1], home)),
    replaced,
  );
  assert.equal(
    emitted(inList, (tx) => tx.list('P', 1, 'places').set(1, home)),
    replaced,
  );
  const entry = ['Update byName["k"] = object', 'Update byName["k"]["street"] = "s"'];
  assert.equal(
    emitted(one, (tx) => tx.dictionary('P', 1, 'byName').set('k', home)),
    entry,
  );
  assert.equal(
    emitted(`${one}Update P[1].byName["k"] = null`, (tx) => tx.set('P', 1, ['byName', 'k'], home)),
    entry,
  );
  assert.equal(
    emitted(`${one}Update P[1].byName["k"] = object`, (tx) => tx.set('P', 1, ['byName', 'k'], home)),
    ['Update byName["k"] = null', ...entry],
  );
  assert.equal(
    emitted(property, (tx) => {
      tx.set('P', 1, ['home', 'next'], { lines: ['a'] });
      tx.set('P', 1, ['home', 'next', 'street'], 'x');
      tx.list('P', 1, ['home', 'next', 'lines']).push('b');
    }),
    [
      'Update home["next"] = object',
      'ArrayInsert home["next"]["lines"][0] = "a" of 0',
      'Update home["next"]["street"] = "x"',
      'ArrayInsert home["next"]["lines"][1] = "b" of 1',
    ],
  );
});

const tags = `${one}ArrayInsert P[1].tags[0] = "a" of 0
  ArrayInsert P[1].tags[1] = "b" of 1
  ArrayInsert P[1].tags[2] = "c" of 2
  ArrayInsert P[1].tags[3] = "d" of 3`;

transactions('changes of a list carry its size', () => {
  const edited = (edit: (list: ReturnType<Transaction['list']>) => void): readonly string[] =>
    emitted(tags, (tx) => edit(tx.list('P', 1, 'tags')));
  assert.equal(
    edited((list) => list.set(2, 'x')),
    ['Update tags[2] = "x" of 4'],
  );
  assert.equal(
    edited((list) => list.insert(1, 'x', 'y')),
    ['ArrayInsert tags[1] = "x" of 4', 'ArrayInsert tags[2] = "y" of 5'],
  );
  assert.equal(
    edited((list) => list.insert(4, 'x')),
    ['ArrayInsert tags[4] = "x" of 4'],
  );
  assert.equal(
    edited((list) => list.push('x', 'y')),
    ['ArrayInsert tags[4] = "x" of 4', 'ArrayInsert tags[5] = "y" of 5'],
  );
  assert.equal(
    edited((list) => list.move(0, 2)),
    ['ArrayMove tags[0] -> 2 of 4'],
  );
  assert.equal(
    edited((list) => list.move(2, 2)),
    [],
  );
  assert.equal(
    edited((list) => list.remove(3)),
    ['ArrayErase tags[3] of 4'],
  );
  assert.equal(
    edited((list) => list.clear()),
    ['Clear tags list'],
  );
  assert.equal(
    edited((list) => list.assign(['x'])),
    ['Clear tags list', 'ArrayInsert tags[0] = "x" of 0'],
  );
  assert.equal(
    emitted(tags, (tx) => tx.set('P', 1, 'tags', ['x'])),
    ['Clear tags list', 'ArrayInsert tags[0] = "x" of 0'],
  );
  assert.equal(
    emitted(tags, (tx) => tx.set('P', 1, ['tags', 0], 'x')),
    ['Update tags[0] = "x" of 4'],
  );
  const empty = emitted(one, (tx) => {
    tx.list('P', 1, 'tags').clear();
    tx.list('P', 1, 'tags').assign([]);
    tx.set('P', 1, 'tags', []);
  });
  assert.equal(empty, []);
});

transactions('a swap is two moves, of neighbours one', () => {
  const swapped = (i: number, j: number): readonly [readonly string[], unknown] => {
    const { instructions: out, result } = done(world(tags), (tx) => {
      tx.list('P', 1, 'tags').swap(i, j);
      return field(tx, 'tags');
    });
    return [out.map((i) => printInstruction(i).replace('P[1].', '')), result];
  };
  assert.equal(swapped(0, 3), [
    ['ArrayMove tags[3] -> 0 of 4', 'ArrayMove tags[1] -> 3 of 4'],
    ['d', 'b', 'c', 'a'],
  ]);
  assert.equal(swapped(3, 0)[1], ['d', 'b', 'c', 'a']);
  assert.equal(swapped(1, 2), [['ArrayMove tags[2] -> 1 of 4'], ['a', 'c', 'b', 'd']]);
  assert.equal(swapped(1, 1), [[], ['a', 'b', 'c', 'd']]);
});

transactions('sets emit only what changes their membership', () => {
  const before = `${one}SetInsert P[1].codes 1\nSetInsert P[1].anyOf double(0)`;
  assert.equal(
    emitted(before, (tx) => {
      const codes = tx.setOf('P', 1, 'codes');
      assert.equal(
        [codes.add(1), codes.add(2), codes.delete(3), codes.delete(1), codes.size],
        [false, true, false, true, 1],
      );
      assert.equal([codes.has(2), codes.has(1), codes.values()], [true, false, [2]]);
    }),
    ['SetInsert codes 2', 'SetErase codes 1'],
  );
  // A member is erased as it was inserted.
  assert.equal(
    emitted(before, (tx) => {
      assert.not(tx.setOf('P', 1, 'anyOf').add(double(-0)));
      assert.ok(tx.setOf('P', 1, 'anyOf').add(int(0)));
      assert.ok(tx.setOf('P', 1, 'anyOf').delete(double(-0)));
    }),
    ['SetInsert anyOf 0', 'SetErase anyOf double(0)'],
  );
  assert.equal(
    emitted(before, (tx) => tx.setOf('P', 1, 'codes').clear()),
    ['Clear codes set'],
  );
  assert.equal(
    emitted(one, (tx) => tx.setOf('P', 1, 'codes').clear()),
    [],
  );
  assert.equal(
    emitted(before, (tx) => tx.set('P', 1, 'codes', [2, 2, 1])),
    ['Clear codes set', 'SetInsert codes 2', 'SetInsert codes 1'],
  );
});

transactions('dictionaries emit updates, and erase what is there', () => {
  const before = `${one}Update P[1].notes["k"] = "v"`;
  assert.equal(
    emitted(before, (tx) => {
      const notes = tx.dictionary('P', 1, 'notes');
      notes.set('l', 'w');
      notes.set('__proto__', 'p');
      assert.equal([notes.get('k'), notes.get('x'), notes.has('l'), notes.size], ['v', undefined, true, 3]);
      assert.equal(notes.keys(), ['__proto__', 'k', 'l']);
      assert.equal([notes.delete('k'), notes.delete('k')], [true, false]);
    }),
    ['Update notes["l"] = "w"', 'Update notes["__proto__"] = "p"', 'Update notes["k"] = erased'],
  );
  assert.equal(
    emitted(before, (tx) => tx.dictionary('P', 1, 'notes').clear()),
    ['Clear notes dictionary'],
  );
  assert.equal(
    emitted(one, (tx) => tx.dictionary('P', 1, 'notes').clear()),
    [],
  );
  assert.equal(
    emitted(before, (tx) => tx.set('P', 1, 'notes', { a: 'b' })),
    ['Clear notes dictionary', 'Update notes["a"] = "b"'],
  );
});

transactions('a mixed value that becomes a collection is always cleared', () => {
  assert.equal(
    emitted(one, (tx) => tx.set('P', 1, 'any', [int(1), [], { k: null }])),
    [
      'Update any = list',
      'Clear any list',
      'ArrayInsert any[0] = 1 of 0',
      'ArrayInsert any[1] = list of 1',
      'ArrayInsert any[2] = dictionary of 2',
      'Update any[2]["k"] = null',
    ],
  );
  const nested = `${one}Update P[1].any = list
    ArrayInsert P[1].any[0] = 1 of 0
    ArrayInsert P[1].any[1] = dictionary of 1
    Update P[1].any[1]["k"] = list`;
  assert.equal(
    emitted(nested, (tx) => tx.set('P', 1, 'any', [])),
    ['Update any = list', 'Clear any list'],
  );
  assert.equal(
    emitted(nested, (tx) => tx.set('P', 1, ['any', 0], ['x'])),
    ['Update any[0] = list of 2', 'Clear any[0] list', 'ArrayInsert any[0][0] = "x" of 0'],
  );
  assert.equal(
    emitted(nested, (tx) => tx.set('P', 1, ['any', 1, 'k'], new Map([['a', ['x']]]))),
    [
      'Update any[1]["k"] = dictionary',
      'Clear any[1]["k"] dictionary',
      'Update any[1]["k"]["a"] = list',
      'Clear any[1]["k"]["a"] list',
      'ArrayInsert any[1]["k"]["a"][0] = "x" of 0',
    ],
  );
  assert.equal(
    emitted(nested, (tx) => {
      tx.list('P', 1, ['any', 1, 'k']).clear();
      tx.list('P', 1, ['any', 1, 'k']).push(new Double(1));
      tx.dictionary('P', 1, ['any', 1]).delete('k');
      tx.dictionary('P', 1, ['any', 1]).clear();
      tx.list('P', 1, 'any').assign(['x']);
    }),
    [
      'Clear any[1]["k"] list',
      'ArrayInsert any[1]["k"][0] = double(1) of 0',
      'Update any[1]["k"] = erased',
      'Clear any[1] dictionary',
      'Update any = list',
      'Clear any list',
      'ArrayInsert any[0] = "x" of 0',
    ],
  );
});

transactions.run();
