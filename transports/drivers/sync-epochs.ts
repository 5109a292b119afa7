/**
 * The partitions of the epochs of sync: sealing those of one, building those of the next from them, and emptying
 * what is past. Each of it may be done again after a crash, and by any server.
 *
 * Building holds what is synced in memory.
 */
import * as E from 'fp-ts/lib/Either.js';
import {
  applyAll,
  type Dropped,
  documents,
  emptiedPartition,
  emptyState,
  extendedSchema,
  founded,
  type Instruction,
  instructions,
  keyCollisions,
  longestName,
  moves,
  type PartitionKey,
  type PartitionValue,
  type Predecessor,
  partitionOfName,
  type RecordBatch,
  Repartition,
  readStoredName,
  type Schema,
  type State,
  schemaOf,
  sealedRecord,
  sealedSpace,
  sealOf,
  storedName,
  unassigned,
} from '../../core/index.js';
import {
  type Clock,
  type Entropy,
  maxPartitionName,
  type PartitionStore,
  type ServerStore,
} from '../ports.js';
import { loadWhole } from './partition-host.js';
import { SyncError } from './sync-error.js';

/** What became of the objects when sync began anew. */
export interface Begun {
  readonly epoch: number;
  readonly partitions: number;
  readonly objects: number;
  /** Objects without a valid value of a required partition key: kept, and not synced. */
  readonly unassigned: number;
  /** What the new schema has no place for. */
  readonly dropped: readonly Dropped[];
}

export interface EpochChange {
  readonly before: PartitionKey;
  readonly after: PartitionKey;
  readonly stored: Schema;
  /** Null: the stored one, and whatever else the objects have. */
  readonly schema: Schema | null;
}

export interface BuiltEpoch {
  readonly schema: Schema;
  readonly begun: Begun;
}

interface Source {
  readonly name: string;
  readonly value: PartitionValue | undefined;
  /** Null where there was none. */
  readonly partition: Predecessor | null;
  state: State;
}

export class SyncEpochs {
  readonly #store: ServerStore;
  readonly #entropy: Entropy;
  readonly #clock: Clock;

  constructor(store: ServerStore, entropy: Entropy, clock: Clock) {
    this.#store = store;
    this.#entropy = entropy;
    this.#clock = clock;
  }

  /** Names of an epoch's partitions, in ascending order of what they are stored under. */
  async partitions(epoch: number): Promise<readonly string[]> {
    const names: string[] = [];
    for (const stored of await this.#store.partitions()) {
      const read = readStoredName(stored);
      if (read?.epoch === epoch) names.push(read.name);
    }
    return names;
  }

  /** Afterwards no server commits to any of them. */
  async seal(epoch: number): Promise<void> {
    await severally(await this.partitions(epoch), async (name) => {
      const store = await this.#partition(epoch, name);
      await committed(store, [sealedSpace], (entries) =>
        sealOf(entries) === 'open' ? { deletes: [], puts: [sealedRecord] } : null,
      );
    });
  }

