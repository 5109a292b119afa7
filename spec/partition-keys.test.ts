/** Partition keys of each type, as devices and a back end meet them: opened, refused, null, required, moved. */
import { ObjectId, UUID } from 'bson';
import * as assert from 'uvu/assert';
import type { LostWrite } from '../core/index.js';
import { openClient } from '../transports/client.js';
import { memoryNetwork } from '../transports/links/memory.js';
import { type ServerNote, startServer } from '../transports/server.js';
import { memoryClientStore, memoryServerStore } from '../transports/stores/memory.js';
import { forEachOf } from './kit/async.js';
import { nothingUnhandled, rejection, soon } from './kit/driver-world.js';
import { suite } from './kit/suite.js';

const keys = suite('partition keys');

const world = async (type: string, property: string, required = false) => {
  const schema = [
    {
      name: 'Item',
      primaryKey: '_id',
      properties: { _id: 'int', at: `${property}${required ? '' : '?'}`, count: 'int' },
    },
  ];
  const network = memoryNetwork();
  const notes: ServerNote[] = [];
  const permissions = { read: true, write: true };
  const server = await startServer({
    store: memoryServerStore(),
    listeners: [network.listener],
    sync: {
      config: { type: 'partition', state: 'enabled', partition: { key: 'at', type, required, permissions } },
      schema,
    },
    onNote: (note) => void notes.push(note),
  });
  const open = (partitionValue: unknown) =>
    openClient({
      schema,
      store: memoryClientStore(),
      connector: network.connector,
      partitionValue,
      partitionKey: 'at',
      reset: { mode: 'recover' },
      timing: { retryFirst: 3, retryMost: 10 },
    });
  return { server, open, notes };
};

const id = new ObjectId('5f4863e4d49bd2191ff1e623');
const uuid = new UUID('00112233-4455-6677-8899-aabbccddeeff');

/** A value of each type, and another one. */
const types = [
  ['string', 'string', 'shop', 'other'],
  ['objectId', 'objectId', id, new ObjectId('5f4863e4d49bd2191ff1e624')],
  ['long', 'int', 7, 8],
  ['long', 'int', 2n ** 60n, 2n ** 60n + 1n],
  ['uuid', 'uuid', uuid, new UUID('00112233-4455-6677-8899-aabbccddee00')],
] as const;

for (const [type, property, value, other] of types)
  keys(`of the type ${type} hold ${String(value)}, null, and nothing of another type`, async () => {
    const { server, open } = await world(type, property);
    const items = server.collection('Item');
    await items.insertMany([
      { _id: 1, at: value, count: 1 },
      { _id: 2, at: other, count: 2 },
      { _id: 3, at: null, count: 3 },
      { _id: 4, count: 4 },
    ]);
    for (const [partition, expected] of [
      [value, [1]],
      [other, [2]],
      [null, [3, 4]],
    ] as const) {
      const device = await open(partition);
      await soon('download', device.session.waitForDownload());
      assert.equal(
        [...device.objects('Item')].map(({ _id }) => Number(_id)),
        expected,
      );
      const key = 10 + (expected[0] ?? 0);
      await soon('upload', device.write((tx) => tx.create('Item', { _id: key, count: 0 })).integrated());
      const found = await items.findOne({ _id: key });
      assert.is(String(found?.['at']), String(partition));
      assert.throws(() => device.write((tx) => tx.set('Item', key, 'at', null)), /partition key/);
      await device.close();
    }
    const wrongs = types.filter(([another]) => another !== type);
    for (const [another, , wrong] of wrongs) {
      const device = await open(wrong);
      const why = String(await soon('refusal', rejection(device.session.waitForDownload())));
      assert.match(
        why,
        `IllegalRealmPath: this partition cannot be opened: expected a partition value of type ${type} or null, but found ${another}`,
      );
      await device.close();
    }
    await server.close();
    await nothingUnhandled();
  });

keys(
  'that are required have no null partition, and what has no value is counted and not synced',
  async () => {
    const { server, open } = await world('string', 'string', true);
    await server.collection('Item').insertMany([{ _id: 1, at: 'shop', count: 1 }]);
    const refusal = await rejection(server.collection('Item').insertOne({ _id: 2, count: 1 }));
    const { unassigned } = await server.documentStatus();
    assert.is(unassigned.get('Item') ?? 0, refusal === null ? 1 : 0);
    const device = await open(null);
    const why = String(await soon('refusal', rejection(device.session.waitForDownload())));
    assert.match(why, 'expected a partition value of type string, but found null');
    await device.close();
    await server.close();
    await nothingUnhandled();
  },
);

keys('that the server changes move objects, and what a device had not synced of them is kept', async () => {
  const { server, open } = await world('string', 'string');
  const items = server.collection('Item');
  await items.insertMany([
    { _id: 1, at: 'a', count: 1 },
    { _id: 2, at: 'a', count: 2 },
  ]);
  const [here, there] = [await open('a'), await open('b')];
  for (const device of [here, there]) await soon('download', device.session.waitForDownload());
  here.session.pause();
  const lost = here.write((tx) => tx.increment('Item', 1, 'count', 10));
  const kept = here.write((tx) => tx.increment('Item', 2, 'count', 10));
  await items.updateOne({ _id: 1 }, { $set: { at: 'b' } });
  const told: LostWrite[] = [];
  const listening = forEachOf(here.session.conflicts(), (conflict) => void told.push(conflict));
  here.session.resume();
  await soon('kept', kept.integrated());
  await rejection(soon('lost', lost.integrated()));
  for (const device of [here, there]) await soon('download', device.session.waitForDownload());
  assert.equal(
    [...here.objects('Item')].map(({ _id, count }) => [_id, count].map(Number)),
    [[2, 12]],
  );
  assert.equal(
    [...there.objects('Item')].map(({ _id, count, at }) => [Number(_id), Number(count), at]),
    [[1, 1, 'b']],
  );
  for (const device of [here, there]) await device.close();
  await listening;
  assert.is(told.length, 1);
  const [conflict] = told;
  assert.equal(
    { instruction: conflict?.instruction, by: conflict?.winner.instruction.kind },
    {
      instruction: { kind: 'AddInteger', table: 'Item', object: 'i1', field: 'count', path: [], value: 10n },
      by: 'EraseObject',
    },
  );
  await server.close();
  await nothingUnhandled();
});

keys.run();
