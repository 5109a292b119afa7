/**
 * List instructions of two sides that cannot both be about one list: an index that is beyond the size, sizes that
 * differ, a list that the other takes for something else. A merge says so, and makes nothing of them.
 */
import * as E from 'fp-ts/lib/Either.js';
import * as assert from 'uvu/assert';
import { columnsOf } from '../core/merge/column-lookup.js';
import { syncline } from '../core/merge/rule-set.js';
import { transform } from '../core/merge/transform.js';
import type { Changeset } from '../core/model/changeset.js';
import { update, updateElement } from '../core/model/instruction.js';
import { intKey } from '../core/model/key.js';
import { instructions } from './kit/notation.js';
import { suite } from './kit/suite.js';
import { build } from './kit/worlds.js';

const misfit = suite('lists that do not fit');

const base = build(
  instructions(`
    AddTable A topLevel _id: int
    AddColumn A.l: int[]
    AddColumn A.m: mixed?
    CreateObject A[1]
    ArrayInsert A[1].l[0] = 1 of 0
    ArrayInsert A[1].l[1] = 2 of 1
    ArrayInsert A[1].l[2] = 3 of 2`),
);

const side = (origin: number, text: string): Changeset => ({
  version: 1,
  base: 0,
  timestamp: origin,
  origin,
  instructions: instructions(text),
});

const reasonOf = (left: string, right: string): string | null => {
  const merged = transform([side(2, left)], [side(3, right)], { rules: syncline, columns: columnsOf(base) });
  return E.isLeft(merged) ? merged.left.reason : null;
};

const fitting = [
  'Update A[1].l[0] = 5 of 3',
  'ArrayInsert A[1].l[1] = 6 of 3',
  'ArrayErase A[1].l[2] of 3',
  'ArrayMove A[1].l[0] -> 2 of 3',
];
const beyond = [
  'Update A[1].l[3] = 5 of 3',
  'ArrayInsert A[1].l[4] = 6 of 3',
  'ArrayErase A[1].l[3] of 3',
  'ArrayMove A[1].l[3] -> 0 of 3',
  'ArrayMove A[1].l[0] -> 3 of 3',
];

misfit('those that fit merge', () => {
  for (const left of fitting)
    for (const right of fitting) assert.is(reasonOf(left, right), null, `${left} and ${right}`);
});

misfit('an index beyond the size is told, whichever side has it', () => {
  let told = 0;
  for (const one of beyond)
    for (const other of fitting)
      for (const [left, right] of [
        [one, other],
        [other, one],
      ] as const) {
        const reason = reasonOf(left, right);
        if (reason === null) continue;
        assert.is(reason, 'index-range', `${left} and ${right}`);
        told++;
      }
  assert.ok(told >= 30, `${told}`);
});

misfit('sizes that differ are told by instructions of one kind', () => {
  for (const kind of ['ArrayInsert A[1].l[1] = 6', 'ArrayErase A[1].l[2]', 'ArrayMove A[1].l[0] -> 2'])
    assert.is(reasonOf(`${kind} of 3`, `${kind} of 4`), 'prior-size', kind);
});

misfit('a list that the other side takes for a dictionary is told', () => {
  const onLists = [
    'Update A[1].m[0] = 5 of 3',
    'ArrayInsert A[1].m[1] = 6 of 3',
    'ArrayErase A[1].m[2] of 3',
    'ArrayMove A[1].m[0] -> 2 of 3',
  ];
  let told = 0;
  for (const list of onLists)
    for (const other of [
      'Update A[1].m["k"] = 5',
      'Update A[1].m["k"]["j"] = 5',
      'SetInsert A[1].m["k"]["j"] 5',
    ])
      for (const [left, right] of [
        [list, other],
        [other, list],
      ] as const) {
        const reason = reasonOf(left, right);
        if (reason === null) continue;
        assert.is(reason, 'paths', `${left} and ${right}`);
        told++;
      }
  assert.ok(told >= 8, `${told}`);
});

misfit('an update that takes its place for no element of a list is told, on either side', () => {
  const element = updateElement('A', intKey(1n), 'l', [0], 5n, 3);
  const other = update('A', intKey(1n), 'l', [0], 6n);
  for (const [left, right] of [
    [element, other],
    [other, element],
  ] as const) {
    const [ours, theirs] = [side(2, ''), side(3, '')];
    const merged = transform([{ ...ours, instructions: [left] }], [{ ...theirs, instructions: [right] }], {
      rules: syncline,
      columns: columnsOf(base),
    });
    assert.is(E.isLeft(merged) ? merged.left.reason : null, 'paths');
  }
});

misfit.run();
