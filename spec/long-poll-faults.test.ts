/** Long-poll links over a network that loses, doubles and delays: exactly once and in order all the same. */
import fc from 'fast-check';
import * as assert from 'uvu/assert';
import { systemClock } from '../transports/clock.js';
import { longPollConnector } from '../transports/links/long-poll.js';
import { longPollListener } from '../transports/links/long-poll-server.js';
import type { CloseCode, Entropy, Link } from '../transports/ports.js';
import { type LinkSetup, linkConformance } from './conformance/link.js';
import { ManualClock } from './kit/manual-clock.js';
import { type Random, seeded } from './kit/random.js';
import { suite } from './kit/suite.js';
import { Network } from './long-poll-network.js';

const test = suite('long-poll link on a bad network');

const url = 'http://sync.example/link';
const maxFrameBytes = 5_000_000;

for (const { name, run } of linkConformance(async (): Promise<LinkSetup> => {
  const listener = longPollListener({ path: '/link', maxFrameBytes, expiry: 1_500, closeTimeout: 50 });
  const options = { random: seeded(7), clock: systemClock, faults: 10, delay: 2 };
  const make = (): Network => new Network(listener.handle, options);
  const connector = (network: Network, path = '/link') => {
    const { fetch } = network;
    const retries = { maxRetries: 20, retryDelay: 1, maxRetryDelay: 3 };
    return longPollConnector({ url: `http://sync.example${path}`, fetch, maxFrameBytes, ...retries });
  };
  let network = make();
  const nowhere = make();
  nowhere.cut();
  return {
    listener,
    maxFrameBytes,
    connector: () => connector(network),
    unreachable: () => connector(nowhere),
    refused: () => connector(network, '/elsewhere'),
    cut: () => {
      network.cut();
      network = make();
    },
    dispose: async () => undefined,
  };
})) {
  test(name, run);
}

const immediate = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Moves a clock from one action to the next, and lets everything happen in between. */
const runUntil = async (clock: ManualClock, end: number, isDone = (): boolean => false): Promise<void> => {
  for (;;) {
    await immediate();
    if (isDone() || clock.next === undefined || clock.next > end) break;
    clock.advance(clock.next - clock.now());
  }
  if (!isDone()) clock.advance(Math.max(0, end - clock.now()));
};

interface End {
  link: Link | undefined;
  readonly sent: string[];
  readonly received: string[];
  readonly ends: CloseCode[];
}

const newEnd = (): End => ({ link: undefined, sent: [], received: [], ends: [] });

const events = (end: End) => ({
  opened: () => undefined,
  frame: (frame: Uint8Array) => void end.received.push(`${frame.length}:${frame[0]}:${frame.at(-1)}`),
  closed: ({ code }: { readonly code: CloseCode }) => void end.ends.push(code),
});

const sendTo = (end: End, random: Random): void => {
  if (end.ends.length > 0) return;
  const length = random.int(10) === 0 ? random.int(5000) : random.int(30);
  const frame = new Uint8Array(length).fill(end.sent.length % 256);
  end.sent.push(`${length}:${frame[0]}:${frame.at(-1)}`);
  end.link?.send(frame);
};

/** What became of the links, over all runs. */
const outcomes = { whole: 0, lost: 0 };

test('whatever the network does, frames arrive once and in order, or the link ends on both ends', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer(), fc.integer({ min: 2, max: 40 }), async (seed, faults) => {
      const random = seeded(seed);
      const clock = new ManualClock();
      const entropy: Entropy = { integer: () => 1 + random.int(2 ** 31) * 2 ** 21 + random.int(2 ** 21) };
      const listener = longPollListener({
        clock,
        entropy,
        maxBodyBytes: 1024,
        maxFrameBytes: 10_000,
        hold: 1000,
      });
      const accepted: End[] = [];
      await listener.listen((link) => {
        const end = newEnd();
        end.link = link;
        accepted.push(end);
        return events(end);
      });
      const network = new Network(listener.handle, { random, clock, faults, delay: 3_000 });
      const client = newEnd();
      const timing = { answerTimeout: 1_500, retryDelay: 50, closeTimeout: 20_000, maxRetries: 8 };
      const connector = longPollConnector({ url, fetch: network.fetch, clock, entropy, ...timing });
      client.link = connector.connect(events(client));
      for (let round = 0; round < 12; round++) {
        for (const end of [client, accepted[0] ?? client])
          for (let i = random.int(8); i > 0; i--) sendTo(end, random);
        await runUntil(clock, clock.now() + random.int(2_000));
      }
      network.isBad = random.int(2) === 0;
      const server = accepted[0];
      assert.ok(server, 'nothing was accepted');
      const [closing, other] = random.int(2) === 0 ? [client, server] : [server, client];
      closing.link?.close({ code: 'goingAway', message: 'enough' });
      const isOver = (): boolean => client.ends.length > 0 && server.ends.length > 0;
      await runUntil(clock, clock.now() + 200_000, isOver);
      await runUntil(clock, clock.now() + 200_000);

      assert.equal([client.ends.length, server.ends.length], [1, 1]);
      assert.equal(server.received, client.sent.slice(0, server.received.length), 'at the server');
      assert.equal(client.received, server.sent.slice(0, client.received.length), 'at the client');
      // What closed had its time to tell, unless the network lost the link.
      if (closing.ends[0] === 'goingAway' && other.ends[0] === 'goingAway') {
        assert.equal(other.received, closing.sent);
        outcomes.whole += 1;
      } else {
        assert.ok(closing.ends[0] === 'lost' || other.ends[0] === 'lost');
        outcomes.lost += 1;
      }
      // An open that came again after the end of its link is one that nobody uses.
      for (const ghost of accepted.slice(1)) assert.equal([ghost.received, ghost.ends], [[], ['lost']]);
      assert.is(listener.sessions, 0);
      assert.is(clock.pending, 0);
    }),
    { numRuns: 40 },
  );
  assert.ok(outcomes.whole > outcomes.lost, JSON.stringify(outcomes));
});

test.run();
