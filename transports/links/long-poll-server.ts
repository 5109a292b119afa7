/**
 * The listening side of long-poll links: one handler from request to answer, for whatever serves HTTP.
 *
 * What a stranger can make the server keep is bounded: a request is read no further than its header until
 * its session is known, sessions are counted, and each keeps a bounded number of bytes for a bounded time.
 * Whatever comes in one session, and whatever comes in none, leaves the others alone.
 */
import * as E from 'fp-ts/lib/Either.js';
import { limits } from '../../core/client.js';
import { systemClock, systemEntropy } from '../clock.js';
import type { Clock, CloseReason, Entropy, Link, LinkEvents, Listener } from '../ports.js';
import { commonVersion, ownVersions, printVersions, type VersionRange } from '../versions.js';
import { BodyError, BodyReader, joined } from './long-poll-body.js';
import { type CorsOptions, cors, preflightHeaders } from './long-poll-cors.js';
import { type Fault, type FaultCode, faultRetryAfter, faultStatus } from './long-poll-fault.js';
import { type HttpAnswer, type HttpHandler, type HttpRequest, standardHandler } from './long-poll-http.js';
import { type Bytes, LongPollSession, type SessionOptions } from './long-poll-session.js';
import { mostFrameBytes } from './long-poll-stream.js';
import {
  commonHeaderBytes,
  decodeRequest,
  decodeType,
  encodeAnswer,
  type RequestHeader,
  randomId,
  requestHeaderBytes,
} from './long-poll-wire.js';

export interface LongPollListenerOptions extends CorsOptions {
  /** Other paths are answered with 404; all paths are taken by default. */
  readonly path?: string;
  readonly clock?: Clock;
  readonly entropy?: Entropy;
  /** Longer frames end the link with `tooLarge`; as many as a message may have by default. */
  readonly maxFrameBytes?: number;
  /** Bytes of frames that one request or answer carries at most; 1,000,000 by default. Larger frames are divided. */
  readonly maxBodyBytes?: number;
  /** Bytes that wait for one client at most, before its link is lost; twice the largest frame by default. */
  readonly maxBufferedBytes?: number;
  /** Clients are sent away beyond; 10,000 by default. */
  readonly maxSessions?: number;
  /** Milliseconds that a poll is held; 25 s by default, at least 1 s. */
  readonly hold?: number;
  /** Milliseconds without a request after which a link is lost; 60 s by default. */
  readonly expiry?: number;
  /** Milliseconds that the body of a request may take to come; 30 s by default. */
  readonly bodyTimeout?: number;
  /** Milliseconds that clients have to learn that the listener closes; 2 s by default. */
  readonly closeTimeout?: number;
  /** Those of this package by default. */
  readonly versions?: VersionRange;
}

export interface LongPollListener extends Listener {
  /** Answers every standard request; what `accept` throws, it rejects with. */
  handle(request: Request): Promise<Response>;
  /** The same for an adapter of another server, such as `nodeHandler`. */
  serve(request: HttpRequest): Promise<HttpAnswer>;
  /** Sessions that are remembered, open or closing. */
  readonly sessions: number;
}

/** Milliseconds that a header can name. */
const longest = 2 ** 32 - 1;

const shutdown: CloseReason = { code: 'goingAway', message: 'the server closes' };

const fault = (code: FaultCode, message: string): E.Either<Fault, never> => E.left({ code, message });

const unknownSession = fault('unknownSession', 'the session is not known, or not any more');

