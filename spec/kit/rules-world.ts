/** One server with rules, and devices of any user; their objects are of one class, and link to each other. */
import { type ClientOptions, openClient } from '../../transports/client.js';
import type { SyncOptions } from '../../transports/drivers/sync-options.js';
import { memoryNetwork } from '../../transports/links/memory.js';
import { type ServerNote, startServer } from '../../transports/server.js';
import { memoryClientStore, memoryServerStore } from '../../transports/stores/memory.js';

export const schema = [
  {
    name: 'Item',
    primaryKey: '_id',
    properties: { _id: 'string', owner: 'string?', count: 'int', next: 'Item?' },
  },
];

export interface Rules {
  readonly read: unknown;
  readonly write: unknown;
}

export const everybody: Rules = { read: true, write: true };

/** One server; the token is the user's id, and a number that has no meaning to it. */
export const world = async (
  permissions: Rules,
  sync: SyncOptions = {},
  more: object = {},
  partition: object = {},
  store = memoryServerStore(),
) => {
  const network = memoryNetwork();
  const notes: ServerNote[] = [];
  const data = new Map<string, unknown>();
  const server = await startServer({
    store,
    listeners: [network.listener],
    sync: {
      config: {
        type: 'partition',
        state: 'enabled',
        partition: { key: 'owner', type: 'string', permissions, ...partition },
        ...more,
      },
      schema,
      ...sync,
    },
    verifyToken: async (token) => ({
      type: 'verified',
      user: { id: token, data: data.get(token) ?? {} },
      expiresAt: null,
      issuedAt: null,
    }),
    onNote: (note) => void notes.push(note),
  });
  const open = (user: string, partitionValue: unknown, options: Partial<ClientOptions> = {}) =>
    openClient({
      schema,
      store: memoryClientStore(),
      connector: network.connector,
      partitionValue,
      partitionKey: 'owner',
      token: { token: async () => user },
      timing: { retryFirst: 3, retryMost: 10 },
      ...options,
    });
  return { server, open, notes, data, network };
};
