/** Clients that read slowly, or not at all, send too much, again, or out of order, and come in thousands. */
import { connect as connectTcp } from 'node:net';
import { inspect } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import * as assert from 'uvu/assert';
import { WebSocket, WebSocketServer } from 'ws';
import { addTable } from '../core/model/instruction.js';
import type { Client } from '../transports/client.js';
import { type MemoryNetwork, memoryNetwork } from '../transports/links/memory.js';
import { webSocketConnector } from '../transports/links/websocket.js';
import { webSocketListener } from '../transports/links/websocket-server.js';
import type { Connector, Link, Listener } from '../transports/ports.js';
import type { ServerNote } from '../transports/server.js';
import { eventually, turn } from './kit/async.js';
import { add, nothingUnhandled, rejection, setUp, soon } from './kit/driver-world.js';
import { ManualClock } from './kit/manual-clock.js';
import { RawClient } from './kit/raw-client.js';
import { suite } from './kit/suite.js';

setFlagsFromString('--expose-gc');

const test = suite('attacks on links');

const schema = [
  { name: 'Task', primaryKey: '_id', properties: { _id: 'string', votes: 'int', text: 'string?' } },
];

/** Shows the server's ends of all links to `seen`, which may put others in their place. */
const watched = (listener: Listener, seen: (link: Link) => Link): Listener => ({
  listen: (accept) => listener.listen((link) => accept(seen(link))),
  close: () => listener.close(),
});

const world = async (
  options: Parameters<typeof setUp>[0] = {},
  seen: (link: Link) => Link = (link) => link,
) => {
  const network: MemoryNetwork = memoryNetwork();
  const links: Link[] = [];
  const listener = watched(network.listener, (link) => {
    links.push(link);
    return seen(link);
  });
  const { server, open, notes } = await setUp({ listeners: [listener], ...options });
  const { connector } = network;
  return { server, open: () => open({ connector, schema }), notes, network, links };
};

let nextText = 0;
const addText = (client: Client, length: number) =>
  client.write((tx) => tx.create('Task', { _id: `text${nextText++}`, votes: 0, text: 'x'.repeat(length) }));

const cuts = (notes: readonly ServerNote[]): string[] =>
  notes.flatMap((note) => (note.type === 'cut' ? [note.reason.message] : []));

test('a client that never reads is owed a bounded number of bytes, and nobody else waits for it', async () => {
  const clock = new ManualClock();
  const { server, open, notes, network, links } = await world({ clock, readPatience: 5000 });
  const deaf = new RawClient(network.connector);
  await deaf.enter('p');
  const [owing] = links;
  deaf.link.hold?.(true);
  const [a, b] = [await open(), await open()];
  let most = 0;
  for (let i = 0; i < 30; i++) {
    addText(a, 100_000);
    await soon('uploaded', a.session.waitForUpload());
    most = Math.max(most, owing?.bufferedBytes ?? 0);
  }
  await soon('downloaded', b.session.waitForDownload());
  assert.is(b.digest(), a.digest());
  assert.ok(most > 900_000 && most < 1_500_000, `${most} bytes waited`);
  clock.advance(4900);
  assert.is(server.describe().sessions, 3);
  clock.advance(200);
  await eventually('ended', () => server.describe().sessions === 2);
  assert.match(cuts(notes).join(), 'has read nothing for 5000 ms');
  deaf.link.hold?.(false);
  await eventually('told', () => deaf.reason?.code === 'goingAway');
  for (const client of [a, b]) await client.close();
  await server.close();
  await nothingUnhandled();
});

test('a client that reads slowly gets everything, in its time, and in larger pieces', async () => {
  const { server, open, network, links } = await world();
  const slow = new RawClient(network.connector);
  await slow.enter('p');
  const a = await open();
  let most = 0;
  slow.link.hold?.(true);
  for (let i = 0; i < 120; i++) {
    addText(a, 50_000);
    await soon('uploaded', a.session.waitForUpload());
    most = Math.max(most, links[0]?.bufferedBytes ?? 0);
    if (i % 40 !== 39) continue;
    slow.link.hold?.(false);
    await turn();
    slow.link.hold?.(true);
  }
  slow.link.hold?.(false);
  const head = await server.version('p');
  const newest = (): number =>
    Math.max(
      ...slow.heard.map((message) => (message.type === 'download' ? message.download.serverVersion : 0)),
    );
  await eventually('all has come', () => newest() === head);
  assert.ok(most < 2_500_000, `${most} bytes waited`);
  const versions = slow.heard.flatMap((message) => (message.type === 'download' ? message.changesets : []));
  assert.equal(
    versions.map(({ version }) => version),
    [...new Set(versions.map(({ version }) => version))].sort((x, y) => x - y),
  );
  await a.close();
  await server.close();
  await nothingUnhandled();
});

