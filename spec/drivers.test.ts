import * as assert from 'uvu/assert';
import { limits } from '../core/base/limits.js';
import { decodeServerMessage } from '../core/protocol/codec.js';
import { type Client, type ClientOptions, openClient, SynclineError } from '../transports/client.js';
import { memoryNetwork } from '../transports/links/memory.js';
import type { CloseReason, Connector } from '../transports/ports.js';
import { type Server, type ServerNote, startServer } from '../transports/server.js';
import {
  MemoryDatabase,
  MemoryFile,
  memoryClientStore,
  memoryServerStore,
} from '../transports/stores/memory.js';
import { forEachOf } from './kit/async.js';
import { breakingStore } from './kit/driver-world.js';
import { suite } from './kit/suite.js';

const schema = [
  {
    name: 'Task',
    primaryKey: '_id',
    properties: { _id: 'string', title: 'string', votes: 'int', tags: 'string[]', due: 'timestamp?' },
  },
];

const timing = { retryFirst: 5, retryMost: 20 };

/** A server and as many clients as wanted, in this process. */
const setUp = async (database = new MemoryDatabase()) => {
  const network = memoryNetwork();
  const notes: ServerNote[] = [];
  const server = await startServer({
    store: memoryServerStore(database),
    listeners: [network.listener],
    onNote: (note) => void notes.push(note),
  });
  const open = (options: Partial<ClientOptions> = {}): Promise<Client> =>
    openClient({
      schema,
      store: memoryClientStore(),
      connector: network.connector,
      partition: 'p',
      timing,
      ...options,
    });
  return { server, open, network, notes };
};

const synced = async (...clients: readonly Client[]): Promise<void> => {
  for (const client of clients) await client.session.waitForUpload();
  for (const client of clients) await client.session.waitForDownload();
};

const closed = async (server: Server, ...clients: readonly Client[]): Promise<void> => {
  for (const client of clients) await client.close();
  await server.close();
};

