import { Decimal128, Double, ObjectId, UUID } from 'bson';
import fc from 'fast-check';
import * as assert from 'uvu/assert';
import { DocumentError, double, int, linkTo } from '../core/index.js';
import { systemClock } from '../transports/clock.js';
import { memoryServerStore } from '../transports/stores/memory.js';
import { failure, openTasks, taskSchema } from './kit/document-tasks.js';
import { documentWorld } from './kit/document-world.js';
import { rejection } from './kit/driver-world.js';
import { suite } from './kit/suite.js';

const test = suite('collection');

test('A document comes back as it went in, with every property of its class and the partition key', async () => {
  const { collection } = await openTasks();
  const tasks = collection('Task');
  const price = Decimal128.fromString('12.50');
  const due = new Date(1_700_000_000_000);
  const inserted = await tasks.insertOne({
    _id: 'a',
    region: 'north',
    title: 'one',
    votes: 3,
    weight: 1.5,
    price,
    due,
    tags: ['x', 'y'],
    codes: [3, 1],
    limits: { low: 1, high: 9 },
    anything: { list: [int(1), double(1), 'a'], none: null },
    place: { street: 's', number: 5 },
    steps: [{ number: 1 }, { street: 't' }],
    parent: 'a',
  });
  assert.equal(inserted, { acknowledged: true, insertedId: 'a' });
  const found = await tasks.findOne({ _id: 'a' });
  assert.equal(Object.keys(found ?? {}), [
    '_id',
    'anything',
    'codes',
    'done',
    'due',
    'limits',
    'others',
    'parent',
    'place',
    'price',
    'steps',
    'tags',
    'title',
    'votes',
    'weight',
    'region',
  ]);
  const { anything, price: storedPrice, codes, ...rest } = found ?? {};
  assert.equal(rest, {
    _id: 'a',
    region: 'north',
    title: 'one',
    votes: 3,
    weight: 1.5,
    due,
    done: false,
    tags: ['x', 'y'],
    limits: { low: 1, high: 9 },
    others: [],
    place: { street: 's', number: 5 },
    steps: [
      { street: null, number: 1 },
      { street: 't', number: 0 },
    ],
    parent: 'a',
  });
  assert.equal(String(storedPrice), '12.50');
  assert.equal([...(codes as readonly number[])].sort(), [1, 3]);
  assert.equal(anything, { list: [1n, new Double(1), 'a'], none: null });
});

test('Keys are made for classes whose keys can be, and asked for otherwise', async () => {
  const { collection } = await openTasks();
  const { insertedIds, insertedCount } = await collection('Owned').insertMany([
    { region: 'n', text: 'a' },
    { region: 's', text: 'b' },
  ]);
  assert.is(insertedCount, 2);
  assert.ok(insertedIds[0] instanceof ObjectId && insertedIds[1] instanceof ObjectId);
  assert.not.equal(String(insertedIds[0]), String(insertedIds[1]));
  assert.is((await collection('Owned').findOne({ _id: insertedIds[1] }))?.['text'], 'b');
  assert.match(
    await failure(collection('Task').insertOne({ region: 'n' })),
    /^DocumentError missing-key: Task\._id/,
  );
});

test('A primary key is one document, whatever partition it is in', async () => {
  const { collection } = await openTasks();
  const tasks = collection('Task');
  await tasks.insertOne({ _id: 'a', region: 'north' });
  const elsewhere = await failure(tasks.insertOne({ _id: 'a', region: 'south' }));
  assert.match(
    elsewhere,
    /^DocumentError duplicate-key: Task\["a"\]: found a document with this key in the partition "north"/,
  );
  assert.match(await failure(tasks.insertOne({ _id: 'a', region: 'north' })), /duplicate-key/);
  const twice = [
    { _id: 'b', region: 'north' },
    { _id: 'b', region: 'south' },
  ];
  assert.match(await failure(tasks.insertMany(twice)), /duplicate-key/);
  const raced = await Promise.allSettled(twice.map((document) => tasks.insertOne(document)));
  assert.is(raced.filter(({ status }) => status === 'fulfilled').length, 1);
  assert.is(await tasks.count({ _id: 'b' }), 1);
  await tasks.deleteMany({ _id: 'a' });
  await tasks.insertOne({ _id: 'a', region: 'south' });
  assert.is((await tasks.findOne({ _id: 'a' }))?.['region'], 'south');
});

test('Nothing of several documents is inserted where one is wrong', async () => {
  const { collection } = await openTasks();
  const tasks = collection('Task');
  const wrong = [
    { _id: 'a', region: 'north' },
    { _id: 'b', region: 'south', votes: 'many' },
  ];
  assert.match(await failure(tasks.insertMany(wrong)), /^WriteError wrong-type: Task\["b"\]\.votes/);
  assert.is(await tasks.count(), 0);
  assert.match(await failure(tasks.insertOne({ _id: 'a', nothing: 1 })), /unknown-property/);
  assert.match(await failure(collection('Nobody').count()), /^DocumentError unknown-class/);
  assert.match(await failure(collection('Place').count()), /^DocumentError unknown-class/);
});