test('a client that never reads what it asks for is ended before much waits for it', async () => {
  const { server, notes, network } = await world({ maxBufferedBytes: 10_000 });
  const deaf = new RawClient(network.connector);
  await deaf.enter('p');
  deaf.link.hold?.(true);
  for (let session = 2; session < 5000 && cuts(notes).length === 0; session++) {
    deaf.say({ type: 'bind', session, partition: 'p', token: '', needIdent: false });
    deaf.say({ type: 'unbind', session });
    if (session % 100 === 0) await turn();
  }
  await eventually('ended', () => server.describe().connections === 0);
  assert.match(cuts(notes).join(), 'more than 10000 bytes wait for the client');
  await server.close();
  await nothingUnhandled();
});

test('a connection that asks for ident after ident is refused', async () => {
  const { server, network } = await world();
  const greedy = new RawClient(network.connector);
  for (let session = 1; session <= 1001; session++) {
    greedy.say({ type: 'bind', session, partition: 'p', token: '', needIdent: true });
    greedy.say({ type: 'unbind', session });
  }
  await eventually('ended', () => greedy.reason !== undefined);
  assert.equal([greedy.codes, greedy.reason?.code], [[104], 'protocolError']);
  await server.close();
  await nothingUnhandled();
});

const hanging = () => {
  let letIn: () => void = () => undefined;
  const waiting = new Promise<null>((resolve) => {
    letIn = () => resolve(null);
  });
  return { authorize: () => waiting, letIn: () => letIn() };
};

test('what is sent ahead of an answer waits at the client', async () => {
  const { authorize, letIn } = hanging();
  const held: boolean[] = [];
  const { server, network, links } = await world({ authorize }, (link) => ({
    send: (frame) => link.send(frame),
    close: (reason) => link.close(reason),
    get bufferedBytes() {
      return link.bufferedBytes;
    },
    hold: (isHeld) => {
      held.push(isHeld);
      link.hold?.(isHeld);
    },
  }));
  const ahead = new RawClient(network.connector);
  ahead.say({ type: 'bind', session: 1, partition: 'p', token: '', needIdent: true });
  const garbage = new Uint8Array(1_000_000);
  for (let i = 0; i < 100; i++) ahead.link.send(garbage);
  await turn();
  assert.equal(held, [true]);
  assert.ok(ahead.link.bufferedBytes > 85_000_000, `${ahead.link.bufferedBytes} bytes wait at the client`);
  assert.is(links.length, 1);
  letIn();
  await eventually('ended for the garbage', () => ahead.reason?.code === 'protocolError');
  await server.close();
  await nothingUnhandled();
});

test('a link that cannot be held is ended where too much is sent ahead', async () => {
  const { authorize } = hanging();
  const { server, network } = await world({ authorize }, (link) => ({
    send: (frame) => link.send(frame),
    close: (reason) => link.close(reason),
    bufferedBytes: 0,
  }));
  const ahead = new RawClient(network.connector);
  ahead.say({ type: 'bind', session: 1, partition: 'p', token: '', needIdent: true });
  const garbage = new Uint8Array(1_000_000);
  for (let i = 0; i < 70 && ahead.reason === undefined; i++) {
    ahead.link.send(garbage);
    await Promise.resolve();
  }
  await eventually('ended', () => ahead.reason !== undefined);
  assert.equal([ahead.codes, ahead.reason?.code], [[104], 'protocolError']);
  await server.close();
  await nothingUnhandled();
});