const errorOf = (action: () => unknown): SynclineError => {
  try {
    action();
  } catch (error) {
    if (error instanceof SynclineError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
};

const eventually = async (what: string, condition: () => boolean): Promise<void> => {
  const until = Date.now() + 5000;
  while (!condition()) {
    if (Date.now() > until) throw new Error(`never happened: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
};

const drivers = suite('drivers');

drivers('a write is visible at once, saved soon, and arrives elsewhere', async () => {
  const { server, open } = await setUp();
  const [a, b] = [await open(), await open()];
  const receipt = a.write((tx) => {
    tx.create('Task', { _id: 'x', title: 'one', tags: ['p', 'q'] });
    return 'result';
  });
  assert.is(receipt.result, 'result');
  assert.is(a.object('Task', 'x')?.['title'], 'one');
  await receipt.saved;
  await synced(a, b);
  assert.equal(b.object('Task', 'x'), { _id: 'x', title: 'one', votes: 0, tags: ['p', 'q'], due: null });
  assert.is(a.digest(), b.digest());
  assert.is(await server.digest('p'), a.digest());
  await closed(server, a, b);
});

drivers('observers hear what was inserted, modified and deleted, here and from elsewhere', async () => {
  const { server, open } = await setUp();
  const [a, b] = [await open(), await open()];
  const heard: unknown[] = [];
  const stop = b.observe('Task', (changed) => void heard.push({ ...changed }));
  a.write((tx) => tx.create('Task', { _id: 'x', title: 'one' }));
  await synced(a, b);
  a.write((tx) => tx.set('Task', 'x', 'title', 'two'));
  await synced(a, b);
  await b.write((tx) => tx.delete('Task', 'x')).saved;
  assert.equal(heard, [
    { insertions: ['x'], modifications: [], deletions: [] },
    { insertions: [], modifications: ['x'], deletions: [] },
    { insertions: [], modifications: [], deletions: ['x'] },
  ]);
  stop();
  await b.write((tx) => tx.create('Task', { _id: 'y', title: 'unheard' })).saved;
  assert.is(heard.length, 3);
  await closed(server, a, b);
});

drivers('a file is what it was after a restart, unsent writes included', async () => {
  const { server, open } = await setUp();
  const file = new MemoryFile();
  const a = await open({ store: memoryClientStore(file), connect: false });
  a.write((tx) => tx.create('Task', { _id: 'x', title: 'offline' }));
  const digest = a.digest();
  await a.close();
  const again = await open({ store: memoryClientStore(file) });
  assert.is(again.digest(), digest);
  assert.is(again.session.describe().pendingWrites, 2);
  const b = await open();
  await synced(again, b);
  assert.is(b.object('Task', 'x')?.['title'], 'offline');
  await closed(server, again, b);
});

drivers('ingested objects do not come back after a restart, and go up all the same', async () => {
  const { server, open } = await setUp();
  const sensor = [
    ...schema,
    { name: 'Reading', kind: 'asymmetric', primaryKey: '_id', properties: { _id: 'int', celsius: 'double' } },
  ];
  const file = new MemoryFile();
  const a = await open({ schema: sensor, store: memoryClientStore(file), connect: false });
  a.write((tx) => tx.create('Reading', { _id: 1, celsius: 21.5 }));
  const digest = a.digest();
  await a.close();
  const again = await open({ schema: sensor, store: memoryClientStore(file) });
  assert.is(again.digest(), digest);
  const before = await server.version('p');
  await again.session.waitForUpload();
  assert.ok((await server.version('p')) > before);
  await closed(server, again);
});

drivers('a server restarts from its store, and its devices find it again', async () => {
  const database = new MemoryDatabase();
  const network = memoryNetwork();
  const start = () => startServer({ store: memoryServerStore(database), listeners: [network.listener] });
  const first = await start();
  const a = await openClient({
    schema,
    store: memoryClientStore(),
    connector: network.connector,
    partition: 'p',
    timing,
  });
  a.write((tx) => tx.create('Task', { _id: 'x', title: 'one' }));
  await a.session.waitForUpload();
  const digest = await first.digest('p');
  await first.close();
  a.write((tx) => tx.increment('Task', 'x', 'votes', 2));
  const second = await start();
  assert.is(await second.digest('p'), digest);
  await a.session.waitForUpload();
  assert.is(await second.digest('p'), a.digest());
  await closed(second, a);
});

drivers('two servers on one store agree, whoever commits first', async () => {
  const database = new MemoryDatabase();
  const [left, right] = [await setUp(database), await setUp(database)];
  const [a, b] = [await left.open(), await right.open()];
  await synced(a, b);
  for (let i = 0; i < 10; i++) {
    a.write((tx) => tx.create('Task', { _id: `a${i}`, title: 'left' }));
    b.write((tx) => tx.create('Task', { _id: `b${i}`, title: 'right' }));
    await Promise.all([a.session.waitForUpload(), b.session.waitForUpload()]);
  }
  // A server learns of the other's commits at the latest with its own next one.
  for (const [i, client] of [a, b, a].entries()) {
    client.write((tx) => tx.create('Task', { _id: `last ${i}`, title: '' }));
    await synced(client);
  }
  b.write((tx) => tx.create('Task', { _id: 'the very last', title: '' }));
  await synced(b);
  assert.is(b.objects('Task').size, 24);
  const third = await setUp(database);
  assert.is(await third.server.digest('p'), b.digest());
  await closed(left.server, a);
  await closed(right.server, b);
  await third.server.close();
});

drivers('waits end when their signal is aborted', async () => {
  const { server, open } = await setUp();
  const a = await open({ connect: false });
  const abort = new AbortController();
  const wait = a.session.waitForUpload({ signal: abort.signal });
  abort.abort(new Error('enough'));
  await wait.then(
    () => assert.unreachable(),
    (error: Error) => assert.is(error.message, 'enough'),
  );
  await closed(server, a);
});

drivers.run();

const badInput = suite('bad input');

badInput('a schema that is wrong is refused with every finding', async () => {
  const { server, open } = await setUp();
  const wrong = [{ name: 'Task', properties: { title: 'strnig' } }];
  const error = await open({ schema: wrong }).then(
    () => null,
    (thrown: unknown) => thrown,
  );
  assert.instance(error, SynclineError);
  assert.match((error as SynclineError).message, 'strnig');
  assert.match((error as SynclineError).message, 'primaryKey');
  await server.close();
});

badInput('a write that does not fit names the place, and leaves everything as it was', async () => {
  const { server, open } = await setUp();
  const a = await open();
  a.write((tx) => tx.create('Task', { _id: 'x', title: 'one' }));
  await synced(a);
  const [digest, version] = [a.digest(), a.session.describe().localVersion];
  const attempts: readonly (readonly [RegExp, () => unknown])[] = [
    [/Nope/, () => a.write((tx) => tx.create('Nope', { _id: 'x' }))],
    [/Nope/, () => a.objects('Nope')],
    [/Task.*title/, () => a.write((tx) => tx.set('Task', 'x', 'title', 5))],
    [/Task.*votes/, () => a.write((tx) => tx.set('Task', 'x', 'votes', 1.5))],
    [/Task.*_id/, () => a.write((tx) => tx.set('Task', 'x', '_id', 'y'))],
    [/colour/, () => a.write((tx) => tx.set('Task', 'x', 'colour', 'red'))],
    [/gone/, () => a.write((tx) => tx.set('Task', 'gone', 'title', 'y'))],
    [/x/, () => a.write((tx) => tx.create('Task', { _id: 'x', title: 'twice' }))],
    [
      /title/,
      () =>
        a.write((tx) => {
          tx.create('Task', { _id: 'half', title: 'done' });
          tx.set('Task', 'half', 'title', null);
        }),
    ],
  ];
  for (const [pattern, attempt] of attempts) assert.match(errorOf(attempt).message, pattern);
  assert.throws(
    () =>
      a.write((tx) => {
        tx.delete('Task', 'x');
        throw new Error('the app changed its mind');
      }),
    /changed its mind/,
  );
  assert.is(a.digest(), digest);
  assert.is(a.session.describe().localVersion, version);
  await closed(server, a);
});

badInput('a transaction larger than a changeset may be is refused, and nothing of it is kept', async () => {
  const { server, open } = await setUp();
  const a = await open({ connect: false });
  const digest = a.digest();
  const huge = 'x'.repeat(limits.changesetBytes / 4);
  const error = errorOf(() =>
    a.write((tx) => {
      for (const _id of ['1', '2', '3', '4', '5']) tx.create('Task', { _id, title: huge });
    }),
  );
  assert.match(error.message, 'make several');
  assert.is(a.digest(), digest);
  await closed(server, a);
});

badInput('a frame that is no message ends its connection with a reason, and no other', async () => {
  const { server, open, network } = await setUp();
  const a = await open();
  await synced(a);
  const frames: Uint8Array[] = [];
  let reason: CloseReason | null = null;
  const link = network.connector.connect({
    opened: () => link.send(Uint8Array.of(1, 2, 3)),
    frame: (frame) => void frames.push(frame),
    closed: (why) => {
      reason = why;
    },
  });
  await eventually('the server closes the link', () => reason !== null);
  const message = decodeServerMessage(frames[0] as Uint8Array);
  assert.is(message._tag === 'Right' && message.right.type === 'error' && message.right.code, 103);
  assert.is((reason as CloseReason | null)?.code, 'protocolError');
  a.write((tx) => tx.create('Task', { _id: 'x', title: 'undisturbed' }));
  await synced(a);
  await closed(server, a);
});

badInput('a server that sends noise fails the session with a reason, and the device goes on', async () => {
  const connector: Connector = {
    connect: (events) => {
      queueMicrotask(() => {
        events.opened();
        setTimeout(() => events.frame(Uint8Array.of(0xff)), 2);
      });
      return { send: () => undefined, bufferedBytes: 0, close: () => undefined };
    },
  };
  const a = await openClient({ schema, store: memoryClientStore(), connector, partition: 'p' });
  const failures: string[] = [];
  void forEachOf(a.session.errors(), (failure) => failures.push(failure.message));
  await eventually('the session fails', () => a.session.describe().phase === 'failed');
  assert.match(failures.join(), 'the server broke the protocol');
  await a.session.waitForUpload().then(
    () => assert.unreachable(),
    (error: SynclineError) => assert.is(error.area, 'session'),
  );
  await a.write((tx) => tx.create('Task', { _id: 'x', title: 'still works' })).saved;
  await a.close();
});

badInput('a server that is not there is tried again, ever less often, and writes go on', async () => {
  let attempts = 0;
  const connector: Connector = {
    connect: (events) => {
      attempts++;
      queueMicrotask(() => events.closed({ code: 'unreachable', message: 'nobody listens' }));
      return { send: () => undefined, bufferedBytes: 0, close: () => undefined };
    },
  };
  const a = await openClient({ schema, store: memoryClientStore(), connector, partition: 'p', timing });
  await a.write((tx) => tx.create('Task', { _id: 'x', title: 'alone' })).saved;
  await eventually('three attempts', () => attempts >= 3);
  const { failure, attempts: counted, pendingWrites } = a.session.describe();
  assert.ok(counted >= 2);
  assert.is(pendingWrites, 2);
  assert.match(String(failure), 'nobody listens');
  await a.close();
});

badInput('a store that cannot save stops the device from telling anybody', async () => {
  const { server, open } = await setUp();
  const { store, breaks } = breakingStore();
  const a = await open({ store });
  await synced(a);
  breaks();
  const before = await server.version('p');
  const receipt = a.write((tx) => tx.create('Task', { _id: 'x', title: 'lost' }));
  await receipt.saved.then(
    () => assert.unreachable(),
    (error: SynclineError) => assert.match(error.message, 'no space left'),
  );
  assert.match(errorOf(() => a.write((tx) => tx.delete('Task', 'x'))).message, 'no space left');
  assert.is(await server.version('p'), before);
  await closed(server, a);
});

badInput('a user who may not open a partition is told so', async () => {
  const network = memoryNetwork();
  const server = await startServer({
    store: memoryServerStore(),
    listeners: [network.listener],
    verifyToken: async (token) => ({
      type: 'verified',
      user: { id: token, data: null },
      expiresAt: null,
      issuedAt: null,
    }),
    authorize: async ({ id }) => (id === 'secret' ? null : { code: 206, message: 'not with this token' }),
  });
  const open = (token: string) =>
    openClient({
      schema,
      store: memoryClientStore(),
      connector: network.connector,
      partition: 'p',
      token: { token: () => Promise.resolve(token) },
    });
  const [a, b] = [await open('secret'), await open('guess')];
  await synced(a);
  await eventually('the session fails', () => b.session.state === 'inactive');
  assert.match(String(b.session.describe().failure), 'permission_denied: not with this token');
  await closed(server, a, b);
});

badInput.run();
