import { test } from 'node:test';
import { openClient } from 'syncline/client';
import { MemoryFile, memoryClientStore, memoryNetwork, memoryServerStore } from 'syncline/memory';
import { startServer } from 'syncline/server';
import { clientProtocolConformance, serverProtocolConformance } from 'syncline/testing';

// In place of startServer: your own server, or a proxy in front of one.
const ofServers = serverProtocolConformance(async () => {
  const { connector, listener } = memoryNetwork();
  const server = await startServer({ store: memoryServerStore(), listeners: [listener] });
  return { connector, partition: 'p', dispose: () => server.close() };
});

// In place of openClient: your own client. The scenarios play the server behind the connector.
const schema = [{ name: 'Note', primaryKey: '_id', properties: { _id: 'int' } }];
const timing = { retryFirst: 3, retryMost: 10 };
const ofClients = clientProtocolConformance(async () => {
  const file = new MemoryFile();
  let notes = 0;
  return {
    open: async (connector) => {
      const store = memoryClientStore(file);
      const client = await openClient({ schema, store, connector, partition: 'p', timing });
      const write = () => void client.write((tx) => tx.create('Note', { _id: notes++ }));
      return { write, close: () => client.close() };
    },
    dispose: async () => undefined,
  };
});
for (const { name, run } of [...ofServers, ...ofClients]) test(name, run);
