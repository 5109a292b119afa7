/** WebSocket links through a relay that can fail, for the conformance suite on each implementation. */
import { connect, createServer, type Server, type Socket } from 'node:net';
import { WebSocket, WebSocketServer } from 'ws';
import { webSocketConnector } from '../transports/links/websocket.js';
import type { WebSocketLike } from '../transports/links/websocket-link.js';
import { webSocketListener } from '../transports/links/websocket-server.js';
import type { LinkSetup } from './conformance/link.js';

const maxFrameBytes = 5_000_000;

/** Carries bytes to `port` until it is told to drop everything it carries. */
const relay = async (
  port: () => number,
): Promise<{ readonly port: number; cut(): void; close(): Promise<void> }> => {
  const sockets = new Set<Socket>();
  const server: Server = createServer((near) => {
    const far = connect(port(), '127.0.0.1');
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.setNoDelay();
      socket.on('error', () => socket.destroy());
      socket.on('close', () => {
        sockets.delete(socket);
        (socket === near ? far : near).destroySoon();
      });
    }
    near.pipe(far).pipe(near);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    cut: () => {
      for (const socket of sockets) socket.resetAndDestroy();
    },
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy();
        server.close(() => resolve());
      }),
  };
};

/** `Client` is the implementation that connects; the server is that of `ws`. */
export const webSocketSetup =
  (Client: new (url: string, protocols: string[]) => WebSocketLike) => async (): Promise<LinkSetup> => {
    const listener = webSocketListener({ WebSocketServer, path: '/sync', maxFrameBytes });
    const wire = await relay(() => listener.port);
    const connector = (url: string) => webSocketConnector({ url, WebSocket: Client, maxFrameBytes });
    return {
      listener,
      maxFrameBytes,
      connector: () => connector(`ws://127.0.0.1:${wire.port}/sync`),
      unreachable: () => connector('ws://127.0.0.1:1/sync'),
      ...(Client === WebSocket
        ? { refused: () => connector(`ws://127.0.0.1:${listener.port}/elsewhere`) }
        : {}),
      cut: wire.cut,
      dispose: wire.close,
    };
  };
