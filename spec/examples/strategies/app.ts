// What the examples of strategies share: a server with rules and devices of users, all in one process.
import assert from 'node:assert/strict';
import { isDeepStrictEqual } from 'node:util';
import { type Client, openClient } from 'syncline/client';
import { memoryClientStore, memoryNetwork, memoryServerStore } from 'syncline/memory';
import { type SyncOptions, startServer } from 'syncline/server';

export interface App extends Omit<SyncOptions, 'config' | 'schema'> {
  readonly schema: NonNullable<SyncOptions['schema']>;
  /** `key`, `type` and `permissions`, as `sync/config.json` has them. */
  readonly partition: { readonly key: string; readonly type: string; readonly permissions: object };
  /** The collection `users`: what rules know as `%%user.custom_data`. */
  readonly users: Record<string, object>;
}

export const startApp = async ({ schema, partition, users, ...sync }: App) => {
  const network = memoryNetwork();
  const server = await startServer({
    store: memoryServerStore(),
    listeners: [network.listener],
    sync: {
      config: { type: 'partition', state: 'enabled', partition },
      schema,
      customData: (user) => users[user.id],
      ...sync,
    },
    // For the examples a token is its user's id; `spec/serving.md` has real ones.
    verifyToken: async (id) => ({
      type: 'verified',
      user: { id, data: {} },
      expiresAt: null,
      issuedAt: null,
    }),
  });
  const devices: Client[] = [];

  /** A device on which a user opens a partition. */
  const open = async (user: string, partitionValue: string | null): Promise<Client> => {
    const device = await openClient({
      schema,
      store: memoryClientStore(),
      connector: network.connector,
      partitionValue,
      partitionKey: partition.key,
      token: { user, token: async () => user },
      reset: { mode: 'recover' },
    });
    devices.push(device);
    return device;
  };

  return {
    server,

    open: async (user: string, partitionValue: string | null): Promise<Client> => {
      const device = await open(user, partitionValue);
      await device.session.waitForDownload();
      return device;
    },

    /** Nothing comes of opening, and why. */
    refuses: async (user: string, partitionValue: string | null): Promise<void> => {
      const device = await open(user, partitionValue);
      await assert.rejects(device.session.waitForDownload(), {
        name: 'SynclineError',
        area: 'session',
        message: /permission_denied: user ".*" may not open partition/,
      });
      for (const { name } of schema) assert.equal(device.objects(name).size, 0);
    },

    close: async (): Promise<void> => {
      for (const device of devices) await device.close();
      await server.close();
    },
  };
};

/** What a device has of a class, without the keys that were made up. */
export const contents = (device: Client, className: string): object[] =>
  [...device.objects(className)].map(({ _id, ...fields }) => fields);

/** The same objects, in whatever order. */
export const same = (found: readonly object[], expected: readonly object[]): void => {
  const left = [...expected];
  const strangers = found.filter((object) => {
    const at = left.findIndex((each) => isDeepStrictEqual({ ...each }, { ...object }));
    if (at >= 0) left.splice(at, 1);
    return at < 0;
  });
  assert.deepEqual({ strangers, missing: left }, { strangers: [], missing: [] });
};

/** The server refuses a write: the device undoes it, and keeps what it was in the parking place. */
export const refused = async (device: Client, write: Parameters<Client['write']>[0]): Promise<void> => {
  const before = device.digest();
  const receipt = device.write(write);
  await assert.rejects(receipt.integrated(), {
    name: 'SynclineError',
    message: /was parked in a client reset/,
  });
  await device.session.waitForDownload();
  assert.equal(device.digest(), before);
  assert.deepEqual(
    device.parking.writes.map(({ version }) => version),
    [receipt.version],
  );
};
