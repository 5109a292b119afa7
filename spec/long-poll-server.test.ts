/** The listening end of long-poll links: polls, sends, ends, and pages of other origins. */

import * as assert from 'uvu/assert';
import type { LongPollListenerOptions } from '../transports/links/long-poll-server.js';
import { encodeRequest } from '../transports/links/long-poll-wire.js';
import { ownVersions } from '../transports/versions.js';
import { turn } from './kit/async.js';
import { suite } from './kit/suite.js';
import { Bench, frame, nonce, parsed, post, url } from './long-poll-bench.js';
import { stream } from './long-poll-script.js';

const test = suite('long-poll server');

test('a poll is held until there is something to say, which then leaves together', async () => {
  const session = await new Bench().open();
  const poll = session.poll();
  await turn();
  assert.is(poll.answer, undefined);
  session.server.link.send(frame(1));
  session.server.link.send(frame(2, 3));
  assert.is(session.server.link.bufferedBytes, 11);
  await turn();
  assert.is(poll.answer, '0: 0 0 0 1 1 0 0 0 2 2 3');
  assert.is(session.server.link.bufferedBytes, 0);
});

test('a poll is answered at once where something waits, and by nothing at the end of its time', async () => {
  const bench = new Bench({ hold: 5000 });
  const session = await bench.open();
  session.server.link.send(frame(1));
  const first = session.poll();
  await turn();
  assert.is(first.answer, '0: 0 0 0 1 1');
  const second = session.poll({ acknowledged: 5 });
  await bench.clock.advanceAsync(4999);
  assert.is(second.answer, undefined);
  await bench.clock.advanceAsync(1);
  await turn();
  assert.is(second.answer, '5: ');
});

test('what was answered and not acknowledged is answered again, in any portions', async () => {
  const session = await new Bench().open();
  session.server.link.send(frame(1, 2, 3, 4));
  const polls = [
    session.poll(),
    session.poll({ maxBytes: 3 }),
    session.poll({ acknowledged: 3, maxBytes: 2 }),
  ];
  await turn();
  assert.equal(
    polls.map(({ answer }) => answer),
    ['0: 0 0 0 4 1 2 3 4', '0: 0 0 0', '3: 4 1'],
  );
  const last = [session.poll({ acknowledged: 5 }), session.poll({ acknowledged: 0, maxBytes: 0 })];
  await turn();
  assert.equal(
    last.map(({ answer }) => answer),
    ['5: 2 3 4', '5: 2'],
  );
});

test('the newest poll counts: older ones are answered, and late ones do not displace it', async () => {
  const session = await new Bench().open();
  const late = session.pollRequest();
  const first = session.poll();
  await turn();
  const second = session.poll();
  await turn();
  assert.is(first.answer, '0: ');
  assert.is(second.answer, undefined);
  assert.is((await parsed(await session.bench.handle(late), 'poll')).bytes.length, 0);
  session.server.link.send(frame(9));
  await turn();
  assert.is(second.answer, '0: 0 0 0 1 9');
});

test('a poll whose client has gone holds nothing, and loses nothing', async () => {
  const bench = new Bench({ expiry: 3000 });
  const session = await bench.open();
  const controller = new AbortController();
  session.poll({}, { signal: controller.signal });
  await bench.clock.advanceAsync(10_000);
  controller.abort();
  await turn();
  session.server.link.send(frame(1));
  await bench.clock.advanceAsync(2999);
  const poll = session.poll();
  await turn();
  assert.is(poll.answer, '0: 0 0 0 1 1');
  await bench.clock.advanceAsync(3000);
  assert.equal(session.server.reasons, [{ code: 'lost', message: 'no request for 3000 ms' }]);
});

test('a session lives as long as it is asked for', async () => {
  const bench = new Bench({ hold: 25_000, expiry: 60_000 });
  const session = await bench.open();
  for (let i = 0; i < 5; i++) {
    session.poll();
    await bench.clock.advanceAsync(25_000 + 59_999);
    await session.send(frame());
    await bench.clock.advanceAsync(59_999);
  }
  assert.equal(session.server.events, []);
  await bench.clock.advanceAsync(1);
  assert.equal(session.server.events, ['lost']);
  assert.is(bench.listener.sessions, 0);
  assert.is(bench.clock.pending, 0);
  const poll = session.poll();
  await turn();
  assert.is(poll.answer, '410');
});

