import * as assert from 'uvu/assert';
import type { Client } from '../transports/client.js';
import type { Connector, PartitionStore, ServerStore } from '../transports/ports.js';
import { MemoryDatabase, memoryServerStore } from '../transports/stores/memory.js';
import { eventually, turn } from './kit/async.js';
import { add, nothingUnhandled, setUp, soon } from './kit/driver-world.js';
import { pick, seeded } from './kit/random.js';
import { suite } from './kit/suite.js';

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
    assert.ok(notes.every((note) => note.type === 'refused' && note.code === 204));
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
