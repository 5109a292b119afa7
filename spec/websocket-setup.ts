/** WebSocket links through a relay that can fail, for the conformance suite on each implementation. */
import { connect, createServer, type Server, type Socket } from 'node:net';
import { WebSocket, WebSocketServer } from 'ws';
import { webSocketConnector } from '../transports/links/websocket.js';
import type { WebSocketLike } from '../transports/links/websocket-link.js';
import { webSocketListener } from '../transports/links/websocket-server.js';
import type { LinkSetup } from './conformance/link.js';

const maxFrameBytes = 5_000_000;

export interface Relay {
  readonly port: number;
  /** Drops everything it carries. */
  cut(): void;
  /** Carries nothing more in either direction, and closes nothing. */
  mute(): void;
  close(): Promise<void>;
}

/** Carries bytes to `port`. */
export const relay = async (port: () => number): Promise<Relay> => {
  let isMute = false;
  const sockets = new Set<Socket>();
  const server: Server = createServer((near) => {
    const far = connect(port(), '127.0.0.1');
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.setNoDelay();
      socket.on('error', () => socket.destroy());
      socket.on('close', () => {
        sockets.delete(socket);
        if (!isMute) (socket === near ? far : near).destroySoon();
      });
    }
    if (!isMute) near.pipe(far).pipe(near);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    cut: () => {
      for (const socket of sockets) socket.resetAndDestroy();
    },
    mute: () => {
      isMute = true;
      for (const socket of sockets) {
        socket.unpipe();
        socket.pause();
      }
    },
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy();
        server.close(() => resolve());
      }),
  };
};

/** `Client` is the implementation that connects; the server is that of `ws`. Only with a heartbeat may it fall silent. */
export const webSocketSetup =
  (Client: new (url: string, protocols: string[]) => WebSocketLike, heartbeat?: number) =>
  async (): Promise<LinkSetup> => {
    const beat = heartbeat === undefined ? {} : { heartbeat };
    const listener = webSocketListener({ WebSocketServer, path: '/sync', maxFrameBytes, ...beat });
    const wire = await relay(() => listener.port);
    const connector = (url: string) => webSocketConnector({ url, WebSocket: Client, maxFrameBytes, ...beat });
    return {
      listener,
      maxFrameBytes,
      connector: () => connector(`ws://127.0.0.1:${wire.port}/sync`),
      unreachable: () => connector('ws://127.0.0.1:1/sync'),
      ...(Client === WebSocket
        ? { refused: () => connector(`ws://127.0.0.1:${listener.port}/elsewhere`) }
        : {}),
      cut: wire.cut,
      ...(heartbeat === undefined ? {} : { mute: wire.mute }),
      dispose: wire.close,
    };
  };
