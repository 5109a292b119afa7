/** The conformance suites find what they are there to find: each defect below fails a test of its suite. */

import * as assert from 'uvu/assert';
import { memoryNetwork } from '../transports/links/memory.js';
import type {
  ClientStore,
  CloseReason,
  Link,
  LinkEvents,
  PartitionStore,
  ServerStore,
} from '../transports/ports.js';
import {
  MemoryDatabase,
  MemoryFile,
  memoryClientStore,
  memoryServerStore,
} from '../transports/stores/memory.js';
import { clientStoreConformance } from './conformance/client-store.js';
import { type LinkSetup, linkConformance } from './conformance/link.js';
import { serverStoreConformance } from './conformance/server-store.js';
import type { ConformanceTest } from './conformance/test.js';
import { suite } from './kit/suite.js';

const test = suite('conformance suites');

/** The first test that fails, and why; undefined if none does. */
const failure = async (tests: readonly ConformanceTest[]): Promise<string | undefined> => {
  for (const { name, run } of tests) {
    const error = await run().then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    if (error !== undefined) return `${name}: ${error}`;
  }
  return undefined;
};

const client = (spoil: (store: ClientStore, file: MemoryFile) => Partial<ClientStore>) =>
  clientStoreConformance(async () => {
    const file = new MemoryFile();
    return {
      open: async () => {
        const store = memoryClientStore(file);
        return { ...store, ...spoil(store, file) };
      },
      dispose: async () => undefined,
    };
  });

const server = (spoil: (store: PartitionStore, own: MemoryDatabase) => Partial<PartitionStore>, whole = {}) =>
  serverStoreConformance(async () => {
    const database = new MemoryDatabase();
    return {
      open: async (): Promise<ServerStore> => {
        const store = memoryServerStore(database);
        const partition = async (name: string) => {
          const inner = await store.partition(name);
          return { ...inner, ...spoil(inner, database) };
        };
        return { ...store, partition, ...whole };
      },
      dispose: async () => undefined,
    };
  });

test('an intact store passes', async () => {
  assert.is(await failure(client(() => ({}))), undefined);
  assert.is(await failure(server(() => ({}))), undefined);
});

const clientDefects: Record<string, Parameters<typeof client>[0]> = {
  'puts before it deletes': (store) => ({
    commit: async ({ deletes, puts }) => {
      await store.commit({ deletes: [], puts });
      await store.commit({ deletes, puts: [] });
    },
  }),
  'is not atomic': (store) => ({
    commit: async ({ deletes, puts }) => {
      await store.commit({ deletes, puts: puts.slice(0, 1) });
      await store.commit({ deletes: [], puts: puts.slice(1) });
    },
  }),
  'loses the last put of large batches': (store) => ({
    commit: ({ deletes, puts }) => store.commit({ deletes, puts: puts.length > 1000 ? puts.slice(1) : puts }),
  }),
  'includes the end of a range': (store) => ({
    commit: ({ deletes, puts }) =>
      store.commit({
        deletes: deletes.map((each) => ({ ...each, to: Math.min(each.to + 1, 2 ** 53) })),
        puts,
      }),
  }),
  'orders spaces without regard to case': (store) => ({
    load: async () =>
      [...(await store.load())].sort((a, b) => (a.space.toLowerCase() < b.space.toLowerCase() ? -1 : 1)),
  }),
  'can be opened twice': (_, file) => {
    file.held = false;
    return {};
  },
  'forgets when it is closed': (store, file) => ({
    close: async () => {
      if (file.held)
        await store
          .commit({ deletes: [{ space: 'a', from: 0, to: 2 ** 53 }], puts: [] })
          .catch(() => undefined);
      await store.close();
    },
  }),
  'answers after it was closed': (_, file) => ({ load: async () => file.records.entries() }),
};

for (const [defect, spoil] of Object.entries(clientDefects)) {
  test(`a client store that ${defect} fails`, async () => {
    assert.is.not(await failure(client(spoil)), undefined);
  });
}

const serverDefects: Record<string, Parameters<typeof server>> = {
  'does not compare revisions': [
    (store) => ({
      commit: async (_, batch) => store.commit((await store.load([])).revision, batch),
    }),
  ],
  'compares before it waits': [
    (store) => ({
      commit: async (expected, batch) => {
        const { revision } = await store.load([]);
        if (revision !== expected) return { type: 'conflict', revision };
        await Promise.resolve();
        return store.commit((await store.load([])).revision, batch);
      },
    }),
  ],
  'does not count empty batches': [
    (store) => ({
      commit: async (expected, batch) =>
        batch.puts.length + batch.deletes.length === 0
          ? { type: 'committed', revision: expected }
          : store.commit(expected, batch),
    }),
  ],
  'answers nothing when the first entry is too large': [
    (store) => ({
      read: async (space, from, to, maxBytes) => {
        const entries = await store.read(space, from, to, maxBytes);
        return entries.length === 1 && (entries[0]?.bytes.length ?? 0) > maxBytes ? [] : entries;
      },
    }),
  ],
  'reads without a limit': [
    (store) => ({ read: (space, from, to) => store.read(space, from, to, Number.POSITIVE_INFINITY) }),
  ],
  'loads every space': [
    (store) => ({ load: (spaces) => store.load(spaces.length === 0 ? [] : [...spaces, 'c']) }),
  ],
  'has one partition': [(_, database) => memoryPartition(database)],
  'lists no partitions': [() => ({}), { partitions: async () => [] }],
};

