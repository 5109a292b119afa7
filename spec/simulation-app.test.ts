/** What an app brings to a simulated world: arbitraries of its own classes and actions, and invariants. */
import fc from 'fast-check';
import * as assert from 'uvu/assert';
import type { EdgeKey } from '../core/model/edge-types.js';
import type { Client } from '../transports/client.js';
import { rejection, setUp } from './kit/driver-world.js';
import { seeded } from './kit/random.js';
import { suite } from './kit/suite.js';
import { configOf } from './kit/transactions.js';
import { build, wholeSchema } from './kit/worlds.js';
import {
  type DrawnWorld,
  faultNames,
  objectArbitraries,
  workloadOf,
  worldArbitrary,
} from './simulation/arbitraries.js';
import { type SimulationOptions, simulate } from './simulation/simulate.js';

const app = suite('an app in a simulated world');

app('objects of a schema with properties of every type fit it', async () => {
  const schema = configOf(build(wholeSchema()));
  const { server, open } = await setUp();
  const client = await open({ schema, connect: false });
  const arbitraries = objectArbitraries(fc, schema);
  let written = 0;
  for (const [className, objects] of Object.entries(arbitraries)) {
    if (className === 'E') continue;
    for (const given of fc.sample(objects, { seed: 1, numRuns: 40 })) {
      const { _id, ...contents } = given;
      const key = _id as EdgeKey;
      client.write((tx) => {
        if (tx.object(className, key) === null) tx.create(className, given);
        else tx.update(className, key, contents);
      });
      written++;
    }
  }
  assert.ok(written === 120);
  await client.close();
  await server.close();
});

app('objects of a schema take all values that their types have', () => {
  const schema = [
    {
      name: 'A',
      primaryKey: '_id',
      properties: { _id: 'string', free: 'mixed', next: 'A', inner: 'E', tags: 'string<>' },
    },
    { name: 'E', kind: 'embedded', properties: { deeper: 'E', n: 'int?' } },
  ];
  const { A } = objectArbitraries(fc, schema);
  assert.ok(A !== undefined);
  const all = fc.sample(A, { seed: 2, numRuns: 500 });
  const kinds = new Set<string>(
    all.map(({ free }) => (Array.isArray(free) ? 'list' : free === null ? 'null' : typeof free)),
  );
  for (const kind of ['list', 'null', 'object', 'string', 'boolean', 'bigint', 'undefined'])
    assert.ok(kinds.has(kind), kind);
  assert.equal(new Set(all.map(({ _id }) => _id)), new Set(['a', 'b', 'c']));
  const depth = (object: unknown): number =>
    typeof object === 'object' && object !== null && 'deeper' in object ? 1 + depth(object.deeper) : 0;
  assert.is(Math.max(...all.map(({ inner }) => depth(inner))), 1);
});

app('what is no configuration is refused with all that is wrong with it', () => {
  assert.throws(
    () => objectArbitraries(fc, [{ name: 'A', primaryKey: '_id', properties: { x: 'inte' } }]),
    /inte/,
  );
});

const schema = [{ name: 'Note', primaryKey: '_id', properties: { _id: 'int', by: 'string' } }];

const noting = () =>
  workloadOf(fc, fc.nat(), (tx, _id, device) => {
    if (tx.object('Note', _id) === null) tx.create('Note', { _id, by: device });
  });

app('a workload of actions is a function of the seed', async () => {
  const hashes = new Set<string | undefined>();
  for (let i = 0; i < 2; i++)
    hashes.add(
      (await simulate({ seed: 3, schema, workload: noting(), transcript: true })).transcript?.hash(),
    );
  assert.is(hashes.size, 1);
  const drawn = (seed: number): unknown => {
    const found: number[] = [];
    const workload = workloadOf(fc, fc.nat(), (_tx, action) => void found.push(action));
    const random = seeded(seed);
    // Never used: the action is only drawn.
    const tx = {} as Parameters<typeof workload>[0];
    for (let i = 0; i < 5; i++) workload(tx, random, 'A');
    return found;
  };
  assert.equal(drawn(1), drawn(1));
  assert.not.equal(drawn(1), drawn(2));
});

/** Runs a world without faults whose invariant is that `isWrong` never holds. */
const failing = (isWrong: (client: Client, device: string) => boolean, more = {}) =>
  simulate({
    seed: 5,
    devices: 2,
    partitions: 1,
    faults: [],
    steps: 12,
    schema,
    workload: noting(),
    invariants: { mine: (client, device) => (isWrong(client, device) ? 'is wrong' : null) },
    ...more,
  });

