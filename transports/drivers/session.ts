/**
 * What an app sees of the conversation of its file. Sessions are made by the client and live as long as
 * it; equality is identity.
 */
import {
  type ClientEvent,
  type ClientSession,
  type Decision,
  type Direction,
  type LostWrite,
  lostBy,
  type Progress,
  type ProgressMode,
  type ResetMode,
} from '../../core/client.js';
import { description, type LinkHistory, type PastError, type SessionDescription } from './description.js';
import { SynclineError } from './error.js';
import { Feed, type Reader, type WatchOptions } from './feed.js';
import { directionOf, oneOf, performedModes, progressModes } from './given.js';
import { ProgressWatches } from './progress.js';
import type { ResetDescription } from './reset.js';
import type { Timeless } from './timeless.js';

/** The physical state: whether there is a link to the server. */
export type ConnectionState = 'disconnected' | 'connecting' | 'connected';

export interface ConnectionStateChange {
  readonly previous: ConnectionState;
  readonly current: ConnectionState;
}

export interface WaitOptions {
  /** Ends the waiting, by rejecting with its reason. */
  readonly signal?: AbortSignal;
}

export interface SessionHost {
  readonly path: string | null;
  readonly user: string | null;
  readonly now: () => number;
  readonly dispatch: (event: Timeless<ClientEvent>) => void;
  readonly machine: () => ClientSession;
  readonly links: () => LinkHistory;
  readonly reset: () => ResetDescription | null;
  /** Why nothing happens any more: the client was closed, or cannot save. Null while it works. */
  readonly ended: () => SynclineError | null;
}

interface Settlement {
  /** The write that it is about; null where it is about all. */
  readonly version: number | null;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** Errors that a description names. */
const MOST_ERRORS = 10;

const errorOf = (failure: ClientSession['failure'], version: number | null = null): SynclineError =>
  new SynclineError(
    version !== null && failure?.rejected?.includes(version) === true ? 'rejected' : 'session',
    failure === null ? 'the session ended' : `${failure.name}: ${failure.message}`,
    failure,
  );

export class Session {
  readonly #host: SessionHost;
  readonly #waiting = new Map<number, Settlement>();
  readonly #states = new Feed<ConnectionStateChange>();
  readonly #failures = new Feed<SynclineError>();
  readonly #decisions = new Feed<readonly Decision[]>((on) => this.#record(on));
  readonly #conflicts = new Feed<LostWrite>((on) => this.#record(on));
  readonly #progress = new ProgressWatches();
  /** Readers of progress that end with the session, and not by themselves. */
  readonly #following = new Set<Reader<Progress>>();
  readonly #errors: PastError[] = [];
  #recorders = 0;
  #nextWait = 1;
  /** The state that readers were told last. */
  #told: ConnectionState = 'disconnected';

  /** Sessions are made by `openClient`. */
  constructor(host: SessionHost) {
    this.#host = host;
  }

  /** Where the local file lies; null where its store has no place. */
  get path(): string | null {
    return this.#host.path;
  }

  /** Whose tokens are sent; null where their source does not say. */
  get user(): string | null {
    return this.#host.user;
  }

  /** Whether the session tries to sync, connected or not. */
  get state(): 'active' | 'inactive' {
    const { phase, held } = this.#host.machine();
    const isPaused = held.upload && held.download;
    return this.#host.ended() !== null || isPaused || phase === 'failed' ? 'inactive' : 'active';
  }

