/**
 * What rules and partitions cost a server.
 *
 * Evaluations: the expressions of the documentation, parsed once, asked about one user and one partition again and
 * again, as whoever opens a partition is. `floor-function` is the same question as a function of JavaScript, written
 * for that one expression. Expressions with a function of the app count without what that takes: their answer is
 * there already. The time is the processor's.
 *
 * Opens: sessions of one device and another user each time, in a process with the server, over the link in memory; a
 * session is open when its download is complete. `processor` is the time of both sides together. The server has so many partitions with ten objects each; `new` opens
 * each partition for the first time since the server started, `known` opens one that is open already.
 *
 * Moves: `updateMany` changes the partition key of all objects of one partition, which are erased there and inserted in
 * another one. `floor-one-partition` changes a property of as many objects, which moves none.
 *
 * Goal: 200,000 evaluations a second with a warm user.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type AccessContext, type Answers, evaluate } from '../core/access/evaluate.js';
import type { Expression } from '../core/access/expression.js';
import { parseExpression } from '../core/access/parse-expression.js';
import { Findings } from '../core/model/schema-findings.js';
import { documentedRules } from '../spec/kit/documented-rules.js';
import { openClient } from '../transports/client.js';
import { memoryNetwork } from '../transports/links/memory.js';
import { type LmdbModule, lmdbServerStore } from '../transports/lmdb.js';
import type { ServerStore } from '../transports/ports.js';
import { type Server, startServer } from '../transports/server.js';
import { MemoryDatabase, memoryClientStore, memoryServerStore } from '../transports/stores/memory.js';
import { runDocuments } from './access-documents.js';
import { median, type Suite, type SuiteOptions } from './suite.js';

const goal = { id: '5f4863e4d49bd2191ff1e623', partition: 'Store 42' };

/** As identity providers and apps say of somebody: some fields besides those that are asked for. */
const profile = {
  name: 'Ann Smith',
  roles: ['clerk', 'buyer'],
  readPartitions: ['Store 40', 'Store 41', 'Store 42'],
  writePartitions: ['Store 40', 'Store 41', 'Store 42'],
  shared: ['Store 41', 'Store 42'],
};
const warm: AccessContext = {
  user: { id: goal.id, data: profile, customData: profile },
  partition: goal.partition,
  values: {},
  environment: {},
};

type Floor = (user: AccessContext['user'], partition: AccessContext['partition']) => boolean;

const listed = (lists: unknown, name: string, partition: unknown): boolean =>
  ((lists as Readonly<Record<string, readonly unknown[]>>)[name] ?? []).includes(partition);
const some = new Set<unknown>(['PUBLIC (NA)', 'PUBLIC (EMEA)', 'PUBLIC (APAC)']);
const users = new Set(['5f4863e4d49bd2191ff1e623', '5f48640dd49bd2191ff1e624', '5f486417d49bd2191ff1e625']);

/** By the names of the documented rules. */
const floors: Readonly<Record<string, Floor>> = {
  'everybody, everywhere': () => true,
  'nobody, nowhere': () => false,
  'an expression that is always true': () => true,
  'one partition': (_, partition) => partition === 'PUBLIC',
  'the partition of a store': (_, partition) => partition === 'Store 42',
  'some partitions': (_, partition) => some.has(partition),
  'one user': ({ id }) => id === goal.id,
  'some users': ({ id }) => users.has(id),
  'partitions that custom user data list': ({ customData }, partition) =>
    listed(customData, 'readPartitions', partition),
  'partitions that user data list': ({ data }, partition) => listed(data, 'writePartitions', partition),
  'a function': () => true,
  owners: ({ id }, partition) => id === partition,
  'owners, and those with whom it is shared': ({ id, customData }, partition) =>
    id === partition || listed(customData, 'shared', partition),
};

const parsed = (rule: unknown): Expression => {
  const findings = new Findings();
  const expression = parseExpression(rule, 'rule', new Set(['canReadPartition']), findings);
  if (expression === null) throw new Error(findings.errors[0]?.message);
  return expression;
};

