/** LMDB stores beyond the port: crashes, other processes, folders that are damaged or someone else's. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import {
  closeSync,
  ftruncateSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as lmdb from 'lmdb';
import * as assert from 'uvu/assert';
import type { RecordEntry } from '../core/index.js';
import type { StoreError } from '../transports/ports.js';
import { lmdbClientStore, lmdbServerStore } from '../transports/stores/lmdb.js';
import type { LmdbDatabase, LmdbModule, LmdbOptions } from '../transports/stores/lmdb-handle.js';
import { Records } from '../transports/stores/records.js';
import { batch, bytes, entry, range, show } from './conformance/entries.js';
import { pattern, storeRejection } from './conformance/test.js';
import { eventually, turn } from './kit/async.js';
import { suite } from './kit/suite.js';
import { numberedBatch } from './lmdb-child.js';

const test = suite<{ path: string }>('lmdb');
const child = fileURLToPath(new URL('./lmdb-child.js', import.meta.url));

test.before.each((context) => {
  context.path = mkdtempSync(join(tmpdir(), 'syncline-lmdb-'));
});
test.after.each(({ path }) => rmSync(path, { recursive: true }));

const start = (...args: readonly string[]): ChildProcess =>
  spawn(process.execPath, [child, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });

const ended = (process: ChildProcess): Promise<number | null> =>
  new Promise((resolve) => process.once('close', (code) => resolve(code)));

/** Lets a writer write until it has reported `after` commits, kills it, and answers the last it reported. */
const killWriter = async (kind: string, path: string, after: number, delay: number): Promise<number> => {
  const writer = start('write', kind, path);
  let output = '';
  let killed = false;
  writer.stdout?.on('data', (chunk: Buffer) => {
    output += chunk.toString('latin1');
    if (killed || output.split('\n').length <= after) return;
    killed = true;
    setTimeout(() => writer.kill('SIGKILL'), delay);
  });
  await ended(writer);
  assert.ok(killed, `the writer ended by itself: ${output.slice(-200)}`);
  // The kill may have cut the last line.
  return Number(output.slice(0, output.lastIndexOf('\n')).split('\n').at(-1));
};

/** The content after batches 0 to `last`. */
const contentAfter = (model: Records, from: number, last: number): readonly string[] => {
  for (let i = from; i <= last; i++) model.apply(numberedBatch(i));
  return show(model.entries());
};

const lastBatch = (entries: readonly RecordEntry[]): number => {
  const found = entries.find(({ space, index }) => space === 'meta' && index === 0);
  return found === undefined ? -1 : (new Float64Array(found.bytes.slice().buffer)[0] ?? -1);
};

for (const kind of ['client', 'server'] as const) {
  test(`a ${kind} that is killed at any moment has every commit it reported, and none in part`, async ({
    path,
  }) => {
    const model = new Records();
    let word = kind === 'client' ? 11 : 12;
    let next = 0;
    for (let kill = 0; kill < 10; kill++) {
      word = (Math.imul(word, 1664525) + 1013904223) >>> 0;
      const after = 1 + ((word >>> 8) % 40);
      const reported = await killWriter(kind, path, after, (word >>> 20) % 4);
      const store =
        kind === 'client' ? await lmdbClientStore({ lmdb, path }) : await lmdbServerStore({ lmdb, path });
      const entries =
        'load' in store
          ? await store.load()
          : (await (await store.partition('p')).load(['log', 'meta', 'wide'])).entries;
      const last = lastBatch(entries);
      assert.ok(last >= reported, `kill ${kill}: reported ${reported}, found ${last}`);
      assert.equal(show(entries), contentAfter(model, next, last), `kill ${kill}, after batch ${last}`);
      if ('partition' in store) assert.is((await (await store.partition('p')).load([])).revision, last + 1);
      next = last + 1;
      await store.close();
    }
  });
}

test('a client store says where it lies', async ({ path }) => {
  const store = await lmdbClientStore({ lmdb, path });
  assert.is(store.place, path);
  await store.close();
});

