/** The admin API over HTTP: what it does, and what it does not let happen. */
import { createServer, type Server as HttpServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import * as assert from 'uvu/assert';
import { type AdminOptions, adminHandler, nodeAdminHandler } from '../transports/admin.js';
import { openClient } from '../transports/client.js';
import { memoryNetwork } from '../transports/links/memory.js';
import { type Server, startServer } from '../transports/server.js';
import { memoryClientStore, memoryServerStore } from '../transports/stores/memory.js';
import { suite } from './kit/suite.js';

const admin = suite('the admin API');

const token = 'a token of the tests, long enough'.replaceAll(' ', '-');
const schema = [{ name: 'Task', primaryKey: '_id', properties: { _id: 'string', text: 'string' } }];
const config = {
  type: 'partition',
  state: 'enabled',
  partition: {
    key: 'owner',
    type: 'string',
    permissions: { read: true, write: { '%%user.id': '%%partition' } },
  },
};

type Ask = (
  method: string,
  path: string,
  body?: unknown,
  headers?: Readonly<Record<string, string>>,
) => Promise<{ readonly status: number; readonly headers: Headers; readonly body: Json }>;
interface Json {
  readonly [name: string]: Json;
}

/** A configured server, and how it is asked; `failures` are those of the server's own. */
const setUp = async (more: Partial<AdminOptions> = {}, isConfigured = true) => {
  const network = memoryNetwork();
  const server = await startServer({
    store: memoryServerStore(),
    listeners: [network.listener],
    ...(isConfigured ? { sync: { config, schema } } : {}),
    verifyToken: async (id) => ({
      type: 'verified',
      user: { id, data: null },
      expiresAt: null,
      issuedAt: null,
    }),
  });
  const failures: unknown[] = [];
  const options = { server, token, onFailure: (error: unknown) => void failures.push(error), ...more };
  const handle = adminHandler(options);
  const ask: Ask = async (method, path, body, headers = {}) => {
    const answer = await handle(
      new Request(`http://127.0.0.1${path}`, {
        method,
        headers: { authorization: `Bearer ${token}`, ...headers },
        ...(body === undefined ? {} : { body: bodyOf(body) }),
      }),
    );
    return { status: answer.status, headers: answer.headers, body: (await answer.json()) as Json };
  };
  const open = (user: string, partition: string) =>
    openClient({
      schema,
      store: memoryClientStore(),
      connector: network.connector,
      partition,
      token: { user, token: async () => user },
      timing: { retryFirst: 3, retryMost: 10 },
    });
  return { server, options, ask, open, failures };
};

const bodyOf = (body: unknown): string | ArrayBuffer => {
  if (body instanceof Uint8Array) return body.slice().buffer as ArrayBuffer;
  return typeof body === 'string' ? body : JSON.stringify(body);
};

const codeOf = (body: Json): unknown => body['error']?.['code'];

admin('shows and changes the state of sync', async () => {
  const { server, ask, open, failures } = await setUp();
  const first = await ask('GET', '/sync');
  assert.is(first.status, 200);
  assert.is(first.headers.get('content-type'), 'application/json');
  assert.is(first.headers.get('cache-control'), 'no-store');
  assert.equal(first.body, { state: 'enabled', epoch: 0, config, schema } as unknown as Json);
  const ann = await open('ann', '"ann"');
  await ann.write((tx) => tx.create('Task', { _id: 't', text: 'x' })).integrated();
  assert.equal((await ask('GET', '/sync/partitions')).body['partitions'], [
    { name: '"ann"', version: 2, files: 1, objects: { Task: 1 } },
  ] as unknown as Json);
  assert.is((await ask('POST', '/sync/disable')).body['state'], 'disabled');
  assert.is(server.describe().sessions, 0);
  const resumed = await ask('POST', '/sync/enable', {});
  assert.equal([resumed.body['state'], resumed.body['begun']], ['enabled', null]);
  const more = [...schema, { name: 'List', primaryKey: '_id', properties: { _id: 'int' } }];
  assert.equal((await ask('POST', '/sync/schema', { schema: more })).body['schema'], more as unknown as Json);
  const less = await ask('POST', '/sync/schema', { schema });
  assert.is(less.status, 409);
  assert.is(codeOf(less.body), 'fixed');
  assert.is(less.body['error']?.['findings']?.['0']?.['path'], 'schema.List');
  assert.is((await ask('POST', '/sync/terminate')).body['state'], 'terminated');
  assert.is(codeOf((await ask('POST', '/sync/disable')).body), 'state');
  const wrong = { ...config, partition: { ...config.partition, type: 'int' } };
  const invalid = await ask('POST', '/sync/enable', { config: wrong });
  assert.equal([invalid.status, codeOf(invalid.body)], [422, 'invalid']);
  assert.is(
    invalid.body['error']?.['message'],
    'the configuration of sync is wrong',
    'findings have places of their own',
  );
  const begun = await ask('POST', '/sync/enable', { config, schema });
  assert.equal(begun.body['begun'], {
    epoch: 1,
    partitions: 1,
    objects: 1,
    unassigned: 0,
    dropped: [],
  } as unknown as Json);
  assert.equal(failures, []);
  await ann.close();
  await server.close();
});

admin('says what users may do, and ends what they did', async () => {
  const { server, ask, open } = await setUp();
  const path = (user: string, partition: string) =>
    `/sync/access?user=${encodeURIComponent(user)}&partition=${encodeURIComponent(partition)}`;
  const own = await ask('GET', path('ann', '"ann"'));
  assert.match(String(own.body['explanation']), 'may read and write');
  assert.match(String((await ask('GET', path('bob & co', '"ann"'))).body['explanation']), 'user "bob & co"');
  assert.match(String((await ask('GET', path('bob', '"ann"'))).body['explanation']), 'may read\n');
  for (const query of ['', '?user=a', '?user=a&partition=a', '?user=a&partition={"$numberLong":"1"}'])
    assert.is((await ask('GET', `/sync/access${query}`)).status, 400, query);
  assert.is((await ask('GET', `${path('a', '"b"')}&data={`)).status, 400);
  const ann = await open('ann/ä', '"x"');
  await ann.session.waitForDownload();
  assert.is(server.describe().sessions, 1);
  assert.is((await ask('POST', '/users/ann%2F%C3%A4/reevaluate')).status, 200);
  assert.is(server.describe().sessions, 1);
  assert.equal((await ask('POST', '/users/ann%2F%C3%A4/revoke')).body, { user: 'ann/ä' } as unknown as Json);
  assert.is(codeOf((await ask('POST', '/users/%/revoke')).body), 'malformed');
  await ann.close();
  await server.close();
});

admin('lets nobody in who has not the token, and tells him nothing', async () => {
  const { server, options, ask } = await setUp();
  const handle = adminHandler(options);
  const tokens = [
    undefined,
    '',
    'Bearer',
    'Bearer ',
    `Basic ${token}`,
    `Bearer ${token}x`,
    `Bearer ${token.slice(1)}`,
    `Bearer ${token} ${token}`,
    `Bearer ${token.toUpperCase()}`,
    `Bearer ${'x'.repeat(100_000)}`,
    token,
  ];
  for (const authorization of tokens)
    for (const [method, path] of [
      ['GET', '/sync'],
      ['POST', '/sync/terminate'],
      ['GET', '/nothing'],
      ['OPTIONS', '/sync'],
    ] as const) {
      const headers = authorization === undefined ? {} : { authorization };
      const answer = await handle(new Request(`http://127.0.0.1${path}?token=${token}`, { method, headers }));
      assert.is(answer.status, 401, String(authorization).slice(0, 50));
      assert.is(answer.headers.get('www-authenticate'), 'Bearer');
      const text = await answer.text();
      assert.is(codeOf(JSON.parse(text)), 'unauthorized');
      assert.not.ok(text.includes(token));
    }
  assert.is((await ask('GET', '/sync')).body['state'], 'enabled');
  for (const bad of ['', 'short', 'with a space in it, and long', `${token}\n`])
    assert.throws(() => adminHandler({ ...options, token: bad }), RangeError);
  await server.close();
});

admin('answers whatever is asked, and changes nothing by what is not understood', async () => {
  const { server, ask, failures } = await setUp({ maxBodyBytes: 200_000 });
  const before = (await ask('GET', '/sync')).body;
  const status = async (...given: Parameters<Ask>) => (await ask(...given)).status;
  for (const path of [
    '/',
    '/Sync',
    '/sync/',
    '/sync/enable/',
    '//sync',
    '/users//revoke',
    '/users/a/b/revoke',
  ])
    assert.is(await status('POST', path), 404, path);
  assert.is(await status('GET', '/sync/enable'), 405);
  assert.is(await status('DELETE', '/sync'), 405);
  assert.is((await ask('PUT', '/sync/disable')).headers.get('allow'), 'POST');
  const bodies: readonly unknown[] = [
    '{',
    'null',
    '[]',
    '"x"',
    '{"config":{},"extra":1}',
    '{"__proto__":{"config":1}}',
    '['.repeat(100_000),
    new Uint8Array([0x7b, 0xff, 0x7d]),
  ];
  for (const body of bodies) {
    assert.is(await status('POST', '/sync/enable', body), 400, String(body).slice(0, 30));
    assert.is(await status('POST', '/sync/disable', body), 400);
  }
  assert.is(
    await status('POST', '/sync/enable', `{"config":${'['.repeat(90_000)}${']'.repeat(90_000)}}`),
    422,
  );
  assert.is(await status('POST', '/sync/schema', { schema: 'Task' }), 422);
  assert.is(await status('POST', '/sync/schema', {}), 422);
  assert.is(await status('POST', '/sync/enable', `{"config":"${'x'.repeat(200_000)}"}`), 413);
  assert.is(await status('POST', '/users/a/revoke', { user: 'b' }), 400);
  assert.equal((await ask('GET', '/sync')).body, before);
  assert.equal(failures, []);
  await server.close();
});

admin('a server without a configuration says so, and failures stay at home', async () => {
  const free = await setUp({}, false);
  for (const [method, path] of [
    ['GET', '/sync'],
    ['POST', '/sync/enable'],
    ['GET', '/sync/partitions'],
    ['GET', '/sync/access?user=a&partition=null'],
  ] as const) {
    const { status, body } = await free.ask(method, path);
    assert.equal([status, codeOf(body)], [409, 'not-configured'], path);
  }
  assert.is((await free.ask('POST', '/users/a/revoke')).status, 200);
  await free.server.close();
  const secret = new Error('at /home/of/the/server');
  const failing = Object.create(free.server, {
    sync: {
      get: () => {
        throw secret;
      },
    },
  }) as Server;
  const { server, ask, failures } = await setUp({ server: failing });
  const { status, body } = await ask('GET', '/sync');
  assert.equal([status, codeOf(body)], [500, 'failed']);
  assert.not.match(JSON.stringify(body), 'home');
  assert.equal(failures, [secret]);
  await server.close();
});

/** Over a real socket. */
const listening = async (
  options: AdminOptions,
): Promise<{ readonly http: HttpServer; readonly port: number }> => {
  const http = createServer(nodeAdminHandler(options));
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  return { http, port: (http.address() as AddressInfo).port };
};

const raw = (port: number, text: string): Promise<string> =>
  new Promise((resolve) => {
    let read = '';
    const socket = connect(port, '127.0.0.1', () => socket.write(text));
    socket.on('data', (chunk) => {
      read += chunk.toString('latin1');
      if (/\r\n\r\n.*\n$/s.test(read)) socket.destroy();
    });
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(read));
  });

