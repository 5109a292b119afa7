/** A back end and devices on one server: what each sees of what the others write. */
import fc from 'fast-check';
import * as assert from 'uvu/assert';
import { type LostWrite, printInstruction } from '../core/index.js';
import { type Client, openClient } from '../transports/client.js';
import { memoryNetwork } from '../transports/links/memory.js';
import { type ServerNote, type ServerOptions, startServer } from '../transports/server.js';
import { MemoryDatabase, memoryClientStore, memoryServerStore } from '../transports/stores/memory.js';
import { eventually } from './kit/async.js';
import { nothingUnhandled, rejection, soon } from './kit/driver-world.js';
import { endingAt } from './kit/ending-store.js';
import { suite } from './kit/suite.js';

const test = suite('collections and devices');

const schema = [
  {
    name: 'Item',
    primaryKey: '_id',
    properties: { _id: 'string', count: 'int', text: 'string?', tags: 'string[]', next: 'Item?' },
  },
  { name: 'Placed', primaryKey: '_id', properties: { _id: 'string', region: 'string?', text: 'string?' } },
];

const sync = {
  config: {
    type: 'partition',
    state: 'enabled',
    partition: { key: 'region', type: 'string', permissions: { read: true, write: true } },
  },
  schema,
};

const world = async (options: Partial<ServerOptions> = {}) => {
  const network = memoryNetwork();
  const notes: ServerNote[] = [];
  const server = await startServer({
    store: memoryServerStore(),
    listeners: [network.listener],
    sync,
    ...options,
    verifyToken: async (token) => ({
      type: 'verified',
      user: { id: token, data: {} },
      expiresAt: null,
      issuedAt: null,
    }),
    onNote: (note) => void notes.push(note),
  });
  const clients: Client[] = [];
  const open = async (partitionValue: string) => {
    const client = await openClient({
      schema,
      store: memoryClientStore(),
      connector: network.connector,
      partitionValue,
      token: { token: async () => 'ann' },
      timing: { retryFirst: 3, retryMost: 10 },
      reset: { mode: 'recover' },
    });
    clients.push(client);
    return client;
  };
  const close = async () => {
    for (const client of clients) await client.close();
    await server.close();
    assert.equal(
      notes.map(({ type }) => type).filter((type) => type === 'failed'),
      [],
    );
    await nothingUnhandled();
  };
  return { server, items: server.collection('Item'), open, close, notes };
};

const settled = async (client: Client): Promise<void> => {
  await soon('upload', client.session.waitForUpload());
  await soon('download', client.session.waitForDownload());
};

test('devices get what the back end writes, and the back end what they write', async () => {
  const { server, items, open, close } = await world();
  await items.insertOne({ _id: 'early', region: 'n', count: 1 });
  const device = await open('n');
  await settled(device);
  assert.is(device.object('Item', 'early')?.['count'], 1);
  device.write((tx) => {
    tx.create('Item', { _id: 'mine', count: 5, next: 'early' });
    tx.increment('Item', 'early', 'count', 10);
  });
  await items.insertMany([
    { _id: 'late', region: 'n' },
    { _id: 'other', region: 's' },
  ]);
  await items.updateOne({ _id: 'early' }, { $inc: { count: 100 } });
  await settled(device);
  assert.is((await items.findOne({ _id: 'early' }))?.['count'], 111);
  assert.is(device.object('Item', 'early')?.['count'], 111);
  assert.equal([...device.objects('Item').keys()], ['early', 'late', 'mine']);
  assert.is(await items.count({ region: 'n' }), 3);
  assert.is((await items.deleteMany({ _id: { $in: ['early', 'other'] } })).deletedCount, 2);
  await settled(device);
  assert.is(device.object('Item', 'mine')?.['next'], null);
  assert.is(await server.digest('"n"'), device.digest());
  await close();
});

test('a device that has made a key is asked about it, and one that makes it later is counted', async () => {
  const { server, items, open, close } = await world();
  const device = await open('n');
  device.write((tx) => tx.create('Item', { _id: 'a' }));
  await settled(device);
  const refused = await rejection(items.insertOne({ _id: 'a', region: 's' }));
  assert.match(String(refused), 'found a document with this key in the partition "n"');
  await items.insertOne({ _id: 'b', region: 's', count: 1 });
  device.write((tx) => tx.create('Item', { _id: 'b', count: 2 }));
  await settled(device);
  assert.is((await server.documentStatus()).duplicates, 1);
  assert.is(await items.count({ _id: 'b' }), 2);
  await items.deleteOne({ _id: 'b', region: 's' });
  assert.is((await server.documentStatus()).duplicates, 0);
  assert.is(device.object('Item', 'b')?.['count'], 2);
  await close();
});