test('a server that is killed does not hold up another on the same folder', async ({ path }) => {
  const store = await lmdbServerStore({ lmdb, path });
  const partition = await store.partition('p');
  for (let kill = 0; kill < 3; kill++) {
    const before = (await partition.load([])).revision;
    const reported = await killWriter('server', path, 20, kill);
    const { revision, entries } = await partition.load(['log', 'meta', 'wide']);
    assert.ok(reported >= before && revision > reported, `reported ${reported}, revision ${revision}`);
    assert.is(lastBatch(entries), revision - 1);
    // What was written but not announced when the kill came is found by the next writer.
    const found = await partition.commit(revision, numberedBatch(revision));
    if (found.type === 'committed') continue;
    const next = found.revision;
    assert.equal(await partition.commit(next, numberedBatch(next)), {
      type: 'committed',
      revision: next + 1,
    });
  }
  await store.close();
});

test('servers in several processes agree on each revision', async ({ path }) => {
  const store = await lmdbServerStore({ lmdb, path });
  const partition = await store.partition('p');
  const count = 60;
  const others = [1, 2].map((who) => start('race', path, String(who), String(count)));
  const codes = Promise.all(others.map(ended));
  let revision = 0;
  for (let done = 0; done < count; ) {
    const outcome = await partition.commit(revision, batch([entry('log', revision, bytes(0, done))]));
    revision = outcome.revision;
    if (outcome.type === 'committed') done += 1;
    await turn();
  }
  assert.equal(await codes, [0, 0]);
  const { revision: last, entries } = await partition.load(['log']);
  assert.is(last, 3 * count);
  for (const who of [0, 1, 2]) {
    const written = entries.filter((found) => found.bytes[0] === who).map((found) => found.bytes[1]);
    assert.equal(
      written,
      Array.from({ length: count }, (_, i) => i),
      `writes of process ${who}`,
    );
  }
  await store.close();
});

test('a client store is refused while another process has it open, and free once that is killed', async ({
  path,
}) => {
  const holder = start('hold', path);
  let output = '';
  holder.stdout?.on('data', (chunk: Buffer) => {
    output += chunk.toString('latin1');
  });
  await eventually('the store is held', () => output.includes('held'));
  const error = await lmdbClientStore({ lmdb, path }).catch((refused: StoreError) => refused);
  assert.instance(error, Error);
  assert.match(String(error), `process ${holder.pid} has it open`);
  holder.kill('SIGKILL');
  await ended(holder);
  const store = await lmdbClientStore({ lmdb, path });
  await store.commit(batch([entry('a', 0, bytes(1))]));
  await store.close();
});

test('a mark of an earlier process with our pid does not lock us out', async ({ path }) => {
  const first = await lmdbClientStore({ lmdb, path });
  await first.close();
  const raw = lmdb.open({ path, noSubdir: false, encoding: 'binary', keyEncoding: 'binary' });
  const owner = Buffer.from(`\0owner`);
  await raw.put(owner, Buffer.from(`${process.pid}\nanother boot 1`));
  await raw.close();
  const second = await lmdbClientStore({ lmdb, path });
  await second.close();
});

test('commits are asked to be flushed before they resolve', async ({ path }) => {
  let asked: LmdbOptions | undefined;
  const spy: LmdbModule = {
    open: (options) => {
      asked = options;
      return lmdb.open(options);
    },
  };
  await (await lmdbClientStore({ lmdb: spy, path })).close();
  assert.is(asked?.overlappingSync, false);
  assert.is(asked !== undefined && 'noSync' in asked, false);
});

/** The package, counting writes and, on demand, failing. */
const observed = (): { readonly module: LmdbModule; writes: number; failAfter: number } => {
  const state = {
    writes: 0,
    failAfter: Number.POSITIVE_INFINITY,
    module: {
      open: (options: LmdbOptions): LmdbDatabase => {
        const database: LmdbDatabase = lmdb.open(options);
        const count = (): void => {
          state.writes += 1;
          if (state.writes > state.failAfter) throw new Error('a device error');
        };
        return {
          getBinary: (key) => database.getBinary(key),
          getKeys: (keys) => database.getKeys(keys),
          getRange: (keys) => database.getRange(keys),
          put: (key, value) => {
            count();
            return database.put(key, value);
          },
          remove: (key) => {
            count();
            return database.remove(key);
          },
          childTransaction: (action) => database.childTransaction(action),
          resetReadTxn: () => database.resetReadTxn(),
          getStats: () => database.getStats(),
          close: () => database.close(),
        };
      },
    },
  };
  return state;
};

