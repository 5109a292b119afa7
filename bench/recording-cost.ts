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
import * as lmdb from 'lmdb';
import { WebSocket, WebSocketServer } from 'ws';
import type { FlightRecorder } from '../core/replay/flight-recorder.js';
import { simulate } from '../spec/simulation/simulate.js';
import { openClient } from '../transports/client.js';
import { memoryNetwork } from '../transports/links/memory.js';
import { webSocketConnector } from '../transports/links/websocket.js';
import { webSocketListener } from '../transports/links/websocket-server.js';
import type { Connector, Listener, ServerStore } from '../transports/ports.js';
import { fileRecording, memoryRecording } from '../transports/recording.js';
import { startServer } from '../transports/server.js';
import { lmdbServerStore } from '../transports/stores/lmdb.js';
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

interface Carrier {
  readonly listener: Listener;
  readonly connector: () => Connector;
  readonly store: () => Promise<ServerStore>;
}

const inMemory = (): Carrier => {
  const network = memoryNetwork();
  return {
    listener: network.listener,
    connector: () => network.connector,
    store: async () => memoryServerStore(),
  };
};

/** As `syncline serve` has it. */
const served = (path: string): Carrier => {
  const listener = webSocketListener({ WebSocketServer, host: '127.0.0.1', port: 0 });
  return {
    listener,
    connector: () => webSocketConnector({ url: `ws://127.0.0.1:${listener.port}`, WebSocket }),
    store: () => lmdbServerStore({ lmdb, path }),
  };
};

/** One device creates and changes objects, a server takes them, another device follows. */
const followed = async (writes: number, carrier: Carrier, newRecorder: NewRecorder): Promise<void> => {
  const recorded = (): { readonly recorder?: FlightRecorder } => {
    const recorder = newRecorder();
    return recorder === undefined ? {} : { recorder };
  };
  const server = await startServer({
    store: await carrier.store(),
    listeners: [carrier.listener],
    ...recorded(),
  });
  const open = () =>
    openClient({
      schema,
      partition: 'p',
      store: memoryClientStore(),
      connector: carrier.connector(),
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

const works = (smoke: boolean, folder: () => string): readonly Work[] => {
  const writes = smoke ? 40 : 1000;
  const worlds = smoke ? 1 : 10;
  return [
    {
      workload: `${writes} writes, a server on LMDB and WebSocket, a device that follows`,
      amount: writes,
      unit: 'writes/s',
      turns: smoke ? 1 : 21,
      run: (newRecorder) => followed(writes, served(folder()), newRecorder),
    },
    {
      workload: `${writes} writes, a server, a device that follows, all in memory`,
      amount: writes,
      unit: 'writes/s',
      turns: smoke ? 1 : 41,
      run: (newRecorder) => followed(writes, inMemory(), newRecorder),
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
  const newFolder = (): string => mkdtempSync(join(folder, 'store-'));
  const recorders: Readonly<Record<(typeof subjects)[number], NewRecorder>> = {
    syncline: () => undefined,
    'syncline, recorded in memory': () => memoryRecording(),
    'syncline, recorded in files': () => fileRecording({ fs, path: join(folder, `${files++}`) }),
  };
  try {
    for (const { workload, amount, unit, turns, run } of works(smoke, newFolder)) {
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
          metric: 'throughput with a recording',
          value: 100 / median(ratios),
          unit: '% of that without',
        });
      }
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
};
