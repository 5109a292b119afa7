import * as E from 'fp-ts/lib/Either.js';
import * as assert from 'uvu/assert';
import { decodeChangeset, encodeChangeset, unpack } from '../core/model/codec.js';
import type { Client } from '../transports/client.js';
import type { ServerNote } from '../transports/server.js';
import { MemoryDatabase, memoryServerStore } from '../transports/stores/memory.js';
import { setUp } from './kit/driver-world.js';
import { pick, seeded } from './kit/random.js';
import { suite } from './kit/suite.js';

const orThrow = <A>(either: E.Either<unknown, A>): A => {
  if (E.isLeft(either)) throw new Error(JSON.stringify(either.left));
  return either.right;
};

const servers = suite('servers of one store that both compact');

/** As eager as can be: a compaction is due whenever the log has doubled. */
const compaction = { minBytes: 50, maxBytes: 10_000_000 };

servers('serve everybody, whoever compacts first', async () => {
  const database = new MemoryDatabase();
  const notes: ServerNote[] = [];
  const onNote = (note: ServerNote): void => void notes.push(note);
  const [left, right] = [
    await setUp({ store: memoryServerStore(database), compaction, onNote }),
    await setUp({ store: memoryServerStore(database), compaction, onNote }),
  ];
  const random = seeded(11);
  const clients: Client[] = [await left.open(), await right.open(), await left.open(), await right.open()];
  const synced = async (): Promise<void> => {
    for (const client of clients) await client.session.waitForUpload();
    for (const client of clients) await client.session.waitForDownload();
  };
  for (let round = 0; round < 40; round++) {
    for (let i = 0; i < 10; i++) {
      const client = pick(random, clients);
      const _id = `t${random.int(30)}`;
      client.write((tx) => {
        if (client.object('Task', _id) === null) tx.create('Task', { _id, votes: round });
        else if (random.int(6) === 0) tx.delete('Task', _id);
        else if (random.int(2) === 0) tx.increment('Task', _id, 'votes', 1);
        else tx.update('Task', _id, { votes: round * 10 + i });
      });
    }
    if (round % 4 === 0) await synced();
    else await new Promise((resolve) => setTimeout(resolve, random.int(4)));
    // Now and then a device that has never been here, with writes of its own.
    if (round % 8 !== 7) continue;
    const [gone] = clients.splice(random.int(clients.length), 1);
    await gone?.close();
    clients.push(await pick(random, [left, right]).open());
  }
  await synced();
  const compacted = notes.filter((note) => note.type === 'compacted');
  assert.ok(compacted.length > 2, `${compacted.length} compactions`);
  assert.equal(
    notes.filter((note) => note.type !== 'compacted'),
    [],
  );
  for (let again = 0; again < 2; again++) await synced();
  const digests = new Set(clients.map((client) => client.digest()));
  assert.is(digests.size, 1);
  const third = await setUp({ store: memoryServerStore(database), compaction: null });
  assert.ok(digests.has(await third.server.digest('p')));
  for (const client of clients) await client.close();
  for (const { server } of [left, right, third]) await server.close();
});

servers('leave a log alone that does not lead to what they serve, say so once, and go on', async () => {
  const database = new MemoryDatabase();
  const notes: ServerNote[] = [];
  const store = memoryServerStore(database);
  const { server, open } = await setUp({
    store,
    // The log does not double again: one attempt is all there is.
    compaction: { minBytes: 2000, maxBytes: 10_000 },
    onNote: (note) => void notes.push(note),
  });
  const client = await open();
  client.write((tx) => tx.create('Task', { _id: 'a', votes: 0 }));
  await client.session.waitForUpload();
  // Somebody has changed what is stored, behind everybody's back, and in a way that can be read.
  const partition = await store.partition('p');
  const [found] = await partition.read('log', 2, 3, 1000);
  const entry = orThrow(decodeChangeset(found?.bytes ?? new Uint8Array()));
  const bytes = encodeChangeset({ ...unpack(entry), instructions: [] });
  database.partitions.get('p')?.records.apply({ deletes: [], puts: [{ space: 'log', index: 2, bytes }] });
  for (let i = 0; i < 100; i++) {
    client.write((tx) => tx.create('Task', { _id: `t${i}`, votes: i }));
    if (i % 5 === 0) await client.session.waitForUpload();
  }
  await client.session.waitForUpload();
  await new Promise((resolve) => setTimeout(resolve, 300));
  assert.equal(
    notes.map((note) => (note.type === 'uncompacted' ? note.message : note.type)),
    ['the compacted log leads to another state'],
  );
  assert.is((await partition.read('log', 0, 1000, 100_000)).length, await server.version('p'));
  assert.is((await partition.load(['certificate'])).entries.length, 0);
  client.write((tx) => tx.update('Task', 'a', { votes: 7 }));
  await client.session.waitForUpload();
  await client.close();
  await server.close();
});

servers.run();