test('a commit writes what its batch says, however much the store holds', async ({ path }) => {
  const handle = observed();
  const client = await lmdbClientStore({ lmdb: handle.module, path: join(path, 'client') });
  const server = await lmdbServerStore({ lmdb: handle.module, path: join(path, 'server') });
  const partition = await server.partition('p');
  const many = batch(Array.from({ length: 5000 }, (_, i) => entry('log', i, pattern(20, i))));
  await client.commit(many);
  await partition.commit(0, many);
  const small = batch([entry('log', 5000, bytes(1)), entry('meta', 0, bytes(1))], [range('log', 10, 13)]);
  handle.writes = 0;
  await client.commit(small);
  assert.is(handle.writes, 5);
  await partition.commit(1, small);
  // One more for the revision.
  assert.is(handle.writes, 11);
  await client.close();
  await server.close();
});

test('a commit that fails half-way leaves nothing behind, and no gap after it', async ({ path }) => {
  const handle = observed();
  const client = await lmdbClientStore({ lmdb: handle.module, path });
  await client.commit(batch([entry('a', 0, bytes(1))]));
  handle.failAfter = handle.writes + 1;
  const failing = client.commit(batch([entry('a', 1, bytes(1)), entry('a', 2, bytes(1))]));
  const following = client.commit(batch([entry('a', 3, bytes(1))]));
  await storeRejection('the commit', 'failed', failing);
  await storeRejection('the commit that was queued behind it', 'failed', following);
  handle.failAfter = Number.POSITIVE_INFINITY;
  await storeRejection('a later one', 'failed', client.commit(batch([entry('a', 4, bytes(1))])));
  assert.equal(show(await client.load()), ['a/0=1']);
  await client.close();
  const again = await lmdbClientStore({ lmdb, path });
  await again.commit(batch([entry('a', 1, bytes(2))]));
  assert.equal(show(await again.load()), ['a/0=1', 'a/1=2']);
  await again.close();
});

test('a full disk is a typed failure, and what was acknowledged stays', async ({ path }) => {
  const blocks = 4000; // of 512 bytes
  const { stdout, status } = spawnSync(
    'sh',
    ['-c', `ulimit -f ${blocks}; exec "$0" "$@"`, process.execPath, child, 'fill', path],
    { encoding: 'latin1', stdio: ['ignore', 'pipe', 'ignore'] },
  );
  assert.is(status, 0);
  const { complete, codes, place } = JSON.parse(stdout) as {
    complete: number;
    codes: string[];
    place: string;
  };
  assert.is(place, path);
  const firstFailure = codes.indexOf('failed');
  assert.equal(codes.slice(firstFailure), Array(4 - firstFailure).fill('failed'));
  const committed = complete + firstFailure;
  assert.ok(committed > 10, `${committed} commits fitted`);
  const store = await lmdbClientStore({ lmdb, path });
  const expected = Array.from({ length: committed }, (_, i) => entry('log', i, pattern(50_000, i)));
  assert.equal(show(await store.load()), show(expected));
  await store.commit(batch([entry('log', committed, bytes(1))]));
  await store.close();
});

test('replacing and deleting over and over does not make the file grow', async ({ path }) => {
  const store = await lmdbClientStore({ lmdb, path });
  const size = (): number => statSync(join(path, 'data.mdb')).size;
  const round = async (i: number): Promise<void> => {
    await store.commit(
      batch(
        [entry('state', 0, pattern(100_000, i)), entry('log', i, pattern(1000, i))],
        [range('log', 0, Math.max(0, i - 5))],
      ),
    );
  };
  for (let i = 0; i < 50; i++) await round(i);
  const settled = size();
  for (let i = 50; i < 300; i++) await round(i);
  assert.ok(size() <= settled * 1.5, `${settled} bytes, then ${size()}`);
  await store.close();
});