test('frames that are replayed, lost, doubled or out of order change nothing that was agreed', async () => {
  const { server, open, network } = await world();
  const frames: Uint8Array[] = [];
  const recording: Connector = {
    connect: (events) => {
      const link = network.connector.connect(events);
      return {
        send: (frame) => {
          frames.push(frame.slice());
          link.send(frame);
        },
        close: (reason) => link.close(reason),
        get bufferedBytes() {
          return link.bufferedBytes;
        },
      };
    },
  };
  const setup = await setUp({ listeners: [] });
  const a = await setup.open({ connector: recording });
  for (let i = 0; i < 5; i++) {
    add(a);
    await soon('uploaded', a.session.waitForUpload());
  }
  await a.close();
  const b = await open();
  await soon('downloaded', b.session.waitForDownload());
  const [digest, version] = [await server.digest('p'), await server.version('p')];
  assert.ok(frames.length > 5);

  /** Null for the frames in their order, else places of frames to send. */
  const attack = async (places: readonly number[]): Promise<void> => {
    const stranger = new RawClient(network.connector);
    for (const place of places) stranger.link.send((frames[place % frames.length] as Uint8Array).slice());
    await turn();
    await turn();
    assert.is(await server.digest('p'), digest);
    assert.is(await server.version('p'), version);
    stranger.link.close({ code: 'normal', message: '' });
  };
  await attack(frames.map((_, i) => i));
  await attack(frames.map((_, i) => frames.length - 1 - i));
  await attack(frames.flatMap((_, i) => [i, i]));
  await fc.assert(fc.asyncProperty(fc.array(fc.nat(1000), { maxLength: 30 }), attack), { numRuns: 60 });
  b.session.resume();
  await soon('the other goes on', b.session.waitForUpload());
  await b.close();
  await server.close();
  await setup.server.close();
  await nothingUnhandled();
});

test('an upload with one damaged changeset ends its session with the reason, and no connection', async () => {
  const { server, open, notes, network } = await world();
  const a = await open();
  add(a);
  await soon('uploaded', a.session.waitForUpload());
  const broken = new RawClient(network.connector);
  await broken.enter('p');
  const before = await server.version('p');
  const numbers = { base: 0, timestamp: 1, origin: 0 };
  broken.say({
    type: 'upload',
    session: 1,
    progress: { clientVersion: 3, lastIntegratedServerVersion: 0 },
    lockedServerVersion: 0,
    changesets: [{ ...numbers, version: 2, instructions: [addTable('Other', { type: 'embedded' })] }],
    damaged: { changesets: [{ ...numbers, version: 3, body: Uint8Array.of(1, 14) }], reason: '' },
  });
  await eventually('refused', () => broken.codes.length > 0);
  const told = broken.heard.find((message) => message.type === 'error');
  assert.equal([broken.codes, told?.type === 'error' && told.rejected], [[212], [3]]);
  assert.match(inspect(notes), 'changeset 3 cannot be integrated: instruction of kind 14');
  assert.is(await server.version('p'), before + 1);
  broken.say({ type: 'bind', session: 2, partition: 'p', token: '', needIdent: true });
  await eventually('bound again', () => broken.heard.filter(({ type }) => type === 'ident').length === 2);
  await soon('the other goes on', a.session.waitForDownload());
  assert.is(await server.digest('p'), a.digest());
  await a.close();
  await server.close();
  await nothingUnhandled();
});

test('ten thousand connections leave nothing behind, and a client gets through', async () => {
  const listener = webSocketListener({ WebSocketServer, closeTimeout: 200 });
  const { server, open } = await setUp({ listeners: [listener], maxConnections: 150 });
  const { port } = listener;
  const connector = webSocketConnector({ url: `ws://127.0.0.1:${port}`, WebSocket });
  const a = await open({ connector });
  await soon('uploaded', a.session.waitForUpload());
  const upgrade = (protocol: string): string =>
    `GET / HTTP/1.1\r\nhost: x\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-version: 13\r\nsec-websocket-key: MDEyMzQ1Njc4OWFiY2RlZg==\r\nsec-websocket-protocol: ${protocol}\r\n\r\n`;
  const openings = [
    '',
    'hello\r\n\r\n',
    'GET / HTTP/1.1\r\n\r\n',
    upgrade('syncline.1').slice(0, 60),
    upgrade('other'),
    upgrade('syncline.1'),
  ];
  const attempt = (i: number): Promise<void> =>
    new Promise((resolve) => {
      const socket = connectTcp(port, '127.0.0.1', () => {
        const text = openings[i % openings.length] as string;
        if (text === '') socket.destroy();
        else {
          socket.write(text);
          // Some wait to hear something, some are gone at once.
          if (i % 3 === 0) socket.once('data', () => socket.destroy());
          else setImmediate(() => socket.destroy());
        }
      });
      socket.setTimeout(100, () => socket.destroy());
      socket.on('error', () => undefined);
      socket.on('close', () => resolve());
    });
  const collect = runInNewContext('gc') as () => void;
  const heap = (): number => {
    collect();
    return process.memoryUsage().heapUsed;
  };
  let before = 0;
  for (let batch = 0; batch < 20; batch++) {
    if (batch === 4) before = heap();
    await Promise.all(Array.from({ length: 500 }, (_, i) => attempt(batch * 500 + i)));
  }
  await eventually('all are gone', () => server.describe().connections === 1);
  const grown = heap() - before;
  assert.ok(grown < 4_000_000, `the heap grew by ${grown} bytes over 8,000 connections`);
  add(a);
  await soon('the first goes on', a.session.waitForUpload());
  const b = await open({ connector });
  await soon('another gets in', b.session.waitForDownload());
  assert.is(b.digest(), a.digest());
  for (const client of [a, b]) await client.close();
  await server.close();
  await nothingUnhandled();
});

