/** Histories, plans and files that do not hold: forecasts, rewrites and verifications say so. */
import * as E from 'fp-ts/lib/Either.js';
import * as assert from 'uvu/assert';
import { emptyTrie, set } from '../core/base/trie.js';
import { compact } from '../core/history/certificate.js';
import { forecast } from '../core/history/forecast.js';
import { LogRewrite } from '../core/history/log-rewrite.js';
import {
  type FileRecord,
  newPartition,
  type Partition,
  type ServerEntry,
  summary,
} from '../core/history/partition.js';
import { verifyCompaction } from '../core/history/verify.js';
import type { Changeset } from '../core/model/changeset.js';
import { encodeChangeset } from '../core/model/codec.js';
import { emptyState, type State } from '../core/model/state.js';
import { instructions } from './kit/notation.js';
import { suite } from './kit/suite.js';
import { build } from './kit/worlds.js';

const refusals = suite('histories that do not hold');

const day = 86_400_000;
const file = (ident: number, more: Partial<FileRecord>): FileRecord => ({
  ident,
  salt: 1,
  clientVersion: 1,
  baseVersion: 3,
  lockedVersion: 3,
  lastSeen: 100 * day,
  ...more,
});

refusals('a forecast tells new, passed, expired and living files apart', () => {
  const files = [
    file(2, {}),
    file(3, { clientVersion: 0, baseVersion: 0 }),
    file(4, { lastSeen: 0 }),
    file(5, { lastSeen: day }),
  ];
  const partition: Partition = {
    ...newPartition(7),
    head: 5,
    files: files.reduce((all, each) => set(all, String(each.ident), each), emptyTrie<FileRecord>()),
  };
  const { clients } = forecast(partition, 101 * day, 30 * day);
  assert.equal(
    clients.map(({ ident, standing, behind, lastSeen, expiresAt }) => [
      ident,
      standing,
      behind,
      lastSeen,
      expiresAt,
    ]),
    [
      [2, 'live', 2, 100 * day, 130 * day],
      [3, 'new', 5, 100 * day, 130 * day],
      [4, 'passed', 2, null, null],
      [5, 'expired', 2, day, null],
    ],
  );
});

refusals('a summary counts objects with keys only', () => {
  const state = build(instructions('AddTable A topLevel _id: int\nAddTable E embedded\nCreateObject A[1]'));
  const { objects } = summary({ ...newPartition(7), state });
  assert.equal([...objects], [['A', 1]]);
});

const entry = (version: number, text: string): ServerEntry => {
  const changeset: Changeset = {
    version,
    base: 0,
    timestamp: version,
    origin: 2,
    instructions: instructions(text),
  };
  return { ...changeset, bytes: encodeChangeset(changeset).length, through: 0 };
};

const good = [
  entry(1, 'AddTable A topLevel _id: int\nAddColumn A.x: int'),
  entry(2, 'CreateObject A[1]\nUpdate A[1].x = 1'),
  entry(3, 'Update A[1].x = 2'),
];
const stateOf = (entries: readonly ServerEntry[]): State =>
  build(entries.flatMap(({ instructions: all }) => all));

const rewritten = (entries: readonly ServerEntry[], cut: number, state: State, head = 3) => {
  const bytes = entries.reduce((sum, each) => sum + each.bytes, 0);
  const rewrite = new LogRewrite({ cut, head, state, compactions: 0, bytes });
  rewrite.take(entries);
  let done = rewrite.step();
  while (done === null) done = rewrite.step();
  assert.is(rewrite.step(), done, 'what is done stays so');
  return done;
};

const failureOf = (result: ReturnType<typeof rewritten>): string => (E.isLeft(result) ? result.left : 'none');

refusals('a rewrite looks no further than its plan', () => {
  const result = rewritten([...good, entry(4, 'EraseObject A[1]')], 2, stateOf(good));
  assert.ok(E.isRight(result));
  assert.is(result.right.certificate.head, 3);
});

refusals('a rewrite of a log with a gap, or that cannot be replayed, changes nothing', () => {
  const [first, second, third] = good as [ServerEntry, ServerEntry, ServerEntry];
  assert.is.not(failureOf(rewritten([first, third], 1, stateOf(good))), 'none');
  assert.match(
    failureOf(rewritten([first, entry(2, 'Update A[9].x = 1'), third], 2, stateOf(good))),
    'cannot be replayed',
  );
  assert.match(
    failureOf(
      rewritten(
        [second, third].map((each, i) => ({ ...each, version: i + 1 })),
        0,
        emptyState,
        2,
      ),
    ),
    'replayed',
  );
});

refusals('a rewrite that would lead elsewhere changes nothing', () => {
  assert.match(failureOf(rewritten(good, 2, stateOf(good.slice(0, 2)))), 'leads to another state');
});

const certified = () => {
  const compacted = compact(good, { horizon: 2 });
  if (E.isLeft(compacted)) throw new Error(compacted.left.message);
  return compacted.right;
};
const codes = (...given: Parameters<typeof verifyCompaction>): readonly string[] => [
  ...new Set(verifyCompaction(...given).map(({ code }) => code)),
];

refusals('a compaction holds, and is found not to where anything of it is otherwise', () => {
  const { history, certificate } = certified();
  assert.equal(codes(good, history, certificate), []);
  assert.ok(codes(good, history, { ...certificate, cut: 9 }).includes('range'));
  assert.ok(codes(good, [], certificate).includes('snapshot'));
  assert.ok(codes([], history, certificate).includes('range'));
  const broken = [good[0], entry(2, 'EraseColumn A.gone'), good[2]] as ServerEntry[];
  const found = verifyCompaction(broken, history, certificate);
  assert.ok(found.length > 0);
});

refusals.run();
