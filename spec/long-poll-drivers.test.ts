/** Clients and a server over long-poll links: they converge, whatever the network does meanwhile. */

import * as assert from 'uvu/assert';
import { WebSocket, WebSocketServer } from 'ws';
import { type Client, openClient } from '../transports/client.js';
import { systemClock } from '../transports/clock.js';
import { fallbackConnector } from '../transports/links/fallback.js';
import { longPollConnector } from '../transports/links/long-poll.js';
import { nodeHandler } from '../transports/links/long-poll-node.js';
import { longPollListener } from '../transports/links/long-poll-server.js';
import { memoryNetwork } from '../transports/links/memory.js';
import { webSocketConnector } from '../transports/links/websocket.js';
import { webSocketListener } from '../transports/links/websocket-server.js';
import type { Connector } from '../transports/ports.js';
import { startServer } from '../transports/server.js';
import { memoryClientStore, memoryServerStore } from '../transports/stores/memory.js';
import { seeded } from './kit/random.js';
import { suite } from './kit/suite.js';
import { Network } from './long-poll-network.js';
import { serveHttp } from './long-poll-setup.js';

const test = suite('long-poll with drivers');

const schema = [
  { name: 'Task', primaryKey: '_id', properties: { _id: 'int', title: 'string', tags: 'string[]' } },
];

const open = (connector: Connector): Promise<Client> =>
  openClient({
    schema,
    store: memoryClientStore(),
    connector,
    partition: 'p',
    timing: { retryFirst: 5, retryMost: 20 },
  });

const write = (client: Client, from: number, count: number): void => {
  for (let i = from; i < from + count; i++) {
    client.write((tx) => tx.create('Task', { _id: i, title: `task ${i}`, tags: ['a', `${i}`] }));
  }
};

const synced = async (...clients: readonly Client[]): Promise<void> => {
  for (const client of clients) await client.session.waitForUpload();
  for (const client of clients) await client.session.waitForDownload();
};

test('a client that cannot use WebSocket and one that polls converge, over an outage too', async () => {
  const listener = longPollListener({ closeTimeout: 200 });
  const server = await startServer({ store: memoryServerStore(), listeners: [listener] });
  let http = await serveHttp(nodeHandler(listener));
  const { port } = http;
  const polls = longPollConnector({ url: `http://127.0.0.1:${port}/`, retryDelay: 10, maxRetryDelay: 20 });
  const a = await open(polls);
  const b = await open(fallbackConnector([memoryNetwork().connector, polls]));
  write(a, 0, 100);
  write(b, 100, 100);
  await synced(a, b);
  assert.is(a.digest(), b.digest());
  assert.is(b.object('Task', 199)?.['title'], 'task 199');

  http.stop();
  write(a, 200, 20);
  write(b, 300, 20);
  await new Promise((resolve) => setTimeout(resolve, 150));
  http = await serveHttp(nodeHandler(listener), port);
  await synced(a, b);
  assert.is(a.digest(), b.digest());
  assert.is(await server.digest('p'), a.digest());

  await a.close();
  await b.close();
  await server.close();
  http.stop();
});

test('clients converge over a network that loses, doubles and delays', async () => {
  const listener = longPollListener({ closeTimeout: 200 });
  const server = await startServer({ store: memoryServerStore(), listeners: [listener] });
  const network = new Network(listener.handle, {
    random: seeded(3),
    clock: systemClock,
    faults: 5,
    delay: 5,
  });
  const { fetch } = network;
  const retries = { retryDelay: 2, maxRetryDelay: 10, maxRetries: 3 };
  const connector = longPollConnector({ url: 'http://sync.example/', fetch, ...retries });
  const [a, b] = [await open(connector), await open(connector)];
  for (let round = 0; round < 10; round++) {
    write(a, 1000 + 10 * round, 10);
    write(b, 2000 + 10 * round, 10);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  await synced(a, b);
  assert.is(a.digest(), b.digest());
  assert.is(await server.digest('p'), a.digest());
  await a.close();
  await b.close();
  await server.close();
});

test('both ways go through one port, where the embedder has a WebSocketServer on its HTTP server', async () => {
  const polls = longPollListener({ path: '/sync' });
  const http = await serveHttp(nodeHandler(polls));
  const upgrades = new WebSocketServer({ server: http.server, path: '/sync' });
  const sockets = webSocketListener({ server: upgrades });
  const server = await startServer({ store: memoryServerStore(), listeners: [sockets, polls] });
  const place = `127.0.0.1:${http.port}/sync`;
  const a = await open(webSocketConnector({ url: `ws://${place}`, WebSocket }));
  const b = await open(longPollConnector({ url: `http://${place}` }));
  write(a, 0, 10);
  write(b, 10, 10);
  await synced(a, b);
  assert.is(a.digest(), b.digest());
  assert.is(a.objects('Task').size, 20);
  assert.is(server.describe().connections, 2);
  for (const client of [a, b]) await client.close();
  await server.close();
  http.stop();
});

test.run();
