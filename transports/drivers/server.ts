/**
 * The server driver: listeners in front, one host per partition behind, and frames between them.
 *
 * All decisions are the machines' (`core/session/server.ts`, `core/session/connection.ts`); here are the
 * links and the promises.
 */
import * as E from 'fp-ts/lib/Either.js';
import {
  type ClientMessage,
  type Connection,
  decodeClientMessage,
  defaultMaxOffline,
  digest,
  type ErrorCode,
  encodeMessage,
  errorMessage,
  isConnectionCode,
  limits,
  newConnection,
  numbersByPartition,
  type ResetCode,
  route,
  type ServerEffect,
  type ServerMessage,
  syncline,
  withoutNumber,
} from '../../core/index.js';
import { systemClock, systemEntropy } from '../clock.js';
import type { Cancel, Clock, CloseReason, Entropy, Link, LinkEvents } from '../ports.js';
import { Access, type Grant, type RefusalReason } from './access.js';
import { Inflow } from './inflow.js';
import { Outflow } from './outflow.js';
import { type HostCallbacks, PartitionHost } from './partition-host.js';
import type { ServerDescription, ServerNote, ServerOptions } from './server-options.js';

const shutsDown: RefusalReason = { code: 200, message: 'the server shuts down' };

/** Bytes of one link that are handed on to partitions without looking whether they have been taken. */
const handedBytes = 1024 * 1024;

interface Peer {
  readonly id: number;
  readonly link: Link;
  connection: Connection;
  /** Binds are authorized in order; messages wait behind them. */
  turn: Promise<void>;
  readonly inflow: Inflow;
  /** Bytes handed on since the last look. */
  handed: number;
  /** Without a session at the last look. */
  isIdle: boolean;
}

const nothing: Omit<LinkEvents, 'opened'> = { frame: () => undefined, closed: () => undefined };

