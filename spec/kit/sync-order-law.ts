/**
 * The law of sync's operations: however servers on one store enable, disable and terminate sync and write amid that,
 * in any order and at the same time, each operation succeeds or is refused by name; epochs only ascend; and a write
 * that was acknowledged is among the objects of whatever epoch comes to hold.
 */
import * as E from 'fp-ts/lib/Either.js';
import { get } from '../../core/base/trie.js';
import { commitOwn } from '../../core/history/server-commit.js';
import { loadWhole } from '../../transports/drivers/partition-host.js';
import type { SyncControl } from '../../transports/drivers/sync-control.js';
import { SealedPartition, SyncError } from '../../transports/drivers/sync-error.js';
import type { ServerStore } from '../../transports/ports.js';
import { memoryServerStore } from '../../transports/stores/memory.js';
import { once, pick, type Random } from './random.js';
import { config, contents, newTask, open, task, taskTable } from './sync-store.js';

const names = ['"a"', '"b"', 'null'];

const configs: readonly unknown[] = [
  config(),
  config({}, { client_max_offline_days: 3 }),
  config({ permissions: { read: true, write: false } }),
  config({ type: 'int' }),
  {},
];

/** Without its class an object could not be in the next epoch. */
const schemas: readonly unknown[] = [
  [task()],
  [task(), task({}, 'List')],
  [task({ more: 'string?' })],
  'Task',
  [task({ owner: 'int' })],
];

/** Whether the object was acknowledged. */
const written = async (sync: SyncControl, name: string, id: number): Promise<boolean> => {
  const store = await sync.hosted(name);
  const { revision, partition } = await loadWhole(store, 7);
  const classes = get(partition.state.tables, 'Task') === undefined ? taskTable : [];
  const commit = commitOwn(
    partition,
    { instructions: [...classes, ...newTask(id)], records: { deletes: [], puts: [] } },
    1,
  );
  if (E.isLeft(commit)) throw new Error(commit.left.message);
  return (await store.commit(revision, commit.right.batch)).type === 'committed';
};

export interface SyncOrders {
  /** Something in the place of the store that the servers share. */
  readonly around?: (store: ServerStore) => ServerStore;
  /** Told what became of each operation. */
  readonly told?: (outcome: string) => unknown;
}

/** One life of a store with two servers or three. Null where the law holds. */
export const syncOrders = async (random: Random, options: SyncOrders = {}): Promise<string | null> => {
  const { around = (store) => store, told } = options;
  const store = around(memoryServerStore());
  const servers = [await open(store, { config: configs[0], schema: schemas[0] })];
  for (let left = 1 + random.int(2); left > 0; left--) servers.push(await open(store));
  const acknowledged = new Set<number>();
  const log: string[] = [];
  let fault: string | null = null;
  let epoch = 0;
  const operation = (sync: SyncControl, id: number): [name: string, work: () => Promise<unknown>] => {
    switch (random.int(11)) {
      case 0:
        return ['disable', () => sync.disable()];
      case 1:
        return ['terminate', () => sync.terminate()];
      case 2:
      case 3:
        return ['enable', () => sync.enable()];
      case 4: {
        const change = { config: pick(random, configs), schema: pick(random, schemas) };
        return ['enable otherwise', () => sync.enable(change)];
      }
      case 5:
        return ['refresh', () => sync.refresh()];
      default: {
        const name = pick(random, names);
        return [
          `write ${id} to ${name}`,
          async () => {
            if (await written(sync, name, id)) acknowledged.add(id);
          },
        ];
      }
    }
  };
  const run = async (server: number, id: number): Promise<void> => {
    const sync = servers[server] as SyncControl;
    const [name, work] = operation(sync, id);
    const [kind] = name.split(' ');
    log.push(`${server}: ${name}`);
    try {
      await work();
      told?.(`${kind} done`);
    } catch (error) {
      const isNamed = error instanceof SyncError || error instanceof SealedPartition;
      told?.(`${kind} ${isNamed ? 'refused' : 'failed'}`);
      if (!isNamed) fault ??= `${name} failed: ${error instanceof Error ? error.stack : String(error)}`;
    }
    const known = Math.max(...servers.map(({ current }) => current.record.epoch));
    if (known < epoch) fault ??= `epoch ${known} after ${epoch}`;
    epoch = known;
  };
  const story = (found: string): string => `${log.join('\n')}\n${found}`;
  let under: Promise<void>[] = [];
  const last = 10 + random.int(25);
  for (let id = 1; id <= last; id++) {
    under.push(run(random.int(servers.length), id));
    if (!once(random, 3)) continue;
    await Promise.all(under);
    under = [];
  }
  await Promise.all(under);
  if (fault !== null) return story(fault);
  const [sync] = servers as [SyncControl];
  await sync.refresh();
  if (sync.current.record.state === 'terminated') await sync.enable();
  const kept = new Set(
    Object.values(await contents(sync)).flatMap((rows) => rows.map((row) => Number.parseInt(row, 10))),
  );
  const lost = [...acknowledged].filter((id) => !kept.has(id));
  return lost.length === 0 ? null : story(`lost: ${lost.join(', ')}; there are ${[...kept].join(', ')}`);
};
