/**
 * Partition-based sync as a whole, on one store: whether it is enabled, by which configuration and schema, and the
 * operations that change that. Any number of servers may do so at once; the record in the partition `$sync` is
 * changed by compare-and-append, and is all that they agree by.
 *
 *     enabled  --disable-->  disabled  --enable-->  enabled          everything stays as it is
 *     enabled or disabled  --terminate-->  terminated                histories are sealed
 *     terminated  --enable-->  enabled, in the next epoch            objects are divided anew, devices reset
 *
 * A crash at any commit leaves the state before an operation or the one after it. What it began for an epoch that
 * never came is emptied by the next `enable`. What is terminated can be read until then, and not written.
 *
 * Source: the page on partition-based sync.
 */
import * as E from 'fp-ts/lib/Either.js';
import {
  type ConfigError,
  changedRules,
  decodePartitionConfig,
  decodeSchema,
  decodeSyncRecord,
  destructiveChanges,
  emptySchema,
  extendedSchema,
  type Instruction,
  joinedSchema,
  keyCollisions,
  longestName,
  type PartitionConfig,
  type Schema,
  type SyncRecord,
  storedName,
  syncPartition,
  syncRecord,
  syncSpace,
} from '../../core/index.js';
import {
  type Clock,
  type Entropy,
  maxPartitionName,
  type PartitionStore,
  type ServerStore,
} from '../ports.js';
import { fenced } from './fence.js';
import { type Begun, SyncEpochs } from './sync-epochs.js';
import { SyncError } from './sync-error.js';

export interface SyncControlOptions {
  readonly store: ServerStore;
  readonly clock: Clock;
  readonly entropy: Entropy;
  /** The file `sync/config.json`, as a value of JSON; where it is left out, the store has one. */
  readonly config?: unknown;
  /** The classes, as an application configures them. */
  readonly schema?: unknown;
  /** Names of the functions that rules may call. */
  readonly functions?: ReadonlySet<string>;
}

/** What holds at present. */
export interface SyncSetting {
  readonly revision: number;
  readonly record: SyncRecord;
  /** That of the record, read. */
  readonly config: PartitionConfig;
}

/** A configuration, a schema, or both, as they are given; what is left out stays. */
export interface SyncChange {
  readonly config?: unknown;
  readonly schema?: unknown;
}

type Json = Readonly<Record<string, unknown>>;

interface ReadConfig {
  readonly json: Json;
  readonly config: PartitionConfig;
}

/** Others may be first so often. */
const TRIES = 20;

/** What can change at any time: see `changedRules`. */
const settings = [
  'development_mode_enabled',
  'client_max_offline_days',
  'is_recovery_mode_disabled',
] as const;

/** Code units of a synced partition's name. */
export const longestSyncedName = longestName(maxPartitionName);

export class SyncControl {
  readonly #options: SyncControlOptions;
  readonly #store: PartitionStore;
  readonly #epochs: SyncEpochs;
  #current: SyncSetting;
  /** Given when this server was started, and for when sync is enabled after it was terminated. */
  #offered: SyncChange = {};
  /** One operation after the other. */
  #turn: Promise<unknown> = Promise.resolve();

  private constructor(options: SyncControlOptions, store: PartitionStore, current: SyncSetting) {
    this.#options = options;
    this.#store = store;
    this.#epochs = new SyncEpochs(options.store, options.entropy, options.clock);
    this.#current = current;
  }

  /**
   * Where the store has no configuration yet, the given one is put there. @throws SyncError where there is none,
   * where one is wrong, or where another one holds.
   */
  static async open(options: SyncControlOptions): Promise<SyncControl> {
    const store = await options.store.partition(syncPartition);
    for (let tries = 0; tries < TRIES; tries++) {
      const present = await loaded(store, options.functions);
      if (present !== null) {
        const control = new SyncControl(options, store, present);
        await control.#accept(options);
        return control;
      }
      const record = firstRecord(options);
      const outcome = await store.commit(0, { deletes: [], puts: [syncRecord(record)] });
      if (outcome.type === 'conflict') continue;
      const { config } = readConfig(record.config, options.functions);
      return new SyncControl(options, store, { revision: outcome.revision, record, config });
    }
    throw contended();
  }

