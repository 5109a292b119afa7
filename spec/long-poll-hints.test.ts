/** When to come again, as servers and proxies say it; and answers that are compressed. */
import { request as httpRequest } from 'node:http';
import * as assert from 'uvu/assert';
import { longPollConnector } from '../transports/links/long-poll.js';
import { nodeHandler } from '../transports/links/long-poll-node.js';
import { longPollListener } from '../transports/links/long-poll-server.js';
import { closeText, closeTextParts, retryAfterOf } from '../transports/retry-hint.js';
import { digest, pattern } from './conformance/test.js';
import { deferred, eventually } from './kit/async.js';
import { ManualClock } from './kit/manual-clock.js';
import { suite } from './kit/suite.js';
import { openAnswer, Scripted, server } from './long-poll-script.js';
import { serveHttp } from './long-poll-setup.js';

const test = suite('long-poll hints');

const later = (status: number, retryAfter: string) => (): Response =>
  new Response(null, { status, headers: { 'retry-after': retryAfter } });

test('a header names seconds or a date, and everything else says nothing', () => {
  const now = Date.parse('Wed, 21 Oct 2026 07:28:00 GMT');
  for (const [header, expected] of [
    ['0', 0],
    ['120', 120_000],
    [' 7 ', 7_000],
    ['Wed, 21 Oct 2026 07:28:30 GMT', 30_000],
    ['Wed, 21 Oct 2026 07:27:00 GMT', 0],
    ['99999999999', 86_400_000],
    ['Fri, 31 Dec 9999 23:59:59 GMT', 86_400_000],
    ['', undefined],
    [null, undefined],
    ['-1', undefined],
    ['1.5', undefined],
    ['1e9', undefined],
    ['0x10', undefined],
    ['soon', undefined],
    ['9'.repeat(400), undefined],
  ] as const)
    assert.is(retryAfterOf(header, now), expected, String(header));
});

test('the text of a close keeps its hint, and nothing else is taken for one', () => {
  for (const reason of [
    { message: 'busy', retryAfter: 0 },
    { message: '', retryAfter: 5000 },
    { message: 'retry-after=1 x', retryAfter: 30 },
    { message: 'plain' },
    { message: 'retry-after=x y' },
    { message: ' retry-after=5 y' },
  ])
    assert.equal(closeTextParts(closeText({ code: 'goingAway', ...reason })), reason);
  assert.equal(closeTextParts('retry-after=999999999 x'), { message: 'x', retryAfter: 86_400_000 });
});

test('a link that is turned away tells when to come again', async () => {
  for (const [status, code] of [
    [503, 'goingAway'],
    [429, 'goingAway'],
    [500, 'unreachable'],
    [403, 'refused'],
  ] as const) {
    const client = new Scripted(new ManualClock(), later(status, '7'));
    await client.pass(0);
    assert.equal(
      [client.reasons[0]?.code, client.reasons[0]?.retryAfter, client.calls.length],
      [code, 7000, 1],
    );
  }
});

test('an open link asks again when it was told to, not before', async () => {
  for (const type of ['poll', 'send'] as const) {
    const client = new Scripted(new ManualClock(), server({ [type]: later(429, '20') }));
    await client.pass(0);
    client.link.send(Uint8Array.of(1));
    await client.pass(61_000);
    assert.equal(client.times(type), [0, 20_000, 40_000, 60_000], type);
    assert.equal(client.reasons, []);
  }
});

test('a link whose session would have expired by then ends, and tells when to come again', async () => {
  const client = new Scripted(new ManualClock(), server({ poll: later(503, '3600') }));
  await client.pass(60_000);
  assert.equal(client.times('poll'), [0]);
  assert.equal([client.reasons[0]?.code, client.reasons[0]?.retryAfter], ['goingAway', 3_600_000]);
});

test('a listener that is full or closes says when to come again, to pages of other origins too', async () => {
  const listener = longPollListener({ maxSessions: 1, origins: ['https://app.example'] });
  await listener.listen(() => ({ frame: () => undefined, closed: () => undefined }));
  const headers: Headers[] = [];
  const connect = () => {
    const closing = deferred<number | undefined>();
    longPollConnector({
      url: 'https://sync.example/',
      fetch: async (url, init) => {
        const answer = await listener.handle(
          new Request(url, { ...init, signal: null, headers: { origin: 'https://app.example' } }),
        );
        headers.push(answer.headers);
        return answer;
      },
    }).connect({
      opened: () => closing.resolve(-1),
      frame: () => undefined,
      closed: ({ retryAfter }) => closing.resolve(retryAfter),
    });
    return closing.promise;
  };
  assert.is(await connect(), -1);
  assert.is(await connect(), 30_000);
  assert.is(headers.at(-1)?.get('access-control-expose-headers'), 'retry-after');
  const closed = listener.close();
  assert.is(await connect(), 5_000);
  await closed;
});

