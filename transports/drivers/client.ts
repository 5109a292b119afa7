/**
 * The client driver: one file of one device, kept in a store and in conversation with a server.
 *
 * All decisions are the machine's (`core/session/client.ts`); here are the promises, the link and the timer.
 * A local write is decided and visible to reads at once; it is saved, and then sent, in the background.
 */
import * as E from 'fp-ts/lib/Either.js';
import {
  applyAll,
  type ClientConfig,
  type ClientEffect,
  type ClientEvent,
  type ClientFile,
  type ClientSession,
  type ClientStep,
  changes,
  clientStep,
  type DataChanges,
  type Explanation,
  explain,
  type Instruction,
  inSequence,
  type KeyArgument,
  newClientSession,
  type ObjectsView,
  type ObjectView,
  type PathArgument,
  type RecordBatch,
  resolveKey,
  retryDelay,
  type State,
  schemaInstructions,
  type Transaction,
  transact,
} from '../../core/client.js';
import type { ClientTrack } from '../../core/recording.js';
import type { Cancel, ClientStore } from '../ports.js';
import { Caller, chanceOf } from './caller.js';
import type { Receipt, Resets, Surroundings } from './client-options.js';
import { SynclineError, textOf } from './error.js';
import { noShape, type Shape } from './file-place.js';
import { Parking } from './parking.js';
import { Performer } from './performer.js';
import { type BesideClient, ResetRunner } from './reset.js';
import { Session } from './session.js';
import { Snapshot } from './snapshot.js';
import type { Timeless } from './timeless.js';

/** What a transaction comes to, or why it was not made. */
export type Written<Result> = ReturnType<typeof transact<Result>>;

/** What the peer is told of why a line ends. */
const endings = { done: 'normal', violation: 'protocolError', timeout: 'lost' } as const;

const closedError = (): SynclineError => new SynclineError('closed', 'the client is closed');

export class Client {
  readonly session: Session;
  /** Writes that have lost their place. */
  readonly parking: Parking;
  readonly #store: ClientStore;
  readonly #shape: Shape;
  readonly #around: Surroundings;
  readonly #performer: Performer<ClientEffect>;
  readonly #listeners = new Set<(changed: () => ReadonlyMap<string, DataChanges>) => void>();
  readonly #caller: Caller;
  readonly #stopRenewing: () => void;
  readonly #reset: ResetRunner | null;
  readonly #track: ClientTrack | undefined;
  #machine: ClientSession;
  #timer: Cancel = () => undefined;
  #failure: SynclineError | null = null;
  #isWriting = false;
  #closing: Promise<void> | null = null;

