import * as assert from 'uvu/assert';
import { type EdgeValue, LinkView, linkTo } from '../core/model/edge-types.js';
import { printInstruction } from '../core/model/notation.js';
import type { Transaction } from '../core/session/transaction.js';
import { done, emitted, world } from './kit/people.js';
import { suite } from './kit/suite.js';

const links = suite('links in transactions');

const one = 'CreateObject P[1]\n';

/** A property of object 1. */
const field = (tx: Transaction, name: string): EdgeValue | undefined => tx.object('P', 1)?.[name];

links('deleting takes the links away first, wherever they are', () => {
  const before = `
    CreateObject P[1]
    CreateObject P[2]
    CreateObject P[3]
    Update P[1].friend = link(P, 2)
    ArrayInsert P[1].friends[0] = link(P, 2) of 0
    ArrayInsert P[1].friends[1] = link(P, 3) of 1
    ArrayInsert P[1].friends[2] = link(P, 2) of 2
    SetInsert P[1].circle link(P, 2)
    Update P[1].roles["a"] = link(P, 2)
    Update P[1].roles["b"] = link(P, 3)
    Update P[1].pointer = link(P, 2)
    ArrayInsert P[1].pointers[0] = link(P, 2) of 0
    Update P[1].any = list
    ArrayInsert P[1].any[0] = link(P, 2) of 0
    ArrayInsert P[1].any[1] = dictionary of 1
    Update P[1].any[1]["k"] = link(P, 2)
    ArrayInsert P[1].any[2] = link(P, 2) of 2
    ArrayInsert P[1].anys[0] = link(P, 2) of 0
    SetInsert P[1].anyOf link(P, 2)
    Update P[1].anyBy["k"] = link(P, 2)
    Update P[1].home = object
    Update P[1].home["owner"] = link(P, 2)
    ArrayInsert P[1].places[0] = object of 0
    Update P[1].places[0]["next"] = object
    Update P[1].places[0]["next"]["owner"] = link(P, 2)
    Update P[1].byName["x"] = object
    Update P[1].byName["x"]["owner"] = link(P, 2)
    Update P[2].friend = link(P, 2)
    Update P[2].home = object`;
  assert.equal(
    emitted(before, (tx) => tx.delete('P', 2)),
    [
      'ArrayErase any[2] of 3',
      'Update any[1]["k"] = null',
      'ArrayErase any[0] of 2',
      'Update anyBy["k"] = null',
      'SetErase anyOf link(P, 2)',
      'ArrayErase anys[0] of 1',
      'Update byName["x"]["owner"] = null',
      'SetErase circle link(P, 2)',
      'Update friend = null',
      'ArrayErase friends[2] of 3',
      'ArrayErase friends[0] of 2',
      'Update home["owner"] = null',
      'Update places[0]["next"]["owner"] = null',
      'Update pointer = null',
      'ArrayErase pointers[0] of 1',
      'Update roles["a"] = null',
      'EraseObject P[2]',
    ],
  );
});

links('a deletion finds links that the transaction wrote, and no others', () => {
  const before = 'CreateObject P[2]\nCreateObject P[3]\nUpdate P[3].friend = link(P, 2)';
  assert.equal(
    emitted(before, (tx) => {
      tx.create('P', { _id: 1, friend: 2 });
      tx.delete('P', 2);
      assert.is(field(tx, 'friend'), null);
      tx.create('P', { _id: 2 });
      tx.list('P', 1, 'friends').push(2, 3);
      tx.set('P', 1, 'any', { k: linkTo('P', 2) });
      tx.set('P', 1, 'any', null);
      tx.delete('P', 2);
      tx.delete('P', 3);
    }),
    [
      'CreateObject P[1]',
      'Update friend = link(P, 2)',
      'Update friend = null',
      'Update P[3].friend = null',
      'EraseObject P[2]',
      'CreateObject P[2]',
      'ArrayInsert friends[0] = link(P, 2) of 0',
      'ArrayInsert friends[1] = link(P, 3) of 1',
      'Update any = dictionary',
      'Clear any dictionary',
      'Update any["k"] = link(P, 2)',
      'Update any = null',
      'ArrayErase friends[0] of 2',
      'EraseObject P[2]',
      'ArrayErase friends[0] of 1',
      'EraseObject P[3]',
    ],
  );
});