test('the newest version that both sides speak is taken, and where there is none, both are told', async () => {
  for (const [own, other, expected] of [
    [[1, 3], [2, 5], 'opened'],
    [[1, 1], [1, 1], 'opened'],
    [[4, 9], [2, 5], 'opened'],
    [
      [3, 4],
      [1, 2],
      'refused: https://sync.example: HTTP status 426: versions 1 to 2 of the protocol, expected versions 3 to 4',
    ],
    [
      [1, 2],
      [5, 5],
      'refused: https://sync.example: HTTP status 426: version 5 of the protocol, expected versions 1 to 2',
    ],
  ] as const) {
    const listener = longPollListener({ closeTimeout: 10, versions: { oldest: own[0], newest: own[1] } });
    await listener.listen(() => ({ frame: () => undefined, closed: () => undefined }));
    const outcome = deferred<string>();
    longPollConnector({
      url: 'https://sync.example/',
      versions: { oldest: other[0], newest: other[1] },
      fetch: (url, init) => listener.handle(new Request(url, { ...init, signal: null })),
    }).connect({
      opened: () => outcome.resolve('opened'),
      frame: () => undefined,
      closed: ({ code, message }) => outcome.resolve(`${code}: ${message}`),
    });
    assert.is(await outcome.promise, expected);
    await listener.close();
  }
});

test('a server that chooses a version that was not offered is refused', async () => {
  const client = new Scripted(
    new ManualClock(),
    server({ open: (call) => openAnswer(call, { protocol: 7 }) }),
  );
  await client.pass(0);
  assert.equal(client.events, ['refused']);
  assert.match(String(client.reasons[0]?.message), 'version 7 of the protocol, expected version 1');
});

test('large answers are compressed for those who take it, and arrive as they were', async () => {
  const text = new TextEncoder().encode('{"title":"The Rock","director":"Michael Bay"},'.repeat(5000));
  const frames = [text, pattern(100, 1), pattern(300_000, 2), text];
  for (const compressFrom of [16_384, null]) {
    const listener = longPollListener({ closeTimeout: 100 });
    await listener.listen((link) => {
      for (const frame of frames) link.send(frame.slice());
      return { frame: () => undefined, closed: () => undefined };
    });
    let compressed = 0;
    const { port, stop } = await serveHttp(nodeHandler(listener, { compressFrom }));
    const received: Uint8Array[] = [];
    const link = longPollConnector({
      url: `http://127.0.0.1:${port}/`,
      fetch: async (url, init) => {
        const answer = await fetch(url, init);
        if (answer.headers.get('content-encoding') === 'gzip') compressed++;
        return answer;
      },
    }).connect({
      opened: () => undefined,
      frame: (frame) => void received.push(frame),
      closed: () => undefined,
    });
    await eventually('all have come', () => received.length === frames.length);
    assert.equal(received.map(digest), frames.map(digest));
    assert.is(compressed > 0, compressFrom !== null);
    link.close({ code: 'normal', message: '' });
    await listener.close();
    stop();
  }
});

test('who does not take compressed answers gets none', async () => {
  const answered = async (accept: string | undefined): Promise<string | undefined> => {
    const body = new Uint8Array(100_000);
    const handler = nodeHandler({ serve: async () => ({ status: 200, headers: {}, body }) });
    const { port, stop } = await serveHttp(handler);
    const headers = accept === undefined ? {} : { 'accept-encoding': accept };
    const found = await new Promise<string | undefined>((resolve, reject) => {
      const request = httpRequest({ port, host: '127.0.0.1', headers }, (response) => {
        response.resume();
        response.on('end', () => resolve(response.headers['content-encoding']));
      });
      request.on('error', reject);
      request.end();
    });
    stop();
    return found;
  };
  for (const [accept, expected] of [
    ['gzip', 'gzip'],
    ['br, gzip;q=0.5', 'gzip'],
    ['deflate, GZIP', 'gzip'],
    ['gzip;q=0', undefined],
    ['identity', undefined],
    ['br, gzip ; q=0.0, deflate', undefined],
    [undefined, undefined],
  ] as const)
    assert.is(await answered(accept), expected, accept ?? 'none');
});

test.run();
