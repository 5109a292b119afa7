import { WebSocket } from 'ws';
import { memoryNetwork } from '../transports/links/memory.js';
import { type LinkSetup, linkConformance } from './conformance/link.js';
import type { ConformanceTest } from './conformance/test.js';
import { suite } from './kit/suite.js';
import { webSocketSetup } from './websocket-setup.js';

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

run('WebSocket link', linkConformance(webSocketSetup(WebSocket)));

/** With beats so short that the rest of the suite would depend on the machine's pace. */
run(
  'half-open WebSocket link',
  linkConformance(webSocketSetup(WebSocket, 500)).filter(({ name }) => name.startsWith('a half-open')),
);
