/** The connecting end of long-poll links: what it asks for, and what it makes of the answers. */

import * as assert from 'uvu/assert';
import type { CloseReason } from '../transports/ports.js';
import { deferred } from './kit/async.js';
import { ManualClock } from './kit/manual-clock.js';
import { SleepingClock } from './kit/sleeping-clock.js';
import { suite } from './kit/suite.js';
import {
  type Call,
  openAnswer,
  pollAnswer,
  type Script,
  Scripted,
  server,
  steadyEntropy,
  stream,
  takeAll,
} from './long-poll-script.js';

const test = suite('long-poll client');

const normal: CloseReason = { code: 'normal', message: 'done' };
const frame = (...bytes: number[]): Uint8Array => Uint8Array.from(bytes);
const status = (code: number) => (): Response => new Response(null, { status: code });

test('a fetch that throws is a link that is unreachable', async () => {
  const clock = new ManualClock();
  const client = new Scripted(clock, () => undefined, {
    fetch: () => {
      throw new Error('no network', { cause: new Error('the cable is out') });
    },
  });
  assert.equal(client.events, []);
  await client.pass(0);
  assert.equal(client.reasons, [
    { code: 'unreachable', message: 'https://sync.example: no network: the cable is out' },
  ]);
});

test('what the server says of an error is told, what others say is not', async () => {
  const said = async (body: string): Promise<string | undefined> => {
    const client = new Scripted(new ManualClock(), () => new Response(body, { status: 403 }));
    await client.pass(0);
    return client.reasons[0]?.message;
  };
  const plain = 'https://sync.example: HTTP status 403';
  assert.is(await said('{"code":"x","message":"not from here"}'), `${plain}: not from here`);
  for (const body of ['', '<html>', 'null', '7', '{"error":"x"}', `{"message":"${'x'.repeat(5000)}"}`])
    assert.is(await said(body), plain);
});

test('a success forgives the failures before it', async () => {
  const clock = new ManualClock();
  let polls = 0;
  const answer = (call: Call): Response =>
    ++polls % 5 === 0 ? pollAnswer(call) : new Response(null, { status: 502 });
  const client = new Scripted(clock, server({ poll: answer }));
  await client.pass(120_000);
  assert.equal(client.events, ['opened']);
  // Four failures, a success after 7,031.25 ms, and a second in which nothing was new.
  const round = [0, 468.75, 1406.25, 3281.25, 7031.25];
  assert.equal(client.times('poll').slice(0, 10), [...round, ...round.map((at) => 8031.25 + at)]);
});

test('each attempt has a URL of its own, with no secret in it, and asks for nothing that is kept', async () => {
  const clock = new ManualClock();
  const client = new Scripted(clock, server({ poll: status(500) }), { url: 'https://sync.example/link?a=b' });
  await client.pass(0);
  client.link.send(frame(1));
  await client.pass(20_000);
  const urls = client.calls.map(({ url }) => url);
  assert.is(urls.length, 8);
  assert.is(new Set(urls).size, urls.length);
  for (const { url, init } of client.calls) {
    assert.match(url, /^https:\/\/sync\.example\/link\?a=b&attempt=[0-9a-z]+-\d+$/);
    assert.is(init.method, 'POST');
    assert.is(init.cache, 'no-store');
    // Such as would make a browser ask first.
    assert.is(init.headers, undefined);
  }
  // Two links to one server differ.
  const other = new Scripted(clock, server({}), {
    url: 'https://sync.example/link?a=b',
    entropy: { integer: () => 99 },
  });
  assert.not(urls.includes(other.calls[0]?.url ?? ''));
  other.link.close(normal);
  await other.pass(0);
});

