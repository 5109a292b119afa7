/** Long-poll listeners behind the servers of Node, with clients that are none of ours. */

import { request as httpRequest } from 'node:http';
import { connect as connectHttp2, createServer as createHttp2Server } from 'node:http2';
import { connect, type Socket } from 'node:net';
import * as assert from 'uvu/assert';
import { longPollConnector } from '../transports/links/long-poll.js';
import type { HttpAnswer, HttpRequest } from '../transports/links/long-poll-http.js';
import { nodeHandler } from '../transports/links/long-poll-node.js';
import { type LongPollListener, longPollListener } from '../transports/links/long-poll-server.js';
import { encodeRequest } from '../transports/links/long-poll-wire.js';
import type { CloseReason, Link } from '../transports/ports.js';
import { ownVersions } from '../transports/versions.js';
import { deferred, eventually, turn } from './kit/async.js';
import { suite } from './kit/suite.js';
import { frame, nonce } from './long-poll-bench.js';
import { serveHttp } from './long-poll-setup.js';

const test = suite('long-poll on Node');

interface Serving {
  readonly port: number;
  readonly listener: LongPollListener;
  readonly links: readonly Link[];
  readonly events: readonly string[];
  readonly requests: readonly HttpRequest[];
}

const serving = async (body: (serving: Serving) => Promise<void>): Promise<void> => {
  const listener = longPollListener({ path: '/sync', closeTimeout: 100 });
  const links: Link[] = [];
  const events: string[] = [];
  await listener.listen((link) => {
    links.push(link);
    return {
      frame: (bytes) => events.push(bytes.join(' ')),
      closed: ({ code }) => events.push(code),
    };
  });
  const requests: HttpRequest[] = [];
  const serve = (request: HttpRequest): Promise<HttpAnswer> => {
    requests.push(request);
    return listener.serve(request);
  };
  const { port, stop } = await serveHttp(nodeHandler({ serve }));
  try {
    await body({ port, listener, links, events, requests });
  } finally {
    await listener.close();
    stop();
  }
};

const openBody = (): Uint8Array =>
  encodeRequest({
    tag: 1,
    attempt: 0,
    type: 'open',
    nonce: nonce(1),
    maxFrameBytes: 100,
    versions: ownVersions,
  });
const strangeSend = (): Uint8Array =>
  encodeRequest({ tag: 1, attempt: 1, type: 'send', session: nonce(2), acknowledged: 0, offset: 0 });

/** Writes to a socket, and answers what comes back until it ends or `isEnough`. */
const raw = (port: number, write: (socket: Socket) => void, isEnough = /\r\n\r\n/): Promise<string> =>
  new Promise((resolve) => {
    let text = '';
    const socket = connect(port, '127.0.0.1', () => write(socket));
    const done = (): void => {
      socket.destroy();
      resolve(text);
    };
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
      if (isEnough.test(text)) done();
    });
    socket.on('error', done);
    socket.on('close', done);
  });

const statusOf = (text: string): string => text.slice(0, 12);
const head = (...lines: string[]): string => `${lines.join('\r\n')}\r\n\r\n`;

test('requests of any kind are answered', async () => {
  await serving(async ({ port, events }) => {
    const plain = (method: string, path: string, ...lines: string[]) =>
      raw(port, (socket) => socket.write(head(`${method} ${path} HTTP/1.1`, 'host: a', ...lines)));
    assert.is(statusOf(await plain('GET', '/sync')), 'HTTP/1.1 405');
    assert.is(statusOf(await plain('HEAD', '/sync')), 'HTTP/1.1 405');
    assert.is(statusOf(await plain('OPTIONS', '/sync')), 'HTTP/1.1 204');
    assert.is(statusOf(await plain('TRACE', '/sync')), 'HTTP/1.1 405');
    assert.is(statusOf(await plain('POST', '/other', 'content-length: 0')), 'HTTP/1.1 404');
    assert.is(statusOf(await plain('POST', '/sync', 'content-length: 0')), 'HTTP/1.1 400');
    assert.is(statusOf(await plain('POST', '//[', 'content-length: 0')), 'HTTP/1.1 404');
    const absolute = await plain('POST', 'http://b/sync', 'content-length: 0');
    assert.is(statusOf(absolute), 'HTTP/1.1 400');
    assert.match(absolute, /\r\ncache-control: no-store\r\n/);
    const foreign = await raw(port, (socket) =>
      socket.write(head('POST /sync HTTP/1.1', 'host: not a host', 'content-length: 0')),
    );
    assert.is(statusOf(foreign), 'HTTP/1.1 400');
    assert.equal(events, []);
  });
});

