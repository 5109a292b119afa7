/** Several files of one device on one connection. */

import * as assert from 'uvu/assert';
import { WebSocket, WebSocketServer } from 'ws';
import { limits } from '../core/base/limits.js';
import { type Client, type Device, type DeviceOptions, openDevice } from '../transports/client.js';
import { systemClock } from '../transports/clock.js';
import { memoryNetwork } from '../transports/links/memory.js';
import { webSocketConnector } from '../transports/links/websocket.js';
import { webSocketListener } from '../transports/links/websocket-server.js';
import type { Clock, Connector, Link } from '../transports/ports.js';
import { type Server, startServer } from '../transports/server.js';
import { MemoryFile, memoryClientStore, memoryServerStore } from '../transports/stores/memory.js';
import { eventually, forEachOf, turn } from './kit/async.js';
import { add, nothingUnhandled, rejection, schema, soon, timing } from './kit/driver-world.js';
import { ManualClock } from './kit/manual-clock.js';
import { courteous, ScriptedServer } from './kit/scripted-server.js';
import { suite } from './kit/suite.js';

/** Counts the links that are asked for, and those that have not ended. */
class Counted implements Connector {
  attempts = 0;
  open = 0;
  readonly #connector: Connector;
  constructor(connector: Connector) {
    this.#connector = connector;
  }
  connect(events: Parameters<Connector['connect']>[0]): Link {
    this.attempts++;
    this.open++;
    return this.#connector.connect({
      ...events,
      opened: () => events.opened(),
      frame: (frame) => events.frame(frame),
      closed: (reason) => {
        this.open--;
        events.closed(reason);
      },
    });
  }
}

const open = (device: Device, partition: string): Promise<Client> =>
  device.open({ schema, store: memoryClientStore(), partition });

const openAll = (device: Device, partitions: readonly string[]): Promise<readonly Client[]> =>
  Promise.all(partitions.map((partition) => open(device, partition)));

const uploaded = (clients: readonly Client[]): Promise<unknown> =>
  soon('uploaded', Promise.all(clients.map((client) => client.session.waitForUpload())));

const partitions = ['p0', 'p1', 'p2', 'p3', 'p4'];

interface World {
  readonly server: Server;
  readonly connector: Connector;
}

const memory = async (): Promise<World> => {
  const network = memoryNetwork();
  const server = await startServer({ store: memoryServerStore(), listeners: [network.listener] });
  return { server, connector: network.connector };
};

const webSocket = async (): Promise<World> => {
  const listener = webSocketListener({ WebSocketServer, path: '/sync' });
  const server = await startServer({ store: memoryServerStore(), listeners: [listener] });
  const url = `ws://127.0.0.1:${listener.port}/sync`;
  return { server, connector: webSocketConnector({ url, WebSocket }) };
};

const device = suite('a device');

for (const [how, make] of [
  ['memory', memory],
  ['WebSocket', webSocket],
] as const)
  device(`syncs several files on one connection, over ${how}`, async () => {
    const { server, connector } = await make();
    const [left, right] = [new Counted(connector), new Counted(connector)];
    const a = openDevice({ connector: left, timing });
    const b = openDevice({ connector: right, timing });
    const [mine, theirs] = [await openAll(a, partitions), await openAll(b, partitions)];
    await uploaded([...mine, ...theirs]);
    for (let i = 0; i < 20; i++)
      for (const clients of [mine, theirs]) add(clients[i % clients.length] as Client);
    await uploaded([...mine, ...theirs]);
    for (const client of [...mine, ...theirs]) await soon('downloaded', client.session.waitForDownload());
    for (let i = 0; i < partitions.length; i++) {
      assert.is(mine[i]?.objects('Task').size, 8);
      assert.is(mine[i]?.digest(), theirs[i]?.digest());
      assert.is(await server.digest(partitions[i] as string), mine[i]?.digest());
    }
    assert.is(left.attempts, 1);
    assert.is(right.attempts, 1);
    await a.close();
    await b.close();
    await eventually('no link is left', () => left.open + right.open === 0);
    await server.close();
    await nothingUnhandled();
  });

