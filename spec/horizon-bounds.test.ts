import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as lmdb from 'lmdb';
import * as assert from 'uvu/assert';
import { defaultMaxOffline } from '../core/index.js';
import { compactFolder, printCompactReports } from '../transports/cli/compact.js';
import { inspect, printReports } from '../transports/cli/inspect.js';
import type { ServerNote } from '../transports/server.js';
import { lmdbServerStore } from '../transports/stores/lmdb.js';
import {
  MemoryDatabase,
  MemoryFile,
  memoryClientStore,
  memoryServerStore,
} from '../transports/stores/memory.js';
import { setUp } from './kit/driver-world.js';
import { ManualClock } from './kit/manual-clock.js';
import { suite } from './kit/suite.js';

const bounds = suite('what is left');

const schema = [
  { name: 'Row', primaryKey: '_id', properties: { _id: 'int', title: 'string', votes: 'int' } },
];
const NOW = 1_800_000_000_000;
const spaces = [
  'certificate',
  'file',
  'log',
  'meta',
  'quarantine',
  'reciprocal-2',
  'reciprocal-3',
  'snapshot',
];

const sizeOf = (entries: readonly { readonly bytes: Uint8Array }[]): number =>
  entries.reduce((sum, entry) => sum + entry.bytes.length, 0);

/** Bytes that the server and both devices keep once so many rows were written, and all deleted again. */
const leftAfter = async (
  rows: number,
): Promise<{ readonly server: number; readonly devices: readonly number[] }> => {
  const path = mkdtempSync(join(tmpdir(), 'syncline-bounds-'));
  const { server, open } = await setUp({ store: await lmdbServerStore({ lmdb, path }), compaction: null });
  const files = [new MemoryFile('a'), new MemoryFile('b')] as const;
  const [a, b] = [
    await open({ schema, store: memoryClientStore(files[0]) }),
    await open({ schema, store: memoryClientStore(files[1]) }),
  ];
  const inHundreds = (
    each: (tx: Parameters<Parameters<typeof a.write>[0]>[0], _id: number) => void,
  ): void => {
    for (let at = 0; at < rows; at += 100)
      a.write((tx) => {
        for (let _id = at; _id < at + 100; _id++) each(tx, _id);
      });
  };
  const synced = async (): Promise<void> => {
    await a.session.waitForUpload();
    await b.session.waitForDownload();
  };
  inHundreds((tx, _id) => void tx.create('Row', { _id, title: `row ${_id}`, votes: 1 }));
  await synced();
  assert.is(b.objects('Row').size, rows);
  inHundreds((tx, _id) => tx.delete('Row', _id));
  await synced();
  assert.is(b.objects('Row').size, 0);
  // One more word from each, so that the last download is acknowledged by both.
  for (const client of [b, a]) {
    client.write((tx) => void tx.create('Row', { _id: -1, title: '', votes: 0 }));
    client.write((tx) => tx.delete('Row', -1));
    await client.session.waitForUpload();
  }
  await b.session.waitForDownload();
  const head = await server.version('p');
  for (const client of [a, b]) await client.close();
  await server.close();

  await compactFolder({ directory: path, dryRun: false, maxOffline: defaultMaxOffline, now: Date.now() });
  const store = await lmdbServerStore({ lmdb, path });
  const left = sizeOf((await (await store.partition('p')).load(spaces)).entries);
  await store.close();
  const [report] = await inspect(path);
  assert.is(report?.version, head);
  rmSync(path, { recursive: true, force: true });
  return { server: left, devices: files.map((file) => sizeOf(file.records.entries())) };
};

bounds(
  '10,000 rows that were written and deleted leave a constant, on the server and on devices',
  async () => {
    const few = await leftAfter(1000);
    const many = await leftAfter(10_000);
    console.log(`left after 1,000 rows ${JSON.stringify(few)}, after 10,000 ${JSON.stringify(many)}`);
    assert.ok(many.server < 2000, `server: ${many.server}`);
    // A snapshot and what was applied since, at the size from which on the next one is taken.
    for (const left of many.devices) assert.ok(left < 70_000, `device: ${left}`);
  },
);

bounds('a server compacts by itself, once everybody has acknowledged, and tells', async () => {
  const clock = new ManualClock(NOW);
  const database = new MemoryDatabase();
  const notes: ServerNote[] = [];
  const { server, open } = await setUp({
    store: memoryServerStore(database),
    clock,
    onNote: (note) => void notes.push(note),
    compaction: { minBytes: 500, maxBytes: 1_000_000 },
  });
  const [a, b] = [await open({ schema }), await open({ schema })];
  for (let i = 0; i < 100; i++)
    a.write((tx) => {
      if (i === 0) tx.create('Row', { _id: 1, title: 'much written', votes: 0 });
      else tx.update('Row', 1, { title: `for the ${i}th time`, votes: i });
    });
  await a.session.waitForUpload();
  for (const client of [a, b]) await client.session.waitForDownload();
  for (let i = 0; i < 40; i++) await clock.advanceAsync(1000);
  const compacted = notes.filter((note) => note.type === 'compacted');
  assert.ok(compacted.length > 0);
  assert.equal(
    notes.filter((note) => note.type === 'uncompacted' || note.type === 'failed'),
    [],
  );
  const store = await memoryServerStore(database).partition('p');
  const log = await store.read('log', 0, 2 ** 53, 2 ** 53);
  const head = await server.version('p');
  assert.ok(log.length < 10, `${sizeOf(log)} bytes in ${log.length} entries at ${head}`);
  const late = await open({ schema });
  await late.session.waitForDownload();
  assert.is(late.digest(), a.digest());
  for (const client of [a, b, late]) await client.close();
  await server.close();
});

