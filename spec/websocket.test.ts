/** WebSocket links beyond the port: codes on the wire, foreign peers, silence, shutting down. */
import { connect as netConnect } from 'node:net';
import * as assert from 'uvu/assert';
import { WebSocket, WebSocketServer } from 'ws';
import { webSocketConnector } from '../transports/links/websocket.js';
import type { WebSocketLike } from '../transports/links/websocket-link.js';
import { webSocketListener } from '../transports/links/websocket-server.js';
import { eventually, turn } from './kit/async.js';
import { ManualClock } from './kit/manual-clock.js';
import { suite } from './kit/suite.js';
import { bare, closeOf, dial, end, foreign, serving } from './kit/websocket-ends.js';

const test = suite('WebSocket');

test('codes that others close with become reasons', async () => {
  const expected: readonly (readonly [number | undefined, string])[] = [
    [1000, 'normal'],
    [1001, 'goingAway'],
    [1002, 'protocolError'],
    [1003, 'protocolError'],
    [undefined, 'normal'],
    [1007, 'protocolError'],
    [1008, 'refused'],
    [1009, 'tooLarge'],
    [1011, 'lost'],
    [1012, 'goingAway'],
    [1013, 'goingAway'],
    [3000, 'lost'],
    [4000, 'lost'],
    [4001, 'goingAway'],
    [4002, 'protocolError'],
    [4003, 'refused'],
    [4009, 'tooLarge'],
    [4999, 'lost'],
  ];
  const codes = expected.map(([code]) => code);
  await foreign(
    (socket) => socket.close(codes.shift()),
    async (url) => {
      for (const [code, reason] of expected) {
        const { code: found, message } = await dial(url).closing;
        assert.is(found, reason, `code ${code}`);
        assert.match(message, String(code ?? 1005));
      }
    },
  );
});

test('reasons go out as codes that browsers too may send', async () => {
  const expected = {
    normal: 1000,
    goingAway: 4001,
    protocolError: 4002,
    tooLarge: 4009,
    refused: 4003,
    lost: 4000,
  } as const;
  await serving({}, async (url, accepted) => {
    for (const [i, [code, number]] of Object.entries(expected).entries()) {
      const socket = new WebSocket(url, ['syncline.1']);
      const closed = closeOf(socket);
      await eventually('accepted', () => accepted.length > i);
      accepted[i]?.link?.close({ code: code as keyof typeof expected, message: 'why' });
      assert.equal(await closed, { code: number, reason: 'why' });
    }
  });
});

test('a client without our subprotocol is refused, with a code and a reason that it can see', async () => {
  await serving({}, async (url, accepted) => {
    for (const protocols of [[], ['other'], ['syncline.9', 'x']]) {
      const socket = new WebSocket(url, protocols);
      const { code, reason } = await closeOf(socket);
      assert.is(code, 4003);
      assert.match(reason, 'expected syncline.1');
    }
    assert.is(accepted.length, 0);
    const socket = new WebSocket(url, ['syncline.9', 'syncline.1']);
    await new Promise((resolve) => socket.once('open', resolve));
    await eventually('one that offers it among others is accepted', () => accepted.length === 1);
    assert.is(socket.protocol, 'syncline.1');
    socket.close();
  });
});

test('a server without our subprotocol is refused by the client', async () => {
  for (const chosen of [false, 'other'] as const) {
    const outcome = await foreign(
      () => undefined,
      (url) => dial(url).closing,
      () => chosen,
    );
    assert.is(outcome.code, 'refused', `${chosen}: ${outcome.message}`);
  }
});

test('an answer that is not a WebSocket is refused, garbage is unreachable', async () => {
  const answer = (text: string) =>
    bare(
      (socket) => socket.once('data', () => socket.end(text)),
      (url) => dial(url).closing,
    );
  assert.is((await answer('HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n')).code, 'refused');
  assert.is((await answer('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok')).code, 'refused');
  const garbage = await answer('SSH-2.0-something\r\n');
  assert.is(garbage.code, 'unreachable');
  assert.match(garbage.message, /ws:\/\/127\.0\.0\.1:\d+ cannot be reached/);
});

