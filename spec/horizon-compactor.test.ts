import * as E from 'fp-ts/lib/Either.js';
import * as assert from 'uvu/assert';
import { LogRewrite, type Rewritten } from '../core/history/log-rewrite.js';
import { commitRewrite, rewritePlan } from '../core/history/rewrite-commit.js';
import { readEntries } from '../core/history/server-records.js';
import { syncline } from '../core/merge/rule-set.js';
import { newServerMachine } from '../core/session/server-session.js';
import { Compactor, type CompactorCallbacks } from '../transports/drivers/compactor.js';
import { loadWhole } from '../transports/drivers/partition-host.js';
import type { PartitionStore } from '../transports/ports.js';
import { MemoryDatabase, memoryServerStore } from '../transports/stores/memory.js';
import { turn } from './kit/async.js';
import { setUp, soon } from './kit/driver-world.js';
import { suite } from './kit/suite.js';

const compactor = suite('a log that is read in pieces');

const orThrow = <A>(either: E.Either<unknown, A>): A => {
  if (E.isLeft(either)) throw new Error(JSON.stringify(either.left));
  return either.right;
};

const policy = { minBytes: 50, maxBytes: 10_000_000 };
const EVERYTHING = 10_000_000;

/** A log of several pieces, and whoever compacts it; `read` is called after each piece. */
const world = async (read: () => Promise<void>, done: CompactorCallbacks['done']) => {
  const database = new MemoryDatabase();
  const { server, open } = await setUp({ store: memoryServerStore(database), compaction: null });
  const client = await open();
  for (let i = 0; i < 100; i++) client.write((tx) => tx.create('Task', { _id: `t${i}`, votes: i }));
  await client.session.waitForUpload();
  await client.close();
  await server.close();
  const store = await memoryServerStore(database).partition('p');
  const { revision, partition } = await loadWhole(store, 1);
  let machine = newServerMachine({ rules: syncline, explain: false }, partition);
  let pieces = 0;
  const left: string[] = [];
  const seen: PartitionStore = {
    load: (spaces) => store.load(spaces),
    commit: (expected, batch) => store.commit(expected, batch),
    read: async (space, from, to, maxBytes) => {
      const entries = await store.read(space, from, to, maxBytes);
      if (space === 'log') {
        pieces++;
        await read();
      }
      return entries;
    },
  };
  const under = new Compactor(seen, policy, {
    machine: () => machine,
    now: Date.now,
    schedule: (milliseconds, action) => {
      if (milliseconds > 0) return () => undefined;
      const timer = setTimeout(action, 0);
      return () => clearTimeout(timer);
    },
    done,
    left: (message) => void left.push(message),
    failed: (error) => void left.push(String(error)),
  });
  /** Somebody puts the rewritten log in the place of the old. */
  const commit = async (rewritten: Rewritten, now: number, maxOffline: number): Promise<void> => {
    const committed = commitRewrite(partition, rewritten, now, maxOffline);
    if (committed === null) throw new Error('it is not committed');
    assert.is((await store.commit(revision, committed.batch)).type, 'committed');
    machine = { ...machine, partition: committed.partition };
  };
  const ended = async (): Promise<void> => {
    while (under.isRunning) await turn();
  };
  return { store, partition, compactor: under, left, commit, ended, pieces: () => pieces };
};

compactor('is not read again before the log that takes its place is durable', async () => {
  const results: Rewritten[] = [];
  let isDurable = (): void => undefined;
  const { compactor, commit, left, ended, pieces } = await world(
    async () => undefined,
    (rewritten) => {
      results.push(rewritten);
      return new Promise<void>((resolve) => {
        isDurable = resolve;
      });
    },
  );
  compactor.look();
  const given = async (): Promise<void> => {
    while (results.length === 0) await turn();
  };
  await soon('the log is rewritten', given());
  const once = pieces();
  assert.ok(once > 1, `${once} pieces`);
  for (let i = 0; i < 5; i++) {
    await turn();
    compactor.look();
  }
  assert.is(pieces(), once);
  await commit(results[0] as Rewritten, Date.now(), 1e9);
  isDurable();
  await soon('it has ended', ended());
  compactor.look();
  await soon('nothing is due', ended());
  assert.is(pieces(), once);
  assert.equal(left, []);
});

compactor('has no fault where another server compacts it between two pieces', async () => {
  let between = async (): Promise<void> => undefined;
  let isDone = false;
  const { store, partition, compactor, commit, left, ended, pieces } = await world(
    () => between(),
    async () => {
      isDone = true;
    },
  );
  const later = Date.now() + 2e9;
  const plan = rewritePlan(partition, later, 1e9);
  assert.is(plan.cut, partition.head);
  const rewrite = new LogRewrite(plan);
  rewrite.take(orThrow(readEntries(await store.read('log', 0, partition.head + 1, EVERYTHING))));
  let result = rewrite.step();
  while (result === null) result = rewrite.step();
  const rewritten = orThrow(result);
  between = async () => {
    if (pieces() === 1) await commit(rewritten, later, 1e9);
  };
  compactor.look();
  await soon('it has ended', ended());
  assert.ok(pieces() > 1);
  assert.not.ok(isDone);
  assert.equal(left, []);
});

compactor.run();
