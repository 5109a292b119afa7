import { createServer } from 'node:http';
import { nodeAdminHandler } from 'syncline/admin';
import { openClient } from 'syncline/client';
import { memoryClientStore, memoryServerStore } from 'syncline/memory';
import { startServer } from 'syncline/server';
import { webSocketConnector, webSocketListener } from 'syncline/websocket';
import { WebSocket, WebSocketServer } from 'ws';

const schema = [
  { name: 'Item', primaryKey: '_id', properties: { _id: 'int', store: 'string', aisle: 'string' } },
];
const partition = { key: 'store', type: 'string', permissions: { read: true, write: true } };
const config = { type: 'partition', state: 'enabled', partition };

const links = webSocketListener({ WebSocketServer });
const server = await startServer({
  store: memoryServerStore(),
  listeners: [links],
  sync: { config, schema },
});

// The admin API beside it, on a port that only those reach who may.
const token = 'as long as a secret has to be';
const admin = createServer(nodeAdminHandler({ server, token: token.replaceAll(' ', '-') }));
await new Promise<void>((resolve) => admin.listen(0, '127.0.0.1', resolve));
const address = admin.address();
const port = typeof address === 'object' ? address?.port : 0;
const ask = async (method: string, path: string, body = {}) => {
  const answer = await fetch(`http://127.0.0.1:${port}${path}`, {
    method,
    headers: { authorization: `Bearer ${token.replaceAll(' ', '-')}` },
    ...(method === 'POST' ? { body: JSON.stringify(body) } : {}),
  });
  return answer.json();
};

const device = await openClient({
  schema,
  store: memoryClientStore(),
  connector: webSocketConnector({ url: `ws://127.0.0.1:${links.port}`, WebSocket }),
  partitionValue: 'Store 42',
  partitionKey: 'store',
  reset: { mode: 'recover', onAfter: () => console.log('the device has reset') },
});
await device.write((tx) => tx.create('Item', { _id: 1, aisle: 'north' })).integrated();

// Rules are fixed as long as sync is not terminated.
const byAisle = { ...config, partition: { ...partition, key: 'aisle' } };
const refused = await ask('POST', '/sync/enable', { config: byAisle });
console.log(refused.error.code, refused.error.findings[0].path); // fixed config.partition.key

await ask('POST', '/sync/terminate');
const { state, epoch, begun } = await ask('POST', '/sync/enable', { config: byAisle });
console.log(state, epoch, begun.objects); // enabled 1 1
const { partitions } = await ask('GET', '/sync/partitions');
console.log(partitions.map(({ name }: { name: string }) => name)); // [ '"Store 42"', '"north"' ]

await device.session.waitForDownload();
await device.close();
await server.close();
admin.close();
