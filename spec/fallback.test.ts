/** Connectors that fall back: which way is tried, when, and what is remembered. */

import * as assert from 'uvu/assert';
import { WebSocket } from 'ws';
import { type FallbackOptions, fallbackConnector } from '../transports/links/fallback.js';
import { longPollConnector } from '../transports/links/long-poll.js';
import { nodeHandler } from '../transports/links/long-poll-node.js';
import { longPollListener } from '../transports/links/long-poll-server.js';
import { memoryNetwork } from '../transports/links/memory.js';
import { webSocketConnector } from '../transports/links/websocket.js';
import type { CloseCode, CloseReason, Connector, Link, LinkEvents } from '../transports/ports.js';
import { type LinkSetup, linkConformance } from './conformance/link.js';
import { deferred, turn } from './kit/async.js';
import { ManualClock } from './kit/manual-clock.js';
import { suite } from './kit/suite.js';
import { serveHttp } from './long-poll-setup.js';
import { webSocketSetup } from './websocket-setup.js';

const test = suite('fallback');

/** A way whose links a test plays. */
class Way implements Connector {
  readonly links: Played[] = [];
  connect(events: LinkEvents): Link {
    const link = new Played(events);
    this.links.push(link);
    return link;
  }
  get last(): Played {
    const link = this.links.at(-1);
    assert.ok(link, 'nobody has connected');
    return link;
  }
}

class Played implements Link {
  readonly events: LinkEvents;
  readonly sent: string[] = [];
  readonly closes: CloseReason[] = [];
  bufferedBytes = 0;
  constructor(events: LinkEvents) {
    this.events = events;
  }
  send(frame: Uint8Array): void {
    this.sent.push(frame.join(' '));
    this.bufferedBytes += frame.length;
  }
  close(reason: CloseReason): void {
    this.closes.push(reason);
  }
  end(code: CloseCode, message: string = code): void {
    this.events.closed({ code, message });
  }
}

class Bench {
  readonly clock = new ManualClock(1_000_000);
  readonly best = new Way();
  readonly next = new Way();
  readonly connector: Connector;

  constructor(options: FallbackOptions = {}) {
    const quiet = { clock: this.clock, climbAfter: 1e12 };
    this.connector = fallbackConnector([this.best, this.next], { ...quiet, ...options });
  }

  connect(): { readonly link: Link; readonly events: readonly string[] } {
    const events: string[] = [];
    const link = this.connector.connect({
      opened: () => events.push('opened'),
      frame: (frame) => events.push(frame.join(' ')),
      closed: ({ code, message }) => events.push(`${code}: ${message}`),
    });
    return { link, events };
  }

  /** How many links each way was asked for. */
  get tried(): readonly number[] {
    return [this.best.links.length, this.next.links.length];
  }
}

test('the best way is tried, and no other where it works', () => {
  const bench = new Bench();
  const { link, events } = bench.connect();
  link.send(Uint8Array.of(1));
  assert.is(link.bufferedBytes, 1);
  bench.best.last.events.opened();
  link.send(Uint8Array.of(2));
  bench.best.last.events.frame(Uint8Array.of(3));
  assert.equal(bench.best.last.sent, ['1', '2']);
  assert.is(link.bufferedBytes, 2);
  assert.equal(events, ['opened', '3']);
  bench.best.last.end('goingAway');
  assert.equal(events, ['opened', '3', 'goingAway: goingAway']);
  assert.equal(bench.tried, [1, 0]);
  assert.is(bench.clock.pending, 0);
});

for (const code of ['unreachable', 'refused', 'lost'] as const) {
  test(`a way that is ${code} is passed by, with the frames that wait`, () => {
    const bench = new Bench();
    const { link, events } = bench.connect();
    link.send(Uint8Array.of(1));
    bench.best.last.end(code);
    link.send(Uint8Array.of(2));
    bench.next.last.events.opened();
    assert.equal(events, ['opened']);
    assert.equal([bench.best.last.sent, bench.next.last.sent], [[], ['1', '2']]);
    // The next look at the best way.
    assert.is(bench.clock.pending, 1);
  });
}

