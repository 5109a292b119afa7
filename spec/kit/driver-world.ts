/** A server and any number of devices in one process, for tests of drivers; unhandled rejections are collected. */
import * as assert from 'uvu/assert';
import { type Client, type ClientOptions, openClient } from '../../transports/client.js';
import { memoryNetwork } from '../../transports/links/memory.js';
import type { ClientStore, Connector } from '../../transports/ports.js';
import { type Server, type ServerNote, type ServerOptions, startServer } from '../../transports/server.js';
import { memoryClientStore, memoryServerStore } from '../../transports/stores/memory.js';
import { turn } from './async.js';

export const schema = [{ name: 'Task', primaryKey: '_id', properties: { _id: 'string', votes: 'int' } }];
export const timing = { retryFirst: 3, retryMost: 10 };

export const unhandled: unknown[] = [];
process.on('unhandledRejection', (reason) => void unhandled.push(reason));
export const nothingUnhandled = async (): Promise<void> => {
  await turn();
  await turn();
  assert.equal(unhandled.splice(0).map(String), []);
};

/** A device whose links are those of the connector. */
export const openOn = (connector: Connector, more: Partial<ClientOptions> = {}): Promise<Client> =>
  openClient({ schema, store: memoryClientStore(), connector, partition: 'p', timing, ...more });

/** A store in memory that takes commits until `breaks` is called. */
export const breakingStore = (): { readonly store: ClientStore; breaks(): void } => {
  const intact = memoryClientStore();
  let isBroken = false;
  return {
    store: {
      load: () => intact.load(),
      commit: (batch) => (isBroken ? Promise.reject(new Error('no space left')) : intact.commit(batch)),
      close: () => intact.close(),
    },
    breaks: () => {
      isBroken = true;
    },
  };
};

export const setUp = async (options: Partial<ServerOptions> = {}) => {
  const network = memoryNetwork();
  const notes: ServerNote[] = [];
  const server = await startServer({
    store: memoryServerStore(),
    listeners: [network.listener],
    onNote: (note) => void notes.push(note),
    ...options,
  });
  const open = (more: Partial<ClientOptions> = {}): Promise<Client> => openOn(network.connector, more);
  return { server, open, network, notes };
};

/** Closes the clients and then the server; nothing may be left that nobody has caught. */
export const ended = async (server: Server, ...clients: readonly Client[]): Promise<void> => {
  for (const client of clients) await client.close();
  await server.close();
  await nothingUnhandled();
};

let nextId = 0;
/** The key of the last object that `add` made. */
export const newestId = (): string => `t${nextId - 1}`;
export const add = (client: Client) =>
  client.write((tx) => tx.create('Task', { _id: `t${nextId++}`, votes: 0 }));

/** Rejects where `promise` has not ended soon. */
export const soon = async <T>(what: string, promise: Promise<T>): Promise<T> => {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not soon: ${what}`)), 2000);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
};

export const rejection = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => null,
    (error: unknown) => error,
  );
