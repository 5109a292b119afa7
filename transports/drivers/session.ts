/**
 * What an app sees of the conversation of its file. Sessions are made by the client and live as long as
 * it; equality is identity.
 */
import {
  type ClientEvent,
  type ClientSession,
  type Decision,
  type LostWrite,
  lostBy,
} from '../../core/index.js';
import { SynclineError } from './error.js';

export type ConnectionState = 'disconnected' | 'connecting' | 'connected';

export interface WaitOptions {
  readonly signal?: AbortSignal;
}

/** One printable record: the answer to "why does it not sync?". */
export interface SessionDescription {
  readonly phase: ClientSession['phase'];
  readonly partition: string;
  readonly ident: number;
  readonly localVersion: number;
  readonly acknowledgedVersion: number;
  readonly serverVersion: number;
  readonly newestServerVersion: number;
  readonly pendingWrites: number;
  readonly attempts: number;
  /** Milliseconds since 1970 of the next attempt or timeout; null if nothing is planned. */
  readonly deadline: number | null;
  readonly failure: string | null;
}

type TimelessEvent = ClientEvent extends infer Event
  ? Event extends ClientEvent
    ? Omit<Event, 'now'>
    : never
  : never;

export interface SessionHost {
  readonly dispatch: (event: TimelessEvent) => void;
  readonly machine: () => ClientSession;
  /** Why nothing happens any more: the client was closed, or cannot save. Null while it works. */
  readonly ended: () => SynclineError | null;
}

interface Settlement {
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

const errorOf = (failure: ClientSession['failure']): SynclineError =>
  new SynclineError(
    'session',
    failure === null ? 'the session ended' : `${failure.name}: ${failure.message}`,
    failure,
  );

export class Session {
  readonly #host: SessionHost;
  readonly #waiting = new Map<number, Settlement>();
  readonly #failureListeners = new Set<(failure: SynclineError) => void>();
  readonly #decisionListeners = new Set<(decisions: readonly Decision[]) => void>();
  readonly #stateListeners = new Set<(previous: ConnectionState, current: ConnectionState) => void>();
  #nextWait = 1;
  /** The state that listeners were told last. */
  #told: ConnectionState = 'disconnected';
  #isTelling = false;

  /** Sessions are made by `openClient`. */
  constructor(host: SessionHost) {
    this.#host = host;
  }

  /** Whether the session tries to sync, connected or not. */
  get state(): 'active' | 'inactive' {
    const { phase } = this.#host.machine();
    return this.#host.ended() !== null || phase === 'paused' || phase === 'failed' ? 'inactive' : 'active';
  }

  get connectionState(): ConnectionState {
    if (this.#host.ended() !== null) return 'disconnected';
    switch (this.#host.machine().phase) {
      case 'connecting':
        return 'connecting';
      case 'binding':
      case 'catchingUp':
      case 'streaming':
      case 'unbinding':
        return 'connected';
      default:
        return 'disconnected';
    }
  }

  /** Ends the conversation until `resume`. Writes go on locally, and are uploaded then. */
  pause(): void {
    if (this.#host.ended() === null) this.#host.dispatch({ type: 'pause' });
  }

  /** Starts the conversation, or tries at once where it waits for its next attempt. */
  resume(): void {
    if (this.#host.ended() === null) this.#host.dispatch({ type: 'resume' });
  }

  /** Resolves when the server has durably integrated everything written here before the call. */
  waitForUpload(options: WaitOptions = {}): Promise<void> {
    return this.#wait('upload', options.signal);
  }

  /** Resolves when everything integrated on the server before the call is applied and saved here. */
  waitForDownload(options: WaitOptions = {}): Promise<void> {
    return this.#wait('download', options.signal);
  }

  /**
   * Calls `listener` with each error that ends or suspends the session, and with what listeners of any kind
   * throw: that disturbs neither the others nor the conversation. Only what this listener itself throws is
   * dropped. Answers the function that ends it.
   */
  onFailure(listener: (failure: SynclineError) => void): () => void {
    this.#failureListeners.add(listener);
    return () => void this.#failureListeners.delete(listener);
  }

  /** Calls `listener` with what merges on this device decided; only where the client was opened with `explain`. */
  onDecisions(listener: (decisions: readonly Decision[]) => void): () => void {
    this.#decisionListeners.add(listener);
    return () => void this.#decisionListeners.delete(listener);
  }

  /** Calls `listener` with each write of this device that a merge discarded; only where the client was opened with `explain`. */
  onLostWrite(listener: (lost: LostWrite) => void): () => void {
    return this.onDecisions((decisions) => {
      const own = this.#host.machine().file.ident;
      for (const decision of decisions) {
        const lost = lostBy(decision);
        if (lost !== null && lost.by.file === own) listener(lost);
      }
    });
  }

  onConnectionState(listener: (previous: ConnectionState, current: ConnectionState) => void): () => void {
    this.#stateListeners.add(listener);
    return () => void this.#stateListeners.delete(listener);
  }

  describe(): SessionDescription {
    const machine = this.#host.machine();
    const ended = this.#host.ended();
    const failure = machine.failure === null ? null : `${machine.failure.name}: ${machine.failure.message}`;
    const { file } = machine;
    return {
      phase: machine.phase,
      partition: machine.config.partition,
      ident: file.ident,
      localVersion: file.version,
      acknowledgedVersion: file.progress.upload.clientVersion,
      serverVersion: file.progress.download.serverVersion,
      newestServerVersion: file.progress.latest.version,
      pendingWrites: file.writes.to - file.writes.from,
      attempts: machine.attempts,
      deadline: ended === null ? machine.deadline : null,
      failure: ended?.message ?? failure,
    };
  }

  /** @internal For the driver: a waiter of this session has been answered. */
  settled(id: number, failure: ClientSession['failure']): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (failure === null) waiting?.resolve();
    else waiting?.reject(errorOf(failure));
  }

  /** @internal */
  failed(failure: ClientSession['failure']): void {
    this.tell(this.#failureListeners, errorOf(failure));
  }

  /** @internal */
  decided(decisions: readonly Decision[]): void {
    this.tell(this.#decisionListeners, decisions);
  }

  /** @internal Tells of a new connection state. What listeners do to it is told when all have heard. */
  moved(): void {
    if (this.#isTelling) return;
    this.#isTelling = true;
    for (let current = this.connectionState; current !== this.#told; current = this.connectionState) {
      const previous = this.#told;
      this.#told = current;
      this.tell(this.#stateListeners, previous, current);
    }
    this.#isTelling = false;
  }

  /** @internal Calls those that listen now, whatever they do. */
  tell<Args extends readonly unknown[]>(listeners: Iterable<(...args: Args) => void>, ...args: Args): void {
    for (const listener of [...listeners])
      try {
        listener(...args);
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        const failure = new SynclineError('listener', `a listener threw: ${why}`, error);
        for (const onFailure of [...this.#failureListeners])
          try {
            onFailure(failure);
          } catch {
            // There is nobody left to tell.
          }
      }
  }

  /** @internal Nothing will be answered any more. */
  ended(error: SynclineError): void {
    this.moved();
    for (const waiting of this.#waiting.values()) waiting.reject(error);
    this.#waiting.clear();
  }

  #wait(what: 'upload' | 'download', signal: AbortSignal | undefined): Promise<void> {
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
        resolve: () => finish(resolve),
        reject: (error) => finish(() => reject(error)),
      });
      this.#host.dispatch({ type: 'await', what, id });
    });
  }
}