test('frames that are sent in one turn leave together, and those sent meanwhile after them', async () => {
  const clock = new ManualClock();
  const answers = [deferred<Response>(), deferred<Response>()];
  let sends = 0;
  const client = new Scripted(clock, server({ send: () => answers[sends++]?.promise }));
  await client.pass(0);
  for (let i = 0; i < 100; i++) client.link.send(frame(i));
  assert.is(client.link.bufferedBytes, 500);
  await client.pass(0);
  const [first] = client.of('send');
  assert.is(first?.bytes.length, 500);
  assert.is(client.link.bufferedBytes, 0);
  for (let i = 0; i < 100; i++) {
    client.link.send(frame(i));
    await client.pass(0);
  }
  assert.is(client.link.bufferedBytes, 500);
  assert.is(client.of('send').length, 1);
  if (first !== undefined) answers[0]?.resolve(takeAll(first));
  await client.pass(0);
  assert.is(client.of('send')[1]?.bytes.length, 500);
  assert.is(client.link.bufferedBytes, 0);
});

test('a proxy that takes small bodies only is given small ones, without waiting', async () => {
  const clock = new ManualClock();
  const most = 30_000;
  const taken: Uint8Array[] = [];
  const send: Script = (call) => {
    if (call.bytes.length > most) return new Response('too large', { status: 413 });
    taken.push(call.bytes);
    return takeAll(call);
  };
  const client = new Scripted(clock, server({ send }));
  await client.pass(0);
  const large = Uint8Array.from({ length: 400_000 }, (_, i) => i % 251);
  client.link.send(large);
  for (let i = 0; i < 5; i++) await client.pass(10);
  assert.equal(Buffer.concat(taken), Buffer.from(stream([large])));
  assert.is(clock.now(), 50);
  assert.is(client.of('send').filter(({ bytes }) => bytes.length > most).length, 2);
});

test('bodies become smaller when they do not get through, and larger when they do', async () => {
  const clock = new ManualClock();
  let isSlow = true;
  const send: Script = (call) => (isSlow && call.bytes.length > 20_000 ? undefined : takeAll(call));
  const client = new Scripted(clock, server({ send }));
  await client.pass(0);
  client.link.send(new Uint8Array(500_000));
  await client.pass(60_000);
  isSlow = false;
  await client.pass(60_000);
  const lengths = client.of('send').map(({ bytes }) => bytes.length);
  assert.equal(lengths.slice(0, 5), [100_000, 50_000, 25_000, 16_384, 32_768]);
  assert.equal(lengths.slice(5, 9), [16_384, 32_768, 65_536, 100_000]);
  assert.equal(client.events, ['opened']);
});

test('polls ask for less when their answers do not get through', async () => {
  const clock = new ManualClock();
  const wanted = (): readonly number[] =>
    client.of('poll').map(({ header }) => (header.type === 'poll' ? header.maxBytes : 0));
  let answer: Script = () => undefined;
  const client = new Scripted(clock, server({ poll: (call) => answer(call) }));
  await client.pass(81_000);
  assert.equal(wanted(), [100_000, 50_000]);
  answer = (call) => pollAnswer(call);
  await client.pass(3_000);
  assert.equal(wanted().slice(2), [25_000, 50_000, 100_000]);
});

test('an answer that comes after its attempt was given up is not heard', async () => {
  const clock = new ManualClock();
  const late = deferred<Response>();
  const brought = { bytes: stream([frame(1), frame(2)]) };
  let polls = 0;
  const poll: Script = (call) => {
    polls += 1;
    if (polls === 1) return late.promise;
    return polls === 2 ? pollAnswer(call, brought) : undefined;
  };
  const client = new Scripted(clock, server({ poll }));
  await client.pass(40_000);
  const [first] = client.of('poll');
  assert.is(first?.init.signal?.aborted, true);
  await client.pass(1_000);
  assert.equal(client.events, ['opened', 'frame 1', 'frame 2']);
  if (first !== undefined) late.resolve(pollAnswer(first, brought));
  await client.pass(1_000);
  assert.equal(client.events, ['opened', 'frame 1', 'frame 2']);
});

test('a device that slept longer than the session lasts finds its link lost soon after it wakes', async () => {
  const clock = new SleepingClock();
  const client = new Scripted(clock, server({}));
  await client.pass(3_000);
  clock.sleep(600_000);
  await client.pass(5_000);
  assert.equal(client.events, ['opened', 'lost']);
  assert.is(clock.pending, 0);
});

