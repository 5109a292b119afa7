/** The listening end of long-poll links against clumsy and hostile requests. */

import fc from 'fast-check';
import * as assert from 'uvu/assert';
import { type LongPollListenerOptions, longPollListener } from '../transports/links/long-poll-server.js';
import { encodeRequest } from '../transports/links/long-poll-wire.js';
import type { CloseReason } from '../transports/ports.js';
import { ownVersions } from '../transports/versions.js';
import { turn } from './kit/async.js';
import { suite } from './kit/suite.js';
import { Bench, frame, nonce, post, type Session } from './long-poll-bench.js';
import { stream } from './long-poll-script.js';

const test = suite('long-poll server, abused');

/** A body of these parts, which then fails, goes on for ever, or waits for ever. */
const endless = (parts: readonly Uint8Array[], then: 'fail' | 'repeat' | 'wait') => {
  let pulled = 0;
  let isCancelled = false;
  const body = new ReadableStream<Uint8Array>({
    pull: (controller) => {
      const part = parts[pulled++] ?? (then === 'repeat' ? parts[parts.length - 1] : undefined);
      if (part !== undefined) controller.enqueue(part.slice());
      else if (then === 'fail') controller.error(new Error('connection reset'));
    },
    cancel: () => {
      isCancelled = true;
    },
  });
  return { body, pulled: () => pulled, isCancelled: () => isCancelled };
};

test('what came of a body that failed is taken, and the rest later', async () => {
  const session = await new Bench().open();
  const bytes = stream([frame(1), frame(2)]);
  const { body } = endless([session.sendHeader(), bytes.subarray(0, 8)], 'fail');
  assert.is(await session.sendBody(body), '400');
  assert.equal(session.server.events, ['1']);
  assert.is(await session.send(bytes), 'taken 10');
  assert.equal(session.server.events, ['1', '2']);
});

test('a body that does not come is given up, and its session goes on', async () => {
  const bench = new Bench({ bodyTimeout: 7000 });
  const session = await bench.open();
  session.poll();
  const { body, isCancelled } = endless([session.sendHeader(), stream([frame(1)])], 'wait');
  const sending = session.sendBody(body);
  await bench.clock.advanceAsync(6999);
  assert.not(isCancelled());
  await bench.clock.advanceAsync(1);
  assert.is(await sending, '408');
  assert.ok(isCancelled());
  assert.is(await session.send(stream([frame(1), frame(2)])), 'taken 10');
  assert.equal(session.server.events, ['1', '2']);
});

test('a body without end is read no further than a body may be long, and its session goes on', async () => {
  const bench = new Bench({ maxBodyBytes: 100_000, maxFrameBytes: 1_000_000 });
  const session = await bench.open();
  const { body, pulled, isCancelled } = endless([session.sendHeader(), new Uint8Array(10_000)], 'repeat');
  assert.is(await session.sendBody(body), '413');
  assert.ok(pulled() <= 13, `${pulled()} parts`);
  assert.ok(isCancelled());
  assert.equal(new Set(session.server.events), new Set(['']));
});

test('nothing is read behind the header of a stranger', async () => {
  const bench = new Bench();
  const honest = await bench.open();
  const header = { ...bench.id(), acknowledged: 0, offset: 0, type: 'send', session: nonce(77) } as const;
  const { body, pulled, isCancelled } = endless([encodeRequest(header), new Uint8Array(10_000)], 'repeat');
  const response = await bench.handle(post(body));
  assert.is(response.status, 410);
  assert.equal(await response.json(), {
    code: 'unknownSession',
    message: 'the session is not known, or not any more',
  });
  assert.ok(pulled() <= 3, `${pulled()} parts`);
  assert.ok(isCancelled());
  assert.equal(honest.server.events, []);
});

test('a frame that is too large ends its link on both ends, and no other', async () => {
  const bench = new Bench({ maxFrameBytes: 10 });
  const session = await bench.open();
  const other = await bench.open();
  assert.is(await session.send(stream([frame(1), new Uint8Array(11), frame(2)])), '413');
  const reason: CloseReason = {
    code: 'tooLarge',
    message: 'a frame of 11 bytes, at most 10 bytes are taken',
  };
  assert.equal(session.server.events, ['1', 'tooLarge']);
  assert.equal(session.server.reasons, [reason]);
  const poll = session.poll();
  await turn();
  assert.is(poll.answer, `0: ${stream([], reason).join(' ')}`);
  assert.is(await other.send(stream([frame(3)])), 'taken 5');
  assert.equal(other.server.events, ['3']);
});