device('opens the connection with the first file, and ends it a while after the last', async () => {
  const clock = new ManualClock(1);
  const server = new ScriptedServer({ heard: courteous });
  const counted = new Counted(server);
  const a = openDevice({ connector: counted, clock, linger: 30_000 });
  await clock.advanceAsync(1000);
  assert.is(counted.attempts, 0);
  const [one, two] = [await open(a, 'one'), await open(a, 'two')];
  await clock.advanceAsync(1000);
  assert.equal([counted.attempts, counted.open], [1, 1]);
  await one.close();
  two.session.pause();
  await clock.advanceAsync(29_000);
  assert.is(counted.open, 1);
  two.session.resume();
  await clock.advanceAsync(60_000);
  assert.equal([counted.attempts, counted.open], [1, 1]);
  await two.close();
  await clock.advanceAsync(31_000);
  assert.is(counted.open, 0);
  const again = await open(a, 'one');
  await clock.advanceAsync(1000);
  assert.equal([counted.attempts, counted.open], [2, 1]);
  assert.is(again.session.connectionState, 'connected');
  await a.close();
  assert.is(again.session.state, 'inactive');
  assert.match(String(await rejection(open(a, 'three'))), 'the device is closed');
  assert.is(clock.pending, 0);
  await nothingUnhandled();
});

device('leaves the other files alone where one fails', async () => {
  const network = memoryNetwork();
  const server = await startServer({
    store: memoryServerStore(),
    listeners: [network.listener],
    authorize: async (_, partition) => (partition === 'secret' ? { code: 206, message: 'not you' } : null),
  });
  const counted = new Counted(network.connector);
  const a = openDevice({ connector: counted, timing });
  const [good, bad, other] = await openAll(a, ['good', 'secret', 'other']);
  if (good === undefined || bad === undefined || other === undefined) throw new Error('no files');
  const states: string[] = [];
  await uploaded([good, other]);
  void forEachOf(good.session.connectionStateChanges(), ({ current }) => void states.push(current));
  assert.match(String(await soon('refused', rejection(add(bad).integrated()))), 'not you');
  bad.session.resume();
  await soon('again', rejection(add(bad).integrated()));
  add(good);
  add(other);
  await uploaded([good, other]);
  assert.is(counted.attempts, 1);
  assert.equal(states, []);
  await a.close();
  await server.close();
  await nothingUnhandled();
});

device('carries a server that breaks the protocol in one session to that one only', async () => {
  const server = new ScriptedServer({
    heard: (message, link) => {
      courteous(message, link);
      if (message.type === 'upload' && message.session === 2)
        link.say({ type: 'mark', session: message.session, request: 777 });
    },
  });
  const a = openDevice({ connector: server, timing });
  const [one, two] = await openAll(a, ['one', 'two']);
  await eventually('the second fails', () => two?.session.state === 'inactive');
  assert.is(one?.session.connectionState, 'connected');
  assert.equal(server.links.length, 1);
  assert.is(server.links[0]?.closed, null);
  assert.ok(server.links[0]?.heard.some((message) => message.type === 'unbind' && message.session === 2));
  await a.close();
  await nothingUnhandled();
});

device('tells every file what concerns the connection', async () => {
  const server = new ScriptedServer({ heard: courteous });
  const a = openDevice({ connector: server, timing: { retryFirst: 5, retryMost: 5 } });
  const clients = await openAll(a, ['one', 'two', 'three']);
  const connected = () => clients.every((client) => client.session.connectionState === 'connected');
  await eventually('connected', connected);
  server.links[0]?.end({ code: 'lost', message: 'the cable' });
  for (const client of clients) assert.match(String(client.session.describe().failure), 'the cable');
  await eventually('again', connected);
  assert.is(server.links.length, 2);
  const error = { type: 'error', session: 0, message: 'too much', tryAgain: false } as const;
  server.links[1]?.say({ ...error, code: 104, action: 'ProtocolViolation' });
  for (const client of clients) assert.match(String(client.session.describe().failure), 'too much');
  await a.close();
  await nothingUnhandled();
});

device('asks a server that is not there once at a time, for all its files', async () => {
  const clock = new ManualClock(1);
  const server = new ScriptedServer({ opening: () => ({ code: 'unreachable', message: 'nobody' }) });
  const a = openDevice({ connector: server, clock });
  const alone = new ManualClock(1);
  const single = new ScriptedServer({ opening: () => ({ code: 'unreachable', message: 'nobody' }) });
  const b = openDevice({ connector: single, clock: alone });
  await openAll(
    a,
    Array.from({ length: 50 }, (_, i) => `p${i}`),
  );
  await open(b, 'p');
  await clock.advanceAsync(600_000);
  await alone.advanceAsync(600_000);
  assert.ok(
    server.links.length <= single.links.length * 2,
    `${server.links.length} attempts for 50 files, ${single.links.length} for one`,
  );
  assert.ok(server.links.length >= 8);
  a.reconnect();
  await turn();
  const before = server.links.length;
  assert.ok(before > 0);
  await a.close();
  await b.close();
  await nothingUnhandled();
});

