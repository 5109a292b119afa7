/** Filters, updates and documents at the edges of what they may say. */
import { Double, ObjectId, UUID } from 'bson';
import * as E from 'fp-ts/lib/Either.js';
import * as assert from 'uvu/assert';
import { DocumentError, digest, documentFilter, double, float, int, linkTo } from '../core/index.js';
import { systemClock } from '../transports/clock.js';
import { memoryServerStore } from '../transports/stores/memory.js';
import { failure } from './kit/document-tasks.js';
import { documentWorld } from './kit/document-world.js';
import { suite } from './kit/suite.js';

const test = suite('documents at the edges');

const schema = [
  {
    name: 'Task',
    primaryKey: '_id',
    properties: {
      _id: 'string',
      title: 'string?',
      votes: 'int',
      weight: 'double',
      ratio: 'double?',
      share: 'float?',
      done: 'bool',
      tags: 'string?[]',
      limits: 'int{}',
      anything: 'mixed',
      several: 'mixed[]',
      marks: 'mixed<>',
      place: 'Place?',
      steps: 'Place[]',
      parent: 'Task?',
      others: 'Task[]',
      peers: 'Task<>',
      object: 'objectId?',
    },
  },
  { name: 'Place', kind: 'embedded', properties: { street: 'string?', number: 'int' } },
  { name: 'Counted', primaryKey: '_id', properties: { _id: 'int', text: 'string?' } },
  { name: 'Unique', primaryKey: '_id', properties: { _id: 'uuid', text: 'string?' } },
];

const open = () => documentWorld({ store: memoryServerStore(), clock: systemClock, schema });
type Document = Readonly<Record<string, unknown>>;

const openWith = async (...documents: readonly Document[]) => {
  const world = await open();
  const tasks = world.collection('Task');
  await tasks.insertMany(documents.map((each) => ({ region: 'n', ...each })));
  return {
    tasks,
    found: async (filter: Document) => (await tasks.find(filter).toArray()).map(({ _id }) => _id).join(''),
    say: (filter: Document) => failure(tasks.count(filter)),
    change: async (update: Document, _id = 'a') => {
      const { matchedCount, modifiedCount } = await tasks.updateMany({ _id }, update);
      return `${matchedCount}/${modifiedCount}`;
    },
    refusal: (update: Document) => failure(tasks.updateMany({}, update)),
    at: async (name: string) => (await tasks.findOne({ _id: 'a' }))?.[name],
    state: async () => digest(await world.documents.state('"n"')),
    ...world,
  };
};

test('Patterns are given as text or as RegExp, in each place where there may be one, with options from either', async () => {
  const { found } = await openWith(
    { _id: 'a', title: 'Alpha\nbeta' },
    { _id: 'b', title: 'gamma' },
    { _id: 'c' },
  );
  assert.is(await found({ title: { $regex: '^beta', $options: 'm' } }), 'a');
  assert.is(await found({ title: { $regex: '^beta' } }), '');
  assert.is(await found({ title: { $regex: 'Alpha.beta', $options: 's' } }), 'a');
  assert.is(await found({ title: { $regex: 'Alpha.beta' } }), '');
  assert.is(await found({ title: { $regex: /^BETA/im } }), 'a');
  assert.is(await found({ title: { $regex: /^BETA/im, $options: 'i' } }), '', 'what is said outside counts');
  assert.is(await found({ title: { $in: [/^Al/, 'gamma', 'x'] } }), 'ab');
  assert.is(await found({ title: { $nin: [/^Al/] } }), 'bc');
  assert.is(await found({ title: { $not: { $regex: 'a$' } } }), 'c');
  assert.is(await found({ votes: /0/ }), '', 'a number is no text');
});