test('a changed partition key is a deletion here and an insertion there, and unsynced writes are told as lost', async () => {
  const { items, server, open, close } = await world();
  const [north, south] = [await open('n'), await open('s')];
  north.write((tx) => {
    tx.create('Item', { _id: 'a', count: 7, text: 'x', tags: ['t'] });
    tx.create('Item', { _id: 'b', next: 'a' });
  });
  await settled(north);
  await settled(south);
  north.session.pause();
  north.write((tx) => {
    tx.set('Item', 'a', 'text', 'unsynced');
    tx.increment('Item', 'a', 'count', 5);
    tx.list('Item', 'a', 'tags').push('more');
    tx.set('Item', 'b', 'text', 'kept');
  });
  await items.updateOne({ _id: 'a' }, { $set: { region: 's' } });
  const lost: LostWrite[] = [];
  void (async () => {
    for await (const write of north.session.conflicts()) lost.push(write);
  })();
  north.session.resume();
  await settled(north);
  await settled(south);
  assert.is(north.object('Item', 'a'), null);
  assert.equal({ ...north.object('Item', 'b') }, { _id: 'b', count: 0, next: null, tags: [], text: 'kept' });
  assert.equal({ ...south.object('Item', 'a') }, { _id: 'a', count: 7, next: null, tags: ['t'], text: 'x' });
  await eventually('all losses are told', () => lost.length === 3);
  assert.equal(
    lost.map(({ instruction }) => printInstruction(instruction)),
    [
      'Update Item["a"].text = "unsynced"',
      'AddInteger Item["a"].count += 5',
      'ArrayInsert Item["a"].tags[1] = "more" of 1',
    ],
  );
  for (const { winner, by } of lost) {
    // The server's own file.
    assert.is(winner.file, 1);
    assert.is(winner.instruction.kind, 'EraseObject');
    assert.not.equal(by.file, 1);
  }
  assert.is(await server.digest('"n"'), north.digest());
  assert.is(await server.digest('"s"'), south.digest());
  await close();
});

test('where a class has the partition key as a property, it says on devices where they are', async () => {
  const { server, open, close } = await world();
  const placed = server.collection('Placed');
  const [north, south] = [await open('n'), await open('s')];
  await placed.insertOne({ _id: 'a', region: 'n' });
  await settled(north);
  assert.is(north.object('Placed', 'a')?.['region'], 'n');
  north.write((tx) => tx.create('Placed', { _id: 'b', region: 'n', text: 'mine' }));
  await settled(north);
  assert.is((await placed.updateMany({ region: 'n' }, { $set: { region: 's' } })).modifiedCount, 2);
  await settled(north);
  await settled(south);
  assert.is(north.objects('Placed').size, 0);
  assert.equal(
    south.objects('Placed').map(({ _id, region: where, text }) => [_id, where, text]),
    [
      ['a', 's', null],
      ['b', 's', 'mine'],
    ],
  );
  await close();
});

test('what a server leaves halfway another one finishes that goes on', async () => {
  const database = new MemoryDatabase();
  const { items, open, close } = await world({ store: memoryServerStore(database), idleTime: 20 });
  await items.insertOne({ _id: 'a', region: 'n', count: 7 });
  const [north, south] = [await open('n'), await open('s')];
  await settled(north);
  await settled(south);
  const dying = endingAt(database, 1, 1);
  // What has ended does nothing later.
  const clock = { now: Date.now, schedule: () => () => undefined };
  const other = await startServer({ store: dying.store, listeners: [], sync, clock });
  void other.collection('Item').updateOne({ _id: 'a' }, { $set: { region: 's' } });
  await dying.ended;
  await eventually('the move is finished', async () => (await items.count({ region: 's' })) === 1);
  await settled(north);
  await settled(south);
  assert.is(north.object('Item', 'a'), null);
  assert.is(south.object('Item', 'a')?.['count'], 7);
  await close();
});

const region = fc.constantFrom('n', 's');
const id = fc.constantFrom('a', 'b', 'c');
const step = fc.oneof(
  fc.record({
    by: fc.constant('device' as const),
    region,
    do: fc.constantFrom('create', 'inc', 'delete', 'push'),
    id,
  }),
  fc.record({
    by: fc.constant('server' as const),
    region,
    do: fc.constantFrom('insert', 'inc', 'delete', 'move', 'push'),
    id,
  }),
  fc.record({ by: fc.constant('link' as const), region, do: fc.constantFrom('pause', 'resume'), id }),
);

test('whatever devices and the back end do, all see the same in the end', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 20 }), async (steps) => {
      const { items, server, open, close } = await world();
      const devices = { n: await open('n'), s: await open('s') };
      const running: Promise<unknown>[] = [];
      for (const { by, region: where, do: what, id: key } of steps) {
        const device = devices[where as 'n' | 's'];
        if (by === 'link') what === 'pause' ? device.session.pause() : device.session.resume();
        else if (by === 'device') {
          const isThere = device.object('Item', key) !== null;
          if (what === 'create' && !isThere) device.write((tx) => tx.create('Item', { _id: key, count: 1 }));
          else if (isThere && what === 'delete') device.write((tx) => tx.delete('Item', key));
          else if (isThere && what === 'inc') device.write((tx) => tx.increment('Item', key, 'count', 1));
          else if (isThere) device.write((tx) => tx.list('Item', key, 'tags').push(where));
        } else if (what === 'insert') running.push(rejection(items.insertOne({ _id: key, region: where })));
        else if (what === 'delete') running.push(items.deleteMany({ _id: key }));
        else {
          const update =
            what === 'move'
              ? { $set: { region: where } }
              : what === 'inc'
                ? { $inc: { count: 10 } }
                : { $push: { tags: 'server' } };
          running.push(rejection(items.updateMany({ _id: key }, update)));
        }
      }
      await Promise.all(running);
      for (const device of Object.values(devices)) device.session.resume();
      for (const device of Object.values(devices)) await settled(device);
      for (const device of Object.values(devices)) await settled(device);
      for (const [name, device] of Object.entries(devices)) {
        assert.is(await server.digest(JSON.stringify(name)), device.digest());
        assert.equal(
          (await items.find({ region: name }, { sort: { _id: 1 } }).toArray()).map(
            ({ _id, count, tags }) => ({ _id, count, tags }),
          ),
          device.objects('Item').map(({ _id, count, tags }) => ({ _id, count, tags })),
        );
      }
      assert.is((await server.documentStatus()).undelivered, 0);
      await close();
    }),
    { numRuns: 30 },
  );
});

test.run();