/** @throws Error where the options contradict each other. */
export const longPollListener = (options: LongPollListenerOptions = {}): LongPollListener => {
  const clock = options.clock ?? systemClock;
  const entropy = options.entropy ?? systemEntropy;
  const maxFrameBytes = Math.min(options.maxFrameBytes ?? limits.messageBytes, mostFrameBytes);
  const sessionOptions = {
    clock,
    maxFrameBytes,
    maxBodyBytes: options.maxBodyBytes ?? 1_000_000,
    maxBufferedBytes: options.maxBufferedBytes ?? 2 * maxFrameBytes,
    hold: options.hold ?? 25_000,
    expiry: options.expiry ?? 60_000,
  };
  const {
    versions = ownVersions,
    maxSessions = 10_000,
    bodyTimeout = 30_000,
    closeTimeout = 2_000,
  } = options;
  const { maxBodyBytes, hold } = sessionOptions;
  check(options, sessionOptions);

  const sessions = new Map<string, LongPollSession>();
  const byNonce = new Map<string, LongPollSession>();
  let accept: ((link: Link) => Omit<LinkEvents, 'opened'>) | undefined;
  let closing: Promise<void> | undefined;
  let onEmpty = (): void => undefined;

  const forget = (session: LongPollSession): void => {
    sessions.delete(session.id);
    byNonce.delete(session.nonce);
    if (sessions.size === 0) onEmpty();
  };

  const open = (header: RequestHeader<'open'>): E.Either<Fault, Bytes> => {
    if (accept === undefined) return fault('closed', 'the server does not take links');
    const protocol = commonVersion(versions, header.versions);
    if (protocol === undefined)
      return fault(
        'otherProtocol',
        `${printVersions(header.versions)} of the protocol, expected ${printVersions(versions)}`,
      );
    let session = byNonce.get(header.nonce);
    if (session === undefined) {
      if (sessions.size >= maxSessions) return fault('busy', 'the server has too many sessions');
      session = new LongPollSession(sessionOptions, randomId(entropy), header, forget);
      sessions.set(session.id, session);
      byNonce.set(session.nonce, session);
      session.attach(accept(session));
    }
    const { tag, attempt } = header;
    const { expiry } = sessionOptions;
    return E.right(
      encodeAnswer({
        type: 'open',
        tag,
        attempt,
        session: session.id,
        maxFrameBytes,
        maxBodyBytes,
        hold,
        expiry,
        protocol,
      }),
    );
  };

  /** What is left to do when the body has come; the frames of a `send` are taken while it comes. */
  type Action = () => E.Either<Fault, Bytes> | Promise<E.Either<Fault, Bytes>>;

  const receive = async (
    session: LongPollSession,
    header: RequestHeader<'send'>,
    body: BodyReader,
  ): Promise<E.Either<Fault, Action>> => {
    const unsent = session.acknowledge(header.acknowledged);
    if (unsent !== undefined) return E.left(unsent);
    let { offset } = header;
    for (;;) {
      const bytes = await body.next();
      if (bytes === undefined) return E.right(async () => E.right(await session.sent(header)));
      if (offset + bytes.length - header.offset > maxBodyBytes)
        return fault('tooLarge', `a body of more than ${maxBodyBytes} bytes of frames`);
      const refused = session.receive(offset, bytes);
      if (refused !== undefined) return E.left(refused);
      offset += bytes.length;
    }
  };

  const understand = async (body: BodyReader, request: HttpRequest): Promise<E.Either<Fault, Action>> => {
    const start = await body.take(commonHeaderBytes);
    if (start === undefined) return fault('malformed', 'a body without a header');
    const type = decodeType(start);
    if (E.isLeft(type)) return fault('malformed', type.left);
    const rest = await body.take(requestHeaderBytes(type.right) - start.length);
    if (rest === undefined) return fault('malformed', 'a header that is cut short');
    const header = decodeRequest(type.right, joined([start, rest], start.length + rest.length));
    if (header.type === 'send') {
      const session = sessions.get(header.session);
      return session === undefined ? unknownSession : receive(session, header, body);
    }
    if ((await body.next()) !== undefined)
      return fault('malformed', `bytes behind the header of ${header.type}`);
    if (header.type === 'open') return E.right(() => open(header));
    return E.right(() => sessions.get(header.session)?.poll(header, request) ?? unknownSession);
  };

  const take = async (request: HttpRequest): Promise<E.Either<Fault, Bytes>> => {
    const body = new BodyReader(request.body);
    let isLate = false;
    const stopWaiting = clock.schedule(bodyTimeout, () => {
      isLate = true;
      body.cancel();
    });
    const action = await understand(body, request).catch((error: unknown) => {
      if (error instanceof BodyError) return fault('malformed', error.message);
      throw error;
    });
    stopWaiting();
    if (isLate) return fault('timeout', `the body did not come within ${bodyTimeout} ms`);
    if (E.isRight(action)) return action.right();
    body.cancel();
    return action;
  };

  const serve: HttpHandler = async (request) => {
    const { method, path } = request;
    const { allowed, headers } = cors(options, request);
    let outcome: E.Either<Fault, Bytes>;
    if (options.path !== undefined && path !== options.path)
      outcome = fault('unknownPath', 'nothing is served here');
    else if (!allowed) outcome = fault('forbiddenOrigin', 'pages of this origin are not served');
    else if (method === 'OPTIONS')
      return { status: 204, headers: { ...headers, ...preflightHeaders(request) }, body: new Uint8Array() };
    else if (method !== 'POST') outcome = fault('wrongMethod', `${method}, expected POST`);
    else outcome = await take(request);
    return answer(outcome, headers);
  };

  return {
    get sessions() {
      return sessions.size;
    },
    serve,
    handle: standardHandler(serve),
    listen: async (onLink) => {
      if (accept !== undefined || closing !== undefined) throw new Error('a long-poll listener listens once');
      accept = onLink;
    },
    close: () => {
      closing ??= new Promise<void>((resolve) => {
        accept = undefined;
        for (const session of sessions.values()) session.close(shutdown);
        const stop = clock.schedule(closeTimeout, () => {
          for (const session of sessions.values()) session.abandon(shutdown);
        });
        onEmpty = () => {
          stop();
          resolve();
        };
        if (sessions.size === 0) onEmpty();
      });
      return closing;
    },
  };
};

const answer = (outcome: E.Either<Fault, Bytes>, cors: Readonly<Record<string, string>>): HttpAnswer => {
  const headers = { ...cors, 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' };
  if (E.isRight(outcome)) {
    const type = { 'content-type': 'application/octet-stream' };
    return { status: 200, headers: { ...headers, ...type }, body: outcome.right };
  }
  const { left } = outcome;
  const allow = left.code === 'wrongMethod' ? { allow: 'POST, OPTIONS' } : {};
  const seconds = faultRetryAfter[left.code];
  const later = seconds === undefined ? {} : { 'retry-after': String(seconds) };
  return {
    status: faultStatus[left.code],
    headers: { ...headers, ...allow, ...later, 'content-type': 'application/json' },
    body: new TextEncoder().encode(`${JSON.stringify(left)}\n`),
  };
};

const inRange = (name: string, value: number, least: number, most: number): void => {
  if (value >= least && value <= most) return;
  throw new RangeError(`${name} of a long-poll listener is ${value}, expected ${least} to ${most}`);
};

const check = (options: LongPollListenerOptions, session: SessionOptions): void => {
  inRange('maxFrameBytes', session.maxFrameBytes, 1, mostFrameBytes);
  inRange('maxBodyBytes', session.maxBodyBytes, 1024, mostFrameBytes);
  inRange('maxBufferedBytes', session.maxBufferedBytes, session.maxFrameBytes, Number.MAX_SAFE_INTEGER);
  // Clients leave a second between polls that bring nothing.
  inRange('hold', session.hold, 1000, longest);
  inRange('expiry', session.expiry, 1, longest);
  if (options.origins === '*' && options.credentials === true)
    throw new Error('credentials go with a list of origins, not with *');
};