/** Median of so many turns, after one that does not count: others may have the machine meanwhile. */
const processorSeconds = (work: () => void, times: number): number => {
  const turns = Array.from({ length: times + 1 }, () => {
    const before = process.cpuUsage();
    work();
    const { user, system } = process.cpuUsage(before);
    return Math.max(1, user + system) / 1e6;
  });
  return median(turns.slice(1));
};

const answered: Answers = new Map([[0, true]]);

const runEvaluations = ({ smoke, report }: SuiteOptions): void => {
  const count = smoke ? 200 : 500_000;
  const times = smoke ? 1 : 7;
  const rates: number[] = [];
  const floorRates: number[] = [];
  for (const { name, rule } of documentedRules) {
    const expression = parsed(rule);
    const floor = floors[name];
    if (floor === undefined) throw new Error(`there is no floor of ${name}`);
    let granted = 0;
    const work = (): void => {
      for (let i = 0; i < count; i++) if (evaluate(expression, warm, answered).truth === true) granted++;
    };
    const floorWork = (): void => {
      for (let i = 0; i < count; i++) if (floor(warm.user, warm.partition)) granted--;
    };
    const rate = count / processorSeconds(work, times);
    const floorRate = count / processorSeconds(floorWork, times);
    // Both were asked as often, and say the same.
    if (granted !== 0) throw new Error(`${name}: the floor says something else`);
    rates.push(rate);
    floorRates.push(floorRate);
    const row = { workload: name, metric: 'evaluations', unit: 'evaluations/s' };
    report({ ...row, subject: 'syncline', value: rate });
    report({ ...row, subject: 'floor-function', value: floorRate });
  }
  // One of each: what takes long counts for more.
  const overall = (all: readonly number[]): number =>
    all.length / all.reduce((seconds, rate) => seconds + 1 / rate, 0);
  const row = { workload: 'all, in turn', metric: 'evaluations', unit: 'evaluations/s' };
  report({ ...row, subject: 'syncline', value: overall(rates) });
  report({ ...row, subject: 'floor-function', value: overall(floorRates) });
};

const schema = [
  {
    name: 'Item',
    primaryKey: '_id',
    properties: { _id: 'int', store: 'string?', name: 'string', count: 'int' },
  },
];

const serve = async (store: ServerStore) => {
  const network = memoryNetwork();
  const server = await startServer({
    store,
    listeners: [network.listener],
    compaction: null,
    sync: {
      config: {
        type: 'partition',
        state: 'enabled',
        partition: {
          key: 'store',
          type: 'string',
          permissions: {
            read: { '%%user.custom_data.readPartitions': '%%partition' },
            write: { '%%user.id': '%%partition' },
          },
        },
      },
      schema,
      customData: ({ id }) => ({ readPartitions: ['PUBLIC', `Store ${id}`] }),
    },
    verifyToken: async (id) => ({
      type: 'verified',
      user: { id, data: {} },
      expiresAt: null,
      issuedAt: null,
    }),
  });
  return { server, network };
};

const item = (_id: number, store: number) => ({
  _id,
  store: `Store ${store}`,
  name: `item ${_id}`,
  count: _id,
});

const stocked = async (server: Server, stores: number, each: number): Promise<void> => {
  const all = server.collection('Item');
  const total = stores * each;
  for (let from = 0; from < total; from += 20_000)
    await all.insertMany(
      Array.from({ length: Math.min(20_000, total - from) }, (_, k) =>
        item(from + k, Math.floor((from + k) / each)),
      ),
    );
};

/** Stores that can be opened again and again, and are given up afterwards. */
const withStores = async (
  smoke: boolean,
  work: (name: string, store: () => Promise<ServerStore>) => Promise<void>,
): Promise<void> => {
  const database = new MemoryDatabase();
  await work('memory', async () => memoryServerStore(database));
  if (smoke) return;
  const lmdb: LmdbModule = await import('lmdb');
  const path = mkdtempSync(join(tmpdir(), 'syncline-access-'));
  try {
    await work('lmdb', () => lmdbServerStore({ lmdb, path }));
  } finally {
    rmSync(path, { recursive: true });
  }
};

