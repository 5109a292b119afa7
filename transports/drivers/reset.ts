/**
 * Runs client resets: downloads a fresh file beside the old one, recovers what was not synced, and hands both to
 * the machine for the switch. All of it happens beside the app's reads and writes, in portions of a few
 * milliseconds; what the switch itself has left to do is to commit.
 *
 * The fresh file is a client of its own, in the same store and on the same connection, that never uploads. What
 * it has downloaded stays across pauses and restarts. The app's callbacks may take as long as they like: until
 * they are done the old file is what there is.
 */
import * as E from 'fp-ts/lib/Either.js';
import {
  besideFile,
  type ClientEvent,
  type ClientFile,
  type ClientSession,
  changesWithin,
  type DataChanges,
  discarded,
  droppedIn,
  entriesAfter,
  entriesOf,
  hasFreshFile,
  loadFreshFile,
  newFreshFile,
  type PackedWrite,
  type PendingReset,
  type PreparedSwitch,
  packed,
  parkedOf,
  type RecordsBySpace,
  Recovery,
  type RecoveryReport,
  type ResetMode,
  reportOf,
  runLast,
  type Schema,
  schemaInstructions,
} from '../../core/index.js';
import type { ClientStore, Clock } from '../ports.js';
import { SynclineError } from './error.js';
import { Snapshot } from './snapshot.js';

export interface ResetOptions {
  /** What to do where the server asks for a client reset. */
  readonly mode: ResetMode;
  /** Called when the fresh data are there, and nothing has changed yet. Where it throws, nothing will. */
  readonly onBefore?: (before: Snapshot) => void | Promise<void>;
  /** Called when the reset is durable. */
  readonly onAfter?: (before: Snapshot, after: Snapshot, report: RecoveryReport) => void | Promise<void>;
  /** Called where the mode was to recover if possible, and it is not, and why. */
  readonly onFallback?: (reason: string) => void | Promise<void>;
}

/** What is not said is left to the app. */
export const manualReset: ResetOptions = { mode: 'manual' };

/** What a reset is at, for people and for programs. */
export interface ResetDescription {
  readonly stage: 'downloading' | 'before' | 'recovering';
  readonly performs: PendingReset['performs'];
  /** Whether the server was reached: its versions that are here, and that there are. */
  readonly downloadedVersion: number;
  readonly newestVersion: number;
  /** What stands in the way of the download now. */
  readonly failure: string | null;
}

/** The client of a fresh file, as far as a reset needs it. */
export interface BesideClient {
  /** Resolves when everything has come down that the server had. */
  download(signal: AbortSignal): Promise<void>;
  machine(): ClientSession;
  close(): Promise<void>;
}

type TimelessEvent = ClientEvent extends infer Event
  ? Event extends ClientEvent
    ? Omit<Event, 'now'>
    : never
  : never;

export interface ResetHost {
  readonly store: ClientStore;
  readonly schema: Schema;
  readonly clock: Clock;
  readonly options: ResetOptions;
  readonly machine: () => ClientSession;
  readonly dispatch: (event: TimelessEvent) => void;
  /** Opens the client of a fresh file. */
  readonly openBeside: (file: ClientFile, store: ClientStore) => BesideClient;
  /** Adds the classes of the schema that the fresh data lack. */
  readonly extend: () => void;
  /** Resolves when everything decided so far has been performed. */
  readonly settled: () => Promise<void>;
  readonly failed: (error: SynclineError) => void;
}

/** Milliseconds of work without a pause, by the host's clock. */
const PORTION = 8;

/** How often a fresh file is begun anew, because the server does not know it any more. */
const FRESH_STARTS = 3;

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

export class ResetRunner {
  readonly #host: ResetHost;
  /** As far as it was downloaded, while no reset runs. */
  #fresh: ClientFile | null;
  #running: AbortController | null = null;
  #beside: BesideClient | null = null;
  #stage: ResetDescription['stage'] = 'downloading';
  #changes: ReadonlyMap<string, DataChanges> | null = null;

  /** `stored`: what the store held when the file was opened. */
  constructor(host: ResetHost, stored: RecordsBySpace) {
    this.#host = host;
    this.#fresh = hasFreshFile(stored) ? loadFreshFile(host.machine().file, stored) : null;
  }

