import { Decimal128, Double } from 'bson';
import fc from 'fast-check';
import * as assert from 'uvu/assert';
import { double, float, int, linkTo, Timestamp } from '../core/index.js';
import { systemClock } from '../transports/clock.js';
import type { ServerStore } from '../transports/ports.js';
import { StoreFailure } from '../transports/stores/error.js';
import { MemoryDatabase, memoryServerStore } from '../transports/stores/memory.js';
import { documentWorld } from './kit/document-world.js';
import { rejection } from './kit/driver-world.js';
import { endingAt } from './kit/ending-store.js';
import { suite } from './kit/suite.js';

const test = suite('moves between partitions');

const schema = [
  {
    name: 'Task',
    primaryKey: '_id',
    properties: {
      _id: 'string',
      votes: 'int',
      small: 'float',
      price: 'decimal?',
      when: 'timestamp?',
      bytes: 'binary?',
      anything: 'mixed',
      tags: 'string[]',
      any: 'mixed<>',
      map: 'mixed{}',
      steps: 'Step[]',
      parent: 'Task?',
      others: 'Task[]',
    },
  },
  { name: 'Step', kind: 'embedded', properties: { text: 'string?', inner: 'Step?' } },
];

const worldOn = (store: ServerStore) => documentWorld({ store, clock: systemClock, schema });
type World = Awaited<ReturnType<typeof worldOn>>;

/** All documents, and where they are. */
const everything = async ({ collection }: World): Promise<string[]> =>
  (
    await collection('Task')
      .find({}, { sort: { _id: 1 } })
      .toArray()
  ).map(({ _id, region, votes }) => `${String(_id)}:${String(region)}:${String(votes)}`);

test('A document moves with all that is in it', async () => {
  const world = await worldOn(memoryServerStore());
  const tasks = world.collection('Task');
  await tasks.insertMany([
    { _id: 'b', region: 'n' },
    {
      _id: 'a',
      region: 'n',
      votes: 9_007_199_254_740_993n,
      small: 0.1,
      price: Decimal128.fromString('1.00'),
      when: new Timestamp(5n, 7),
      bytes: Uint8Array.of(1, 2),
      anything: {
        ints: [int(1), double(1), float(1)],
        deep: { none: null, list: [[]] },
        link: linkTo('Task', 'a'),
      },
      tags: ['x', 'x'],
      any: [int(1), double(2), 'x'],
      map: { low: int(1), high: [double(-0)] },
      steps: [{ text: 's', inner: { text: 't' } }, {}],
      parent: 'a',
      others: ['a', 'b', 'a'],
    },
  ]);
  const before = await tasks.findOne({ _id: 'a' });
  const updated = await tasks.updateOne({ _id: 'a' }, { $set: { region: 's' }, $inc: { votes: 1 } });
  assert.equal([updated.matchedCount, updated.modifiedCount], [1, 1]);
  const after = await tasks.findOne({ _id: 'a' });
  // Of its links the one to what has stayed behind reads as nothing, until that follows.
  assert.equal({ ...after }, { ...before, region: 's', votes: 9_007_199_254_740_994n, others: ['a', 'a'] });
  const map = after?.['map'] as { readonly high: readonly unknown[] };
  assert.ok(map.high[0] instanceof Double && Object.is(map.high[0].value, -0));
  await tasks.updateMany({ region: 'n' }, { $set: { region: 's' } });
  assert.equal((await tasks.findOne({ _id: 'a' }))?.['others'], ['a', 'b', 'a']);
  assert.is(await tasks.count({ region: 'n' }), 0);
});

test('Links to what moves are taken away, and those within what moves together are not', async () => {
  const world = await worldOn(memoryServerStore());
  const tasks = world.collection('Task');
  await tasks.insertMany([
    { _id: 'a', region: 'n', others: ['b', 'c'] },
    { _id: 'b', region: 'n', parent: 'c' },
    { _id: 'c', region: 'n', parent: 'b' },
  ]);
  await tasks.updateMany({ _id: { $in: ['b', 'c'] } }, { $set: { region: null } });
  const [a, b, c] = await tasks.find({}, { sort: { _id: 1 } }).toArray();
  assert.equal([a?.['others'], b?.['parent'], c?.['parent']], [[], 'c', 'b']);
  await tasks.updateMany({ region: null }, { $set: { region: 'n' } });
  assert.equal((await tasks.findOne({ _id: 'a' }))?.['others'], []);
});

