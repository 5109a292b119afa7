/**
 * Runs the machine of one partition on a store.
 *
 * Events that have come in together are stepped through together, their commits are made as one, and only
 * then is anything else performed: one disk flush serves many uploads. If the store answers that another
 * server was first, the steps are dropped, the partition is read again and the same events are taken once
 * more; nothing had left the process. Before anybody is answered who asks for the newest version, or claims
 * to know it, the store is asked whether another server has gone on.
 */
import * as E from 'fp-ts/lib/Either.js';
import {
  type Certificate,
  type CorruptRecord,
  defaultRewritePolicy,
  extended,
  type FileRecord,
  fileOf,
  inSequence,
  loadPartition,
  maxOfflineOf,
  newServerMachine,
  type OwnWrite,
  openingSpaces,
  type Partition,
  type PartitionSummary,
  passedBy,
  type RecordBatch,
  type RecordEntry,
  type RewritePolicy,
  type ServerConfig,
  type ServerEffect,
  type ServerEvent,
  type ServerMachine,
  type ServerStep,
  type ServerTrack,
  type State,
  seenEvery,
  serverStep,
  sessionAt,
  sessionKey,
  summary,
} from '../../core/index.js';
import type { Cancel, PartitionStore } from '../ports.js';
import { Compactor } from './compactor.js';

export interface HostCallbacks {
  /** Everything but commits and reads, in order. */
  readonly perform: (effect: Exclude<ServerEffect, { type: 'commit' } | { type: 'read' }>) => void;
  /** Once: the host has stopped, because the store failed or holds what cannot be read. */
  readonly failed: (error: unknown) => void;
  readonly now: () => number;
  readonly schedule: (milliseconds: number, action: () => void) => Cancel;
  /** The log was compacted. */
  readonly compacted?: (certificate: Certificate) => void;
  /** The log could not be compacted, and stays as it is: it does not hold what it should. */
  readonly uncompacted?: (message: string) => void;
  /** Takes down the machine's steps. */
  readonly track?: ServerTrack | undefined;
}

/**
 * A change of the server's own that waits for its turn. `make` is called with the state that it is to change and with
 * all records of `spaces` as they are beside it, once more where another server was first; what it throws, and its
 * Left, changes nothing.
 */
interface OwnRequest {
  readonly type: 'request';
  readonly make: (state: State, records: readonly RecordEntry[]) => E.Either<Error, OwnWrite>;
  readonly spaces: readonly string[];
  readonly done: (outcome: E.Either<Error, number>) => void;
}

/** Events, and of each the frame of its message, where that is at hand. */
type Events = readonly (ServerEvent | OwnRequest)[];
type Frames = readonly (Uint8Array | undefined)[];

/**
 * A file that identifies itself may have seen more on another server; a mark asks for all there is; and what was read
 * may be what another server has made of the log meanwhile.
 */
const asksForNewest = (event: ServerEvent | OwnRequest): boolean =>
  event.type === 'read' ||
  (event.type === 'message' && (event.message.type === 'identify' || event.message.type === 'mark'));

const EVERYTHING = Number.MAX_SAFE_INTEGER;

const orThrow = <A>(read: E.Either<CorruptRecord, A>): A => {
  if (E.isLeft(read)) throw new Error(read.left.message);
  return read.right;
};

interface Loaded {
  readonly revision: number;
  readonly partition: Partition;
}

/** Reads a whole partition. Throws an error that names the record where one cannot be read. */
export const loadWhole = async (store: PartitionStore, salt: number): Promise<Loaded> => {
  for (;;) {
    const { revision, entries } = await store.load(openingSpaces);
    const opened = orThrow(loadPartition(entries, salt));
    const log = await store.read('log', opened.snapshotVersion + 1, opened.head + 1, EVERYTHING);
    const whole = extended(opened, log);
    if (E.isRight(whole)) return { revision, partition: whole.right };
    // Another server may have taken a snapshot between the two reads; only then is a second look due.
    if ((await store.load([])).revision === revision) throw new Error(whole.left.message);
  }
};