test('a connection carries one request after another, whatever was not read of the last', async () => {
  await serving(async ({ port, links }) => {
    const stranger = Buffer.concat([strangeSend(), Buffer.alloc(200_000)]);
    const open = openBody();
    const text = await raw(
      port,
      (socket) => {
        socket.write(head('POST /sync HTTP/1.1', 'host: a', `content-length: ${stranger.length}`));
        socket.write(stranger);
        socket.write(head('POST /sync HTTP/1.1', 'host: a', `content-length: ${open.length}`));
        socket.write(open);
      },
      /HTTP\/1\.1 200/,
    );
    assert.is(statusOf(text), 'HTTP/1.1 410');
    assert.is(links.length, 1);
  });
});

test('a body without end gets its answer, and its connection an end', async () => {
  await serving(async ({ port }) => {
    let written = 0;
    const text = await raw(
      port,
      (socket) => {
        socket.write(head('POST /sync HTTP/1.1', 'host: a', 'content-length: 1000000000'));
        socket.write(strangeSend());
        const chunk = Buffer.alloc(65_536);
        const more = (): void => {
          while (!socket.destroyed && written < 500_000_000) {
            written += chunk.length;
            if (!socket.write(chunk)) return;
          }
        };
        socket.on('drain', more);
        more();
      },
      /never/,
    );
    assert.is(statusOf(text), 'HTTP/1.1 410');
    assert.ok(written < 100_000_000, `${written} bytes`);
  });
});

test('a body that ends in the middle, with its connection, harms nothing', async () => {
  await serving(async ({ port, links, events }) => {
    await new Promise<void>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => {
        socket.write(head('POST /sync HTTP/1.1', 'host: a', 'content-length: 100'));
        socket.write(openBody().subarray(0, 20), () => socket.destroy());
      });
      socket.on('close', () => resolve());
    });
    await turn();
    const closing = deferred<CloseReason>();
    const link = longPollConnector({ url: `http://127.0.0.1:${port}/sync` }).connect({
      opened: () => link.send(frame(1)),
      frame: () => undefined,
      closed: closing.resolve,
    });
    await eventually('a frame', () => events.length > 0);
    assert.is(links.length, 1);
    link.close({ code: 'normal', message: '' });
    await closing.promise;
    await eventually('the close', () => events.length > 1);
    assert.equal(events, ['1', 'normal']);
  });
});

/** The body of the answer to a POST. */
const answerTo = (port: number, body: Uint8Array): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    const request = httpRequest({ port, path: '/sync', method: 'POST' }, (response) => {
      response.on('data', resolve);
    });
    request.on('error', reject);
    request.end(body);
  });

test('a client that leaves its poll is noticed', async () => {
  await serving(async ({ port, links, requests }) => {
    const session = (await answerTo(port, openBody())).subarray(14, 30).toString('latin1');
    const poll = (attempt: number) =>
      encodeRequest({ tag: 1, attempt, type: 'poll', session, acknowledged: 0, maxBytes: 100 });
    const gone = httpRequest({ port, path: '/sync', method: 'POST' });
    gone.on('error', () => undefined);
    gone.end(poll(1));
    await eventually('the poll has come', () => requests.length === 2);
    gone.destroy();
    await eventually('its end is noticed', () => requests[1]?.isGone === true);
    links[0]?.send(frame(7));
    await turn();
    // It was not put into the answer of a poll that nobody waits for.
    assert.is(links[0]?.bufferedBytes, 5);
    assert.equal([...(await answerTo(port, poll(2))).subarray(30)], [0, 0, 0, 1, 7]);
  });
});

test('HTTP/2 carries links as well', async () => {
  const listener = longPollListener({ closeTimeout: 100 });
  const accepted = deferred<Link>();
  await listener.listen((link) => {
    accepted.resolve(link);
    return { frame: () => undefined, closed: () => undefined };
  });
  const server = createHttp2Server(nodeHandler(listener));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const client = connectHttp2(`http://127.0.0.1:${port}`);
  try {
    const stream = client.request({ ':method': 'POST', ':path': '/' });
    const status = new Promise((resolve) => stream.on('response', (headers) => resolve(headers[':status'])));
    const body = new Promise<Buffer>((resolve) => stream.on('data', resolve));
    stream.end(openBody());
    assert.is(await status, 200);
    assert.is((await body).length, 47);
    await accepted.promise;
  } finally {
    client.destroy();
    server.close();
    await listener.close();
  }
});

test.run();
