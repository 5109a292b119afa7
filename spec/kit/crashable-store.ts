/**
 * Memory stores whose process can be ended at any moment. A commit takes time, in which it is under way;
 * at the crash the first few of those, in order, may have become durable without anyone having been told,
 * and the others are gone. Promises of a process that has ended never settle.
 */
import type { ClientStore, Clock, ServerStore } from '../../transports/ports.js';
import {
  MemoryDatabase,
  MemoryFile,
  memoryClientStore,
  memoryServerStore,
} from '../../transports/stores/memory.js';

export interface Crashable<S> {
  /** Opens the store, the first time or after a crash. */
  open(): S;
  /** Commits under way. */
  readonly pending: number;
  /** Ends the process; of the commits under way the first `survivors` are durable. */
  crash(survivors?: number): void;
}

export interface CrashableOptions {
  readonly clock: Clock;
  /** Milliseconds that a commit takes, after the one before it. */
  readonly delay: () => number;
}

const never = <T>(): Promise<T> => new Promise(() => undefined);

/** The work of one process: one commit after the other. */
class Life {
  readonly #options: CrashableOptions;
  readonly #waiting: (() => void)[] = [];
  alive = true;

  constructor(options: CrashableOptions) {
    this.#options = options;
  }

  get pending(): number {
    return this.#waiting.length;
  }

  /** Performs at once, for what is not a commit. */
  now<T>(perform: () => Promise<T>): Promise<T> {
    return this.alive ? perform().then((result) => (this.alive ? result : never<T>())) : never();
  }

  later<T>(perform: () => Promise<T>): Promise<T> {
    if (!this.alive) return never();
    return new Promise((resolve, reject) => {
      this.#waiting.push(() => {
        const done = perform();
        if (this.alive) done.then(resolve, reject);
        else done.catch(() => undefined);
      });
      if (this.#waiting.length === 1) this.#schedule();
    });
  }

  end(survivors: number): void {
    this.alive = false;
    for (const perform of this.#waiting.splice(0).slice(0, survivors)) perform();
  }

  #schedule(): void {
    this.#options.clock.schedule(this.#options.delay(), () => {
      this.#waiting.shift()?.();
      if (this.#waiting.length > 0) this.#schedule();
    });
  }
}

const crashable = <S extends { close(): Promise<void> }>(
  options: CrashableOptions,
  openInner: () => S,
  dress: (inner: S, life: Life) => S,
): Crashable<S> => {
  let life = new Life(options);
  let inner: S | undefined;
  return {
    open: () => {
      inner = openInner();
      return dress(inner, life);
    },
    get pending() {
      return life.pending;
    },
    crash: (survivors = 0) => {
      life.end(survivors);
      void inner?.close();
      life = new Life(options);
    },
  };
};

/** The process of a client with the given file. `within` may change what the store on it does. */
export const crashableClientStore = (
  options: CrashableOptions,
  file: MemoryFile = new MemoryFile(),
  within: (store: ClientStore) => ClientStore = (store) => store,
): Crashable<ClientStore> =>
  crashable(
    options,
    () => within(memoryClientStore(file)),
    (inner, life) => ({
      load: () => life.now(() => inner.load()),
      commit: (batch) => life.later(() => inner.commit(batch)),
      close: () => life.later(() => inner.close()),
    }),
  );

/** The process of one server; others may share the database. `within` may change what the store on it does. */
export const crashableServerStore = (
  options: CrashableOptions,
  database: MemoryDatabase = new MemoryDatabase(),
  within: (store: ServerStore) => ServerStore = (store) => store,
): Crashable<ServerStore> =>
  crashable(
    options,
    () => within(memoryServerStore(database)),
    (inner, life) => ({
      partition: (name) =>
        life.now(async () => {
          const partition = await inner.partition(name);
          return {
            load: (spaces) => life.now(() => partition.load(spaces)),
            read: (space, from, to, maxBytes) => life.now(() => partition.read(space, from, to, maxBytes)),
            commit: (expected, batch) => life.later(() => partition.commit(expected, batch)),
          };
        }),
      partitions: () => life.now(() => inner.partitions()),
      close: () => life.later(() => inner.close()),
    }),
  );
