/** What WebSocket links say beside frames: versions, signs of life, divided frames, when to come again. */

import * as assert from 'uvu/assert';
import { WebSocket } from 'ws';
import { WebSocketLink } from '../transports/links/websocket-link.js';
import { ownVersions } from '../transports/versions.js';
import { digest, pattern } from './conformance/test.js';
import { eventually, turn } from './kit/async.js';
import { ManualClock } from './kit/manual-clock.js';
import { SleepingClock } from './kit/sleeping-clock.js';
import { suite } from './kit/suite.js';
import { bare, closeOf, dial, end, foreign, serving } from './kit/websocket-ends.js';

const test = suite('WebSocket messages');

const inPlain = { compressFrom: null };

test('the newest version that both sides speak is taken', async () => {
  for (const [server, client, expected] of [
    [[1, 3], [2, 5], 'syncline.3'],
    [[1, 1], [1, 1], 'syncline.1'],
    [[4, 9], [2, 5], 'syncline.5'],
  ] as const)
    await serving({ versions: { oldest: server[0], newest: server[1] } }, async (url) => {
      let found = '';
      class Spied extends WebSocket {
        constructor(address: string, protocols: string[]) {
          super(address, protocols);
          this.on('open', () => {
            found = this.protocol;
          });
        }
      }
      const link = dial(url, { WebSocket: Spied, versions: { oldest: client[0], newest: client[1] } });
      await eventually('opened', () => link.openings === 1);
      assert.is(found, expected);
      link.link?.close({ code: 'normal', message: '' });
    });
});

test('sides without a common version are told which there are', async () => {
  await serving({ versions: { oldest: 3, newest: 4 } }, async (url, accepted) => {
    const client = dial(url, { versions: { oldest: 1, newest: 2 } });
    const { code, message } = await client.closing;
    assert.is(code, 'refused');
    assert.match(message, 'expected syncline.4 or syncline.3');
    assert.equal([client.openings, accepted.length], [0, 0]);
    const socket = new WebSocket(url, ['syncline.1']);
    assert.match((await closeOf(socket)).reason, 'expected syncline.4 or syncline.3');
  });
});

test('a server that has gone silent is lost, one that answers is not', async () => {
  const clock = new ManualClock();
  await foreign(
    (socket) => {
      let pings = 0;
      socket.on('message', (data) => {
        if (String(data) === 'ping' && pings++ < 2) socket.send('pong');
      });
    },
    async (url) => {
      const client = dial(url, { clock, heartbeat: 1000 });
      await eventually('opened', () => client.openings === 1);
      const received = new Promise<void>((resolve) => setTimeout(resolve, 30));
      await received;
      // The first look finds that something came, or asks; two answers come, and then none.
      for (let beat = 0; beat < 3; beat++) {
        clock.advance(1000);
        await new Promise((resolve) => setTimeout(resolve, 30));
        assert.equal(client.reasons, [], `beat ${beat}`);
      }
      for (let beat = 0; beat < 3 && client.reasons.length === 0; beat++) {
        clock.advance(1000);
        await turn();
      }
      const { code, message } = await client.closing;
      assert.is(code, 'lost');
      assert.match(message, 'gave no sign of life for 1000 ms');
      assert.is(clock.pending, 0);
    },
  );
});

test('a device that wakes asks at once, and waits no longer than it has to', async () => {
  for (const answers of [false, true]) {
    const clock = new SleepingClock();
    let pings = 0;
    await foreign(
      (socket) => {
        socket.on('message', (data) => {
          if (String(data) !== 'ping') return;
          pings++;
          if (answers) socket.send('pong');
        });
      },
      async (url) => {
        const client = dial(url, { clock });
        await eventually('opened', () => client.openings === 1);
        clock.advance(5_000);
        assert.is(clock.pending, 1);
        clock.sleep(600_000);
        clock.advance(5_000);
        await eventually('asked', () => pings === 1);
        await new Promise((resolve) => setTimeout(resolve, 30));
        clock.advance(10_000);
        await turn();
        assert.equal(
          client.reasons.map(({ code }) => code),
          answers ? [] : ['lost'],
        );
        client.link?.close({ code: 'normal', message: '' });
      },
    );
  }
});

