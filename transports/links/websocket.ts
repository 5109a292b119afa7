/**
 * Links to a server over WebSocket, in browsers and elsewhere.
 *
 * A server that turns an upgrade down by an HTTP status is `refused` where the implementation tells (`ws`),
 * and `unreachable` where it hides the answer (browsers). Our own server therefore accepts first and closes
 * with a code then.
 */
import { limits } from '../../core/index.js';
import { systemClock } from '../clock.js';
import type { Clock, CloseReason, Connector, Link, LinkEvents } from '../ports.js';
import { subprotocol } from './websocket-codes.js';
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
}

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
    peer: url,
  };
  return {
    connect: (events) => {
      let socket: WebSocketLike;
      try {
        socket = new Socket(url, [subprotocol]);
      } catch (error) {
        return stillborn(events, { code: 'unreachable', message: `${url}: ${String(error)}` });
      }
      const link = new WebSocketLink(socket, 'opening', linkOptions, {
        opened: () => {
          stopWaiting();
          events.opened();
        },
        frame: (frame) => events.frame(frame),
        closed: (reason) => {
          stopWaiting();
          events.closed(reason);
        },
      });
      const stopWaiting = clock.schedule(openTimeout, () =>
        link.abandon({ code: 'unreachable', message: `${url} did not answer within ${openTimeout} ms` }),
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
