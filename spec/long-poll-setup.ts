/** Long-poll links over real HTTP on the loopback interface, for the conformance suite. */
import { createServer, type Server } from 'node:http';
import { longPollConnector } from '../transports/links/long-poll.js';
import { nodeHandler } from '../transports/links/long-poll-node.js';
import { longPollListener } from '../transports/links/long-poll-server.js';
import type { LinkSetup } from './conformance/link.js';
import { relay } from './websocket-setup.js';

const maxFrameBytes = 5_000_000;

/** An HTTP server, and the port that it listens on: any that is free, or the given one. */
export const serveHttp = async (
  handler: ReturnType<typeof nodeHandler>,
  wanted = 0,
): Promise<{ readonly server: Server; readonly port: number; stop(): void }> => {
  const server = createServer(handler);
  await new Promise<void>((resolve) => server.listen(wanted, '127.0.0.1', resolve));
  const address = server.address();
  return {
    server,
    port: typeof address === 'object' && address !== null ? address.port : 0,
    stop: () => {
      server.close();
      server.closeAllConnections();
    },
  };
};

/** Two ways to one listener, of which `cut` ends the first: a failing network is one that stays away. */
export const longPollSetup = async (): Promise<LinkSetup> => {
  const listener = longPollListener({ path: '/sync', maxFrameBytes, expiry: 2_000 });
  const first = await serveHttp(nodeHandler(listener));
  const second = await serveHttp(nodeHandler(listener));
  let present = first;
  const connector = (url: string) => longPollConnector({ url, maxFrameBytes, maxRetries: 2, retryDelay: 20 });
  return {
    listener,
    maxFrameBytes,
    connector: () => connector(`http://127.0.0.1:${present.port}/sync`),
    unreachable: () => connector('http://127.0.0.1:1/sync'),
    refused: () => connector(`http://127.0.0.1:${first.port}/elsewhere`),
    cut: () => {
      present = second;
      first.stop();
    },
    dispose: async () => {
      first.stop();
      second.stop();
    },
  };
};

/** As that, with times so short that links find out soon that nothing gets through any more. */
export const halfOpenSetup = async (): Promise<LinkSetup> => {
  const listener = longPollListener({ maxFrameBytes, hold: 1_000, expiry: 2_000 });
  const host = await serveHttp(nodeHandler(listener));
  const wire = await relay(() => host.port);
  const connector = (port: number) =>
    longPollConnector({ url: `http://127.0.0.1:${port}`, maxFrameBytes, answerTimeout: 500, maxRetries: 1 });
  return {
    listener,
    maxFrameBytes,
    connector: () => connector(wire.port),
    unreachable: () => connector(1),
    mute: wire.mute,
    dispose: async () => {
      host.stop();
      await wire.close();
    },
  };
};
