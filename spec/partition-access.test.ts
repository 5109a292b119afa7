/** Rules, as devices live by them: who may open a partition, who may write, and what nobody may write. */
import { ObjectId } from 'bson';
import * as assert from 'uvu/assert';
import type { User } from '../transports/ports.js';
import { memoryServerStore } from '../transports/stores/memory.js';
import { eventually, turn } from './kit/async.js';
import { nothingUnhandled, rejection, soon } from './kit/driver-world.js';
import { everybody, type Rules, schema, world } from './kit/rules-world.js';
import { suite } from './kit/suite.js';

const access = suite('partitions with rules');

const own: Rules = { read: { '%%user.id': '%%partition' }, write: { '%%user.id': '%%partition' } };

access('let in whom the rules let in, and nobody else', async () => {
  const { server, open, notes } = await world(own);
  const ann = await open('ann', 'ann');
  ann.write((tx) => tx.create('Item', { _id: 'a', count: 1 }));
  await soon('upload', ann.session.waitForUpload());
  assert.is(ann.object('Item', 'a')?.['owner'], 'ann', 'the partition is filled in');
  const bob = await open('bob', 'ann');
  const refused = await soon('refusal', rejection(bob.session.waitForDownload()));
  assert.match(String(refused), 'permission_denied: user "bob" may not open partition "ann"');
  const wrong = await open('ann', new ObjectId('0123456789abcdef01234567'));
  const illegal = await soon('refusal', rejection(wrong.session.waitForDownload()));
  assert.match(String(illegal), 'IllegalRealmPath');
  assert.match(String(illegal), 'expected a partition value of type string or null, but found objectId');
  assert.equal(
    notes.flatMap((note) => (note.type === 'refused' ? [note.code] : [])),
    [206, 204],
  );
  for (const client of [ann, bob, wrong]) await client.close();
  await server.close();
  await nothingUnhandled();
});

access('let readers read, and set aside whatever they write, all of it in one reset', async () => {
  const { server, open } = await world({ read: true, write: { '%%user.id': 'ann' } });
  const ann = await open('ann', 'shop');
  ann.write((tx) => tx.create('Item', { _id: 'a', count: 1 }));
  await soon('upload', ann.session.waitForUpload());
  let resets = 0;
  const bob = await open('bob', 'shop', { reset: { mode: 'recover', onBefore: () => void resets++ } });
  await soon('download', bob.session.waitForDownload());
  assert.is(bob.objects('Item').size, 1);
  assert.is(bob.session.describe().errors.length, 0);
  bob.session.pause();
  const receipts = [1, 2, 3].map((n) =>
    bob.write((tx) => {
      tx.increment('Item', 'a', 'count', 10);
      tx.create('Item', { _id: `b${n}`, count: n });
    }),
  );
  bob.session.resume();
  const outcomes = await soon('refusals', Promise.all(receipts.map((each) => rejection(each.integrated()))));
  assert.ok(outcomes.every((each) => each !== null));
  await soon('download', bob.session.waitForDownload());
  assert.is(resets, 1);
  assert.equal([...bob.objects('Item').keys()], ['a']);
  assert.is(Number(bob.object('Item', 'a')?.['count']), 1);
  assert.equal(
    bob.parking.writes.map(({ version }) => version),
    receipts.map(({ version }) => version),
  );
  ann.write((tx) => tx.increment('Item', 'a', 'count', 1));
  await soon('upload', ann.session.waitForUpload());
  await soon('download', bob.session.waitForDownload());
  assert.is(Number(bob.object('Item', 'a')?.['count']), 2);
  assert.is(await server.digest('"shop"'), bob.digest());
  for (const client of [ann, bob]) await client.close();
  await server.close();
  await nothingUnhandled();
});