  /** Use `openClient`. */
  constructor(
    store: ClientStore,
    shape: Shape,
    machine: ClientSession,
    around: Surroundings,
    resets: Resets | null,
  ) {
    this.#store = store;
    this.#track = around.recorder?.client(machine.config.partition);
    this.#shape = shape;
    this.#machine = machine;
    this.#around = around;
    this.#performer = new Performer<ClientEffect>(
      (effects, from) => this.#perform(effects, from),
      (error) => this.#storeFailed(error),
    );
    const { lines, tokens, entropy } = around;
    this.#caller = new Caller({
      lines,
      tokens,
      entropy,
      now: () => this.#now(),
      isListening: () => this.#failure === null && this.#closing === null,
      heard: (event, frame) => this.#happened(event, frame),
    });
    this.session = new Session({
      path: store.place ?? null,
      user: tokens.user,
      now: () => this.#now(),
      dispatch: (event) => this.#happened(event),
      machine: () => this.#machine,
      links: () => this.#caller.links,
      reset: () => this.#reset?.description ?? null,
      ended: () => this.#failure ?? (this.#closing === null ? null : closedError()),
    });
    this.parking = new Parking({
      parked: () => this.#machine.parked,
      state: () => this.#machine.file.state,
      dismiss: (id) => this.#happened({ type: 'dismiss', id }),
      write: (body, id) => this.#writing(body, id),
      transact: (body) => this.#transact(body),
    });
    this.#reset = resets === null ? null : this.#resetRunner(resets);
    this.#stopRenewing = tokens.whenRenewed(() => {
      if (this.session.state === 'active') this.#happened({ type: 'renewed' });
    });
  }

  /** @internal Commits schema instructions, which lead to `state`. */
  async extend(instructions: readonly Instruction[], state: State): Promise<void> {
    await this.#write(instructions, state).saved;
  }

  /**
   * Runs a transaction: `body` changes objects through `tx`, and all of it becomes one changeset, or, where
   * it throws, nothing. Reads see it when this returns. Throws a `SynclineError` that names the place where
   * a write does not fit the schema, or where `body` itself calls `write`.
   */
  write<Result>(body: (tx: Transaction) => Result): Receipt<Result> {
    return this.#writing(() => this.#transact(body));
  }

  #writing<Result>(body: () => Written<Result>, unparks?: number): Receipt<Result> {
    if (this.#failure !== null) throw this.#failure;
    if (this.#closing !== null) throw closedError();
    if (this.#isWriting)
      throw new SynclineError('write', 'a transaction is under way: write through its `tx`');
    const done = body();
    if (E.isLeft(done)) throw new SynclineError('write', done.left.message, done.left);
    const { instructions, state, result } = done.right;
    if (instructions.length > 0) return this.#receipt(result, this.#write(instructions, state, unparks));
    if (unparks !== undefined) this.parking.dismiss(unparks);
    return this.#receipt(result, { version: this.#machine.file.version, saved: Promise.resolve() });
  }

  #receipt<Result>(result: Result, made: Pick<Receipt<Result>, 'version' | 'saved'>): Receipt<Result> {
    return { result, ...made, integrated: (options) => this.session.integrated(made.version, options) };
  }

  /** One object as a frozen plain record, or null if there is none. */
  object(className: string, key: KeyArgument): ObjectView | null {
    return this.#snapshot.object(className, key);
  }

  /** All objects of a class as they are now, ordered by primary key; later writes do not change the result. */
  objects(className: string): ObjectsView {
    return this.#snapshot.objects(className);
  }

  /**
   * Calls `listener` after each commit that changed objects of the class, local or downloaded, once it is
   * durable. Answers the function that ends it.
   */
  observe(className: string, listener: (changed: DataChanges) => void): () => void {
    this.objects(className);
    const notify = (all: () => ReadonlyMap<string, DataChanges>) => {
      const changed = all().get(className);
      if (changed !== undefined) listener(changed);
    };
    this.#listeners.add(notify);
    return () => void this.#listeners.delete(notify);
  }

  /**
   * Which write gave a property (or, without `path`, an object) its present value, and which writes lost
   * there, to whom, by which rule. Knows what happened since the client was opened; null unless it was
   * opened with `explain`.
   */
  explain(className: string, key: KeyArgument, path: PathArgument = []): Explanation | null {
    const resolved = resolveKey(this.#machine.file.state, className, key);
    if (E.isLeft(resolved)) throw new SynclineError('read', resolved.left.message, resolved.left);
    const { explanations } = this.#machine;
    if (explanations === null) return null;
    return explain(explanations, className, resolved.right, typeof path === 'string' ? [path] : path);
  }

  /** 32 hex digits that are equal on two replicas exactly when their contents are. */
  digest(): string {
    return this.#snapshot.digest();
  }

  /**
   * The app has reason to believe that the server can be reached now: tries at once where the session waits
   * for its next attempt, and finds out soon whether a link that seems open still is.
   */
  reconnect(): void {
    if (this.#failure !== null || this.#closing !== null) return;
    this.#happened({ type: 'reconnect' });
    this.#reset?.hurry();
  }

  /** Ends the conversation, waits until everything decided is on disk, and closes the store. Idempotent. */
  close(): Promise<void> {
    if (this.#closing !== null) return this.#closing;
    this.session.pause();
    // A listener of that may have closed it already.
    this.#closing ??= this.#close();
    this.#around.closing(this);
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#reset?.stop();
    await this.#performer.settled();
    this.#timer();
    this.#stopRenewing();
    this.#caller.disconnect({ code: 'normal', message: 'the client closes' });
    this.session.ended(closedError());
    await this.#store.close();
  }

  get #snapshot(): Snapshot {
    return new Snapshot(this.#machine.file.state);
  }

  #resetRunner({ options, stored }: Resets): ResetRunner {
    const around: Surroundings = { ...this.#around, closing: () => undefined };
    const openBeside = (file: ClientFile, store: ClientStore): BesideClient => {
      const { partition, rules, timing } = this.#machine.config;
      const config: ClientConfig = { partition, rules, timing, explain: false, downloadsOnly: true };
      const client = new Client(store, noShape, newClientSession(config, file), around, null);
      client.session.resume();
      return {
        download: (signal) => client.session.waitForDownload({ signal }),
        machine: () => client.#machine,
        close: () => client.close(),
      };
    };
    return new ResetRunner(
      {
        store: this.#store,
        schema: this.#shape.schema,
        clock: this.#around.clock,
        options,
        loadRecovery: this.#around.loadRecovery,
        retryDelay: (attempts) => retryDelay(around.timing, attempts, chanceOf(around.entropy)),
        machine: () => this.#machine,
        dispatch: (event) => this.#happened(event),
        openBeside,
        extend: () => this.#extendNow(),
        settled: () => this.#performer.settled(),
        failed: (error) => this.session.failed(error),
      },
      stored,
    );
  }

  /** Adds what the data lack of the schema, which does not contradict them. */
  #extendNow(): void {
    const { state } = this.#machine.file;
    const additions = schemaInstructions(state, this.#shape.schema);
    if (E.isLeft(additions) || additions.right.length === 0) return;
    const extended = applyAll(state, additions.right);
    if (E.isRight(extended)) this.#write(additions.right, extended.right);
  }

  #transact<Result>(body: (tx: Transaction) => Result): Written<Result> {
    this.#isWriting = true;
    try {
      return transact(this.#machine.file.state, this.#shape.schema, body, undefined, this.#shape.key);
    } finally {
      this.#isWriting = false;
    }
  }

  #write(
    instructions: readonly Instruction[],
    state: State,
    unparks?: number,
  ): { readonly version: number; readonly saved: Promise<void> } {
    const parts = unparks === undefined ? {} : { unparks };
    const next = this.#dispatch({ type: 'write', instructions, state, ...parts, now: this.#now() });
    for (const effect of next.effects)
      if (effect.type === 'refused') throw new SynclineError('write', effect.message);
    const saved = this.#performer.settled().then(() => {
      if (this.#failure !== null) throw this.#failure;
    });
    // A caller who does not wait learns of the failure from the next call.
    saved.catch(() => undefined);
    return { version: next.session.file.version, saved };
  }

  #happened(event: Timeless<ClientEvent>, frame?: Uint8Array): void {
    this.#dispatch({ ...event, now: this.#now() }, frame);
  }

  #dispatch(event: ClientEvent, frame?: Uint8Array): ClientStep {
    const next = this.#track?.take(this.#machine, event, frame) ?? clientStep(this.#machine, event);
    this.#machine = next.session;
    // Before anybody is told, who may cause the next step.
    this.#performer.push(next.effects);
    this.session.moved();
    this.#reset?.follow();
    return next;
  }

  /** Commits that stand next to each other become one; everything else is performed alone. */
  #perform(effects: readonly ClientEffect[], from: number): number | Promise<number> {
    const first = effects[from] as ClientEffect;
    if (first.type !== 'commit') {
      this.#performOne(first);
      return from + 1;
    }
    const batches: RecordBatch[] = [];
    let at = from;
    for (let next = effects[at]; next?.type === 'commit'; next = effects[at]) {
      batches.push(next.batch);
      at++;
    }
    return this.#store.commit(inSequence(batches)).then(() => at);
  }

  #performOne(effect: Exclude<ClientEffect, { type: 'commit' }>): void {
    switch (effect.type) {
      case 'connect':
        this.#caller.connect(effect.refused, effect.urgent);
        return;
      case 'authorize':
        this.#caller.authorize();
        return;
      case 'disconnect':
        this.#caller.disconnect({ code: endings[effect.cause], message: effect.message });
        return;
      case 'send':
        this.#caller.send(effect.message);
        return;
      case 'timer':
        this.#setTimer(effect.at);
        return;
      case 'changed':
        this.#tell(effect);
        return;
      case 'decided':
        this.session.decided(effect.decisions);
        return;
      case 'settled':
        this.session.settled(effect.id, effect.failure);
        return;
      case 'failed':
        this.session.sessionFailed(effect.failure);
        return;
      case 'refused':
        return;
    }
  }

  /** Calls those that listen now, whatever they do. */
  #tell({ before, after, cause }: Extract<ClientEffect, { type: 'changed' }>): void {
    let known = cause === 'reset' ? (this.#reset?.changes ?? null) : null;
    const all = () => {
      known ??= changes(before, after);
      return known;
    };
    for (const listener of [...this.#listeners])
      try {
        listener(all);
      } catch (error) {
        this.session.failed(new SynclineError('listener', `a listener threw: ${textOf(error)}`, error));
      }
  }

  #setTimer(at: number | null): void {
    this.#timer();
    this.#timer = () => undefined;
    if (at === null) return;
    const { clock, entropy } = this.#around;
    const wait = Math.max(0, at - clock.now());
    this.#timer = clock.schedule(wait, () => this.#happened({ type: 'timer', chance: chanceOf(entropy) }));
  }

  #storeFailed(error: unknown): void {
    this.#failure = new SynclineError(
      'store',
      `what was written could not be saved: ${textOf(error)}`,
      error,
    );
    this.#timer();
    this.#stopRenewing();
    this.#caller.disconnect({ code: 'goingAway', message: 'the device cannot save' });
    this.session.failed(this.#failure);
    this.session.ended(this.#failure);
  }

  #now(): number {
    return this.#around.clock.now();
  }
}
