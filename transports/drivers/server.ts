/**
 * The server driver: listeners in front, one host per partition behind, and frames between them.
 *
 * All decisions are the machines' (`core/session/server.ts`, `core/session/connection.ts`); here are the
 * links and the promises.
 */
import * as E from 'fp-ts/lib/Either.js';
import {
  type ClientMessage,
  DocumentError,
  decodeClientMessage,
  defaultMaxOffline,
  digest,
  type ErrorCode,
  encodeMessage,
  errorMessage,
  isConnectionCode,
  limits,
  numbersByPartition,
  type ResetCode,
  route,
  type ServerEffect,
  type ServerMessage,
  syncline,
  syncPartition,
  withoutNumber,
} from '../../core/index.js';
import { systemClock, systemEntropy } from '../clock.js';
import type { Cancel, Clock, CloseReason, Entropy, Link, LinkEvents, User } from '../ports.js';
import { Collection } from './collection.js';
import { type DocumentStatus, Documents } from './documents.js';
import { Door } from './door.js';
import { Hosts } from './hosts.js';
import { Outflow } from './outflow.js';
import { type HostCallbacks, PartitionHost } from './partition-host.js';
import { deaf, isOverfull, newPeer, type Peer } from './peer.js';
import { withBounds } from './server-bounds.js';
import type { ServerDescription, ServerNote, ServerOptions } from './server-options.js';
import { openServerSync, type Pause, pauseMessage, ServerSync, type ServerSyncHooks } from './server-sync.js';
import type { SyncControl } from './sync-control.js';
import { SealedPartition } from './sync-error.js';

/** Bytes of one link that are handed on to partitions without looking whether they have been taken. */
const handedBytes = 1024 * 1024;

/** Starts a server. Resolves when all its listeners accept links; where one cannot, none does. Rejects odd bounds. */
export const startServer = async (options: ServerOptions): Promise<Server> => {
  const { clock = systemClock, entropy = systemEntropy } = withBounds(options);
  const control = await openServerSync(options, clock, entropy);
  const server = new Server(options, control);
  const started = await Promise.allSettled(
    options.listeners.map((listener) => listener.listen((link) => server.accept(link))),
  );
  for (const each of started) {
    if (each.status === 'fulfilled') continue;
    await Promise.allSettled(options.listeners.map((listener) => listener.close()));
    throw each.reason;
  }
  return server;
};

export class Server {
  readonly #options: ServerOptions;
  readonly #clock: Clock;
  readonly #entropy: Entropy;
  readonly #door: Door;
  readonly #outflow: Outflow;
  readonly #hosts: Hosts;
  readonly #peers = new Map<number, Peer>();
  #nextPeer = 1;
  #stopLooking: Cancel | null = null;
  #closing: Promise<void> | null = null;
  /** Partition-based sync, where the server was started with it. */
  readonly sync: ServerSync | null;
  readonly #documents: Documents | null;

