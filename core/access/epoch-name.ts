/**
 * Under which names a store holds what is synced.
 *
 * Each time that sync is terminated and enabled again, an epoch begins, with histories of its own. The
 * partition that devices open as `name` is stored under
 *
 *     name          in epoch 0
 *     $e:name       in epoch e, from 1 on
 *
 * and objects without a valid value of the partition key under the same with `$unassigned` for the name.
 * Names that begin with `$` are nobody else's: no device opens one.
 */
import { partitionOfName, partitionTypes } from './partition-value.js';

/** Where the configuration, the schema and the state of sync are kept. */
export const syncPartition = '$sync';

/** In place of a partition's name: objects that are in none. */
export const unassigned = '$unassigned';

export const isReserved = (name: string): boolean => name.startsWith('$');

/** The longest prefix that an epoch may need: `$`, a number below 2^53, `:`. */
const prefixLength = 18;

/** Code units of a synced partition's name, so that it can be stored in any epoch; `most` is what stores take. */
export const longestName = (most: number): number => most - prefixLength;

export const storedName = (epoch: number, name: string): string => (epoch === 0 ? name : `$${epoch}:${name}`);

/** The epoch and the name of what is stored under a name; null where it is something else. */
export const readStoredName = (stored: string): { readonly epoch: number; readonly name: string } | null => {
  const [, digits, rest] = /^\$([1-9][0-9]{0,15}):(.*)$/s.exec(stored) ?? [];
  const epoch = digits === undefined ? 0 : Number(digits);
  const name = rest ?? stored;
  if (!Number.isSafeInteger(epoch)) return null;
  return name === unassigned || isPartitionName(name) ? { epoch, name } : null;
};

/** Whether it is the name of a value, of whatever type. */
const isPartitionName = (name: string): boolean =>
  partitionTypes.some((type) => partitionOfName(name, type, false)._tag === 'Right');
