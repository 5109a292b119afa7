/** What every pair of `Connector` and `Listener` owes: the obligations in `ports.ts`, one test each. */
import type { Connector, Listener } from '../../transports/ports.js';
import { flowTests } from './link-flow.js';
import { networkTests } from './link-network.js';
import { dial, type LinkRecorder, RecordingServer } from './link-recorder.js';
import { type ConformanceTest, digest, holds, pattern, pause, same, within } from './test.js';

/** One fresh server, and ways to it. */
export interface LinkSetup {
  readonly listener: Listener;
  /** Frames of up to this length are taken, by both sides. At most 8 MB, for the sake of time. */
  readonly maxFrameBytes: number;
  /** A way to the listener; asked for once it listens. */
  connector(): Connector;
  /** A way to a place where nobody listens. */
  unreachable(): Connector;
  /** A way by which the listener refuses every link, where the carrier can tell. */
  refused?(): Connector;
  /** Ends all links as a failing network does; left out where there is no network. */
  cut?(): void;
  /**
   * Lets nothing through any more and tells nobody, as a device that leaves its network: half-open connections. Left
   * out where links do not find that out by themselves; a session does, later.
   */
  mute?(): void;
  /** Releases everything. The listener is closed by then. */
  dispose(): Promise<void>;
}

export interface LinkBench {
  readonly setup: LinkSetup;
  readonly server: RecordingServer;
  connect(): LinkRecorder;
  /** Both ends of a further link, open. */
  pair(): Promise<readonly [client: LinkRecorder, server: LinkRecorder]>;
}

export type RegisterTest = (name: string, body: (bench: LinkBench) => Promise<void>) => void;

const number = (value: number): Uint8Array => Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value);
const numbers = (frames: readonly Uint8Array[]): readonly number[] =>
  frames.map(([a = 0, b = 0, c = 0, d = 0]) => ((a << 24) | (b << 16) | (c << 8) | d) >>> 0);
const count = (length: number): readonly number[] => Array.from({ length }, (_, i) => i);
const digests = (frames: readonly Uint8Array[]): readonly string[] => frames.map(digest);