  /** Use `startServer`. */
  constructor(options: ServerOptions, control: SyncControl | null = null) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#entropy = options.entropy ?? systemEntropy;
    const patience = options.readPatience ?? 60_000;
    this.#outflow = new Outflow({
      clock: this.#clock,
      patience,
      stuck: (link) =>
        this.#cut(link, { code: 'goingAway', message: `the client has read nothing for ${patience} ms` }),
    });
    this.#hosts = new Hosts({
      open: (partition, failed) => this.#open(partition, failed),
      failed: (partition, error) => this.#partitionFailed(partition, error),
    });
    const hooks: ServerSyncHooks = {
      end: (pause, forGood) => this.#endAll(pause, forGood),
      failed: (error) => this.#note({ type: 'failed', partition: syncPartition, error }),
      isBusy: () => this.#peers.size > 0,
    };
    this.sync =
      control === null ? null : new ServerSync({ ...options.sync, control, clock: this.#clock, hooks });
    this.#door = new Door({
      access: options,
      sync: this.sync === null ? null : { server: this.sync, options: options.sync ?? {} },
      clock: this.#clock,
      note: (note) => this.#note(note),
      send: (peer, message) => this.#send(peer, message),
      crossing: async (...upload) => (await this.#documents?.crossing(...upload)) ?? null,
      tell: (partition, fate) =>
        void this.#hosts.tell(partition, (host) => host.dispatch({ ...fate, now: this.#clock.now() })),
    });
    const { sync } = this;
    this.#documents =
      control === null || sync === null
        ? null
        : new Documents({
            control,
            refresh: () => sync.gate(),
            hosts: this.#hosts,
            entropy: this.#entropy,
            failed: (error) => this.#note({ type: 'failed', partition: syncPartition, error }),
          });
    this.#documents?.finish(null);
  }

  /** @internal For listeners. */
  accept(link: Link): Omit<LinkEvents, 'opened'> {
    if (this.#peers.size >= (this.#options.maxConnections ?? 10_000)) {
      this.#cut(link, { code: 'goingAway', message: 'the server has too many links', retryAfter: 30_000 });
      return deaf;
    }
    const peer = newPeer(this.#nextPeer++, link);
    this.#peers.set(peer.id, peer);
    this.#lookLater();
    this.sync?.watch();
    return {
      frame: (frame) => this.#queue(peer, frame),
      closed: () => {
        this.#outflow.forget(link);
        peer.turn = peer.turn.then(() => this.#gone(peer));
      },
    };
  }

  #queue(peer: Peer, frame: Uint8Array): void {
    if (!peer.inflow.came(frame.length)) {
      this.#refuse(peer, 104, 'more frames are sent ahead than are taken');
      return;
    }
    peer.turn = peer.turn.then(() => this.#handle(peer, frame));
  }

  /** A bug is this connection's end, and not that of its turn: nothing behind it would be heard any more. */
  async #handle(peer: Peer, frame: Uint8Array): Promise<void> {
    try {
      await this.#received(peer, frame);
    } catch (error) {
      this.#note({ type: 'failed', partition: '', error });
      this.#refuse(peer, 101, 'the server failed');
    }
    peer.inflow.handled(frame.length);
  }

  /** Digest of a partition's state: equal to that of every device that has caught up. */
  async digest(partition: string): Promise<string> {
    const host = await this.#host(partition);
    await host.idle();
    return digest(host.partition.state);
  }

  /** Newest server version of a partition. */
  async version(partition: string): Promise<number> {
    const host = await this.#host(partition);
    await host.idle();
    return host.partition.head;
  }

  /** Asks the devices that sync a partition now to reset themselves. Nothing changes on the server. */
  async reset(partition: string, code: ResetCode, message: string): Promise<void> {
    const host = await this.#host(partition);
    const now = this.#clock.now();
    for (const { id, connection } of this.#peers.values())
      for (const [number, name] of connection.sessions)
        if (name === partition)
          host.dispatch({ type: 'expelled', connection: id, number, code, message, now });
    await host.idle();
  }

  describe(): ServerDescription {
    let sessions = 0;
    for (const { connection } of this.#peers.values()) sessions += connection.sessions.size;
    return { connections: this.#peers.size, sessions, partitions: this.#hosts.size };
  }

  /** The synced objects of a class as documents, for a back end. @throws DocumentError where the server runs without `sync` */
  collection(className: string): Collection {
    return new Collection(className, this.#ownDocuments());
  }

  /** What there is to know of all documents; looks at all partitions. */
  documentStatus(): Promise<DocumentStatus> {
    return this.#ownDocuments().status();
  }

  #ownDocuments(): Documents {
    if (this.#documents !== null) return this.#documents;
    throw new DocumentError('not-writable', 'the server', 'no configuration of sync', 'the option `sync`');
  }

  /**
   * Ends the sessions of a user at once, and refuses the tokens that were issued until now, or do not say when
   * they were. Known to this server only, and as long as it runs: others, and `verifyToken`, are to be told.
   */
  revoke(user: string): void {
    this.#door.revoke(user);
  }

  /**
   * Asks the rules again about everybody who is connected here, or about one user: what they go by has changed.
   * Resolves when that is done: who may not read any more is told so, and whose right to write has changed goes on.
   */
  reevaluate(user: string | null = null): Promise<void> {
    return this.#door.reevaluate(user);
  }

  /**
   * The rules about a user and a partition, with what came of each of their parts. `value`: that of the partition,
   * as clients open it. Rejects where the server has no rules, where there can be no such partition, or where what
   * the app knows of the user cannot be had.
   */
  explainAccess(user: User, value: unknown): Promise<string> {
    return this.#door.explain(user, value);
  }

  /** Stops accepting, ends all links, finishes what was begun, and closes the store. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#stopLooking?.();
    this.sync?.stop();
    this.#documents?.stop();
    this.#door.stop();
    this.#outflow.stop();
    await Promise.all(this.#options.listeners.map((listener) => listener.close()));
    for (const peer of this.#peers.values())
      peer.link.close({ code: 'goingAway', message: 'the server shuts down' });
    await Promise.all([...this.#peers.values()].map((peer) => peer.turn));
    await this.#hosts.finish();
    await this.#options.store.close();
  }

  #host(partition: string): Promise<PartitionHost> {
    this.#lookLater();
    return this.#hosts.get(partition);
  }

  async #open(partition: string, failed: (error: unknown) => void): Promise<PartitionHost> {
    const { rules = syncline, explain = false, compaction } = this.#options;
    const configured = this.sync?.setting.config;
    const days = configured?.clientMaxOfflineDays ?? this.#options.clientMaxOfflineDays;
    const isRecoveryDisabled =
      configured?.isRecoveryDisabled ?? this.#options.isRecoveryModeDisabled ?? false;
    const maxOffline = days === undefined ? defaultMaxOffline : days * 86_400_000;
    const store = await (this.sync?.hosted(partition) ?? this.#options.store.partition(partition));
    const callbacks: HostCallbacks = {
      perform: (effect) => this.#perform(partition, effect),
      failed,
      now: () => this.#clock.now(),
      schedule: (milliseconds, action) => this.#clock.schedule(milliseconds, action),
      compacted: (certificate) => this.#note({ type: 'compacted', partition, certificate }),
      uncompacted: (message) => this.#note({ type: 'uncompacted', partition, message }),
      track: this.#options.recorder?.server(partition),
    };
    const { key, type } = configured?.partition ?? {};
    const policy = key === undefined || type === undefined ? {} : { policy: { key, type, partition } };
    const config = { rules, explain, maxOffline, isRecoveryDisabled, ...policy };
    this.#lookLater();
    this.#documents?.finish(partition);
    return PartitionHost.open(store, config, this.#entropy.integer(), callbacks, compaction);
  }

  /** The sessions of the partition end with an error that invites another try; the next bind opens it anew. */
  #partitionFailed(partition: string, error: unknown): void {
    const isOver = error instanceof SealedPartition;
    if (!isOver) this.#note({ type: 'failed', partition, error });
    for (const peer of this.#peers.values())
      for (const [number, of] of peer.connection.sessions)
        if (of === partition)
          this.#send(
            peer,
            isOver
              ? errorMessage(number, 200, error.message)
              : errorMessage(number, 201, 'the server could not read or save its data'),
          );
  }

  /** All sessions; `forGood`: what is held of partitions is not to be used any more. */
  #endAll(pause: Pause, forGood: boolean): void {
    for (const peer of this.#peers.values()) {
      for (const [partition, numbers] of numbersByPartition(peer.connection))
        void this.#hosts.tell(partition, (host) =>
          host.dispatch({ type: 'gone', connection: peer.id, numbers, now: this.#clock.now() }),
        );
      for (const number of [...peer.connection.sessions.keys()])
        this.#send(peer, pauseMessage(number, pause));
    }
    if (forGood) this.#hosts.drop();
  }

  async #received(peer: Peer, frame: Uint8Array): Promise<void> {
    const message = decodeClientMessage(frame);
    if (E.isLeft(message)) {
      this.#refuse(peer, 103, message.left.message);
      return;
    }
    const routed = route(peer.connection, message.right);
    peer.connection = routed.connection;
    if (routed.route.type === 'drop') return;
    if (routed.route.type === 'refuse') {
      this.#refuse(peer, routed.route.code, routed.route.message);
      return;
    }
    if (message.right.type === 'clientError') this.#door.release(peer, message.right.session);
    await this.#deliver(peer, routed.route.partition, message.right, frame);
  }

  async #deliver(peer: Peer, partition: string, message: ClientMessage, frame: Uint8Array): Promise<void> {
    const admitted = message.type === 'bind' ? await this.#door.admitted(peer, message) : undefined;
    if (admitted === null) return;
    const fault = message.type === 'upload' ? await this.#door.uploadFault(peer, partition, message) : null;
    try {
      this.#lookLater();
      const host = await this.#hosts.present(partition);
      if (fault !== null) {
        const now = this.#clock.now();
        host.dispatch({ type: 'expelled', connection: peer.id, number: message.session, ...fault, now });
        return;
      }
      if (admitted !== undefined) {
        // Ended before it began, and the client knows.
        if (!peer.connection.sessions.has(message.session)) return;
        if (!this.#door.hold(peer, message.session, partition, admitted)) return;
      }
      const chance = this.#entropy.integer();
      const right = admitted?.canWrite === false ? { canWrite: false } : {};
      const now = this.#clock.now();
      host.dispatch({ type: 'message', connection: peer.id, message, chance, now, ...right }, frame);
      peer.handed += frame.length;
      if (peer.handed <= handedBytes) return;
      peer.handed = 0;
      await host.taken();
    } catch {
      // `#partitionFailed` has told the sessions.
    }
  }

  async #gone(peer: Peer): Promise<void> {
    this.#peers.delete(peer.id);
    for (const number of peer.connection.sessions.keys()) this.#door.release(peer, number);
    for (const [partition, numbers] of numbersByPartition(peer.connection)) {
      await this.#hosts.tell(partition, (host) =>
        host.dispatch({ type: 'gone', connection: peer.id, numbers, now: this.#clock.now() }),
      );
    }
  }

  #perform(partition: string, effect: Exclude<ServerEffect, { type: 'commit' } | { type: 'read' }>): void {
    switch (effect.type) {
      case 'send': {
        const peer = this.#peers.get(effect.connection);
        if (peer !== undefined && this.#door.lets(peer, effect.message)) this.#send(peer, effect.message);
        return;
      }
      case 'drain': {
        const { connection, number } = effect;
        const peer = this.#peers.get(connection);
        if (peer === undefined) return;
        this.#outflow.whenFlushed(peer.link, () =>
          this.#hosts.tell(partition, (host) =>
            host.dispatch({ type: 'drained', connection, number, now: this.#clock.now() }),
          ),
        );
        return;
      }
      case 'decided':
        this.#note({ type: 'decided', partition, ident: effect.ident, decisions: effect.decisions });
        return;
      case 'quarantined':
      case 'reported':
        this.#note({ type: effect.type, partition, ident: effect.ident, message: effect.message });
        return;
    }
  }

  #note(note: ServerNote): void {
    try {
      this.#options.onNote?.(note);
    } catch {
      // There is nobody left to tell.
    }
  }

  #send(peer: Peer, message: ServerMessage): void {
    if (message.type === 'error' || message.type === 'unbound') {
      peer.connection = withoutNumber(peer.connection, message.session);
      this.#door.release(peer, message.session);
    }
    const frame = encodeMessage(message);
    peer.link.send(frame);
    if (message.type === 'error' && isConnectionCode(message.code))
      this.#cut(peer.link, { code: 'protocolError', message: message.message });
    const { maxBufferedBytes = 2 * limits.messageBytes } = this.#options;
    if (isOverfull(peer, frame.length, maxBufferedBytes))
      this.#cut(peer.link, {
        code: 'goingAway',
        message: `more than ${maxBufferedBytes} bytes wait for the client`,
      });
  }

  #refuse(peer: Peer, code: ErrorCode, message: string): void {
    this.#send(peer, errorMessage(0, code, message));
  }

  #cut(link: Link, reason: CloseReason): void {
    this.#note({ type: 'cut', reason });
    link.close(reason);
  }

  #lookLater(): void {
    if (this.#closing !== null) return;
    this.#stopLooking ??= this.#clock.schedule(this.#options.idleTime ?? 60_000, () => {
      this.#stopLooking = null;
      void this.#look();
    });
  }

  /** Gives up what has been idle since the last look. */
  async #look(): Promise<void> {
    for (const peer of this.#peers.values()) {
      const isIdle = peer.connection.sessions.size === 0;
      if (isIdle && peer.isIdle)
        peer.link.close({ code: 'goingAway', message: 'the link carries no session' });
      peer.isIdle = isIdle;
    }
    await this.#hosts.look();
    if (this.#closing === null) this.#documents?.again();
    if (this.#hosts.size > 0 || this.#peers.size > 0) this.#lookLater();
  }
}