for (const code of ['normal', 'goingAway', 'protocolError', 'tooLarge'] as const) {
  test(`a way that ends with ${code} is the server’s word`, () => {
    const bench = new Bench();
    const { events } = bench.connect();
    bench.best.last.end(code);
    assert.equal(events, [`${code}: ${code}`]);
    assert.equal(bench.tried, [1, 0]);
    assert.is(bench.clock.pending, 0);
  });
}

test('a way that does not answer is passed by after a time, and not heard any more', () => {
  const bench = new Bench({ patience: 3000 });
  const { link, events } = bench.connect();
  link.send(Uint8Array.of(1));
  bench.clock.advance(2999);
  assert.equal(bench.tried, [1, 0]);
  bench.clock.advance(1);
  assert.equal(bench.tried, [1, 1]);
  const late = bench.best.last;
  assert.equal(late.closes, [{ code: 'normal', message: 'not open within 3000 ms' }]);
  late.events.opened();
  late.events.frame(Uint8Array.of(9));
  late.end('lost');
  assert.equal(events, []);
  // The last way has all the time it takes itself.
  bench.clock.advance(100_000);
  bench.next.last.events.opened();
  assert.equal(events, ['opened']);
  assert.equal([late.sent, bench.next.last.sent], [[], ['1']]);
});

test('a way that opens in time may take all the time it likes', () => {
  const bench = new Bench({ patience: 3000 });
  const { events } = bench.connect();
  bench.clock.advance(2000);
  bench.best.last.events.opened();
  bench.clock.advance(100_000);
  assert.equal(events, ['opened']);
  assert.equal(bench.tried, [1, 0]);
});

test('where no way works, the end tells of all', () => {
  const bench = new Bench();
  const { link, events } = bench.connect();
  link.send(Uint8Array.of(1));
  bench.best.last.end('refused', 'no upgrade');
  bench.next.last.end('unreachable', 'no route');
  assert.equal(events, ['unreachable: no upgrade; no route']);
  assert.equal(bench.tried, [1, 1]);
  assert.is(link.bufferedBytes, 0);
  link.send(Uint8Array.of(2));
  link.close({ code: 'normal', message: '' });
  assert.equal(bench.next.last.sent, []);
  assert.is(bench.clock.pending, 0);
});

/** One link, by the next way, that has carried something. */
const fallen = (bench: Bench): void => {
  bench.connect();
  bench.best.last.end('refused');
  bench.next.last.events.opened();
  bench.next.last.events.frame(Uint8Array.of(1));
  bench.next.last.end('goingAway');
};

test('what worked is remembered, for a time', () => {
  const bench = new Bench({ retryAfter: 60_000 });
  fallen(bench);
  bench.clock.advance(30_000);
  bench.connect();
  assert.equal(bench.tried, [1, 2]);
  bench.next.last.events.opened();
  bench.next.last.events.frame(Uint8Array.of(1));
  bench.next.last.end('lost');
  bench.clock.advance(29_999);
  bench.connect();
  assert.equal(bench.tried, [1, 3]);
  bench.next.last.events.opened();
  bench.clock.advance(1);
  bench.connect();
  assert.equal(bench.tried, [2, 3]);
  // It fails again, and is left alone for as long again.
  bench.best.last.end('unreachable');
  bench.next.last.events.opened();
  bench.clock.advance(59_999);
  bench.connect();
  assert.equal(bench.tried, [2, 5]);
  bench.next.last.events.opened();
  bench.clock.advance(1);
  bench.connect();
  bench.best.last.events.opened();
  bench.connect();
  assert.equal(bench.tried, [4, 5]);
});

test('where the remembered way fails, the others are tried', () => {
  const bench = new Bench();
  fallen(bench);
  const { events } = bench.connect();
  bench.next.last.end('unreachable');
  assert.equal(bench.tried, [2, 2]);
  bench.best.last.events.opened();
  assert.equal(events, ['opened']);
  bench.connect();
  assert.equal(bench.tried, [3, 2]);
});