test('a session that is never asked for is given up soon', async () => {
  const bench = new Bench();
  const session = await bench.open();
  await bench.clock.advanceAsync(10_000);
  assert.equal(session.server.events, ['lost']);
  assert.is(bench.clock.pending, 0);
});

test('an open that comes again finds the session of the first', async () => {
  const bench = new Bench();
  const first = await bench.open(1);
  const again = await bench.open(1);
  assert.is(again.id, first.id);
  assert.is(bench.accepted.length, 1);
  const other = await bench.open(2);
  assert.is.not(other.id, first.id);
  assert.is(bench.accepted.length, 2);
});

test('frames that come again, in any portions, are taken once', async () => {
  const session = await new Bench().open();
  const bytes = stream([frame(1), frame(2, 2), frame(3)]);
  assert.is(await session.send(bytes.subarray(0, 7)), 'taken 7');
  assert.is(await session.send(bytes), 'taken 16');
  assert.is(await session.send(bytes.subarray(0, 7)), 'taken 16');
  assert.is(await session.send(bytes.subarray(9), 9), 'taken 16');
  assert.is(await session.send(frame(), 16), 'taken 16');
  assert.equal(session.server.events, ['1', '2 2', '3']);
});

test('a frame that the client does not take ends the link', async () => {
  const session = await new Bench().open(0, 10);
  session.server.link.send(new Uint8Array(11));
  await turn();
  assert.equal(session.server.events, ['tooLarge']);
});

test('a link that the client closes is gone, once its frames were reported', async () => {
  const bench = new Bench();
  const session = await bench.open();
  const poll = session.poll();
  await turn();
  const bytes = stream([frame(1)], { code: 'normal', message: 'bye' });
  assert.is(await session.send(bytes), `taken ${bytes.length}`);
  await turn();
  assert.equal(session.server.events, ['1', 'normal']);
  assert.equal(session.server.reasons, [{ code: 'normal', message: 'bye' }]);
  assert.is(poll.answer, '0: ');
  assert.is(bench.listener.sessions, 0);
  assert.is(bench.clock.pending, 0);
  session.server.link.send(frame(1));
  session.server.link.close({ code: 'lost', message: '' });
  await turn();
  assert.equal(session.server.events, ['1', 'normal']);
});

test('a link that the server closes is kept until the client knows', async () => {
  const bench = new Bench();
  const session = await bench.open();
  session.server.link.send(frame(1));
  session.server.link.close({ code: 'refused', message: 'no' });
  session.server.link.send(frame(2));
  const bytes = stream([frame(1)], { code: 'refused', message: 'no' });
  await turn();
  assert.equal(session.server.events, ['refused']);
  for (let i = 0; i < 3; i++) {
    const poll = session.poll();
    await turn();
    assert.is(poll.answer, `0: ${bytes.join(' ')}`);
    // What the client still sends is taken, and not reported.
    assert.is(await session.send(stream([frame(5)])), 'taken 5');
  }
  await session.send(frame(), 5, bytes.length);
  assert.is(bench.listener.sessions, 0);
  assert.equal(session.server.events, ['refused']);
  assert.is(bench.clock.pending, 0);
});

test('a listener that closes waits for its clients, and not for ever', async () => {
  const bench = new Bench({ closeTimeout: 3000 });
  const prompt = await bench.open();
  const silent = await bench.open();
  const poll = prompt.poll();
  await turn();
  let isClosed = false;
  const closing = bench.listener.close().then(() => {
    isClosed = true;
  });
  await turn();
  const bytes = stream([], { code: 'goingAway', message: 'the server closes' });
  assert.is(poll.answer, `0: ${bytes.join(' ')}`);
  assert.equal([prompt.server.events, silent.server.events], [['goingAway'], ['goingAway']]);
  await prompt.send(frame(), 0, bytes.length);
  assert.is(bench.listener.sessions, 1);
  const header = {
    ...bench.id(),
    type: 'open',
    nonce: nonce(9),
    maxFrameBytes: 1,
    versions: ownVersions,
  } as const;
  assert.is(await bench.status(post(encodeRequest(header))), 503);
  await bench.clock.advanceAsync(2999);
  assert.not(isClosed);
  await bench.clock.advanceAsync(1);
  await closing;
  assert.is(bench.listener.sessions, 0);
  assert.is(bench.clock.pending, 0);
  await bench.listener.close();
});

