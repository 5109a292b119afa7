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
  type ClientSession,
  type ClientStep,
  changes,
  clientStep,
  type DataChanges,
  decodeSchema,
  decodeServerMessage,
  defaultTiming,
  digest,
  type Explanation,
  encodeMessage,
  explain,
  type Instruction,
  inSequence,
  type KeyArgument,
  loadClientFile,
  newClientSession,
  type ObjectsView,
  type ObjectView,
  objects,
  type PathArgument,
  type RecordBatch,
  type RuleSet,
  readObject,
  resolveKey,
  type Schema,
  type State,
  schemaInstructions,
  syncline,
  type Timing,
  type Transaction,
  transact,
} from '../../core/index.js';
import { systemClock, systemEntropy } from '../clock.js';
import type {
  Cancel,
  ClientStore,
  Clock,
  CloseReason,
  Connector,
  Entropy,
  Link,
  TokenSource,
} from '../ports.js';
import { SynclineError } from './error.js';
import { Performer } from './performer.js';
import { Session } from './session.js';

export interface ClientOptions {
  /** Class configurations, as `decodeSchema` takes them. */
  readonly schema: unknown;
  readonly store: ClientStore;
  readonly connector: Connector;
  readonly partition: string;
  readonly token?: TokenSource;
  /** Report what merges decide, through `session.onDecisions`. */
  readonly explain?: boolean;
  readonly rules?: RuleSet;
  readonly timing?: Partial<Timing>;
  readonly clock?: Clock;
  readonly entropy?: Entropy;
  /** Whether to connect at once; default true. */
  readonly connect?: boolean;
}

/** A transaction that has been made. */
export interface Receipt<Result> {
  readonly result: Result;
  /** The client version that it took; that of the last commit where it changed nothing. */
  readonly version: number;
  /** Resolves once the write is on this device's disk. */
  readonly saved: Promise<void>;
}

const noToken: TokenSource = { token: () => Promise.resolve('') };

/** Opens a file: reads its store, adds the classes and properties that it lacks, and lets it sync. */
export const openClient = async (options: ClientOptions): Promise<Client> => {
  const schema = decodeSchema(options.schema);
  if (E.isLeft(schema)) throw SynclineError.ofList('schema', 'the schema is not valid', schema.left);
  const file = loadClientFile(await options.store.load());
  if (E.isLeft(file)) throw new SynclineError('store', file.left.message, file.left);
  const { state } = file.right;
  const additions = schemaInstructions(state, schema.right);
  if (E.isLeft(additions))
    throw SynclineError.ofList('schema', 'the schema does not fit the file', additions.left);
  const extended = applyAll(state, additions.right);
  if (E.isLeft(extended)) throw new SynclineError('schema', extended.left.message, extended.left);
  const config: ClientConfig = {
    partition: options.partition,
    rules: options.rules ?? syncline,
    explain: options.explain ?? false,
    timing: { ...defaultTiming, ...options.timing },
  };
  const client = new Client(options, schema.right, newClientSession(config, file.right));
  if (additions.right.length > 0) await client.extend(additions.right, extended.right);
  if (options.connect ?? true) client.session.resume();
  return client;
};

const closedError = (): SynclineError => new SynclineError('closed', 'the client is closed');

export class Client {
  readonly session: Session;
  readonly #options: ClientOptions;
  readonly #schema: Schema;
  readonly #clock: Clock;
  readonly #entropy: Entropy;
  readonly #performer: Performer<ClientEffect>;
  readonly #listeners = new Set<(before: State, after: State) => void>();
  #machine: ClientSession;
  #link: Link | null = null;
  /** Counts links, so that events of one that was given up are told from those of the present one. */
  #attempt = 0;
  #timer: Cancel = () => undefined;
  #failure: SynclineError | null = null;
  #isWriting = false;
  #closing: Promise<void> | null = null;

