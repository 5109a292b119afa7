/**
 * The listening end of a long-poll link: what the server remembers between the requests of one client.
 *
 * A poll is held until there is something to say. Of several polls the newest counts, and the others are
 * answered, so that a client whose poll was lost on the way is served as soon as it asks again.
 *
 * A session lives as long as it is asked for: it expires when no poll is held and no request has come for
 * some time. After a close it is kept until the client has acknowledged everything, or for as long.
 */
import * as E from 'fp-ts/lib/Either.js';
import type { Cancel, Clock, CloseReason, Link, LinkEvents } from '../ports.js';
import type { Fault } from './long-poll-fault.js';
import type { HttpRequest } from './long-poll-http.js';
import { frameTooLarge, IncomingStream, OutgoingStream } from './long-poll-stream.js';
import { answerHeaderBytes, encodeAnswer, type RequestHeader } from './long-poll-wire.js';

export interface SessionOptions {
  readonly clock: Clock;
  readonly maxFrameBytes: number;
  readonly maxBodyBytes: number;
  readonly maxBufferedBytes: number;
  /** Milliseconds that a poll is held. */
  readonly hold: number;
  /** Milliseconds after which a session that nobody asks for is given up. */
  readonly expiry: number;
}

/** Milliseconds in which a client that has opened a session begins to poll. */
const firstPollTimeout = 10_000;

export type Bytes = Uint8Array<ArrayBuffer>;

/** Who waits for the answer to a poll, and may go. */
type Asker = Pick<HttpRequest, 'isGone' | 'onGone'>;

/** A poll that waits for its answer. */
interface HeldPoll {
  readonly header: RequestHeader<'poll'>;
  readonly release: Cancel;
  readonly answer: (bytes: Bytes) => void;
}

/**
 *     open      nothing was reported
 *     closing   the end was reported, and what was sent waits for the client
 *     gone      the listener knows the session no more
 */
type Phase = 'open' | 'closing' | 'gone';

export class LongPollSession implements Link {
  readonly id: string;
  readonly nonce: string;
  readonly #options: SessionOptions;
  /** What the client takes. */
  readonly #maxFrameBytes: number;
  readonly #onGone: (session: LongPollSession) => void;
  #events: Omit<LinkEvents, 'opened'> | undefined;
  #phase: Phase = 'open';
  readonly #incoming: IncomingStream;
  #outgoing = new OutgoingStream();
  #held: HeldPoll | undefined;
  /** The attempt of the newest poll. */
  #newest = -1;
  #isFlushing = false;
  /** Answers to sends that wait until the end reads on; undefined where it reads. */
  #unread: (() => void)[] | undefined;
  #stopExpiry: Cancel = () => undefined;

  constructor(
    options: SessionOptions,
    id: string,
    { nonce, maxFrameBytes }: RequestHeader<'open'>,
    onGone: (session: LongPollSession) => void,
  ) {
    this.id = id;
    this.nonce = nonce;
    this.#options = options;
    this.#maxFrameBytes = maxFrameBytes;
    this.#onGone = onGone;
    this.#incoming = new IncomingStream(options.maxFrameBytes);
    this.#expireAfter(Math.min(firstPollTimeout, options.expiry));
  }

  /** In the turn in which the session was made. */
  attach(events: Omit<LinkEvents, 'opened'>): void {
    this.#events = events;
  }

  get bufferedBytes(): number {
    return this.#outgoing.unsent;
  }

