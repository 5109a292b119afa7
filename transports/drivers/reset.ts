/**
 * Runs client resets: downloads a fresh file beside the old one, has what was not synced recovered
 * (`recovery.ts`), and hands both to the machine for the switch. All of it happens beside the app's reads and
 * writes; what the switch itself has left to do is to commit.
 *
 * The fresh file is a client of its own, in the same store and on the same connection, that never uploads. What
 * it has downloaded stays across pauses and restarts. The app's callbacks may take as long as they like: until
 * they are done the old file is what there is.
 *
 * The module that recovers is loaded when the fresh data are there: then the network works that it may have to
 * come over. Where it cannot be loaded all the same, it is asked for again, ever less often, and the old file
 * stays as it is, unsynced writes and all. Some browsers remember for the life of a page that a module could not
 * be fetched; the reset goes on there when the page is loaded again.
 */
import {
  besideFile,
  type ClientEvent,
  type ClientFile,
  type ClientSession,
  type DataChanges,
  hasFreshFile,
  loadFreshFile,
  newFreshFile,
  type PendingReset,
  type RecordsBySpace,
  type RecoveryReport,
  type ResetMode,
  type Schema,
} from '../../core/client.js';
import type { ClientStore, Clock } from '../ports.js';
import { SynclineError, textOf } from './error.js';
import type { Recovered, recovered } from './recovery.js';
import { Snapshot } from './snapshot.js';
import type { Timeless } from './timeless.js';

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
  readonly stage: 'downloading' | 'loading' | 'before' | 'recovering';
  readonly performs: PendingReset['performs'];
  /** Whether the server was reached: its versions that are here, and that there are. */
  readonly downloadedVersion: number;
  readonly newestVersion: number;
  /** What stands in the way of the download, or of loading the code that recovers, now. */
  readonly failure: string | null;
  /** When that code is asked for again, in milliseconds since 1970; null where it is not waited for. */
  readonly nextAttempt: number | null;
}

/** Loads what a recovery needs and an app's start does not. */
export type LoadRecovery = () => Promise<{ readonly recovered: typeof recovered }>;

export const loadRecovery: LoadRecovery = () => import('./recovery.js');

/** The client of a fresh file, as far as a reset needs it. */
export interface BesideClient {
  /** Resolves when everything has come down that the server had. */
  download(signal: AbortSignal): Promise<void>;
  machine(): ClientSession;
  close(): Promise<void>;
}

export interface ResetHost {
  readonly store: ClientStore;
  readonly schema: Schema;
  readonly clock: Clock;
  readonly options: ResetOptions;
  readonly loadRecovery: LoadRecovery;
  /** Milliseconds until the next attempt, after so many that have failed. */
  readonly retryDelay: (attempts: number) => number;
  readonly machine: () => ClientSession;
  readonly dispatch: (event: Timeless<ClientEvent>) => void;
  /** Opens the client of a fresh file. */
  readonly openBeside: (file: ClientFile, store: ClientStore) => BesideClient;
  /** Adds the classes of the schema that the fresh data lack. */
  readonly extend: () => void;
  /** Resolves when everything decided so far has been performed. */
  readonly settled: () => Promise<void>;
  readonly failed: (error: SynclineError) => void;
}

/** How often a fresh file is begun anew, because the server does not know it any more. */
const FRESH_STARTS = 3;

export class ResetRunner {
  readonly #host: ResetHost;
  /** As far as it was downloaded, while no reset runs. */
  #fresh: ClientFile | null;
  #running: AbortController | null = null;
  #beside: BesideClient | null = null;
  #stage: ResetDescription['stage'] = 'downloading';
  /** Why the code that recovers is not there yet. */
  #unloaded: Pick<ResetDescription, 'failure' | 'nextAttempt'> | null = null;
  #hurry: () => void = () => undefined;
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
      nextAttempt: null,
      ...this.#unloaded,
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

  /** Asks at once for the code that could not be loaded. */
  hurry(): void {
    this.#hurry();
  }

  #leave(): void {
    this.#unloaded = null;
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
    this.#stage = 'loading';
    const recover = await this.#load(signal);
    if (recover === null) return;
    this.#stage = 'before';
    await options.onBefore?.(new Snapshot(machine().file.state));
    if (signal.aborted) return;
    this.#stage = 'recovering';
    await this.#switchSomehow(recover, fresh, pending, signal);
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

  /** The code that recovers; null where the reset was stopped before it came. */
  async #load(signal: AbortSignal): Promise<typeof recovered | null> {
    const { clock, failed, loadRecovery, retryDelay } = this.#host;
    for (let attempts = 0; ; attempts++) {
      try {
        const module = await loadRecovery();
        if (signal.aborted) return null;
        this.#unloaded = null;
        return module.recovered;
      } catch (error) {
        if (signal.aborted) return null;
        const failure = `the code that a client reset needs could not be loaded: ${textOf(error)}`;
        if (attempts === 0) failed(new SynclineError('session', `${failure}; it is asked for again`, error));
        const wait = retryDelay(attempts);
        this.#unloaded = { failure, nextAttempt: clock.now() + wait };
        await new Promise<void>((resolve) => {
          const cancel = clock.schedule(wait, resolve);
          this.#hurry = () => {
            cancel();
            resolve();
          };
          signal.addEventListener('abort', this.#hurry, { once: true });
        });
        this.#hurry = () => undefined;
        if (signal.aborted) return null;
      }
    }
  }

  /**
   * Recovers and switches. Where the recovery itself fails and the mode allows it, takes the fresh data alone.
   * From the end of the recovery to the switch nobody else gets a turn: what was written between would be lost.
   */
  async #switchSomehow(
    recover: typeof recovered,
    fresh: ClientFile,
    pending: PendingReset,
    signal: AbortSignal,
  ): Promise<void> {
    const { machine, options, schema, clock } = this.#host;
    let performed = pending;
    let done: Recovered | null = null;
    while (done === null) {
      try {
        const finish = await recover({ fresh, pending: performed, schema, clock, machine }, signal);
        if (finish === null || signal.aborted) return;
        done = finish();
      } catch (error) {
        const mayDiscard = machine().config.reset === 'recoverOrDiscard' && performed.performs === 'recovery';
        if (!mayDiscard || signal.aborted) throw error;
        const fallback = `the recovery failed: ${textOf(error)}`;
        performed = { ...pending, performs: 'discard', fallback };
      }
    }
    this.#switch(done);
    const { fallback } = performed;
    if (fallback !== null && performed !== pending)
      void this.#tell('onFallback', () => options.onFallback?.(fallback));
  }

  #switch({ prepared, changes }: Recovered): void {
    const { machine, options, dispatch, extend, settled } = this.#host;
    const before = new Snapshot(machine().file.state);
    this.#fresh = null;
    this.#changes = changes;
    dispatch({ type: 'switched', prepared });
    const after = new Snapshot(machine().file.state);
    extend();
    const { report } = prepared;
    void settled().then(() => this.#tell('onAfter', () => options.onAfter?.(before, after, report)));
  }
}
