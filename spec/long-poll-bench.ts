/** A listener of long-poll links without a server around it, and sessions that a test conducts by hand. */

import * as assert from 'uvu/assert';
import {
  type LongPollListener,
  type LongPollListenerOptions,
  longPollListener,
} from '../transports/links/long-poll-server.js';
import {
  type AnswerHeader,
  type AttemptId,
  answerHeaderBytes,
  decodeAnswer,
  encodeRequest,
  type RequestHeader,
} from '../transports/links/long-poll-wire.js';
import type { CloseReason, Link } from '../transports/ports.js';
import { ownVersions } from '../transports/versions.js';
import { ManualClock } from './kit/manual-clock.js';

export const url = 'https://sync.example/link';
export const frame = (...bytes: number[]): Uint8Array => Uint8Array.from(bytes);
export const nonce = (seed: number): string => String.fromCharCode(seed >> 8, seed & 255).padEnd(16, '.');
export const post = (body: BodyInit | null, init: RequestInit = {}): Request =>
  new Request(url, {
    method: 'POST',
    body,
    ...(body instanceof ReadableStream ? { duplex: 'half' } : {}),
    ...init,
  });

/** One accepted link. */
export interface Accepted {
  readonly link: Link;
  readonly events: string[];
  readonly reasons: CloseReason[];
}

/** A listener that listens, and what became of its links. */
export class Bench {
  readonly clock = new ManualClock();
  readonly accepted: Accepted[] = [];
  readonly listener: LongPollListener;
  #attempts = 0;

  constructor(options: LongPollListenerOptions = {}) {
    let chance = 1;
    const entropy = { integer: () => chance++ };
    this.listener = longPollListener({ clock: this.clock, entropy, ...options });
    void this.listener.listen((link) => {
      const end: Accepted = { link, events: [], reasons: [] };
      this.accepted.push(end);
      return {
        frame: (bytes) => end.events.push(bytes.join(' ')),
        closed: (reason) => {
          end.events.push(reason.code);
          end.reasons.push(reason);
        },
      };
    });
  }

  id(): { readonly tag: number; readonly attempt: number } {
    return { tag: 1, attempt: this.#attempts++ };
  }

  handle(request: Request): Promise<Response> {
    return this.listener.handle(request);
  }

  async status(request: Request): Promise<number> {
    return (await this.handle(request)).status;
  }

  async open(seed = this.accepted.length, maxFrameBytes = 1_000_000): Promise<Session> {
    const header = {
      ...this.id(),
      type: 'open',
      nonce: nonce(seed),
      maxFrameBytes,
      versions: ownVersions,
    } as const;
    const response = await this.handle(post(encodeRequest(header)));
    assert.is(response.status, 200);
    return new Session(
      this,
      (await parsed(response, 'open')).header,
      this.accepted[this.accepted.length - 1],
    );
  }
}

const isOf = <T extends AnswerHeader['type']>(
  header: AttemptId & { readonly type: AnswerHeader['type'] },
  type: T,
): header is AnswerHeader<T> => header.type === type;

export const parsed = async <T extends AnswerHeader['type']>(
  response: Response,
  type: T,
): Promise<{ readonly header: AnswerHeader<T>; readonly bytes: Uint8Array }> => {
  const body = new Uint8Array(await response.arrayBuffer());
  const decoded = decodeAnswer(body);
  if (decoded._tag === 'Left') throw new Error(decoded.left);
  const header = decoded.right;
  if (!isOf(header, type)) throw new Error(`an answer to ${header.type}, expected one to ${type}`);
  return { header, bytes: body.subarray(answerHeaderBytes(type)) };
};

/** What a client would do, one request at a time. */
export class Session {
  readonly bench: Bench;
  readonly id: string;
  readonly server: Accepted;
  readonly opened: AnswerHeader<'open'>;

  constructor(bench: Bench, opened: AnswerHeader<'open'>, server: Accepted | undefined) {
    assert.ok(server);
    this.bench = bench;
    this.id = opened.session;
    this.opened = opened;
    this.server = server;
  }

  pollRequest(fields: Partial<RequestHeader<'poll'>> = {}, init: RequestInit = {}): Request {
    const { id } = this;
    const whole = {
      ...this.bench.id(),
      acknowledged: 0,
      maxBytes: 2 ** 31,
      ...fields,
      type: 'poll',
      session: id,
    } as const;
    return post(encodeRequest(whole), init);
  }

  /** Undefined until it is answered; then status, offset and bytes. */
  poll(fields: Partial<RequestHeader<'poll'>> = {}, init: RequestInit = {}): { answer?: string } {
    const found: { answer?: string } = {};
    void this.bench.handle(this.pollRequest(fields, init)).then(async (response) => {
      if (response.status !== 200) {
        found.answer = String(response.status);
      } else {
        const { header, bytes } = await parsed(response, 'poll');
        found.answer = `${header.offset}: ${bytes.join(' ')}`;
      }
    });
    return found;
  }

  /** The status, or the number of bytes that are acknowledged. */
  async send(bytes: Uint8Array, offset = 0, acknowledged = 0): Promise<string> {
    const header = { ...this.bench.id(), acknowledged, offset, type: 'send', session: this.id } as const;
    const body = encodeRequest(header, bytes.length);
    body.set(bytes, body.length - bytes.length);
    return this.sendBody(body);
  }

  async sendBody(body: BodyInit): Promise<string> {
    const response = await this.bench.handle(post(body));
    if (response.status !== 200) return String(response.status);
    return `taken ${(await parsed(response, 'send')).header.acknowledged}`;
  }

  sendHeader(offset = 0): Uint8Array<ArrayBuffer> {
    return encodeRequest({ ...this.bench.id(), acknowledged: 0, offset, type: 'send', session: this.id });
  }
}
