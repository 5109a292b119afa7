/** Tokens on the device: asked for when they are needed, replaced in time, and told to nobody but the server. */

import * as assert from 'uvu/assert';
import { openClient, openDevice } from '../transports/client.js';
import { TokenKeeper } from '../transports/drivers/tokens.js';
import { memoryNetwork } from '../transports/links/memory.js';
import type { Token, TokenSource, TokenVerdict } from '../transports/ports.js';
import { startServer } from '../transports/server.js';
import { memoryClientStore, memoryServerStore } from '../transports/stores/memory.js';
import { eventually, forEachOf, turn } from './kit/async.js';
import { add, nothingUnhandled, rejection, schema, soon, timing } from './kit/driver-world.js';
import { ManualClock } from './kit/manual-clock.js';
import { courteous, ScriptedServer } from './kit/scripted-server.js';
import { suite } from './kit/suite.js';

/** Gives one token after the other, and notes how it was asked. */
class Source implements TokenSource {
  readonly user = 'ann';
  readonly asked: boolean[] = [];
  readonly #give: (count: number) => string | Token | Promise<string | Token>;
  constructor(give: (count: number) => string | Token | Promise<string | Token>) {
    this.#give = give;
  }
  async token({ refused }: { readonly refused: boolean }): Promise<string | Token> {
    this.asked.push(refused);
    return this.#give(this.asked.length);
  }
}

const tokensIn = (server: ScriptedServer): readonly string[] =>
  server.links.flatMap((link) =>
    link.heard.flatMap((message) => (message.type === 'bind' ? [message.token] : [])),
  );

const open = (connector: ScriptedServer, token: TokenSource, clock: ManualClock) =>
  openClient({ schema, store: memoryClientStore(), connector, partition: 'p', token, clock });

const tokens = suite('tokens');

tokens('that do not say when they expire are asked for with each binding', async () => {
  const clock = new ManualClock(1);
  const server = new ScriptedServer({ heard: courteous });
  const source = new Source((count) => `token ${count}`);
  const client = await open(server, source, clock);
  await clock.advanceAsync(1000);
  server.links[0]?.end({ code: 'lost', message: 'lost' });
  await clock.advanceAsync(5000);
  assert.equal(tokensIn(server), ['token 1', 'token 2']);
  assert.equal(source.asked, [false, false]);
  await client.close();
});

tokens('that say so are used again, and replaced in time on the same link', async () => {
  const clock = new ManualClock(1);
  const server = new ScriptedServer({ heard: courteous });
  const source = new Source((count) => ({ token: `token ${count}`, expiresAt: clock.now() + 600_000 }));
  const client = await open(server, source, clock);
  const states: string[] = [];
  await clock.advanceAsync(1000);
  server.links[0]?.end({ code: 'lost', message: 'lost' });
  await clock.advanceAsync(5000);
  assert.equal(tokensIn(server), ['token 1', 'token 1']);
  void forEachOf(client.session.connectionStateChanges(), ({ current }) => void states.push(current));
  await clock.advanceAsync(550_000);
  assert.equal(tokensIn(server), ['token 1', 'token 1', 'token 2']);
  await clock.advanceAsync(545_000);
  assert.equal(tokensIn(server), ['token 1', 'token 1', 'token 2', 'token 3']);
  assert.is(server.links.length, 2);
  assert.equal(states, []);
  assert.equal(source.asked, [false, false, false]);
  await client.close();
  assert.is(clock.pending, 0);
});

tokens('that have expired when they are given make no loop', async () => {
  const clock = new ManualClock(1_000_000);
  const server = new ScriptedServer({ heard: courteous });
  const source = new Source((count) => ({ token: `token ${count}`, expiresAt: 5 }));
  const client = await open(server, source, clock);
  await clock.advanceAsync(600_000);
  assert.is(source.asked.length, 1);
  await client.close();
});

tokens('that the source cannot replace in time are used to their end', async () => {
  const clock = new ManualClock(1);
  const server = new ScriptedServer({ heard: courteous });
  const source = new Source((count) => {
    if (count === 2) throw new Error('the identity provider is down');
    return { token: `token ${count}`, expiresAt: clock.now() + 600_000 };
  });
  const client = await open(server, source, clock);
  await clock.advanceAsync(595_000);
  assert.is(client.session.connectionState, 'connected');
  assert.equal(tokensIn(server), ['token 1']);
  const { number } = { number: 1 };
  server.links[0]?.say({
    type: 'error',
    session: number,
    code: 202,
    message: 'the token has expired',
    tryAgain: true,
    action: 'Transient',
  });
  await clock.advanceAsync(1000);
  assert.equal(tokensIn(server), ['token 1', 'token 3']);
  assert.equal(source.asked, [false, false, true]);
  await client.close();
  await nothingUnhandled();
});

