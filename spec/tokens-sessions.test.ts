/** Sessions whose tokens expire, are revoked or wrong: they end with a code, go on with the next token, and nothing is told. */
import { createServer } from 'node:http';
import { inspect } from 'node:util';
import * as jose from 'jose';
import * as assert from 'uvu/assert';
import { WebSocket, WebSocketServer } from 'ws';
import { joseVerifier } from '../transports/jose.js';
import { longPollConnector } from '../transports/links/long-poll.js';
import { nodeHandler } from '../transports/links/long-poll-node.js';
import { longPollListener } from '../transports/links/long-poll-server.js';
import { webSocketConnector } from '../transports/links/websocket.js';
import { webSocketListener } from '../transports/links/websocket-server.js';
import type { Connector, TokenVerdict, VerifyToken } from '../transports/ports.js';
import type { ServerNote } from '../transports/server.js';
import { eventually, turn } from './kit/async.js';
import { add, nothingUnhandled, setUp, soon } from './kit/driver-world.js';
import { ManualClock } from './kit/manual-clock.js';
import { suite } from './kit/suite.js';

const test = suite('tokens of sessions');

/** Tokens as `user issued expires`, in milliseconds of the server's clock. */
const plain =
  (clock: ManualClock): VerifyToken =>
  async (token): Promise<TokenVerdict> => {
    const [id = '', issued, expires] = token.split(' ');
    if (id === 'eve') return { type: 'refused', fault: 'untrusted', message: 'nobody trusts this token' };
    const expiresAt = expires === undefined ? null : Number(expires);
    if (expiresAt !== null && expiresAt <= clock.now())
      return { type: 'refused', fault: 'expired', message: 'the token has expired' };
    return {
      type: 'verified',
      user: { id, data: null },
      expiresAt,
      issuedAt: issued === undefined ? null : Number(issued),
    };
  };

const codes = (notes: readonly ServerNote[]): number[] =>
  notes.flatMap((note) => (note.type === 'refused' ? [note.code] : []));

test('a token ends its session at its time, and the next one resumes it with nothing lost', async () => {
  const clock = new ManualClock(1000);
  const { server, open, notes } = await setUp({ clock, verifyToken: plain(clock) });
  let token = 'ada 0 2000';
  const a = await open({ token: { token: async () => token } });
  const b = await open({ token: { token: async () => 'bob' } });
  add(a);
  await soon('uploaded', a.session.waitForUpload());
  clock.advance(999);
  await turn();
  assert.equal([codes(notes), server.describe().sessions], [[], 2]);
  clock.advance(1);
  await eventually('ended', () => codes(notes).length > 0);
  assert.is(codes(notes)[0], 202);
  for (let i = 0; i < 5; i++) add(a);
  await turn();
  token = 'ada 2000 9000';
  await soon('uploaded again', a.session.waitForUpload());
  await soon('downloaded', b.session.waitForDownload());
  assert.is(await server.digest('p'), a.digest());
  assert.is(b.digest(), a.digest());
  assert.ok(codes(notes).every((code) => code === 202));
  for (const client of [a, b]) await client.close();
  await server.close();
  assert.is(clock.pending, 0);
  await nothingUnhandled();
});

test('a user who is revoked is gone at once, others stay, and a newer token brings the user back', async () => {
  const clock = new ManualClock(1000);
  const { server, open, notes } = await setUp({ clock, verifyToken: plain(clock) });
  let token = 'ada 500';
  const a = await open({ token: { token: async () => token } });
  const again = await open({ token: { token: async () => token } });
  const b = await open({ token: { token: async () => 'bob' } });
  for (const client of [a, again, b]) await soon('uploaded', client.session.waitForUpload());
  server.revoke('ada');
  await eventually('both have ended', () => codes(notes).length >= 2);
  add(a);
  add(b);
  await soon('the other goes on', b.session.waitForUpload());
  // Refused as often as it is tried, with the token of before, and one that does not say when it was issued.
  const before = codes(notes).length;
  token = 'ada';
  await eventually('tried again', () => codes(notes).length >= before + 1);
  assert.ok(codes(notes).every((code) => code === 202));
  token = 'ada 1001';
  for (const client of [a, again]) {
    client.session.resume();
    await soon('back', client.session.waitForUpload());
  }
  await soon('downloaded', b.session.waitForDownload());
  assert.is(b.digest(), a.digest());
  for (const client of [a, again, b]) await client.close();
  await server.close();
  await nothingUnhandled();
});

test('a token that expires, and a user who is revoked, while the bind waits do not get in', async () => {
  for (const end of ['expiry', 'revocation'] as const) {
    const clock = new ManualClock(1000);
    let letIn: (() => void) | undefined;
    const { server, open, notes } = await setUp({
      clock,
      verifyToken: plain(clock),
      authorize: () =>
        new Promise((resolve) => {
          letIn = () => resolve(null);
        }),
    });
    const a = await open({ token: { token: async () => 'ada 0 2000' } });
    await eventually('asked', () => letIn !== undefined);
    if (end === 'expiry') clock.advance(1000);
    else server.revoke('ada');
    letIn?.();
    await eventually('refused', () => codes(notes).length > 0);
    assert.is(codes(notes)[0], 202);
    await a.close();
    await server.close();
  }
  await nothingUnhandled();
});