test('Without a value, documents are in the null partition, or unassigned where one is required', async () => {
  const optional = await openTasks();
  await optional
    .collection('Task')
    .insertMany([{ _id: 'a' }, { _id: 'b', region: null }, { _id: 'c', region: 'n' }]);
  assert.equal(await optional.control.partitions(), ['"n"', 'null']);
  assert.is(await optional.collection('Task').count({ region: null }), 2);
  assert.match(
    await failure(optional.collection('Task').insertOne({ _id: 'd', region: 5 })),
    /^DocumentError wrong-partition-value: Task\.region: found the number 5/,
  );

  const required = await openTasks({ required: true });
  const tasks = required.collection('Task');
  await tasks.insertMany([{ _id: 'a' }, { _id: 'b', region: 5 }, { _id: 'c', region: 'n' }]);
  assert.equal(await required.control.partitions(), ['"n"', '$unassigned']);
  assert.equal([...(await required.documents.status()).unassigned], [['Task', 2]]);
  assert.is((await tasks.findOne({ _id: 'b' }))?.['region'], 5n);
  assert.is((await tasks.findOne({ _id: 'a' }))?.['region'], null);
  await tasks.updateMany({ region: 5 }, { $set: { region: 'n' } });
  assert.equal([...(await required.documents.status()).unassigned], [['Task', 1]]);
  assert.is((await tasks.findOne({ _id: 'b' }))?.['region'], 'n');
  await tasks.updateOne({ _id: 'c' }, { $set: { region: 7 } });
  assert.is((await tasks.findOne({ _id: 'c' }))?.['region'], 7n);
});

test('Where the class has a property for the partition key, devices see it there', async () => {
  const { collection, documents } = await openTasks();
  const owned = collection('Owned');
  const { insertedId } = await owned.insertOne({ region: 'n', text: 'a' });
  const of = await documents.class('Owned');
  const stored = async (partition: string) => {
    const state = await documents.state(partition);
    const search = {
      keys: undefined,
      partitions: undefined,
      filter: { accepts: () => true, valuesOf: () => undefined },
    };
    const { found, documentAt } = await import('../core/session/document-writes.js');
    const none = { name: 'region', value: undefined };
    return found(of, state, none, search, 9).map((key) => documentAt(of, state, none, key)?.['region']);
  };
  assert.equal(await stored('"n"'), ['n']);
  await owned.updateOne({ _id: insertedId }, { $set: { region: 's' } });
  assert.equal(await stored('"n"'), []);
  assert.equal(await stored('"s"'), ['s']);
});

test('Links are to objects of their partition, or to what may still come', async () => {
  const { collection } = await openTasks();
  const tasks = collection('Task');
  await tasks.insertMany([
    { _id: 'a', region: 'n' },
    { _id: 'b', region: 's' },
  ]);
  assert.match(
    await failure(tasks.insertOne({ _id: 'c', region: 's', parent: 'a' })),
    /^DocumentError foreign-link: Task\["c"\]\.parent: found a link to Task\["a"\], which is in the partition "n"/,
  );
  assert.match(
    await failure(tasks.updateOne({ _id: 'b' }, { $set: { others: ['b', 'a'] } })),
    /foreign-link/,
  );
  await tasks.updateOne({ _id: 'b' }, { $set: { parent: 'later', anything: linkTo('Task', 'b') } });
  assert.is((await tasks.findOne({ _id: 'b' }))?.['parent'], null);
  await tasks.insertOne({ _id: 'later', region: 's' });
  assert.is((await tasks.findOne({ _id: 'b' }))?.['parent'], 'later');
  assert.is(await tasks.count({ parent: 'later' }), 1);
  assert.is(await tasks.count({ anything: linkTo('Task', 'b') }), 1);
  await tasks.deleteOne({ _id: 'later' });
  await tasks.insertOne({ _id: 'later', region: 's' });
  assert.is((await tasks.findOne({ _id: 'b' }))?.['parent'], null);
});

test('What no partition can be called is refused, and so is a limit that is no number of documents', async () => {
  const { collection, control } = await openTasks();
  const tasks = collection('Task');
  const region = 'x'.repeat(600);
  assert.match(await failure(tasks.insertOne({ _id: 'a', region })), /wrong-partition-value/);
  await tasks.insertOne({ _id: 'a' });
  assert.match(await failure(tasks.updateOne({}, { $set: { region } })), /wrong-partition-value/);
  assert.equal(await control.partitions(), ['null']);
  assert.match(await failure(tasks.findOne({}, { skip: -1 })), /RangeError.*skip/);
});

test('Documents for many partitions are inserted at once, and are all there', async () => {
  const { collection } = await openTasks();
  const tasks = collection('Task');
  const many = Array.from({ length: 300 }, (_, i) => ({ _id: `t${i}`, region: `r${i % 290}` }));
  assert.is((await tasks.insertMany(many)).insertedCount, 300);
  assert.is(await tasks.count(), 300);
  assert.is((await tasks.updateMany({ _id: /^t29/ }, { $set: { region: 'one' } })).matchedCount, 11);
  assert.is(await tasks.count({ region: 'one' }), 11);
});