  get current(): SyncSetting {
    return this.#current;
  }

  /** Whether something has changed since the last look, here or on another server. */
  async refresh(): Promise<boolean> {
    const { revision } = await this.#store.load([]);
    if (revision === this.#current.revision) return false;
    const present = await loaded(this.#store, this.#options.functions);
    if (present === null) throw new SyncError('damaged', 'the store has lost the configuration of sync');
    this.#current = present;
    return true;
  }

  /** Under which name the store has a partition in the present epoch. */
  storedName(partition: string): string {
    return storedName(this.#current.record.epoch, partition);
  }

  /** Names of the present epoch's partitions, `unassigned` among them where it is there. */
  partitions(): Promise<readonly string[]> {
    return this.#epochs.partitions(this.#current.record.epoch);
  }

  /** A partition for a host: it cannot pass the end of the epoch. Rejects a name that is too long for a later one. */
  async hosted(partition: string): Promise<PartitionStore> {
    if (partition.length > longestSyncedName)
      throw new RangeError(`the name of a synced partition has at most ${longestSyncedName} code units`);
    const { epoch } = this.#current.record;
    const store = await this.#options.store.partition(storedName(epoch, partition));
    return fenced(partition, store, async () => {
      await this.refresh();
      const { record } = this.#current;
      return record.epoch === epoch && record.state !== 'terminated';
    });
  }

  /** A partition for reading only, sealed or not. */
  read(partition: string): Promise<PartitionStore> {
    return this.#options.store.partition(this.storedName(partition));
  }

  /** Devices wait from now on, and go on when it is enabled. Does nothing where they do so already. */
  disable(): Promise<void> {
    return this.#inTurn(async () => {
      await this.#change(({ record }) => {
        if (record.state === 'disabled') return null;
        if (record.state === 'terminated')
          throw new SyncError('state', 'sync is terminated, so that there is nothing to be disabled');
        return { ...record, state: 'disabled', lastDisabled: this.#seconds() };
      });
    });
  }

