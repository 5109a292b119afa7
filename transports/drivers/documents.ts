/**
 * What is synced, as documents: reading and changing them across partitions.
 *
 * Every partition is changed by its host, as the server's own file, so that devices hear of it as of any other
 * change. Partitions that are only looked at are read from the store, one after the other; of those that are opened
 * to be changed the last few stay open.
 *
 * Primary keys are unique per class among all documents, as far as this server knows: it looks before it inserts.
 * Devices, which know their own partition only, and other servers at the very same moment, can still make the same
 * one in two partitions. Then there are two documents, which are counted.
 *
 * A change of the partition key is a move: see `core/session/moved-objects.ts`. What an earlier process has left
 * halfway is finished before anything else is changed.
 */
import * as E from 'fp-ts/lib/Either.js';
import {
  type Changeset,
  crossingWrites,
  DocumentError,
  documents,
  entriesAfter,
  type Key,
  looseLinks,
  moves,
  type OwnWrite,
  type Partition,
  type PartitionField,
  partitionOfName,
  type RecordEntry,
  type RefusedWrites,
  readEntries,
  type State,
  tailStart,
  type Upload,
  unassigned,
} from '../../core/index.js';
import type { Entropy, PartitionStore } from '../ports.js';
import type { Hosts } from './hosts.js';
import { KeyIndex } from './key-index.js';
import { GivenUp, loadWhole } from './partition-host.js';
import type { SyncControl, SyncSetting } from './sync-control.js';
import { SealedPartition } from './sync-error.js';

export interface DocumentHosts {
  readonly control: SyncControl;
  /** Looks at what holds now, and gives up hosts of what does not. */
  readonly refresh: () => Promise<unknown>;
  /** Those of the present epoch. */
  readonly hosts: Pick<Hosts, 'present' | 'peek' | 'letGo'>;
  readonly entropy: Entropy;
  /** What an earlier process has left halfway could not be finished now; the next write tries again. */
  readonly failed: (error: unknown) => void;
}

export type Make = (state: State, records: readonly RecordEntry[]) => E.Either<Error, OwnWrite>;

/** Partitions that stay open after they were changed. */
const MOST_OPEN = 256;

/** Hosts may be given up so often while they are wanted. */
const TRIES = 10;

/** A write cannot be decided before it is known where objects are. */
class NeedsIndex extends Error {}

const nothing: OwnWrite = { instructions: [], records: { deletes: [], puts: [] } };

/** What there is to know of documents as a whole. */
export interface DocumentStatus {
  /** Documents without a valid value of the required partition key, by class: not synced. */
  readonly unassigned: ReadonlyMap<string, number>;
  /** Primary keys that documents of several partitions have. */
  readonly duplicates: number;
  /** Partitions with documents on their way to another one. */
  readonly undelivered: number;
}

export class Documents {
  readonly #hosts: DocumentHosts;
  #index: KeyIndex;
  /** Of which the index is. */
  #epoch: number;
  /** Opened here, the one that was used last at the end. */
  readonly #open = new Set<string>();
  readonly #deliveries = new Map<string, Promise<void>>();
  /** Keys that are being inserted or moved, by class and key. */
  readonly #reserved = new Set<string>();
  #resumed: Promise<void> | null = null;
  #isResuming = false;
  #hasStopped = false;

  constructor(hosts: DocumentHosts) {
    this.#hosts = hosts;
    this.#index = this.#newIndex();
    this.#epoch = hosts.control.current.record.epoch;
  }

