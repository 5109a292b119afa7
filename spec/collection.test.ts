import { Decimal128, Double, ObjectId, UUID } from 'bson';
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { DocumentError, digest, double, int, linkTo } from '../core/index.js';
import { systemClock } from '../transports/clock.js';
import { memoryServerStore } from '../transports/stores/memory.js';
import { documentWorld } from './kit/document-world.js';
import { rejection } from './kit/driver-world.js';

const schema = [
  {
    name: 'Task',
    primaryKey: '_id',
    properties: {
      _id: 'string',
      title: 'string?',
      votes: 'int',
      weight: 'double',
      price: 'decimal?',
      due: 'timestamp?',
      done: 'bool',
      tags: 'string[]',
      codes: 'int<>',
      limits: 'int{}',
      anything: 'mixed',
      place: 'Place?',
      steps: 'Place[]',
      parent: 'Task?',
      others: 'Task[]',
    },
  },
  { name: 'Place', kind: 'embedded', properties: { street: 'string?', number: 'int' } },
  { name: 'Owned', primaryKey: '_id', properties: { _id: 'objectId', region: 'string?', text: 'string' } },
];

const open = (key: Readonly<Record<string, unknown>> = {}) =>
  documentWorld({ store: memoryServerStore(), clock: systemClock, schema: schemaFor(key), key });

/** A property that has the name of a required key requires a value, too. */
const schemaFor = ({ required }: Readonly<Record<string, unknown>>) =>
  required !== true
    ? schema
    : schema.map((each) =>
        each.name === 'Owned' ? { ...each, properties: { ...each.properties, region: 'string' } } : each,
      );

const failure = async (work: Promise<unknown>): Promise<string> => {
  const error = await rejection(work);
  return error instanceof Error && 'code' in error
    ? `${error.name} ${String(error.code)}: ${error.message}`
    : String(error);
};