  /** What was synced until now is over; the objects can still be read. Finishes what an earlier call has left. */
  terminate(ended: () => void = () => undefined): Promise<void> {
    return this.#inTurn(async () => {
      const { epoch } = await this.#change(({ record }) =>
        record.state === 'terminated'
          ? null
          : { ...record, state: 'terminated', lastDisabled: this.#seconds() },
      );
      ended();
      // Another server may have begun the next one by now.
      await this.#epochs.seal(epoch);
    });
  }

  /**
   * After `disable`: goes on. After `terminate`: begins anew, with the given configuration and schema, and says what
   * became of the objects. What is not given is what it was. @throws SyncError, and nothing has changed.
   */
  enable(change: SyncChange = {}): Promise<Begun | null> {
    return this.#inTurn(async () => {
      await this.refresh();
      if (this.#current.record.state === 'terminated') return this.#begin({ ...this.#offered, ...change });
      const config = change.config === undefined ? null : this.#readConfig(change.config);
      const schema = change.schema === undefined ? null : readSchema(change.schema);
      await this.#change((setting) => {
        if (setting.record.state === 'terminated')
          throw new SyncError('state', 'sync was terminated meanwhile: enable it once more');
        const record = withSchema(withSettings(setting, config), schema, setting.config);
        return record.state === 'enabled' && record === setting.record
          ? null
          : { ...record, state: 'enabled' };
      });
      return null;
    });
  }

  /** The schema is to be the given one, which adds to the present one or is the same. @throws SyncError */
  extendSchema(classes: unknown): Promise<void> {
    return this.#inTurn(async () => {
      const schema = readSchema(classes);
      await this.#change(({ record, config }) => {
        const taken = destructiveChanges(record.schema, schema);
        if (taken.length > 0) throw destructive(taken);
        return orNull(record, withSchema(record, schema, config));
      });
    });
  }

  /** What devices have added, as in development mode. Left: what does not fit, and nothing was changed. */
  extendBy(instructions: readonly Instruction[]): Promise<E.Either<readonly ConfigError[], Schema>> {
    return this.#inTurn(async () => {
      try {
        await this.#change(({ record, config }) => {
          const extended = extendedSchema(record.schema, instructions);
          if (E.isLeft(extended)) throw destructive(extended.left);
          return orNull(record, withSchema(record, extended.right, config));
        });
      } catch (error) {
        if (error instanceof SyncError && error.findings.length > 0) return E.left(error.findings);
        throw error;
      }
      return E.right(this.#current.record.schema);
    });
  }

  /** What a server was started with, where the store has a configuration. */
  async #accept(given: SyncChange): Promise<void> {
    const config = given.config === undefined ? null : this.#readConfig(given.config);
    const schema = given.schema === undefined ? null : readSchema(given.schema);
    const { record } = this.#current;
    if (record.state === 'terminated') {
      this.#offered = {
        ...(config === null ? {} : { config: given.config }),
        ...(schema === null ? {} : { schema: given.schema }),
      };
      return;
    }
    await this.#change((setting) =>
      orNull(setting.record, withSchema(withSettings(setting, config), schema, setting.config)),
    );
  }

  async #begin(change: SyncChange): Promise<Begun> {
    const { record, config: before } = this.#current;
    const given = change.config === undefined ? null : this.#readConfig(change.config);
    const { json, config } = given ?? { json: record.config, config: before };
    const schema = change.schema === undefined ? null : readSchema(change.schema);
    check(schema ?? record.schema, config);
    const building = (record.building ?? record.epoch) + 1;
    const { revision } = await this.#commit(this.#current.revision, { ...record, building });
    const kept = { before: before.partition, after: config.partition, stored: record.schema, schema };
    const { epoch } = record;
    await this.#epochs.seal(epoch);
    await this.#epochs.empty(building, epoch);
    const built = await this.#epochs.build(epoch, building, kept);
    const next: SyncRecord = {
      ...record,
      state: 'enabled',
      epoch: building,
      building: null,
      config: json,
      schema: built.schema,
    };
    await this.#commit(revision, next);
    this.#offered = {};
    await this.#epochs.empty(building);
    return built.begun;
  }

  /** Null: there is nothing to change. Asked again where another server was first. Answers what held then. */
  async #change(make: (setting: SyncSetting) => SyncRecord | null): Promise<SyncRecord> {
    for (let tries = 0; tries < TRIES; tries++) {
      await this.refresh();
      const { revision, record: before } = this.#current;
      const record = make(this.#current);
      if (record === null) return before;
      const batch = { deletes: [], puts: [syncRecord(record)] };
      const outcome = await this.#store.commit(revision, batch);
      if (outcome.type === 'conflict') continue;
      this.#became(outcome.revision, record);
      return record;
    }
    throw contended();
  }

  async #commit(expected: number, record: SyncRecord): Promise<{ readonly revision: number }> {
    const outcome = await this.#store.commit(expected, { deletes: [], puts: [syncRecord(record)] });
    if (outcome.type === 'conflict') throw contended();
    this.#became(outcome.revision, record);
    return outcome;
  }

  #became(revision: number, record: SyncRecord): void {
    this.#current = { revision, record, config: this.#readConfig(record.config).config };
  }

  #readConfig(config: unknown): ReadConfig {
    return readConfig(config, this.#options.functions);
  }

  #seconds(): number {
    return Math.floor(this.#options.clock.now() / 1000);
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => undefined);
    return done;
  }
}

