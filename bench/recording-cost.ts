/**
 * What recording costs: the same work with and without a recorder on everybody, in turns, so that whatever else
 * the machine does strikes all alike. The ratio of each turn is taken, and the median of them told. Times are of
 * the processor.
 *
 * Goal: under 5 % of the throughput.
 */
import * as fs from 'node:fs';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FlightRecorder } from '../core/replay/flight-recorder.js';
import { simulate } from '../spec/simulation/simulate.js';
import { openClient } from '../transports/client.js';
import { memoryNetwork } from '../transports/links/memory.js';
import { fileRecording, memoryRecording } from '../transports/recording.js';
import { startServer } from '../transports/server.js';
import { memoryClientStore, memoryServerStore } from '../transports/stores/memory.js';
import { median, type SuiteOptions } from './suite.js';

/** What each of the programs is recorded by. */
type NewRecorder = () => FlightRecorder | undefined;

const schema = [
  {
    name: 'Task',
    primaryKey: '_id',
    properties: { _id: 'string', title: 'string', done: 'bool', votes: 'int' },
  },
];

/** One device creates and changes objects, a server takes them, another device follows. Stores are in memory. */
const followed = async (writes: number, newRecorder: NewRecorder): Promise<void> => {
  const network = memoryNetwork();
  const recorded = (): { readonly recorder?: FlightRecorder } => {
    const recorder = newRecorder();
    return recorder === undefined ? {} : { recorder };
  };
  const server = await startServer({
    store: memoryServerStore(),
    listeners: [network.listener],
    ...recorded(),
  });
  const open = () =>
    openClient({
      schema,
      partition: 'p',
      store: memoryClientStore(),
      connector: network.connector,
      ...recorded(),
    });
  const [ann, ben] = [await open(), await open()];
  for (let i = 0; i < writes; i++) {
    if (i % 2 === 0)
      ann.write((tx) =>
        tx.create('Task', { _id: `task ${i}`, title: `what is to be done, number ${i}`, done: false }),
      );
    else ann.write((tx) => tx.update('Task', `task ${i - 1}`, { done: true, votes: i }));
    if (i % 20 === 19) await ann.session.waitForUpload();
  }
  await ann.session.waitForUpload();
  await ben.session.waitForDownload();
  await Promise.all([ann.close(), ben.close()]);
  await server.close();
};

interface Work {
  readonly workload: string;
  /** Things done in one turn, and what they are. */
  readonly amount: number;
  readonly unit: string;
  readonly turns: number;
  run(newRecorder: NewRecorder): Promise<void>;
}

const works = (smoke: boolean): readonly Work[] => {
  const writes = smoke ? 40 : 1000;
  const worlds = smoke ? 1 : 10;
  return [
    {
      workload: `${writes} writes, a server, and a device that follows`,
      amount: writes,
      unit: 'writes/s',
      turns: smoke ? 1 : 41,
      run: (newRecorder) => followed(writes, newRecorder),
    },
    {
      workload: `${worlds} simulated worlds`,
      amount: worlds,
      unit: 'worlds/s',
      turns: smoke ? 1 : 15,
      run: async (recorder) => {
        for (let seed = 1; seed <= worlds; seed++) await simulate({ seed, recorder });
      },
    },
  ];
};

const subjects = ['syncline', 'syncline, recorded in memory', 'syncline, recorded in files'] as const;

const processorSeconds = async (work: () => Promise<void>): Promise<number> => {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
};

export const recordingCost = async ({ smoke, report }: SuiteOptions): Promise<void> => {
  const folder = mkdtempSync(join(tmpdir(), 'syncline-bench-'));
  let files = 0;
  const recorders: Readonly<Record<(typeof subjects)[number], NewRecorder>> = {
    syncline: () => undefined,
    'syncline, recorded in memory': () => memoryRecording(),
    'syncline, recorded in files': () => fileRecording({ fs, path: join(folder, `${files++}`) }),
  };
  try {
    for (const { workload, amount, unit, turns, run } of works(smoke)) {
      // The first ones are slow while the engine learns the code.
      for (let turn = 0; turn < (smoke ? 0 : 3); turn++)
        for (const subject of subjects) await run(recorders[subject]);
      const times = new Map<string, number[]>(subjects.map((subject) => [subject, []]));
      for (let turn = 0; turn < turns; turn++)
        for (let i = 0; i < subjects.length; i++) {
          const subject = subjects[(turn + i) % subjects.length] as (typeof subjects)[number];
          times.get(subject)?.push(await processorSeconds(() => run(recorders[subject])));
        }
      const bare = times.get('syncline') as number[];
      for (const [subject, seconds] of times) {
        report({
          workload,
          subject,
          metric: 'speed on one processor',
          value: amount / median(seconds),
          unit,
        });
        if (subject === 'syncline') continue;
        const ratios = seconds.map((each, turn) => each / (bare[turn] as number));
        report({
          workload,
          subject,
          metric: 'cost of recording',
          value: 100 * (1 - 1 / median(ratios)),
          unit: '% of throughput',
        });
      }
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
};
