/**
 * Disks that outlive programs: memory stores whose commits take time, fail, or are lost with the program.
 *
 * A store owes atomic commits in order, so a crash tears between commits and never within one: of those under
 * way the first few have become durable, and nobody was told. A full disk refuses commits; a server's store
 * may also lose its answer: the commit is durable, and the server learns of a failure.
 */
import type { RecordBatch } from '../../core/base/record.js';
import type { ClientStore, PartitionStore, ServerStore } from '../../transports/ports.js';
import { StoreFailure } from '../../transports/stores/error.js';
import { type MemoryDatabase, MemoryFile } from '../../transports/stores/memory.js';
import { Records } from '../../transports/stores/records.js';
import { type Crashable, crashableClientStore, crashableServerStore } from '../kit/crashable-store.js';
import { once, type Random } from '../kit/random.js';
import type { VirtualTime } from './time.js';

export class DiskHealth {
  readonly #random: Random;
  /** Milliseconds that a commit, or a read of a server, takes at most. */
  slowness: number;
  isFull = false;
  /** One answer in so many is lost; 0 for none. */
  forgetfulness = 0;

  constructor(random: Random, slowness: number) {
    this.#random = random;
    this.slowness = slowness;
  }

  delay(): number {
    return this.#random.int(this.slowness + 1);
  }

  survivors(pending: number): number {
    return this.#random.int(pending + 1);
  }

  loses(): boolean {
    return this.forgetfulness > 0 && once(this.#random, this.forgetfulness);
  }
}

export type OnDurable = (batch: RecordBatch) => void;

const full = (place: string): StoreFailure => new StoreFailure('failed', place, 'no space is left');

/** The disk of a device. `onDurable` is called with each batch, before anybody else knows. */
export class DeviceDisk {
  readonly health: DiskHealth;
  readonly #name: string;
  readonly #time: VirtualTime;
  readonly #onDurable: OnDurable;
  #file: MemoryFile;
  #store: Crashable<ClientStore>;

  constructor(name: string, time: VirtualTime, health: DiskHealth, onDurable: OnDurable) {
    this.health = health;
    this.#name = name;
    this.#time = time;
    this.#onDurable = onDurable;
    this.#file = new MemoryFile(name);
    this.#store = this.#crashable();
  }

  #crashable(): Crashable<ClientStore> {
    const options = { clock: this.#time, delay: () => this.health.delay() };
    return crashableClientStore(options, this.#file, (inner) => {
      let hasFailed = false;
      return {
        ...inner,
        commit: async (batch) => {
          hasFailed ||= this.health.isFull;
          if (hasFailed) throw full(this.#name);
          this.#onDurable(batch);
          await inner.commit(batch);
        },
      };
    });
  }

  open(): ClientStore {
    return this.#store.open();
  }

  /** The program dies; some of the commits under way have become durable. Answers how many, of how many. */
  crash(): { readonly survivors: number; readonly pending: number } {
    const { pending } = this.#store;
    const survivors = this.health.survivors(pending);
    this.#store.crash(survivors);
    return { survivors, pending };
  }

  /** Everything that the disk holds is gone. No program has it open. */
  wipe(): void {
    this.#file = new MemoryFile(this.#name);
    this.#store = this.#crashable();
  }
}

/** The disk that servers share, and the view that one of them has of it. */
export class ServerDisk {
  readonly health: DiskHealth;
  readonly #store: Crashable<ServerStore>;
  /** Commits until each action is due. */
  #counting: { left: number; readonly action: () => void }[] = [];

  constructor(
    time: VirtualTime,
    health: DiskHealth,
    database: MemoryDatabase,
    onDurable: (partition: string, batch: RecordBatch) => void,
  ) {
    this.health = health;
    const late = async <T>(perform: () => Promise<T>): Promise<T> => {
      const delay = health.delay() >> 1;
      if (delay > 0) await new Promise<void>((resolve) => void time.schedule(delay, resolve));
      return perform();
    };
    const dressed = (name: string, inner: PartitionStore): PartitionStore => ({
      load: (spaces) => late(() => inner.load(spaces)),
      read: (space, from, to, maxBytes) => late(() => inner.read(space, from, to, maxBytes)),
      commit: async (expected, batch) => {
        if (health.isFull) throw full(name);
        const outcome = await inner.commit(expected, batch);
        if (outcome.type === 'committed') {
          onDurable(name, batch);
          this.#counted(time);
          if (health.loses()) throw new StoreFailure('failed', name, 'the answer was lost');
        }
        return outcome;
      },
    });
    this.#store = crashableServerStore({ clock: time, delay: () => health.delay() }, database, (inner) => ({
      ...inner,
      partition: async (name) => dressed(name, await inner.partition(name)),
    }));
  }

  open(): ServerStore {
    return this.#store.open();
  }

  /** Calls `action` when the server has committed so many times more, unless it ends before. */
  afterCommits(commits: number, action: () => void): void {
    this.#counting.push({ left: commits, action });
  }

  #counted(time: VirtualTime): void {
    for (const each of this.#counting) if (--each.left === 0) time.schedule(0, each.action);
    this.#counting = this.#counting.filter(({ left }) => left > 0);
  }

  crash(): { readonly survivors: number; readonly pending: number } {
    this.#counting = [];
    const { pending } = this.#store;
    const survivors = this.health.survivors(pending);
    this.#store.crash(survivors);
    return { survivors, pending };
  }
}

type Contents = ReadonlyMap<string, { readonly revision: number; readonly records: Records }>;

const copied = (contents: Contents): Contents =>
  new Map(
    [...contents].map(([name, { revision, records }]) => {
      const copy = new Records();
      copy.apply({ deletes: [], puts: records.entries() });
      return [name, { revision, records: copy }];
    }),
  );

/** What a database holds now, to be given back to it later. */
export const backup = (database: MemoryDatabase): (() => void) => {
  const kept = copied(database.partitions);
  return () => {
    database.partitions.clear();
    for (const [name, partition] of copied(kept)) database.partitions.set(name, partition);
  };
};