test('a way that opens links on which nothing arrives before they are lost is passed by the next time', () => {
  const bench = new Bench();
  const { events } = bench.connect();
  bench.best.last.events.opened();
  bench.best.last.end('lost');
  assert.equal(events, ['opened', 'lost: lost']);
  bench.connect();
  assert.equal(bench.tried, [1, 1]);
  // Nor does the next way bring anything: it is the server, or the network.
  bench.next.last.events.opened();
  bench.next.last.end('lost');
  bench.connect();
  assert.equal(bench.tried, [2, 1]);
  // A link that was closed on purpose proves nothing.
  bench.best.last.events.opened();
  bench.best.last.end('normal');
  bench.connect();
  assert.equal(bench.tried, [3, 1]);
});

test('a link that is closed while it opens tries no other way', async () => {
  const bench = new Bench();
  const { link, events } = bench.connect();
  link.send(Uint8Array.of(1));
  link.close({ code: 'normal', message: 'done' });
  assert.equal(events, []);
  assert.equal(bench.best.last.closes, [{ code: 'normal', message: 'done' }]);
  bench.best.last.end('unreachable');
  bench.best.last.events.opened();
  await turn();
  assert.equal(events, ['normal: done']);
  assert.equal(bench.tried, [1, 0]);
  assert.is(bench.clock.pending, 0);
});

test('an open link on another way ends for the best one, once that is open and everything has left', async () => {
  const bench = new Bench({ climbAfter: 60_000, patience: 5000 });
  bench.connect();
  bench.best.last.end('unreachable');
  bench.next.last.events.opened();
  bench.next.last.events.frame(Uint8Array.of(1));
  bench.next.last.end('goingAway');
  const { link, events } = bench.connect();
  const present = bench.next.last;
  present.events.opened();
  present.events.frame(Uint8Array.of(1));
  // It fails, does not answer, and opens at last.
  bench.clock.advance(60_000);
  assert.equal(bench.tried, [2, 2]);
  bench.best.last.end('refused');
  bench.clock.advance(60_000);
  assert.equal(bench.tried, [3, 2]);
  bench.clock.advance(5000);
  assert.equal(bench.best.last.closes.length, 1);
  bench.best.last.end('normal');
  bench.clock.advance(60_000);
  assert.equal(bench.tried, [4, 2]);
  assert.equal(events, ['opened', '1']);
  link.send(Uint8Array.of(7));
  bench.best.last.events.opened();
  assert.equal(bench.best.last.closes.length, 1);
  bench.best.last.end('normal');
  bench.clock.advance(3000);
  assert.equal(present.closes, []);
  present.bufferedBytes = 0;
  bench.clock.advance(1000);
  assert.equal(
    present.closes.map(({ code }) => code),
    ['goingAway'],
  );
  await turn();
  assert.equal(events, ['opened', '1', 'goingAway: a better way is open']);
  assert.is(bench.clock.pending, 0);
  bench.connect();
  assert.equal(bench.tried, [5, 2]);
});

test('a best way that opens and brings nothing is looked at less and less often', async () => {
  const bench = new Bench({ climbAfter: 1000 });
  const delays: number[] = [];
  bench.connect();
  bench.best.last.end('unreachable');
  bench.next.last.events.opened();
  for (let i = 0; i < 9; i++) {
    const before = bench.best.links.length;
    let waited = 0;
    for (; bench.best.links.length === before; waited += 500) bench.clock.advance(500);
    delays.push(waited);
    bench.best.last.events.opened();
    bench.best.last.end('normal');
    await turn();
    // The next link takes the best way, which opens and is lost.
    bench.connect();
    bench.best.last.events.opened();
    if (i === 7) bench.best.last.events.frame(Uint8Array.of(1));
    bench.best.last.end('lost');
    bench.connect();
    if (i === 7) bench.best.last.end('unreachable');
    bench.next.last.events.opened();
  }
  assert.equal(delays, [1000, 2000, 4000, 8000, 16_000, 32_000, 64_000, 64_000, 1000]);
});

