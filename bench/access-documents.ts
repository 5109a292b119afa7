/**
 * What moves promise beyond a deletion and an insertion, and what that costs: 10,000 documents, in one call. A move
 * is three commits, of which two carry the whole content: it is kept in the outbox, and created anew. The floor does
 * without the promise that nothing is lost or doubled: it deletes here, and inserts there what it had read before.
 *
 * Also what it costs to look for documents, and to insert them, where there are 10,000 partitions.
 *
 * Stores are in memory, hosts have no sessions. Subjects take turns; times are of the processor, and medians.
 */
import { documentWorld } from '../spec/kit/document-world.js';
import { systemClock } from '../transports/clock.js';
import { memoryServerStore } from '../transports/stores/memory.js';
import { median, type SuiteOptions } from './suite.js';

const schema = [
  {
    name: 'Task',
    primaryKey: '_id',
    properties: {
      _id: 'string',
      title: 'string',
      votes: 'int',
      done: 'bool',
      due: 'timestamp?',
      owner: 'string?',
      tags: 'string[]',
    },
  },
];

const newWorld = () => documentWorld({ store: memoryServerStore(), clock: systemClock, schema });

const task = (i: number, region: string) => ({
  _id: `task ${i}`,
  region,
  title: `what is to be done, number ${i}`,
  votes: i,
  due: new Date(1_700_000_000_000 + i),
  tags: ['home', 'later'],
});

/** Milliseconds of the processor. */
const timed = async (work: () => Promise<unknown>): Promise<number> => {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
};

const moves = async ({ smoke, report }: SuiteOptions): Promise<void> => {
  const size = smoke ? 100 : 10_000;
  const workload = `${size} documents to another partition`;
  const tasks = (await newWorld()).collection('Task');
  await tasks.insertMany(Array.from({ length: size }, (_, i) => task(i, 'north')));
  const turns: Record<'syncline' | 'floor-delete-and-insert', number[]> = {
    syncline: [],
    'floor-delete-and-insert': [],
  };
  let [from, to] = ['north', 'south'];
  for (let turn = 0; turn < (smoke ? 1 : 6); turn++) {
    const moved = await timed(() => tasks.updateMany({ region: from }, { $set: { region: to } }));
    const all = await tasks.find({ region: to }).toArray();
    const back = all.map((document) => ({ ...document, region: from }));
    const replaced = await timed(async () => {
      await tasks.deleteMany({ region: to });
      await tasks.insertMany(back);
    });
    // The first turn warms up.
    if (turn > 0 || smoke) {
      turns.syncline.push(moved);
      turns['floor-delete-and-insert'].push(replaced);
    }
    [from, to] = [to, from];
    await tasks.updateMany({ region: to }, { $set: { region: from } });
  }
  for (const [subject, times] of Object.entries(turns)) {
    report({ workload, subject, metric: 'time', value: median(times), unit: 'ms' });
    report({ workload, subject, metric: 'rate', value: (size * 1000) / median(times), unit: 'objects/s' });
  }
};

const many = async ({ smoke, report }: SuiteOptions): Promise<void> => {
  const size = smoke ? 50 : 10_000;
  const workload = `documents in ${size} partitions`;
  const world = await newWorld();
  const tasks = world.collection('Task');
  await tasks.insertMany(Array.from({ length: size }, (_, i) => task(i, `region ${i}`)));
  await tasks.insertOne(task(size, 'region 0'));
  let next = size;
  const times = async (metric: string, repetitions: number, work: () => Promise<unknown>): Promise<void> => {
    const each: number[] = [];
    for (let i = 0; i < repetitions; i++) each.push(await timed(work));
    report({ workload, subject: 'syncline', metric, value: median(each), unit: 'ms' });
  };
  await times('find one by both keys', 20, () => tasks.findOne({ _id: 'task 7', region: 'region 7' }));
  await times('find one by primary key', 20, () => tasks.findOne({ _id: 'task 8' }));
  await times('insert one with a given key', 10, () => tasks.insertOne(task(++next, 'region 1')));
  await times('count in all partitions', smoke ? 1 : 3, () => tasks.count({ done: false }));
  await times('look for moves left halfway', smoke ? 1 : 3, () => world.documents.status());
};

export const runDocuments = async (options: SuiteOptions): Promise<void> => {
  await moves(options);
  await many(options);
};
