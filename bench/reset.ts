/**
 * What a client reset costs a device: a server that was set up anew from the same data, a tenth of them changed,
 * and a device with unsynced writes. Everything runs in one process on the memory link; the server has
 * nothing to do while the device recovers and switches, so what blocks the process then blocks the app.
 */
import { existsSync, readFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { openClient } from '../transports/client.js';
import { memoryNetwork } from '../transports/links/memory.js';
import type { ClientStore } from '../transports/ports.js';
import { type Server, startServer } from '../transports/server.js';
import { memoryClientStore, memoryServerStore } from '../transports/stores/memory.js';
import type { Suite, SuiteOptions } from './suite.js';

const schema = [
  {
    name: 'Item',
    primaryKey: '_id',
    properties: { _id: 'int', name: 'string', stock: 'int', tags: 'string[]', facts: 'string{}' },
  },
];

const IN_ONE_WRITE = 500;

/** Writes `count` objects as another device would; every tenth is different in another `edition`. */
const seed = async (
  network: ReturnType<typeof memoryNetwork>,
  count: number,
  edition: number,
): Promise<void> => {
  const client = await openClient({
    schema,
    store: memoryClientStore(),
    connector: network.connector,
    partition: 'p',
  });
  for (let from = 0; from < count; from += IN_ONE_WRITE) {
    client.write((tx) => {
      for (let id = from; id < Math.min(count, from + IN_ONE_WRITE); id++)
        tx.create('Item', {
          _id: id,
          name: id % 10 === 0 ? `item ${id}, edition ${edition}` : `item ${id}`,
          stock: id % 100,
          tags: id % 10 === 1 ? ['a', 'b', `edition ${edition}`] : ['a', 'b'],
          facts: { origin: `place ${id % 50}` },
        });
    });
    await client.session.waitForUpload();
  }
  await client.close();
};

/** Counts what is committed while `isOn`. */
const counted = (store: ClientStore, count: { bytes: number; isOn: boolean }): ClientStore => ({
  load: () => store.load(),
  commit: (batch) => {
    if (count.isOn) for (const { bytes } of batch.puts) count.bytes += bytes.length;
    return store.commit(batch);
  },
  close: () => store.close(),
});

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Bytes, garbage included that is not collected yet. */
const heap = (): number => {
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
};

/** What Linux says of the main thread: nanoseconds on a processor, and two more numbers. */
const SCHEDULE = `/proc/self/task/${process.pid}/schedstat`;

/** Milliseconds that the main thread has run, whoever else had the processors; of all threads where nothing tells. */
const ownTime = (): number => {
  if (existsSync(SCHEDULE)) return Number(readFileSync(SCHEDULE, 'utf8').split(' ')[0]) / 1e6;
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

/** The longest turn of the event loop in milliseconds of work. */
const watchTurns = () => {
  let longest = 0;
  let last = ownTime();
  let memory = 0;
  let stopped = false;
  const turn = (): void => {
    const now = ownTime();
    longest = Math.max(longest, now - last);
    last = now;
    if (!stopped) setImmediate(turn);
  };
  setImmediate(turn);
  const timer = setInterval(() => {
    memory = Math.max(memory, heap());
  }, 20);
  return {
    begin: () => {
      longest = 0;
      last = ownTime();
    },
    get longest() {
      return Math.max(longest, ownTime() - last);
    },
    get memory() {
      return memory;
    },
    forget: () => {
      memory = 0;
    },
    stop: () => {
      stopped = true;
      clearInterval(timer);
    },
  };
};

const writeOffline = (
  client: Awaited<ReturnType<typeof openClient>>,
  objects: number,
  writes: number,
): void => {
  for (let i = 0; i < writes; i++) {
    const id = (i * 7919) % objects;
    client.write((tx) => {
      if (i % 4 === 0) tx.set('Item', id, 'name', `renamed offline ${i}`);
      else if (i % 4 === 1) tx.list('Item', id, 'tags').push(`offline ${i}`);
      else if (i % 4 === 2) tx.increment('Item', id, 'stock', 1);
      else tx.create('Item', { _id: objects + i, name: `made offline ${i}`, tags: [] });
    });
  }
};

const reset = async (objects: number, writes: number, report: SuiteOptions['report']): Promise<number> => {
  const network = memoryNetwork();
  const start = (): Promise<Server> =>
    startServer({ store: memoryServerStore(), listeners: [network.listener] });
  const first = await start();
  await seed(network, objects, 1);
  const count = { bytes: 0, isOn: false };
  const watch = watchTurns();
  let recoveryBegins = 0;
  let finish: () => void = () => undefined;
  const finished = new Promise<void>((resolve) => {
    finish = resolve;
  });
  let blocked = 0;
  let ended = 0;
  let lost = 0;
  const client = await openClient({
    schema,
    store: counted(memoryClientStore(), count),
    connector: network.connector,
    partition: 'p',
    timing: { retryFirst: 1, retryMost: 5 },
    reset: {
      mode: 'recover',
      onBefore: () => {
        recoveryBegins = performance.now();
        watch.begin();
      },
      onAfter: (_, __, { counts }) => {
        blocked = watch.longest;
        ended = performance.now();
        lost = counts.parked;
        finish();
      },
    },
  });
  client.observe('Item', () => undefined);
  await client.session.waitForDownload();
  client.session.pause();
  writeOffline(client, objects, writes);
  await first.close();
  const second = await start();
  await seed(network, objects, 2);
  collect();
  const memoryBefore = heap();
  watch.forget();
  count.isOn = true;
  const begins = performance.now();
  client.session.resume();
  await finished;
  watch.stop();
  await client.session.waitForUpload();
  const isRight = (await second.digest('p')) === client.digest() && lost === 0;
  await client.close();
  await second.close();
  if (!isRight) throw new Error('the device and the server differ after the reset');

  const workload = `${objects} objects, ${writes} unsynced writes`;
  const row = (metric: string, value: number, unit: string): void =>
    report({ workload, subject: 'syncline', metric, value, unit });
  const seconds = (ended - begins) / 1000;
  row('time from request to end', seconds, 's');
  row('of it, recovery and switch', (ended - recoveryBegins) / 1000, 's');
  row('longest time blocked by recovery and switch', blocked, 'ms');
  row('memory at its peak, above before', Math.max(1, (watch.memory - memoryBefore) / 2 ** 20), 'MiB');
  row('bytes stored', count.bytes, 'B');
  return seconds;
};

export const suite: Suite = {
  name: 'reset',
  question: 'What does a client reset cost that recovers every unsynced write?',
  async run({ smoke, report }) {
    const [objects, writes] = smoke ? [200, 20] : [10_000, 1000];
    const small = await reset(objects, writes, report);
    const large = await reset(objects * 10, writes * 10, report);
    report({
      workload: 'ten times as much of both',
      subject: 'syncline',
      metric: 'time, as a multiple',
      value: large / small,
      unit: 'x',
    });
  },
};