test('a link that ends while it looks for a better way leaves nothing behind', async () => {
  for (const isLooking of [false, true]) {
    const bench = new Bench({ climbAfter: 1000 });
    const { link } = bench.connect();
    bench.best.last.end('unreachable');
    bench.next.last.events.opened();
    if (isLooking) bench.clock.advance(1000);
    link.close({ code: 'normal', message: 'done' });
    if (isLooking) assert.equal(bench.best.last.closes.length, 1);
    if (isLooking) bench.best.last.end('normal');
    await turn();
    assert.is(bench.clock.pending, 0);
  }
});

test('at least one way is given', () => {
  assert.throws(() => fallbackConnector([]), /at least one way, found none/);
});

const maxFrameBytes = 5_000_000;

const conforms = (name: string, make: () => Promise<LinkSetup>): void => {
  for (const { name: title, run } of linkConformance(make)) test(`${name}: ${title}`, run);
};

conforms('nowhere, then memory', async () => {
  const network = memoryNetwork({ maxFrameBytes });
  const refusing = memoryNetwork({ refuse: () => ({ code: 'refused', message: 'not you' }) });
  await refusing.listener.listen(() => {
    throw new Error('accepted a link that was refused');
  });
  const nowhere = memoryNetwork().connector;
  return {
    listener: network.listener,
    maxFrameBytes,
    connector: () => fallbackConnector([nowhere, network.connector]),
    unreachable: () => fallbackConnector([nowhere, nowhere]),
    refused: () => fallbackConnector([nowhere, refusing.connector]),
    cut: network.cut,
    dispose: async () => undefined,
  };
});

conforms('WebSocket, then long-poll', async () => {
  const { refused, ...setup } = await webSocketSetup(WebSocket)();
  const polls = longPollConnector({ url: 'http://127.0.0.1:1/sync', maxFrameBytes });
  return {
    ...setup,
    // Nothing listens where the next way goes, however long a busy machine takes for the first.
    connector: () => fallbackConnector([setup.connector(), polls], { patience: 120_000 }),
    unreachable: () => fallbackConnector([setup.unreachable(), polls]),
    ...(refused === undefined ? {} : { refused: () => fallbackConnector([polls, refused()]) }),
  };
});

conforms('WebSocket that nobody lets pass, then long-poll', async () => {
  const listener = longPollListener({ path: '/sync', maxFrameBytes });
  const { port, stop } = await serveHttp(nodeHandler(listener));
  const connector = (to: string): Connector => {
    const socket = webSocketConnector({ url: `ws://${to}`, WebSocket });
    return fallbackConnector([socket, longPollConnector({ url: `http://${to}`, maxFrameBytes })]);
  };
  return {
    listener,
    maxFrameBytes,
    connector: () => connector(`127.0.0.1:${port}/sync`),
    unreachable: () => connector('127.0.0.1:1/sync'),
    refused: () => connector(`127.0.0.1:${port}/elsewhere`),
    dispose: async () => stop(),
  };
});

test('a proxy that swallows upgrades costs the patience once', async () => {
  const listener = longPollListener();
  await listener.listen(() => ({ frame: () => undefined, closed: () => undefined }));
  const { server, port, stop } = await serveHttp(nodeHandler(listener));
  let upgrades = 0;
  server.on('upgrade', () => {
    upgrades += 1;
  });
  const connector = fallbackConnector(
    [
      webSocketConnector({ url: `ws://127.0.0.1:${port}`, WebSocket }),
      longPollConnector({ url: `http://127.0.0.1:${port}` }),
    ],
    { patience: 50 },
  );
  for (let i = 0; i < 3; i++) {
    const opened = deferred<void>();
    const closed = deferred<CloseReason>();
    const link = connector.connect({
      opened: () => opened.resolve(),
      frame: () => undefined,
      closed: closed.resolve,
    });
    await opened.promise;
    link.close({ code: 'normal', message: '' });
    await closed.promise;
  }
  assert.is(upgrades, 1);
  await listener.close();
  stop();
});

test.run();
