/** What a client is opened with, as plain JavaScript may give it. */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type ClientOptions, openClient, SynclineError } from '../transports/client.js';
import { memoryNetwork } from '../transports/links/memory.js';
import { memoryClientStore } from '../transports/stores/memory.js';
import { add, ended, openOn, rejection, schema, setUp } from './kit/driver-world.js';

const untyped = (options: object): ClientOptions => ({
  schema,
  store: memoryClientStore(),
  connector: memoryNetwork().connector,
  partition: 'p',
  ...options,
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