test('a device that slept for a short time asks again soon after it wakes', async () => {
  const clock = new SleepingClock();
  let polls = 0;
  const poll: Script = (call) =>
    ++polls === 2 ? pollAnswer(call, { bytes: stream([frame(9)]) }) : undefined;
  const client = new Scripted(clock, server({ poll }));
  await client.pass(3_000);
  clock.sleep(50_000);
  await client.pass(5_000);
  assert.equal(client.events, ['opened', 'frame 9']);
});

test('a frame that the server does not take ends the link, once what was sent before has left', async () => {
  const clock = new ManualClock();
  const client = new Scripted(clock, server({ open: (call) => openAnswer(call, { maxFrameBytes: 10 }) }));
  client.link.send(frame(1));
  client.link.send(new Uint8Array(11));
  client.link.send(frame(2));
  await client.pass(0);
  const reason = { code: 'tooLarge', message: 'a frame of 11 bytes, at most 10 bytes are taken' } as const;
  assert.equal(client.reasons, [reason]);
  assert.equal(
    client.of('send').map(({ bytes }) => bytes),
    [stream([frame(1)], reason)],
  );
  assert.is(clock.pending, 0);
});

test('after a close the rest is sent, as long as the server takes it', async () => {
  const clock = new ManualClock();
  const send: Script = (call) =>
    new Promise((resolve) => clock.schedule(4_000, () => resolve(takeAll(call))));
  const client = new Scripted(clock, server({ send }));
  await client.pass(0);
  client.link.send(new Uint8Array(450_000));
  client.link.close(normal);
  await client.pass(0);
  assert.equal(client.events, ['opened', 'normal']);
  assert.is(client.of('poll')[0]?.init.signal?.aborted, true);
  await client.pass(30_000);
  assert.is(client.of('send').length, 5);
  assert.is(clock.pending, 0);
});

test('after a close nothing is left to a server that is silent', async () => {
  const clock = new ManualClock();
  const client = new Scripted(clock, server({ send: () => undefined }));
  await client.pass(0);
  client.link.send(frame(1));
  client.link.close(normal);
  await client.pass(5_000);
  assert.equal(client.times('send'), [0]);
  assert.is(client.of('send')[0]?.init.signal?.aborted, true);
  assert.is(clock.pending, 0);
});

test('the end that the server sends is acknowledged, and reported after its frames', async () => {
  const clock = new ManualClock();
  const reason: CloseReason = { code: 'goingAway', message: 'bis bald \u{1f44b}' };
  const bytes = stream([frame(1), frame(2)], reason);
  const client = new Scripted(clock, server({ poll: (call) => pollAnswer(call, { bytes }) }));
  await client.pass(0);
  assert.equal(client.events, ['opened', 'frame 1', 'frame 2', 'goingAway']);
  assert.equal(client.reasons, [reason]);
  assert.is(client.of('poll').length, 1);
  const header = client.of('send')[0]?.header;
  assert.is(header?.type === 'send' && header.acknowledged, bytes.length);
  assert.is(clock.pending, 0);
});

test('a link that is closed while it opens tells the server, if there is one', async () => {
  const clock = new ManualClock();
  const opening = deferred<Response>();
  const client = new Scripted(clock, server({ open: () => opening.promise }));
  client.link.send(frame(1));
  client.link.close(normal);
  await client.pass(1_000);
  const [open] = client.calls;
  if (open !== undefined) opening.resolve(openAnswer(open));
  await client.pass(0);
  assert.equal(client.events, ['normal']);
  assert.equal(
    client.calls.slice(1).map(({ bytes }) => bytes),
    [stream([], normal)],
  );
  assert.is(clock.pending, 0);

  const lonely = new Scripted(clock, () => undefined);
  lonely.link.close(normal);
  await lonely.pass(5_000);
  assert.is(lonely.calls.length, 1);
  assert.is(lonely.calls[0]?.init.signal?.aborted, true);
  assert.is(clock.pending, 0);
});

test('an address that is none of HTTP is refused before anything is sent', () => {
  for (const url of ['', 'ws://a', '/path', 'file:///a']) {
    assert.throws(
      () => new Scripted(new ManualClock(), () => undefined, { url, entropy: steadyEntropy }),
      /starts with http: or https:, found/,
    );
  }
});

test.run();
