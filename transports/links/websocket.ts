/**
 * Links to a server over WebSocket, in browsers and elsewhere.
 *
 * A server that turns an upgrade down by an HTTP status is `refused` where the implementation tells (`ws`),
 * and `unreachable` where it hides the answer (browsers); one that is busy is `goingAway`. Our own server
 * therefore accepts first and closes with a code then.
 *
 * Half-open connections are noticed on both sides: each asks whether the other is there where nothing comes.
 */
import { limits } from '../../core/client.js';
import { systemClock } from '../clock.js';
import type { Clock, CloseReason, Connector, Link, LinkEvents } from '../ports.js';
import { retryAfterOf } from '../retry-hint.js';
import { ownVersions, type VersionRange } from '../versions.js';
import { maxMessageBytes, noSubprotocol, subprotocols } from './websocket-codes.js';
import { Heartbeat } from './websocket-heartbeat.js';
import { type WebSocketLike, WebSocketLink } from './websocket-link.js';

export interface WebSocketConnectorOptions {
  /** `ws:` or `wss:`. */
  readonly url: string;
  /** The platform's by default; on Node 20 the one of the package `ws`. */
  readonly WebSocket?: new (
    url: string,
    protocols: string[],
  ) => WebSocketLike;
  readonly clock?: Clock;
  /** Longer frames end the link with `tooLarge`; as many as a message may have by default. */
  readonly maxFrameBytes?: number;
  /** Milliseconds until an attempt that was not answered is `unreachable`; 20 s by default. */
  readonly openTimeout?: number;
  /** Milliseconds that the server has to answer a close; 2 s by default. */
  readonly closeTimeout?: number;
  /** Longer frames go in several messages; 128 KiB by default, which what is on the way commonly takes. */
  readonly maxMessageBytes?: number;
  /** Milliseconds in which nothing comes before the server is asked whether it is there, and again before it is `lost`; 30 s by default. */
  readonly heartbeat?: number;
  /** Those of this package by default. */
  readonly versions?: VersionRange;
}

/** What `ws` tells of an answer that is no upgrade; browsers tell nothing. */
interface TellsOfAnswers {
  on(
    event: 'unexpected-response',
    listener: (
      request: object,
      response: { readonly statusCode?: number; readonly headers: { readonly 'retry-after'?: string } },
    ) => void,
  ): unknown;
}

const tellsOfAnswers = (socket: object): socket is TellsOfAnswers =>
  'on' in socket && typeof socket.on === 'function';

/** A link that ended before it began. */
const stillborn = (events: LinkEvents, reason: CloseReason): Link => {
  let closing = reason;
  let reported = false;
  queueMicrotask(() => {
    reported = true;
    events.closed(closing);
  });
  return {
    send: () => undefined,
    bufferedBytes: 0,
    close: (given) => {
      if (!reported) closing = given;
    },
  };
};

/**
 * @throws Error where the platform has no `WebSocket` and none was given, or `url` is none of a WebSocket.
 */
export const webSocketConnector = (options: WebSocketConnectorOptions): Connector => {
  const url = parseUrl(options.url);
  const Socket = options.WebSocket ?? globalThis.WebSocket;
  if (Socket === undefined) {
    throw new Error('this platform has no WebSocket: pass the one of the package ws as the option WebSocket');
  }
  const clock = options.clock ?? systemClock;
  const openTimeout = options.openTimeout ?? 20_000;
  const linkOptions = {
    clock,
    maxFrameBytes: options.maxFrameBytes ?? limits.messageBytes,
    closeTimeout: options.closeTimeout ?? 2_000,
    maxMessageBytes: options.maxMessageBytes ?? maxMessageBytes,
    versions: options.versions ?? ownVersions,
    peer: url,
  };
  const heartbeat = options.heartbeat ?? 30_000;
  return {
    connect: (events) => {
      let socket: WebSocketLike;
      try {
        socket = new Socket(url, [...subprotocols(linkOptions.versions), noSubprotocol]);
      } catch (error) {
        return stillborn(events, { code: 'unreachable', message: `${url}: ${String(error)}` });
      }
      const link = new WebSocketLink(socket, 'opening', linkOptions, {
        opened: () => {
          stopWaiting();
          heart.start();
          events.opened();
        },
        frame: (frame) => events.frame(frame),
        closed: (reason) => {
          stopWaiting();
          heart.stop();
          events.closed(reason);
        },
      });
      const heart = new Heartbeat({
        clock,
        interval: heartbeat,
        hasHeard: () => link.hasHeard(),
        ask: () => link.ping(),
        lost: (milliseconds) =>
          link.abandon({ code: 'lost', message: `${url} gave no sign of life for ${milliseconds} ms` }),
      });
      const stopWaiting = clock.schedule(openTimeout, () =>
        link.abandon({ code: 'unreachable', message: `${url} did not answer within ${openTimeout} ms` }),
      );
      if (tellsOfAnswers(socket))
        socket.on('unexpected-response', (_, { statusCode = 0, headers }) =>
          link.turnedAway(statusCode, retryAfterOf(headers['retry-after'], clock.now())),
        );
      return link;
    },
  };
};

const parseUrl = (url: string): string => {
  const protocol = URL.canParse(url) ? new URL(url).protocol : '';
  if (protocol === 'ws:' || protocol === 'wss:') return url;
  throw new Error(`the URL of a WebSocket server starts with ws: or wss:, found ${JSON.stringify(url)}`);
};
