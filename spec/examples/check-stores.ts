import { test } from 'node:test';
import { MemoryDatabase, MemoryFile, memoryClientStore, memoryServerStore } from 'syncline/memory';
import { clientStoreConformance, serverStoreConformance } from 'syncline/testing';

// In place of the memory stores: your own. Each setup is one fresh place, which `open` opens again and again.
const ofClients = clientStoreConformance(async () => {
  const file = new MemoryFile();
  return { open: async () => memoryClientStore(file), dispose: async () => undefined };
});
const ofServers = serverStoreConformance(async () => {
  const database = new MemoryDatabase();
  return { open: async () => memoryServerStore(database), dispose: async () => undefined };
});
for (const { name, run } of [...ofClients, ...ofServers]) test(name, run);
