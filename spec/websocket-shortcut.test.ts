/** Frames that go past the socket: what comes of them is what would have come by the socket, in the same order. */

import * as assert from 'uvu/assert';
import { WebSocket } from 'ws';
import { type Carrier, shortcutOf } from '../transports/links/websocket-shortcut.js';
import { digest, pattern } from './conformance/test.js';
import { eventually } from './kit/async.js';
import { suite } from './kit/suite.js';
import { dial, serving } from './kit/websocket-ends.js';

const test = suite('WebSocket shortcut');

const lengths = [1, 125, 126, 127, 256, 16_383, 16_384, 65_535, 65_536, 70_000, 200_000];

/** Each length next to short ones, which might overtake it. */
const frames = lengths.flatMap((length, i) => [pattern(3, i), pattern(length, i), pattern(7, i + 100)]);

for (const compressFrom of [16_384, 1, null])
  test(`frames of any length come in order, compressed from ${compressFrom}`, async () => {
    await serving({ compressFrom }, async (url, accepted) => {
      const client = dial(url);
      await eventually('open', () => accepted.length === 1 && client.openings === 1);
      for (const frame of frames) accepted[0]?.link?.send(frame);
      await eventually('all have come', () => client.frames.length === frames.length);
      assert.equal(client.frames.map(digest), frames.map(digest));
      client.link?.close({ code: 'normal', message: '' });
    });
  });

test('one frame for many links reaches each of them', async () => {
  await serving({}, async (url, accepted) => {
    const clients = [dial(url), dial(url), dial(url)];
    await eventually('open', () => accepted.length === 3 && clients.every(({ openings }) => openings === 1));
    const [first, second] = [pattern(40, 1), pattern(400, 2)];
    for (const frame of [first, second, first]) for (const { link } of accepted) link?.send(frame);
    await eventually('all have come', () => clients.every((client) => client.frames.length === 3));
    for (const client of clients) {
      assert.equal(client.frames.map(digest), [first, second, first].map(digest));
      client.link?.close({ code: 'normal', message: '' });
    }
  });
});

test('nothing follows the close that a socket has sent by itself', async () => {
  await serving({}, async (url, accepted) => {
    const client = new WebSocket(url, ['syncline.1']);
    const after: number[] = [];
    await eventually('open', () => accepted.length === 1 && client.readyState === WebSocket.OPEN);
    client.on('message', (data: Buffer) => after.push(data.length));
    const closed = new Promise<number>((resolve) => client.on('close', resolve));
    // What the server sends once it has answered the close would break the protocol, and end with 1006.
    client.close(1000);
    const sending = setInterval(() => accepted[0]?.link?.send(pattern(9, 1)), 0);
    assert.is(await closed, 1000);
    clearInterval(sending);
  });
});

test('it is taken only where the socket would do the same at once', () => {
  const written: number[][] = [];
  const socket = { readyState: 1, bufferedAmount: 0 };
  const carrier: Carrier = { writableLength: 0, write: (bytes) => written.push([...bytes]) };
  const shortcut = shortcutOf(socket, carrier, 4);
  assert.is(shortcut(Uint8Array.of(1, 2, 3)), true);
  assert.is(shortcut(Uint8Array.of(1, 2, 3, 4)), false, 'to be compressed');
  socket.bufferedAmount = 10;
  assert.is(shortcut(Uint8Array.of(5)), false, 'something is kept back');
  socket.bufferedAmount = 0;
  socket.readyState = 2;
  assert.is(shortcut(Uint8Array.of(6)), false, 'closing');
  assert.equal(written, [[0x82, 3, 1, 2, 3]]);
});

test.run();
