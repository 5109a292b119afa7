/**
 * Partition-based sync on one server: the operations on it, for whoever administers it, and what they mean for the
 * sessions here. What other servers of the store do is noticed at each bind, and once in a while.
 */
import * as E from 'fp-ts/lib/Either.js';
import {
  type Changeset,
  type ErrorCode,
  errorMessage,
  extendedSchema,
  type Instruction,
  type Schema,
  type ServerMessage,
  type SyncState,
  schemaConfig,
  syncPartition,
} from '../../core/index.js';
import type { Cancel, Clock, Entropy, PartitionStore, ServerStore } from '../ports.js';
import { readPartition } from './partition-host.js';
import { type SyncChange, SyncControl, type SyncSetting } from './sync-control.js';
import type { Begun } from './sync-epochs.js';
import { SyncError } from './sync-error.js';
import type { SyncOptions } from './sync-options.js';

export interface SyncStatus {
  readonly state: SyncState;
  /** Counts how often sync has begun anew. */
  readonly epoch: number;
  /** As its file has it, with the present state. */
  readonly config: Readonly<Record<string, unknown>>;
  /** As an application configures classes, without defaults. */
  readonly schema: ReturnType<typeof schemaConfig>;
}

export interface PartitionStatus {
  /** As devices open it; `$unassigned` for the objects that are in none. */
  readonly name: string;
  readonly version: number;
  /** Client files that it knows. */
  readonly files: number;
  readonly objects: Readonly<Record<string, number>>;
}

/** Why a session cannot be, and when to come again. */
export interface Pause {
  readonly code: ErrorCode;
  readonly message: string;
  /** Milliseconds. */
  readonly retryAfter: number;
}

export interface ServerSyncHooks {
  /** All sessions are to end in this way; with `forGood`, what is held of partitions is not to be used any more. */
  readonly end: (pause: Pause, forGood: boolean) => void;
  /** What other servers have done could not be found out. */
  readonly failed: (error: unknown) => void;
  /** Whether there is somebody whom a change would concern. */
  readonly isBusy: () => boolean;
}

export interface ServerSyncOptions {
  readonly control: SyncControl;
  readonly clock: Clock;
  readonly hooks: ServerSyncHooks;
  /** Milliseconds between looks at what other servers have done. */
  readonly lookEvery?: number;
  /** Milliseconds that devices are asked to wait for while sync is not enabled. */
  readonly retryAfter?: number;
}

export class ServerSync {
  readonly #options: ServerSyncOptions;
  /** What the sessions here go by. */
  #known: SyncSetting;
  #stopLooking: Cancel | null = null;
  #hasStopped = false;

  /** Servers make it. */
  constructor(options: ServerSyncOptions) {
    this.#options = options;
    this.#known = options.control.current;
  }

  /** What holds now. */
  async status(): Promise<SyncStatus> {
    await this.#refresh();
    const { record } = this.#control.current;
    const { state, epoch, lastDisabled, schema } = record;
    const config = {
      ...record.config,
      state: state === 'enabled' ? 'enabled' : 'disabled',
      ...(lastDisabled === null ? {} : { last_disabled: lastDisabled }),
    };
    return { state, epoch, config, schema: schemaConfig(schema) };
  }