tokens('that are refused to several files of a device are replaced once', async () => {
  const clock = new ManualClock(1);
  const server = new ScriptedServer({
    heard: (message, link) => {
      if (message.type === 'bind' && message.token === 'token 1')
        link.say({
          type: 'error',
          session: message.session,
          code: 203,
          message: 'not this one',
          tryAgain: false,
          action: 'ApplicationBug',
        });
      else courteous(message, link);
    },
  });
  const source = new Source((count) => ({ token: `token ${count}`, expiresAt: clock.now() + 600_000 }));
  const device = openDevice({ connector: server, token: source, clock });
  const clients = await Promise.all(
    ['a', 'b', 'c'].map((partition) => device.open({ schema, store: memoryClientStore(), partition })),
  );
  await clock.advanceAsync(5000);
  for (const client of clients) assert.is(client.session.connectionState, 'connected');
  assert.equal(source.asked, [false, true]);
  assert.is(server.links.length, 1);
  await device.close();
});

tokens('that are refused while the source is asked already are not given again', async () => {
  const clock = new ManualClock(1);
  const answers: ((token: string) => void)[] = [];
  const asked: boolean[] = [];
  const keeper = new TokenKeeper(
    {
      token: ({ refused }) => {
        asked.push(refused);
        return new Promise((resolve) => void answers.push(resolve));
      },
    },
    clock,
    120_000,
  );
  const first = keeper.get(null);
  answers[0]?.('old');
  assert.is(await first, 'old');
  const other = keeper.get(null);
  const better = keeper.get('old');
  answers[1]?.('old');
  assert.is(await other, 'old');
  await turn();
  answers[2]?.('new');
  assert.is(await soon('another', better), 'new');
  assert.equal(asked, [false, false, true]);
});

tokens('that are replaced in time bind all files of a device anew, on the same connection', async () => {
  const clock = new ManualClock(1);
  const server = new ScriptedServer({ heard: courteous });
  const source = new Source((count) => ({ token: `token ${count}`, expiresAt: clock.now() + 600_000 }));
  const device = openDevice({ connector: server, token: source, clock });
  const clients = await Promise.all(
    ['a', 'b', 'c'].map((partition) => device.open({ schema, store: memoryClientStore(), partition })),
  );
  await clock.advanceAsync(560_000);
  assert.equal(tokensIn(server), [...Array(3).fill('token 1'), ...Array(3).fill('token 2')]);
  assert.is(server.links.length, 1);
  assert.equal(source.asked, [false, false]);
  for (const client of clients) assert.is(client.session.describe().phase, 'streaming');
  await device.close();
  assert.is(clock.pending, 0);
});

tokens('that are refused for good end the session, and the app may try another', async () => {
  const clock = new ManualClock(1);
  let good = 'token 9';
  const server = new ScriptedServer({
    heard: (message, link) => {
      if (message.type === 'bind' && message.token !== good)
        link.say({
          type: 'error',
          session: message.session,
          code: 203,
          message: `${message.token} is not valid`,
          tryAgain: false,
          action: 'ApplicationBug',
        });
      else courteous(message, link);
    },
  });
  const source = new Source((count) => `token ${count}`);
  const client = await open(server, source, clock);
  await clock.advanceAsync(600_000);
  assert.equal(source.asked, [false, true]);
  assert.is(client.session.state, 'inactive');
  good = 'token 3';
  client.session.resume();
  await clock.advanceAsync(1000);
  assert.is(client.session.connectionState, 'connected');
  assert.equal(source.asked, [false, true, true]);
  await client.close();
});

