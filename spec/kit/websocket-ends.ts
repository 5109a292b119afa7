/** Ends of WebSocket links that keep what was reported to them, and servers that are not ours. */
import { createServer, type Server as NetServer, type Socket } from 'node:net';
import { WebSocket, WebSocketServer } from 'ws';
import { webSocketConnector } from '../../transports/links/websocket.js';
import {
  type OwnServerOptions,
  type WebSocketListener,
  webSocketListener,
} from '../../transports/links/websocket-server.js';
import type { CloseReason, Link, LinkEvents } from '../../transports/ports.js';
import { deferred } from './async.js';

export interface End extends LinkEvents {
  link: Link | undefined;
  openings: number;
  readonly frames: Uint8Array[];
  readonly reasons: CloseReason[];
  readonly closing: Promise<CloseReason>;
}

export const end = (): End => {
  const closing = deferred<CloseReason>();
  const made: End = {
    link: undefined,
    openings: 0,
    frames: [],
    reasons: [],
    closing: closing.promise,
    opened: () => {
      made.openings += 1;
    },
    frame: (frame) => made.frames.push(frame),
    closed: (reason) => {
      made.reasons.push(reason);
      closing.resolve(reason);
    },
  };
  return made;
};

/** A listener that is closed when the test ends, with the ends it accepted. */
export const serving = async <T>(
  options: Partial<OwnServerOptions>,
  body: (url: string, accepted: readonly End[], listener: WebSocketListener) => Promise<T>,
): Promise<T> => {
  const listener = webSocketListener({ WebSocketServer, ...options });
  const accepted: End[] = [];
  await listener.listen((link) => {
    const made = end();
    made.link = link;
    accepted.push(made);
    return made;
  });
  try {
    return await body(`ws://127.0.0.1:${listener.port}`, accepted, listener);
  } finally {
    await listener.close();
  }
};

export const dial = (url: string, options: Partial<Parameters<typeof webSocketConnector>[0]> = {}): End => {
  const made = end();
  made.link = webSocketConnector({ url, WebSocket, ...options }).connect(made);
  return made;
};

export const closeOf = (socket: WebSocket): Promise<{ code: number; reason: string }> =>
  new Promise((resolve) => {
    socket.on('error', () => undefined);
    socket.on('close', (code, reason) => resolve({ code, reason: reason.toString() }));
  });

/** A server of `ws` that is not ours. */
export const foreign = async <T>(
  onSocket: (socket: WebSocket) => void,
  body: (url: string) => Promise<T>,
  handleProtocols: (offered: Set<string>) => string | false = () => 'syncline.1',
): Promise<T> => {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0, handleProtocols });
  server.on('connection', (socket) => {
    socket.on('error', () => undefined);
    onSocket(socket);
  });
  await new Promise((resolve) => server.once('listening', resolve));
  const address = server.address();
  try {
    return await body(`ws://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`);
  } finally {
    for (const socket of server.clients) socket.terminate();
    await new Promise((resolve) => server.close(resolve));
  }
};

/** A TCP server that leaves the rest to `onSocket`. */
export const bare = async <T>(
  onSocket: (socket: Socket) => void,
  body: (url: string) => Promise<T>,
): Promise<T> => {
  const sockets: Socket[] = [];
  const server: NetServer = createServer((socket) => {
    socket.on('error', () => undefined);
    sockets.push(socket);
    onSocket(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  try {
    return await body(`ws://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`);
  } finally {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  }
};