const runOpens = ({ smoke, report }: SuiteOptions): Promise<void> =>
  withStores(smoke, async (name, store) => {
    const partitions = smoke ? 20 : 10_000;
    const opens = smoke ? 10 : 2_000;
    const each = 10;
    const filling = await serve(await store());
    await stocked(filling.server, partitions, each);
    await filling.server.close();
    const { server, network } = await serve(await store());
    const open = async (k: number): Promise<void> => {
      const client = await openClient({
        schema,
        store: memoryClientStore(),
        connector: network.connector,
        partitionValue: `Store ${k}`,
        token: { token: async () => `${k}` },
      });
      await client.session.waitForDownload();
      const { size } = client.objects('Item');
      await client.close();
      if (size !== each) throw new Error(`Store ${k} has ${size} items`);
    };
    // In steps that have nothing to do with the order in which they were made.
    const order = Array.from({ length: opens }, (_, k) => (k * 7919) % partitions);
    const timed = async (metric: string): Promise<void> => {
      const durations: number[] = [];
      const used = process.cpuUsage();
      const start = performance.now();
      for (const k of order) {
        const before = performance.now();
        await open(k);
        durations.push(performance.now() - before);
      }
      const seconds = (performance.now() - start) / 1000;
      const { user, system } = process.cpuUsage(used);
      const row = { workload: `${partitions} partitions, ${name}`, subject: 'syncline' };
      report({ ...row, metric: `${metric} opens`, value: opens / seconds, unit: 'opens/s' });
      report({ ...row, metric: `${metric} opens, p50`, value: median(durations), unit: 'ms' });
      report({
        ...row,
        metric: `${metric} opens, processor`,
        value: (user + system) / 1000 / opens,
        unit: 'ms',
      });
    };
    for (let k = 0; k < (smoke ? 1 : 100); k++) await open(partitions - 1 - k);
    await timed('new');
    await timed('known');
    await server.close();
  });

const runMoves = async ({ smoke, report }: SuiteOptions): Promise<void> => {
  const times = smoke ? 1 : 5;
  for (const count of smoke ? [50] : [1_000, 10_000]) {
    const moves: number[] = [];
    const edits: number[] = [];
    for (let time = 0; time <= times; time++) {
      const { server } = await serve(memoryServerStore());
      await stocked(server, 1, count);
      const all = server.collection('Item');
      const timed = async (filter: object, update: object): Promise<number> => {
        const start = performance.now();
        const { modifiedCount } = await all.updateMany({ ...filter }, { ...update });
        const seconds = (performance.now() - start) / 1000;
        if (modifiedCount !== count) throw new Error(`${modifiedCount} of ${count} were modified`);
        return seconds;
      };
      const edit = await timed({ store: 'Store 0' }, { $set: { name: 'another' } });
      const move = await timed({ store: 'Store 0' }, { $set: { store: 'Store 1' } });
      if ((await all.count({ store: 'Store 1' })) !== count) throw new Error('objects are missing');
      await server.close();
      if (time === 0 && !smoke) continue;
      edits.push(edit);
      moves.push(move);
    }
    for (const [subject, seconds] of [
      ['syncline', median(moves)],
      ['floor-one-partition', median(edits)],
    ] as const) {
      const row = { workload: `${count} objects to another partition`, subject };
      report({ ...row, metric: 'time', value: seconds, unit: 's' });
      report({ ...row, metric: 'time of each', value: (1e6 * seconds) / count, unit: 'µs/object' });
    }
  }
};

/** By the names that `--only` takes. */
const parts: Readonly<Record<string, (options: SuiteOptions) => void | Promise<void>>> = {
  evaluations: runEvaluations,
  opens: runOpens,
  moves: runMoves,
  documents: runDocuments,
};

export const suite: Suite = {
  name: 'access',
  question: 'What do rules and partitions cost a server?',
  parts: Object.keys(parts),
  run: async (options) => {
    for (const [part, run] of Object.entries(parts)) if (options.does(part)) await run(options);
  },
};