  /** Use `openClient`. */
  constructor(options: ClientOptions, schema: Schema, machine: ClientSession) {
    this.#options = options;
    this.#schema = schema;
    this.#machine = machine;
    this.#clock = options.clock ?? systemClock;
    this.#entropy = options.entropy ?? systemEntropy;
    this.#performer = new Performer<ClientEffect>(
      (effects, from) => this.#perform(effects, from),
      (error) => this.#storeFailed(error),
    );
    this.session = new Session({
      dispatch: (event) => void this.#dispatch({ ...event, now: this.#clock.now() }),
      machine: () => this.#machine,
      ended: () => this.#failure ?? (this.#closing === null ? null : closedError()),
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
    if (this.#failure !== null) throw this.#failure;
    if (this.#closing !== null) throw closedError();
    if (this.#isWriting)
      throw new SynclineError('write', 'a transaction is under way: write through its `tx`');
    const done = this.#transact(body);
    if (E.isLeft(done)) throw new SynclineError('write', done.left.message, done.left);
    const { instructions, state, result } = done.right;
    if (instructions.length === 0)
      return { result, version: this.#machine.file.version, saved: Promise.resolve() };
    return { result, ...this.#write(instructions, state) };
  }

  /** One object as a frozen plain record, or null if there is none. */
  object(className: string, key: KeyArgument): ObjectView | null {
    const found = readObject(this.#machine.file.state, className, key);
    if (E.isLeft(found)) throw new SynclineError('read', found.left.message, found.left);
    return found.right;
  }

  /** All objects of a class as they are now, ordered by primary key; later writes do not change the result. */
  objects(className: string): ObjectsView {
    const found = objects(this.#machine.file.state, className);
    if (E.isLeft(found)) throw new SynclineError('read', found.left.message, found.left);
    return found.right;
  }

  /**
   * Calls `listener` after each commit that changed objects of the class, local or downloaded, once it is
   * durable. Answers the function that ends it.
   */
  observe(className: string, listener: (changed: DataChanges) => void): () => void {
    this.objects(className);
    const notify = (before: State, after: State) => {
      const changed = changes(before, after).get(className);
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
    return digest(this.#machine.file.state);
  }

  /** Ends the conversation, waits until everything decided is on disk, and closes the store. Idempotent. */
  close(): Promise<void> {
    if (this.#closing !== null) return this.#closing;
    this.session.pause();
    // A listener of that may have closed it already.
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await this.#performer.settled();
    this.#timer();
    this.#disconnect({ code: 'normal', message: 'the client closes' });
    this.session.ended(closedError());
    await this.#options.store.close();
  }

  #transact<Result>(body: (tx: Transaction) => Result): ReturnType<typeof transact<Result>> {
    this.#isWriting = true;
    try {
      return transact(this.#machine.file.state, this.#schema, body);
    } finally {
      this.#isWriting = false;
    }
  }

  #write(
    instructions: readonly Instruction[],
    state: State,
  ): { readonly version: number; readonly saved: Promise<void> } {
    const next = this.#dispatch({ type: 'write', instructions, state, now: this.#clock.now() });
    for (const effect of next.effects)
      if (effect.type === 'refused') throw new SynclineError('write', effect.message);
    const saved = this.#performer.settled().then(() => {
      if (this.#failure !== null) throw this.#failure;
    });
    // A caller who does not wait learns of the failure from the next call.
    saved.catch(() => undefined);
    return { version: next.session.file.version, saved };
  }

  #dispatch(event: ClientEvent): ClientStep {
    const next = clientStep(this.#machine, event);
    this.#machine = next.session;
    // Before anybody is told, who may cause the next step.
    this.#performer.push(next.effects);
    this.session.moved();
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
    return this.#options.store.commit(inSequence(batches)).then(() => at);
  }

  #performOne(effect: Exclude<ClientEffect, { type: 'commit' }>): void {
    switch (effect.type) {
      case 'connect':
        this.#connect();
        return;
      case 'disconnect':
        this.#disconnect({
          code: effect.cause === 'violation' ? 'protocolError' : 'normal',
          message: effect.message,
        });
        return;
      case 'send':
        this.#link?.send(encodeMessage(effect.message));
        return;
      case 'timer':
        this.#setTimer(effect.at);
        return;
      case 'changed':
        this.session.tell(this.#listeners, effect.before, effect.after);
        return;
      case 'decided':
        this.session.decided(effect.decisions);
        return;
      case 'settled':
        this.session.settled(effect.id, effect.failure);
        return;
      case 'failed':
        this.session.failed(effect.failure);
        return;
      case 'refused':
        return;
    }
  }

  #connect(): void {
    this.#disconnect({ code: 'normal', message: 'superseded by a new link' });
    const attempt = ++this.#attempt;
    const isPresent = () => attempt === this.#attempt && this.#closing === null;
    const closed = (reason: CloseReason) => {
      if (!isPresent()) return;
      this.#link = null;
      this.#attempt++;
      const message = `${reason.code}: ${reason.message}`;
      this.#dispatch({ type: 'closed', reason: message, chance: this.#chance(), now: this.#clock.now() });
    };
    const opened = (token: string) => {
      if (isPresent()) this.#dispatch({ type: 'opened', token, now: this.#clock.now() });
    };
    const refused = (error: unknown) => {
      if (!isPresent()) return;
      this.#link?.close({ code: 'normal', message: 'there is no token' });
      closed({ code: 'unreachable', message: `the token source failed: ${String(error)}` });
    };
    const token = this.#token();
    token.catch(refused);
    this.#link = this.#options.connector.connect({
      opened: () => void token.then(opened, () => undefined),
      frame: (frame) => {
        if (isPresent()) this.#received(frame);
      },
      closed,
    });
  }

  /** Rejects, too, where the source throws or gives something else. */
  async #token(): Promise<string> {
    const token: unknown = await (this.#options.token ?? noToken).token();
    if (typeof token !== 'string') throw new Error('it gave no string');
    return token;
  }

  #received(frame: Uint8Array): void {
    const message = decodeServerMessage(frame);
    const now = this.#clock.now();
    if (E.isLeft(message)) this.#dispatch({ type: 'garbage', message: message.left.message, now });
    else this.#dispatch({ type: 'message', message: message.right, chance: this.#chance(), now });
  }

  #disconnect(reason: CloseReason): void {
    this.#attempt++;
    this.#link?.close(reason);
    this.#link = null;
  }

  #setTimer(at: number | null): void {
    this.#timer();
    this.#timer = () => undefined;
    if (at === null) return;
    const wait = Math.max(0, at - this.#clock.now());
    this.#timer = this.#clock.schedule(
      wait,
      () => void this.#dispatch({ type: 'timer', chance: this.#chance(), now: this.#clock.now() }),
    );
  }

  #storeFailed(error: unknown): void {
    const why = error instanceof Error ? error.message : String(error);
    this.#failure = new SynclineError('store', `what was written could not be saved: ${why}`, error);
    this.#timer();
    this.#disconnect({ code: 'goingAway', message: 'the device cannot save' });
    this.session.ended(this.#failure);
  }

  /** Uniform in [0, 1). */
  #chance(): number {
    return (this.#entropy.integer() - 1) / Number.MAX_SAFE_INTEGER;
  }
}
