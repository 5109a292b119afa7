import { createServer } from 'node:http';
import * as jose from 'jose';
import { openClient } from 'syncline/client';
import { joseVerifier } from 'syncline/jose';
import { fallbackConnector, longPollConnector, longPollListener, nodeHandler } from 'syncline/long-poll';
import { memoryClientStore, memoryServerStore } from 'syncline/memory';
import { startServer } from 'syncline/server';
import { webSocketConnector, webSocketListener } from 'syncline/websocket';
import { WebSocket, WebSocketServer } from 'ws';

// Whoever signs tokens, on another server; `keySetUrl` or a public key would do as well.
const secret = new TextEncoder().encode('thirty-two bytes that nobody else knows');
const login = (user: string) =>
  new jose.SignJWT()
    .setProtectedHeader({ alg: 'HS256' })
    .setSubject(user)
    .setIssuedAt()
    .setExpirationTime('1 h')
    .sign(secret);

// One server behind both links: each user has a partition of the same name.
const sockets = webSocketListener({ WebSocketServer });
const polls = longPollListener({ path: '/sync', origins: ['https://app.example'] });
const http = createServer(nodeHandler(polls)).listen(0, '127.0.0.1');
const server = await startServer({
  store: memoryServerStore(),
  listeners: [sockets, polls],
  verifyToken: joseVerifier({ jose, keys: { secret } }),
  authorize: async (user, partition) =>
    user.id === partition ? null : { code: 206, message: `${partition} is not yours` },
  onNote: (note) => {
    if (note.type === 'refused') console.log(note.code, note.message);
  },
});

// A device that takes WebSocket where it gets through, and requests where it does not.
const address = http.address();
const port = typeof address === 'object' ? address?.port : 0;
const connector = fallbackConnector([
  webSocketConnector({ url: `ws://127.0.0.1:${sockets.port}`, WebSocket }),
  longPollConnector({ url: `http://127.0.0.1:${port}/sync` }),
]);
const schema = [{ name: 'Note', primaryKey: '_id', properties: { _id: 'int' } }];
const open = async (user: string, partition: string) =>
  openClient({
    schema,
    store: memoryClientStore(),
    connector,
    partition,
    token: { user, token: () => login(user) },
  });

const ann = await open('ann', 'ann');
await ann.write((tx) => tx.create('Note', { _id: 1 })).integrated();
console.log(server.describe()); // { connections: 1, sessions: 1, partitions: 1 }

const eve = await open('eve', 'ann');
await eve.session.waitForDownload().catch((error) => console.log(error.message)); // … ann is not yours

// A user who is to be out at once.
server.revoke('ann'); // 202 the token was revoked
for (const client of [ann, eve]) await client.close();
await server.close();
http.close();