test('numbers that cannot follow are a protocol error of that link alone', async () => {
  const wrongs: readonly ((session: Session) => Promise<string | undefined>)[] = [
    (session) => session.send(frame(1), 1),
    (session) => session.send(frame(1), 2 ** 53),
    (session) => session.send(frame(), 0, 1),
    async (session) => {
      const poll = session.poll({ acknowledged: 2 ** 53 });
      await turn();
      return poll.answer;
    },
    (session) => session.send(frame(128, 0, 0, 0)),
  ];
  const bench = new Bench();
  const honest = await bench.open();
  for (const wrong of wrongs) {
    const session = await bench.open();
    assert.is(await wrong(session), '409');
    assert.equal(session.server.events, ['protocolError']);
    assert.is(await honest.send(frame()), 'taken 0');
  }
  assert.equal(honest.server.events, []);
});

test('whatever bytes come, they are answered, and disturb no session', async () => {
  const bench = new Bench({ maxSessions: 5 });
  const honest = await bench.open(1);
  const poll = honest.poll();
  await turn();
  const mutated = fc
    .tuple(fc.uint8Array({ maxLength: 60 }), fc.constantFrom(0, 1, 2), fc.boolean())
    .map(([bytes, type, isPlausible]) => (isPlausible ? Uint8Array.of(1, type, ...bytes) : bytes));
  await fc.assert(
    fc.asyncProperty(mutated, async (bytes) => {
      const status = await bench.status(post(bytes));
      assert.ok([200, 400, 410, 503].includes(status), `${status}`);
    }),
    { numRuns: 300 },
  );
  assert.equal(honest.server.events, []);
  assert.is(poll.answer, undefined);
});

test('a malformed request is told what is wrong with it', async () => {
  const bench = new Bench();
  const session = await bench.open();
  const open = encodeRequest(
    { ...bench.id(), type: 'open', nonce: nonce(9), maxFrameBytes: 1, versions: ownVersions },
    1,
  );
  const cases: readonly (readonly [BodyInit | null, string])[] = [
    [null, 'a body without a header'],
    ['', 'a body without a header'],
    [new Uint8Array(13), 'a body without a header'],
    [new Uint8Array(60), 'version 0, expected 1'],
    [Uint8Array.of(1, 3, ...new Uint8Array(50)), 'type 3, expected 0 to 2'],
    [session.sendHeader().subarray(0, 45), 'a header that is cut short'],
    [open, 'bytes behind the header of open'],
    [endless([], 'fail').body, 'the body cannot be read: Error: connection reset'],
  ];
  for (const [body, message] of cases) {
    const response = await bench.handle(post(body));
    assert.is(response.status, 400);
    assert.is(response.headers.get('cache-control'), 'no-store');
    assert.equal(await response.json(), { code: 'malformed', message });
  }
  assert.is(bench.accepted.length, 1);
});

test('ten thousand strangers get as many sessions as there may be, for a short time', async () => {
  const bench = new Bench({ maxSessions: 100 });
  const honest = await bench.open(1);
  honest.poll();
  await turn();
  let refused = 0;
  for (let i = 2; i < 10_002; i++) {
    const header = {
      ...bench.id(),
      type: 'open',
      nonce: nonce(i),
      maxFrameBytes: 1,
      versions: ownVersions,
    } as const;
    if ((await bench.status(post(encodeRequest(header)))) === 503) refused += 1;
  }
  assert.is(refused, 10_000 - 99);
  assert.is(bench.listener.sessions, 100);
  assert.is((await bench.open(1)).id, honest.id);
  await bench.clock.advanceAsync(10_000);
  assert.is(bench.listener.sessions, 1);
  assert.equal(honest.server.events, []);
  await bench.open(20_000);
});

test('a client that does not read is lost before much waits for it', async () => {
  const bench = new Bench({ maxFrameBytes: 1000, maxBufferedBytes: 10_000 });
  const session = await bench.open();
  for (let i = 0; i < 20; i++) session.server.link.send(new Uint8Array(1000));
  await turn();
  assert.equal(session.server.reasons, [
    { code: 'lost', message: 'the client reads too slowly: 10036 bytes wait, at most 10000 may' },
  ]);
  assert.is(bench.listener.sessions, 0);
  assert.is(session.server.link.bufferedBytes, 0);
  assert.is(bench.clock.pending, 0);
});

test('options that make no sense are refused', () => {
  const cases: readonly (readonly [LongPollListenerOptions, RegExp])[] = [
    [{ maxFrameBytes: 0 }, /^maxFrameBytes of a long-poll listener is 0, expected 1 to/],
    [{ maxFrameBytes: Number.NaN }, /^maxFrameBytes .* is NaN/],
    [{ maxBodyBytes: 10 }, /^maxBodyBytes .* is 10, expected 1024 to/],
    [{ maxFrameBytes: 100, maxBufferedBytes: 99 }, /^maxBufferedBytes .* is 99, expected 100 to/],
    [{ hold: 999 }, /^hold .* is 999, expected 1000 to/],
    [{ hold: 1e12 }, /^hold/],
    [{ expiry: 0 }, /^expiry/],
    [{ origins: '*', credentials: true }, /credentials go with a list of origins/],
  ];
  for (const [options, message] of cases)
    assert.throws(
      () => longPollListener(options),
      (error: Error) => message.test(error.message),
    );
});

test.run();