test('A document does not move to where another has its key', async () => {
  const database = new MemoryDatabase();
  const world = await worldOn(memoryServerStore(database));
  const tasks = world.collection('Task');
  await tasks.insertMany([{ _id: 'a', region: 'n' }]);
  // As a device may, which knows of its partition only.
  const { write } = await hostOf(world, '"s"');
  await write('a', 7);
  assert.is((await world.documents.status()).duplicates, 1);
  const error = await rejection(tasks.updateMany({ region: 'n' }, { $set: { region: 's' } }));
  assert.match(String(error), /found a document with this key in the partition "s"/);
  assert.equal(await everything(world), ['a:n:0', 'a:s:7']);
});

/** A partition that is written to as by a device. */
const hostOf = async (world: World, partition: string) => {
  const { documents: writes } = await import('../core/index.js');
  const E = await import('fp-ts/lib/Either.js');
  const of = await world.documents.class('Task');
  const write = (id: string, votes: number) =>
    world.documents.write(partition, (_, state) => {
      const value = JSON.parse(partition);
      const made = writes.newDocument(of, { _id: id, region: value, votes }, () => '');
      if (E.isLeft(made)) return made;
      const instructions = writes.insertion(of, state, [made.right], () => null);
      if (E.isLeft(instructions)) return instructions;
      return E.right({ instructions: instructions.right, records: { deletes: [], puts: [] } });
    });
  return { write };
};

const filled = async (): Promise<MemoryDatabase> => {
  const database = new MemoryDatabase();
  const world = await worldOn(memoryServerStore(database));
  await world.collection('Task').insertMany([
    { _id: 'a', region: 'n', votes: 1 },
    { _id: 'b', region: 'n', votes: 2 },
    { _id: 'c', region: 's', votes: 3 },
    { _id: 'd', region: 'w', votes: 4 },
  ]);
  return database;
};

const move = (world: World) =>
  world.collection('Task').updateMany({ region: { $in: ['n', 'w'] } }, { $set: { region: 's' } });

test('However often a server ends in the middle of a move, nothing is lost, and nothing doubled', async () => {
  const whole = await filled();
  const counting = endingAt(whole, 0, 0);
  await move(await worldOn(counting.store));
  const commits = counting.commits();
  // From each of two partitions: what erases, what creates, and what empties the outbox.
  assert.is(commits, 6);
  for (let first = 1; first <= commits; first++)
    for (const survives of [0, 1] as const)
      for (let second = 1; second <= 3; second++)
        for (const survivesAgain of [(first % 2) as 0 | 1]) {
          const database = await filled();
          const crashing = endingAt(database, first, survives);
          const dying = worldOn(crashing.store).then(move);
          assert.is(await Promise.race([dying.then(() => 'done'), crashing.ended]), 'ended');
          const crashingAgain = endingAt(database, second, survivesAgain);
          const resumed = worldOn(crashingAgain.store).then((world) => world.documents.resume());
          await Promise.race([resumed, crashingAgain.ended]);
          const world = await worldOn(memoryServerStore(database));
          await world.documents.resume();
          const what = `${first}/${survives}, ${second}/${survivesAgain}`;
          const votes = (await everything(world)).map((text) => text.replace(/:.*:/, ':'));
          assert.equal(votes, ['a:1', 'b:2', 'c:3', 'd:4'], what);
          assert.is((await world.documents.status()).undelivered, 0, what);
          await move(world);
          assert.equal(await everything(world), ['a:s:1', 'b:s:2', 'c:s:3', 'd:s:4'], what);
        }
});

/** A store that does something after each commit; where that throws, the commit is durable, and its answer is lost. */
const watched = (
  database: MemoryDatabase,
  before: (name: string) => Promise<void>,
  after: (name: string, revision: number) => void = () => undefined,
): ServerStore => {
  const store = memoryServerStore(database);
  return {
    ...store,
    partition: async (name) => {
      await before(name);
      const inner = await store.partition(name);
      return {
        ...inner,
        commit: async (expected, batch) => {
          const outcome = await inner.commit(expected, batch);
          after(name, expected);
          return outcome;
        },
      };
    },
  };
};

