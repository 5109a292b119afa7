import { connect, createServer, type Server, type Socket } from 'node:net';
import { suite } from 'uvu';
import { WebSocket, WebSocketServer } from 'ws';
import { memoryNetwork } from '../transports/links/memory.js';
import { webSocketConnector } from '../transports/links/websocket.js';
import type { WebSocketLike } from '../transports/links/websocket-link.js';
import { webSocketListener } from '../transports/links/websocket-server.js';
import { type LinkSetup, linkConformance } from './conformance/link.js';
import type { ConformanceTest } from './conformance/test.js';

const run = (name: string, tests: readonly ConformanceTest[]): void => {
  const test = suite(name);
  for (const { name: title, run: body } of tests) test(title, body);
  test.run();
};

const maxFrameBytes = 5_000_000;

run(
  'memory link',
  linkConformance(async (): Promise<LinkSetup> => {
    const network = memoryNetwork({ maxFrameBytes });
    const refuse = () => ({ code: 'refused', message: 'not you' }) as const;
    const refusing = memoryNetwork({ refuse });
    await refusing.listener.listen(() => {
      throw new Error('accepted a link that was refused');
    });
    return {
      listener: network.listener,
      maxFrameBytes,
      connector: () => network.connector,
      unreachable: () => memoryNetwork().connector,
      refused: () => refusing.connector,
      cut: network.cut,
      dispose: async () => undefined,
    };
  }),
);

run(
  'memory link with delays',
  linkConformance(async (): Promise<LinkSetup> => {
    const network = memoryNetwork({ maxFrameBytes, delay: ({ frame }) => (frame % 7 === 0 ? 2 : 0) });
    return {
      listener: network.listener,
      maxFrameBytes,
      connector: () => network.connector,
      unreachable: () => memoryNetwork().connector,
      cut: network.cut,
      dispose: async () => undefined,
    };
  }),
);

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

const webSocketSetup =
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

run('WebSocket link', linkConformance(webSocketSetup(WebSocket)));

// From Node 22 on.
if (globalThis.WebSocket !== undefined) {
  run('WebSocket link of the platform', linkConformance(webSocketSetup(globalThis.WebSocket)));
}