admin('works behind node:http, with queries, and whatever comes over a socket', async () => {
  const { server, options } = await setUp({ prefix: '/admin' });
  const { http, port } = await listening(options);
  const url = `http://127.0.0.1:${port}`;
  const headers = { authorization: `Bearer ${token}` };
  const explained = await fetch(`${url}/admin/sync/access?user=a%26b&partition=%22a%26b%22`, { headers });
  assert.match(String(((await explained.json()) as Json)['explanation']), 'user "a&b", partition "a&b"');
  assert.is((await fetch(`${url}/sync`, { headers })).status, 404);
  assert.is((await fetch(`${url}/admin/sync`)).status, 401);
  const enabled = await fetch(`${url}/admin/sync/enable`, { method: 'POST', headers, body: '{}' });
  assert.is(enabled.status, 200);
  const head = (...lines: readonly string[]) => `${lines.join('\r\n')}\r\n\r\n`;
  const secret = `authorization: Bearer ${token}`;
  const answers: readonly (readonly [string, RegExp])[] = [
    [head('POST /admin/sync/enable HTTP/1.1', 'host: a', secret, 'content-length: 1000000000'), /^$/],
    [head('GET http://b/admin/sync HTTP/1.1', 'host: a', secret), /^HTTP\/1\.1 200/],
    [head('GET /admin/sync HTTP/1.1', 'host: a', secret, secret), /^HTTP\/1\.1 200/],
    [head('TRACE /admin/sync HTTP/1.1', 'host: a'), /^HTTP\/1\.1 401/],
    [head('POST /admin/sync/disable HTTP/1.1', 'host: a', 'content-length: 9'), /^HTTP\/1\.1 401/],
    [
      `${head('POST /admin/sync/disable HTTP/1.1', 'host: a', secret, 'content-length: 4')}nope`,
      /^HTTP\/1\.1 400/,
    ],
    [head('GET /admin/%ff?%zz HTTP/1.1', 'host: a', secret), /^HTTP\/1\.1 404/],
  ];
  const [unfinished, ...others] = answers;
  // Nobody waits for a body that does not come but its own request.
  const pending = connect(port, '127.0.0.1', () => pending.write(unfinished?.[0] ?? ''));
  pending.on('error', () => undefined);
  for (const [text, expected] of others) assert.match(await raw(port, text), expected);
  pending.destroy();
  assert.is(((await (await fetch(`${url}/admin/sync`, { headers })).json()) as Json)['state'], 'enabled');
  http.closeAllConnections();
  http.close();
  await server.close();
});

admin.run();
