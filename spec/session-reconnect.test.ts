/**
 * When a device tries again: for every way in which a link can end, for every HTTP status and for every error
 * of the server, the schedule of its attempts. No row is a hot loop.
 */

import * as assert from 'uvu/assert';
import { type ErrorCode, errorTable } from '../core/protocol/errors.js';
import { type Client, type ClientOptions, openClient } from '../transports/client.js';
import { longPollConnector } from '../transports/links/long-poll.js';
import type { CloseCode, Connector, Entropy } from '../transports/ports.js';
import { memoryClientStore } from '../transports/stores/memory.js';
import { turn } from './kit/async.js';
import { nothingUnhandled, schema } from './kit/driver-world.js';
import { ManualClock } from './kit/manual-clock.js';
import { courteous, type Script, ScriptedServer } from './kit/scripted-server.js';
import { suite } from './kit/suite.js';

/** Chance takes nothing away. */
const unlucky: Entropy = { integer: () => 1 };

const HALF_AN_HOUR = 1_800_000;

/** 1 s doubling to 5 min, for half an hour. */
const growing = [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300, 300].map((seconds) => seconds * 1000);

/** Pauses between the attempts of half an hour; `attempts` are their times. */
const pauses = (attempts: readonly number[]): readonly number[] =>
  attempts.slice(1).map((at, i) => at - (attempts[i] as number));

interface Run {
  readonly client: Client;
  readonly clock: ManualClock;
}

const run = async (
  connector: Connector,
  options: Partial<ClientOptions> = {},
  clock = new ManualClock(1),
): Promise<Run> => {
  const client = await openClient({
    schema,
    store: memoryClientStore(),
    connector,
    partition: 'p',
    clock,
    entropy: unlucky,
    ...options,
  });
  return { client, clock };
};

/** Attempts made within half an hour at a server with this script. */
const attemptsAt = async (
  script: Script,
  options: Partial<ClientOptions> = {},
): Promise<readonly number[]> => {
  const clock = new ManualClock(1);
  const server = new ScriptedServer(script);
  const times: number[] = [];
  const counted: Connector = {
    connect: (events) => {
      times.push(clock.now());
      return server.connect(events);
    },
  };
  const { client } = await run(counted, options, clock);
  await clock.advanceAsync(HALF_AN_HOUR);
  await client.close();
  return times;
};

const codes: readonly CloseCode[] = [
  'normal',
  'goingAway',
  'protocolError',
  'tooLarge',
  'unreachable',
  'refused',
  'lost',
];

const ends = suite('attempts after a link has ended');

for (const code of codes) {
  const reason = { code, message: 'as the table says' };
  ends(`${code}, before it opened: growing pauses`, async () => {
    assert.equal(pauses(await attemptsAt({ opening: () => reason })), growing);
  });
  ends(`${code}, as soon as it was open: growing pauses`, async () => {
    const attempts = await attemptsAt({ heard: (_, link) => link.end(reason) });
    assert.equal(pauses(attempts), growing);
  });
  // An upload that is too large for the link is made smaller, and is given up where that does not help.
  const tries = code === 'tooLarge' ? 4 : growing.length;
  ends(`${code}, as soon as the device had caught up: ${tries} growing pauses`, async () => {
    const attempts = await attemptsAt({
      heard: (message, link) => {
        courteous(message, link);
        if (message.type === 'mark') link.end(reason);
      },
    });
    assert.equal(pauses(attempts), growing.slice(0, tries));
  });
  ends(`${code}, with a time to come again: not before that`, async () => {
    const attempts = await attemptsAt({ opening: () => ({ ...reason, retryAfter: 45_000 }) });
    const expected = growing.map((pause) => Math.max(pause, 45_000)).slice(0, -1);
    assert.equal(pauses(attempts), expected);
  });
}

ends('after a good while: the first pause again', async () => {
  const clock = new ManualClock(1);
  const server = new ScriptedServer({ heard: courteous });
  const times: number[] = [];
  const counted: Connector = {
    connect: (events) => {
      times.push(clock.now());
      return server.connect(events);
    },
  };
  const { client } = await run(counted, {}, clock);
  for (let i = 0; i < 4; i++) {
    await clock.advanceAsync(20_000);
    server.links[server.links.length - 1]?.end({ code: 'lost', message: 'lost' });
  }
  await clock.advanceAsync(1000);
  assert.equal(pauses(times), [21_000, 20_000, 20_000, 20_000]);
  await client.close();
});

ends('configured otherwise: as configured', async () => {
  const timing = { retryFirst: 100, retryMost: 5000, retryFactor: 3 };
  const attempts = await attemptsAt({ opening: () => ({ code: 'lost', message: '' }) }, { timing });
  assert.equal(pauses(attempts).slice(0, 6), [100, 300, 900, 2700, 5000, 5000]);
});

ends('silent, for ever: given up, and tried again', async () => {
  const timing = { silence: 10_000, patience: 5_000 };
  let isDead = false;
  const attempts = await attemptsAt(
    {
      heard: (message, link) => {
        if (!isDead) courteous(message, link);
        if (message.type === 'mark') isDead = true;
        if (message.type === 'bind') isDead = false;
      },
    },
    { timing },
  );
  assert.ok(attempts.length >= 5, `${attempts.length} attempts`);
  for (const pause of pauses(attempts)) assert.ok(pause >= 16_000);
});