/** Friends 2, 4 and 6 exist; 3 and 5 were erased elsewhere, and their links are hidden. */
const withHidden = `${one}
  CreateObject P[2]\n  CreateObject P[4]\n  CreateObject P[6]
  ArrayInsert P[1].friends[0] = link(P, 3) of 0
  ArrayInsert P[1].friends[1] = link(P, 2) of 1
  ArrayInsert P[1].friends[2] = link(P, 5) of 2
  ArrayInsert P[1].friends[3] = link(P, 4) of 3
  ArrayInsert P[1].friends[4] = link(P, 6) of 4
  ArrayInsert P[1].friends[5] = link(P, 5) of 5
  SetInsert P[1].circle link(P, 2)
  SetInsert P[1].circle link(P, 3)
  Update P[1].roles["gone"] = link(P, 3)`;

links('links to erased objects are hidden, but instructions count them', () => {
  const friends = (
    edit: (list: ReturnType<Transaction['list']>) => void,
  ): readonly [readonly string[], unknown] => {
    const { instructions: out, result } = done(world(withHidden), (tx) => {
      edit(tx.list('P', 1, 'friends'));
      return tx
        .list('P', 1, 'friends')
        .values()
        .map((friend) => (friend instanceof LinkView ? friend.key : friend));
    });
    return [out.map((i) => printInstruction(i).replace('P[1].', '')), result];
  };
  assert.equal(
    friends((list) => assert.is(list.length, 3)),
    [[], [2, 4, 6]],
  );
  assert.equal(
    friends((list) => assert.equal([list.get(1), list.get(3)], [linkTo('P', 4), undefined])),
    [[], [2, 4, 6]],
  );
  assert.equal(
    friends((list) => list.insert(1, 1)),
    [['ArrayInsert friends[3] = link(P, 1) of 6'], [2, 1, 4, 6]],
  );
  assert.equal(
    friends((list) => list.insert(3, 1)),
    [['ArrayInsert friends[6] = link(P, 1) of 6'], [2, 4, 6, 1]],
  );
  assert.equal(
    friends((list) => list.remove(0)),
    [['ArrayErase friends[1] of 6'], [4, 6]],
  );
  assert.equal(
    friends((list) => list.move(0, 2)),
    [['ArrayMove friends[1] -> 4 of 6'], [4, 6, 2]],
  );
  assert.equal(
    friends((list) => list.move(2, 0)),
    [['ArrayMove friends[4] -> 1 of 6'], [6, 2, 4]],
  );
  assert.equal(
    friends((list) => list.swap(0, 1)),
    [
      ['ArrayMove friends[3] -> 1 of 6', 'ArrayMove friends[2] -> 3 of 6'],
      [4, 2, 6],
    ],
  );
  assert.equal(
    friends((list) => list.set(2, 1)),
    [['Update friends[4] = link(P, 1) of 6'], [2, 4, 1]],
  );
  assert.equal(
    emitted(withHidden, (tx) => tx.set('P', 1, ['friends', 2], 1)),
    ['Update friends[4] = link(P, 1) of 6'],
  );
  assert.equal(
    emitted(withHidden, (tx) => {
      assert.is(tx.setOf('P', 1, 'circle').size, 1);
      assert.not(tx.setOf('P', 1, 'circle').has(3));
      assert.not(tx.setOf('P', 1, 'circle').delete(3));
      assert.is(tx.dictionary('P', 1, 'roles').get('gone'), null);
    }),
    [],
  );
  // What is hidden comes back with its object, and is taken away for good with a local deletion.
  assert.equal(
    emitted(withHidden, (tx) => {
      tx.create('P', { _id: 5 });
      assert.is(tx.list('P', 1, 'friends').length, 5);
      tx.delete('P', 5);
    }),
    ['CreateObject P[5]', 'ArrayErase friends[5] of 6', 'ArrayErase friends[2] of 5', 'EraseObject P[5]'],
  );
});

links.run();