test('our server answers, and reports nothing of it', async () => {
  const clock = new ManualClock();
  await serving({}, async (url, accepted) => {
    const client = dial(url, { clock, heartbeat: 1000 });
    await eventually('accepted', () => accepted.length === 1 && client.openings === 1);
    for (let beat = 0; beat < 10; beat++) {
      clock.advance(1000);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    assert.equal([client.reasons, client.frames, accepted[0]?.frames], [[], [], []]);
    client.link?.close({ code: 'normal', message: '' });
  });
});

test('a client that asks for signs of life and does not read them is sent none', () => {
  const sent: unknown[] = [];
  const listeners = new Map<string, (event: { readonly data: unknown }) => void>();
  const socket = {
    binaryType: '',
    bufferedAmount: 0,
    protocol: 'syncline.1',
    addEventListener: (type: string, listener: (event: never) => void) => {
      listeners.set(type, listener as (event: { readonly data: unknown }) => void);
    },
    send: (message: unknown) => void sent.push(message),
    close: () => undefined,
  };
  const options = {
    clock: new ManualClock(),
    maxFrameBytes: 1000,
    maxMessageBytes: 1000,
    versions: ownVersions,
    closeTimeout: 1000,
    peer: 'the client',
  };
  const link = new WebSocketLink(socket, 'open', options, end());
  const ask = () => listeners.get('message')?.({ data: 'ping' });
  ask();
  socket.bufferedAmount = 1_000_000;
  for (let i = 0; i < 10; i++) ask();
  socket.bufferedAmount = 0;
  ask();
  assert.equal(sent, ['pong', 'pong']);
  assert.ok(link.hasHeard());
});

test('no message is longer than it may be, whatever the frames are', async () => {
  const options = { maxMessageBytes: 1000, ...inPlain };
  await serving(options, async (url, accepted) => {
    const longest = { up: 0, down: 0 };
    class Spied extends WebSocket {
      constructor(address: string, protocols: string[]) {
        super(address, protocols);
        this.on('message', (data: Buffer) => {
          longest.down = Math.max(longest.down, data.byteLength);
        });
        const { send } = this;
        this.send = (data: Uint8Array | string) => {
          longest.up = Math.max(longest.up, data.length);
          send.call(this, data, {});
        };
      }
    }
    const client = dial(url, { WebSocket: Spied as never, maxMessageBytes: 700 });
    await eventually('accepted', () => accepted.length === 1 && client.openings === 1);
    const frames = [700, 701, 999, 1000, 1001, 2000, 100_000, 0, 3].map((size, seed) => pattern(size, seed));
    for (const frame of frames) {
      client.link?.send(frame.slice());
      accepted[0]?.link?.send(frame.slice());
    }
    await eventually('all have come', () =>
      [client, accepted[0]].every((each) => each?.frames.length === frames.length),
    );
    assert.equal(client.frames.map(digest), frames.map(digest));
    assert.equal(accepted[0]?.frames.map(digest), frames.map(digest));
    assert.equal(longest, { up: 700, down: 1000 });
    client.link?.close({ code: 'normal', message: '' });
  });
});

test('announcements that make no sense end that link alone, and take no memory', async () => {
  const attacks: readonly [string, (string | Uint8Array)[], number][] = [
    ['a frame of nothing', ['frame 0'], 4002],
    ['a number that is none', ['frame -1'], 4002],
    ['a frame too large', ['frame 4000000000'], 4009],
    ['one within another', ['frame 10', 'frame 10'], 4002],
    ['a part too long', ['frame 2', new Uint8Array(3)], 4002],
    ['a part of nothing', ['frame 2', new Uint8Array(0)], 4002],
    ['a word', ['hello'], 4002],
  ];
  await serving({}, async (url, accepted) => {
    const good = dial(url);
    await eventually('accepted', () => accepted.length === 1);
    for (const [what, messages, code] of attacks) {
      const socket = new WebSocket(url, ['syncline.1']);
      const closed = closeOf(socket);
      socket.on('open', () => {
        for (const message of messages) socket.send(message);
      });
      assert.is((await closed).code, code, what);
    }
    good.link?.send(Uint8Array.of(1));
    await eventually('the good link carries on', () => accepted[0]?.frames.length === 1);
    assert.equal(
      accepted.slice(1).map(({ frames }) => frames.length),
      attacks.map(() => 0),
    );
    good.link?.close({ code: 'normal', message: '' });
  });
});

test('large messages are compressed for those who take it, small ones are not', async () => {
  const text = new TextEncoder().encode('{"title":"The Rock","director":"Michael Bay"},'.repeat(2000));
  for (const [compressFrom, isSmaller] of [
    [16_384, true],
    [null, false],
  ] as const)
    await serving({ compressFrom }, async (url, accepted) => {
      const client = new WebSocket(url, ['syncline.1']);
      const received: number[] = [];
      client.on('message', (data: Buffer) => received.push(data.length));
      await eventually('accepted', () => accepted.length === 1 && client.readyState === WebSocket.OPEN);
      const { _socket: socket } = client as unknown as { readonly _socket: { readonly bytesRead: number } };
      const before = socket.bytesRead;
      accepted[0]?.link?.send(text.slice());
      await eventually('it has come', () => received.length === 1);
      const carried = socket.bytesRead - before;
      assert.equal(received, [text.length]);
      assert.is(carried < text.length / 10, isSmaller, `${carried} bytes of ${text.length}`);
      client.terminate();
    });
});

test('what unpacks to more than a frame may have ends the link', async () => {
  await serving({ maxFrameBytes: 1_000_000 }, async (url, accepted) => {
    const bomb = new WebSocket(url, ['syncline.1']);
    const closed = closeOf(bomb);
    bomb.on('open', () => bomb.send(new Uint8Array(5_000_000)));
    await closed;
    assert.equal([(await accepted[0]?.closing)?.code, accepted[0]?.frames.length], ['tooLarge', 0]);
  });
});

test('a status in place of an upgrade says whether and when to come again', async () => {
  const clock = new ManualClock(Date.parse('Wed, 21 Oct 2026 07:28:00 GMT'));
  for (const [status, header, code, retryAfter] of [
    ['503 Busy', 'retry-after: 7\r\n', 'goingAway', 7000],
    ['429 Slow', 'retry-after: Wed, 21 Oct 2026 07:28:05 GMT\r\n', 'goingAway', 5000],
    ['503 Busy', 'retry-after: soon\r\n', 'goingAway', undefined],
    ['500 Broken', '', 'unreachable', undefined],
    ['403 Forbidden', '', 'refused', undefined],
  ] as const) {
    const reason = await bare(
      (socket) =>
        socket.once('data', () => socket.end(`HTTP/1.1 ${status}\r\n${header}content-length: 0\r\n\r\n`)),
      (url) => dial(url, { clock }).closing,
    );
    assert.equal([reason.code, reason.retryAfter], [code, retryAfter], status);
  }
});

test('a client that is held reads on when it is let go, and is not taken for dead', async () => {
  const clock = new ManualClock();
  await serving({ clock, heartbeat: 1000 }, async (url, accepted) => {
    const client = dial(url);
    await eventually('accepted', () => accepted.length === 1 && client.openings === 1);
    accepted[0]?.link?.hold?.(true);
    for (let i = 0; i < 200; i++) client.link?.send(new Uint8Array(100_000));
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.ok((accepted[0]?.frames.length ?? 0) < 20, `${accepted[0]?.frames.length} frames`);
    assert.ok((client.link?.bufferedBytes ?? 0) > 1_000_000);
    for (let beat = 0; beat < 5; beat++) clock.advance(1000);
    assert.equal(accepted[0]?.reasons, []);
    accepted[0]?.link?.hold?.(false);
    await eventually('all have come', () => accepted[0]?.frames.length === 200);
    client.link?.close({ code: 'normal', message: '' });
  });
});

test.run();
