import { test } from 'node:test';
import { memoryNetwork } from 'syncline/memory';
import { linkConformance } from 'syncline/testing';

// In place of memoryNetwork: the connector and the listener of your own link.
const suite = linkConformance(async () => {
  const { connector, listener, cut } = memoryNetwork({ maxFrameBytes: 1_000_000 });
  return {
    listener,
    maxFrameBytes: 1_000_000,
    connector: () => connector,
    unreachable: () => memoryNetwork().connector,
    cut,
    dispose: async () => undefined,
  };
});
for (const { name, run } of suite) test(name, run);