access(
  'refuse the partition key to devices, on the device where it knows of it, else on the server',
  async () => {
    const { server, open } = await world(everybody);
    const ann = await open('ann', 'shop');
    assert.throws(
      () => ann.write((tx) => tx.create('Item', { _id: 'x', count: 0, owner: 'other' })),
      /partition/,
    );
    ann.write((tx) => tx.create('Item', { _id: 'a', count: 0, owner: 'shop' }));
    assert.throws(() => ann.write((tx) => tx.update('Item', 'a', { owner: 'other' })), /partition key/);
    assert.throws(() => ann.write((tx) => tx.set('Item', 'a', 'owner', null)), /partition key/);
    await soon('upload', ann.session.waitForUpload());
    const bob = await open('bob', 'shop', { partitionKey: undefined, reset: { mode: 'recover' } });
    await soon('download', bob.session.waitForDownload());
    bob.write((tx) => tx.set('Item', 'a', 'count', 5));
    const bad = bob.write((tx) => tx.set('Item', 'a', 'owner', 'other'));
    bob.write((tx) => tx.increment('Item', 'a', 'count', 1));
    const refused = await soon('refusal', rejection(bad.integrated()));
    assert.match(String(refused), 'parked');
    await soon('upload', bob.session.waitForUpload());
    await soon('download', bob.session.waitForDownload());
    assert.is(bob.object('Item', 'a')?.['owner'], 'shop');
    assert.is(Number(bob.object('Item', 'a')?.['count']), 6);
    assert.match(bob.parking.writes[0]?.instructions[0]?.reason ?? '', 'the partition key');
    await soon('download', ann.session.waitForDownload());
    assert.is(ann.digest(), bob.digest());
    for (const client of [ann, bob]) await client.close();
    await server.close();
    await nothingUnhandled();
  },
);

access('are asked again when what they go by has changed', async () => {
  const records = new Map<string, unknown>([['bob', { shops: ['shop'], editor: false }]]);
  let asked = 0;
  const { server, open } = await world(
    {
      read: { '%%user.custom_data.shops': '%%partition' },
      write: { '%%user.custom_data.editor': true },
    },
    {
      customData: ({ id }: User) => {
        asked++;
        return records.get(id);
      },
    },
  );
  const bob = await open('bob', 'shop', { reset: { mode: 'recover' } });
  await soon('download', bob.session.waitForDownload());
  assert.is(asked, 1);
  records.set('bob', { shops: ['shop'], editor: true });
  await server.reevaluate('bob');
  bob.write((tx) => tx.create('Item', { _id: 'b', count: 1 }));
  await soon('upload', bob.session.waitForUpload());
  assert.is(asked, 2, 'the session has gone on');
  records.set('bob', {});
  await server.reevaluate('ann');
  assert.is(asked, 2);
  await server.reevaluate();
  await eventually('the session ends', () => bob.session.describe().phase === 'failed');
  assert.match(bob.session.describe().failure ?? '', 'may not open partition');
  assert.match(
    await server.explainAccess({ id: 'bob', data: {} }, 'shop'),
    'user "bob", partition "shop": may not open it',
  );
  await bob.close();
  await server.close();
  await nothingUnhandled();
});

access('tell nothing more to who may not read any more, whatever is being saved', async () => {
  const database = memoryServerStore();
  let gate = Promise.resolve();
  const store: typeof database = {
    ...database,
    partition: async (name) => {
      const inner = await database.partition(name);
      const commit: typeof inner.commit = (...batch) => gate.then(() => inner.commit(...batch));
      return { load: (spaces) => inner.load(spaces), read: (...range) => inner.read(...range), commit };
    },
  };
  const readers = new Set(['ann', 'bob']);
  const rules = { read: { '%%user.custom_data.may': true }, write: { '%%user.custom_data.may': true } };
  const customData = async ({ id }: User) => ({ may: readers.has(id) });
  const { server, open } = await world(rules, { customData }, {}, {}, store);
  const ann = await open('ann', 'shop');
  ann.write((tx) => tx.create('Item', { _id: 'known', count: 0 }));
  await soon('upload', ann.session.waitForUpload());
  const bob = await open('bob', 'shop');
  await soon('download', bob.session.waitForDownload());
  const known = bob.digest();
  let goOn: () => void = () => undefined;
  gate = new Promise<void>((resolve) => {
    goOn = resolve;
  });
  ann.write((tx) => tx.create('Item', { _id: 'secret', count: 0 }));
  const saved = ann.session.waitForUpload();
  for (let i = 0; i < 20; i++) await turn();
  readers.delete('bob');
  await server.reevaluate('bob');
  goOn();
  await soon('upload', saved);
  await eventually('the session ends', () => bob.session.describe().phase === 'failed');
  assert.is(bob.digest(), known);
  for (const client of [ann, bob]) await client.close();
  await server.close();
  await nothingUnhandled();
});