test('a server that does not answer is unreachable after a time', async () => {
  const clock = new ManualClock();
  await bare(
    () => undefined,
    async (url) => {
      const client = dial(url, { clock, openTimeout: 5000 });
      clock.advance(4999);
      await turn();
      assert.equal(client.reasons, []);
      clock.advance(1);
      const { code, message } = await client.closing;
      assert.is(code, 'unreachable');
      assert.match(message, 'did not answer within 5000 ms');
      assert.is(clock.pending, 0);
    },
  );
});

test('a link that has ended leaves no timer behind', async () => {
  const clock = new ManualClock();
  await serving({}, async (url) => {
    const client = dial(url, { clock });
    await eventually('opened', () => client.openings === 1);
    // The next look for a sign of life.
    assert.is(clock.pending, 1);
    client.link?.close({ code: 'normal', message: '' });
    await client.closing;
    await eventually('the server has answered the close', () => clock.pending === 0);
  });
});

test('a text frame is a protocol error, on either side', async () => {
  await serving({}, async (url, accepted) => {
    const socket = new WebSocket(url, ['syncline.1']);
    const closed = closeOf(socket);
    socket.on('open', () => socket.send('text'));
    assert.is((await closed).code, 4002);
    assert.is((await accepted[0]?.closing)?.code, 'protocolError');
  });
  const client = await foreign(
    (socket) => socket.send('text'),
    async (url) => {
      const dialed = dial(url);
      await dialed.closing;
      return dialed;
    },
  );
  assert.equal([client.reasons[0]?.code, client.frames.length], ['protocolError', 0]);
});

test('frames that break the protocol end that link alone', async () => {
  await serving({}, async (url, accepted) => {
    const good = dial(url);
    await eventually('accepted', () => accepted.length === 1);
    const port = Number(new URL(url).port);
    // An opcode that does not exist, a frame without a mask, a close of one byte, 2^62 bytes announced, 2^30.
    const attacks = [
      [0x83, 0x80, 0, 0, 0, 0],
      [0x82, 1, 7],
      [0x88, 0x81, 0, 0, 0, 0, 9],
      [0x82, 0xff, 0x40, 0, 0, 0, 0, 0, 0, 0],
      [0x82, 0xff, 0, 0, 0, 0, 0x40, 0, 0, 0],
    ];
    for (const [i, attack] of attacks.entries()) {
      const socket = netConnect(port, '127.0.0.1');
      socket.on('error', () => undefined);
      socket.write(
        `GET / HTTP/1.1\r\nhost: x\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-version: 13\r\nsec-websocket-key: ${Buffer.alloc(16, i).toString('base64')}\r\nsec-websocket-protocol: syncline.1\r\n\r\n`,
      );
      socket.once('data', () => socket.write(Uint8Array.from(attack)));
      socket.resume();
      await eventually('accepted', () => accepted.length === i + 2);
      const code = (await accepted[i + 1]?.closing)?.code;
      assert.is(code, i >= 3 ? 'tooLarge' : 'protocolError', `attack ${i}`);
      socket.destroy();
    }
    good.link?.send(Uint8Array.of(1));
    await eventually('the good link carries on', () => accepted[0]?.frames.length === 1);
    good.link?.close({ code: 'normal', message: '' });
  });
});

test('a client that is silent for two beats is lost, one that answers is not', async () => {
  const clock = new ManualClock();
  await serving({ clock, heartbeat: 1000 }, async (url, accepted) => {
    const answering = dial(url);
    const silent = new WebSocket(url, ['syncline.1'], { autoPong: false });
    const talking = new WebSocket(url, ['syncline.1'], { autoPong: false });
    const pings = [0, 0];
    for (const [i, socket] of [silent, talking].entries()) {
      socket.on('error', () => undefined);
      socket.on('ping', () => {
        pings[i] = (pings[i] ?? 0) + 1;
        if (socket === talking) talking.send(Uint8Array.of(1));
      });
    }
    await eventually('all are accepted', () => accepted.length === 3);
    const frames = (): number => accepted.reduce((sum, { frames: { length } }) => sum + length, 0);
    clock.advance(1000);
    await eventually('all are pinged', () => pings[0] === 1 && frames() === 1);
    await turn();
    assert.ok(accepted.every(({ reasons }) => reasons.length === 0));
    clock.advance(1000);
    await eventually('one is lost', () => accepted.some(({ reasons }) => reasons.length === 1));
    await eventually('the second beat has been answered', () => frames() === 2);
    clock.advance(1000);
    await eventually('the third beat has been answered', () => frames() === 3);
    assert.equal(
      accepted.map(({ reasons }) => reasons[0]?.code).filter((code) => code !== undefined),
      ['lost'],
    );
    assert.equal([answering.reasons.length, pings[0]], [0, 1]);
    answering.link?.close({ code: 'normal', message: '' });
    talking.terminate();
  });
});