test('Elements are matched by operators and by filters', async () => {
  const { found } = await openWith(
    { _id: 'a', tags: ['x', 'y'], steps: [{ number: 1, street: 's' }, { number: 2 }], votes: 1 },
    { _id: 'b', tags: ['x'], steps: [{ number: 2, street: 's' }], votes: 2 },
  );
  assert.is(await found({ tags: { $elemMatch: { $gt: 'x' } } }), 'a');
  assert.is(await found({ steps: { $elemMatch: { number: 2, street: 's' } } }), 'b');
  assert.is(await found({ steps: { $elemMatch: { number: { $lt: 2 } } } }), 'a');
  assert.is(await found({ votes: { $not: { $gt: 1 } } }), 'a');
  assert.is(await found({ $nor: [{ votes: { $eq: 1 } }] }), 'b');
  assert.is(await found({ region: { $eq: 'n' }, _id: { $eq: 'b' } }), 'b');
  assert.is(await found({ region: { $eq: 'm' } }), '');
});

test('A filter is in one partition where it says so, by whatever operator', () => {
  const values = (filter: Document) => {
    const read = documentFilter('Task filter', filter);
    return E.isRight(read) ? read.right.valuesOf('region') : read.left.message;
  };
  assert.equal(values({ region: 'n' }), ['n']);
  assert.equal(values({ region: { $eq: 'n' } }), ['n']);
  assert.equal(values({ region: { $in: ['n', null] } }), ['n', null]);
  assert.equal(values({ $and: [{ region: 'n' }, { votes: 1 }] }), ['n']);
  for (const open of [
    { region: /n/ },
    { region: { $in: ['n', /m/] } },
    { region: { $gt: 'n' } },
    { $or: [{ region: 'n' }, { votes: 1 }] },
    { votes: 1 },
  ])
    assert.is(values(open), undefined, JSON.stringify(open));
});

test('Null is what was never set, and is neither above nor below anything', async () => {
  const { found } = await openWith({ _id: 'a', title: 't' }, { _id: 'b' });
  assert.is(await found({ title: { $gte: null } }), 'b');
  assert.is(await found({ title: { $lte: null } }), 'b');
  assert.is(await found({ title: { $gt: null } }), '');
  assert.is(await found({ title: { $lt: 'z' } }), 'a');
});

test('NaN equals itself, is compared with no number, and comes before all numbers in a sort', async () => {
  const { found, tasks } = await openWith(
    { _id: 'a', weight: 1, anything: double(Number.NaN) },
    { _id: 'b', weight: Number.NaN, anything: float(Number.NaN) },
    { _id: 'c', weight: -5, anything: int(1) },
    { _id: 'd', weight: Number.NaN },
  );
  assert.is(await found({ weight: Number.NaN }), 'bd');
  assert.is(await found({ anything: Number.NaN }), 'ab');
  assert.is(await found({ weight: { $gte: Number.NaN } }), 'bd');
  assert.is(await found({ weight: { $lt: 100 } }), 'ac');
  assert.is(await found({ weight: { $gt: Number.NaN } }), '');
  assert.is(await found({ weight: { $lte: -5 } }), 'c');
  const sorted = await tasks.find({}, { sort: { weight: 1, _id: 1 } }).toArray();
  assert.is(sorted.map(({ _id }) => _id).join(''), 'bdca');
});

test('Kinds have an order in a sort, and what is no value comes last', async () => {
  const { tasks } = await openWith(
    { _id: 'a', anything: [int(1)] },
    { _id: 'b', anything: 'text' },
    { _id: 'c', anything: true },
    { _id: 'd', anything: int(7) },
    { _id: 'e' },
    { _id: 'f', anything: new Date(5) },
    { _id: 'g', anything: linkTo('Task', 'a') },
    { _id: 'h', anything: int(3) },
  );
  const order = async (sort: Readonly<Record<string, 1 | -1>>) =>
    (await tasks.find({}, { sort }).toArray()).map(({ _id }) => _id).join('');
  assert.is(await order({ anything: 1 }), 'ehdbcfga');
  assert.is(await order({ anything: -1 }), 'agfcbdhe');
  assert.is(await order({ nothing: 1, _id: -1 }), 'hgfedcba');
});

