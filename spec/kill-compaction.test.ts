import { type ChildProcess, spawn } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import * as lmdb from 'lmdb';
import * as assert from 'uvu/assert';
import { readPartition } from '../transports/drivers/partition-host.js';
import { lmdbServerStore } from '../transports/stores/lmdb.js';
import { setUp } from './kit/driver-world.js';
import { oneFile } from './kit/one-file.js';
import { seeded } from './kit/random.js';
import { suite } from './kit/suite.js';

const KILLS = 50;
const NOW = 1_800_000_000_000;
const spaces = ['certificate', 'file', 'log', 'meta', 'quarantine', 'snapshot'];

/** Everything that the store in a folder holds of the partition, as text, and the state that it leads to. */
const contents = async (path: string): Promise<{ readonly all: string; readonly digest: string }> => {
  const store = await lmdbServerStore({ lmdb, path });
  try {
    const partition = await store.partition('p');
    const { entries } = await partition.load(spaces);
    const all = entries.map(
      (entry) => `${entry.space}/${entry.index} ${Buffer.from(entry.bytes).toString('hex')}`,
    );
    return { all: all.join('\n'), digest: (await readPartition(partition)).digest };
  } finally {
    await store.close();
  }
};

/** A server's folder with a history that is worth compacting. */
const fill = async (path: string): Promise<void> => {
  const { server, open } = await setUp({ store: await lmdbServerStore({ lmdb, path }), compaction: null });
  const client = await open();
  const made = new Set<string>();
  for (let i = 0; i < 60; i++)
    client.write((tx) => {
      for (let k = 0; k < 30; k++) {
        const _id = `${k % 3 === 0 ? i : ''}t${k}`;
        if (made.has(_id)) tx.update('Task', _id, { votes: i });
        else tx.create('Task', { _id, votes: i });
        made.add(_id);
      }
    });
  await client.session.waitForUpload();
  await client.session.waitForDownload();
  await client.close();
  await server.close();
};

type Stage = 'read' | 'commit' | 'done';

/**
 * Where the rounds are killed, by turns. The first waits at the end of its rewriting, so that one at least is
 * killed before the commit, whatever the machine's pace; with the others that is a matter of luck, but for those
 * that are done.
 */
const stages: readonly Stage[] = ['read', 'commit', 'commit', 'commit', 'commit', 'done'];

const start = (
  script: string,
  path: string,
  until: Stage = 'done',
): { readonly child: ChildProcess; readonly reached: (stage: Stage) => Promise<void> } => {
  const child = spawn(process.execPath, [script, 'compact', path, String(NOW), until], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let printed = '';
  let seen: () => void = () => undefined;
  child.stdout?.on('data', (chunk: Buffer) => {
    printed += chunk.toString();
    seen();
  });
  const reached = (stage: Stage) =>
    new Promise<void>((resolve, reject) => {
      seen = () => {
        if (printed.split('\n').includes(stage)) resolve();
      };
      child.once('exit', () => reject(new Error(`the process ended before ${stage}`)));
      seen();
    });
  return { child, reached };
};

const killed = (child: ChildProcess): Promise<void> =>
  new Promise((resolve) => {
    child.removeAllListeners('exit');
    child.once('exit', () => resolve());
    child.kill('SIGKILL');
  });

const kill = suite('a compaction that is killed');

kill(`leaves the old history or the new one, whole, at ${KILLS} seeded points`, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'syncline-kill-compaction-'));
  const script = await oneFile(new URL('./lmdb-child.js', import.meta.url), folder);
  const template = join(folder, 'template');
  await fill(template);
  const before = await contents(template);

  const finished = join(folder, 'finished');
  cpSync(template, finished, { recursive: true });
  const whole = start(script, finished);
  await whole.reached('read');
  const began = performance.now();
  await whole.reached('commit');
  const committing = performance.now();
  await whole.reached('done');
  const commitTime = performance.now() - committing;
  const rewriteTime = committing - began;
  await killed(whole.child);
  const after = await contents(finished);
  assert.is(after.digest, before.digest);
  assert.ok(after.all.length < before.all.length, `${before.all.length}, then ${after.all.length}`);

  const random = seeded(50);
  let old = 0;
  let committed = 0;
  const one = async (round: number): Promise<void> => {
    const path = join(folder, `round-${round}`);
    cpSync(template, path, { recursive: true });
    const stage = round === 0 ? 'commit' : (stages[round % stages.length] ?? 'read');
    const { child, reached } = start(script, path, round === 0 ? 'commit' : 'done');
    await reached(stage);
    const longest = { read: rewriteTime / 2, commit: 1.5 * commitTime, done: 0 }[stage];
    await setTimeout((random.int(1001) / 1000) * longest);
    await killed(child);
    const found = await contents(path);
    assert.is(found.digest, before.digest);
    if (found.all === before.all) {
      assert.is.not(stage, 'done', `round ${round}: the commit had been told of, and is gone`);
      old++;
    } else {
      assert.is.not(round, 0, 'a commit that has not begun has changed the history');
      assert.is(found.all, after.all, `round ${round}: neither the old history nor the new one`);
      committed++;
    }
    rmSync(path, { recursive: true, force: true });
  };
  for (let round = 0; round < KILLS; round += 2) await Promise.all([one(round), one(round + 1)]);
  assert.is(old + committed, KILLS);
  assert.ok(old > 0 && committed > 0, `${old} old, ${committed} new`);
  rmSync(folder, { recursive: true, force: true });
});

kill.run();