device('notices a half-open connection once, and begins anew for all', async () => {
  const clock = new ManualClock(1);
  let isDead = false;
  const server = new ScriptedServer({
    heard: (message, link) => {
      if (!isDead || link !== server.links[0]) courteous(message, link);
    },
  });
  const a = openDevice({ connector: server, clock });
  const clients = await openAll(a, ['one', 'two', 'three']);
  await clock.advanceAsync(1000);
  isDead = true;
  await clock.advanceAsync(200_000);
  assert.is(server.links.length, 2);
  assert.is(server.links[0]?.closed?.code, 'lost');
  for (const client of clients) assert.is(client.session.connectionState, 'connected');
  await a.close();
  await nothingUnhandled();
});

device('takes another connection for more files than one can carry, and no session fails', async () => {
  const clock = new ManualClock(1);
  const server = new ScriptedServer({ heard: courteous });
  const a = openDevice({ connector: server, clock });
  const most = limits.sessionsPerConnection;
  const clients = await openAll(
    a,
    Array.from({ length: most + 1 }, (_, i) => `p${i}`),
  );
  await clock.advanceAsync(1000);
  assert.ok(clients.every((client) => client.session.connectionState === 'connected'));
  assert.is(server.links.length, 3);
  for (const link of server.links)
    assert.ok(link.heard.filter((message) => message.type === 'bind').length <= most);
  await a.close();
});

device('loses nothing when its links are lost over and over', async () => {
  let frames = 0;
  const network = memoryNetwork({ lose: () => ++frames % 23 === 0 });
  const server = await startServer({ store: memoryServerStore(), listeners: [network.listener] });
  const a = openDevice({ connector: network.connector, timing });
  const clients = await openAll(a, partitions);
  for (let i = 0; i < 60; i++) {
    add(clients[i % clients.length] as Client);
    if (i % 10 === 0) (clients[(i / 10) % clients.length] as Client).session.pause();
    if (i % 10 === 5) for (const client of clients) client.session.resume();
    if (i % 3 === 0) await turn();
  }
  for (const client of clients) client.session.resume();
  await uploaded(clients);
  for (let i = 0; i < partitions.length; i++)
    assert.is(await server.digest(partitions[i] as string), clients[i]?.digest());
  await a.close();
  await server.close();
  await nothingUnhandled();
});

device('opens and closes files in a storm, and what they wrote is there', async () => {
  const { server, connector } = await memory();
  const options: DeviceOptions = { connector, timing, linger: 1 };
  const a = openDevice(options);
  const files = new Map(partitions.map((partition) => [partition, new MemoryFile()]));
  for (let i = 0; i < 30; i++) {
    const partition = partitions[i % partitions.length] as string;
    const client = await a.open({ schema, store: memoryClientStore(files.get(partition)), partition });
    add(client);
    if (i % 4 === 0) await turn();
    await client.close();
  }
  for (const partition of partitions) {
    const client = await a.open({ schema, store: memoryClientStore(files.get(partition)), partition });
    assert.is(client.objects('Task').size, 6);
    await uploaded([client]);
    assert.is(await server.digest(partition), client.digest());
  }
  assert.is(a.files.length, 5);
  await a.close();
  assert.is(a.files.length, 0);
  await server.close();
  await nothingUnhandled();
});

device('connects in time though its clock is set back while it is quiet after a failure', async () => {
  const { server, connector } = await memory();
  let attempts = 0;
  let back = 0;
  const clock: Clock = { now: () => Date.now() - back, schedule: systemClock.schedule };
  const late: Connector = {
    connect: (events) => {
      if (attempts++ > 0) return connector.connect(events);
      queueMicrotask(() => events.closed({ code: 'unreachable', message: 'nobody is there yet' }));
      return { send: () => undefined, bufferedBytes: 0, close: () => undefined };
    },
  };
  const phone = openDevice({ connector: late, timing, clock });
  const client = await open(phone, 'p0');
  await eventually('it has failed once', () => client.session.describe().attempts > 0);
  back = 3_600_000;
  add(client);
  await uploaded([client]);
  await phone.close();
  await server.close();
});

device.run();