/** `patience`: milliseconds to wait for an event that is owed. */
export const linkConformance = (
  make: () => Promise<LinkSetup>,
  patience = 10_000,
): readonly ConformanceTest[] => {
  const tests: ConformanceTest[] = [];

  const test: RegisterTest = (name, body) => {
    tests.push({
      name,
      run: async () => {
        const setup = await make();
        const server = new RecordingServer(patience);
        const clients: LinkRecorder[] = [];
        const connect = (connector = setup.connector()): LinkRecorder => {
          const end = dial(connector, patience);
          clients.push(end);
          return end;
        };
        try {
          await setup.listener.listen(server.accept);
          await body({
            setup,
            server,
            connect,
            pair: async () => {
              const at = server.ends.length;
              const client = connect();
              await client.until('opened', () => client.openings > 0);
              return [client, await server.end(at)];
            },
          });
          for (const client of clients) client.close('normal');
          await within('the listener closes', setup.listener.close(), patience);
          await pause();
          for (const end of [...clients, ...server.ends]) {
            await end.ended();
            same('violations', end.violations, []);
            same('times that closed was reported', end.reasons.length, 1);
            holds('opened is reported at most once', end.openings <= 1);
          }
        } finally {
          await setup.listener.close();
          await setup.dispose();
        }
      },
    });
  };

  test('a link opens and carries frames both ways', async ({ pair }) => {
    const [client, server] = await pair();
    client.send(Uint8Array.of(1, 2, 3));
    await server.received(1);
    server.send(Uint8Array.of(4, 0, 255));
    await client.received(1);
    same(
      'at the listener',
      server.frames.map((frame) => [...frame]),
      [[1, 2, 3]],
    );
    same(
      'at the connector',
      client.frames.map((frame) => [...frame]),
      [[4, 0, 255]],
    );
  });

  test('thousands of frames arrive once each and in order, in both directions at once', async ({ pair }) => {
    const [client, server] = await pair();
    const total = 5000;
    for (const i of count(total)) {
      client.send(number(i));
      server.send(number(i));
      if (i % 500 === 0) await pause();
    }
    await Promise.all([client.received(total), server.received(total)]);
    await pause(5);
    same('at the listener', numbers(server.frames), count(total));
    same('at the connector', numbers(client.frames), count(total));
  });

  test('frames of all sizes arrive whole, between small ones', async ({ pair, setup }) => {
    const [client, server] = await pair();
    const sizes = [1, 125, 126, 127, 4096, 65_535, 65_536, 65_537, 1_000_000, 4 * 1024 * 1024].filter(
      (size) => size <= setup.maxFrameBytes,
    );
    const frames = sizes.flatMap((size, seed) => [pattern(size, seed), number(seed)]);
    const expected = digests(frames);
    for (const frame of frames) {
      client.send(frame.slice());
      server.send(frame.slice());
    }
    await Promise.all([client.received(frames.length), server.received(frames.length)]);
    same('at the listener', digests(server.frames), expected);
    same('at the connector', digests(client.frames), expected);
  });

  test('an empty frame is a frame', async ({ pair }) => {
    const [client, server] = await pair();
    for (const end of [client, server]) {
      end.send(new Uint8Array());
      end.send(Uint8Array.of(1));
      end.send(new Uint8Array());
    }
    await Promise.all([client.received(3), server.received(3)]);
    same(
      'at the listener',
      server.frames.map(({ length }) => length),
      [0, 1, 0],
    );
    same(
      'at the connector',
      client.frames.map(({ length }) => length),
      [0, 1, 0],
    );
  });

  test('a frame that is part of a larger buffer carries its own bytes only', async ({ pair }) => {
    const [client, server] = await pair();
    const buffer = pattern(100_000, 1);
    const parts = [buffer.subarray(10, 20), buffer.subarray(99_990), buffer.subarray(5, 70_000)];
    for (const part of parts) {
      client.send(part);
      server.send(part);
    }
    await Promise.all([client.received(3), server.received(3)]);
    same('at the listener', digests(server.frames), digests(parts));
    same('at the connector', digests(client.frames), digests(parts));
  });

  test('a frame that arrived is the receiver’s to keep', async ({ pair }) => {
    const [client, server] = await pair();
    const total = 300;
    for (const i of count(total)) {
      client.send(pattern(200, i));
      if (i % 100 === 0) await pause();
    }
    await server.received(total);
    same(
      'frames, after all have arrived',
      digests(server.frames),
      digests(count(total).map((i) => pattern(200, i))),
    );
    const [first, second] = server.frames;
    const before = second && digest(second);
    first?.fill(0);
    same('a frame, after another was overwritten', second && digest(second), before);
  });

  test('frames that are sent before the link is open leave once it is', async ({ connect, server }) => {
    const client = connect();
    for (const i of count(10)) client.send(number(i));
    client.onOpened = () => client.send(number(10));
    const end = await server.end(0);
    await client.until('opened', () => client.openings > 0);
    client.send(number(11));
    await end.received(12);
    same('at the listener', numbers(end.frames), count(12));
  });

  test('the listener may send and close as soon as it accepts', async ({ server, connect }) => {
    server.onAccept = (end) => {
      end.send(number(7));
      end.close('goingAway', 'full');
    };
    const client = connect();
    same('code at the connector', (await client.ended()).code, 'goingAway');
    same('frames at the connector', numbers(client.frames), [7]);
    same('opened', client.openings, 1);
    same('at the listener', await (await server.end(0)).ended(), { code: 'goingAway', message: 'full' });
  });

  test('frames that were sent right before a close arrive before it', async ({ pair }) => {
    for (const closer of [0, 1] as const) {
      const ends = await pair();
      const [sender, receiver] = closer === 0 ? ends : [ends[1], ends[0]];
      for (const i of count(200)) sender.send(number(i));
      sender.send(pattern(1_000_000, 3));
      sender.close('normal');
      same('code', (await receiver.ended()).code, 'normal');
      same('number of frames', receiver.frames.length, 201);
      same('small frames', numbers(receiver.frames.slice(0, 200)), count(200));
      same('the large one', digests(receiver.frames.slice(200)), [digest(pattern(1_000_000, 3))]);
    }
  });

  test('each close code is reported on both ends, whoever closes', async ({ pair }) => {
    const codes = [
      'normal',
      'goingAway',
      'protocolError',
      'tooLarge',
      'refused',
      'lost',
      'unreachable',
    ] as const;
    for (const code of codes) {
      for (const closer of [0, 1] as const) {
        const ends = await pair();
        const [here, there] = closer === 0 ? ends : [ends[1], ends[0]];
        here.close(code, `because of ${code}`);
        same('here', await here.ended(), { code, message: `because of ${code}` });
        const expected = code === 'unreachable' ? 'lost' : code;
        same('there', await there.ended(), { code: expected, message: `because of ${code}` });
      }
    }
  });

  test('a close message of any length and script does no harm, and arrives in part at least', async ({
    pair,
  }) => {
    for (const message of ['', 'x'.repeat(500), 'é'.repeat(200), `a${'\u{1f600}'.repeat(100)}`]) {
      const [client, server] = await pair();
      client.close('normal', message);
      same('here', await client.ended(), { code: 'normal', message });
      const found = await server.ended();
      same('code there', found.code, 'normal');
      const arrived = message.startsWith(found.message) && found.message.length >= 30;
      holds(`a beginning of '${message}' arrives, found '${found.message}'`, message === '' || arrived);
    }
  });

  test('only the first close counts', async ({ pair }) => {
    const [client, server] = await pair();
    client.close('goingAway', 'first');
    client.close('protocolError', 'second');
    same('here', await client.ended(), { code: 'goingAway', message: 'first' });
    same('there', await server.ended(), { code: 'goingAway', message: 'first' });
    client.close('normal', 'third');
    server.close('normal', 'fourth');
    await pause(5);
    same('reports', [client.reasons.length, server.reasons.length], [1, 1]);
  });

  test('both ends may close at once', async ({ pair }) => {
    const [client, server] = await pair();
    client.close('normal', 'here');
    server.close('goingAway', 'there');
    same('at the connector', await client.ended(), { code: 'normal', message: 'here' });
    same('at the listener', await server.ended(), { code: 'goingAway', message: 'there' });
  });

  test('a link that is closed before it opens reports that only', async ({ connect, pair }) => {
    const client = connect();
    client.send(number(1));
    client.close('normal', 'not wanted any more');
    client.send(number(2));
    same('closed', await client.ended(), { code: 'normal', message: 'not wanted any more' });
    // Another link, so that the first has had its time.
    await pair();
    same('opened', client.openings, 0);
    same('frames', client.frames.length, 0);
  });

  test('what is sent after the end is ignored', async ({ pair }) => {
    const [client, server] = await pair();
    client.send(number(1));
    client.close('normal');
    client.send(number(2));
    same('code', (await server.ended()).code, 'normal');
    await client.ended();
    client.send(number(3));
    server.send(number(4));
    await pause(5);
    same('at the listener', numbers(server.frames), [1]);
    same('at the connector', numbers(client.frames), []);
    holds(
      'bufferedBytes answers',
      [client, server].every(({ link }) => Number.isFinite(link?.bufferedBytes)),
    );
  });

  test('no frame is reported after close was called, even if the peer goes on', async ({ pair }) => {
    const [client, server] = await pair();
    const total = 2000;
    let atClose = -1;
    client.onFrame = () => {
      if (client.frames.length === 50) {
        client.close('normal');
        atClose = client.frames.length;
      }
    };
    for (const i of count(total)) {
      server.send(number(i));
      if (i % 100 === 99) await pause();
    }
    await server.ended();
    await pause(5);
    same('frames', numbers(client.frames), count(50));
    same('frames when close was called', atClose, 50);
  });

  test('events may send and close', async ({ pair }) => {
    const [client, server] = await pair();
    server.onFrame = (frame) => server.send(frame);
    client.onFrame = (frame) => {
      const [value = 0] = numbers([frame]);
      if (value === 100) client.close('normal', 'enough');
      else client.send(number(value + 1));
    };
    client.send(number(0));
    same('at the listener', await server.ended(), { code: 'normal', message: 'enough' });
    same('at the connector', await client.ended(), { code: 'normal', message: 'enough' });
    same('frames', numbers(client.frames), count(101));
  });

  test('links do not touch each other', async ({ pair }) => {
    const pairs = [await pair(), await pair(), await pair()] as const;
    for (const i of count(50))
      pairs.forEach(([client, server], which) => {
        client.send(number(1000 * which + i));
        server.send(number(1000 * which + i));
      });
    pairs[1][0].close('normal');
    await pairs[1][1].ended();
    for (const which of [0, 2] as const) {
      const [client, server] = pairs[which];
      client.send(number(7));
      await Promise.all([client.received(50), server.received(51)]);
      const expected = count(50).map((i) => 1000 * which + i);
      same('at the connector', numbers(client.frames), expected);
      same('at the listener', numbers(server.frames), [...expected, 7]);
      same('ends reported', [client.reasons.length, server.reasons.length], [0, 0]);
    }
  });

  test('bufferedBytes counts what is under way, and comes down to 0', async ({ pair }) => {
    const [client, server] = await pair();
    same('at first', [client.link?.bufferedBytes, server.link?.bufferedBytes], [0, 0]);
    for (const end of [client, server]) for (const i of count(4)) end.send(pattern(1_000_000, i));
    holds('bufferedBytes is more than 0 after sending 4 MB', (client.link?.bufferedBytes ?? 0) > 0);
    await Promise.all([client.received(4), server.received(4)]);
    await pause(5);
    same('at last', [client.link?.bufferedBytes, server.link?.bufferedBytes], [0, 0]);
  });

  test('a frame of the largest size passes, one byte more ends the link with tooLarge', async ({
    pair,
    setup,
  }) => {
    for (const sending of [0, 1] as const) {
      const ends = await pair();
      const [sender, receiver] = sending === 0 ? ends : [ends[1], ends[0]];
      sender.send(pattern(setup.maxFrameBytes, 1));
      await receiver.received(1);
      sender.send(pattern(setup.maxFrameBytes + 1, 2));
      same('code at the receiver', (await receiver.ended()).code, 'tooLarge');
      same('code at the sender', (await sender.ended()).code, 'tooLarge');
      same('frames', receiver.frames.length, 1);
    }
  });

  test('where nobody listens, the link is unreachable', async ({ setup }) => {
    const client = dial(setup.unreachable(), patience);
    client.send(number(1));
    const { code, message } = await client.ended();
    same('code', code, 'unreachable');
    holds('the message says something', message.length > 0);
    same('opened', client.openings, 0);
    client.send(number(2));
    client.close('normal');
    await pause(5);
    same('reports', client.reasons.length, 1);
  });

  test('a refused link says so, and is never accepted', async ({ setup, server }) => {
    const connector = setup.refused?.();
    if (connector === undefined) return;
    const client = dial(connector, patience);
    client.send(number(1));
    same('code', (await client.ended()).code, 'refused');
    await pause(5);
    same('links accepted', server.ends.length, 0);
    same('frames', client.frames.length, 0);
    same('violations', client.violations, []);
  });

  test('a listener that closes sends its links away, and takes no more', async ({ setup, pair, connect }) => {
    const pairs = [await pair(), await pair(), await pair()];
    for (const [, server] of pairs) server.send(number(1));
    await within('close', setup.listener.close(), patience);
    for (const [client, server] of pairs) {
      same('at the connector', [(await client.ended()).code, numbers(client.frames)], ['goingAway', [1]]);
      same('at the listener', (await server.ended()).code, 'goingAway');
    }
    const { code } = await connect().ended();
    holds(
      `a later link is unreachable or sent away, found ${code}`,
      code === 'unreachable' || code === 'goingAway',
    );
    await within('closing again', setup.listener.close(), patience);
  });

  networkTests(test);
  flowTests(test);
  return tests;
};
