import { memoryRecording, openClient } from 'syncline/client';
import { memoryClientStore, memoryNetwork, memoryServerStore } from 'syncline/memory';
import { startServer } from 'syncline/server';

const network = memoryNetwork();
const server = await startServer({ store: memoryServerStore(), listeners: [network.listener] });

// In Node, `fileRecording({ fs, path: 'session.rec' })` writes to a file as it goes.
const recorder = memoryRecording({ maxBytes: 4 * 1024 * 1024 });
const schema = [{ name: 'Task', primaryKey: '_id', properties: { _id: 'string', title: 'string' } }];
const client = await openClient({
  schema,
  store: memoryClientStore(),
  connector: network.connector,
  partition: 'team',
  recorder,
});
client.write((tx) => tx.create('Task', { _id: 'a', title: 'Call the plumber' }));
await client.session.waitForUpload();
await client.close();
await server.close();

// In a browser: `new Blob([recorder.bytes()])`, to be downloaded or sent.
const bytes = recorder.bytes();
console.log(bytes.length > 300, bytes.length < 2000); // true true