test('A move of which the server was not told that it has begun is finished by whatever writes next', async () => {
  const database = await filled();
  let isForgetful = false;
  const forgetting = watched(
    database,
    async () => undefined,
    (name) => {
      if (!isForgetful || name !== '"n"') return;
      isForgetful = false;
      throw new StoreFailure('failed', name, 'the answer was lost');
    },
  );
  const world = await worldOn(forgetting);
  const tasks = world.collection('Task');
  await tasks.updateOne({ _id: 'd' }, { $inc: { votes: 1 } });
  isForgetful = true;
  assert.match(
    String(await rejection(tasks.updateOne({ _id: 'a' }, { $set: { region: 's' } }))),
    'the answer was lost',
  );
  await tasks.updateOne({ _id: 'd' }, { $inc: { votes: 1 } });
  assert.is((await world.documents.status()).undelivered, 0);
  assert.equal(await everything(world), ['a:s:1', 'b:n:2', 'c:s:3', 'd:w:6']);
});

test('Whoever writes while another server terminates is told so', async () => {
  const database = new MemoryDatabase();
  let isTerminating = false;
  const world: World = await worldOn(
    watched(database, async (name) => {
      if (!isTerminating || name !== '"n"') return;
      isTerminating = false;
      await other.control.terminate();
    }),
  );
  const other = await worldOn(memoryServerStore(database));
  await other.collection('Task').insertOne({ _id: 'a', region: 'n' });
  isTerminating = true;
  const error = await rejection(world.collection('Task').insertOne({ _id: 'b', region: 'n' }));
  assert.match(String(error), 'found sync terminated');
});

test('Of several servers that find the same move halfway, one finishes it', async () => {
  for (const first of [1, 2, 3]) {
    const database = await filled();
    const crashing = endingAt(database, first, 1);
    void worldOn(crashing.store).then(move);
    await crashing.ended;
    const worlds = await Promise.all([1, 2, 3].map(() => worldOn(memoryServerStore(database))));
    await Promise.all(worlds.map((world) => world.documents.resume()));
    await Promise.all(worlds.map(move));
    for (const world of worlds) assert.equal(await everything(world), ['a:s:1', 'b:s:2', 'c:s:3', 'd:s:4']);
  }
});

test('What has arrived is not delivered again, whatever has become of it', async () => {
  for (const change of [{ $inc: { votes: 10 } }, { $set: { region: 'e' } }]) {
    const database = await filled();
    const other = await worldOn(memoryServerStore(database));
    await other.documents.resume();
    // The commit in which the first document arrives.
    const crashing = endingAt(database, 2, 1);
    void worldOn(crashing.store).then(move);
    await crashing.ended;
    const updated = await other.collection('Task').updateOne({ region: 's', _id: 'a' }, change);
    assert.is(updated.modifiedCount, 1);
    const world = await worldOn(memoryServerStore(database));
    await world.documents.resume();
    const [a, ...rest] = await everything(world);
    assert.is(a, '$inc' in change ? 'a:s:11' : 'a:e:1');
    assert.equal(rest, ['b:s:2', 'c:s:3', 'd:w:4']);
  }
});

test('Documents that go back and forth on several servers stay one each', async () => {
  const step = fc.record({
    server: fc.integer({ min: 0, max: 1 }),
    id: fc.constantFrom('a', 'b', 'c', 'd'),
    to: fc.constantFrom('n', 's', 'w', null),
    alone: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 12 }), async (steps) => {
      const database = await filled();
      const worlds = await Promise.all([0, 1].map(() => worldOn(memoryServerStore(database))));
      let running: Promise<unknown>[] = [];
      for (const { server, id, to, alone } of steps) {
        const tasks = (worlds[server] as World).collection('Task');
        running.push(tasks.updateOne({ _id: id }, { $set: { region: to } }));
        if (alone) await Promise.all(running.splice(0));
      }
      await Promise.all(running);
      running = [];
      for (const world of worlds) {
        const all = (await everything(world)).map((text) => text.replace(/:.*:/, ':'));
        assert.equal(all, ['a:1', 'b:2', 'c:3', 'd:4']);
        assert.is((await world.documents.status()).undelivered, 0);
        assert.equal(world.failures, []);
      }
    }),
    { numRuns: 15 },
  );
});

test('A move of more than fits in one changeset arrives in several, whole', async () => {
  const world = await worldOn(memoryServerStore());
  const tasks = world.collection('Task');
  const bytes = new Uint8Array(800_000);
  await tasks.insertMany(Array.from({ length: 12 }, (_, i) => ({ _id: `t${i}`, region: 'n', bytes })));
  const { matchedCount } = await tasks.updateMany({}, { $set: { region: 's' } });
  assert.is(matchedCount, 12);
  assert.is(await tasks.count({ region: 's' }), 12);
  const host = await world.hosts.get('"s"');
  assert.ok(host !== undefined && host.partition.head > 1, `${host?.partition.head} changesets`);
});

test.run();
