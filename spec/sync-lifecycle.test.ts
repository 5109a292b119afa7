/** Disabling, terminating and enabling sync, as devices and other servers live through it. */

import * as assert from 'uvu/assert';
import { type Client, type ClientOptions, openClient, type RecoveryReport } from '../transports/client.js';
import { memoryNetwork } from '../transports/links/memory.js';
import { type Server, type ServerNote, type ServerOptions, startServer } from '../transports/server.js';
import {
  MemoryDatabase,
  MemoryFile,
  memoryClientStore,
  memoryServerStore,
} from '../transports/stores/memory.js';
import { deferred, eventually, turn } from './kit/async.js';
import { nothingUnhandled, rejection, soon } from './kit/driver-world.js';
import { suite } from './kit/suite.js';

const lifecycle = suite('the life of sync');

const schema = [
  {
    name: 'Task',
    primaryKey: '_id',
    properties: { _id: 'string', text: 'string', votes: 'int', team: 'string?' },
  },
];

const config = (partition: object = {}, more: object = {}) => ({
  type: 'partition',
  state: 'enabled',
  partition: { key: 'owner', type: 'string', permissions: { read: true, write: true }, ...partition },
  ...more,
});

/** Any number of servers on one database. */
class World {
  readonly database = new MemoryDatabase();
  readonly notes: ServerNote[] = [];
  readonly #ends: (() => Promise<void>)[] = [];

  async serve(more: Partial<ServerOptions> = {}) {
    const network = memoryNetwork();
    const { sync, ...others } = more;
    const server = await startServer({
      store: memoryServerStore(this.database),
      listeners: [network.listener],
      sync: { config: config(), schema, lookEvery: 5, retryAfter: 5, ...sync },
      onNote: (note) => void this.notes.push(note),
      ...others,
    });
    this.#ends.push(() => server.close());
    const open = async (partition: string, options: Partial<ClientOptions> = {}): Promise<Client> => {
      const client = await openClient({
        schema,
        store: memoryClientStore(),
        connector: network.connector,
        partition,
        timing: { retryFirst: 3, retryMost: 10 },
        ...options,
      });
      this.#ends.unshift(() => client.close());
      return client;
    };
    return { server, open, sync: server.sync as NonNullable<Server['sync']> };
  }

