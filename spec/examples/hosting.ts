import { openClient } from 'syncline/client';
import { longPollConnector, longPollListener } from 'syncline/long-poll';
import { memoryClientStore, memoryServerStore } from 'syncline/memory';
import { startServer } from 'syncline/server';

const polls = longPollListener({ path: '/sync', origins: ['https://app.example'] });
const server = await startServer({ store: memoryServerStore(), listeners: [polls] });

// What Deno.serve(app) and Bun.serve({ fetch: app }) take; in Hono: app.all('/sync', (c) => polls.handle(c.req.raw)).
const app = async (request: Request): Promise<Response> =>
  new URL(request.url).pathname === '/sync' ? polls.handle(request) : new Response('Hello');

// Without a port: a device whose requests go straight to that function.
const connector = longPollConnector({
  url: 'https://app.example/sync',
  fetch: (url, init) => app(new Request(url, init)),
});
const schema = [{ name: 'Note', primaryKey: '_id', properties: { _id: 'int' } }];
const client = await openClient({ schema, store: memoryClientStore(), connector, partition: 'p' });
await client.write((tx) => tx.create('Note', { _id: 1 })).integrated();
console.log(polls.sessions, await server.version('p')); // 1 2
await client.close();
await server.close();