tokens('that end on the server are followed by others, and nothing is lost', async () => {
  const network = memoryNetwork();
  const issued = new Map<string, number>();
  const verdict = (token: string): TokenVerdict => {
    const expiresAt = issued.get(token) ?? 0;
    if (expiresAt <= Date.now()) return { type: 'refused', fault: 'expired', message: 'too old' };
    return { type: 'verified', user: { id: 'ann', data: null }, expiresAt, issuedAt: null };
  };
  const server = await startServer({
    store: memoryServerStore(),
    listeners: [network.listener],
    verifyToken: async (token) => verdict(token),
  });
  const source = new Source((count) => {
    issued.set(`token ${count}`, Date.now() + 60);
    // Every other one without a word of its end, so that the server ends it.
    return count % 2 === 0 ? `token ${count}` : { token: `token ${count}`, expiresAt: Date.now() + 60 };
  });
  const client = await openClient({
    schema,
    store: memoryClientStore(),
    connector: network.connector,
    partition: 'p',
    timing,
    token: source,
  });
  const until = Date.now() + 800;
  let writes = 0;
  while (Date.now() < until) {
    const receipt = add(client);
    writes++;
    await soon('integrated', receipt.integrated());
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  assert.ok(source.asked.length >= 5, `${source.asked.length} tokens`);
  assert.ok(source.asked.includes(true));
  assert.is(client.objects('Task').size, writes);
  assert.is(await server.digest('p'), client.digest());
  await client.close();
  await server.close();
  await nothingUnhandled();
});

tokens('are named nowhere, whoever repeats them', async () => {
  const clock = new ManualClock(1);
  const secret = 'eyJhbGciOi.secret.signature';
  const told: string[] = [];
  const server = new ScriptedServer({
    heard: (message, link) => {
      if (message.type !== 'bind') return;
      link.say({
        type: 'error',
        session: message.session,
        code: 201,
        message: `bad token ${message.token}`,
        tryAgain: true,
        action: 'Transient',
      });
      link.end({ code: 'lost', message: `the proxy logs ${message.token}` });
    },
  });
  const source = new Source((count) => {
    if (count === 3) throw new Error(`${secret} cannot be refreshed`);
    return secret;
  });
  const client = await open(server, source, clock);
  void forEachOf(client.session.errors(), (error) => {
    told.push(error.message, JSON.stringify(error.details), String(error.stack));
  });
  const waiting = rejection(add(client).integrated());
  for (let i = 0; i < 10; i++) {
    await clock.advanceAsync(4000);
    told.push(JSON.stringify(client.session.describe()));
  }
  await client.close();
  told.push(String(await waiting));
  await turn();
  assert.match(told.join(), 'bad token (a token)');
  assert.match(told.join(), '(a token) cannot be refreshed');
  assert.not.match(told.join(), secret);
  await eventually('asked', () => source.asked.length > 3);
  await nothingUnhandled();
});

tokens('that never come cost an attempt, are named as what is missing, and are asked for again', async () => {
  const clock = new ManualClock(1);
  const server = new ScriptedServer({ heard: courteous });
  const source = new Source((count) => (count === 1 ? new Promise(() => undefined) : `token ${count}`));
  const client = await open(server, source, clock);
  await clock.advanceAsync(60_500);
  assert.match(String(client.session.describe().failure), 'token source failed: Error: it has not answered');
  await clock.advanceAsync(5_000);
  assert.equal(tokensIn(server), ['token 2']);
  assert.is(client.session.connectionState, 'connected');
  await client.close();
  assert.is(clock.pending, 0);
  await nothingUnhandled();
});

tokens('that never come leave no timer behind a client that is closed', async () => {
  const clock = new ManualClock(1);
  const server = new ScriptedServer({ heard: courteous });
  const client = await open(server, new Source(() => new Promise(() => undefined)), clock);
  await clock.advanceAsync(1_000);
  await client.close();
  assert.is(clock.pending, 0);
  await nothingUnhandled();
});

for (const [what, given] of [
  ['nothing', undefined],
  ['a number', 5],
  ['an object without a token', { expiresAt: 5 }],
  ['a token without an end', { token: 'x' }],
  ['a token with an odd end', { token: 'x', expiresAt: Number.NaN }],
] as const)
  tokens(`${what} in place of a token costs an attempt`, async () => {
    const clock = new ManualClock(1);
    const server = new ScriptedServer({ heard: courteous });
    const client = await open(server, new Source(() => given as unknown as string), clock);
    await clock.advanceAsync(10_000);
    assert.equal(tokensIn(server), []);
    assert.match(String(client.session.describe().failure), 'neither a string nor a token');
    assert.is(server.links.length, 4);
    await client.close();
    await nothingUnhandled();
  });

tokens.run();