test('A document comes back as it went in, with every property of its class and the partition key', async () => {
  const { collection } = await open();
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
  const { collection } = await open();
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
  const { collection } = await open();
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
  const { collection } = await open();
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
  const optional = await open();
  await optional
    .collection('Task')
    .insertMany([{ _id: 'a' }, { _id: 'b', region: null }, { _id: 'c', region: 'n' }]);
  assert.equal(await optional.control.partitions(), ['"n"', 'null']);
  assert.is(await optional.collection('Task').count({ region: null }), 2);
  assert.match(
    await failure(optional.collection('Task').insertOne({ _id: 'd', region: 5 })),
    /^DocumentError wrong-partition-value: Task\.region: found the number 5/,
  );

  const required = await open({ required: true });
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
  const { collection, documents } = await open();
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

test('Filters find what the match language says', async () => {
  const { collection } = await open();
  const tasks = collection('Task');
  await tasks.insertMany([
    {
      _id: 'a',
      region: 'n',
      title: 'Alpha',
      votes: 1,
      tags: ['x'],
      place: { street: 's', number: 1 },
      weight: 2,
    },
    { _id: 'b', region: 'n', title: 'beta', votes: 2, tags: ['x', 'y'], anything: int(5), due: new Date(5) },
    {
      _id: 'c',
      region: 's',
      votes: 9_007_199_254_740_993n,
      anything: double(5),
      price: Decimal128.fromString('2'),
    },
  ]);
  const found = async (filter: Readonly<Record<string, unknown>>) =>
    (await tasks.find(filter).toArray()).map(({ _id }) => _id).join('');
  assert.is(await found({}), 'abc');
  assert.is(await found({ region: 'n' }), 'ab');
  assert.is(await found({ region: { $in: ['s', 'x'] } }), 'c');
  assert.is(await found({ $and: [{ region: 's' }, { votes: { $gt: 1 } }] }), 'c');
  assert.is(await found({ $or: [{ _id: 'a' }, { region: 's' }] }), 'ac');
  assert.is(await found({ _id: { $in: ['a', 'c', 'z'] } }), 'ac');
  assert.is(await found({ votes: { $gte: 2 } }), 'bc');
  assert.is(await found({ votes: 9_007_199_254_740_993n }), 'c');
  assert.is(await found({ votes: 9_007_199_254_740_992n }), '');
  assert.is(await found({ tags: 'y' }), 'b');
  assert.is(await found({ tags: ['x'] }), 'a');
  assert.is(await found({ 'tags.0': 'x' }), 'ab');
  assert.is(await found({ tags: { $size: 2 } }), 'b');
  assert.is(await found({ tags: { $all: ['x', 'y'] } }), 'b');
  assert.is(await found({ 'place.number': 1 }), 'a');
  assert.is(await found({ place: { street: 's', number: 1 } }), 'a');
  assert.is(await found({ place: null }), 'bc');
  assert.is(await found({ title: /^b/i }), 'b');
  assert.is(await found({ title: { $regex: 'ALPHA', $options: 'i' } }), 'a');
  assert.is(await found({ title: { $not: /a$/ } }), 'c');
  assert.is(await found({ title: null }), 'c');
  assert.is(await found({ anything: 5 }), 'bc');
  assert.is(await found({ price: 2 }), 'c');
  assert.is(await found({ weight: 2n }), 'a');
  assert.is(await found({ due: { $lt: new Date(6) } }), 'b');
  assert.is(await found({ due: 5 }), '');
  assert.is(await found({ title: { $exists: true } }), 'abc');
  assert.is(await found({ nothing: { $exists: true } }), '');
  for (const path of [
    'title.length',
    'tags.length',
    'constructor',
    '__proto__',
    'toString',
    'title.0',
    'tags.at',
  ])
    assert.is(await found({ [path]: { $exists: true, $ne: null } }), '', path);
  assert.is(await tasks.count({ votes: { $lt: 3 } }), 2);
  const sorted = await tasks.find({}, { sort: { title: -1, _id: 1 }, skip: 1, limit: 2 }).toArray();
  assert.equal(
    sorted.map(({ _id }) => _id),
    ['a', 'c'],
  );
});

test('What a filter cannot say is refused with its place', async () => {
  const { collection } = await open();
  const say = (filter: Readonly<Record<string, unknown>>) => failure(collection('Task').count(filter));
  assert.match(
    await say({ $where: 'true' }),
    /^DocumentError unsupported-operator: Task filter\.\$where: found the operator \$where/,
  );
  assert.match(await say({ votes: { $where: 'true' } }), /unsupported-operator: Task filter\.votes\.\$where/);
  assert.match(await say({ $expr: {} }), /unsupported-operator/);
  assert.match(await say({ votes: { $gt: 1, other: 2 } }), /unsupported-operator/);
  assert.match(await say({ $or: [] }), /bad-filter: Task filter\.\$or/);
  assert.match(await say({ title: { $regex: '(' } }), /bad-filter/);
  assert.match(await say({ title: { $regex: '(?=a)' } }), /bad-filter/);
  assert.match(
    await say({ votes: { $gt: () => 1 } }),
    /wrong-type: Task filter\.votes\.\$gt: found a function/,
  );
  assert.match(await say({ '': 1 }), /bad-filter/);
  let deep: Record<string, unknown> = { votes: 1 };
  for (let i = 0; i < 1000; i++) deep = { $and: [deep] };
  assert.match(await say(deep), /bad-filter: .*at most 30 levels/);
  let nested: unknown = 1;
  for (let i = 0; i < 1000; i++) nested = [nested];
  assert.match(await say({ anything: nested }), /wrong-type/);
});

test('Updates write what they say, and nothing that is there already', async () => {
  const { collection, documents } = await open();
  const tasks = collection('Task');
  await tasks.insertOne({
    _id: 'a',
    region: 'n',
    votes: 1,
    tags: ['x'],
    codes: [1],
    limits: { low: 1 },
    place: { number: 1 },
    steps: [{ number: 1 }, { number: 2 }],
    anything: [int(1)],
  });
  const version = async () => digest(await documents.state('"n"'));
  const update = async (change: Readonly<Record<string, unknown>>) => {
    const { matchedCount, modifiedCount } = await tasks.updateMany({ _id: 'a' }, change);
    return `${matchedCount}/${modifiedCount}`;
  };
  assert.is(
    await update({ $set: { title: 't', 'place.street': 's', 'limits.high': 2, 'steps.1.number': 7 } }),
    '1/1',
  );
  const before = await version();
  assert.is(await update({ $set: { title: 't', votes: 1 } }), '1/0');
  assert.is(await version(), before);
  assert.is(await update({ $inc: { votes: 2, weight: 0.5 }, $unset: { title: '' } }), '1/1');
  assert.is(
    await update({
      $push: { tags: { $each: ['y', 'z'], $position: 0 }, anything: 'm' },
      $addToSet: { codes: { $each: [1, 2] } },
    }),
    '1/1',
  );
  assert.is(await update({ $addToSet: { tags: 'y' } }), '1/0');
  assert.is(
    await update({
      $pull: { tags: { $in: ['x', 'y'] }, codes: { $lt: 2 }, steps: { number: { $gte: 7 } } },
      $unset: { 'limits.low': 1 },
    }),
    '1/1',
  );
  const after = await tasks.findOne({ _id: 'a' });
  assert.equal(
    {
      title: after?.['title'],
      votes: after?.['votes'],
      weight: after?.['weight'],
      tags: after?.['tags'],
      codes: after?.['codes'],
    },
    { title: null, votes: 3, weight: 0.5, tags: ['z'], codes: [2] },
  );
  assert.equal(
    [after?.['limits'], after?.['place'], after?.['steps'], after?.['anything']],
    [{ high: 2 }, { street: 's', number: 1 }, [{ street: null, number: 1 }], [1n, 'm']],
  );
  assert.is(await update({ $unset: { tags: 1, place: 1, limits: 1 } }), '1/1');
  assert.equal((await tasks.findOne({ _id: 'a' }))?.['limits'], {});
});

test('An update that does not fit is refused with its operator, and changes nothing', async () => {
  const { collection, documents } = await open();
  const tasks = collection('Task');
  await tasks.insertMany([
    { _id: 'a', region: 'n' },
    { _id: 'b', region: 'n' },
  ]);
  const before = digest(await documents.state('"n"'));
  const say = (update: Readonly<Record<string, unknown>>) => failure(tasks.updateMany({}, update));
  assert.match(
    await say({ $set: { votes: 'x' } }),
    /^WriteError wrong-type: Task update\.\$set\.votes, Task\["a"\]\.votes/,
  );
  assert.match(
    await say({ $unset: { votes: 1 } }),
    /WriteError null-not-allowed: Task update\.\$unset\.votes/,
  );
  assert.match(await say({ $inc: { title: 1 } }), /WriteError not-an-integer: Task update\.\$inc\.title/);
  assert.match(await say({ $push: { title: 1 } }), /WriteError bad-path: Task update\.\$push\.title/);
  assert.match(await say({ $set: { _id: 'z' } }), /primary-key/);
  assert.match(await say({ $mul: { votes: 2 } }), /^DocumentError unsupported-operator: Task update\.\$mul/);
  assert.match(await say({ votes: 2 }), /^DocumentError bad-update/);
  assert.match(await say({}), /^DocumentError bad-update/);
  assert.match(
    await say({ $set: { votes: 1 }, $inc: { votes: 1 } }),
    /bad-update: Task update\.\$set\.votes: found a place that Task update\.\$inc\.votes/,
  );
  assert.match(await say({ $inc: { region: 1 } }), /bad-update: Task update\.\$inc\.region/);
  assert.match(await say({ $set: { region: 5 } }), /wrong-partition-value/);
  assert.is(digest(await documents.state('"n"')), before);
});

test('Links are to objects of their partition, or to what may still come', async () => {
  const { collection } = await open();
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

test('Terminated documents can be read and not be written', async () => {
  const { collection, control } = await open();
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
      schema: schema.filter(({ name }) => name !== 'Owned'),
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
      const { collection, failures, documents } = await open();
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
