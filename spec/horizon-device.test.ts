/**
 * Why a device uploads what it wrote as it wrote it: what may be superseded before upload, and what may not.
 */
import * as E from 'fp-ts/lib/Either.js';
import * as assert from 'uvu/assert';
import { supersede } from '../core/history/compact.js';
import { integrate } from '../core/history/integrate.js';
import { columnsOf } from '../core/merge/column-lookup.js';
import { syncline } from '../core/merge/rule-set.js';
import type { Changeset } from '../core/model/changeset.js';
import {
  addColumn,
  addTable,
  arrayErase,
  arrayInsert,
  createObject,
  type Instruction,
  updateElement,
} from '../core/model/instruction.js';
import { intKey } from '../core/model/key.js';
import { toInstructions } from '../core/model/snapshot.js';
import type { State } from '../core/model/state.js';
import { meet, stateAfter } from './kit/compact-law.js';
import { type Random, seeded } from './kit/random.js';
import { suite } from './kit/suite.js';
import { randomInstructions } from './kit/valid.js';
import { build, randomWorld } from './kit/worlds.js';

const device = suite('unuploaded history');

const key = intKey(1n);
const list = { type: 'int', nullable: false, collection: 'list', target: null } as const;
const base = build([
  addTable('T', {
    type: 'topLevel',
    primaryKey: { name: '_id', type: 'int', nullable: false },
    asymmetric: false,
  }),
  addColumn('T', 'l', list),
  createObject('T', key),
  arrayInsert('T', key, 'l', [0], 1n, 0),
]);

const changeset = (version: number, at: number, origin: number, instruction: Instruction): Changeset => ({
  version,
  base: at,
  timestamp: 10 + version,
  origin,
  instructions: [instruction],
});

/** Elements of the list, as the state has them. */
const elements = (state: State): readonly unknown[] =>
  toInstructions(state).flatMap((instruction) =>
    instruction.kind === 'ArrayInsert' ? [instruction.value] : [],
  );

/** The server's list once it has integrated what was uploaded over what it has. */
const onServer = (had: readonly Changeset[], uploaded: readonly Changeset[]): readonly unknown[] => {
  const locals = had.map((each) => ({ version: each.version, changeset: each }));
  const merged = integrate(locals, uploaded, { rules: syncline, columns: columnsOf(base) });
  if (E.isLeft(merged)) throw new Error(merged.left.message);
  return elements(stateAfter(base, [...had, ...merged.right.incoming]) as State);
};

device('must not be superseded across a download: places in lists are not the same before and after', () => {
  const downloaded = changeset(1, 0, 3, arrayInsert('T', key, 'l', [0], 7n, 1));
  // Made on [1], and after the download on [7, 9]: it is 7 that is erased.
  const first = changeset(1, 0, 2, updateElement('T', key, 'l', [0], 9n, 1));
  const second = changeset(2, 1, 2, arrayErase('T', key, 'l', [0], 2));
  assert.equal(onServer([downloaded], [first, second]), [9n]);
  // Looked at without the download, the second erases what the first wrote to: that would be lost.
  const without = supersede([first, second], columnsOf(base));
  assert.is(without[0]?.instructions.length, 0);
  assert.equal(onServer([downloaded], without), [1n]);
});

/** Changesets with one base, made one after the other. */
const run = (random: Random, from: State, origin: number): readonly Changeset[] => {
  let state = from;
  return Array.from({ length: 1 + random.int(4) }, (_, i): Changeset => {
    const { instructions, state: after } = randomInstructions(random, state, 1 + random.int(5), {
      emitted: true,
    });
    state = after;
    return { version: i + 1, base: 0, timestamp: 5 + i + random.int(2), origin, instructions };
  }).map((each, i, all) => ({
    ...each,
    timestamp: Math.max(...all.slice(0, i + 1).map(({ timestamp }) => timestamp)),
  }));
};

device('may be superseded where no download and no upload has come in between: the law is symmetric', () => {
  const random = seeded(5);
  let changed = 0;
  for (let round = 0; round < 400; round++) {
    const from = randomWorld(random);
    const [server, pending] = [run(random, from, 3), run(random, from, 2)];
    const reduced = supersede(pending, columnsOf(stateAfter(from, pending) as State));
    if (reduced === pending) continue;
    const state = stateAfter(from, server) as State;
    const full = meet(from, server, pending, state);
    if (typeof full === 'string' || full.server !== full.device) continue;
    changed++;
    const less = meet(from, server, reduced, state);
    assert.equal(less, full, `round ${round}`);
  }
  assert.ok(changed > 50, `${changed}`);
});

device.run();
