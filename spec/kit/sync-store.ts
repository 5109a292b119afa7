/** Partition-based sync on a bare store: classes, configurations, and objects of one small class. */
import * as E from 'fp-ts/lib/Either.js';
import * as assert from 'uvu/assert';
import { get, sortedKeys } from '../../core/base/trie.js';
import { commitOwn } from '../../core/history/server-commit.js';
import type { Schema } from '../../core/model/class-schema.js';
import type { Instruction } from '../../core/model/instruction.js';
import * as make from '../../core/model/instruction.js';
import { intKey } from '../../core/model/key.js';
import { printValue } from '../../core/model/print.js';
import { decodeSchema } from '../../core/model/schema-config.js';
import { type ObjectNode, property, type State } from '../../core/model/state.js';
import type { Value } from '../../core/model/value.js';
import { systemClock, systemEntropy } from '../../transports/clock.js';
import { loadWhole } from '../../transports/drivers/partition-host.js';
import { SyncControl, type SyncControlOptions } from '../../transports/drivers/sync-control.js';
import { SyncError } from '../../transports/drivers/sync-error.js';
import type { ServerStore } from '../../transports/ports.js';

export const schemaOf = (classes: unknown): Schema => {
  const read = decodeSchema(classes);
  assert.ok(E.isRight(read), JSON.stringify(read));
  return read.right;
};

export const task = (more: object = {}, name = 'Task') => ({
  name,
  primaryKey: '_id',
  properties: { _id: 'int', text: 'string', ...more },
});

export const config = (partition: object = {}, more: object = {}) => ({
  type: 'partition',
  state: 'enabled',
  partition: {
    key: 'owner',
    type: 'string',
    permissions: { read: true, write: true },
    ...partition,
  },
  ...more,
});

export const open = (store: ServerStore, more: Partial<SyncControlOptions> = {}): Promise<SyncControl> =>
  SyncControl.open({ store, clock: systemClock, entropy: systemEntropy, ...more });

export const refusal = async (work: Promise<unknown>): Promise<SyncError> => {
  const error = await work.then(
    () => null,
    (reason: unknown) => reason,
  );
  assert.instance(error, SyncError);
  return error as SyncError;
};

/** Appends instructions to a partition of the present epoch, as a host would. */
export const write = async (
  sync: SyncControl,
  name: string,
  instructions: readonly Instruction[],
): Promise<void> => {
  const store = await sync.hosted(name);
  const { revision, partition } = await loadWhole(store, 7);
  const commit = commitOwn(partition, { instructions, records: { deletes: [], puts: [] } }, 1);
  assert.ok(E.isRight(commit), E.isLeft(commit) ? commit.left.message : '');
  assert.is((await store.commit(revision, commit.right.batch)).type, 'committed');
};

export const taskTable: Instruction[] = [
  make.addTable('Task', {
    type: 'topLevel',
    primaryKey: { name: '_id', type: 'int', nullable: false },
    asymmetric: false,
  }),
  make.addColumn('Task', 'text', { type: 'string', nullable: false, collection: 'single', target: null }),
];
export const stringColumn = (field: string, nullable = false) =>
  make.addColumn('Task', field, { type: 'string', nullable, collection: 'single', target: null });
export const newTask = (id: number, fields: Readonly<Record<string, Value>> = {}): Instruction[] => [
  make.createObject('Task', intKey(BigInt(id))),
  ...Object.entries(fields).map(([field, value]) =>
    make.update('Task', intKey(BigInt(id)), field, [], value),
  ),
];

/** Objects of a class as text: `1 owner="a" text="x"`. */
export const rows = (state: State, name = 'Task'): string[] => {
  const table = get(state.tables, name);
  if (table === undefined) return [];
  return sortedKeys(table.objects).map((key) => {
    const node = get(table.objects, key) as ObjectNode;
    const fields = table.columns.map(
      (column) => `${column.name}=${printValue(property(node, column) as Value)}`,
    );
    return [key.slice(1), ...fields].join(' ');
  });
};

export const contents = async (sync: SyncControl): Promise<Readonly<Record<string, readonly string[]>>> => {
  const found: Record<string, readonly string[]> = {};
  for (const name of await sync.partitions())
    found[name] = rows((await loadWhole(await sync.read(name), 1)).partition.state);
  return found;
};
