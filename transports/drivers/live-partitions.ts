/** The partitions of a store that are in use, for whoever looks at it from outside. */
import * as E from 'fp-ts/lib/Either.js';
import {
  decodeSyncRecord,
  isReserved,
  readStoredName,
  storedName,
  syncPartition,
  syncSpace,
  unassigned,
} from '../../core/index.js';
import type { ServerStore } from '../ports.js';

export interface LivePartition {
  /** As devices open it; `$unassigned` for the objects that are in none. */
  readonly name: string;
  /** As the store has it. */
  readonly stored: string;
}

/**
 * Those of the present epoch where sync is configured, and all where it is not; in ascending order of what they
 * are stored under. Of past epochs there is nothing to be seen.
 */
export const livePartitions = async (store: ServerStore): Promise<readonly LivePartition[]> => {
  const names = await store.partitions();
  const epoch = names.includes(syncPartition) ? await epochOf(store) : 0;
  return names.flatMap((stored) => {
    if (epoch === 0 && (!isReserved(stored) || stored === unassigned)) return [{ name: stored, stored }];
    const read = readStoredName(stored);
    return epoch > 0 && read?.epoch === epoch
      ? [{ name: read.name, stored: storedName(epoch, read.name) }]
      : [];
  });
};

const epochOf = async (store: ServerStore): Promise<number> => {
  const { entries } = await (await store.partition(syncPartition)).load([syncSpace]);
  const [entry] = entries;
  if (entry === undefined) return 0;
  const record = decodeSyncRecord(entry.bytes);
  if (E.isLeft(record)) throw new Error(record.left.message);
  return record.right.epoch;
};