  /** Reads all partitions, as the store has them. */
  async partitions(): Promise<readonly PartitionStatus[]> {
    await this.#refresh();
    const all: PartitionStatus[] = [];
    for (const name of await this.#control.partitions()) {
      const { version, files, objects } = await readPartition(await this.#control.read(name));
      all.push({ name, version, files, objects: Object.fromEntries(objects) });
    }
    return all;
  }

  /**
   * After `disable`: devices go on. After `terminate`: sync begins anew, with the given configuration and schema, or
   * those that were; what became of the objects is told. Rejects with a `SyncError`, and then nothing has changed.
   */
  enable(change: SyncChange = {}): Promise<Begun | null> {
    return this.#settled(this.#control.enable(change));
  }

  /** Devices wait until sync is enabled again, and then go on as if nothing had been. */
  disable(): Promise<void> {
    return this.#settled(this.#control.disable());
  }

  /** What was synced is over. Objects stay readable; enabling begins anew, and devices reset themselves. */
  terminate(): Promise<void> {
    return this.#settled(this.#control.terminate(() => this.#adopt()));
  }

  /** The schema is to be the given one: the present one, and more. Rejects with a `SyncError` otherwise. */
  extendSchema(classes: unknown): Promise<void> {
    return this.#settled(this.#control.extendSchema(classes));
  }

  /** The schema that holds at present. */
  get schema(): Schema {
    return this.#control.current.record.schema;
  }

  /** @internal What holds at present, as far as this server knows. */
  get setting(): SyncSetting {
    return this.#control.current;
  }

  /**
   * @internal Why the classes and properties that a device declares are not taken; null where they are, or where
   * they have been added to the schema, as in development mode. Rejects where that cannot be found out.
   */
  async admitSchema(changesets: readonly Changeset[], canWrite: boolean): Promise<string | null> {
    const declared = changesets.flatMap(({ instructions }) => instructions.filter(isDeclaration));
    if (declared.length === 0) return null;
    const { record, config } = this.#control.current;
    const extended = extendedSchema(record.schema, declared);
    if (E.isRight(extended) && extended.right === record.schema) return null;
    if (E.isRight(extended) && (!config.isDevelopment || !canWrite)) {
      const why = config.isDevelopment ? 'the user may only read' : 'development mode is disabled';
      return `the device's schema has what the server's has not, and ${why}: ${added(record.schema, extended.right)}`;
    }
    const taken = E.isLeft(extended) ? extended : await this.#control.extendBy(declared);
    return E.isRight(taken) ? null : taken.left.map(({ message }) => message).join('; ');
  }

  /** @internal At a bind: null where sessions may be. Rejects where that cannot be found out. */
  async gate(): Promise<Pause | null> {
    await this.#refresh();
    const { state } = this.#control.current.record;
    return state === 'enabled' ? null : this.#pause(state);
  }

  /** @internal For a host. */
  hosted(partition: string): Promise<PartitionStore> {
    return this.#control.hosted(partition);
  }

  /** @internal Looks at what other servers do from now on, for as long as there is somebody here. */
  watch(): void {
    if (this.#hasStopped) return;
    this.#stopLooking ??= this.#options.clock.schedule(this.#options.lookEvery ?? 1000, () => {
      this.#stopLooking = null;
      this.#refresh()
        .catch(this.#options.hooks.failed)
        .finally(() => {
          if (this.#options.hooks.isBusy()) this.watch();
        });
    });
  }

  /** @internal */
  stop(): void {
    this.#hasStopped = true;
    this.#stopLooking?.();
  }

  get #control(): SyncControl {
    return this.#options.control;
  }

  async #refresh(): Promise<void> {
    await this.#control.refresh();
    this.#adopt();
  }

  /** Whatever came of it, sessions go by what holds now. */
  async #settled<T>(work: Promise<T>): Promise<T> {
    try {
      return await work;
    } finally {
      this.#adopt();
    }
  }

  /** Ends the sessions that what holds now leaves no room for. */
  #adopt(): void {
    const before = this.#known;
    const after = this.#control.current;
    if (before === after) return;
    this.#known = after;
    const { end } = this.#options.hooks;
    const { state, epoch } = after.record;
    const isOver = epoch !== before.record.epoch || state === 'terminated';
    if (state !== 'enabled') {
      if (state !== before.record.state) end(this.#pause(state), isOver);
    } else if (isOver) {
      end({ code: 200, message: 'sync has begun anew', retryAfter: 0 }, true);
    } else if (JSON.stringify(before.record.config) !== JSON.stringify(after.record.config)) {
      // Partitions are held with what was configured when they were opened.
      end({ code: 200, message: 'the configuration of sync has changed', retryAfter: 0 }, true);
    }
  }

  #pause(state: Exclude<SyncState, 'enabled'>): Pause {
    return { code: 200, message: `sync is ${state}`, retryAfter: this.#options.retryAfter ?? 10_000 };
  }
}

const isDeclaration = (instruction: Instruction): boolean => !('object' in instruction);

/** Classes, and properties of classes, that the one has and the other has not. */
const added = (before: Schema, after: Schema): string =>
  after.classes
    .flatMap(({ name, properties }) => {
      const known = before.byName.get(name);
      if (known === undefined) return [`class ${name}`];
      return properties.filter((each) => !known.byName.has(each.name)).map((each) => `${name}.${each.name}`);
    })
    .join(', ');

/** What a session is told that cannot be at present. */
export const pauseMessage = (session: number, { code, message, retryAfter }: Pause): ServerMessage => ({
  ...errorMessage(session, code, message),
  retryAfter,
});

/** Whether a store has been served with sync. */
export const hasSync = async (store: ServerStore): Promise<boolean> =>
  (await (await store.partition(syncPartition)).load([])).revision > 0;

/**
 * Opens what the store has of sync, and takes down there what it has not. Null where a server is to run without: not
 * on a store that has it, since nobody would ask for its rules. @throws SyncError
 */
export const openServerSync = async (
  { store, sync }: { readonly store: ServerStore; readonly sync?: SyncOptions | undefined },
  clock: Clock,
  entropy: Entropy,
): Promise<SyncControl | null> => {
  if (sync !== undefined) {
    const functions = new Set(Object.keys(sync.functions ?? {}));
    return SyncControl.open({ ...sync, store, clock, entropy, functions });
  }
  if (await hasSync(store))
    throw new SyncError(
      'state',
      'the store is synced by a configuration: the server needs the option `sync`, {} for the stored one',
    );
  return null;
};