test('a listener that closes does not wait for clients that never answer', async () => {
  const clock = new ManualClock();
  const listener = webSocketListener({ WebSocketServer, clock, closeTimeout: 2000 });
  const accepted = end();
  await listener.listen(() => accepted);
  const port = listener.port;
  // One that has upgraded and then reads nothing, one that has said nothing at all.
  const deaf = netConnect(port, '127.0.0.1');
  deaf.write(
    `GET / HTTP/1.1\r\nhost: x\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-version: 13\r\nsec-websocket-key: ${Buffer.alloc(16).toString('base64')}\r\nsec-websocket-protocol: syncline.1\r\n\r\n`,
  );
  await new Promise((resolve) => deaf.once('data', resolve));
  const mute = netConnect(port, '127.0.0.1');
  await new Promise((resolve) => mute.once('connect', resolve));
  for (const socket of [deaf, mute]) socket.on('error', () => undefined);
  let closed = false;
  const closing = listener.close().then(() => {
    closed = true;
  });
  assert.is((await accepted.closing).code, 'goingAway');
  await turn();
  assert.not.ok(closed);
  clock.advance(2000);
  await Promise.race([
    closing,
    new Promise((_, reject) => setTimeout(() => reject(new Error('still open')), 5000)),
  ]);
  assert.is(clock.pending, 0);
  deaf.destroy();
  mute.destroy();
});

test('a port that is taken is an error that names it', async () => {
  await serving({}, async (_, __, { port }) => {
    const second = webSocketListener({ WebSocketServer, port });
    try {
      await second.listen(() => end());
      assert.unreachable('listened on a taken port');
    } catch (error) {
      assert.match(String(error), `cannot listen on 127.0.0.1:${port}`);
    }
    await second.close();
  });
});

test('a listener may run on a server of the embedder, which stays open', async () => {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
  await new Promise((resolve) => server.once('listening', resolve));
  const listener = webSocketListener({ server });
  const accepted = end();
  await listener.listen((link) => {
    accepted.link = link;
    return accepted;
  });
  const url = `ws://127.0.0.1:${listener.port}`;
  const client = dial(url);
  client.link?.send(Uint8Array.of(5));
  await eventually('the frame arrives', () => accepted.frames.length === 1);
  await listener.close();
  assert.is((await client.closing).code, 'goingAway');
  assert.is((await dial(url).closing).code, 'goingAway');
  await new Promise((resolve) => server.close(resolve));
});

test('what is not a URL of a WebSocket, and a platform without one, are errors that say so', () => {
  for (const url of ['', 'localhost:80', 'http://localhost', 'ws:']) {
    assert.throws(() => webSocketConnector({ url, WebSocket }), /starts with ws: or wss:/);
  }
  const platform = Object.getOwnPropertyDescriptor(globalThis, 'WebSocket');
  Reflect.deleteProperty(globalThis, 'WebSocket');
  try {
    assert.throws(() => webSocketConnector({ url: 'ws://localhost' }), /pass the one of the package ws/);
  } finally {
    if (platform !== undefined) Object.defineProperty(globalThis, 'WebSocket', platform);
  }
});

test('a constructor that throws makes the link unreachable, not the caller fail', async () => {
  class Forbidden extends WebSocket {
    constructor() {
      super('ws://127.0.0.1:1/#fragment');
    }
  }
  const Client: new (url: string, protocols: string[]) => WebSocketLike = Forbidden;
  const client = dial('wss://example.org', { WebSocket: Client });
  client.link?.send(Uint8Array.of(1));
  assert.equal(client.reasons, []);
  const { code, message } = await client.closing;
  assert.is(code, 'unreachable');
  assert.match(message, 'wss://example.org');
});

test.run();
