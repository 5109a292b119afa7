/**
 * The listening side of WebSocket links, over a `WebSocketServer` of the package `ws`, which the embedder
 * passes in: its class, of which a server is made, or a server that runs beside other things.
 *
 * Half-open connections: every `heartbeat` each link is pinged, and one from which nothing has come since
 * the ping before is `lost`. One timer serves all links.
 */
import { limits } from '../../core/client.js';
import { systemClock } from '../clock.js';
import type { Cancel, Clock, CloseReason, Link, LinkEvents, Listener } from '../ports.js';
import { ownVersions, type VersionRange } from '../versions.js';
import { chosenSubprotocol, maxMessageBytes, noSubprotocol, subprotocols } from './websocket-codes.js';
import { otherProtocol, type WebSocketLike, WebSocketLink } from './websocket-link.js';
import { type Carrier, shortcutOf } from './websocket-shortcut.js';

/** A socket of the package `ws`. */
export interface ServerSocketLike extends WebSocketLike {
  readonly readyState: number;
  on(event: 'pong', listener: () => void): unknown;
  ping(): void;
  terminate(): void;
  /** Whether it was told to read no more, and so hears no pong. */
  readonly isPaused: boolean;
}

/** A server of the package `ws`. */
export interface WebSocketServerLike {
  on(
    event: 'connection',
    listener: (socket: ServerSocketLike, request: { readonly socket: Carrier }) => void,
  ): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
  on(event: 'listening', listener: () => void): unknown;
  address(): string | { readonly port: number } | null;
  close(done: () => void): void;
}

interface CommonOptions {
  readonly clock?: Clock;
  /** Longer frames end the link with `tooLarge`; as many as a message may have by default. */
  readonly maxFrameBytes?: number;
  /** Milliseconds between pings; 30 s by default. */
  readonly heartbeat?: number;
  /** Milliseconds that a client has to answer a close; 2 s by default. */
  readonly closeTimeout?: number;
  /** Longer frames go in several messages; 128 KiB by default, which what is on the way commonly takes. */
  readonly maxMessageBytes?: number;
  /** Those of this package by default. */
  readonly versions?: VersionRange;
}

export interface OwnServerOptions extends CommonOptions {
  /** Its options name the types of Node, which are no part of this module's. */
  readonly WebSocketServer: new (
    options: never,
  ) => WebSocketServerLike;
  /** `127.0.0.1` by default. */
  readonly host?: string;
  /** 0, the default, takes any free port. */
  readonly port?: number;
  /** Connections to other paths are refused; all paths are taken by default. */
  readonly path?: string;
  /**
   * Messages of so many bytes and more are compressed (`permessage-deflate`) for clients that take it, as browsers
   * and `ws` do; 16 KiB by default, null: none.
   */
  readonly compressFrom?: number | null;
}

export interface AttachedServerOptions extends CommonOptions {
  /** Stays open when the listener closes. Its `maxPayload` is to be at least `maxFrameBytes`. */
  readonly server: WebSocketServerLike;
}

export interface WebSocketListener extends Listener {
  /** The port that is listened on, 0 before. */
  readonly port: number;
}

/** A link that the listener has accepted, and whether anything came since the last ping. */
class Member {
  readonly socket: ServerSocketLike;
  readonly link: WebSocketLink;
  alive = true;

  constructor(socket: ServerSocketLike, link: WebSocketLink) {
    this.socket = socket;
    this.link = link;
  }
}

/** A server, and its end. */
interface Running {
  readonly server: WebSocketServerLike;
  /** Takes no more connections, and resolves when all are gone. */
  stop(): Promise<void>;
}

/** A browser fails where nothing is chosen, without saying why: any choice lets the refusal be told. */
const choose =
  (versions: VersionRange) =>
  (offered: Set<string>): string | false =>
    chosenSubprotocol(versions, offered) ??
    [noSubprotocol, ...offered].find((each) => offered.has(each)) ??
    false;

/**
 * Each message for itself: windows that were kept from one message to the next would cost every idle connection
 * tens of kilobytes. The fastest level gives most of what there is to gain on changesets.
 */
const compression = (threshold: number | null) =>
  threshold === null
    ? false
    : {
        threshold,
        serverNoContextTakeover: true,
        clientNoContextTakeover: true,
        zlibDeflateOptions: { level: 1 },
        concurrencyLimit: 4,
      };

/** The first length at which messages are compressed, null for none. That of a server of the embedder is not known: `ws` takes this. */
const compressedFrom = (options: OwnServerOptions | AttachedServerOptions): number | null => {
  if ('server' in options) return 1024;
  return options.compressFrom === undefined ? 16 * 1024 : options.compressFrom;
};

/**
 * A server of our own, once it listens. The HTTP server is made here, and not by `ws`, so that connections
 * which have not asked for anything yet, as browsers open them in advance, can be ended. It is not imported,
 * so that the module can be part of a browser's bundle.
 */
