/** The memory network beyond the port: delays, faults, and runs that repeat. */

import * as assert from 'uvu/assert';
import { type MemoryNetworkOptions, memoryNetwork, type Passage } from '../transports/links/memory.js';
import type { Link, LinkEvents } from '../transports/ports.js';
import { ManualClock } from './kit/manual-clock.js';
import { suite } from './kit/suite.js';

const test = suite('memory network');

interface Trace {
  readonly clock: ManualClock;
  readonly log: string[];
  readonly network: ReturnType<typeof memoryNetwork>;
  readonly clients: Link[];
  readonly servers: Link[];
  connect(): Link;
}

/** A network on a clock that stands still, with all events written down. */
const traced = async (options: Omit<MemoryNetworkOptions, 'clock'> = {}): Promise<Trace> => {
  const clock = new ManualClock();
  const network = memoryNetwork({ ...options, clock });
  const log: string[] = [];
  const events = (who: string): LinkEvents => ({
    opened: () => log.push(`${clock.now()} ${who} opened`),
    frame: (frame) => log.push(`${clock.now()} ${who} frame ${[...frame]}`),
    closed: ({ code, message }) => log.push(`${clock.now()} ${who} closed ${code} ${message}`),
  });
  const clients: Link[] = [];
  const servers: Link[] = [];
  await network.listener.listen((link) => events(`server ${servers.push(link) - 1}`));
  const connect = (): Link => {
    const link = network.connector.connect(events(`client ${clients.length}`));
    clients.push(link);
    return link;
  };
  return { clock, log, network, clients, servers, connect };
};

test('nothing happens until the clock moves', async () => {
  const { clock, log, connect, servers } = await traced();
  const client = connect();
  client.send(Uint8Array.of(1));
  assert.equal(log, []);
  clock.advance(0);
  assert.equal(log, ['0 server 0 frame 1', '0 client 0 opened']);
  servers[0]?.send(Uint8Array.of(2));
  client.close({ code: 'normal', message: 'bye' });
  assert.is(log.length, 2);
  clock.advance(0);
  assert.equal(log.slice(2), ['0 server 0 closed normal bye', '0 client 0 closed normal bye']);
});

test('a delay holds back what was sent later too', async () => {
  const passages: Passage[] = [];
  const delay = (passage: Passage): number => {
    passages.push(passage);
    return passage.frame === 1 ? 50 : 10;
  };
  const { clock, log, connect, servers } = await traced({ delay });
  const client = connect();
  clock.advance(0);
  for (const i of [0, 1, 2]) client.send(Uint8Array.of(i));
  servers[0]?.send(new Uint8Array(7));
  client.close({ code: 'normal', message: '' });
  clock.advance(100);
  assert.equal(log.slice(1), [
    '0 client 0 closed normal ',
    '10 server 0 frame 0',
    '50 server 0 frame 1',
    '50 server 0 frame 2',
    '50 server 0 closed normal ',
  ]);
  assert.equal(passages, [
    { link: 0, from: 'connector', frame: 0, bytes: 1 },
    { link: 0, from: 'connector', frame: 1, bytes: 1 },
    { link: 0, from: 'connector', frame: 2, bytes: 1 },
    { link: 0, from: 'listener', frame: 0, bytes: 7 },
  ]);
});

test('bufferedBytes is what has not arrived', async () => {
  const { clock, connect } = await traced({ delay: ({ frame }) => frame * 10 });
  const client = connect();
  clock.advance(0);
  for (const length of [100, 20, 3]) client.send(new Uint8Array(length));
  const seen = [0, 10, 10].map((step) => {
    clock.advance(step);
    return client.bufferedBytes;
  });
  assert.equal(seen, [23, 3, 0]);
});

