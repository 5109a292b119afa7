/** Events in any order, legal and illegal: operations on sync, and requests of long-poll links. */
import * as assert from 'uvu/assert';
import type { SyncControl } from '../transports/drivers/sync-control.js';
import { SealedPartition } from '../transports/drivers/sync-error.js';
import type { PartitionStore, ServerStore } from '../transports/ports.js';
import { memoryServerStore } from '../transports/stores/memory.js';
import { type LongPollOrders, longPollOrders } from './kit/long-poll-order-law.js';
import { once, seeded } from './kit/random.js';
import { suite } from './kit/suite.js';
import { syncOrders } from './kit/sync-order-law.js';
import { config, contents, newTask, open, task, taskTable, write } from './kit/sync-store.js';

const test = suite('event orders');

test('of sync and of writes amid it are done or refused, and lose no write', async () => {
  const seen = new Set<string>();
  for (let seed = 1; seed <= 40; seed++)
    assert.is(await syncOrders(seeded(seed), { told: (outcome) => seen.add(outcome) }), null, `seed ${seed}`);
  const both = ['disable', 'enable', 'write'].flatMap((name) => [`${name} done`, `${name} refused`]);
  assert.equal([...seen].sort(), [...both, 'refresh done', 'terminate done'].sort());
});

test('a partition that was begun too late takes no write of a server that knows nothing of it', async () => {
  const store = memoryServerStore();
  const first = await open(store, { config: config(), schema: [task()] });
  const second = await open(store);
  const third = await open(store);
  await third.terminate();
  await third.enable();
  const refused = (sync: SyncControl): Promise<unknown> =>
    write(sync, '"a"', [...taskTable, ...newTask(1)]).catch((error: unknown) => error);
  // It is in the store by then, and nobody could have sealed it before.
  assert.instance(await refused(first), SealedPartition);
  assert.instance(await refused(second), SealedPartition);
  await second.refresh();
  await write(second, '"a"', [...taskTable, ...newTask(2)]);
  assert.equal(await contents(third), { '"a"': ['2 text=""'] });
});

/** Whose partitions take what was meant for another revision, so that a seal keeps nobody out. */
const unsealed = (inner: PartitionStore): PartitionStore => ({
  load: (spaces) => inner.load(spaces),
  read: (...range) => inner.read(...range),
  commit: async (expected, batch) => {
    const outcome = await inner.commit(expected, batch);
    const isWrite = batch.puts.some(({ space }) => space === 'log');
    if (outcome.type === 'committed' || !isWrite) return outcome;
    return inner.commit((await inner.load([])).revision, batch);
  },
});

test('that lose a write are told', async () => {
  const around = (store: ServerStore): ServerStore => ({
    partition: async (name) => unsealed(await store.partition(name)),
    partitions: () => store.partitions(),
    close: () => store.close(),
  });
  let found: string | null = null;
  for (let seed = 1; found === null && seed <= 100; seed++)
    found = await syncOrders(seeded(seed), { around });
  assert.match(found ?? 'nothing is found', /\nlost: \d/);
});

test('of long-poll requests are answered, tell frames in order and once, and disturb nobody', async () => {
  const seen = new Set<string>();
  for (let seed = 1; seed <= 40; seed++)
    assert.is(
      await longPollOrders(seeded(seed), { told: (status) => seen.add(status) }),
      null,
      `seed ${seed}`,
    );
  assert.ok(seen.has('200') && seen.has('409'), [...seen].join(', '));
});

test('of long-poll requests that bring or tell what nobody sent are told', async () => {
  const found = async (disturb: LongPollOrders['disturb'] & {}): Promise<string> => {
    for (let seed = 1; seed <= 40; seed++) {
      const fault = await longPollOrders(seeded(seed), { disturb });
      if (fault !== null) return fault;
    }
    return 'nothing is found';
  };
  const bringing = await found(({ server }, random) => {
    if (once(random, 20) && server.reasons.length === 0) server.link.send(Uint8Array.of(77, 77));
  });
  assert.match(bringing, /^poll of \d brought .*\b77 77\b/);
  const doubling = await found(({ server: { events } }, random) => {
    const [first] = events;
    if (first !== undefined && /^\d/.test(first) && once(random, 20)) events.push(first);
  });
  assert.match(doubling, /^link \d was told (\d \d+), .*\1/);
});

test.run();
