/**
 * A process that uses an LMDB store until it is killed or done: the other side of `lmdb.test.ts`.
 *
 *     write client|server PATH     commits batch after batch, prints the number of each when it has resolved
 *     hold PATH                    opens the client store and keeps it
 *     race PATH WHO COUNT          commits COUNT times to a server store, against others
 *     fill PATH                    commits to a client store until that fails, prints how
 *     compact PATH NOW UNTIL       compacts partition p of a server store, prints each stage as it begins, and
 *                                  then waits: at `commit` before the commit, at `done` after it
 */
import { writeSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import * as E from 'fp-ts/lib/Either.js';
import * as lmdb from 'lmdb';
import {
  commitRewrite,
  defaultMaxOffline,
  LogRewrite,
  type RecordBatch,
  readEntries,
  rewritePlan,
} from '../core/index.js';
import { loadWhole } from '../transports/drivers/partition-host.js';
import type { StoreError } from '../transports/ports.js';
import { lmdbClientStore, lmdbServerStore } from '../transports/stores/lmdb.js';
import { batch, entry, range } from './conformance/entries.js';
import { pattern } from './conformance/test.js';

/** Batch `i` touches several spaces, deletes what is older, and now and then is large. */
export const numberedBatch = (i: number): RecordBatch =>
  batch(
    [
      entry('log', i, pattern(50 + (i % 7) * 100, i)),
      entry('meta', 0, new Uint8Array(new Float64Array([i]).buffer)),
      entry('meta', 1, pattern(i % 16 === 0 ? 100_000 : 10, i)),
      entry('wide', i * 2 ** 32, pattern(20, i)),
    ],
    [range('log', 0, Math.max(0, i - 10)), range('wide', 0, Math.max(0, i - 3) * 2 ** 32)],
  );

const say = (text: string): void => {
  writeSync(1, `${text}\n`);
};

const write = async (next: number, commit: (i: number) => Promise<unknown>): Promise<never> => {
  const under: Promise<void>[] = [];
  for (let i = next; ; i++) {
    under.push(commit(i).then(() => say(String(i))));
    if (under.length >= 4) await under.shift();
  }
};

const fill = async (path: string): Promise<void> => {
  const store = await lmdbClientStore({ lmdb, path });
  for (let i = 0; ; i += 3) {
    const commits = [i, i + 1, i + 2].map((at) =>
      store.commit(batch([entry('log', at, pattern(50_000, at))])),
    );
    const outcomes = await Promise.all(commits.map((commit) => commit.catch((error: StoreError) => error)));
    const failure = outcomes.find((outcome) => outcome instanceof Error);
    if (failure === undefined) continue;
    // A small one would fit, but a gap must not arise.
    outcomes.push(await store.commit(batch([])).catch((error: StoreError) => error));
    const codes = outcomes.map((outcome) => (outcome instanceof Error ? outcome.code : 'committed'));
    say(JSON.stringify({ complete: i, codes, place: failure.place }));
    return;
  }
};

const race = async (path: string, who: number, count: number): Promise<void> => {
  const store = await lmdbServerStore({ lmdb, path });
  const partition = await store.partition('p');
  let { revision } = await partition.load([]);
  for (let done = 0; done < count; ) {
    const outcome = await partition.commit(
      revision,
      batch([entry('log', revision, Uint8Array.of(who, done))]),
    );
    revision = outcome.revision;
    if (outcome.type === 'committed') done += 1;
  }
  await store.close();
};

/** What `syncline compact` does, but that it says how far it has got. */
const compact = async (path: string, now: number, until: string): Promise<void> => {
  const store = await (await lmdbServerStore({ lmdb, path })).partition('p');
  const { revision, partition } = await loadWhole(store, 1);
  const rewrite = new LogRewrite(rewritePlan(partition, now, defaultMaxOffline));
  say('read');
  const read = readEntries(await store.read('log', 0, partition.head + 1, Number.MAX_SAFE_INTEGER));
  if (E.isLeft(read)) throw new Error(read.left.message);
  rewrite.take(read.right);
  say('rewrite');
  let done = rewrite.step();
  while (done === null) done = rewrite.step();
  if (E.isLeft(done)) throw new Error(done.left);
  const commit = commitRewrite(partition, done.right, now, defaultMaxOffline);
  if (commit === null) throw new Error('the rewritten log is not taken');
  say('commit');
  if (until !== 'commit') {
    await store.commit(revision, commit.batch);
    say('done');
  }
  setInterval(() => undefined, 1000);
};

const main = async ([command, ...rest]: readonly string[]): Promise<void> => {
  const [a = '', b = '', c = ''] = rest;
  if (command === 'fill') {
    await fill(a);
  } else if (command === 'race') {
    await race(a, Number(b), Number(c));
  } else if (command === 'compact') {
    await compact(a, Number(b), c);
  } else if (command === 'hold') {
    await lmdbClientStore({ lmdb, path: a });
    say('held');
    setInterval(() => undefined, 1000);
  } else if (command === 'write' && a === 'client') {
    const store = await lmdbClientStore({ lmdb, path: b });
    const last = (await store.load()).find(({ space, index }) => space === 'meta' && index === 0);
    const next = last === undefined ? 0 : (new Float64Array(last.bytes.slice().buffer)[0] ?? 0) + 1;
    await write(next, (i) => store.commit(numberedBatch(i)));
  } else if (command === 'write' && a === 'server') {
    const partition = await (await lmdbServerStore({ lmdb, path: b })).partition('p');
    await write((await partition.load([])).revision, (i) => partition.commit(i, numberedBatch(i)));
  }
};

if (process.argv[1] === fileURLToPath(import.meta.url)) await main(process.argv.slice(2));
