/** Rewriting a log whose changesets change the schema between writes, within limits that are small. */
import * as E from 'fp-ts/lib/Either.js';
import * as assert from 'uvu/assert';
import { LogRewrite, type Rewritten } from '../core/history/log-rewrite.js';
import type { ServerEntry } from '../core/history/partition.js';
import { verifyCompaction } from '../core/history/verify.js';
import type { Changeset } from '../core/model/changeset.js';
import { encodeChangeset } from '../core/model/codec.js';
import { digest } from '../core/model/digest.js';
import {
  addColumn,
  addTable,
  createObject,
  eraseColumn,
  type Instruction,
  update,
} from '../core/model/instruction.js';
import { intKey } from '../core/model/key.js';
import { printChangesets } from '../core/model/notation.js';
import { suite } from './kit/suite.js';
import { withLimits } from './kit/with-limits.js';
import { build } from './kit/worlds.js';

const rewriting = suite('rewriting a log');

const entry = (version: number, all: readonly Instruction[]): ServerEntry => {
  const changeset: Changeset = { version, base: 0, timestamp: version, origin: 2, instructions: all };
  return { ...changeset, bytes: encodeChangeset(changeset).length, through: 0 };
};

const rewritten = (log: readonly ServerEntry[], cut: number): E.Either<string, Rewritten> => {
  const rewrite = new LogRewrite({
    cut,
    head: log.length,
    state: build(log.flatMap(({ instructions }) => instructions)),
    compactions: 0,
    bytes: log.reduce((sum, { bytes }) => sum + bytes, 0),
  });
  rewrite.take(log);
  let done = rewrite.step();
  while (done === null) done = rewrite.step();
  return done;
};

const orThrow = (result: E.Either<string, Rewritten>): Rewritten => {
  if (E.isLeft(result)) throw new Error(result.left);
  return result.right;
};

const int = { type: 'int', nullable: false, collection: 'single', target: null } as const;
const objects = Array.from({ length: 60 }, (_, i) => intKey(BigInt(i)));
const written = (field: string, value: bigint): readonly Instruction[] =>
  objects.map((key) => update('A', key, field, [], value));

/** Writes on more objects than one group has; what the schema gains and loses stands between them. */
const log = [
  entry(1, [
    addTable('A', {
      type: 'topLevel',
      primaryKey: { name: '_id', type: 'int', nullable: false },
      asymmetric: false,
    }),
  ]),
  entry(2, [addColumn('A', 'x', int), ...objects.map((key) => createObject('A', key)), ...written('x', 1n)]),
  entry(3, [
    ...written('x', 2n),
    addColumn('A', 'y', int),
    ...written('y', 3n),
    eraseColumn('A', 'y'),
    addColumn('A', 'z', int),
    ...written('z', 4n),
  ]),
  entry(4, written('x', 5n)),
  entry(5, written('z', 6n)),
];

rewriting('keeps what divides a changeset once, and in its place, however many groups there are', () => {
  for (const cut of [0, 1, 2]) {
    const { changed, snapshot, certificate } = orThrow(rewritten(log, cut));
    const third = changed.find(({ changeset }) => changeset.version === 3)?.changeset.instructions ?? [];
    assert.equal(
      third.filter((each) => !('object' in each)),
      [addColumn('A', 'y', int), eraseColumn('A', 'y'), addColumn('A', 'z', int)],
      `cut at ${cut}`,
    );
    assert.ok(third.length < (log[2] as ServerEntry).instructions.length);
    const after = log
      .filter(({ version }) => version > cut)
      .map((each) => changed.find(({ changeset }) => changeset.version === each.version)?.changeset ?? each);
    const whole = [...snapshot.map(({ changeset }) => changeset), ...after];
    assert.is(
      digest(build(whole.flatMap(({ instructions }) => instructions))),
      digest(build(log.flatMap(({ instructions }) => instructions))),
      printChangesets(whole),
    );
    assert.equal(verifyCompaction(log, joined(whole, cut), certificate), []);
  }
});

/** What stands for everything up to the cut, as one changeset. */
const joined = (history: readonly Changeset[], cut: number): readonly Changeset[] => {
  const folded = history.filter(({ version }) => version <= cut);
  const last = folded[folded.length - 1];
  if (last === undefined) return history;
  const instructions = folded.flatMap((each) => each.instructions);
  return [{ ...last, instructions }, ...history.slice(folded.length)];
};

rewriting('does nothing where the snapshot would be larger than a changeset may be', () => {
  const small = [
    log[0] as ServerEntry,
    entry(2, [addColumn('A', 'x', int), ...objects.map((key) => createObject('A', key))]),
    entry(3, written('x', 2n)),
    entry(4, written('x', 3n)),
  ];
  const made = withLimits({ snapshotChunk: 10 }, () => orThrow(rewritten(small, 3)));
  assert.is(made.snapshot.length, 3, 'in as many pieces as there are versions');
  for (const snapshotChunk of [10, 20_000]) {
    const result = withLimits({ changesetInstructions: 121, snapshotChunk }, () => rewritten(small, 3));
    assert.match(E.isLeft(result) ? result.left : 'made', /too large for a snapshot: 122 instructions/);
  }
});

rewriting.run();
