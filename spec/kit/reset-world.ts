/**
 * A server that can be taken back to a backup, and devices that find out: the plainest way to have a client
 * reset asked for, from outside and through the public API only.
 */
import { type Client, type ClientOptions, openClient } from '../../transports/client.js';
import { memoryNetwork } from '../../transports/links/memory.js';
import { type Server, type ServerOptions, startServer } from '../../transports/server.js';
import { MemoryDatabase, memoryClientStore, memoryServerStore } from '../../transports/stores/memory.js';
import { Records } from '../../transports/stores/records.js';

export const taskSchema = [
  {
    name: 'Task',
    primaryKey: '_id',
    properties: { _id: 'string', title: 'string', votes: 'int', tags: 'string[]', due: 'timestamp?' },
  },
];

export const quick = { retryFirst: 3, retryMost: 20, stable: 5 };

const copied = (database: MemoryDatabase): MemoryDatabase => {
  const copy = new MemoryDatabase();
  for (const [name, { revision, records }] of database.partitions) {
    const other = new Records();
    other.apply({ deletes: [], puts: records.entries() });
    copy.partitions.set(name, { revision, records: other });
  }
  return copy;
};

export class ResetWorld {
  readonly network = memoryNetwork();
  readonly clients: Client[] = [];
  #database = new MemoryDatabase();
  #server: Server | null = null;
  #options: Partial<ServerOptions> = {};

  /** `options` hold for all servers from now on. */
  async start(options: Partial<ServerOptions> = this.#options): Promise<void> {
    this.#options = options;
    this.#server = await startServer({
      store: memoryServerStore(this.#database),
      listeners: [this.network.listener],
      ...options,
    });
  }

  async stop(): Promise<void> {
    await this.#server?.close();
    this.#server = null;
  }

  get server(): Server {
    if (this.#server === null) throw new Error('the server is not running');
    return this.#server;
  }

  /** What there is now, to be restored later. */
  backup(): MemoryDatabase {
    return copied(this.#database);
  }

  /** The server's process ends, and one starts on the backup. */
  async restore(backup: MemoryDatabase): Promise<void> {
    await this.stop();
    this.#database = copied(backup);
    await this.start();
  }

  async open(options: Partial<ClientOptions> = {}): Promise<Client> {
    const client = await openClient({
      schema: taskSchema,
      store: memoryClientStore(),
      connector: this.network.connector,
      partition: 'p',
      timing: quick,
      ...options,
    });
    this.clients.push(client);
    return client;
  }

  async end(): Promise<void> {
    for (const client of this.clients) await client.close();
    await this.stop();
  }
}

export const synced = async (...clients: readonly Client[]): Promise<void> => {
  for (const client of clients) await client.session.waitForUpload();
  for (const client of clients) await client.session.waitForDownload();
};

export const eventually = async (what: string, condition: () => boolean): Promise<void> => {
  const until = Date.now() + 4000;
  while (!condition()) {
    if (Date.now() > until) throw new Error(`never happened: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
};