test('a link is lost with a frame: those before it arrive, it and those after it do not', async () => {
  const lose = ({ link, from, frame }: Passage): boolean => link === 1 && from === 'listener' && frame === 2;
  const { clock, log, connect, servers } = await traced({ lose, delay: () => 5 });
  connect();
  connect();
  clock.advance(0);
  log.length = 0;
  for (const i of [0, 1, 2, 3]) for (const server of servers) server.send(Uint8Array.of(i));
  clock.advance(10);
  const lost = 'closed lost the link was cut';
  assert.equal(
    log.filter((line) => line.includes(' 1 ')),
    [`0 server 1 ${lost}`, '5 client 1 frame 0', '5 client 1 frame 1', `5 client 1 ${lost}`],
  );
  assert.is(log.filter((line) => line.includes('client 0 frame')).length, 4);
});

test('a cut loses what is under way, on every link, whether open or not', async () => {
  const { clock, log, connect, network, servers } = await traced({ delay: () => 5 });
  connect();
  clock.advance(0);
  connect();
  servers[0]?.send(Uint8Array.of(1));
  log.length = 0;
  network.cut();
  assert.equal(log, []);
  clock.advance(10);
  const lost = 'closed lost the link was cut';
  assert.equal(log, [`0 client 0 ${lost}`, `0 client 1 ${lost}`, `0 server 0 ${lost}`]);
  connect().send(Uint8Array.of(2));
  clock.advance(10);
  assert.equal(log.slice(3), ['10 client 2 opened', '15 server 1 frame 2']);
});

test('a listener turns links away for a reason, and may listen again after closing', async () => {
  const refuse = (link: number) =>
    link === 0 ? ({ code: 'refused', message: 'not you' } as const) : undefined;
  const { clock, log, connect, network } = await traced({ refuse });
  connect();
  connect();
  clock.advance(0);
  assert.equal(log, ['0 client 0 closed refused not you', '0 client 1 opened']);
  const closing = network.listener.close();
  connect();
  clock.advance(0);
  await closing;
  const away = 'closed goingAway the server closes';
  const nobody = '0 client 2 closed unreachable nobody listens';
  assert.equal(log.slice(2).sort(), [`0 client 1 ${away}`, nobody, `0 server 0 ${away}`]);
  const accepted: Link[] = [];
  await network.listener.listen((link) => {
    accepted.push(link);
    return { frame: () => undefined, closed: () => undefined };
  });
  connect();
  clock.advance(0);
  assert.is(accepted.length, 1);
  assert.is(log.at(-1), '0 client 3 opened');
});

test('a second listen is refused', async () => {
  const { network } = await traced();
  try {
    await network.listener.listen(() => ({ frame: () => undefined, closed: () => undefined }));
    assert.unreachable('listened twice');
  } catch (error) {
    assert.match(String(error), 'listens already');
  }
});

test('the same calls give the same run', async () => {
  const run = async (): Promise<readonly string[]> => {
    let word = 7;
    const draw = (below: number): number => {
      word = (Math.imul(word, 1664525) + 1013904223) >>> 0;
      return (word >>> 8) % below;
    };
    const lose = ({ link, frame }: Passage): boolean => (link * 31 + frame) % 97 === 96;
    const { clock, log, connect, clients, servers } = await traced({
      lose,
      delay: ({ frame, bytes }) => (frame * bytes) % 17,
    });
    for (let step = 0; step < 1500; step++) {
      const ends = [...clients, ...servers];
      const end = ends[draw(ends.length)];
      const choice = draw(100);
      if (end === undefined || choice < 2) connect();
      else if (choice < 4) end.close({ code: 'normal', message: String(step) });
      else if (choice < 80) end.send(new Uint8Array(draw(9)).fill(step));
      else clock.advance(draw(10));
    }
    clock.advance(1000);
    return log;
  };
  const first = await run();
  assert.ok(first.length > 300, `${first.length} events`);
  for (const kind of ['opened', 'frame', 'closed normal', 'closed lost'])
    assert.ok(
      first.some((line) => line.includes(kind)),
      kind,
    );
  assert.equal(await run(), first);
});

test.run();
