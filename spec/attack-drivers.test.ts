import * as assert from 'uvu/assert';
import { SynclineError } from '../transports/client.js';
import { memoryNetwork } from '../transports/links/memory.js';
import type { ClientStore, Connector } from '../transports/ports.js';
import { startServer } from '../transports/server.js';
import { memoryClientStore, memoryServerStore } from '../transports/stores/memory.js';
import { deferred, eventually, forEachOf, turn } from './kit/async.js';
import {
  add,
  breakingStore,
  ended,
  newestId,
  nothingUnhandled,
  openOn,
  rejection,
  setUp,
  soon,
} from './kit/driver-world.js';
import { suite } from './kit/suite.js';

const listeners = suite('listeners that throw');

listeners('disturb neither the device nor each other, and are reported', async () => {
  const { server, open } = await setUp();
  const a = await open({ connect: false });
  const heard: string[] = [];
  const failures: SynclineError[] = [];
  void forEachOf(a.session.errors(), (failure) => failures.push(failure));
  a.observe('Task', () => {
    throw new Error('an observer with a bug');
  });
  a.observe('Task', () => void heard.push('changed'));
  const loop = forEachOf(a.session.connectionStateChanges(), () => {
    throw new Error('a loop with a bug');
  });
  void forEachOf(a.session.connectionStateChanges(), ({ current }) => heard.push(current));
  a.session.resume();
  await soon('saved', add(a).saved);
  await soon('uploaded', a.session.waitForUpload());
  assert.equal(new Set(heard), new Set(['changed', 'connecting', 'connected']));
  assert.equal(new Set(failures.map((failure) => failure.area)), new Set(['listener']));
  assert.match(failures.map((failure) => failure.message).join(), 'an observer with a bug');
  assert.match(String(await soon('the loop has ended', rejection(loop))), 'a loop with a bug');
  await ended(server, a);
});

listeners('that write, pause and observe within a call find everything in order', async () => {
  const { server, open } = await setUp();
  const a = await open({ connect: false });
  let writes = 0;
  a.observe('Task', () => {
    if (writes++ < 3) add(a);
    a.observe('Task', () => undefined);
  });
  const states: string[] = [];
  let pauses = 0;
  void forEachOf(a.session.connectionStateChanges(), ({ previous, current }) => {
    states.push(`${previous} ${current}`);
    if (current === 'connected' && pauses++ < 2) {
      add(a);
      a.session.pause();
      add(a);
      a.session.resume();
    }
  });
  add(a);
  a.session.resume();
  await soon('uploaded', a.session.waitForUpload());
  for (let i = 1; i < states.length; i++)
    assert.is(states[i]?.split(' ')[0], states[i - 1]?.split(' ')[1], states.join(', '));
  assert.is(await server.digest('p'), a.digest());
  await ended(server, a);
});

listeners('to notes do not stop a server', async () => {
  let told = 0;
  const { server, open } = await setUp({
    explain: true,
    onNote: () => {
      told++;
      throw new Error('a log with a bug');
    },
  });
  const [a, b] = [await open(), await open()];
  add(a);
  await soon('uploaded', a.session.waitForUpload());
  await soon('downloaded', b.session.waitForDownload());
  const id = newestId();
  a.session.pause();
  b.session.pause();
  await turn();
  a.write((tx) => tx.set('Task', id, 'votes', 1));
  b.write((tx) => tx.set('Task', id, 'votes', 2));
  for (const client of [a, b, a]) {
    client.session.resume();
    await soon('uploaded', client.session.waitForUpload());
    await soon('downloaded', client.session.waitForDownload());
  }
  assert.ok(told > 0);
  assert.is(a.digest(), b.digest());
  for (const client of [a, b]) await ended(server, client);
});

listeners.run();

const transactions = suite('transactions');

transactions('one within another is refused, whatever the outer one makes of that', async () => {
  const { server, open } = await setUp();
  const a = await open();
  const tasks = a.objects('Task').size;
  assert.throws(() => a.write(() => add(a)), /a transaction is under way/);
  a.write((tx) => {
    tx.create('Task', { _id: 'outer', votes: 0 });
    try {
      add(a);
    } catch {
      tx.set('Task', 'outer', 'votes', 1);
    }
  });
  assert.is(a.objects('Task').size, tasks + 1);
  add(a);
  await soon('uploaded', a.session.waitForUpload());
  assert.is(await server.digest('p'), a.digest());
  await a.close();
  await server.close();
});

transactions.run();

const tokens = suite('token sources');

