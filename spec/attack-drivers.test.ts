import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Client, type ClientOptions, openClient, SynclineError } from '../transports/client.js';
import { memoryNetwork } from '../transports/links/memory.js';
import type { ClientStore, Connector, PartitionStore, ServerStore } from '../transports/ports.js';
import { type ServerNote, type ServerOptions, startServer } from '../transports/server.js';
import { MemoryDatabase, memoryClientStore, memoryServerStore } from '../transports/stores/memory.js';
import { deferred, eventually, turn } from './kit/async.js';
import { pick, seeded } from './kit/random.js';

const schema = [{ name: 'Task', primaryKey: '_id', properties: { _id: 'string', votes: 'int' } }];
const timing = { retryFirst: 3, retryMost: 10 };

const unhandled: unknown[] = [];
process.on('unhandledRejection', (reason) => void unhandled.push(reason));
const nothingUnhandled = async (): Promise<void> => {
  await turn();
  await turn();
  assert.equal(unhandled.splice(0).map(String), []);
};

const setUp = async (options: Partial<ServerOptions> = {}) => {
  const network = memoryNetwork();
  const notes: ServerNote[] = [];
  const server = await startServer({
    store: memoryServerStore(),
    listeners: [network.listener],
    onNote: (note) => void notes.push(note),
    ...options,
  });
  const open = (more: Partial<ClientOptions> = {}): Promise<Client> =>
    openClient({
      schema,
      store: memoryClientStore(),
      connector: network.connector,
      partition: 'p',
      timing,
      ...more,
    });
  return { server, open, network, notes };
};

let nextId = 0;
const add = (client: Client) => client.write((tx) => tx.create('Task', { _id: `t${nextId++}`, votes: 0 }));

