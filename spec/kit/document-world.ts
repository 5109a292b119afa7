/** Documents on a store, without a server around: partitions are opened by hosts that nobody else uses. */
import { syncline } from '../../core/index.js';
import { Collection } from '../../transports/drivers/collection.js';
import { Documents } from '../../transports/drivers/documents.js';
import { PartitionHost } from '../../transports/drivers/partition-host.js';
import { SyncControl } from '../../transports/drivers/sync-control.js';
import type { Clock, ServerStore } from '../../transports/ports.js';

export interface DocumentWorld {
  readonly control: SyncControl;
  readonly documents: Documents;
  readonly hosts: Map<string, Promise<PartitionHost>>;
  readonly collection: (name: string) => Collection;
  /** Why hosts have stopped. */
  readonly failures: unknown[];
}

export interface WorldOptions {
  readonly store: ServerStore;
  readonly clock: Clock;
  readonly key?: Readonly<Record<string, unknown>>;
  readonly schema: unknown;
}

let salt = 1;

/** Sync is configured where the store has no configuration yet. */
export const documentWorld = async ({
  store,
  clock,
  key = {},
  schema,
}: WorldOptions): Promise<DocumentWorld> => {
  const config = {
    type: 'partition',
    state: 'enabled',
    partition: { key: 'region', type: 'string', permissions: { read: true, write: true }, ...key },
  };
  const entropy = { integer: () => ++salt };
  const control = await SyncControl.open({ store, clock, entropy, config, schema });
  let epoch = control.current.record.epoch;
  const hosts = new Map<string, Promise<PartitionHost>>();
  const failures: unknown[] = [];
  const open = async (partition: string): Promise<PartitionHost> =>
    PartitionHost.open(
      await control.hosted(partition),
      { rules: syncline, explain: false, maxOffline: 1e9, isRecoveryDisabled: false },
      ++salt,
      {
        perform: () => undefined,
        failed: (error) => {
          failures.push(error);
          hosts.delete(partition);
        },
        now: () => clock.now(),
        schedule: (milliseconds, action) => clock.schedule(milliseconds, action),
      },
      null,
    );
  const documents = new Documents({
    control,
    entropy,
    refresh: async () => {
      await control.refresh();
      if (control.current.record.epoch !== epoch) hosts.clear();
      epoch = control.current.record.epoch;
    },
    failed: (error) => void failures.push(error),
    hosts: {
      present: (partition) => {
        const present = hosts.get(partition) ?? open(partition);
        hosts.set(partition, present);
        return present;
      },
      peek: (partition) => hosts.get(partition),
      letGo: async (partition) => void hosts.delete(partition),
    },
  });
  return { control, documents, hosts, collection: (name) => new Collection(name, documents), failures };
};