/** All names lead to one partition. */
const memoryPartition = (database: MemoryDatabase): PartitionStore => {
  const only = memoryServerStore(database).partition('');
  return {
    load: async (spaces) => (await only).load(spaces),
    read: async (space, from, to, maxBytes) => (await only).read(space, from, to, maxBytes),
    commit: async (expected, batch) => (await only).commit(expected, batch),
  };
};

for (const [defect, spoil] of Object.entries(serverDefects)) {
  test(`a server store that ${defect} fails`, async () => {
    assert.is.not(await failure(server(...spoil)), undefined);
  });
}

interface Spoiled {
  readonly link?: (link: Link) => Partial<Link>;
  readonly events?: (events: LinkEvents) => Partial<LinkEvents>;
}

/** Spoils the connector's end. */
const link = ({ link: spoilLink, events: spoilEvents }: Spoiled, patience: number) =>
  linkConformance(async (): Promise<LinkSetup> => {
    const { connector, listener, cut } = memoryNetwork({ maxFrameBytes: 5_000_000 });
    const spoiled = {
      connect: (events: LinkEvents): Link => {
        const plain: LinkEvents = {
          opened: () => events.opened(),
          frame: (frame) => events.frame(frame),
          closed: (reason) => events.closed(reason),
        };
        const inner = connector.connect({ ...plain, ...spoilEvents?.(plain) });
        const whole: Link = {
          send: (frame) => inner.send(frame),
          close: (reason) => inner.close(reason),
          hold: (isHeld) => inner.hold?.(isHeld),
          get bufferedBytes() {
            return inner.bufferedBytes;
          },
        };
        return Object.defineProperties(whole, Object.getOwnPropertyDescriptors(spoilLink?.(whole) ?? {}));
      },
    };
    return {
      listener,
      maxFrameBytes: 5_000_000,
      connector: () => spoiled,
      unreachable: () => memoryNetwork().connector,
      cut,
      dispose: async () => undefined,
    };
  }, patience);

const plainSend = (inner: Link): Link['send'] => inner.send.bind(inner);

const linkDefects: Record<string, Spoiled> = {
  'loses a frame now and then': {
    link: (inner) => {
      const send = plainSend(inner);
      let sent = 0;
      return { send: (frame) => (++sent % 1000 === 0 ? undefined : send(frame)) };
    },
  },
  'delivers a frame twice now and then': {
    events: ({ frame }) => {
      let received = 0;
      return {
        frame: (bytes) => {
          frame(bytes);
          if (++received % 1000 === 0) frame(bytes);
        },
      };
    },
  },
  'lets small frames pass large ones': {
    link: (inner) => {
      const send = plainSend(inner);
      return { send: (frame) => (frame.length > 100_000 ? setTimeout(() => send(frame), 3) : send(frame)) };
    },
  },
  'swallows empty frames': {
    link: (inner) => {
      const send = plainSend(inner);
      return { send: (frame) => (frame.length === 0 ? undefined : send(frame)) };
    },
  },
  'sends the whole buffer of a part': {
    link: (inner) => {
      const send = plainSend(inner);
      return { send: (frame) => send(new Uint8Array(frame.buffer)) };
    },
  },
  'delivers one buffer over and over': {
    events: ({ frame }) => {
      const buffer = new Uint8Array(5_000_000);
      return {
        frame: (bytes) => {
          buffer.set(bytes);
          frame(buffer.subarray(0, bytes.length));
        },
      };
    },
  },
  'closes before it has sent': {
    link: (inner) => {
      const send = plainSend(inner);
      return { send: (frame) => setTimeout(() => send(frame)) };
    },
  },
  'forgets why it closed': {
    events: ({ closed }) => ({ closed: ({ message }: CloseReason) => closed({ code: 'normal', message }) }),
  },
  'reports the end twice': {
    events: ({ closed }) => ({
      closed: (reason) => {
        closed(reason);
        queueMicrotask(() => closed(reason));
      },
    }),
  },
  'never reports the end': { events: () => ({ closed: () => undefined }) },
  'goes on after a close': { link: () => ({ close: () => undefined }) },
  'throws when it is sent to after the end': {
    link: (inner) => {
      const send = plainSend(inner);
      let over = false;
      const close = inner.close.bind(inner);
      return {
        send: (frame) => {
          if (over) throw new Error('closed');
          send(frame);
        },
        close: (reason) => {
          over = true;
          close(reason);
        },
      };
    },
  },
  'forgets when to come again': {
    events: ({ closed }) => ({ closed: ({ code, message }: CloseReason) => closed({ code, message }) }),
  },
  'does not hold': { link: () => ({ hold: () => undefined }) },
  'does not count what is under way': { link: () => ({ bufferedBytes: 0 }) },
};

test('an intact link passes', async () => {
  assert.is(await failure(link({}, 10_000)), undefined);
});

for (const [defect, spoiled] of Object.entries(linkDefects)) {
  test(`a link that ${defect} fails`, async () => {
    assert.is.not(await failure(link(spoiled, 300)), undefined);
  });
}

test.run();