/** Rejects where `promise` has not ended soon. */
const soon = async <T>(what: string, promise: Promise<T>): Promise<T> => {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not soon: ${what}`)), 2000);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
};

const rejection = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => null,
    (error: unknown) => error,
  );

const listeners = suite('listeners that throw');

listeners('disturb neither the device nor each other, and are reported', async () => {
  const { server, open } = await setUp();
  const a = await open({ connect: false });
  const heard: string[] = [];
  const failures: SynclineError[] = [];
  a.session.onFailure(() => {
    throw new Error('even here');
  });
  a.session.onFailure((failure) => void failures.push(failure));
  a.observe('Task', () => {
    throw new Error('an observer with a bug');
  });
  a.observe('Task', () => void heard.push('changed'));
  a.session.onConnectionState(() => {
    throw new Error('a state listener with a bug');
  });
  a.session.onConnectionState((_, current) => void heard.push(current));
  a.session.resume();
  await soon('saved', add(a).saved);
  await soon('uploaded', a.session.waitForUpload());
  assert.equal(new Set(heard), new Set(['changed', 'connecting', 'connected']));
  assert.equal(new Set(failures.map((failure) => failure.area)), new Set(['listener']));
  assert.match(failures.map((failure) => failure.message).join(), 'an observer with a bug');
  await a.close();
  await server.close();
  await nothingUnhandled();
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
  a.session.onConnectionState((previous, current) => {
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
  await a.close();
  await server.close();
  await nothingUnhandled();
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
  const id = `t${nextId - 1}`;
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
  for (const client of [a, b]) await client.close();
  await server.close();
  await nothingUnhandled();
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
    await a.close();
    await server.close();
    await nothingUnhandled();
  });

tokens('one that rejects before a link that never opens has ended is not forgotten', async () => {
  const connector: Connector = {
    connect: () => ({ send: () => undefined, bufferedBytes: 0, close: () => undefined }),
  };
  const a = await openClient({
    schema,
    store: memoryClientStore(),
    connector,
    partition: 'p',
    timing,
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
  const a = await openClient({ schema, store: memoryClientStore(), connector, partition: 'p', timing });
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
  const a = await openClient({
    schema,
    store: slow,
    connector: memoryNetwork().connector,
    partition: 'p',
    timing,
  });
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
  const store = memoryClientStore();
  let isBroken = false;
  const breaking: ClientStore = {
    load: () => store.load(),
    commit: (batch) => (isBroken ? Promise.reject(new Error('no space left')) : store.commit(batch)),
    close: () => store.close(),
  };
  const a = await open({ store: breaking });
  await soon('uploaded', a.session.waitForUpload());
  isBroken = true;
  await rejection(add(a).saved);
  assert.match(String(await soon('a wait', rejection(a.session.waitForUpload()))), 'no space left');
  assert.is(a.session.connectionState, 'disconnected');
  assert.is(a.session.state, 'inactive');
  assert.match(String(a.session.describe().failure), 'no space left');
  a.session.resume();
  assert.is(a.session.connectionState, 'disconnected');
  await a.close();
  await server.close();
  await nothingUnhandled();
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
  await a.close();
  await server.close();
  await nothingUnhandled();
});

ends.run();

/** A server store whose partitions fail when told to. */
const failing = (inner: ServerStore) => {
  const plan: { fails: ((call: 'load' | 'read' | 'commit') => boolean) | null } = { fails: null };
  const check = (call: 'load' | 'read' | 'commit'): void => {
    if (plan.fails?.(call)) throw new Error(`the disk refuses to ${call}`);
  };
  const store: ServerStore = {
    partition: async (name) => {
      const partition = await inner.partition(name);
      const wrapped: PartitionStore = {
        load: async (spaces) => {
          check('load');
          return partition.load(spaces);
        },
        read: async (space, from, to, most) => {
          check('read');
          return partition.read(space, from, to, most);
        },
        commit: async (expected, batch) => {
          check('commit');
          return partition.commit(expected, batch);
        },
      };
      return wrapped;
    },
    partitions: () => inner.partitions(),
    close: () => inner.close(),
  };
  return { store, plan };
};

const stores = suite('server stores that fail');

stores('once, at each call in turn: everybody comes back, and nothing is lost', async () => {
  for (let nth = 0; nth < 14; nth++) {
    const { store, plan } = failing(memoryServerStore());
    const { server, open, notes } = await setUp({ store });
    const [a, b] = [await open({ connect: false }), await open({ connect: false })];
    let call = 0;
    plan.fails = () => call++ === nth;
    for (const client of [a, b]) {
      client.session.resume();
      add(client);
    }
    for (const client of [a, b]) await soon(`uploaded, ${nth}`, client.session.waitForUpload());
    for (const client of [a, b]) await soon(`downloaded, ${nth}`, client.session.waitForDownload());
    assert.is(a.objects('Task').size, 2);
    assert.is(a.digest(), b.digest());
    assert.is(await server.digest('p'), a.digest());
    assert.ok(notes.filter((note) => note.type === 'failed').length <= 1, `${nth}: told more than once`);
    for (const client of [a, b]) await client.close();
    await server.close();
  }
  await nothingUnhandled();
});

stores('in many calls at once: each failure of a partition is told once', async () => {
  const { store, plan } = failing(memoryServerStore());
  const { server, open, notes } = await setUp({ store });
  const clients = [await open(), await open(), await open()];
  for (const client of clients) await soon('uploaded', client.session.waitForUpload());
  plan.fails = () => true;
  for (const client of clients) {
    add(client);
    client.session.pause();
    client.session.resume();
  }
  await eventually('told', () => notes.length > 0);
  plan.fails = null;
  for (const client of clients) {
    client.session.resume();
    await soon('uploaded', client.session.waitForUpload());
  }
  for (const client of clients) await soon('downloaded', client.session.waitForDownload());
  assert.is(new Set(clients.map((client) => client.digest())).size, 1);
  for (const client of clients) await client.close();
  await server.close();
  await nothingUnhandled();
});

stores(
  'a partition that cannot have its name is refused for good, and costs nobody else anything',
  async () => {
    const { server, open, notes } = await setUp();
    const a = await open({ partition: 'p'.repeat(513) });
    await eventually('refused', () => a.session.describe().phase === 'failed');
    assert.match(String(a.session.describe().failure), 'illegal_realm_path');
    assert.equal(notes, []);
    await a.close();
    await server.close();
    await nothingUnhandled();
  },
);

stores.run();

const two = suite('two servers on one store');

two('a device may move between them, and a wait for downloads knows of both', async () => {
  const database = new MemoryDatabase();
  const left = await setUp({ store: memoryServerStore(database) });
  const right = await setUp({ store: memoryServerStore(database) });
  let side: 'left' | 'right' = 'left';
  const connector: Connector = {
    connect: (events) => (side === 'left' ? left : right).network.connector.connect(events),
  };
  const moving = await left.open({ connector });
  const [a, b] = [await left.open(), await right.open()];
  for (const client of [moving, a, b]) await soon('uploaded', client.session.waitForUpload());
  for (let i = 0; i < 10; i++) {
    for (const client of [a, moving, b]) {
      add(client);
      await soon('uploaded', client.session.waitForUpload());
    }
    for (const client of [a, b, moving]) {
      await soon('downloaded', client.session.waitForDownload());
      assert.is(client.objects('Task').size, 3 * (i + 1), `round ${i}`);
    }
    side = side === 'left' ? 'right' : 'left';
    (side === 'left' ? right : left).network.cut();
    for (const client of [a, b, moving]) client.session.resume();
  }
  assert.is(new Set([a, b, moving].map((client) => client.digest())).size, 1);
  for (const client of [a, b, moving]) await client.close();
  for (const { server } of [left, right]) await server.close();
  await nothingUnhandled();
});

two('agree in the end, whatever happens at once, and however slow the store is', async () => {
  for (let seed = 1; seed <= 6; seed++) {
    const random = seeded(seed);
    const database = new MemoryDatabase();
    const slow = (): ServerStore => {
      const inner = memoryServerStore(database);
      const later = async <T>(call: () => Promise<T>): Promise<T> => {
        for (let turns = random.int(3); turns > 0; turns--) await turn();
        return call();
      };
      return {
        partition: async (name) => {
          const partition = await inner.partition(name);
          return {
            load: (spaces) => later(() => partition.load(spaces)),
            read: (space, from, to, most) => later(() => partition.read(space, from, to, most)),
            commit: (expected, batch) => later(() => partition.commit(expected, batch)),
          };
        },
        partitions: () => inner.partitions(),
        close: () => inner.close(),
      };
    };
    const servers = [await setUp({ store: slow() }), await setUp({ store: slow() })] as const;
    const connector: Connector = {
      connect: (events) => pick(random, servers).network.connector.connect(events),
    };
    const clients: Client[] = [];
    for (let i = 0; i < 3; i++) clients.push(await servers[0].open({ connector }));
    const ids: string[] = [];
    for (let steps = 0; steps < 80; steps++) {
      const client = pick(random, clients);
      switch (random.int(8)) {
        case 0:
          pick(random, servers).network.cut();
          break;
        case 1:
          client.session.pause();
          break;
        case 2:
        case 3:
          client.session.resume();
          break;
        case 4:
          await turn();
          break;
        default: {
          const id = ids.length > 3 ? pick(random, ids) : `n${ids.length}`;
          client.write((tx) => {
            if (client.object('Task', id) === null) tx.create('Task', { _id: id, votes: 0 });
            tx.increment('Task', id, 'votes', 1);
          });
          ids.push(id);
        }
      }
    }
    for (const client of clients) client.session.resume();
    for (const client of clients) await soon(`uploaded, ${seed}`, client.session.waitForUpload());
    for (const client of clients) await soon(`downloaded, ${seed}`, client.session.waitForDownload());
    assert.is(new Set(clients.map((client) => client.digest())).size, 1, `seed ${seed}`);
    const third = await setUp({ store: memoryServerStore(database) });
    assert.is(await third.server.digest('p'), clients[0]?.digest());
    for (const client of clients) await client.close();
    for (const { server } of [...servers, third]) await server.close();
  }
  await nothingUnhandled();
});

two.run();
