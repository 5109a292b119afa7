import * as assert from 'uvu/assert';
import type { ServerNote } from '../transports/server.js';
import {
  MemoryDatabase,
  MemoryFile,
  memoryClientStore,
  memoryServerStore,
} from '../transports/stores/memory.js';
import { setUp } from './kit/driver-world.js';
import { ManualClock } from './kit/manual-clock.js';
import { suite } from './kit/suite.js';

const expiry = suite('a device that was away for too long');
const DAY = 86_400_000;

/** A device that has written offline, and a server that has gone on, waited and compacted. */
const away = async (days: number) => {
  const clock = new ManualClock(1_800_000_000_000);
  const database = new MemoryDatabase();
  const notes: ServerNote[] = [];
  const { server, open } = await setUp({
    store: memoryServerStore(database),
    clock,
    clientMaxOfflineDays: 7,
    compaction: { minBytes: 50, maxBytes: 1_000_000 },
    onNote: (note) => void notes.push(note),
  });
  const file = new MemoryFile('away');
  const first = await open({ store: memoryClientStore(file) });
  first.write((tx) => tx.create('Task', { _id: 'a', votes: 1 }));
  await first.session.waitForUpload();
  await first.session.waitForDownload();
  await first.close();
  const other = await open();
  await other.session.waitForDownload();
  for (let i = 0; i < 100; i++) other.write((tx) => tx.increment('Task', 'a', 'votes', 1));
  await other.session.waitForUpload();
  for (let passed = 0; passed < days; passed++) {
    clock.advance(DAY);
    other.write((tx) => tx.increment('Task', 'a', 'votes', 1));
    await other.session.waitForUpload();
    await other.session.waitForDownload();
  }
  for (let second = 0; second < 20; second++) await clock.advanceAsync(1000);
  return { server, open, notes, file, other, votes: 101 + days };
};

expiry('is told to reset, and told so by its session', async () => {
  const { server, open, notes, file, other } = await away(9);
  const passed = notes.flatMap((note) => (note.type === 'compacted' ? note.certificate.expires : []));
  assert.equal(passed, [{ ident: 2, version: 2 }]);
  const back = await open({ store: memoryClientStore(file), reset: { mode: 'manual' } });
  const failure = await back.session.waitForDownload().then(
    () => null,
    (error: Error) => error,
  );
  assert.match(String(failure), /client_file_expired|expired/);
  await back.close();
  await other.close();
  await server.close();
});

expiry('keeps what it wrote, where it recovers', async () => {
  const { server, open, file, other, votes } = await away(9);
  const back = await open({ store: memoryClientStore(file), reset: { mode: 'recover' } });
  back.write((tx) => {
    tx.increment('Task', 'a', 'votes', 1000);
    tx.create('Task', { _id: 'mine', votes: 5 });
  });
  await back.session.waitForDownload();
  await back.session.waitForUpload();
  await other.session.waitForDownload();
  assert.is(other.object('Task', 'a')?.['votes'], votes + 1000);
  assert.is(other.object('Task', 'mine')?.['votes'], 5);
  assert.is(back.digest(), other.digest());
  await back.close();
  await other.close();
  await server.close();
});

expiry('goes on as if nothing had been, where it was not', async () => {
  const { server, open, file, other } = await away(5);
  const back = await open({ store: memoryClientStore(file), reset: { mode: 'manual' } });
  back.write((tx) => tx.increment('Task', 'a', 'votes', 1000));
  await back.session.waitForUpload();
  await back.session.waitForDownload();
  await other.session.waitForDownload();
  assert.is(back.digest(), other.digest());
  await back.close();
  await other.close();
  await server.close();
});

expiry.run();