/** What a store holds of a partition, without taking part in it. */
export const readPartition = async (store: PartitionStore): Promise<PartitionSummary> =>
  summary((await loadWhole(store, 1)).partition);

/** What came from one connection in one turn of the event loop gets here in turns of promises, so many apart at most. */
const between = 16;

/** The host has stopped before a write had its turn: nothing of that has happened. */
export class GivenUp extends Error {
  override readonly name = 'GivenUp';

  constructor() {
    super('the partition was given up');
  }
}

const nothingWritten: OwnWrite = { instructions: [], records: { deletes: [], puts: [] } };

/** What a batch leaves of records and adds to them; in no order. */
const withBatch = (
  records: readonly RecordEntry[],
  { deletes, puts }: RecordBatch,
): readonly RecordEntry[] => [
  ...records.filter(
    ({ space, index }) =>
      !deletes.some((range) => range.space === space && range.from <= index && index < range.to) &&
      !puts.some((put) => put.space === space && put.index === index),
  ),
  ...puts,
];

/** Events that are taken without waiting for more. */
const most = 256;

export class PartitionHost {
  readonly #store: PartitionStore;
  readonly #callbacks: HostCallbacks;
  readonly #salt: number;
  #machine: ServerMachine;
  #revision: number;
  /** The revision that the machine is of; the other one may be ahead while events are taken. */
  #decided: number;
  #events: (ServerEvent | OwnRequest)[] = [];
  #frames: (Uint8Array | undefined)[] = [];
  #isRunning = false;
  #hasStopped = false;
  #idle: (() => void)[] = [];
  #taken: (() => void)[] = [];
  readonly #compactor: Compactor | null;
  #stopTick: Cancel | null = null;

  /** `salt`: drawn for this process, 1 to 2^53 - 1. `policy`: null for a log that is never compacted by itself. */
  static async open(
    store: PartitionStore,
    config: ServerConfig,
    salt: number,
    callbacks: HostCallbacks,
    policy: RewritePolicy | null = defaultRewritePolicy,
  ): Promise<PartitionHost> {
    const { revision, partition } = await loadWhole(store, salt);
    return new PartitionHost(store, newServerMachine(config, partition), revision, salt, callbacks, policy);
  }

  private constructor(
    store: PartitionStore,
    machine: ServerMachine,
    revision: number,
    salt: number,
    callbacks: HostCallbacks,
    policy: RewritePolicy | null,
  ) {
    this.#store = store;
    this.#machine = machine;
    this.#revision = revision;
    this.#decided = revision;
    this.#salt = salt;
    this.#callbacks = callbacks;
    this.#compactor = policy === null ? null : this.#newCompactor(policy);
  }