  send(frame: Uint8Array): void {
    if (this.#phase !== 'open') return;
    const { maxBufferedBytes } = this.#options;
    const kept = this.#outgoing.kept + frame.length;
    if (frame.length > this.#maxFrameBytes) {
      this.close(frameTooLarge(frame.length, this.#maxFrameBytes));
    } else if (kept > maxBufferedBytes) {
      const message = `the client reads too slowly: ${kept} bytes wait, at most ${maxBufferedBytes} may`;
      this.abandon({ code: 'lost', message });
    } else {
      this.#outgoing.push(frame);
      this.#wake();
    }
  }

  /** While the end is held, sends are not answered, so that the client sends no more. */
  hold(isHeld: boolean): void {
    if (isHeld && this.#phase === 'open') this.#unread ??= [];
    else this.#readOn();
  }

  close(reason: CloseReason): void {
    if (this.#phase !== 'open') return;
    this.#report(reason);
    this.#outgoing.close(reason);
    this.#wake();
  }

  /** Ends the link without telling the client, or forgets that it waits for the client. */
  abandon(reason: CloseReason): void {
    if (this.#phase === 'open') this.#report(reason);
    this.#vanish();
  }

  /** What a `send` carries, in any portions. */
  receive(offset: number, bytes: Uint8Array): Fault | undefined {
    if (this.#phase === 'gone') return undefined;
    const { frames, end } = this.#incoming.take(offset, bytes);
    for (const frame of frames) if (this.#is('open')) this.#events?.frame(frame);
    if (end?.by === 'sender') {
      this.abandon(end.reason);
    } else if (end !== undefined) {
      this.close(end.reason);
      const { code, message } = end.reason;
      return { code: code === 'tooLarge' ? 'tooLarge' : 'outOfSequence', message };
    }
    return undefined;
  }

  /** What any request acknowledges, which is also a sign of life. */
  acknowledge(offset: number): Fault | undefined {
    this.#touch();
    if (!this.#outgoing.acknowledge(offset)) {
      const message = `${offset} bytes acknowledged, which were not sent`;
      this.close({ code: 'protocolError', message });
      return { code: 'outOfSequence', message };
    }
    if (this.#outgoing.finished) this.#vanish();
    return undefined;
  }

  /** The answer to a `send` whose body was received. */
  async sent({ tag, attempt }: RequestHeader<'send'>): Promise<Bytes> {
    const unread = this.#unread;
    if (unread !== undefined) await new Promise<void>((resolve) => unread.push(resolve));
    this.#touch();
    return encodeAnswer({ type: 'send', tag, attempt, acknowledged: this.#incoming.received });
  }

  /** The answer to a poll, once there is something to say or the time is over. */
  async poll(header: RequestHeader<'poll'>, asker: Asker): Promise<E.Either<Fault, Bytes>> {
    const fault = this.acknowledge(header.acknowledged);
    if (fault !== undefined) return E.left(fault);
    if (header.attempt < this.#newest) return E.right(this.#answer(header, 0));
    this.#newest = header.attempt;
    this.#answerHeld();
    if (this.#phase === 'gone' || this.#outgoing.kept > 0 || asker.isGone)
      return E.right(this.#answer(header));
    return E.right(await this.#hold(header, asker));
  }

  #hold(header: RequestHeader<'poll'>, asker: Asker): Promise<Bytes> {
    this.#stopExpiry();
    return new Promise((resolve) => {
      const end = (): void => this.#answerHeld();
      const cancel = this.#options.clock.schedule(this.#options.hold, end);
      const stopListening = asker.onGone(end);
      const release = (): void => {
        cancel();
        stopListening();
      };
      this.#held = { header, release, answer: resolve };
    });
  }

  #answerHeld(): void {
    const held = this.#held;
    if (held === undefined) return;
    this.#held = undefined;
    held.release();
    this.#touch();
    held.answer(this.#answer(held.header));
  }

  #answer({ tag, attempt, maxBytes }: RequestHeader<'poll'>, most = this.#options.maxBodyBytes): Bytes {
    const length = Math.min(this.#outgoing.kept, most, Math.max(1, maxBytes));
    const acknowledged = this.#incoming.received;
    const offset = this.#outgoing.acknowledged;
    const answer = encodeAnswer({ type: 'poll', tag, attempt, acknowledged, offset }, length);
    this.#outgoing.copyTo(answer, answerHeaderBytes('poll'));
    return answer;
  }

  /** Answers the poll after the present turn, which may send more. */
  #wake(): void {
    if (this.#held === undefined || this.#isFlushing) return;
    this.#isFlushing = true;
    queueMicrotask(() => {
      this.#isFlushing = false;
      this.#answerHeld();
    });
  }

  #touch(): void {
    this.#stopExpiry();
    if (this.#phase !== 'gone' && this.#held === undefined) this.#expireAfter(this.#options.expiry);
  }

  #expireAfter(milliseconds: number): void {
    this.#stopExpiry = this.#options.clock.schedule(milliseconds, () =>
      this.abandon({ code: 'lost', message: `no request for ${milliseconds} ms` }),
    );
  }

  #readOn(): void {
    const unread = this.#unread ?? [];
    this.#unread = undefined;
    for (const resolve of unread) resolve();
  }

  #report(reason: CloseReason): void {
    this.#phase = 'closing';
    this.#readOn();
    queueMicrotask(() => this.#events?.closed(reason));
  }

  #vanish(): void {
    if (this.#phase === 'gone') return;
    this.#phase = 'gone';
    this.#outgoing = new OutgoingStream();
    this.#answerHeld();
    this.#stopExpiry();
    this.#onGone(this);
  }

  /** A method, because calls change the phase, which the compiler does not expect. */
  #is(phase: Phase): boolean {
    return this.#phase === phase;
  }
}