  async end(): Promise<void> {
    for (const end of this.#ends) await end();
    assert.equal(
      this.notes.filter(({ type }) => type === 'failed' || type === 'quarantined'),
      [],
    );
    await nothingUnhandled();
  }
}

const tasks = (client: Client): string[] =>
  [...client.objects('Task')].map(({ _id, text, votes }) => `${_id} ${text} ${votes}`);

const recovering = (reports: RecoveryReport[]): Partial<ClientOptions> => ({
  reset: { mode: 'recover', onAfter: (_before, _after, report) => void reports.push(report) },
});

const settled = async (...clients: readonly Client[]): Promise<void> => {
  for (const client of clients) await client.session.waitForUpload();
  for (const client of clients) await client.session.waitForDownload();
};

const add = (client: Client, _id: string, text: string, team: string | null = null) =>
  client.write((tx) => tx.create('Task', { _id, text, votes: 0, team }));

lifecycle('who is disabled goes on where he was, without a reset', async () => {
  const world = new World();
  const { server, sync, open } = await world.serve();
  const reports: RecoveryReport[] = [];
  const [one, two] = [await open('"a"', recovering(reports)), await open('"a"', recovering(reports))];
  await add(one, 't1', 'before').integrated();
  await settled(two);
  const version = await server.version('"a"');
  await sync.disable();
  assert.is(server.describe().sessions, 0);
  const receipt = add(two, 't2', 'meanwhile');
  await eventually('the device was refused', () =>
    world.notes.some((note) => note.type === 'refused' && note.message === 'sync is disabled'),
  );
  assert.is((await sync.status()).state, 'disabled');
  assert.is((await sync.status()).config['state'], 'disabled');
  assert.ok(Number((await sync.status()).config['last_disabled']) > 1_600_000_000);
  assert.is(server.describe().sessions, 0);
  assert.match(String(two.session.describe().errors.at(-1)?.message), 'sync is disabled');
  await sync.enable();
  await soon('the write gets through', receipt.integrated());
  await settled(one);
  assert.equal(tasks(one), ['t1 before 0', 't2 meanwhile 0']);
  assert.is(await server.version('"a"'), version + 1);
  assert.equal(reports, []);
  await world.end();
});

for (const key of ['owner', 'team'])
  lifecycle(`who was terminated resets, and keeps what he had not synced; by the key ${key}`, async () => {
    const world = new World();
    const { sync, open } = await world.serve();
    const reports: RecoveryReport[] = [];
    const devices = [
      await open('"a"', recovering(reports)),
      await open('"a"', recovering(reports)),
      await open('"a"', recovering(reports)),
    ] as const;
    const [one, two, idle] = devices;
    add(one, 't1', 'synced', 'a');
    await settled(one);
    one.write((tx) => tx.increment('Task', 't1', 'votes', 3));
    add(one, 't2', 'of another team', 'b');
    await settled(one, two, idle);
    two.session.pause();
    await eventually('paused', () => two.session.describe().phase === 'paused');
    add(two, 't3', 'offline', 'a');
    two.write((tx) => tx.increment('Task', 't1', 'votes', 10));

    await sync.terminate();
    const refused = () =>
      world.notes.some((note) => note.type === 'refused' && note.message === 'sync is terminated');
    await eventually('devices wait', refused);
    assert.equal(
      (await sync.partitions()).map(({ name, objects }) => [name, objects]),
      [['"a"', { Task: 2 }]],
    );
    const begun = await sync.enable(key === 'owner' ? {} : { config: config({ key }) });
    assert.equal([begun?.epoch, begun?.objects, begun?.dropped], [1, 2, []]);
    two.session.resume();
    await eventually('all have reset', () => reports.length === 3);
    await settled(...devices);
    await settled(...devices);
    const expected =
      key === 'owner'
        ? ['t1 synced 13', 't2 of another team 0', 't3 offline 0']
        : ['t1 synced 13', 't3 offline 0'];
    for (const device of devices) assert.equal(tasks(device), expected);
    assert.is(new Set(devices.map((device) => device.digest())).size, 1);
    if (key === 'team') {
      const other = await open('"b"');
      await settled(other);
      assert.equal(tasks(other), ['t2 of another team 0']);
    }
    await add(one, 't4', 'afterwards', 'a').integrated();
    await settled(two);
    assert.is(two.object('Task', 't4')?.['text'], 'afterwards');
    await world.end();
  });

lifecycle('what the history has of a device is not done again when it resets', async () => {
  const world = new World();
  const { server, sync, open } = await world.serve();
  const reports: RecoveryReport[] = [];
  const device = await open('"a"', recovering(reports));
  await add(device, 't', 'x').integrated();
  // Committed, and the answer does not get to the device: the link is cut before it is heard of.
  const { version } = device.write((tx) => tx.increment('Task', 't', 'votes', 1));
  const before = await server.version('"a"');
  await eventually('it is in the history', async () => (await server.version('"a"')) > before);
  await sync.terminate();
  await sync.enable();
  await eventually('it has reset', () => reports.length === 1);
  await settled(device);
  assert.equal(tasks(device), ['t x 1']);
  assert.ok(version > 0);
  await world.end();
});

lifecycle('another server of the store notices, whether its devices do anything or not', async () => {
  const world = new World();
  const here = await world.serve();
  const there = await world.serve({ sync: { lookEvery: 5, retryAfter: 5 } });
  const reports: RecoveryReport[] = [];
  const device = await there.open('"a"', recovering(reports));
  await add(device, 't1', 'x').integrated();
  await here.sync.disable();
  await eventually('its sessions end', () => there.server.describe().sessions === 0);
  await here.sync.enable();
  await eventually('they go on', () => there.server.describe().sessions === 1);
  await settled(device);
  assert.equal(reports, []);
  await here.sync.terminate();
  await eventually('they end again', () => there.server.describe().sessions === 0);
  assert.is((await there.sync.status()).state, 'terminated');
  await there.sync.enable();
  await eventually('it has reset', () => reports.length === 1);
  await settled(device);
  assert.equal(tasks(device), ['t1 x 0']);
  const other = await here.open('"a"');
  await settled(other);
  assert.equal(tasks(other), ['t1 x 0']);
  await world.end();
});

lifecycle(
  'nothing that was acknowledged is lost between servers, whatever is terminated under them',
  async () => {
    const world = new World();
    // The second server learns of nothing but by what its commits meet.
    const here = await world.serve();
    const there = await world.serve({ sync: { lookEvery: 1_000_000, retryAfter: 5 } });
    const reports: RecoveryReport[] = [];
    const device = await there.open('"a"', recovering(reports));
    const acknowledged: string[] = [];
    let isOver = false;
    const writing = (async () => {
      for (let i = 0; !isOver || i < 20; i++) {
        await add(device, `t${String(i).padStart(4, '0')}`, 'x').integrated();
        acknowledged.push(`t${String(i).padStart(4, '0')}`);
        await turn();
      }
    })();
    for (let epoch = 1; epoch <= 3; epoch++) {
      const so = acknowledged.length;
      await eventually('some writes more', () => acknowledged.length > so + 3);
      await here.sync.terminate();
      await here.sync.enable();
      await eventually('the device has reset', () => reports.length === epoch);
    }
    isOver = true;
    await writing;
    const other = await here.open('"a"');
    await settled(other);
    assert.equal(
      [...other.objects('Task')].map(({ _id }) => _id),
      acknowledged,
    );
    await world.end();
  },
);

lifecycle('rules cannot change while sync is enabled, and what concerns nobody’s data can', async () => {
  const world = new World();
  const { sync, open } = await world.serve();
  const device = await open('"a"');
  await add(device, 't1', 'x').integrated();
  const other = config({ permissions: { read: true, write: false } });
  for (const change of [{ config: other }, { config: config({ key: 'team' }) }])
    assert.match(String(await rejection(sync.enable(change))), 'the rules of sync cannot change');
  assert.match(
    String(await rejection(world.serve({ sync: { config: other } }))),
    'config.partition.permissions.write: found false, expected true',
  );
  await sync.enable({ config: config({}, { client_max_offline_days: 2 }) });
  assert.is((await sync.status()).config['client_max_offline_days'], 2);
  await add(device, 't2', 'y').integrated();
  await sync.extendSchema([...schema, { name: 'List', primaryKey: '_id', properties: { _id: 'string' } }]);
  assert.match(String(await rejection(sync.extendSchema(schema))), 'schema.List');
  assert.equal(
    (await sync.status()).schema.map(({ name }) => name),
    ['Task', 'List'],
  );
  await world.end();
});

lifecycle('names that begin with $ are nobody’s, by a configuration or without one', async () => {
  const world = new World();
  for (const more of [{}, { free: true }]) {
    const network = memoryNetwork();
    const server = await startServer({
      store: memoryServerStore(),
      listeners: [network.listener],
      ...('free' in more ? {} : { sync: { config: config(), schema } }),
    });
    for (const partition of ['$sync', '$unassigned', '$1:"a"']) {
      const client = await openClient({
        schema,
        store: memoryClientStore(),
        connector: network.connector,
        partition,
      });
      assert.match(String(await rejection(client.session.waitForDownload())), 'illegal_realm_path');
      await client.close();
    }
    await server.close();
  }
  await world.end();
});

lifecycle('no server runs without rules on a store that has them', async () => {
  const world = new World();
  const { sync } = await world.serve();
  const options = { store: memoryServerStore(world.database), listeners: [memoryNetwork().listener] };
  assert.match(String(await rejection(startServer(options))), 'the server needs the option `sync`');
  const other = await startServer({ ...options, sync: {} });
  assert.equal(await other.sync?.status(), await sync.status());
  await other.close();
  await world.end();
});

lifecycle('names are no longer than what can be stored in any epoch', async () => {
  const world = new World();
  const { sync, open } = await world.serve();
  const [longest, tooLong] = [494, 495].map((length) => JSON.stringify('x'.repeat(length - 2))) as [
    string,
    string,
  ];
  const refused = await open(tooLong);
  assert.match(String(await rejection(refused.session.waitForDownload())), 'illegal_realm_path');
  const device = await open(longest, recovering([]));
  await add(device, 't', 'x').integrated();
  await sync.terminate();
  assert.is((await sync.enable())?.unassigned, 0);
  await eventually('it syncs in the new epoch', () => device.session.describe().phase === 'streaming');
  await add(device, 'u', 'y').integrated();
  assert.equal(
    (await sync.partitions()).map(({ name, objects }) => [name, objects]),
    [[longest, { Task: 2 }]],
  );
  await world.end();
});

lifecycle('a session that is ended while its partition is being opened never was', async () => {
  const world = new World();
  const store = memoryServerStore(world.database);
  const opened = deferred<void>();
  let isAsked = false;
  const { sync, open, server } = await world.serve({
    store: {
      ...store,
      partition: async (name) => {
        const partition = await store.partition(name);
        if (name !== '"a"') return partition;
        isAsked = true;
        await opened.promise;
        return partition;
      },
    },
  });
  const device = await open('"a"');
  await eventually('the partition is being opened', () => isAsked);
  await sync.disable();
  opened.resolve();
  await eventually('the device waits', () => device.session.describe().errors.length > 0);
  await sync.enable();
  await device.session.waitForDownload();
  assert.is((await sync.partitions())[0]?.files, 1);
  assert.is(server.describe().sessions, 1);
  await world.end();
});

lifecycle('a server that starts while sync is disabled or terminated lets nobody in', async () => {
  const world = new World();
  const first = await world.serve({ sync: { config: config({}, { state: 'disabled' }), retryAfter: 5 } });
  assert.is((await first.sync.status()).state, 'disabled');
  const file = new MemoryFile();
  const device = await first.open('"a"', { store: memoryClientStore(file) });
  const receipt = add(device, 't1', 'x');
  await eventually('it was refused', () => world.notes.length > 0);
  await first.sync.terminate();
  const second = await world.serve();
  assert.is((await second.sync.status()).state, 'terminated');
  await second.sync.enable();
  await soon('it syncs', receipt.integrated());
  await world.end();
});

lifecycle.run();
