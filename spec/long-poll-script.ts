/** A server of long-poll links that a test plays, and the client end that it plays with. */

import { type LongPollConnectorOptions, longPollConnector } from '../transports/links/long-poll.js';
import type { Fetch } from '../transports/links/long-poll-attempt.js';
import { OutgoingStream } from '../transports/links/long-poll-stream.js';
import {
  type AnswerHeader,
  commonHeaderBytes,
  decodeRequest,
  decodeType,
  encodeAnswer,
  type RequestHeader,
  requestHeaderBytes,
} from '../transports/links/long-poll-wire.js';
import type { CloseReason, Entropy, Link, LinkEvents } from '../transports/ports.js';
import { turn } from './kit/async.js';
import type { ManualClock } from './kit/manual-clock.js';

/** Takes a sixteenth off each delay, so that delays are exact numbers. */
export const steadyEntropy: Entropy = { integer: () => 2 ** 51 };

/** The header of a request, and the bytes of the stream behind it. */
export const parseRequest = (body: Uint8Array): { header: RequestHeader; bytes: Uint8Array } => {
  const type = decodeType(body.subarray(0, commonHeaderBytes));
  if (type._tag === 'Left') throw new Error(type.left);
  const size = requestHeaderBytes(type.right);
  return { header: decodeRequest(type.right, body.subarray(0, size)), bytes: body.subarray(size) };
};

export interface Call {
  readonly at: number;
  readonly url: string;
  readonly init: RequestInit;
  readonly header: RequestHeader;
  readonly bytes: Uint8Array;
}

/** What is answered to a call; undefined is no answer, ever. */
export type Script = (call: Call) => Response | Promise<Response> | undefined;

const session = 'sixteen letters.';

export const openAnswer = (
  { header: { tag, attempt } }: Call,
  fields: Partial<AnswerHeader<'open'>> = {},
): Response => {
  const sizes = { maxFrameBytes: 1_000_000, maxBodyBytes: 100_000 };
  const times = { hold: 25_000, expiry: 60_000, protocol: 1 };
  return new Response(encodeAnswer({ type: 'open', tag, attempt, session, ...sizes, ...times, ...fields }));
};

export const sendAnswer = ({ header: { tag, attempt } }: Call, acknowledged: number): Response =>
  new Response(encodeAnswer({ type: 'send', tag, attempt, acknowledged }));

export const pollAnswer = (
  { header: { tag, attempt } }: Call,
  {
    acknowledged = 0,
    offset = 0,
    bytes = new Uint8Array(),
  }: Partial<Pick<AnswerHeader<'poll'>, 'acknowledged' | 'offset'>> & { readonly bytes?: Uint8Array } = {},
): Response => {
  const answer = encodeAnswer({ type: 'poll', tag, attempt, acknowledged, offset }, bytes.length);
  answer.set(bytes, answer.length - bytes.length);
  return new Response(answer);
};

/** The stream of these frames, and of a close if one is given. */
export const stream = (frames: readonly Uint8Array[], reason?: CloseReason): Uint8Array => {
  const outgoing = new OutgoingStream();
  for (const each of frames) outgoing.push(each);
  if (reason !== undefined) outgoing.close(reason);
  const bytes = new Uint8Array(outgoing.kept);
  outgoing.copyTo(bytes, 0);
  return bytes;
};

export const takeAll = (call: Call): Response =>
  sendAnswer(call, call.header.type === 'send' ? call.header.offset + call.bytes.length : 0);

/** Opens, takes everything, and holds polls, but for what is given. */
export const server =
  (own: { open?: Script; poll?: Script; send?: Script }): Script =>
  (call) => {
    if (call.header.type === 'open') return (own.open ?? openAnswer)(call);
    return call.header.type === 'send' ? (own.send ?? takeAll)(call) : own.poll?.(call);
  };

export class Scripted implements LinkEvents {
  readonly calls: Call[] = [];
  readonly events: string[] = [];
  readonly reasons: CloseReason[] = [];
  readonly link: Link;
  readonly #clock: ManualClock;

  constructor(clock: ManualClock, script: Script, options: Partial<LongPollConnectorOptions> = {}) {
    this.#clock = clock;
    const fetch: Fetch = (url, init) => {
      const { body } = init;
      if (!(body instanceof Uint8Array)) throw new Error('a body that is not of bytes');
      const call = { at: clock.now(), url, init, ...parseRequest(Uint8Array.from(body)) };
      this.calls.push(call);
      const answer = script(call);
      return answer === undefined ? new Promise(() => undefined) : Promise.resolve(answer);
    };
    const url = 'https://sync.example/link';
    this.link = longPollConnector({ url, fetch, clock, entropy: steadyEntropy, ...options }).connect(this);
  }

  opened(): void {
    this.events.push('opened');
  }

  frame(frame: Uint8Array): void {
    this.events.push(`frame ${frame.join(' ')}`);
  }

  closed(reason: CloseReason): void {
    this.events.push(reason.code);
    this.reasons.push(reason);
  }

  /** Lets time pass, and everything happen that it brings. */
  async pass(milliseconds: number): Promise<void> {
    await this.#clock.advanceAsync(milliseconds);
    await turn();
  }

  of(type: RequestHeader['type']): readonly Call[] {
    return this.calls.filter(({ header }) => header.type === type);
  }

  /** When requests of this type were made. */
  times(type: RequestHeader['type']): readonly number[] {
    return this.of(type).map(({ at }) => at);
  }
}