test('Links to any class are found by class and key, whatever type of key', async () => {
  const id = new ObjectId();
  const world = await openWith({ _id: 'a' }, { _id: 'b' });
  await world.collection('Counted').insertMany([
    { _id: 5, region: 'n' },
    { _id: 6, region: 'n' },
  ]);
  assert.is(await world.change({ $set: { anything: linkTo('Counted', 5) } }), '1/1');
  assert.is(await world.change({ $set: { anything: linkTo('Task', 'a') } }, 'b'), '1/1');
  assert.is(await world.found({ anything: linkTo('Counted', 5) }), 'a');
  assert.is(await world.found({ anything: linkTo('Counted', 5n) }), 'a');
  assert.is(await world.found({ anything: linkTo('Counted', 6) }), '');
  assert.is(await world.found({ anything: linkTo('Task', 'a') }), 'b');
  assert.is(await world.found({ anything: linkTo('Task', id) }), '');
  for (const key of [1.5, Number.NaN, 2 ** 60, [], {}, () => 1] as never[])
    assert.match(
      await world.say({ anything: linkTo('Task', key) }),
      /^DocumentError wrong-type: Task filter\.anything/,
    );
});

test('What a filter cannot say is refused with its place, operator by operator', async () => {
  const { say } = await openWith({ _id: 'a' });
  const refusals: readonly (readonly [Document, RegExp])[] = [
    [
      { title: { $regex: 'a', $options: 5 } },
      /bad-filter: Task filter\.title\.\$regex: found .* as \$options/,
    ],
    [
      { title: { $regex: 'a', $options: 'x' } },
      /bad-filter: Task filter\.title\.\$regex: found the options "x"/,
    ],
    [{ title: { $regex: 5 } }, /bad-filter: Task filter\.title\.\$regex/],
    [{ title: { $regex: 'a'.repeat(100_000) } }, /bad-filter: .* a long pattern/],
    [{ title: { $options: 'i' } }, /unsupported-operator: Task filter\.title\.\$options/],
    [{ title: /a/y }, /bad-filter: .*the options "y"/],
    [{ title: { $exists: 1 } }, /bad-filter: Task filter\.title\.\$exists/],
    [{ tags: { $size: 1.5 } }, /bad-filter: Task filter\.tags\.\$size/],
    [{ tags: { $size: -1 } }, /bad-filter: Task filter\.tags\.\$size/],
    [{ title: { $not: 'a' } }, /bad-filter: Task filter\.title\.\$not/],
    [{ title: { $not: { $or: [{}] } } }, /bad-filter: Task filter\.title\.\$not/],
    [{ title: { $in: 'a' } }, /bad-filter: Task filter\.title\.\$in: .* an array/],
    [{ title: { $in: [/a/y] } }, /bad-filter: Task filter\.title\.\$in\[0\]/],
    [{ tags: { $all: [() => 1] } }, /wrong-type: Task filter\.tags\.\$all\[0\]/],
    [{ tags: { $elemMatch: 5 } }, /bad-filter: Task filter\.tags\.\$elemMatch/],
    [{ $and: [5] }, /bad-filter: Task filter\.\$and\[0\]/],
    [{ $and: {} }, /bad-filter: Task filter\.\$and/],
    [{ anything: new Map([[5, 1]]) }, /wrong-type: Task filter\.anything: .* keys that are strings/],
    [{ anything: new Map([['k', () => 1]]) }, /wrong-type: Task filter\.anything/],
    [{ anything: [() => 1] }, /wrong-type: Task filter\.anything/],
  ];
  for (const [filter, expected] of refusals) assert.match(await say(filter), expected);
});