bounds(
  'the command says what it would do by class, and what it would cost whom, and a dry run does nothing',
  async () => {
    const path = mkdtempSync(join(tmpdir(), 'syncline-compact-'));
    const clock = new ManualClock(NOW);
    const { server, open } = await setUp({
      store: await lmdbServerStore({ lmdb, path }),
      clock,
      compaction: null,
    });
    const [a, b] = [await open({ schema }), await open({ schema })];
    a.write((tx) => void tx.create('Row', { _id: 1, title: 'a', votes: 0 }));
    await a.session.waitForUpload();
    await b.session.waitForDownload();
    await b.close();
    for (let i = 0; i < 50; i++) a.write((tx) => tx.update('Row', 1, { votes: i }));
    await a.session.waitForUpload();
    const seen = async () => {
      const store = await lmdbServerStore({ lmdb, path });
      const { revision, entries } = await (await store.partition('p')).load(spaces);
      await store.close();
      return { revision, bytes: sizeOf(entries) };
    };
    const before = await seen();
    const options = { directory: path, dryRun: true, maxOffline: defaultMaxOffline, now: NOW + 1000 };
    const [soon] = await compactFolder(options);
    assert.is(soon?.isDone, false);
    assert.equal(
      soon?.clients.map(({ standing, isPassed, holdsHorizon }) => ({ standing, isPassed, holdsHorizon })),
      [
        { standing: 'live', isPassed: false, holdsHorizon: false },
        { standing: 'live', isPassed: false, holdsHorizon: true },
      ],
    );
    const row = soon?.classes.find(({ name }) => name === 'Row');
    assert.ok(row !== undefined && row.after.instructions < 10 && row.before.instructions > 50);
    const [later] = await compactFolder({ ...options, now: NOW + 31 * 86_400_000 });
    const [, passed] = later?.clients ?? [];
    assert.equal([passed?.standing, passed?.isPassed, passed?.expiresAt], ['expired', true, null]);
    assert.match(printCompactReports(later === undefined ? [] : [later]), 'the history is folded past it');
    assert.equal(await seen(), before);

    const main = fileURLToPath(new URL('../transports/cli/main.js', import.meta.url));
    const command = (...args: string[]) => spawnSync(process.execPath, [main, ...args], { encoding: 'utf8' });
    const said = command('compact', path, '--dry-run', '--max-offline-days', '9000');
    assert.is(said.status, 0, said.stderr);
    assert.match(said.stdout, /^partition p: would be compacted up to version \d+, folded up to \d+$/m);
    assert.match(said.stdout, 'the history above its position is kept for it');
    const wrong = command('compact', path, '--max-offline-days', 'some');
    assert.is(wrong.status, 2);
    assert.match(wrong.stderr, '--max-offline-days some: a number above 0 is expected');
    assert.equal(await seen(), before);

    // Beside a running server, which notices with its next commit.
    const [done] = await compactFolder({ ...options, dryRun: false });
    assert.is(done?.isDone, true);
    assert.ok((await seen()).bytes < before.bytes);
    a.write((tx) => tx.update('Row', 1, { title: 'after' }));
    await a.session.waitForUpload();
    const again = await open({ schema });
    await again.session.waitForDownload();
    assert.is(again.digest(), a.digest());
    assert.match(printReports(await inspect(path)), 'the last compactions of p');
    for (const client of [a, again]) await client.close();
    await server.close();

    // A damaged log is refused with its place, and left as it is.
    const store = await lmdbServerStore({ lmdb, path });
    const partition = await store.partition('p');
    const { revision } = await partition.load([]);
    const [last] = (await partition.read('log', 0, 2 ** 53, 2 ** 53)).slice(-1);
    if (last === undefined) throw new Error('the log is empty');
    const damaged = { ...last, bytes: last.bytes.slice(0, -1) };
    await partition.commit(revision, { deletes: [], puts: [damaged] });
    await store.close();
    const kept = await seen();
    const refusal = await compactFolder({ ...options, dryRun: false }).catch((error: Error) => error);
    assert.match(String(refusal), `partition p is left as it is: record log/${last.index} cannot be read`);
    assert.equal(await seen(), kept);
    for (const nowhere of [join(path, 'nothing'), tmpdir()]) {
      const missing = await compactFolder({ ...options, directory: nowhere }).catch((error: Error) => error);
      assert.match(String(missing), /there is no such folder|no server has its data there/);
    }
    rmSync(path, { recursive: true, force: true });
  },
);

bounds.run();