  #newCompactor(policy: RewritePolicy): Compactor {
    const { now, schedule, compacted, uncompacted } = this.#callbacks;
    return new Compactor(this.#store, policy, {
      machine: () => this.#machine,
      now,
      schedule,
      done: async (rewritten) => {
        const { log, cut } = this.partition;
        const passed = rewritten.plan.cut > cut ? passedBy(this.partition, rewritten.plan.cut) : [];
        const expires = passed.map(({ ident, baseVersion }) => ({ ident, version: baseVersion }));
        this.dispatch({ type: 'rewritten', rewritten, now: now() });
        await this.taken();
        if (this.partition.log.compactions > log.compactions)
          compacted?.({ ...rewritten.certificate, expires });
      },
      left: (message) => uncompacted?.(message),
      failed: (error) => this.#fail(error),
    });
  }

  /** The partition as decided so far. */
  get partition(): Partition {
    return this.#machine.partition;
  }

  /** That of the store, with which the partition is as it is here. */
  get revision(): number {
    return this.#decided;
  }

  /** `frame`: that of the event's message, where it is at hand. */
  dispatch(event: ServerEvent, frame?: Uint8Array): void {
    if (!this.#hasStopped) this.#enqueue(event, frame);
  }

  /**
   * Changes the partition as the server's own file. Resolves with the newest version once that is durable; rejects
   * with what `make` has answered or thrown, with the reason where the host has stopped, or else with what the
   * store says. `make` gets the records of `spaces`, too; none of them may be a space of the partition's own.
   */
  write(make: OwnRequest['make'], spaces: readonly string[] = []): Promise<number> {
    return new Promise((resolve, reject) => {
      const done = E.match(reject, resolve);
      if (this.#hasStopped) done(E.left(new GivenUp()));
      else this.#enqueue({ type: 'request', make, spaces, done });
    });
  }

  #enqueue(event: ServerEvent | OwnRequest, frame?: Uint8Array): void {
    this.#events.push(event);
    this.#frames.push(frame);
    if (!this.#isRunning) void this.#run();
  }

  /** Resolves when no event waits and everything decided has been performed; reads may still be under way. */
  idle(): Promise<void> {
    if (!this.#isRunning) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  /** Resolves when what was dispatched so far has been stepped through and is durable, or never will be. */
  taken(): Promise<void> {
    if (this.#events.length === 0 && !this.#isRunning) return Promise.resolve();
    return new Promise((resolve) => this.#taken.push(resolve));
  }

  /** The session's file once all that it has sent so far is integrated; null where the session is over. */
  async caughtUp(connection: number, number: number): Promise<FileRecord | null> {
    for (;;) {
      await this.taken();
      const session = sessionAt(this.#machine, sessionKey(connection, number));
      if (this.#hasStopped || session === undefined) return null;
      if (session.queue.length === 0) return fileOf(this.partition, session.ident) ?? null;
      // It waits for the store, whose answer is an event.
      await new Promise<void>((resolve) => this.#taken.push(resolve));
    }
  }

  /** Whether no session is bound, nothing is under way, and nothing would be lost with it. */
  get isUnused(): boolean {
    return (
      !this.#isRunning &&
      this.#events.length === 0 &&
      this.#machine.sessions.size === 0 &&
      this.#compactor?.isRunning !== true
    );
  }

  /** Does nothing more, and tells nobody. */
  stop(): void {
    this.#hasStopped = true;
    const given = this.#events;
    this.#events = [];
    for (const event of given) if (event.type === 'request') event.done(E.left(new GivenUp()));
    this.#compactor?.stop();
    this.#stopTick?.();
    if (!this.#isRunning) for (const resolve of this.#taken.splice(0)) resolve();
  }

  #fail(error: unknown): void {
    if (this.#hasStopped) return;
    this.stop();
    this.#callbacks.failed(error);
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    try {
      while (this.#events.length > 0) {
        await this.#gathered();
        const [events, frames] = [this.#events, this.#frames];
        [this.#events, this.#frames] = [[], []];
        const taken = this.#taken.splice(0);
        const effects = await this.#takeOrRefuse(events, frames);
        for (const resolve of taken) resolve();
        for (const effect of effects) if (!this.#hasStopped) this.#perform(effect);
      }
    } catch (error) {
      this.#fail(error);
    }
    this.#isRunning = false;
    if (!this.#hasStopped) this.#awaitTick();
    for (const resolve of [...this.#taken.splice(0), ...this.#idle.splice(0)]) resolve();
  }

  /** Resolves when no more events of this turn of the event loop are to be expected. */
  async #gathered(): Promise<void> {
    for (let seen = 0; seen < this.#events.length && seen < most; ) {
      seen = this.#events.length;
      for (let i = 0; i < between; i++) await Promise.resolve();
    }
  }

  /** Whoever waits for a write hears of its end, too, where nothing is performed any more. */
  async #takeOrRefuse(events: Events, frames: Frames): Promise<readonly ServerEffect[]> {
    try {
      return await this.#take(events, frames);
    } catch (error) {
      const reason = error instanceof Error ? error : new Error(String(error));
      for (const event of events) if (event.type === 'request') event.done(E.left(reason));
      throw error;
    }
  }

  /** Steps through the events and makes what they decide durable. */
  async #take(events: Events, frames: Frames): Promise<readonly ServerEffect[]> {
    const { track } = this.#callbacks;
    let base = this.#machine;
    const before: ServerEffect[] = [];
    const refresh = async (): Promise<void> => {
      const now = await loadWhole(this.#store, this.#salt);
      this.#revision = now.revision;
      const { partition } = now;
      const event: ServerEvent = { type: 'refreshed', partition, now: this.#callbacks.now() };
      const refreshed = this.#stepped(base, event, false);
      track?.keep();
      base = refreshed.machine;
      for (const effect of refreshed.effects) before.push(effect);
    };
    if (events.some(asksForNewest)) {
      const { revision } = await this.#store.load([]);
      if (revision !== this.#revision) await refresh();
    }
    const spaces = new Set(events.flatMap((event) => (event.type === 'request' ? event.spaces : [])));
    for (;;) {
      let records: readonly RecordEntry[] = [];
      if (spaces.size > 0) {
        const loaded = await this.#store.load([...spaces]);
        if (loaded.revision !== this.#revision) {
          await refresh();
          continue;
        }
        records = loaded.entries;
      }
      let machine = base;
      const effects: ServerEffect[] = before.slice();
      const batches: RecordBatch[] = [];
      const answers: (() => void)[] = [];
      for (const [i, given] of events.entries()) {
        const event = given.type === 'request' ? this.#made(given, machine, records, answers) : given;
        const next = this.#stepped(machine, event, i < events.length - 1, frames[i]);
        machine = next.machine;
        for (const effect of next.effects) {
          if (effect.type === 'commit') {
            batches.push(effect.batch);
            if (spaces.size > 0) records = withBatch(records, effect.batch);
          } else effects.push(effect);
        }
      }
      if (batches.length > 0) {
        const outcome = await this.#store.commit(this.#revision, inSequence(batches));
        if (outcome.type === 'conflict') {
          track?.drop();
          await refresh();
          continue;
        }
        this.#revision = outcome.revision;
      }
      this.#machine = machine;
      this.#decided = this.#revision;
      track?.keep();
      if (batches.length > 0) this.#compactor?.committed();
      for (const answer of answers) answer();
      return effects;
    }
  }

  #stepped(machine: ServerMachine, event: ServerEvent, isMore: boolean, frame?: Uint8Array): ServerStep {
    const taken = this.#callbacks.track?.attempt(machine, event, isMore, frame);
    return taken ?? serverStep(machine, event, isMore);
  }

  /** The request as an event; `answers`: to be called once the step is durable. */
  #made(
    { make, spaces, done }: OwnRequest,
    { partition }: ServerMachine,
    records: readonly RecordEntry[],
    answers: (() => void)[],
  ): ServerEvent {
    let write = nothingWritten;
    try {
      const made = make(
        partition.state,
        records.filter(({ space }) => spaces.includes(space)),
      );
      if (E.isLeft(made)) answers.push(() => done(made));
      else {
        write = made.right;
        const version = partition.head + (write.instructions.length > 0 ? 1 : 0);
        answers.push(() => done(E.right(version)));
      }
    } catch (error) {
      answers.push(() => done(E.left(error instanceof Error ? error : new Error(String(error)))));
    }
    return { type: 'written', write, now: this.#callbacks.now() };
  }

  /** While files are bound the machine is told that time passes: it notes that they are there. */
  #awaitTick(): void {
    if (this.#stopTick !== null || this.#machine.sessions.size === 0) return;
    const every = seenEvery(maxOfflineOf(this.#machine.config)) + 1;
    this.#stopTick = this.#callbacks.schedule(every, () => {
      this.#stopTick = null;
      this.dispatch({ type: 'tick', now: this.#callbacks.now() });
      this.#compactor?.look();
    });
  }

  #perform(effect: ServerEffect): void {
    if (effect.type === 'commit') return;
    if (effect.type !== 'read') {
      this.#callbacks.perform(effect);
      return;
    }
    const { space, from, to } = effect.range;
    this.#store.read(space, from, to, effect.maxBytes ?? EVERYTHING).then(
      (entries) => this.dispatch({ type: 'read', id: effect.id, entries, now: this.#callbacks.now() }),
      (error) => this.#fail(error),
    );
  }
}
