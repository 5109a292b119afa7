import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as lmdb from 'lmdb';
import type { ClientStore, ServerStore } from '../transports/ports.js';
import { lmdbClientStore, lmdbServerStore } from '../transports/stores/lmdb.js';
import {
  MemoryDatabase,
  MemoryFile,
  memoryClientStore,
  memoryServerStore,
} from '../transports/stores/memory.js';
import { type ClientStoreSetup, clientStoreConformance } from './conformance/client-store.js';
import { type ServerStoreSetup, serverStoreConformance } from './conformance/server-store.js';
import type { ConformanceTest } from './conformance/test.js';
import { suite } from './kit/suite.js';

const run = (name: string, tests: readonly ConformanceTest[]): void => {
  const test = suite(name);
  for (const { name: title, run: body } of tests) test(title, body);
  test.run();
};

run(
  'memory client store',
  clientStoreConformance(async () => {
    const file = new MemoryFile();
    return { open: async () => memoryClientStore(file), dispose: async () => undefined };
  }),
);

run(
  'memory server store',
  serverStoreConformance(async () => {
    const database = new MemoryDatabase();
    return { open: async () => memoryServerStore(database), dispose: async () => undefined };
  }),
);

/** A fresh folder, and its removal after the stores that were opened in it. */
const inFolder = async <S extends ClientStore | ServerStore>(
  open: (path: string) => Promise<S>,
): Promise<{ open(): Promise<S>; dispose(): Promise<void> }> => {
  const path = mkdtempSync(join(tmpdir(), 'syncline-store-'));
  const stores: S[] = [];
  return {
    open: async () => {
      const store = await open(path);
      stores.push(store);
      return store;
    },
    dispose: async () => {
      for (const store of stores) await store.close();
      rmSync(path, { recursive: true });
    },
  };
};

run(
  'lmdb client store',
  clientStoreConformance(
    (): Promise<ClientStoreSetup> => inFolder((path) => lmdbClientStore({ lmdb, path })),
  ),
);

run(
  'lmdb server store',
  serverStoreConformance(
    (): Promise<ServerStoreSetup> => inFolder((path) => lmdbServerStore({ lmdb, path })),
  ),
);
