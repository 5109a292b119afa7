/**
 * One attempt at a request: a POST that always comes to an outcome, in time.
 *
 * Each attempt has a URL of its own, so that nothing on the way can answer it with what it kept from
 * another, and an answer counts only if it names the attempt. No header is set that a browser would ask the
 * server's leave for: that leave could not be kept from one URL to the next, and each attempt would take two
 * requests.
 *
 * The watchdog looks at the clock every few seconds: timers stand still while a device sleeps, and the clock
 * tells, soon after it wakes, that a connection has been waiting for too long.
 */
import * as E from 'fp-ts/lib/Either.js';
import type { Cancel, Clock } from '../ports.js';
import { retryAfterOf } from '../retry-hint.js';
import { BodyReader, sourceOf } from './long-poll-body.js';
import {
  type AnswerHeader,
  type AttemptId,
  answerHeaderBytes,
  decodeAnswer,
  type RequestHeader,
  type RequestType,
} from './long-poll-wire.js';

/** The platform's `fetch`, or one that serves the same. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/** What was asked for; `bytes` are those of the stream. */
export interface Answer<T extends RequestType> {
  readonly type: 'answer';
  readonly header: AnswerHeader<T>;
  readonly bytes: Uint8Array;
}

export type Trouble =
  | {
      readonly type: 'status';
      readonly status: number;
      readonly message: string;
      /** Milliseconds that the answer asks to wait, where it does. */
      readonly retryAfter?: number;
    }
  /** Somebody else's answer, or one to another request. */
  | { readonly type: 'foreign'; readonly message: string }
  /** No answer at all, or not in time. */
  | { readonly type: 'none'; readonly message: string };

export type Outcome<T extends RequestType> = Answer<T> | Trouble;

export interface AttemptOptions {
  readonly url: URL;
  readonly fetch: Fetch;
  readonly clock: Clock;
  readonly credentials: RequestCredentials;
}

export interface AttemptRequest<T extends RequestType> {
  readonly header: RequestHeader<T>;
  /** The header, encoded, and what follows on it. */
  readonly body: Uint8Array<ArrayBuffer>;
  /** Answers with more bytes of the stream are not read. */
  readonly maxBytes: number;
  /** Milliseconds. */
  readonly timeout: number;
}

const watchdogInterval = 5_000;

/** Longer explanations of an error are not read. */
const maxErrorBytes = 4096;

export class Attempt<T extends RequestType> {
  readonly outcome: Promise<Outcome<T>>;
  readonly #clock: Clock;
  readonly #controller = new AbortController();
  #settle: (outcome: Outcome<T>) => void = () => undefined;
  #stopWatching: Cancel = () => undefined;

  constructor(options: AttemptOptions, request: AttemptRequest<T>) {
    this.#clock = options.clock;
    this.outcome = new Promise((resolve) => {
      this.#settle = resolve;
    });
    this.#watch(request.timeout, 0, options.clock.now());
    this.#perform(options, request).then(
      (outcome) => this.#end(outcome),
      (error: unknown) => this.#end({ type: 'none', message: describe(error) }),
    );
  }

  /** The outcome is none from now on, whatever `fetch` does. */
  abort(message: string): void {
    this.#end({ type: 'none', message });
    this.#controller.abort();
  }

  async #perform(
    options: AttemptOptions,
    { header, body, maxBytes }: AttemptRequest<T>,
  ): Promise<Outcome<T>> {
    const { signal } = this.#controller;
    const { credentials } = options;
    const url = attemptUrl(options.url, header);
    const response = await options.fetch(url, {
      method: 'POST',
      body,
      cache: 'no-store',
      credentials,
      signal,
    });
    const reader = new BodyReader(sourceOf(response.body));
    if (signal.aborted) reader.cancel();
    const { status } = response;
    if (status !== 200) {
      const message = said(await reader.whole(maxErrorBytes));
      const retryAfter = retryAfterOf(response.headers.get('retry-after'), options.clock.now());
      return { type: 'status', status, message, ...(retryAfter === undefined ? {} : { retryAfter }) };
    }
    return understood(header, await reader.whole(answerHeaderBytes(header.type) + maxBytes));
  }

  #watch(timeout: number, waited: number, began: number): void {
    const step = Math.min(watchdogInterval, timeout - waited);
    this.#stopWatching = this.#clock.schedule(step, () => {
      const elapsed = Math.max(waited + step, this.#clock.now() - began);
      if (elapsed >= timeout) this.abort(`no answer within ${timeout} ms`);
      else this.#watch(timeout, elapsed, began);
    });
  }

  #end(outcome: Outcome<T>): void {
    this.#stopWatching();
    this.#settle(outcome);
  }
}

const attemptUrl = (base: URL, { tag, attempt }: AttemptId): string => {
  const url = new URL(base);
  url.searchParams.set('attempt', `${tag.toString(36)}-${attempt}`);
  return url.href;
};

const isAnswerTo = <T extends RequestType>(
  { type, tag, attempt }: RequestHeader<T>,
  header: AttemptId & { readonly type: RequestType },
): header is AnswerHeader<T> => header.type === type && header.tag === tag && header.attempt === attempt;

const understood = <T extends RequestType>(
  request: RequestHeader<T>,
  body: Uint8Array | undefined,
): Outcome<T> => {
  if (body === undefined) return { type: 'foreign', message: 'an answer that is too long' };
  const decoded = decodeAnswer(body);
  if (E.isLeft(decoded))
    return { type: 'foreign', message: `not an answer of this protocol: ${decoded.left}` };
  const header = decoded.right;
  return isAnswerTo(request, header)
    ? { type: 'answer', header, bytes: body.subarray(answerHeaderBytes(header.type)) }
    : { type: 'foreign', message: 'the answer to another request' };
};

/** What our server says in the body of an error; others say what they like, and nothing that is told. */
const said = (body: Uint8Array | undefined): string => {
  try {
    const parsed: unknown = JSON.parse(new TextDecoder().decode(body));
    if (typeof parsed === 'object' && parsed !== null && 'message' in parsed) return String(parsed.message);
  } catch {
    // Not ours.
  }
  return '';
};

/** Implementations put what happened into the cause. */
const describe = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message;
};