  get connectionState(): ConnectionState {
    if (this.#host.ended() !== null) return 'disconnected';
    const { phase, linked } = this.#host.machine();
    if (linked) return 'connected';
    return phase === 'connecting' ? 'connecting' : 'disconnected';
  }

  /** Every change from now on. */
  connectionStateChanges(
    options: WatchOptions = {},
  ): AsyncIterableIterator<ConnectionStateChange, undefined> {
    return this.#states.read(options);
  }

  /**
   * Ends the conversation until `resume`, or one direction of it. Writes go on locally, and are uploaded then.
   * With both directions paused the session is `inactive`.
   */
  pause(direction?: Direction): void {
    this.#act('pause', direction);
  }

  /** Starts the conversation, or tries at once where it waits for its next attempt. */
  resume(direction?: Direction): void {
    this.#act('resume', direction);
  }

  /**
   * Resolves when the server has durably integrated everything written here before the call, but for what client
   * resets had dropped by then. Rejects where one drops any of it meanwhile: discards or parks it.
   */
  waitForUpload(options: WaitOptions = {}): Promise<void> {
    return this.#wait({ type: 'await', what: 'upload' }, options.signal);
  }

  /** Resolves when everything integrated on the server before the call is applied and saved here. */
  waitForDownload(options: WaitOptions = {}): Promise<void> {
    return this.#wait({ type: 'await', what: 'download' }, options.signal);
  }

  /**
   * Resolves when the server has durably integrated the write that took client version `version`
   * (`receipt.version`), also one of an earlier run. Rejects where the session fails before that: with an
   * error of the area `rejected` where it is this write that the server cannot integrate; and where a client
   * reset has dropped it, or a part of it.
   */
  integrated(version: number, options: WaitOptions = {}): Promise<void> {
    const newest = this.#host.machine().file.version;
    if (!Number.isSafeInteger(version) || version < 0 || version > newest)
      return Promise.reject(
        new SynclineError('session', `client version ${version} does not exist, ${newest} is the newest`),
      );
    return this.#wait({ type: 'await', what: 'upload', version }, options.signal);
  }

  /**
   * How far an upload or a download has come, whenever that changes. `reportIndefinitely` follows whatever is
   * added; `forCurrentlyOutstandingWork` takes what is outstanding now for its target, and ends with the item
   * that says 1, or throws what a wait would reject with. A slow reader gets the newest item.
   */
  progress(
    direction: Direction,
    mode: ProgressMode,
    { signal }: WatchOptions = {},
  ): AsyncIterableIterator<Progress, undefined> {
    directionOf(direction);
    oneOf('mode', mode, progressModes);
    const machine = this.#host.machine();
    let reader: Reader<Progress>;
    if (mode === 'reportIndefinitely') {
      reader = this.#progress.follow(direction, machine);
      if (this.#host.ended() !== null) reader.end();
      else this.#following.add(reader);
      reader.whenLeft(() => this.#following.delete(reader));
    } else {
      const left = new AbortController();
      const done =
        direction === 'upload'
          ? this.integrated(machine.file.version, { signal: left.signal })
          : this.waitForDownload({ signal: left.signal });
      reader = this.#progress.settle(direction, machine, done);
      reader.whenLeft(() => left.abort());
    }
    reader.follow(signal);
    return reader;
  }

  /**
   * Each error that ends or suspends the session, and what listeners of `observe` throw, from now on. Ends
   * with the client.
   */
  errors(options: WatchOptions = {}): AsyncIterableIterator<SynclineError, undefined> {
    return this.#failures.read(options);
  }

  /** Each write of this device that a merge discards from now on: what it was, who won, and by which rule. */
  conflicts(options: WatchOptions = {}): AsyncIterableIterator<LostWrite, undefined> {
    return this.#conflicts.read(options);
  }

  /** Everything that merges on this device decide from now on, download by download. */
  decisions(options: WatchOptions = {}): AsyncIterableIterator<readonly Decision[], undefined> {
    return this.#decisions.read(options);
  }

  /**
   * Resets the file, where the server has asked for that and it was left to the app: the session is inactive
   * then, and its failure has the action `ClientReset`. Does nothing otherwise.
   */
  reset(mode: Exclude<ResetMode, 'manual'>): void {
    oneOf('mode', mode, performedModes);
    if (this.#host.ended() === null) this.#host.dispatch({ type: 'reset', mode });
  }

  describe(): SessionDescription {
    const { path, user } = this.#host;
    return description({
      machine: this.#host.machine(),
      path,
      user,
      ended: this.#host.ended(),
      links: this.#host.links(),
      reset: this.#host.reset(),
      errors: [...this.#errors],
    });
  }

  /** For logs, in one line: which file, and what it is at. */
  toString(): string {
    const { path, partition, phase } = this.describe();
    return `session of ${path ?? 'a file'}, partition ${JSON.stringify(partition)}: ${phase}`;
  }

  /** @internal For the driver: a waiter of this session has been answered. */
  settled(id: number, failure: ClientSession['failure']): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (failure === null) waiting?.resolve();
    else waiting?.reject(errorOf(failure, waiting.version));
  }

  /** @internal */
  failed(error: SynclineError): void {
    this.#errors.push({ at: this.#host.now(), message: error.message });
    if (this.#errors.length > MOST_ERRORS) this.#errors.shift();
    this.#failures.push(error);
  }

  /** @internal */
  sessionFailed(failure: ClientSession['failure']): void {
    this.failed(errorOf(failure));
  }

  /** @internal */
  decided(decisions: readonly Decision[]): void {
    this.#decisions.push(decisions);
    const own = this.#host.machine().file.ident;
    for (const decision of decisions) {
      const lost = lostBy(decision);
      if (lost !== null && lost.by.file === own) this.#conflicts.push(lost);
    }
  }

  /** @internal After each step of the machine. */
  moved(): void {
    const previous = this.#told;
    const current = this.connectionState;
    if (current !== previous) {
      this.#told = current;
      this.#states.push({ previous, current });
    }
    this.#progress.moved(this.#host.machine());
  }

  /** @internal Nothing will be answered any more. */
  ended(error: SynclineError): void {
    this.moved();
    for (const waiting of this.#waiting.values()) waiting.reject(error);
    this.#waiting.clear();
    for (const feed of [this.#states, this.#failures, this.#decisions, this.#conflicts]) feed.end();
    for (const reader of [...this.#following]) reader.end();
    this.#progress.end();
  }

  #act(type: 'pause' | 'resume', direction: Direction | undefined): void {
    if (direction !== undefined) directionOf(direction);
    if (this.#host.ended() !== null) return;
    this.#host.dispatch(direction === undefined ? { type } : { type, direction });
  }

  /** Counts those who want to hear what merges decide. */
  #record(on: boolean): void {
    this.#recorders += on ? 1 : -1;
    if (this.#host.ended() === null) this.#host.dispatch({ type: 'record', on: this.#recorders > 0 });
  }

  #wait(
    what: Omit<Extract<Timeless<ClientEvent>, { type: 'await' }>, 'id'>,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    if (signal?.aborted === true) return Promise.reject(signal.reason);
    const ended = this.#host.ended();
    if (ended !== null) return Promise.reject(ended);
    const id = this.#nextWait++;
    return new Promise<void>((resolve, reject) => {
      const abort = () => {
        this.#waiting.delete(id);
        this.#host.dispatch({ type: 'abandon', id });
        reject(signal?.reason);
      };
      const finish = (end: () => void) => {
        signal?.removeEventListener('abort', abort);
        end();
      };
      signal?.addEventListener('abort', abort, { once: true });
      this.#waiting.set(id, {
        version: what.version ?? null,
        resolve: () => finish(resolve),
        reject: (error) => finish(() => reject(error)),
      });
      this.#host.dispatch({ ...what, id });
    });
  }
}
