/** A server's store that is slow once: what others do meanwhile, they do in the middle of an operation. */
import type { ServerStore } from '../../transports/ports.js';

/** A store that holds the answer to its commit number `number` back; `reached` once that is on the disk. */
export const holding = (inner: ServerStore, number: number) => {
  let commits = 0;
  let reach: () => void = () => undefined;
  let goOn: () => void = () => undefined;
  const reached = new Promise<void>((resolve) => {
    reach = resolve;
  });
  const gate = new Promise<void>((resolve) => {
    goOn = resolve;
  });
  const store: ServerStore = {
    ...inner,
    partition: async (name) => {
      const partition = await inner.partition(name);
      return {
        load: (spaces) => partition.load(spaces),
        read: (...range) => partition.read(...range),
        commit: async (expected, batch) => {
          const outcome = await partition.commit(expected, batch);
          if (++commits === number) {
            reach();
            await gate;
          }
          return outcome;
        },
      };
    },
  };
  return { store, reached, goOn };
};
