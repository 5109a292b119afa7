import * as assert from 'uvu/assert';
import { forEach } from '../core/base/trie.js';
import { edit } from '../core/model/apply.js';
import { difference } from '../core/model/difference.js';
import { update } from '../core/model/instruction.js';
import { intKey } from '../core/model/key.js';
import { toInstructions } from '../core/model/snapshot.js';
import type { State } from '../core/model/state.js';
import { instructions } from './kit/notation.js';
import { type Fields, type Plain, plainState } from './kit/plain.js';
import { suite } from './kit/suite.js';
import { allWeights } from './kit/valid.js';
import { changed, holdsOfWorlds } from './kit/world-law.js';
import { build, randomWorld, wholeSchema } from './kit/worlds.js';

const test = suite('difference');

/** The fields that `other` has too, without what it does not have inside embedded objects either. */
const commonFields = (fields: Fields, other: Fields): Fields =>
  Object.fromEntries(
    Object.entries(fields)
      .filter(([name]) => name in other)
      .map(([name, value]) => [name, commonPart(value, other[name] ?? '')]),
  );

const commonPart = (value: Plain, other: Plain): Plain => {
  if (typeof value === 'string' || typeof other === 'string') return value;
  if (Array.isArray(value))
    return value.map((item, i) => commonPart(item, (other as readonly Plain[])[i] ?? ''));
  if ('object' in value && 'object' in other) return { object: commonFields(value.object, other.object) };
  if (!('dictionary' in value) || !('dictionary' in other)) return value;
  const pairs = Object.entries(value.dictionary);
  return {
    dictionary: Object.fromEntries(
      pairs.map(([key, entry]) => [key, commonPart(entry, other.dictionary[key] ?? '')]),
    ),
  };
};

/** Compares everything with everything, property by property. */
const plainDifference = (before: State, after: State): unknown[] => {
  const a = plainState(before);
  const b = plainState(after);
  const out: unknown[] = [];
  for (const table of [...new Set([...Object.keys(a), ...Object.keys(b)])].sort()) {
    const x = a[table]?.objects ?? {};
    const y = b[table]?.objects ?? {};
    const inserted = Object.keys(y).filter((key) => !(key in x));
    const deleted = Object.keys(x).filter((key) => !(key in y));
    const modified = Object.keys(x).filter((key) => {
      const p = x[key];
      const q = y[key];
      if (p === undefined || q === undefined) return false;
      return JSON.stringify(commonFields(p, q)) !== JSON.stringify(commonFields(q, p));
    });
    if (inserted.length + modified.length + deleted.length > 0)
      out.push({ table, inserted: inserted.sort(), modified: modified.sort(), deleted: deleted.sort() });
  }
  return out;
};

test('the difference is what a full comparison finds', () => {
  const seen = new Set<string>();
  holdsOfWorlds(250, (random, world) => {
    const next = changed(random, world, 1 + random.int(8));
    const found = difference(world, next);
    for (const { inserted, modified, deleted } of found) {
      if (inserted.length > 0) seen.add('inserted');
      if (modified.length > 0) seen.add('modified');
      if (deleted.length > 0) seen.add('deleted');
    }
    assert.equal(found, plainDifference(world, next));
    assert.equal(difference(next, world), plainDifference(next, world));
  });
  assert.is(seen.size, 3);
});

test('the difference of states without a common history is found too', () => {
  holdsOfWorlds(100, (random, world) => {
    assert.equal(difference(world, build(toInstructions(world))), []);
    const other = randomWorld(random, { weights: allWeights });
    assert.equal(difference(world, other), plainDifference(world, other));
  });
});

test('a property that is erased and added again reads differently without a write to the object', () => {
  const before = build(instructions`
    AddTable A topLevel _id: int
    AddTable E embedded
    AddColumn E.int: int
    AddColumn A.e: link(E)?
    CreateObject A[1]
    CreateObject A[2]
    Update A[1].e = object
    Update A[1].e["int"] = 5
    Update A[2].e = object
  `);
  const after = build(instructions('EraseColumn E.int\nAddColumn E.int: int'), before);
  assert.equal(difference(before, after), [
    { table: 'A', inserted: [], modified: [intKey(1n)], deleted: [] },
  ]);
  const erased = build(instructions`EraseColumn E.int`, before);
  assert.equal(difference(before, erased), []);
});

test('the difference costs no more than the change', () => {
  const draft = edit(build(wholeSchema()));
  for (let i = 0; i < 5000; i++)
    assert.is(draft.apply({ kind: 'CreateObject', table: 'A', object: intKey(BigInt(i)) }), null);
  const before = draft.finish();
  assert.is(draft.apply(update('A', intKey(77n), 'int', [], 1n)), null);
  const after = draft.finish();
  // Objects that both share are not even looked at: they could not be read without a complaint.
  forEach(before.tables, (table) =>
    forEach(table.objects, (object, key) => {
      if (key !== intKey(77n))
        Object.defineProperty(object, 'slots', {
          get() {
            throw new Error(`${key} was read`);
          },
        });
    }),
  );
  assert.equal(difference(before, after), [
    { table: 'A', inserted: [], modified: [intKey(77n)], deleted: [] },
  ]);
});

test('a property that held an embedded object and holds something else now reads differently', () => {
  const before = build(
    instructions(`
      AddTable A topLevel _id: int
      AddTable E embedded
      AddColumn E.i: int
      AddColumn A.x: link(E)?
      CreateObject A[1]
      Update A[1].x = object
      CreateObject A[2]`),
  );
  for (const [change, modified] of [
    ['EraseColumn A.x\nAddColumn A.x: int', [intKey(1n), intKey(2n)]],
    ['EraseColumn A.x\nAddColumn A.x: link(E)?', [intKey(1n)]],
    ['EraseColumn A.x', []],
  ] as const) {
    const [found] = difference(before, build(instructions(change), before));
    assert.equal(found?.modified ?? [], modified, change);
  }
});

test.run();
