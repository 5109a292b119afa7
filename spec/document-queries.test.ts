import { Decimal128 } from 'bson';
import fc from 'fast-check';
import * as E from 'fp-ts/lib/Either.js';
import * as assert from 'uvu/assert';
import {
  DocumentError,
  decodeSchema,
  digest,
  documentFilter,
  documentUpdate,
  double,
  int,
} from '../core/index.js';
import { failure, openTasks, taskSchema } from './kit/document-tasks.js';
import { suite } from './kit/suite.js';

const test = suite('queries of documents');

test('Filters find what the match language says', async () => {
  const { collection } = await openTasks();
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
  const { collection } = await openTasks();
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
  const { collection, documents } = await openTasks();
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

test('A replacement leaves what it says, and moves where it says so', async () => {
  const { collection, documents } = await openTasks();
  const tasks = collection('Task');
  const needed = { votes: 0, weight: 0, done: false };
  await tasks.insertOne({ _id: 'a', region: 'n', title: 't', votes: 4, tags: ['x'], limits: { a: 1 } });
  const replaced = await tasks.replaceOne({ _id: 'a' }, { _id: 'a', region: 'n', ...needed, codes: [1] });
  assert.equal([replaced.matchedCount, replaced.modifiedCount], [1, 1]);
  const { title, votes, tags, limits, codes } = (await tasks.findOne({ _id: 'a' })) ?? {};
  assert.equal(
    { title, votes, tags, limits, codes },
    { title: null, votes: 0, tags: [], limits: {}, codes: [1] },
  );
  const before = digest(await documents.state('"n"'));
  await tasks.replaceOne({ _id: 'a' }, { region: 'n', ...needed, codes: [1] });
  assert.is(digest(await documents.state('"n"')), before);
  await tasks.replaceOne({ _id: 'a' }, { ...needed, title: 'moved' });
  assert.is((await tasks.findOne({ region: null }))?.['title'], 'moved');
  const say = (document: Readonly<Record<string, unknown>>) => failure(tasks.replaceOne({}, document));
  assert.match(await say({ _id: 'b', ...needed }), /^WriteError primary-key: Task replacement\._id/);
  assert.match(await say({ done: true }), /^WriteError null-not-allowed: Task replacement\.(votes|weight)/);
  assert.match(await say({ ...needed, other: 1 }), /^WriteError unknown-property: Task replacement\.other/);
  assert.match(await say({ $set: { votes: 1 } }), /^DocumentError bad-update/);
});

test('An update that does not fit is refused with its operator, and changes nothing', async () => {
  const { collection, documents } = await openTasks();
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

const operator = fc.constantFrom(
  '$and',
  '$or',
  '$nor',
  '$not',
  '$eq',
  '$ne',
  '$gt',
  '$in',
  '$nin',
  '$all',
  '$elemMatch',
  '$size',
  '$exists',
  '$regex',
  '$options',
  '$where',
  '$expr',
  '$set',
  '$unset',
  '$inc',
  '$push',
  '$addToSet',
  '$pull',
  '$each',
  '$position',
  '__proto__',
  'constructor',
  'votes',
  'tags',
  'tags.0',
  'place.street',
  'region',
  '_id',
  '',
  'a..b',
  '%%true',
);
/** What hostile hands may give: shapes that are nearly right, and anything else. */
const hostile = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'medium', withCrossShrink: true },
    fc.anything({ withBigInt: true, withDate: true, withMap: true, withSet: true, withNullPrototype: true }),
    fc.constantFrom<unknown>(/a+/, /(?=a)/, /a/u, '(a+)+$', 5, 'x', null, undefined, int(5)),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.array(fc.tuple(operator, tie('value')), { maxLength: 3 }).map((pairs) => Object.fromEntries(pairs)),
  ),
})).value;

const document = {
  '=_id': null,
  '=votes': null,
  '=tags': [],
  '=place': { '=street': null },
  '=region': null,
};

test('Whatever a filter or an update is, it is read or refused, and what is read can be used', () => {
  const classes = decodeSchema(taskSchema);
  assert.ok(E.isRight(classes));
  const schema = classes.right;
  const [shape] = schema.classes;
  assert.ok(shape !== undefined);
  let read = 0;
  fc.assert(
    fc.property(hostile, (input) => {
      const filter = documentFilter('Task filter', input);
      if (E.isRight(filter)) {
        read++;
        assert.type(filter.right.accepts(document), 'boolean');
        filter.right.valuesOf('region');
      } else assert.instance(filter.left, DocumentError);
      const update = documentUpdate(schema, shape, 'region', input);
      assert.ok(E.isRight(update) || update.left instanceof DocumentError);
    }),
    { numRuns: 3000 },
  );
  assert.ok(read > 100, `${read} filters were read`);
  assert.is(({} as Readonly<Record<string, unknown>>)['votes'], undefined);
});

test('A pattern that would take for ever does not, and a filter that is too wide is refused', async () => {
  const { collection } = await openTasks();
  await collection('Task').insertOne({ _id: 'a', title: `${'a'.repeat(9000)}!` });
  assert.is(await collection('Task').count({ title: /^(a+)+$/ }), 0);
  assert.is(await collection('Task').count({ title: /^(a+)+!$/ }), 1);
  const wide = documentFilter('Task filter', { $or: Array.from({ length: 200_000 }, () => ({ votes: 1 })) });
  assert.ok(E.isLeft(wide) && wide.left.code === 'bad-filter');
});

test.run();