test('a listener listens once', async () => {
  const { listener } = new Bench();
  const listen = (): Promise<string> =>
    listener.listen(() => ({ frame: () => undefined, closed: () => undefined })).then(() => '', String);
  assert.match(await listen(), 'listens once');
  await listener.close();
  assert.match(await listen(), 'listens once');
});

test('one path is served, by POST', async () => {
  const bench = new Bench({ path: '/link' });
  await bench.open();
  assert.is(await bench.status(new Request('https://sync.example/other', { method: 'POST' })), 404);
  for (const method of ['GET', 'HEAD', 'PUT', 'DELETE']) {
    const response = await bench.handle(new Request(url, { method }));
    assert.is(response.status, 405);
    assert.is(response.headers.get('allow'), 'POST, OPTIONS');
  }
});

test('pages are served by origin', async () => {
  const ask = async (
    options: LongPollListenerOptions,
    origin: string | undefined,
    method = 'POST',
  ): Promise<unknown> => {
    const bench = new Bench(options);
    const headers = { ...(origin === undefined ? {} : { origin }), 'access-control-request-headers': 'x-a' };
    const header = {
      ...bench.id(),
      type: 'open',
      nonce: nonce(9),
      maxFrameBytes: 1,
      versions: ownVersions,
    } as const;
    const body = method === 'POST' ? { body: encodeRequest(header) } : {};
    const response = await bench.handle(new Request(url, { method, headers, ...body }));
    const found = (name: string): string | null => response.headers.get(name);
    return [
      response.status,
      found('access-control-allow-origin'),
      found('access-control-allow-credentials'),
      found('vary'),
    ];
  };
  const app = 'https://app.example';
  const listed = { origins: [app, 'null'] };
  assert.equal(await ask({}, app), [200, null, null, null]);
  assert.equal(await ask({ origins: '*' }, app), [200, '*', null, null]);
  assert.equal(await ask(listed, undefined), [200, null, null, 'origin']);
  assert.equal(await ask(listed, app), [200, app, null, 'origin']);
  assert.equal(await ask(listed, 'null'), [200, 'null', null, 'origin']);
  assert.equal(await ask(listed, 'http://sync.example'), [200, null, null, 'origin']);
  for (const other of ['https://evil.example', 'https://app.example.evil', 'http://app.example', 'x'])
    assert.equal(await ask(listed, other), [403, null, null, 'origin'], other);
  assert.equal(await ask({ ...listed, credentials: true }, app), [200, app, 'true', 'origin']);
  assert.equal(await ask(listed, app, 'OPTIONS'), [204, app, null, 'origin']);
  assert.equal(await ask(listed, 'https://evil.example', 'OPTIONS'), [403, null, null, 'origin']);
  const preflight = await new Bench(listed).handle(
    new Request(url, {
      method: 'OPTIONS',
      headers: { origin: app, 'access-control-request-headers': 'x-a' },
    }),
  );
  assert.is(preflight.headers.get('access-control-allow-methods'), 'POST');
  assert.is(preflight.headers.get('access-control-allow-headers'), 'x-a');
  assert.is(preflight.headers.get('access-control-max-age'), '86400');
  assert.is(
    (await new Bench(listed).handle(new Request(url, { method: 'OPTIONS', headers: { origin: app } })))
      .status,
    204,
  );
});

test('answers are for nobody else', async () => {
  const bench = new Bench();
  const response = await bench.handle((await bench.open()).pollRequest({ acknowledged: 1 }));
  assert.is(response.status, 409);
  assert.is(response.headers.get('cache-control'), 'no-store');
  const session = await bench.open();
  session.server.link.send(frame(1));
  const answer = await bench.handle(session.pollRequest());
  assert.is(answer.headers.get('cache-control'), 'no-store');
  assert.is(answer.headers.get('content-type'), 'application/octet-stream');
  assert.is(answer.headers.get('x-content-type-options'), 'nosniff');
});

test.run();