test('Terminated documents can be read and not be written', async () => {
  const { collection, control } = await openTasks();
  const tasks = collection('Task');
  await tasks.insertOne({ _id: 'a', region: 'n' });
  await control.disable();
  await tasks.insertOne({ _id: 'b', region: 'n' });
  await control.terminate();
  assert.is(await tasks.count(), 2);
  assert.match(await failure(tasks.insertOne({ _id: 'c' })), /^DocumentError not-writable/);
  assert.match(await failure(tasks.deleteMany({})), /^DocumentError not-writable/);
  await control.enable();
  await tasks.deleteOne({ _id: 'a' });
  assert.is(await tasks.count(), 1);
});

test('Documents of all types of partition keys are found by their values', async () => {
  const values = {
    string: 'x',
    long: 5,
    objectId: new ObjectId('0'.repeat(24)),
    uuid: new UUID('0'.repeat(32)),
  };
  for (const [type, value] of Object.entries(values)) {
    const { collection } = await documentWorld({
      store: memoryServerStore(),
      clock: systemClock,
      schema: taskSchema.filter(({ name }) => name !== 'Owned'),
      key: { type },
    });
    await collection('Task').insertMany([{ _id: 'a', region: value }, { _id: 'b' }]);
    assert.equal((await collection('Task').findOne({ region: value }))?.['region'], value);
    assert.is(await collection('Task').count({ region: value }), 1);
  }
});

interface Plain {
  readonly _id: string;
  readonly region: string | null;
  readonly votes: number;
  readonly tags: readonly string[];
}

const ids = ['a', 'b', 'c', 'd'];
const regions = ['n', 's', null];
const simpleFilter = fc.oneof(
  fc.record({ _id: fc.constantFrom(...ids) }),
  fc.record({ region: fc.constantFrom(...regions) }),
  fc.record({ votes: fc.record({ $gt: fc.integer({ min: -2, max: 3 }) }) }),
  fc.record({ tags: fc.constantFrom('x', 'y') }),
  fc.constant({}),
);
const command = fc.oneof(
  fc.record({
    do: fc.constant('insert' as const),
    _id: fc.constantFrom(...ids),
    region: fc.constantFrom(...regions),
    votes: fc.integer({ min: -3, max: 3 }),
  }),
  fc.record({ do: fc.constant('move' as const), filter: simpleFilter, region: fc.constantFrom(...regions) }),
  fc.record({ do: fc.constant('inc' as const), filter: simpleFilter, by: fc.integer({ min: -3, max: 3 }) }),
  fc.record({ do: fc.constant('push' as const), filter: simpleFilter, tag: fc.constantFrom('x', 'y') }),
  fc.record({ do: fc.constant('delete' as const), filter: simpleFilter }),
);

/** The same rules, said once more and simply. */
const accepts = (document: Plain, filter: Readonly<Record<string, unknown>>): boolean =>
  Object.entries(filter).every(([field, wanted]) => {
    if (field === 'votes') return document.votes > (wanted as { $gt: number }).$gt;
    if (field === 'tags') return document.tags.includes(String(wanted));
    return document[field as '_id' | 'region'] === wanted;
  });

test('Collections do what a map of documents does', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(command, { maxLength: 25 }), async (commands) => {
      const { collection, failures, documents } = await openTasks();
      const tasks = collection('Task');
      const twin = new Map<string, Plain>();
      for (const each of commands) {
        if (each.do === 'insert') {
          const { _id, region, votes } = each;
          const error = await rejection(tasks.insertOne({ _id, region, votes }));
          assert.is(error instanceof DocumentError && error.code === 'duplicate-key', twin.has(_id));
          if (!twin.has(_id)) twin.set(_id, { _id, region, votes, tags: [] });
          continue;
        }
        const hit = [...twin.values()].filter((document) => accepts(document, each.filter));
        if (each.do === 'delete') {
          assert.is((await tasks.deleteMany(each.filter)).deletedCount, hit.length);
          for (const { _id } of hit) twin.delete(_id);
          continue;
        }
        const change =
          each.do === 'move'
            ? { $set: { region: each.region } }
            : each.do === 'inc'
              ? { $inc: { votes: each.by } }
              : { $push: { tags: each.tag } };
        assert.is((await tasks.updateMany(each.filter, change)).matchedCount, hit.length);
        for (const document of hit)
          twin.set(document._id, {
            ...document,
            region: each.do === 'move' ? each.region : document.region,
            votes: each.do === 'inc' ? document.votes + each.by : document.votes,
            tags: each.do === 'push' ? [...document.tags, each.tag] : document.tags,
          });
      }
      const all = await tasks.find({}, { sort: { _id: 1 } }).toArray();
      assert.equal(
        all.map(({ _id, region, votes, tags }) => ({ _id, region, votes, tags })),
        [...twin.values()].sort((a, b) => (a._id < b._id ? -1 : 1)),
      );
      assert.equal(await documents.status(), { unassigned: new Map(), duplicates: 0, undelivered: 0 });
      assert.equal(failures, []);
    }),
    { numRuns: 60 },
  );
});

test.run();