  #newIndex(): KeyIndex {
    const { control, hosts } = this.#hosts;
    return new KeyIndex({
      partitions: () => control.partitions(),
      store: (partition) => control.read(partition),
      present: (partition) => hosts.peek(partition),
    });
  }

  get index(): KeyIndex {
    return this.#index;
  }

  /** What holds now, once what is known here is of the present epoch. */
  async #present(): Promise<SyncSetting> {
    const { control, refresh } = this.#hosts;
    await refresh();
    const { record } = control.current;
    if (record.epoch !== this.#epoch) {
      this.#epoch = record.epoch;
      this.#index = this.#newIndex();
      this.#open.clear();
      this.#resumed = null;
    }
    return control.current;
  }

  /**
   * A device's writes with links to objects that other partitions have, and its own has not; null where there are
   * none. Where the partition does not have what they link to, all that the session has sent before comes first.
   */
  async crossing(
    partition: string,
    connection: number,
    { session, changesets }: Upload,
  ): Promise<RefusedWrites | null> {
    const host = await this.#hosts.hosts.present(partition);
    if (looseLinks(changesets, host.partition.state, []).length === 0) return null;
    const file = await host.caughtUp(connection, session);
    if (file === null) return null;
    const fresh = changesets.filter(({ version }) => version > file.clientVersion);
    const [first] = fresh;
    if (first === undefined) return null;
    const now = host.partition;
    const loose = looseLinks(fresh, now.state, await this.#met(partition, now, first.base));
    if (loose.length === 0) return null;
    await this.#present();
    await this.#index.refresh();
    const isElsewhere = (place: string): boolean => place !== partition && place !== unassigned;
    return crossingWrites(
      loose.filter(({ link }) => this.#index.placesOf(link.table, link.key).some(isElsewhere)),
    );
  }

  /** What has come to the partition after version `base`. */
  async #met(partition: string, now: Partition, base: number): Promise<readonly Changeset[]> {
    const near = entriesAfter(now.tail, base);
    const start = tailStart(now);
    if (base + 1 >= start) return near;
    const store = await this.#hosts.control.read(partition);
    const far = readEntries(await store.read('log', base + 1, start, Number.MAX_SAFE_INTEGER));
    if (E.isLeft(far)) throw new Error(far.left.message);
    return [...far.right, ...near];
  }

  /** The class as it is now. @throws DocumentError */
  async class(name: string): Promise<documents.DocumentClass> {
    const { record, config } = await this.#present();
    const of = documents.documentClass(record.schema, config.partition, name);
    if (E.isLeft(of)) throw of.left;
    return of.right;
  }

  /** The class, to be written to, once what was left halfway is finished. @throws DocumentError */
  async writableClass(name: string): Promise<documents.DocumentClass> {
    const of = await this.class(name);
    if (this.#hosts.control.current.record.state === 'terminated') throw terminated(name);
    await this.resume();
    return of;
  }

  /**
   * Partitions in which there may be what is searched for, each once: `first`, where it is one of them, and then the
   * others in ascending order of names. By primary key it is looked first where it was known to be, so that whoever
   * has found enough need not wait for the index; and nowhere else, where the index is fresh.
   */
  async *candidates(
    of: documents.DocumentClass,
    { keys, partitions }: documents.Search,
    first: string | null = null,
    isFresh = false,
  ): AsyncGenerator<string> {
    const given = new Set<string>();
    const places = (): readonly string[] =>
      keys?.flatMap((key) => this.#index.placesOf(of.shape.name, key)) ?? [];
    const looks: (() => readonly string[] | Promise<readonly string[]>)[] =
      partitions !== undefined
        ? [() => partitions.toSorted()]
        : keys === undefined
          ? [() => this.#hosts.control.partitions()]
          : isFresh
            ? [places]
            : [places, () => this.#index.refresh().then(places)];
    for (const look of looks) {
      const found = await look();
      if (first !== null && found.includes(first) && !given.has(first)) {
        given.add(first);
        yield first;
      }
      for (const partition of found.toSorted()) {
        if (given.has(partition)) continue;
        given.add(partition);
        yield partition;
      }
    }
  }

  /** What the field of the partition key says there; null for what is no partition of the present key. */
  fieldOf({ partition: key }: documents.DocumentClass, partition: string): PartitionField | null {
    if (partition === unassigned) return { name: key.key, value: undefined };
    const value = partitionOfName(partition, key.type, key.isRequired);
    return E.isLeft(value) ? null : { name: key.key, value: value.right };
  }

  /** The newest state of a partition. */
  async state(partition: string): Promise<State> {
    const store = await this.#hosts.control.read(partition);
    const host = await this.#hosts.hosts.peek(partition)?.catch(() => undefined);
    if (host !== undefined) {
      const { revision } = await store.load([]);
      if (host.revision >= revision) return host.partition.state;
    }
    return (await loadWhole(store, 1)).partition.state;
  }

  /** Changes a partition. `make` is told where else objects are, other than in the given partition. @throws what it answers */
  async write(
    partition: string,
    make: (elsewhere: (home: string) => documents.Elsewhere, ...given: Parameters<Make>) => ReturnType<Make>,
    spaces: readonly string[] = [],
  ): Promise<void> {
    const elsewhere =
      (isKnown: boolean) =>
      (home: string): documents.Elsewhere =>
      (className, key) => {
        if (!isKnown) throw new NeedsIndex();
        return this.#index.placesOf(className, key).find((place) => place !== home) ?? null;
      };
    try {
      await this.#write(partition, (...given) => make(elsewhere(false), ...given), spaces);
    } catch (error) {
      if (!(error instanceof NeedsIndex)) throw error;
      await this.#index.refresh();
      await this.#write(partition, (...given) => make(elsewhere(true), ...given), spaces);
    }
  }

  async #write(partition: string, make: Make, spaces: readonly string[]): Promise<void> {
    let isDecided = false;
    const deciding: Make = (...given) => {
      isDecided = false;
      const made = make(...given);
      isDecided = E.isRight(made);
      return made;
    };
    for (let tries = 1; ; tries++) {
      try {
        const host = await this.#hosts.hosts.present(partition);
        this.#used(partition);
        await host.write(deciding, spaces);
        return;
      } catch (error) {
        // What gave it up has made room for another.
        if (error instanceof GivenUp && tries < TRIES) continue;
        // It may be durable all the same, and something on its way with it.
        if (isDecided) this.#resumed = null;
        throw error instanceof SealedPartition ? terminated(partition) : error;
      }
    }
  }

  #used(partition: string): void {
    this.#open.delete(partition);
    this.#open.add(partition);
    if (this.#open.size <= MOST_OPEN) return;
    const [oldest] = this.#open;
    if (oldest === undefined) return;
    this.#open.delete(oldest);
    void this.#hosts.hosts.letGo(oldest);
  }

  /**
   * Holds keys, so that of several writes at once one has each; answers how to let go of them. Left where another
   * one holds one, or a document has it: in the partition `target`, or in any where that is null. To be called when
   * the index is fresh.
   */
  claim(
    of: documents.DocumentClass,
    keys: readonly Key[],
    target: string | null,
  ): E.Either<DocumentError, () => void> {
    const { name } = of.shape;
    const ids = new Set<string>();
    for (const key of keys) {
      const id = `${name}\n${key}`;
      const place = this.#index.placesOf(name, key).find((each) => target === null || each === target);
      if (place !== undefined) return E.left(documents.duplicate(of, key, `in the partition ${place}`));
      if (ids.has(id) || this.#reserved.has(id))
        return E.left(documents.duplicate(of, key, 'that is being written'));
      ids.add(id);
    }
    for (const id of ids) this.#reserved.add(id);
    return E.right(() => {
      for (const id of ids) this.#reserved.delete(id);
    });
  }

  /** Sees to it that what was left halfway is finished: everywhere, or in a partition that was opened. */
  finish(partition: string | null): void {
    const finishing = partition === null ? this.resume() : this.deliver(partition);
    finishing.catch((error: unknown) => {
      if (!this.#hasStopped) this.#hosts.failed(error);
    });
  }

  /** Looks once more: another server may have ended halfway since. */
  again(): void {
    if (this.#isResuming) return;
    this.#resumed = null;
    this.finish(null);
  }

  /** Nobody is told of failures any more. */
  stop(): void {
    this.#hasStopped = true;
  }

  /** Finishes what was left halfway, once per process. Afterwards every write does so for itself. */
  resume(): Promise<void> {
    this.#resumed ??= this.#resumeAll().catch((error: unknown) => {
      this.#resumed = null;
      throw error;
    });
    return this.#resumed;
  }

  async #resumeAll(): Promise<void> {
    const { control } = this.#hosts;
    if (control.current.record.state === 'terminated') return;
    this.#isResuming = true;
    try {
      for (const partition of await control.partitions()) {
        if (this.#hasStopped) return;
        if ((await this.#waiting(await control.read(partition))).length > 0) await this.deliver(partition);
      }
    } finally {
      this.#isResuming = false;
    }
  }

  async #waiting(store: PartitionStore): Promise<readonly moves.Move[]> {
    const { entries } = await store.load(moves.outboxSpaces);
    const waiting = moves.waiting(entries);
    if (E.isLeft(waiting)) throw new Error(waiting.left.message);
    return waiting.right;
  }

  /** Delivers what waits in the partition's outbox, in order, one delivery after the other; where that fails, the next write does. */
  deliver(sender: string): Promise<void> {
    const before = this.#deliveries.get(sender) ?? Promise.resolve();
    const delivery = before.catch(() => undefined).then(() => this.#deliver(sender));
    this.#deliveries.set(sender, delivery);
    const done = (): void => {
      if (this.#deliveries.get(sender) === delivery) this.#deliveries.delete(sender);
    };
    delivery.then(done, () => {
      done();
      this.#resumed = null;
    });
    return delivery;
  }

  async #deliver(sender: string): Promise<void> {
    const { control } = this.#hosts;
    const waiting = await this.#waiting(await control.read(sender));
    const last = waiting[waiting.length - 1];
    if (last === undefined) return;
    for (const move of waiting) {
      const { record, config } = control.current;
      const schema = documents.classesIn(record.schema, config.partition, move.target);
      await this.#write(
        move.target,
        (state, inbox) => {
          const ready = documents.withClasses(state, schema);
          if (E.isLeft(ready)) return ready;
          const arrival = moves.arrival(ready.right.state, inbox, sender, move);
          if (E.isLeft(arrival))
            return E.left(
              new DocumentError('schema-mismatch', sender, arrival.left.message, 'objects that fit'),
            );
          const { instructions, records } = arrival.right;
          if (instructions.length === 0) return E.right(nothing);
          return E.right({ instructions: [...ready.right.instructions, ...instructions], records });
        },
        [moves.inboxSpace(sender)],
      );
    }
    await this.#write(sender, () => E.right({ instructions: [], records: moves.emptied(last.number) }), []);
  }

  /** So many hexadecimal digits of chance. */
  fresh(digits: number): string {
    let text = '';
    while (text.length < digits)
      text += this.#hosts.entropy.integer().toString(16).padStart(12, '0').slice(-12);
    return text.slice(0, digits);
  }

  /** Looks at all partitions. */
  async status(): Promise<DocumentStatus> {
    await this.#index.refresh();
    let undelivered = 0;
    for (const partition of await this.#hosts.control.partitions())
      if ((await this.#waiting(await this.#hosts.control.read(partition))).length > 0) undelivered++;
    return {
      unassigned: this.#index.countsOf(unassigned),
      duplicates: this.#index.duplicates(),
      undelivered,
    };
  }
}

const terminated = (place: string): DocumentError =>
  new DocumentError('not-writable', place, 'sync terminated', 'sync that is enabled or disabled');