/** Starts a server. Resolves when all its listeners accept links; where one cannot, none does. */
export const startServer = async (options: ServerOptions): Promise<Server> => {
  const server = new Server(options);
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
  readonly #access: Access;
  readonly #outflow: Outflow;
  readonly #hosts = new Map<string, Promise<PartitionHost>>();
  /** Those that had no session at the last look. */
  #idleHosts = new Set<Promise<PartitionHost>>();
  readonly #peers = new Map<number, Peer>();
  #nextPeer = 1;
  #stopLooking: Cancel | null = null;
  #closing: Promise<void> | null = null;
  /** End the waiting for whoever is asked about a user. */
  readonly #asking = new Set<() => void>();

  /** Use `startServer`. */
  constructor(options: ServerOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#entropy = options.entropy ?? systemEntropy;
    this.#access = new Access(options, this.#clock, (partition, error) =>
      this.#note({ type: 'failed', partition, error }),
    );
    const patience = options.readPatience ?? 60_000;
    this.#outflow = new Outflow({
      clock: this.#clock,
      patience,
      stuck: (link) =>
        this.#cut(link, { code: 'goingAway', message: `the client has read nothing for ${patience} ms` }),
    });
  }

  /** @internal For listeners. */
  accept(link: Link): Omit<LinkEvents, 'opened'> {
    if (this.#peers.size >= (this.#options.maxConnections ?? 10_000)) {
      this.#cut(link, { code: 'goingAway', message: 'the server has too many links', retryAfter: 30_000 });
      return nothing;
    }
    const peer: Peer = {
      id: this.#nextPeer++,
      link,
      connection: newConnection,
      turn: Promise.resolve(),
      inflow: new Inflow(link),
      handed: 0,
      isIdle: false,
    };
    this.#peers.set(peer.id, peer);
    this.#lookLater();
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

  /**
   * Ends the sessions of a user at once, and refuses the tokens that were issued until now, or do not say when
   * they were. Known to this server only, and as long as it runs: others, and `verifyToken`, are to be told.
   */
  revoke(user: string): void {
    this.#access.revoke(user);
  }

  /** Stops accepting, ends all links, finishes what was begun, and closes the store. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#stopLooking?.();
    this.#access.stop();
    this.#outflow.stop();
    for (const end of this.#asking) end();
    await Promise.all(this.#options.listeners.map((listener) => listener.close()));
    for (const peer of this.#peers.values())
      peer.link.close({ code: 'goingAway', message: 'the server shuts down' });
    await Promise.all([...this.#peers.values()].map((peer) => peer.turn));
    const hosts = await Promise.allSettled(this.#hosts.values());
    for (const host of hosts) {
      if (host.status === 'rejected') continue;
      await host.value.idle();
      host.value.stop();
    }
    await this.#options.store.close();
  }

  #host(partition: string): Promise<PartitionHost> {
    const present = this.#hosts.get(partition);
    if (present !== undefined) return present;
    const failed = (error: unknown) => {
      // Whatever a host does after it has failed is not the business of the one that took its place.
      if (this.#hosts.get(partition) === opening) this.#partitionFailed(partition, error);
    };
    const opening = this.#open(partition, failed);
    this.#hosts.set(partition, opening);
    this.#lookLater();
    opening.catch(failed);
    return opening;
  }

  async #open(partition: string, failed: (error: unknown) => void): Promise<PartitionHost> {
    const { rules = syncline, explain = false, clientMaxOfflineDays: days, compaction } = this.#options;
    const isRecoveryDisabled = this.#options.isRecoveryModeDisabled ?? false;
    const maxOffline = days === undefined ? defaultMaxOffline : days * 86_400_000;
    const store = await this.#options.store.partition(partition);
    const callbacks: HostCallbacks = {
      perform: (effect) => this.#perform(partition, effect),
      failed,
      now: () => this.#clock.now(),
      schedule: (milliseconds, action) => this.#clock.schedule(milliseconds, action),
      compacted: (certificate) => this.#note({ type: 'compacted', partition, certificate }),
      uncompacted: (message) => this.#note({ type: 'uncompacted', partition, message }),
      track: this.#options.recorder?.server(partition),
    };
    const config = { rules, explain, maxOffline, isRecoveryDisabled };
    return PartitionHost.open(store, config, this.#entropy.integer(), callbacks, compaction);
  }

  /** The sessions of the partition end with an error that invites another try; the next bind opens it anew. */
  #partitionFailed(partition: string, error: unknown): void {
    this.#hosts.delete(partition);
    this.#note({ type: 'failed', partition, error });
    for (const peer of this.#peers.values())
      for (const [number, of] of peer.connection.sessions)
        if (of === partition)
          this.#send(peer, errorMessage(number, 201, 'the server could not read or save its data'));
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
    if (message.right.type === 'clientError') this.#access.release(`${peer.id}/${message.right.session}`);
    await this.#deliver(peer, routed.route.partition, message.right, frame);
  }

  async #deliver(peer: Peer, partition: string, message: ClientMessage, frame: Uint8Array): Promise<void> {
    const grant = message.type === 'bind' ? await this.#unlessClosing(this.#access.admit(message)) : null;
    if (grant !== null && E.isLeft(grant)) {
      this.#notAdmitted(peer, message.session, partition, grant.left);
      return;
    }
    try {
      const host = await this.#present(partition);
      const over = grant === null ? null : this.#hold(peer, message.session, partition, grant.right);
      if (over !== null) {
        this.#notAdmitted(peer, message.session, partition, over);
        return;
      }
      const chance = this.#entropy.integer();
      host.dispatch({ type: 'message', connection: peer.id, message, chance, now: this.#clock.now() }, frame);
      peer.handed += frame.length;
      if (peer.handed <= handedBytes) return;
      peer.handed = 0;
      await host.taken();
    } catch {
      // `#partitionFailed` has told the sessions.
    }
  }

  /** The partition's host, which is not given up before the end of this turn. */
  async #present(partition: string): Promise<PartitionHost> {
    for (;;) {
      const opening = this.#host(partition);
      const host = await opening;
      if (this.#hosts.get(partition) === opening) return host;
    }
  }

  #hold(peer: Peer, session: number, partition: string, grant: Grant): RefusalReason | null {
    return this.#access.hold(`${peer.id}/${session}`, grant, (reason) => {
      this.#note({ type: 'refused', partition, ...reason });
      this.#tellHost(partition, (host) =>
        host.dispatch({
          type: 'expelled',
          connection: peer.id,
          number: session,
          ...reason,
          now: this.#clock.now(),
        }),
      );
    });
  }

  #notAdmitted(peer: Peer, session: number, partition: string, reason: RefusalReason): void {
    if (reason !== shutsDown) this.#note({ type: 'refused', partition, ...reason });
    this.#send(peer, errorMessage(session, reason.code, reason.message));
  }

  /** Unless the partition failed, or was given up: then there is nobody to tell. */
  #tellHost(partition: string, tell: (host: PartitionHost) => void): void {
    this.#hosts.get(partition)?.then(tell, () => undefined);
  }

  /** What `asked` answers, unless the server shuts down before. */
  async #unlessClosing(
    asked: Promise<E.Either<RefusalReason, Grant>>,
  ): Promise<E.Either<RefusalReason, Grant>> {
    if (this.#closing !== null) return E.left(shutsDown);
    let end: () => void = () => undefined;
    const closing = new Promise<E.Either<RefusalReason, Grant>>((resolve) => {
      end = () => resolve(E.left(shutsDown));
    });
    this.#asking.add(end);
    try {
      return await Promise.race([asked, closing]);
    } finally {
      this.#asking.delete(end);
    }
  }

  async #gone(peer: Peer): Promise<void> {
    this.#peers.delete(peer.id);
    for (const number of peer.connection.sessions.keys()) this.#access.release(`${peer.id}/${number}`);
    for (const [partition, numbers] of numbersByPartition(peer.connection)) {
      const host = await this.#hosts.get(partition)?.catch(() => undefined);
      host?.dispatch({ type: 'gone', connection: peer.id, numbers, now: this.#clock.now() });
    }
  }

  #perform(partition: string, effect: Exclude<ServerEffect, { type: 'commit' } | { type: 'read' }>): void {
    switch (effect.type) {
      case 'send': {
        const peer = this.#peers.get(effect.connection);
        if (peer !== undefined) this.#send(peer, effect.message);
        return;
      }
      case 'drain': {
        const { connection, number } = effect;
        const peer = this.#peers.get(connection);
        if (peer === undefined) return;
        this.#outflow.whenFlushed(peer.link, () =>
          this.#tellHost(partition, (host) =>
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
    const { link } = peer;
    if (message.type === 'error' || message.type === 'unbound') {
      peer.connection = withoutNumber(peer.connection, message.session);
      this.#access.release(`${peer.id}/${message.session}`);
    }
    link.send(encodeMessage(message));
    if (message.type === 'error' && isConnectionCode(message.code))
      this.#cut(link, { code: 'protocolError', message: message.message });
    const { maxBufferedBytes = 2 * limits.messageBytes } = this.#options;
    if (link.bufferedBytes > maxBufferedBytes)
      this.#cut(link, {
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
    const idle = new Set<Promise<PartitionHost>>();
    for (const [partition, opening] of [...this.#hosts]) {
      const host = await opening.catch(() => undefined);
      if (host === undefined || this.#hosts.get(partition) !== opening || !host.isUnused) continue;
      if (this.#idleHosts.has(opening)) {
        this.#hosts.delete(partition);
        host.stop();
      } else idle.add(opening);
    }
    this.#idleHosts = idle;
    if (this.#hosts.size > 0 || this.#peers.size > 0) this.#lookLater();
  }
}