test('A list takes values anywhere, and each once where asked to', async () => {
  const { change, at, refusal, state } = await openWith(
    { _id: 'a', tags: ['x', null], others: ['a'], several: [linkTo('Task', 'a'), int(1)] },
    { _id: 'b' },
  );
  assert.is(await change({ $push: { tags: { $each: ['y'], $position: -1 } } }), '1/1');
  assert.equal(await at('tags'), ['x', 'y', null]);
  assert.is(await change({ $push: { tags: { $each: ['first'], $position: -99 } } }), '1/1');
  assert.is(await change({ $push: { tags: { $each: ['last'], $position: 99 } } }), '1/1');
  assert.equal(await at('tags'), ['first', 'x', 'y', null, 'last']);
  assert.is(await change({ $addToSet: { tags: { $each: [null, 'x', 'z'] } } }), '1/1');
  assert.equal(await at('tags'), ['first', 'x', 'y', null, 'last', 'z']);
  assert.is(await change({ $addToSet: { others: 'a' } }), '1/0');
  assert.is(await change({ $addToSet: { others: { $each: ['b', linkTo('Task', 'b')] } } }), '1/1');
  assert.equal(await at('others'), ['a', 'b']);
  assert.is(
    await change({ $addToSet: { several: { $each: [linkTo('Task', 'a'), linkTo('Task', 'b')] } } }),
    '1/1',
  );
  assert.is(((await at('several')) as readonly unknown[]).length, 3);
  assert.is(await change({ $addToSet: { peers: { $each: ['a', 'b', 'a'] } } }), '1/1');
  assert.is(await change({ $pull: { peers: 'a', others: { $in: ['b', 'c'] } } }), '1/1');
  assert.equal([await at('peers'), await at('others')], [['b'], ['a']]);
  const before = await state();
  const refusals: readonly (readonly [Document, RegExp])[] = [
    [
      { $push: { tags: { $each: ['y'], $position: 0.5 } } },
      /bad-update: Task update\.\$push\.tags: .* as \$position/,
    ],
    [
      { $push: { tags: { $each: ['y'], $position: 'x' } } },
      /bad-update: Task update\.\$push\.tags: .* as \$position/,
    ],
    [{ $push: { tags: { $each: 'y' } } }, /bad-update: Task update\.\$push\.tags: .* as \$each/],
    [{ $push: { tags: { $each: [], $sort: 1 } } }, /unsupported-operator: .* the modifier \$sort/],
    [
      { $addToSet: { tags: { $each: [], $position: 1 } } },
      /unsupported-operator: .* the modifier \$position/,
    ],
    [{ $addToSet: { tags: () => 1 } }, /^WriteError wrong-type: Task update\.\$addToSet\.tags/],
    [{ $addToSet: { tags: 5 } }, /^WriteError wrong-type: Task update\.\$addToSet\.tags/],
    [{ $pull: { tags: { $where: 1 } } }, /unsupported-operator: Task update\.\$pull\.tags/],
  ];
  for (const [update, expected] of refusals) assert.match(await refusal(update), expected);
  assert.is(await state(), before);
});

test('What is nested too deep for a condition is not taken out', async () => {
  let deep: unknown = int(1);
  for (let i = 0; i < 40; i++) deep = [deep];
  const { change, at } = await openWith({ _id: 'a', several: [deep, null, int(5)] });
  assert.is(await change({ $pull: { several: null } }), '1/1');
  assert.is(((await at('several')) as readonly unknown[]).length, 2);
  assert.is(await change({ $addToSet: { several: { $each: [null, null] } } }), '1/1');
  assert.is(((await at('several')) as readonly unknown[]).length, 3);
  assert.is(await change({ $pull: { several: { $ne: 7 } } }), '1/1');
  assert.is(((await at('several')) as readonly unknown[]).length, 1);
});