  /**
   * Empties the partitions of all epochs before `building`, but those of `kept`. What has a higher number another
   * server has begun since, which may be the one that holds; what has a lower one cannot come to hold any more.
   */
  async empty(building: number, kept: number | null = null): Promise<void> {
    await severally(await this.#store.partitions(), async (stored) => {
      const read = readStoredName(stored);
      if (read === null || read.epoch >= building || read.epoch === kept) return;
      const store = await this.#store.partition(stored);
      await committed(store, [sealedSpace, 'file'], (entries) =>
        sealOf(entries) === 'emptied'
          ? null
          : emptiedPartition(entries.filter(({ space }) => space === 'file').map(({ index }) => index)),
      );
    });
  }

  /** Puts the objects of `epoch`, which is sealed, into the partitions of `building`, which nobody uses. @throws SyncError */
  async build(epoch: number, building: number, change: EpochChange): Promise<BuiltEpoch> {
    const sources = await this.#sources(epoch, change);
    const schema = change.schema ?? wholeSchema(sources, change);
    const collisions = keyCollisions(schema, change.after);
    if (collisions.length > 0)
      throw new SyncError('invalid', 'classes contradict the partition key', collisions);
    const repartition = new Repartition({
      before: change.before,
      after: change.after,
      schema,
      longestName: longestName(maxPartitionName),
    });
    for (const { name, value, state } of sources) {
      repartition.take(name, value, state);
      // Devices that come back to it are to find out what of their writes is there.
      if (E.isRight(partitionOfName(name, change.after.type, change.after.isRequired)))
        repartition.keep(name);
    }
    const divided = repartition.finish();
    if (E.isLeft(divided))
      throw new SyncError('objects', 'the objects cannot be divided by this partition key', divided.left);
    const predecessors = new Map(sources.map(({ name, partition }) => [name, partition]));
    await severally([...divided.right.states], async ([name, state]) => {
      const predecessor = predecessors.get(name) ?? null;
      const { batch } = founded(state, predecessor, this.#entropy.integer(), this.#clock.now());
      const store = await this.#partition(building, name);
      const outcome = await store.commit(0, batch);
      if (outcome.type === 'conflict')
        throw new SyncError('contended', `partition ${name} of the new epoch is there already: try again`);
    });
    const { objects, unassigned: strays, dropped } = divided.right;
    const partitions = [...divided.right.states.keys()].filter((name) => name !== unassigned).length;
    return { schema, begun: { epoch: building, partitions, objects, unassigned: strays, dropped } };
  }

  async #sources(epoch: number, change: EpochChange): Promise<readonly Source[]> {
    const sources = new Map<string, Source>();
    for (const name of await this.partitions(epoch)) {
      const { partition } = await loadWhole(await this.#partition(epoch, name), this.#entropy.integer());
      sources.set(name, { name, partition, value: partitionOf(name, change.before), state: partition.state });
    }
    for (const { name } of [...sources.values()]) await this.#deliver(epoch, name, change, sources);
    return [...sources.values()];
  }

  /** Documents that were on their way from one partition to another arrive. */
  async #deliver(
    epoch: number,
    sender: string,
    { before, stored }: EpochChange,
    sources: Map<string, Source>,
  ): Promise<void> {
    const { entries } = await (await this.#partition(epoch, sender)).load(moves.outboxSpaces);
    const waiting = moves.waiting(entries);
    if (E.isLeft(waiting)) throw new SyncError('damaged', `partition ${sender}: ${waiting.left.message}`);
    for (const move of waiting.right) {
      const name = move.target;
      const target = sources.get(name) ?? {
        name,
        value: partitionOf(name, before),
        partition: null,
        state: emptyState,
      };
      const inbox = await (await this.#partition(epoch, name)).load([moves.inboxSpace(sender)]);
      // What moves comes without the property of the partition key, which is the target's.
      const ready = documents.withClasses(target.state, documents.classesIn(stored, before, name));
      if (E.isLeft(ready)) throw unfit(sender, name, ready.left.message);
      const { state } = ready.right;
      const arrival = moves.arrival(state, inbox.entries, sender, move);
      if (E.isLeft(arrival)) throw unfit(sender, name, arrival.left.message);
      const after = applyAll(state, arrival.right.instructions);
      if (E.isLeft(after)) throw new Error(`bug: an arrival does not apply: ${after.left.message}`);
      target.state = after.right;
      sources.set(name, target);
    }
  }

  #partition(epoch: number, name: string): Promise<PartitionStore> {
    return this.#store.partition(storedName(epoch, name));
  }
}

const unfit = (sender: string, target: string, message: string): SyncError =>
  new SyncError('objects', `what moves from ${sender} to ${target}: ${message}`);

/** Undefined for the objects that are in none. */
const partitionOf = (name: string, { type }: PartitionKey): PartitionValue | undefined => {
  const value = partitionOfName(name, type, false);
  return E.isRight(value) ? value.right : undefined;
};

/** Commits under way at once: a store that flushes many together takes as long for them as for one. */
const AT_ONCE = 64;

/** Does the work for each item, for some at a time. Where one fails, no other is begun, and it rejects once all have ended. */
const severally = async <Item>(
  items: readonly Item[],
  work: (item: Item) => Promise<void>,
): Promise<void> => {
  const rest = items.values();
  let failure: { readonly error: unknown } | null = null;
  const worker = async (): Promise<void> => {
    for (const item of rest) {
      if (failure !== null) return;
      try {
        await work(item);
      } catch (error) {
        failure ??= { error };
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, items.length) }, worker));
  const failed = failure as { readonly error: unknown } | null;
  if (failed !== null) throw failed.error;
};

/** Commits what `make` says of the named spaces, until nobody was first; null: nothing is to be done. */
const committed = async (
  store: PartitionStore,
  spaces: readonly string[],
  make: (entries: Awaited<ReturnType<PartitionStore['load']>>['entries']) => RecordBatch | null,
): Promise<void> => {
  // Each conflict is somebody else's commit, of which there are only so many before they notice.
  for (;;) {
    const { revision, entries } = await store.load(spaces);
    const batch = make(entries);
    if (batch === null || (await store.commit(revision, batch)).type === 'committed') return;
  }
};

/** The stored schema with all that objects have besides, and a place for what the old key says of them. */
const wholeSchema = (sources: readonly Source[], { before, after, stored }: EpochChange): Schema => {
  let schema = stored;
  const add = (added: readonly Instruction[]): void => {
    const extended = extendedSchema(schema, added);
    // What contradicts what is there has no place in it; it is told as dropped.
    if (E.isRight(extended)) schema = extended.right;
  };
  for (const { state } of sources) add(schemaOf(state));
  if (before.key === after.key) return schema;
  const type = before.type === 'long' ? 'int' : before.type;
  const column = { type, nullable: true, collection: 'single', target: null } as const;
  for (const { name, spec, byName } of schema.classes)
    if (spec.type === 'topLevel' && !byName.has(before.key))
      add([instructions.addColumn(name, before.key, column)]);
  return schema;
};