for (const [how, token] of [
  [
    'throws',
    () => {
      throw new Error('no token today');
    },
  ],
  ['rejects', () => Promise.reject(new Error('no token today'))],
] as const)
  tokens(`one that ${how} costs an attempt and nothing else`, async () => {
    const { server, open } = await setUp();
    let attempts = 0;
    const a = await open({
      token: { token: () => (attempts++ < 2 ? token() : Promise.resolve('at last')) },
    });
    await soon('uploaded', a.session.waitForUpload());
    assert.is(attempts, 3);
    await ended(server, a);
  });

tokens('one that rejects before a link that never opens has ended is not forgotten', async () => {
  const connector: Connector = {
    connect: () => ({ send: () => undefined, bufferedBytes: 0, close: () => undefined }),
  };
  const a = await openOn(connector, {
    token: { token: () => Promise.reject(new Error('no token today')) },
  });
  await eventually('it is told', () => /no token today/.test(String(a.session.describe().failure)));
  await a.close();
  await nothingUnhandled();
});

tokens.run();

const ends = suite('ends');

ends('a client that is closed starts nothing, and leaves nobody waiting', async () => {
  let links = 0;
  const { server, network } = await setUp();
  const connector: Connector = {
    connect: (events) => {
      links++;
      return network.connector.connect(events);
    },
  };
  const a = await openOn(connector);
  const closing = a.close();
  assert.instance(await soon('a wait during', rejection(a.session.waitForUpload())), SynclineError);
  await soon('closed', Promise.all([closing, a.close()]));
  const before = links;
  a.session.resume();
  a.session.pause();
  assert.instance(await soon('a wait after', rejection(a.session.waitForDownload())), SynclineError);
  assert.is(links, before);
  await server.close();
  await nothingUnhandled();
});

ends('a second close waits for the first', async () => {
  const { server } = await setUp();
  const store = memoryClientStore();
  const gate = deferred<void>();
  let isClosed = false;
  const slow: ClientStore = {
    load: () => store.load(),
    commit: (batch) => store.commit(batch),
    close: async () => {
      await gate.promise;
      isClosed = true;
    },
  };
  const a = await openOn(memoryNetwork().connector, { store: slow });
  void a.close();
  const second = a.close().then(() => assert.ok(isClosed));
  await turn();
  gate.resolve();
  await soon('closed', second);
  await server.close();
  await nothingUnhandled();
});

ends('a device that cannot save says that it is not connected, and leaves nobody waiting', async () => {
  const { server, open } = await setUp();
  const { store, breaks } = breakingStore();
  const a = await open({ store });
  await soon('uploaded', a.session.waitForUpload());
  breaks();
  await rejection(add(a).saved);
  assert.match(String(await soon('a wait', rejection(a.session.waitForUpload()))), 'no space left');
  assert.is(a.session.connectionState, 'disconnected');
  assert.is(a.session.state, 'inactive');
  assert.match(String(a.session.describe().failure), 'no space left');
  a.session.resume();
  assert.is(a.session.connectionState, 'disconnected');
  await ended(server, a);
});

ends('a server that is closed does not wait for whoever is asked about a user', async () => {
  const { server, open, notes } = await setUp({ authorize: () => new Promise(() => undefined) });
  const a = await open();
  await eventually('connected', () => a.session.connectionState === 'connected');
  await turn();
  await soon('closed', Promise.all([server.close(), server.close()]));
  assert.equal(notes, []);
  await a.close();
  await nothingUnhandled();
});

ends('a server that cannot listen everywhere listens nowhere', async () => {
  const network = memoryNetwork();
  const error = await rejection(
    startServer({
      store: memoryServerStore(),
      listeners: [
        network.listener,
        { listen: () => Promise.reject(new Error('the port is taken')), close: () => Promise.resolve() },
      ],
    }),
  );
  assert.match(String(error), 'the port is taken');
  const again = await startServer({ store: memoryServerStore(), listeners: [network.listener] });
  await again.close();
  await nothingUnhandled();
});

ends('pauses and resumes in a storm end where the last one says', async () => {
  const { server, open } = await setUp();
  const a = await open();
  for (let i = 0; i < 300; i++) {
    if (i % 3 === 0) a.session.resume();
    else a.session.pause();
    if (i % 7 === 0) add(a);
    if (i % 11 === 0) await turn();
  }
  a.session.resume();
  await soon('uploaded', a.session.waitForUpload());
  assert.is(await server.digest('p'), a.digest());
  await ended(server, a);
});

ends.run();