test('links beyond the number that a server takes are sent away, to come again later', async () => {
  const { server, network } = await world({ maxConnections: 2 });
  const clients = [1, 2, 3].map(() => new RawClient(network.connector));
  await eventually('sent away', () => clients[2]?.reason !== undefined);
  assert.equal([clients[2]?.reason?.code, clients[2]?.reason?.retryAfter], ['goingAway', 30_000]);
  clients[0]?.link.close({ code: 'normal', message: '' });
  await eventually('gone', () => server.describe().connections === 1);
  const late = new RawClient(network.connector);
  await late.enter('p');
  await server.close();
  await nothingUnhandled();
});

test('a bound that bounds nothing is refused', async () => {
  for (const [name, bound] of [
    ['maxConnections', Number.NaN],
    ['maxBufferedBytes', -1],
    ['readPatience', '60 s'],
    ['idleTime', null],
  ] as const) {
    const error = await rejection(setUp({ [name]: bound } as object));
    assert.instance(error, RangeError);
    assert.match((error as Error).message, `${name} of a server is ${bound}, expected a number from 0`);
  }
});

test('partitions and links that nobody uses are given up, and are there again when they are wanted', async () => {
  const clock = new ManualClock();
  const { server, open, network } = await world({ clock, idleTime: 1000 });
  const a = await open();
  add(a);
  await soon('uploaded', a.session.waitForUpload());
  const idle = new RawClient(network.connector);
  await eventually('both are there', () => server.describe().connections === 2);
  for (let i = 0; i < 5; i++) await clock.advanceAsync(1000);
  assert.equal(server.describe(), { connections: 1, sessions: 1, partitions: 1 });
  assert.is(idle.reason?.code, 'goingAway');
  const digest = await server.digest('p');
  await a.close();
  await eventually('gone', () => server.describe().connections === 0);
  for (let i = 0; i < 3; i++) await clock.advanceAsync(1000);
  assert.is(server.describe().partitions, 0);
  assert.is(clock.pending, 0);
  assert.is(await server.digest('p'), digest);
  const b = await open();
  await soon('downloaded', b.session.waitForDownload());
  assert.is(b.digest(), digest);
  await b.close();
  await server.close();
  await nothingUnhandled();
});

test('five thousand idle sessions are held, each for a few kilobytes, and all are served', async () => {
  const { server, open, network } = await world({ maxConnections: 6000 });
  const a = await open();
  add(a);
  await soon('uploaded', a.session.waitForUpload());
  const collect = runInNewContext('gc') as () => void;
  collect();
  const before = process.memoryUsage().heapUsed;
  const clients: RawClient[] = [];
  for (let batch = 0; batch < 50; batch++) {
    const more = Array.from({ length: 100 }, () => new RawClient(network.connector));
    await Promise.all(more.map((client) => client.enter('p')));
    for (const client of more) client.heard.length = 0;
    clients.push(...more);
  }
  collect();
  const each = (process.memoryUsage().heapUsed - before) / clients.length;
  assert.is(server.describe().sessions, 5001);
  // With the clients, which are in this process too.
  assert.ok(each < 20_000, `${each} bytes for each session`);
  add(a);
  await soon('uploaded', a.session.waitForUpload());
  await eventually('all have heard', () => clients.every(({ heard }) => heard.length === 1));
  await a.close();
  await server.close();
  await nothingUnhandled();
});

test.run();