test('a path that is a file is refused', async ({ path }) => {
  const file = join(path, 'file');
  writeFileSync(file, 'text');
  await storeRejection('client', 'foreign', lmdbClientStore({ lmdb, path: file }));
  await storeRejection('server', 'foreign', lmdbServerStore({ lmdb, path: join(file, 'below') }));
  assert.is(readFileSync(file, 'utf8'), 'text');
});

test('a folder of the other kind, or of another program, is refused and left as it is', async ({ path }) => {
  const server = await lmdbServerStore({ lmdb, path });
  await (await server.partition('p')).commit(0, batch([entry('a', 0, bytes(1))]));
  await storeRejection('while a server has it open', 'foreign', lmdbClientStore({ lmdb, path }));
  await server.close();
  await storeRejection('afterwards', 'foreign', lmdbClientStore({ lmdb, path }));
  const again = await lmdbServerStore({ lmdb, path });
  assert.equal(await again.partitions(), ['p']);
  await again.close();

  const other = join(path, 'other');
  const raw = lmdb.open({ path: other, noSubdir: false });
  await raw.put('key', 'value');
  await raw.close();
  await storeRejection('another program', 'foreign', lmdbServerStore({ lmdb, path: other }));
  const untouched = lmdb.open({ path: other, noSubdir: false });
  assert.equal(
    [...untouched.getRange()].map(({ key, value }) => [key, value]),
    [['key', 'value']],
  );
  await untouched.close();
});

test('a folder whose name looks like that of a file is a folder', async ({ path }) => {
  const store = await lmdbClientStore({ lmdb, path: join(path, 'device.v1') });
  await store.commit(batch([entry('a', 0, bytes(1))]));
  await store.close();
  assert.ok(statSync(join(path, 'device.v1', 'data.mdb')).isFile());
});

for (const [what, content] of [
  ['garbage', pattern(20_000, 1)],
  ['zeros', new Uint8Array(20_000)],
  ['too few bytes', pattern(10, 1)],
] as const) {
  test(`a file of ${what} is damage, and the folder can be used once it is gone`, async ({ path }) => {
    const folder = join(path, 'store');
    mkdirSync(folder);
    writeFileSync(join(folder, 'data.mdb'), content);
    await storeRejection('client', 'corrupt', lmdbClientStore({ lmdb, path: folder }));
    await storeRejection('server', 'corrupt', lmdbServerStore({ lmdb, path: folder }));
    rmSync(folder, { recursive: true });
    const store = await lmdbClientStore({ lmdb, path: folder });
    await store.commit(batch([entry('a', 0, bytes(1))]));
    await store.close();
  });
}

test('a file that was cut off is damage, wherever the cut is', async ({ path }) => {
  const whole = join(path, 'whole');
  const store = await lmdbClientStore({ lmdb, path: whole });
  for (let i = 0; i < 20; i++)
    await store.commit(
      batch(Array.from({ length: 50 }, (_, at) => entry('log', 50 * i + at, pattern(300, at)))),
    );
  await store.close();
  const content = readFileSync(join(whole, 'data.mdb'));
  for (const share of [0.1, 0.3, 0.5, 0.7, 0.9]) {
    const folder = join(path, `cut-${share}`);
    mkdirSync(folder);
    writeFileSync(join(folder, 'data.mdb'), content);
    const file = openSync(join(folder, 'data.mdb'), 'r+');
    ftruncateSync(file, Math.floor((content.length * share) / 4096) * 4096);
    closeSync(file);
    const outcome = await lmdbClientStore({ lmdb, path: folder })
      .then(async (opened) => {
        try {
          return await opened.load();
        } finally {
          await opened.close().catch(() => undefined);
        }
      })
      .catch((error: StoreError) => error);
    assert.instance(outcome, Error, `cut at ${share}`);
    assert.is((outcome as StoreError).code, 'corrupt', `cut at ${share}: ${outcome}`);
  }
});

test.run();
