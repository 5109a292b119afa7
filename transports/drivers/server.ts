/**
 * The server driver: listeners in front, one host per partition behind, and frames between them.
 *
 * All decisions are the machines' (`core/session/server.ts`, `core/session/connection.ts`); here are the
 * links and the promises.
 */
import * as E from 'fp-ts/lib/Either.js';
import {
  type Bind,
  type ClientMessage,
  type Connection,
  type Decision,
  decodeClientMessage,
  digest,
  type ErrorCode,
  encodeMessage,
  errorMessage,
  isConnectionCode,
  newConnection,
  type RuleSet,
  route,
  type ServerEffect,
  type ServerMessage,
  syncline,
  withoutNumber,
} from '../../core/index.js';
import { systemClock, systemEntropy } from '../clock.js';
import {
  type Clock,
  type Entropy,
  type Link,
  type LinkEvents,
  type Listener,
  maxPartitionName,
  type ServerStore,
} from '../ports.js';
import { PartitionHost } from './partition-host.js';

/** Null: the user may open the partition. Else the code and the sentence that the client is told. */
export type Refusal = { readonly code: ErrorCode; readonly message: string } | null;

/**
 * What happens on the server, for logs and tests. Nothing here is needed for syncing, so a listener that
 * throws stops nothing.
 */
export type ServerNote =
  | {
      readonly type: 'decided';
      readonly partition: string;
      readonly ident: number;
      readonly decisions: readonly Decision[];
    }
  | {
      readonly type: 'quarantined';
      readonly partition: string;
      readonly ident: number;
      readonly message: string;
    }
  | {
      readonly type: 'reported';
      readonly partition: string;
      readonly ident: number;
      readonly message: string;
    }
  | { readonly type: 'failed'; readonly partition: string; readonly error: unknown };

export interface ServerOptions {
  readonly store: ServerStore;
  readonly listeners: readonly Listener[];
  /** Asked at every bind. Default: everybody may open every partition. */
  readonly authorize?: (token: string, partition: string) => Promise<Refusal>;
  readonly rules?: RuleSet;
  /** Report what merges decide, as notes. */
  readonly explain?: boolean;
  readonly onNote?: (note: ServerNote) => void;
  readonly clock?: Clock;
  readonly entropy?: Entropy;
}

const shutsDown: Refusal = { code: 200, message: 'the server shuts down' };

interface Peer {
  readonly id: number;
  readonly link: Link;
  connection: Connection;
  /** Binds are authorized in order; messages wait behind them. */
  turn: Promise<void>;
}

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
  readonly #hosts = new Map<string, Promise<PartitionHost>>();
  readonly #peers = new Map<number, Peer>();
  #nextPeer = 1;
  #closing: Promise<void> | null = null;
  /** End the waiting for whoever is asked about a user. */
  readonly #asking = new Set<() => void>();

  /** Use `startServer`. */
  constructor(options: ServerOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#entropy = options.entropy ?? systemEntropy;
  }

  /** @internal For listeners. */
  accept(link: Link): Omit<LinkEvents, 'opened'> {
    const peer: Peer = { id: this.#nextPeer++, link, connection: newConnection, turn: Promise.resolve() };
    this.#peers.set(peer.id, peer);
    return {
      frame: (frame) => {
        // A bug is this connection's end, and not that of its turn: nothing behind it would be heard any more.
        peer.turn = peer.turn
          .then(() => this.#received(peer, frame))
          .catch((error) => this.#refuse(peer, 101, `the server failed: ${String(error)}`));
      },
      closed: () => {
        peer.turn = peer.turn.then(() => this.#gone(peer));
      },
    };
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

  /** Stops accepting, ends all links, finishes what was begun, and closes the store. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
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
    opening.catch(failed);
    return opening;
  }

  async #open(partition: string, failed: (error: unknown) => void): Promise<PartitionHost> {
    const config = { rules: this.#options.rules ?? syncline, explain: this.#options.explain ?? false };
    const store = await this.#options.store.partition(partition);
    return PartitionHost.open(store, config, this.#entropy.integer(), {
      perform: (effect) => this.#perform(partition, effect),
      failed,
      now: () => this.#clock.now(),
    });
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
    await this.#deliver(peer, routed.route.partition, message.right);
  }

  async #deliver(peer: Peer, partition: string, message: ClientMessage): Promise<void> {
    if (message.type === 'bind') {
      const refusal = await this.#authorized(message);
      if (refusal !== null) {
        this.#send(peer, errorMessage(message.session, refusal.code, refusal.message));
        return;
      }
    }
    try {
      const host = await this.#host(partition);
      const chance = this.#entropy.integer();
      host.dispatch({ type: 'message', connection: peer.id, message, chance, now: this.#clock.now() });
    } catch {
      // `#partitionFailed` has told the sessions.
    }
  }

  async #authorized(message: Bind): Promise<Refusal> {
    if (message.partition.length > maxPartitionName)
      return { code: 204, message: `the name of a partition has at most ${maxPartitionName} code units` };
    if (this.#options.authorize === undefined) return null;
    try {
      return await this.#unlessClosing(this.#options.authorize(message.token, message.partition));
    } catch {
      // Whoever cannot be checked is not let in.
      return { code: 201, message: 'the user could not be checked' };
    }
  }

  /** What `asked` answers, unless the server shuts down before. */
  async #unlessClosing(asked: Promise<Refusal>): Promise<Refusal> {
    if (this.#closing !== null) return shutsDown;
    let end: () => void = () => undefined;
    const closing = new Promise<Refusal>((resolve) => {
      end = () => resolve(shutsDown);
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
    for (const partition of new Set(peer.connection.sessions.values())) {
      const host = await this.#hosts.get(partition)?.catch(() => undefined);
      host?.dispatch({ type: 'gone', connection: peer.id, now: this.#clock.now() });
    }
  }

  #perform(partition: string, effect: Exclude<ServerEffect, { type: 'commit' } | { type: 'read' }>): void {
    switch (effect.type) {
      case 'send': {
        const peer = this.#peers.get(effect.connection);
        if (peer !== undefined) this.#send(peer, effect.message);
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
    if (message.type === 'error' || message.type === 'unbound')
      peer.connection = withoutNumber(peer.connection, message.session);
    peer.link.send(encodeMessage(message));
    if (message.type === 'error' && isConnectionCode(message.code))
      peer.link.close({ code: 'protocolError', message: message.message });
  }

  #refuse(peer: Peer, code: ErrorCode, message: string): void {
    this.#send(peer, errorMessage(0, code, message));
    peer.link.close({ code: 'protocolError', message });
  }
}