  get description(): ResetDescription | null {
    const { reset } = this.#host.machine();
    if (reset === null || this.#running === null) return null;
    const session = this.#beside?.machine() ?? null;
    const file = session?.file ?? this.#fresh;
    const failure = session?.failure ?? null;
    return {
      stage: this.#stage,
      performs: reset.performs,
      downloadedVersion: file?.progress.download.serverVersion ?? 0,
      newestVersion: file?.progress.latest.version ?? 0,
      failure: failure === null ? null : `${failure.name}: ${failure.message}`,
    };
  }

  /** What the switch that was made last has changed, where that was found out before. */
  get changes(): ReadonlyMap<string, DataChanges> | null {
    return this.#changes;
  }

  /** After each step of the machine: begins, or ends, what the phase asks for. */
  follow(): void {
    const isWanted = this.#host.machine().phase === 'resetting';
    if (isWanted && this.#running === null) {
      const running = new AbortController();
      this.#running = running;
      this.#run(running.signal)
        .catch((error: unknown) => this.#failed(error, running.signal))
        .finally(() => {
          if (this.#running === running) this.#running = null;
          this.follow();
        });
    } else if (!isWanted) this.stop();
  }

  /** Ends what is under way, and remembers what came down. */
  stop(): void {
    this.#running?.abort(new Error('the session was paused'));
    this.#running = null;
    this.#leave();
  }

  #leave(): void {
    if (this.#beside === null) return;
    this.#fresh = this.#beside.machine().file;
    void this.#beside.close();
    this.#beside = null;
  }

  #failed(error: unknown, signal: AbortSignal): void {
    if (signal.aborted || this.#host.machine().phase !== 'resetting') return;
    this.#leave();
    this.#fresh = null;
    this.#host.dispatch({ type: 'resetFailed', reason: textOf(error) });
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { options, machine } = this.#host;
    const pending = machine().reset;
    if (pending === null) return;
    const { fallback } = pending;
    if (fallback !== null) void this.#tell('onFallback', () => options.onFallback?.(fallback));
    this.#stage = 'downloading';
    const fresh = await this.#download(signal);
    if (signal.aborted) return;
    this.#stage = 'before';
    await options.onBefore?.(new Snapshot(machine().file.state));
    if (signal.aborted) return;
    this.#stage = 'recovering';
    await this.#switchSomehow(fresh, pending, signal);
  }

  /** What a callback throws when all is decided is told like what any listener throws. */
  async #tell(name: string, call: () => void | Promise<void> | undefined): Promise<void> {
    try {
      await call();
    } catch (error) {
      this.#host.failed(new SynclineError('listener', `${name} threw: ${textOf(error)}`, error));
    }
  }

  async #download(signal: AbortSignal): Promise<ClientFile> {
    const { store, openBeside, machine } = this.#host;
    const beside: ClientStore = {
      load: () => Promise.resolve([]),
      commit: (batch) => store.commit(besideFile(batch)),
      close: () => Promise.resolve(),
    };
    let fresh = this.#fresh ?? newFreshFile(machine().file);
    for (let start = 1; ; start++) {
      const client = openBeside(fresh, beside);
      this.#beside = client;
      try {
        await client.download(signal);
        fresh = client.machine().file;
        this.#fresh = fresh;
        return fresh;
      } catch (error) {
        // The server was exchanged meanwhile, or has forgotten the file: what came down of it is worth nothing.
        const isForgotten = client.machine().asked !== null;
        if (signal.aborted || !isForgotten || start === FRESH_STARTS) throw error;
        fresh = newFreshFile(machine().file);
      } finally {
        if (this.#beside === client) this.#beside = null;
        await client.close();
      }
    }
  }

  /**
   * Recovers and switches. Where the recovery itself fails and the mode allows it, takes the fresh data alone.
   * From the end of the recovery to the switch nobody else gets a turn: what was written between would be lost.
   */
  async #switchSomehow(fresh: ClientFile, pending: PendingReset, signal: AbortSignal): Promise<void> {
    const { machine, options } = this.#host;
    let performed = pending;
    let prepared: PreparedSwitch | null = null;
    while (prepared === null) {
      try {
        const finish = await this.#recovered(fresh, performed, signal);
        if (finish === null || signal.aborted) return;
        prepared = finish();
      } catch (error) {
        const mayDiscard = machine().config.reset === 'recoverOrDiscard' && performed.performs === 'recovery';
        if (!mayDiscard || signal.aborted) throw error;
        const fallback = `the recovery failed: ${textOf(error)}`;
        performed = { ...pending, performs: 'discard', fallback };
      }
    }
    this.#switch(prepared);
    const { fallback } = performed;
    if (fallback !== null && performed !== pending)
      void this.#tell('onFallback', () => options.onFallback?.(fallback));
  }

  #switch(prepared: PreparedSwitch): void {
    const { machine, options, dispatch, extend, settled } = this.#host;
    const before = new Snapshot(machine().file.state);
    this.#fresh = null;
    dispatch({ type: 'switched', prepared });
    const after = new Snapshot(machine().file.state);
    extend();
    const { report } = prepared;
    void settled().then(() => this.#tell('onAfter', () => options.onAfter?.(before, after, report)));
  }

  /**
   * What is left to do when all that takes time is done: to carry over what was written meanwhile, and to say
   * what it comes to, for a switch in the same turn. Null where it was stopped.
   */
  async #recovered(
    fresh: ClientFile,
    pending: PendingReset,
    signal: AbortSignal,
  ): Promise<(() => PreparedSwitch) | null> {
    const { machine, schema } = this.#host;
    const { cause } = pending;
    const { file, config } = machine();
    const integrated = cause.integrated ?? file.progress.upload.clientVersion;
    const unsynced = () => entriesAfter(machine().file.writes, integrated);
    const isRecovery = pending.performs === 'recovery';
    const recovery = new Recovery({
      base: file.base,
      fresh: fresh.base,
      state: file.state,
      ident: file.ident,
      rules: config.rules,
      rejected: cause.rejected.length === 0 ? null : { versions: cause.rejected, reason: cause.message },
    });
    const known = entriesOf(file.writes).filter(({ version }) => version <= integrated);
    if (!(await this.#inTurns(recovery.compare(known), signal))) return null;
    const serverVersion = fresh.progress.download.serverVersion;
    const writes: PackedWrite[] = [];
    const waiting = () =>
      isRecovery ? entriesAfter(machine().file.writes, Math.max(integrated, recovery.through)) : [];
    const carry = async (): Promise<boolean> => {
      const more = waiting();
      if (more.length === 0) return true;
      if (!(await this.#inTurns(recovery.carry(more), signal))) return false;
      const done = await this.#inTurns(packed(recovery.writes, serverVersion, writes.length), signal);
      if (done) writes.push(...done.result);
      return done !== null;
    };
    const carryNow = (): void => {
      runNow(recovery.carry(waiting()));
      writes.push(...runNow(packed(recovery.writes, serverVersion, writes.length)));
    };
    if (!(await carry())) return null;
    if (!(await this.#foreseeChanges(recovery, signal))) return null;
    return () => {
      // What was written in between is little, and merged without another turn.
      const through = runLast(machine().file.writes)?.version ?? 0;
      if (recovery.through < through) this.#changes = null;
      carryNow();
      const recovered = recovery.finish();
      const lacking = schemaInstructions(recovered.state, schema);
      if (E.isLeft(lacking))
        throw new Error(
          `the schema does not fit the fresh data: ${lacking.left.map(({ message }) => message).join('; ')}`,
        );
      const report = isRecovery ? recovered.report : discarded(unsynced(), pending.fallback);
      const nextId = Math.max(0, ...machine().parked.map(({ id }) => id)) + 1;
      return {
        fresh,
        base: recovered.base,
        state: recovered.state,
        writes,
        report: reportOf(report),
        parked: parkedOf(report, nextId),
        dropped: droppedIn(report),
        through,
      };
    };
  }

  /** Finds out what the switch will change, so that the app need not wait for that. */
  async #foreseeChanges(recovery: Recovery, signal: AbortSignal): Promise<boolean> {
    this.#changes = null;
    const { touched } = recovery;
    if (touched === null) return true;
    const before = this.#host.machine().file.state;
    const after = recovery.finish().state;
    const found = await this.#inTurns(changesWithin(before, after, touched), signal);
    if (found !== null) this.#changes = found.result;
    return found !== null;
  }

  /** Runs `work` in portions; null where it was stopped in between. */
  async #inTurns<Result>(
    work: Generator<undefined, Result, undefined>,
    signal: AbortSignal,
  ): Promise<{ readonly result: Result } | null> {
    const { clock } = this.#host;
    let since = clock.now();
    for (;;) {
      const step = work.next();
      if (step.done === true) return { result: step.value };
      if (clock.now() - since < PORTION) continue;
      await new Promise<void>((resolve) => void clock.schedule(0, resolve));
      if (signal.aborted) return null;
      since = clock.now();
    }
  }
}

const runNow = <Result>(work: Generator<undefined, Result, undefined>): Result => {
  for (;;) {
    const step = work.next();
    if (step.done === true) return step.value;
  }
};