const contended = (): SyncError =>
  new SyncError('contended', 'another server has changed the configuration of sync meanwhile: try again');

const destructive = (findings: readonly ConfigError[]): SyncError =>
  new SyncError(
    'fixed',
    'the schema can only grow while sync is not terminated: terminate and enable it for anything else',
    findings,
  );

const loaded = async (
  store: PartitionStore,
  functions: ReadonlySet<string> | undefined,
): Promise<SyncSetting | null> => {
  const { revision, entries } = await store.load([syncSpace]);
  const [entry] = entries;
  if (entry === undefined) return null;
  const record = decodeSyncRecord(entry.bytes);
  if (E.isLeft(record)) throw new SyncError('damaged', record.left.message);
  const config = decodePartitionConfig(record.right.config, functions);
  if (E.isLeft(config))
    throw new SyncError('damaged', 'the configuration of sync cannot be used by this server', config.left);
  return { revision, record: record.right, config: config.right };
};

const firstRecord = ({ config: given, schema: classes, functions }: SyncControlOptions): SyncRecord => {
  if (given === undefined)
    throw new SyncError('invalid', 'the store has no configuration of sync yet: one has to be given');
  const { json, config } = readConfig(given, functions);
  const schema = classes === undefined ? emptySchema : readSchema(classes);
  check(schema, config);
  const { state, lastDisabled } = config;
  return { state, epoch: 0, building: null, config: json, schema, lastDisabled };
};

const readConfig = (given: unknown, functions: ReadonlySet<string> | undefined): ReadConfig => {
  const json = asJson(given);
  const config = decodePartitionConfig(json, functions);
  if (E.isLeft(config)) throw new SyncError('invalid', 'the configuration of sync is wrong', config.left);
  // What decodes is an object.
  return { json: json as Json, config: config.right };
};

/** What is left of a value in a file: that is what others will go by. */
const asJson = (given: unknown): unknown => {
  try {
    return JSON.parse(JSON.stringify(given) ?? 'null');
  } catch (error) {
    throw new SyncError('invalid', `the configuration of sync is no JSON: ${String(error)}`);
  }
};

const readSchema = (classes: unknown): Schema => {
  const schema = decodeSchema(classes);
  if (E.isLeft(schema)) throw new SyncError('invalid', 'the schema of sync is wrong', schema.left);
  return schema.right;
};

const check = (schema: Schema, { partition }: PartitionConfig): void => {
  const collisions = keyCollisions(schema, partition);
  if (collisions.length > 0)
    throw new SyncError('invalid', 'classes contradict the partition key', collisions);
};

const orNull = (before: SyncRecord, after: SyncRecord): SyncRecord | null =>
  after === before ? null : after;

/** The record with what may change of its configuration. @throws SyncError where more than that would. */
const withSettings = ({ record }: SyncSetting, given: ReadConfig | null): SyncRecord => {
  if (given === null) return record;
  const changed = changedRules(record.config, given.json);
  if (changed.length > 0)
    throw new SyncError(
      'fixed',
      'the rules of sync cannot change as long as it is not terminated: terminate it, and enable it with new ones',
      changed,
    );
  if (settings.every((name) => record.config[name] === given.json[name])) return record;
  const rest = Object.entries(record.config).filter(([name]) => settings.every((other) => other !== name));
  const chosen = settings.flatMap((name) => (name in given.json ? [[name, given.json[name]] as const] : []));
  return { ...record, config: Object.fromEntries([...rest, ...chosen]) };
};

/** The record with the classes of both schemas. @throws SyncError where they contradict each other, or the key. */
const withSchema = (record: SyncRecord, schema: Schema | null, config: PartitionConfig): SyncRecord => {
  if (schema === null) return record;
  const joined = joinedSchema(record.schema, schema);
  if (E.isLeft(joined)) throw destructive(joined.left);
  if (joined.right === record.schema) return record;
  check(joined.right, config);
  return { ...record, schema: joined.right };
};