test('Numbers of every type are added to, and nothing else', async () => {
  const { change, at, refusal } = await openWith(
    { _id: 'a', weight: 1.5, ratio: 0.5, share: 0.25, anything: double(1.5), votes: 1 },
    { _id: 'b' },
  );
  assert.is(await change({ $inc: { weight: 1, ratio: -0.5, share: 0.5, votes: 2 } }), '1/1');
  assert.equal([await at('weight'), await at('ratio'), await at('votes')], [2.5, 0, 3]);
  assert.is(await change({ $inc: { anything: 1 } }), '1/1');
  const sum = await at('anything');
  assert.ok(sum instanceof Double && sum.value === 2.5);
  assert.match(
    await refusal({ $inc: { ratio: 1 } }),
    /^WriteError wrong-type: Task update\.\$inc\.ratio, .*null/,
  );
  assert.match(
    await refusal({ $inc: { weight: 'x' } }),
    /^WriteError wrong-type: Task update\.\$inc\.weight, .* to add/,
  );
  assert.is(await at('ratio'), 0, 'nothing of an update is written where it fails for one');
});

test('What is unset is null or empty, wherever it is', async () => {
  const { change, at, refusal, found } = await openWith({
    _id: 'a',
    limits: { low: 1 },
    place: { street: 's', number: 1 },
    anything: { k: int(1) },
    title: 't',
  });
  assert.is(await change({ $unset: { 'place.street': 1, 'limits.low': 1, 'anything.k': 1 } }), '1/1');
  assert.equal(
    [await at('place'), await at('limits'), await at('anything')],
    [{ street: null, number: 1 }, {}, {}],
  );
  assert.match(
    await refusal({ $unset: { 'nothing.x': 1 } }),
    /^WriteError unknown-property: Task update\.\$unset/,
  );
  assert.match(await refusal({ $unset: { 'title.x': 1 } }), /^WriteError bad-path/);
  assert.is(await found({ region: 'n' }), 'a');
  assert.is(await change({ $unset: { region: 1 } }), '1/1');
  assert.is(await found({ region: 'n' }), '');
  assert.is(await found({ region: null }), 'a');
  assert.is(await at('region'), null);
});

test('A set to what is there already writes nothing, and to what is of another type is refused', async () => {
  const { change, refusal } = await openWith({ _id: 'a', title: 't', votes: 3, others: ['a'], parent: 'a' });
  assert.is(await change({ $set: { title: 't', votes: 3 } }), '1/0');
  assert.is(await change({ $set: { _id: 'a' } }), '1/0');
  assert.match(await refusal({ $set: { votes: double(3) } }), /wrong-type/);
  assert.match(await refusal({ $set: { title: Object.assign(() => 1, {}) } }), /wrong-type/);
  assert.match(await refusal({ $set: { 'steps.0.number': 1 } }), /^WriteError/);
});

test('What is no document is none, and keys are made where they can be', async () => {
  const { collection } = await open();
  const tasks = collection('Task');
  for (const input of [null, 5, 'text', [], new Date()] as never[]) {
    assert.match(await failure(tasks.insertOne(input)), /^DocumentError wrong-type: Task: .* a document/);
    assert.match(await failure(tasks.replaceOne({}, input)), /^DocumentError bad-update: Task replacement/);
    assert.match(await failure(tasks.updateOne({}, input)), /^DocumentError bad-update: Task update/);
  }
  assert.match(await failure(tasks.insertOne({ _id: 5 })), /^DocumentError wrong-type: Task\._id/);
  const { insertedId } = await collection('Unique').insertOne({ text: 'x' });
  assert.ok(insertedId instanceof UUID);
  assert.match(insertedId.toString(), /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.is((await collection('Unique').findOne({ _id: insertedId }))?.['text'], 'x');
  await collection('Counted').insertOne({ _id: 7 });
  assert.match(
    await failure(collection('Counted').insertMany([{ _id: 8 }, { _id: 8, region: 'n' }])),
    /^DocumentError duplicate-key: Counted\[8\]/,
  );
  assert.match(
    await failure(collection('Counted').insertMany([{ _id: 7 }, { _id: 9 }])),
    /^DocumentError duplicate-key: Counted\[7\]/,
  );
  assert.is(await collection('Counted').count({}), 1);
  assert.equal(
    await collection('Counted')
      .insertMany([])
      .catch((error: unknown) => error instanceof DocumentError),
    {
      acknowledged: true,
      insertedCount: 0,
      insertedIds: {},
    },
  );
});

test.run();