ends.run();

const statuses = suite('attempts over HTTP');

/** Opening requests within half an hour at a server that answers each with this. */
const openingsAt = async (answer: () => Response): Promise<readonly number[]> => {
  const clock = new ManualClock(1);
  const times: number[] = [];
  const connector = longPollConnector({
    url: 'http://example.org/sync',
    clock,
    entropy: unlucky,
    fetch: () => {
      times.push(clock.now());
      return Promise.resolve(answer());
    },
  });
  const { client } = await run(connector, {}, clock);
  await clock.advanceAsync(HALF_AN_HOUR);
  await client.close();
  await turn();
  return times;
};

for (const status of [
  200, 204, 301, 304, 400, 401, 403, 404, 405, 408, 409, 410, 413, 415, 418, 422, 425, 426, 429, 431, 451,
  500, 501, 502, 503, 504, 511, 599,
])
  statuses(`status ${status}: growing pauses`, async () => {
    const body = [204, 304].includes(status) ? null : '';
    assert.equal(pauses(await openingsAt(() => new Response(body, { status }))), growing);
  });

for (const status of [429, 503])
  statuses(`status ${status} with Retry-After: not before that`, async () => {
    const attempts = await openingsAt(() => new Response('', { status, headers: { 'Retry-After': '40' } }));
    const expected = growing.map((pause) => Math.max(pause, 40_000)).slice(0, -1);
    assert.equal(pauses(attempts), expected);
  });

statuses('no answer at all: growing pauses after each time that it was waited for', async () => {
  const clock = new ManualClock(1);
  let requests = 0;
  const connector = longPollConnector({
    url: 'http://example.org/sync',
    clock,
    entropy: unlucky,
    fetch: (_, { signal }) => {
      requests++;
      return new Promise((_resolve, reject) => {
        signal?.addEventListener('abort', () => reject(new TypeError('aborted')));
      });
    },
  });
  const { client } = await run(connector, {}, clock);
  await clock.advanceAsync(HALF_AN_HOUR);
  assert.ok(requests >= 8 && requests <= 13, `${requests} requests`);
  await client.close();
  await nothingUnhandled();
});

statuses.run();

const errors = suite('attempts after an error of the server');

for (const text of Object.keys(errorTable)) {
  const code = Number(text) as ErrorCode;
  const { name, tryAgain, action } = errorTable[code];
  const after = (message = 'no', retryAfter?: number): Script => ({
    heard: (heard, link) => {
      if (heard.type !== 'bind') return;
      const error = { type: 'error', session: heard.session, code, message, tryAgain, action } as const;
      link.say(retryAfter === undefined ? error : { ...error, retryAfter });
    },
  });
  const isToken = name === 'token_expired' || name === 'bad_authentication';
  const first = isToken ? [0] : [];
  const expected = tryAgain ? [...first, ...growing.slice(first.length)] : first;
  errors(
    `${code} ${name}: ${expected.length === 0 ? 'none' : tryAgain ? 'growing pauses' : 'one'}`,
    async () => {
      const found = pauses(await attemptsAt(after()));
      assert.equal(found.slice(0, expected.length), expected);
      assert.ok(found.length - expected.length <= 1, `${found.length} attempts`);
    },
  );
  if (tryAgain && !isToken)
    errors(`${code} ${name}, with a time to come again: not before that`, async () => {
      const found = pauses(await attemptsAt(after('later', 400_000)));
      assert.equal(found, [400_000, 400_000, 400_000, 400_000]);
    });
}

errors.run();

const asked = suite('attempts that the app asks for');

asked('are made at once, however long the pause would be', async () => {
  const clock = new ManualClock(1);
  const server = new ScriptedServer({
    opening: () => ({ code: 'unreachable', message: 'nobody', retryAfter: 600_000 }),
  });
  const { client } = await run(server, {}, clock);
  await clock.advanceAsync(5000);
  assert.is(server.links.length, 1);
  client.reconnect();
  await turn();
  assert.is(server.links.length, 2);
  client.session.resume();
  await turn();
  assert.is(server.links.length, 3);
  await client.close();
  client.reconnect();
  assert.is(server.links.length, 3);
});

asked('leave a good link alone, and replace a dead one soon', async () => {
  const clock = new ManualClock(1);
  let isDead = false;
  const server = new ScriptedServer({
    heard: (message, link) => {
      if (!isDead || message.type === 'bind') courteous(message, link);
      if (message.type === 'bind') isDead = false;
    },
  });
  const { client } = await run(server, {}, clock);
  await clock.advanceAsync(100);
  client.reconnect();
  await clock.advanceAsync(11_000);
  assert.is(server.links.length, 1);
  isDead = true;
  client.reconnect();
  await clock.advanceAsync(12_000);
  assert.is(server.links.length, 2);
  assert.is(client.session.connectionState, 'connected');
  await client.close();
});

asked('are not made for a session that is paused, or that has failed for good', async () => {
  const clock = new ManualClock(1);
  const server = new ScriptedServer({ heard: (_, link) => link.noise() });
  const { client } = await run(server, {}, clock);
  await clock.advanceAsync(100);
  assert.is(client.session.state, 'inactive');
  client.reconnect();
  client.session.pause();
  client.reconnect();
  await clock.advanceAsync(100);
  assert.is(server.links.length, 1);
  await client.close();
});

asked.run();
