/**
 * What a page of the browser test runs: one device, which the test drives from outside through `device`.
 * Bundled by `stage.ts`; it uses the package by its public entry points, as an app would.
 */
import {
  type Client,
  type Connector,
  type Direction,
  type MemoryRecording,
  memoryRecording,
  openClient,
  type SessionDescription,
} from 'syncline/client';
import { longPollConnector } from 'syncline/long-poll';
import { memoryClientStore } from 'syncline/memory';
import { webSocketConnector } from 'syncline/websocket';

export type LinkKind = 'WebSocket' | 'long-poll';

/** What the test may ask of the page. Arguments and answers are plain data: they cross a process. */
export interface Device {
  /** Opens a file that is empty, on links of the given kind to the server that served the page. */
  open(kind: LinkKind, partition: string): Promise<void>;
  /** Creates `count` tasks with keys from `<prefix>0` on, in a transaction each. */
  write(prefix: string, count: number): void;
  keys(): string[];
  digest(): string;
  describe(): SessionDescription;
  /** Whether all that was written before the call is on the server within so many milliseconds. */
  uploaded(milliseconds: number): Promise<boolean>;
  /** Whether all that the server had before the call is here within so many milliseconds. */
  downloaded(milliseconds: number): Promise<boolean>;
  /** Notes the progress of what is outstanding now, in that direction. */
  watch(direction: Direction): void;
  /** The estimates that were noted, once nothing of that is outstanding any more. */
  watched(direction: Direction): Promise<number[]>;
  /** What becomes of a request to the server, past the engine: a status, or 'failed'. */
  request(): Promise<number | 'failed'>;
  /** What becomes of a WebSocket to the server, past the engine. */
  socket(): Promise<'open' | 'failed'>;
  /** What the session has gone through since the file was opened, as numbers: bytes do not cross a process. */
  recording(): number[];
  close(): Promise<void>;
}

declare global {
  var device: Device;
}

const properties = { _id: 'string', title: 'string', votes: { type: 'int', default: 0 } };
const schema = [{ name: 'Task', primaryKey: '_id', properties }];

const socketUrl = `ws://${location.host}/sync`;
const connectorOf = (kind: LinkKind): Connector =>
  kind === 'WebSocket'
    ? webSocketConnector({ url: socketUrl })
    : longPollConnector({ url: `http://${location.host}/sync`, retryDelay: 50, maxRetryDelay: 200 });

let client: Client | undefined;
let recorder: MemoryRecording | undefined;
const opened = (): Client => {
  if (client === undefined) throw new Error('no file is open on this page');
  return client;
};

const within = (milliseconds: number, wait: (signal: AbortSignal) => Promise<void>): Promise<boolean> => {
  const signal = AbortSignal.timeout(milliseconds);
  return wait(signal).then(
    () => true,
    (error: unknown) => {
      if (signal.aborted) return false;
      throw error;
    },
  );
};

const noted: Partial<Record<Direction, Promise<number[]>>> = {};

const noting = async (direction: Direction): Promise<number[]> => {
  const estimates: number[] = [];
  for await (const { estimate } of opened().session.progress(direction, 'forCurrentlyOutstandingWork'))
    estimates.push(estimate);
  return estimates;
};

globalThis.device = {
  open: async (kind, partition) => {
    const timing = { retryFirst: 50, retryMost: 200 };
    const store = memoryClientStore();
    const connector = connectorOf(kind);
    recorder = memoryRecording();
    const reset = { mode: 'recover' } as const;
    client = await openClient({ schema, store, connector, partition, timing, recorder, reset });
  },
  write: (prefix, count) => {
    for (let i = 0; i < count; i++)
      opened().write((tx) => tx.create('Task', { _id: `${prefix}${i}`, title: `task ${i} of ${prefix}` }));
  },
  keys: () => [...opened().objects('Task')].map((task) => String(task['_id'])),
  digest: () => opened().digest(),
  describe: () => opened().session.describe(),
  uploaded: (milliseconds) => within(milliseconds, (signal) => opened().session.waitForUpload({ signal })),
  downloaded: (milliseconds) =>
    within(milliseconds, (signal) => opened().session.waitForDownload({ signal })),
  watch: (direction) => {
    noted[direction] = noting(direction);
  },
  watched: (direction) => {
    const estimates = noted[direction];
    if (estimates === undefined) throw new Error(`nobody watches the ${direction}`);
    return estimates;
  },
  request: () =>
    fetch('/', { cache: 'no-store' }).then(
      ({ status }) => status,
      () => 'failed',
    ),
  socket: () =>
    new Promise((resolve) => {
      const socket = new WebSocket(socketUrl, ['syncline.1']);
      socket.onopen = () => {
        socket.close();
        resolve('open');
      };
      socket.onerror = () => resolve('failed');
    }),
  recording: () => [...(recorder?.bytes() ?? [])],
  close: () => opened().close(),
};
