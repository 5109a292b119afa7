/** A server whose process ends in the middle of terminating and enabling sync, with a device at it. */

import * as assert from 'uvu/assert';
import { type Client, openClient } from '../transports/client.js';
import { systemClock } from '../transports/clock.js';
import { memoryNetwork } from '../transports/links/memory.js';
import { type Server, type ServerNote, startServer } from '../transports/server.js';
import { MemoryDatabase, memoryClientStore, memoryServerStore } from '../transports/stores/memory.js';
import { eventually, turn } from './kit/async.js';
import { crashableServerStore } from './kit/crashable-store.js';
import { nothingUnhandled } from './kit/driver-world.js';
import { suite } from './kit/suite.js';

const crash = suite('sync, when its server ends');

const schema = [
  {
    name: 'Task',
    primaryKey: '_id',
    properties: { _id: 'string', votes: 'int', team: 'string?' },
  },
];
const config = (key: string) => ({
  type: 'partition',
  state: 'enabled',
  partition: { key, type: 'string', permissions: { read: true, write: true } },
});

const tasks = (client: Client): string[] =>
  [...client.objects('Task')].map(({ _id, votes }) => `${_id} ${votes}`);

/** Answers what the store had of sync after the crash; null where there was none, since all was done. */
const live = async (commits: number, survivors: number, key: string): Promise<string | null> => {
  const database = new MemoryDatabase();
  const network = memoryNetwork();
  const notes: ServerNote[] = [];
  let made = 0;
  const process = crashableServerStore({ clock: systemClock, delay: () => 0 }, database, (store) => ({
    ...store,
    partition: async (name) => {
      const partition = await store.partition(name);
      return {
        ...partition,
        commit: (expected, batch) => {
          made++;
          return partition.commit(expected, batch);
        },
      };
    },
  }));
  const options = {
    listeners: [network.listener],
    sync: { config: config('owner'), schema, lookEvery: 5, retryAfter: 5 },
    onNote: (note: ServerNote) => void notes.push(note),
  };
  const first: Server = await startServer({ ...options, store: process.open() });
  const resets: unknown[] = [];
  const open = (partition: string): Promise<Client> =>
    openClient({
      schema,
      store: memoryClientStore(),
      connector: network.connector,
      partition,
      timing: { retryFirst: 3, retryMost: 10 },
      reset: { mode: 'recover', onAfter: (_before, _after, report) => void resets.push(report) },
    });
  const device = await open('"a"');
  await device.write((tx) => tx.create('Task', { _id: 't1', votes: 1, team: 'a' })).integrated();
  await device.write((tx) => tx.create('Task', { _id: 't2', votes: 0, team: 'b' })).integrated();
  await device.session.waitForDownload();

  let isDone = false;
  const before = made;
  first.sync
    ?.terminate()
    .then(() => first.sync?.enable({ config: config(key) }))
    .then(
      () => {
        isDone = true;
      },
      () => undefined,
    );
  device.write((tx) => tx.increment('Task', 't1', 'votes', 10));
  while (made - before < commits && !isDone) await turn();
  process.crash(survivors);
  void first.close();
  await network.listener.close();
  device.write((tx) => tx.increment('Task', 't1', 'votes', 100));

  const { config: _, ...sync } = options.sync;
  const second = await startServer({ ...options, sync, store: memoryServerStore(database) });
  const status = await second.sync?.status();
  const found = `${status?.state} ${status?.epoch}`;
  if (status?.state === 'terminated') await second.sync?.enable({ config: config(key) });
  const isNew = ((await second.sync?.status())?.epoch ?? 0) > 0;
  if (isNew) await eventually('the device has reset', () => resets.length > 0);
  await device.session.waitForUpload();
  await device.session.waitForDownload();
  const fresh = await open('"a"');
  await fresh.session.waitForDownload();
  const expected = isNew && key === 'team' ? ['t1 111'] : ['t1 111', 't2 0'];
  for (const client of [device, fresh]) assert.equal(tasks(client), expected, `${found} after ${commits}`);
  assert.is(resets.length, isNew ? 1 : 0);
  assert.equal(
    notes.filter(({ type }) => type === 'failed' || type === 'quarantined'),
    [],
  );
  await device.close();
  await fresh.close();
  await second.close();
  return isDone ? null : found;
};

for (const key of ['owner', 'team'])
  crash(
    `leaves it as it was or as it was to be, with every write counted once; by the key ${key}`,
    async () => {
      const found = new Set<string>();
      for (const survivors of [0, 1])
        for (let commits = 0; ; commits++) {
          const state = await live(commits, survivors, key);
          if (state === null) break;
          found.add(state);
          assert.ok(commits < 60);
        }
      assert.equal([...found].sort(), ['enabled 0', 'enabled 1', 'terminated 0']);
      await nothingUnhandled();
    },
  );

crash.run();