test('sessions that end release what was held for their tokens', async () => {
  const clock = new ManualClock(1000);
  const { server, open, network, notes } = await setUp({ clock, verifyToken: plain(clock) });
  const a = await open({ token: { token: async () => 'ada 0 5000' } });
  await soon('uploaded', a.session.waitForUpload());
  a.session.pause();
  await eventually('unbound', () => server.describe().sessions === 0);
  network.cut();
  await a.close();
  clock.advance(10_000);
  await turn();
  assert.equal(codes(notes), []);
  await server.close();
  await nothingUnhandled();
});

test('a verifier that fails is no refusal: the client tries again, and nobody learns the token', async () => {
  let failures = 0;
  const { server, open, notes } = await setUp({
    verifyToken: async (token) => {
      if (failures++ < 2) throw new Error(`cannot look up ${token}`);
      return { type: 'verified', user: { id: 'ada', data: null }, expiresAt: null, issuedAt: null };
    },
  });
  const a = await open({ token: { token: async () => 'a-token-of-ada' } });
  add(a);
  await soon('uploaded', a.session.waitForUpload());
  const said = inspect(notes, { depth: 9 });
  assert.match(said, 'cannot look up');
  assert.not.match(said, 'a-token-of-ada');
  await a.close();
  await server.close();
  await nothingUnhandled();
});

test('no token is in a note, an error, a description, a URL, a header or the console', async () => {
  const secret = new TextEncoder().encode('a secret of at least thirty-two bytes!');
  const jws = (key: Uint8Array, sub: string, exp: number) =>
    new jose.SignJWT({ sub })
      .setProtectedHeader({ alg: 'HS256' })
      .setIssuedAt()
      .setExpirationTime(exp)
      .sign(key);
  const now = Math.floor(Date.now() / 1000);
  const tokens = {
    good: await jws(secret, 'ada', now + 3600),
    expired: await jws(secret, 'ada', now - 5),
    forged: await jws(
      new TextEncoder().encode('another secret of thirty-two bytes or more'),
      'ada',
      now + 60,
    ),
    forbidden: await jws(secret, 'bob', now + 3600),
    garbage: 'not-a-token-but-a-secret-all-the-same',
  };

  const emitted: string[] = [];
  const original = { out: process.stdout.write, err: process.stderr.write };
  const tap = (chunk: unknown): boolean => {
    emitted.push(String(chunk));
    return true;
  };
  process.stdout.write = tap;
  process.stderr.write = tap;
  try {
    const webSocket = webSocketListener({ WebSocketServer });
    const polls = longPollListener({ closeTimeout: 100 });
    const handle = nodeHandler(polls);
    const http = createServer((request, response) => {
      emitted.push(`${request.url}`, JSON.stringify(request.headers));
      handle(request, response);
    });
    await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
    const address = http.address();
    const { server, open, notes } = await setUp({
      listeners: [webSocket, polls],
      verifyToken: joseVerifier({ jose, keys: { secret } }),
      authorize: async ({ id }, partition) =>
        id === 'bob' ? { code: 206, message: `${partition} is not for you` } : null,
    });
    class Spied extends WebSocket {
      constructor(url: string, protocols: string[]) {
        super(url, protocols);
        emitted.push(url, ...protocols);
        this.on('upgrade', ({ headers }) => emitted.push(JSON.stringify(headers)));
        this.on('close', (code, reason) => emitted.push(`${code} ${reason.toString()}`));
      }
    }
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const connectors: Connector[] = [
      webSocketConnector({ url: `ws://127.0.0.1:${webSocket.port}`, WebSocket: Spied }),
      longPollConnector({ url: `http://127.0.0.1:${port}/` }),
    ];
    for (const connector of connectors)
      for (const [what, token] of Object.entries(tokens)) {
        const client = await open({ connector, token: { user: 'somebody', token: async () => token } });
        const heard: unknown[] = [];
        const errors = client.session.errors();
        void (async () => {
          for await (const error of errors) heard.push(error);
        })().catch((error: unknown) => heard.push(error));
        add(client);
        const before = notes.length;
        if (what === 'good') await soon('uploaded', client.session.waitForUpload());
        else
          await eventually(
            `${what} is refused`,
            () => notes.length > before && client.session.describe().attempts + heard.length > 0,
          );
        server.revoke('nobody');
        await turn();
        emitted.push(inspect([client.session.describe(), heard, client.session], { depth: 9 }));
        await client.close();
      }
    emitted.push(inspect([notes, server.describe()], { depth: 9 }));
    await server.close();
    http.closeAllConnections();
    await new Promise((resolve) => http.close(resolve));
  } finally {
    process.stdout.write = original.out;
    process.stderr.write = original.err;
  }
  const all = emitted.join('\n');
  assert.match(all, 'the signature of the token is wrong');
  assert.match(all, 'the token has expired');
  assert.match(all, 'p is not for you');
  assert.match(all, 'syncline.1');
  assert.match(all, 'attempt=');
  for (const [what, token] of Object.entries(tokens))
    for (const part of [token, ...token.split('.').slice(1)])
      assert.not.ok(all.includes(part), `${what}: ${part}`);
  await nothingUnhandled();
});

test.run();
