/** Server stores whose process ends at a chosen commit. */
import { systemClock } from '../../transports/clock.js';
import type { ServerStore } from '../../transports/ports.js';
import type { MemoryDatabase } from '../../transports/stores/memory.js';
import { crashableServerStore } from './crashable-store.js';

/** A store whose process ends with its n-th commit, which is durable or not. */
export const endingAt = (database: MemoryDatabase, n: number, survivors: 0 | 1) => {
  const process = crashableServerStore({ clock: systemClock, delay: () => 0 }, database);
  const inner = process.open();
  let commits = 0;
  let end: () => void = () => undefined;
  const ended = new Promise<'ended'>((resolve) => {
    end = () => resolve('ended');
  });
  const store: ServerStore = {
    ...inner,
    partition: async (name) => {
      const partition = await inner.partition(name);
      return {
        ...partition,
        commit: (expected, batch) => {
          const outcome = partition.commit(expected, batch);
          if (++commits === n) {
            process.crash(survivors);
            end();
          }
          return outcome;
        },
      };
    },
  };
  return { store, ended, commits: () => commits };
};
