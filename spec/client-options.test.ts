/** What a client is opened with, as plain JavaScript may give it. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type ClientOptions, openClient, openDevice, SynclineError } from '../transports/client.js';
import { memoryNetwork } from '../transports/links/memory.js';
import { memoryClientStore } from '../transports/stores/memory.js';
import { add, ended, openOn, rejection, schema, setUp } from './kit/driver-world.js';
import { ManualClock } from './kit/manual-clock.js';

const untyped = (options: object): ClientOptions => ({
  schema,
  store: memoryClientStore(),
  connector: memoryNetwork().connector,
  partition: 'p',
  ...options,
});

for (const [what, timing, says] of [
  ['no number', { retryFirst: Number.NaN }, /timing\.retryFirst is NaN, expected a number from 0/],
  ['a text', { retryMost: '5 min' }, /timing\.retryMost is 5 min, expected/],
  ['null', { silence: null }, /timing\.silence is null, expected/],
  ['less than nothing', { handshake: -1 }, /timing\.handshake is -1, expected/],
  ['a name that is none', { retryfirst: 1 }, /timing\.retryfirst is none of retryFirst,/],
] as const)
  test(`${what} among the times is refused, since a pause of it would be none`, async () => {
    const error = await rejection(openClient(untyped({ timing })));
    assert.instance(error, RangeError);
    assert.match((error as Error).message, says);
    const { connector } = untyped({});
    assert.throws(() => openDevice({ connector, timing: timing as object }), says);
  });

test('a time that is undefined is that by default', async () => {
  const clock = new ManualClock(1);
  const client = await openClient(
    untyped({ clock, timing: { retryFirst: undefined, retryMost: undefined } }),
  );
  await clock.advanceAsync(10_000);
  assert.is(client.session.describe().links.attempts, 4);
  await client.close();
});

test('a partition that is no text is refused, and where it belongs is said', async () => {
  const error = await rejection(openClient(untyped({ partition: 7 })));
  assert.instance(error, SynclineError);
  assert.match((error as Error).message, /found a number for `partition`, .*`partitionValue`/);
});

test('a session is inactive from the call that pauses it on, though its farewell is under way', async () => {
  const { server, network } = await setUp();
  const client = await openOn(network.connector);
  add(client);
  await client.session.waitForUpload();
  client.session.pause();
  assert.is(client.session.describe().phase, 'unbinding');
  assert.is(client.session.state, 'inactive');
  client.session.resume('upload');
  assert.is(client.session.state, 'active');
  await ended(server, client);
});

test.run();