const startOwn = async (
  options: OwnServerOptions,
  maxPayload: number,
  versions: VersionRange,
): Promise<Running> => {
  const { host = '127.0.0.1', port = 0, path } = options;
  const http = process.getBuiltinModule('node:http').createServer((_, response) => {
    response.writeHead(426, { 'content-type': 'text/plain' }).end('expected a WebSocket upgrade\n');
  });
  const settings = {
    server: http,
    path,
    maxPayload,
    perMessageDeflate: compression(compressedFrom(options)),
    handleProtocols: choose(versions),
  };
  const server = new options.WebSocketServer(settings as never);
  await new Promise<void>((resolve, reject) => {
    server.on('listening', resolve);
    // Later errors are those of single connections that could not be accepted.
    server.on('error', (error) =>
      reject(new Error(`cannot listen on ${host}:${port}: ${error.message}`, { cause: error })),
    );
    http.listen(port, host);
  });
  return {
    server,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => undefined);
        http.close(() => resolve());
        http.closeAllConnections();
      }),
  };
};

const shutdown: CloseReason = { code: 'goingAway', message: 'the server closes' };

export const webSocketListener = (options: OwnServerOptions | AttachedServerOptions): WebSocketListener => {
  const clock = options.clock ?? systemClock;
  const heartbeat = options.heartbeat ?? 30_000;
  const linkOptions = {
    clock,
    maxFrameBytes: options.maxFrameBytes ?? limits.messageBytes,
    closeTimeout: options.closeTimeout ?? 2_000,
    maxMessageBytes: options.maxMessageBytes ?? maxMessageBytes,
    versions: options.versions ?? ownVersions,
    peer: 'the client',
  };
  /** The first length of frames that do not leave in one message as they are. */
  const notShort = Math.min(
    compressedFrom(options) ?? Number.POSITIVE_INFINITY,
    linkOptions.maxMessageBytes + 1,
  );
  const members = new Set<Member>();
  /** Sockets that are not gone yet. */
  const sockets = new Set<Promise<void>>();
  let starting: Promise<Running> | undefined;
  let server: WebSocketServerLike | undefined;
  let stopHeartbeat: Cancel = () => undefined;
  let closing: Promise<void> | undefined;

  const hold = (link: WebSocketLink): void => {
    const released = link.released().then(() => void sockets.delete(released));
    sockets.add(released);
  };

  const refusal = (socket: ServerSocketLike): CloseReason | undefined => {
    if (closing !== undefined) return shutdown;
    const { versions } = linkOptions;
    return subprotocols(versions).includes(socket.protocol)
      ? undefined
      : otherProtocol(socket.protocol, versions);
  };

  const turnAway = (socket: ServerSocketLike, reason: CloseReason): void => {
    const nothing = (): void => undefined;
    const link = new WebSocketLink(socket, 'open', linkOptions, {
      opened: nothing,
      frame: nothing,
      closed: nothing,
    });
    hold(link);
    link.close(reason);
  };

  const take = (
    socket: ServerSocketLike,
    carrier: Carrier,
    accept: (link: Link) => Omit<LinkEvents, 'opened'>,
  ): void => {
    // No event comes before the end of this turn, by when the events are known.
    let events: Omit<LinkEvents, 'opened'> | undefined;
    const own: LinkEvents = {
      opened: () => undefined,
      frame: (frame) => events?.frame(frame),
      closed: (reason) => {
        members.delete(member);
        events?.closed(reason);
      },
    };
    const shortcut = shortcutOf(socket, carrier, notShort);
    const link = new WebSocketLink(socket, 'open', linkOptions, own, shortcut);
    const member = new Member(socket, link);
    members.add(member);
    hold(link);
    socket.on('pong', () => {
      member.alive = true;
    });
    events = accept(link);
  };

  const beat = (): void => {
    for (const member of members) {
      const isAlive = member.link.hasHeard() || member.alive || member.socket.isPaused;
      if (!isAlive) {
        member.link.abandon({ code: 'lost', message: `nothing came for ${heartbeat} ms` });
      } else {
        member.alive = false;
        member.socket.ping();
      }
    }
    stopHeartbeat = clock.schedule(heartbeat, beat);
  };

  const start = async (): Promise<Running> => {
    if ('server' in options) return { server: options.server, stop: async () => undefined };
    return startOwn(options, linkOptions.maxFrameBytes, linkOptions.versions);
  };

  const release = async (): Promise<void> => {
    stopHeartbeat();
    for (const { link } of members) link.close(shutdown);
    const running = await starting?.catch(() => undefined);
    await running?.stop();
    await Promise.all(sockets);
  };

  return {
    get port() {
      const address = server?.address();
      return typeof address === 'object' && address !== null ? address.port : 0;
    },
    listen: async (accept) => {
      if (starting !== undefined || closing !== undefined)
        throw new Error('a WebSocket listener listens once');
      starting = start();
      server = (await starting).server;
      server.on('connection', (socket, request) => {
        const refused = refusal(socket);
        if (refused === undefined) take(socket, request.socket, accept);
        else turnAway(socket, refused);
      });
      if (closing === undefined) stopHeartbeat = clock.schedule(heartbeat, beat);
    },
    close: () => {
      closing ??= release();
      return closing;
    },
  };
};
