/**
 * A partition's store as a host is given it where sync can be terminated: with a seal the host cannot pass.
 *
 * A sealed partition cannot be read by a host, and whoever holds it meets the seal with the next commit, because
 * sealing is one. A partition that is new may escape: it was not there when those that are were sealed. So whoever
 * finds one there, or makes the first commit of one, looks afterwards whether what it belongs to still lasts, before
 * anybody hears of it: if so, it will be among those that are sealed.
 */
import { sealedSpace, sealOf } from '../../core/index.js';
import type { PartitionStore } from '../ports.js';
import { SealedPartition } from './sync-error.js';

/** `lasts` answers whether partitions of the kind are still to be written to, as the store has it now. */
export const fenced = (
  name: string,
  inner: PartitionStore,
  lasts: () => Promise<boolean>,
): PartitionStore => {
  /** Whether it was there at a time when it was to be written to. */
  let isHeld = false;
  const hold = async (): Promise<void> => {
    if (isHeld) return;
    if (!(await lasts())) throw new SealedPartition(name);
    isHeld = true;
  };
  return {
    load: async (spaces) => {
      const { revision, entries } = await inner.load(spaces.length === 0 ? spaces : [...spaces, sealedSpace]);
      if (sealOf(entries) !== 'open') throw new SealedPartition(name);
      if (revision > 0) await hold();
      return { revision, entries };
    },
    read: (space, from, to, maxBytes) => inner.read(space, from, to, maxBytes),
    commit: async (expected, batch) => {
      const outcome = await inner.commit(expected, batch);
      if (expected === 0 && outcome.type === 'committed') await hold();
      return outcome;
    },
  };
};
