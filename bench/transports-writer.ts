/**
 * The clients of the transports benchmark that are real ones, in a process of their own: for the fan-out a
 * writer, and readers that are looked at for convergence; for round trips two devices.
 */
import { type Client, type ClientOptions, type Connector, openClient } from 'syncline/client';
import { longPollConnector } from 'syncline/long-poll';
import { memoryClientStore, memoryNetwork, memoryServerStore } from 'syncline/memory';
import { startServer } from 'syncline/server';
import { webSocketConnector } from 'syncline/websocket';
import { WebSocket } from 'ws';
import { answerCommands, paced, percentile, sharedNow, usage } from './transports-control.js';
import { keyOf, oneChange, partition, schema, textOf, things } from './transports-job.js';

/** A writer, and how one looks whether the readers have what it wrote. */
interface Writing {
  write(index: number): void;
  converged(): Promise<void>;
}

const open = (connector: Connector, name: string): Promise<Client> => {
  const options: ClientOptions = { schema, store: memoryClientStore(), connector, partition: name };
  return openClient(options);
};

const ours = async (port: number, readers: number): Promise<Writing> => {
  const connector = webSocketConnector({ url: `ws://127.0.0.1:${port}/`, WebSocket });
  const writer = await open(connector, partition);
  writer.write((tx) => {
    for (let i = 0; i < things; i++) tx.create('Thing', { _id: keyOf(i), text: '' });
  });
  await writer.session.waitForUpload();
  const reading = await Promise.all(Array.from({ length: readers }, () => open(connector, partition)));
  for (const reader of reading) await reader.session.waitForDownload();
  return {
    write: (index) => void writer.write((tx) => tx.set('Thing', keyOf(index), 'text', textOf(index))),
    converged: async () => {
      await writer.session.waitForUpload();
      for (const reader of reading) {
        await reader.session.waitForDownload();
        if (reader.digest() !== writer.digest()) throw new Error('a reader differs from the writer');
      }
    },
  };
};

const floor = async (port: number): Promise<Writing> => {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/`, { perMessageDeflate: false });
  await new Promise((resolve) => socket.once('open', resolve));
  return { write: () => socket.send(oneChange), converged: async () => undefined };
};

let writing: Writing | undefined;
const opened = (): Writing => {
  if (writing === undefined) throw new Error('nothing is open');
  return writing;
};

interface RoundTrips {
  readonly perSecond: number;
  /** Milliseconds from a write on one device to its being seen on the other. */
  readonly p50: number;
  readonly p99: number;
}

const connectorOf = async (link: string, port: number): Promise<Connector> => {
  if (link === 'websocket') return webSocketConnector({ url: `ws://127.0.0.1:${port}/`, WebSocket });
  if (link === 'long-poll') return longPollConnector({ url: `http://127.0.0.1:${port}/` });
  const network = memoryNetwork();
  await startServer({ store: memoryServerStore(), listeners: [network.listener] });
  return network.connector;
};

/** Two devices write in turn, each as soon as it has seen what the other wrote. */
const roundTrips = async (link: string, port: number, count: number, warmUp: number): Promise<RoundTrips> => {
  const connector = await connectorOf(link, port);
  const devices = [await open(connector, 'round trips'), await open(connector, 'round trips')] as const;
  const [a, b] = devices;
  a.write((tx) => tx.create('Thing', { _id: 'ball', text: '' }));
  await a.session.waitForUpload();
  await b.session.waitForDownload();
  let seen: () => void = () => undefined;
  let awaited = '';
  for (const device of devices)
    device.observe('Thing', () => {
      if (device.object('Thing', 'ball')?.['text'] === awaited) seen();
    });
  const play = async (times: number, latencies: Float64Array): Promise<void> => {
    for (let i = 0; i < 2 * times; i++) {
      const from = i % 2 === 0 ? a : b;
      const to = i % 2 === 0 ? b : a;
      const text = `${textOf(i)} of ${times}`;
      const start = sharedNow();
      from.write((tx) => tx.set('Thing', 'ball', 'text', text));
      await new Promise<void>((resolve) => {
        awaited = text;
        // The writer sees it, too, once it is saved, and that does not count.
        seen = () => {
          if (to.object('Thing', 'ball')?.['text'] === text) resolve();
        };
        seen();
      });
      latencies[i] = sharedNow() - start;
    }
  };
  await play(warmUp, new Float64Array(2 * warmUp));
  const latencies = new Float64Array(2 * count);
  const start = sharedNow();
  await play(count, latencies);
  const perSecond = (1000 * count) / (sharedNow() - start);
  await Promise.all([a.close(), b.close()]);
  return { perSecond, p50: percentile(latencies, 0.5), p99: percentile(latencies, 0.99) };
};

answerCommands({
  usage,
  open: async ({ subject, port, readers }: { subject: string; port: number; readers: number }) => {
    writing = await (subject === 'syncline' ? ours(port, readers) : floor(port));
  },
  write: ({ count, every }: { count: number; every: number }) =>
    paced(count, every, (index) => opened().write(index)),
  converged: () => opened().converged(),
  roundTrips: ({
    link,
    port,
    count,
    warmUp,
  }: {
    link: string;
    port: number;
    count: number;
    warmUp: number;
  }) => roundTrips(link, port, count, warmUp),
});
