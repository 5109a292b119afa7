/** When the connecting end of long-poll links asks again, whatever it is answered: tables of schedules. */

import * as assert from 'uvu/assert';
import type { CloseCode, CloseReason } from '../transports/ports.js';
import { ManualClock } from './kit/manual-clock.js';
import { suite } from './kit/suite.js';
import {
  type Call,
  openAnswer,
  pollAnswer,
  type Script,
  Scripted,
  sendAnswer,
  server,
  stream,
} from './long-poll-script.js';

const test = suite('long-poll schedules');

const normal: CloseReason = { code: 'normal', message: 'done' };
const frame = (...bytes: number[]): Uint8Array => Uint8Array.from(bytes);

const status = (code: number) => (): Response => new Response(null, { status: code });

/** Delays of 500 ms, doubling, less a sixteenth. */
const retries = [0, 468.75, 1406.25, 3281.25, 7031.25, 14_531.25];
const everySecond = Array.from({ length: 60 }, (_, i) => i * 1000);

const html = (): Response => new Response('<html>Please sign in to the network</html>');
const offline = (): Promise<Response> => Promise.reject(new TypeError('fetch failed'));

type Row = readonly [what: string, answer: Script, times: readonly number[], code: CloseCode | undefined];

const rows = (statuses: readonly number[], times: readonly number[], code: CloseCode): Row[] =>
  statuses.map((each) => [`${each}`, status(each), times, code]);

/** Answers that mean the same to polls and sends. */
const common: readonly Row[] = [
  ...rows([408, 425, 429, 500, 501, 502, 503, 504, 511, 520, 599], retries, 'lost'),
  ...rows([201, 202, 204, 205, 206, 300, 302, 304], retries, 'lost'),
  ...rows([404, 410], [0], 'lost'),
  ...rows([400, 409, 422], [0], 'protocolError'),
  ...rows([401, 402, 403, 405, 406, 407, 411, 414, 415, 418, 421, 426, 431, 451, 499], [0], 'refused'),
  ['a portal', html, retries, 'lost'],
  ['an empty body', () => new Response(), retries, 'lost'],
  ['a network error', offline, retries, 'lost'],
  ['an answer to another type of request', (call) => openAnswer(call), retries, 'lost'],
];

const another = (call: Call, id: { readonly tag?: number; readonly attempt?: number }): Call => ({
  ...call,
  header: { ...call.header, ...id },
});

/** What is answered to every poll, when polls are made in the first minute, and what the link ends with. */
const pollTable: readonly Row[] = [
  ...common,
  ...rows([413], [0], 'refused'),
  ['nothing new, at once', (call) => pollAnswer(call), everySecond, undefined],
  // The first is news: an empty frame.
  [
    'what it had, at once',
    (call) => pollAnswer(call, { bytes: stream([frame()]) }),
    [0, ...everySecond],
    undefined,
  ],
  ['the answer to another attempt', (call) => pollAnswer(another(call, { attempt: 77 })), retries, 'lost'],
  ['the answer to another link', (call) => pollAnswer(another(call, { tag: 77 })), retries, 'lost'],
  ['more than it asked for', (call) => pollAnswer(call, { bytes: new Uint8Array(100_001) }), retries, 'lost'],
  ['a gap', (call) => pollAnswer(call, { offset: 5, bytes: frame(1) }), [0], 'protocolError'],
  [
    'acknowledgement of what was not sent',
    (call) => pollAnswer(call, { acknowledged: 1 }),
    [0],
    'protocolError',
  ],
  ['a close that is none', (call) => pollAnswer(call, { bytes: frame(128, 0, 0, 0) }), [0], 'protocolError'],
  ['a frame that is too large', (call) => pollAnswer(call, { bytes: frame(127, 0, 0, 0) }), [0], 'tooLarge'],
  // Held for 25 s, watched for 15 s more; after 85 s of silence, the session is given up.
  ['silence', () => undefined, [0, 40_468.75, 81_406.25], 'lost'],
];

/** The same for a frame that is sent. Where the link goes on, the answers never change. */
const sendTable: readonly Row[] = [
  ...common,
  ...rows([413], [0], 'tooLarge'),
  ['acknowledgement of nothing', (call) => sendAnswer(call, 0), retries, 'lost'],
  ['acknowledgement of what was not sent', (call) => sendAnswer(call, 8), [0], 'protocolError'],
  [
    'an answer that is too long',
    (call) => new Response(new Uint8Array([...new Uint8Array(1000), call.at])),
    retries,
    'lost',
  ],
  ['silence', () => undefined, [0, 15_468.75, 31_406.25, 48_281.25, 67_031.25, 89_531.25], 'lost'],
];

/** Runs a row to its end: nothing must be left then. */
const follow = async (type: 'poll' | 'send', [, answer, times, code]: Row): Promise<void> => {
  const clock = new ManualClock();
  const client = new Scripted(clock, server({ [type]: answer }));
  await client.pass(0);
  if (type === 'send') client.link.send(frame(1, 2, 3));
  await client.pass(code === undefined ? 59_999 : 140_000);
  const made = client.times(type);
  // The close that follows on an error of the server is sent to it.
  assert.equal(code === 'protocolError' || code === 'tooLarge' ? made.slice(0, times.length) : made, times);
  assert.is(client.reasons[0]?.code, code);
  if (code === undefined) client.link.close(normal);
  await client.pass(20_000);
  assert.is(client.reasons.length, 1);
  assert.is(clock.pending, 0, 'timers are left');
  assert.ok(client.calls.length < 80);
};

for (const row of pollTable) test(`a poll that is answered with ${row[0]}`, () => follow('poll', row));
for (const row of sendTable) test(`a send that is answered with ${row[0]}`, () => follow('send', row));

/** What is answered to the request that opens, and what the link ends with. */
const openTable: readonly (readonly [string, Script, CloseCode])[] = [
  ...[408, 425, 429, 503].map((each) => [`${each}`, status(each), 'goingAway'] as const),
  ...[500, 501, 502, 504, 511, 520].map((each) => [`${each}`, status(each), 'unreachable'] as const),
  ...[201, 204, 206, 300, 302, 304, 400, 401, 403, 404, 405, 407, 409, 410, 413, 415, 426, 451].map(
    (each) => [`${each}`, status(each), 'refused'] as const,
  ),
  ['a portal', html, 'refused'],
  ['the answer to another link', (call) => openAnswer(another(call, { tag: 5 })), 'refused'],
  ['a network error', offline, 'unreachable'],
  ['silence', () => undefined, 'unreachable'],
];

for (const [what, open, code] of openTable) {
  test(`opening that is answered with ${what} is tried once`, async () => {
    const clock = new ManualClock();
    const client = new Scripted(clock, server({ open }));
    client.link.send(frame(1));
    await client.pass(30_000);
    assert.is(client.calls.length, 1);
    assert.equal(client.events, [code]);
    assert.match(client.reasons[0]?.message ?? '', 'https://sync.example: ');
    assert.is(client.link.bufferedBytes, 0);
    assert.is(clock.pending, 0);
  });
}

test.run();