access('ask functions, which have their time, and whose failure denies', async () => {
  let slow: (value: boolean) => void = () => undefined;
  const { server, open, notes } = await world(
    {
      read: { '%%true': { '%function': { name: 'may', arguments: ['%%user.id', '%%partition'] } } },
      write: false,
    },
    {
      functionTimeout: 20,
      functions: {
        may: (user, partition) => {
          if (user === 'ann') return partition === 'shop';
          if (user === 'bob') throw new Error('no');
          return new Promise((resolve) => {
            slow = resolve;
          });
        },
      },
    },
  );
  const ann = await open('ann', 'shop');
  await soon('download', ann.session.waitForDownload());
  for (const [user, partition] of [
    ['ann', 'other'],
    ['bob', 'shop'],
    ['cat', 'shop'],
  ] as const) {
    const client = await open(user, partition);
    assert.match(String(await soon(user, rejection(client.session.waitForDownload()))), 'permission_denied');
    await client.close();
  }
  slow(true);
  assert.equal(
    notes.flatMap((note) => (note.type === 'failed' ? [String(note.error)] : [])),
    ['Error: function may: Error: no', 'Error: function may: Error: there was no answer within 20 ms'],
  );
  await ann.close();
  await server.close();
  await nothingUnhandled();
});

access('decide nothing where it is not known who the user is', async () => {
  const { server, open } = await world(
    { read: { '%%user.custom_data.banned': { $ne: true } }, write: false },
    { customData: () => Promise.reject(new Error('the records are away')) },
  );
  const ann = await open('ann', 'shop');
  await eventually('a try', () => ann.session.describe().errors.length > 0);
  assert.is(ann.objects('Item').size, 0);
  await ann.close();
  await server.close();
  await nothingUnhandled();
});

access('take the classes of the schema, and others in development mode only', async () => {
  const wider = [
    { ...schema[0], name: 'Item', properties: { ...schema[0]?.properties, note: 'string?' } },
    { name: 'Shelf', primaryKey: '_id', properties: { _id: 'int', items: 'Item[]' } },
  ];
  const strict = await world(everybody);
  const refused = await strict.open('ann', 'shop', { schema: wider });
  const why = String(await soon('refusal', rejection(refused.session.waitForUpload())));
  assert.match(why, 'invalid_schema_change');
  assert.match(why, 'development mode is disabled: Item.note, class Shelf');
  await refused.close();
  await strict.server.close();

  const free = await world(
    { read: true, write: { '%%user.id': 'ann' } },
    {},
    {
      development_mode_enabled: true,
      database_name: 'dev',
    },
  );
  const reader = await free.open('bob', 'shop', { schema: wider });
  assert.match(String(await soon('refusal', rejection(reader.session.waitForUpload()))), 'may only read');
  const ann = await free.open('ann', 'shop', { schema: wider });
  ann.write((tx) => tx.create('Shelf', { _id: 1 }));
  await soon('upload', ann.session.waitForUpload());
  const status = await free.server.sync?.status();
  assert.equal(
    status?.schema.map((each) => (each as { readonly name: string }).name),
    ['Item', 'Shelf'],
  );
  const other = [{ name: 'Shelf', primaryKey: '_id', properties: { _id: 'string' } }];
  const wrong = await free.open('ann', 'other shop', { schema: other });
  assert.match(
    String(await soon('refusal', rejection(wrong.session.waitForUpload()))),
    'invalid_schema_change',
  );
  for (const client of [reader, ann, wrong]) await client.close();
  await free.server.close();
  await nothingUnhandled();
});

access.run();