app('an invariant is checked after own writes, and after those of others', async () => {
  assert.is((await failing(() => false)).failure, null);
  const own = await failing((client, device) => [...client.objects('Note')].some(({ by }) => by === device));
  const others = await failing((client, device) =>
    [...client.objects('Note')].some(({ by }) => by !== device),
  );
  for (const { failure } of [own, others]) {
    assert.is(failure?.checker, 'mine');
    assert.match(failure?.message ?? '', /^[AB]: is wrong$/);
  }
  assert.ok((own.failure?.at ?? 0) < (others.failure?.at ?? 0), 'it takes time to get there');
});

app('an invariant is checked when a program starts, and when all is over', async () => {
  const atStart = await failing((client) => client.objects('Mark').size === 0);
  assert.is(atStart.failure?.checker, 'mine');
  let calls = 0;
  const healthy = await failing(() => ++calls < 0);
  const last = calls;
  calls = 0;
  const atEnd = await failing(() => ++calls === last);
  assert.is(atEnd.failure?.checker, 'mine');
  assert.is(atEnd.failure?.at, healthy.milliseconds);
});

app('a property over worlds shrinks to one that fails alike', async () => {
  const crashes = async (world: DrawnWorld): Promise<boolean> =>
    (await simulate({ ...world, schema, workload: noting() })).faults.has('device crash');
  const bounds = { devices: 2, servers: 1, steps: 6, faults: ['device crash', 'broken link', 'frailty'] };
  const outcome = await fc.check(
    fc.asyncProperty(worldArbitrary(fc, bounds), async (world) => !(await crashes(world))),
    { seed: 4, numRuns: 100 },
  );
  assert.ok(outcome.failed);
  const [small] = outcome.counterexample ?? [];
  assert.ok(small?.faults.includes('device crash') === true);
  assert.is(small.devices, 1);
  assert.ok(await crashes(small));
});

app('worlds have what they may have', () => {
  const worlds = fc.sample(
    worldArbitrary(fc, { devices: 2, servers: 1, steps: 5, faults: ['frailty'] }),
    100,
  );
  for (const { devices, servers, steps, faults } of worlds) {
    assert.ok(devices >= 1 && devices <= 2 && servers === 1 && steps >= 1 && steps <= 5);
    assert.ok(faults.every((name) => name === 'frailty'));
  }
  assert.ok(faultNames.length > 15);
  assert.ok(fc.sample(worldArbitrary(fc), 300).some(({ faults }) => faults.includes('restored backup')));
});

app('an invariant may throw what is wrong, and answer nothing where nothing is', async () => {
  const schema = [{ name: 'Note', primaryKey: '_id', properties: { _id: 'string' } }];
  const world = { seed: 1, devices: 1, servers: 1, steps: 3, faults: [], schema };
  const { failure } = await simulate({ ...world, invariants: { mine: () => undefined } });
  assert.is(failure, null);
  const thrown = await simulate({
    ...world,
    invariants: {
      mine: () => {
        throw new Error('it is wrong');
      },
    },
  });
  assert.is(thrown.failure?.checker, 'mine');
  assert.is(thrown.failure?.message, 'A: it is wrong');
});

for (const [what, options, says] of [
  ['a seed that is no number', { seed: 'abc' }, /seed of a simulation is abc, expected an integer/],
  ['no device', { seed: 1, devices: 0 }, /devices of a simulation is 0, expected an integer from 1/],
  ['half a step', { seed: 1, steps: 0.5 }, /steps .* 0\.5/],
  ['a fault that there is not', { seed: 1, faults: ['crash'] }, /a fault .* crash, expected .*device crash/],
  [
    'a carrier that there is not',
    { seed: 1, carrier: 'pigeon' },
    /carrier .* pigeon, expected link, long-poll/,
  ],
  ['a mode that there is not', { seed: 1, reset: 'discard' }, /reset .* discard, expected .*discardLocal/],
  ['a class of its own', { seed: 1, schema: [{ name: 'Mark' }] }, /a class .* Mark, expected another/],
] as const)
  app(`${what} is refused: it would be a run of something else`, async () => {
    const error = await rejection(simulate(options as unknown as SimulationOptions));
    assert.instance(error, RangeError);
    assert.match((error as Error).message, says);
  });

app.run();
