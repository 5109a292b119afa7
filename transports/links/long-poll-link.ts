/**
 * The connecting end of a long-poll link.
 *
 * Two lanes, each with one request under way at most: polls, which the server holds until it has something
 * to say, and sends, as long as there is something to send. Whatever piles up meanwhile leaves together. A
 * lane repeats what fails, after a delay; a lane that fails too often in a row loses the link, and so does
 * a failure when the server must have given the session up.
 *
 * A request that fails halves what its lane carries at once, one that succeeds doubles it: a large body that
 * a slow network does not carry in time, or that a proxy finds too large, is carried in small ones.
 *
 * After `close` the end is reported at once, while the sending lane goes on until the server has everything.
 */
import type { Cancel, CloseReason, Entropy, Link, LinkEvents } from '../ports.js';
import { printVersions, type VersionRange } from '../versions.js';
import { Attempt, type AttemptOptions, type Outcome, type Trouble } from './long-poll-attempt.js';
import { Lane } from './long-poll-lane.js';
import { frameTooLarge, IncomingStream, OutgoingStream, type Taken } from './long-poll-stream.js';
import {
  closeReason,
  openingVerdict,
  type RetryOptions,
  retryAfterIn,
  retryDelay,
  type Verdict,
  verdict,
} from './long-poll-verdict.js';
import {
  type AnswerHeader,
  type AttemptId,
  encodeRequest,
  type RequestHeader,
  type RequestType,
  randomId,
  requestHeaderBytes,
} from './long-poll-wire.js';

export interface LongPollLinkOptions extends AttemptOptions, Required<RetryOptions> {
  readonly entropy: Entropy;
  readonly maxFrameBytes: number;
  /** Milliseconds, these and those below. */
  readonly openTimeout: number;
  readonly answerTimeout: number;
  readonly closeTimeout: number;
  readonly versions: VersionRange;
}

/**
 *     opening   nothing was reported
 *     open      `opened` was reported
 *     closing   the end was reported, and what was sent is still on its way
 *     ended     the end was reported, and nothing is under way
 */
type Phase = 'opening' | 'open' | 'closing' | 'ended';

/** Milliseconds from one poll that brings nothing to the next, at least. */
const pollInterval = 1_000;

/** What is known from the moment that the link opens. */
interface Opened {
  readonly server: AnswerHeader<'open'>;
  readonly polls: Lane;
  readonly sends: Lane;
}

export class LongPollLink implements Link {
  readonly #options: LongPollLinkOptions;
  readonly #events: LinkEvents;
  readonly #tag: number;
  #attempts = 0;
  #phase: Phase = 'opening';
  #outgoing = new OutgoingStream();
  readonly #incoming: IncomingStream;
  /** Frames sent while opening. */
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #opened: Opened | undefined;
  /** When the server last answered. */
  #heard = 0;
  #isSending = false;
  #stopOpening: Cancel = () => undefined;
  #stopClosing: Cancel = () => undefined;

  constructor(options: LongPollLinkOptions, events: LinkEvents) {
    this.#options = options;
    this.#events = events;
    this.#tag = options.entropy.integer();
    this.#incoming = new IncomingStream(options.maxFrameBytes);
    void this.#open();
  }

  get bufferedBytes(): number {
    return this.#waitingBytes + this.#outgoing.unsent;
  }

  send(frame: Uint8Array): void {
    if (this.#phase === 'opening') {
      this.#waiting.push(frame);
      this.#waitingBytes += frame.length;
    } else if (this.#phase === 'open' && this.#opened !== undefined) {
      this.#push(this.#opened, frame);
    }
  }

  close(reason: CloseReason): void {
    if (this.#phase !== 'opening' && this.#phase !== 'open') return;
    this.#phase = 'closing';
    // Nothing is sent on a link that never opened but that it is over, which the server may have to know.
    this.#forgetWaiting();
    this.#outgoing.close(reason);
    queueMicrotask(() => this.#events.closed(reason));
    this.#awaitClose();
    if (this.#opened === undefined) return;
    this.#opened.polls.interrupt();
    this.#wakeSending(this.#opened);
  }

  async #open(): Promise<void> {
    const { entropy, maxFrameBytes, openTimeout, url, clock, versions } = this.#options;
    const nonce = randomId(entropy);
    const header = { ...this.#nextId(), type: 'open', nonce, maxFrameBytes, versions } as const;
    const attempt = this.#attempt(header, encodeRequest(header), 0, openTimeout);
    this.#stopOpening = () => attempt.abort('the link has ended');
    const outcome = await attempt.outcome;
    if (outcome.type !== 'answer') {
      this.#end(closeReason(openingVerdict(outcome), url.origin, outcome));
      return;
    }
    const server = outcome.header;
    if (server.protocol < versions.oldest || server.protocol > versions.newest) {
      const message = `${url.origin}: version ${server.protocol} of the protocol, expected ${printVersions(versions)}`;
      this.#end({ code: 'refused', message });
      return;
    }
    const opened = { server, polls: new Lane(server.maxBodyBytes), sends: new Lane(server.maxBodyBytes) };
    this.#opened = opened;
    this.#heard = clock.now();
    if (this.#is('opening')) {
      this.#phase = 'open';
      const waiting = this.#waiting;
      this.#forgetWaiting();
      // Before anyone is told, who might send more.
      for (const frame of waiting) if (this.#is('open')) this.#push(opened, frame);
      if (this.#is('open')) this.#events.opened();
      void this.#poll(opened);
    } else if (this.#is('closing')) {
      this.#wakeSending(opened);
    }
  }

  async #poll({ server, polls }: Opened): Promise<void> {
    const { answerTimeout, clock } = this.#options;
    while (this.#is('open')) {
      const began = clock.now();
      const { received } = this.#incoming;
      const asked = { ...this.#nextId(), session: server.session, acknowledged: received };
      const header = { ...asked, type: 'poll', maxBytes: polls.budget } as const;
      const timeout = server.hold + answerTimeout;
      const outcome = await this.#wait(polls, header, encodeRequest(header), polls.budget, timeout);
      if (!this.#is('open')) return;
      if (outcome.type !== 'answer') {
        const found = verdict(outcome);
        // A poll has nothing to make smaller.
        await this.#recover(polls, polls.budget, outcome, found === 'shrink' ? 'refused' : found);
        continue;
      }
      polls.succeed();
      this.#acknowledge(outcome.header.acknowledged);
      this.#deliver(this.#incoming.take(outcome.header.offset, outcome.bytes));
      if (this.#incoming.received > received) continue;
      await this.#pause(polls, Math.min(pollInterval, began + pollInterval - clock.now()));
    }
  }

  /** The loop of the sending lane, if it does not run. */
  #wakeSending(opened: Opened): void {
    if (this.#isSending) return;
    this.#isSending = true;
    // After the present turn, which may send more.
    queueMicrotask(() => void this.#send(opened));
  }

  async #send({ server, sends }: Opened): Promise<void> {
    while (this.#outgoing.kept > 0) {
      const offset = this.#outgoing.acknowledged;
      const carried = Math.min(this.#outgoing.kept, sends.budget);
      const header = this.#sendHeader(server);
      const body = encodeRequest(header, carried);
      this.#outgoing.copyTo(body, requestHeaderBytes('send'));
      const outcome = await this.#wait(sends, header, body, 0, this.#options.answerTimeout);
      if (this.#is('ended')) return;
      if (outcome.type === 'answer') this.#acknowledge(outcome.header.acknowledged);
      // What this answer does not acknowledge, that of a poll may have.
      if (this.#outgoing.acknowledged > offset) {
        sends.succeed();
        if (this.#is('closing')) this.#awaitClose();
      } else {
        const trouble = outcome.type === 'answer' ? tookNothing : outcome;
        await this.#recover(sends, carried, trouble, verdict(trouble));
      }
    }
    this.#isSending = false;
    if (this.#is('closing')) this.#release();
  }

  /** Waits until a lane may try again, or ends the link. */
  async #recover(lane: Lane, carried: number, trouble: Trouble, found: Verdict): Promise<void> {
    const { url, clock, maxRetries, entropy } = this.#options;
    if (found === 'shrink' && lane.shrink(carried)) return;
    if (found === 'again') {
      lane.fail(carried);
      const { hold = 0, expiry = 0 } = this.#opened?.server ?? {};
      const silence = clock.now() - this.#heard;
      const hint = retryAfterIn(trouble) ?? 0;
      if (silence + hint > hold + expiry && hint > 0) {
        this.#end(closeReason('goingAway', url.origin, trouble));
        return;
      }
      if (lane.failures <= maxRetries && silence <= hold + expiry) {
        await this.#pause(lane, Math.max(hint, retryDelay(this.#options, lane.failures, entropy)));
        return;
      }
    }
    const code = found === 'again' ? 'lost' : found === 'shrink' ? 'tooLarge' : found;
    this.#end(closeReason(code, url.origin, trouble));
  }

  #push(opened: Opened, frame: Uint8Array): void {
    const { maxFrameBytes } = opened.server;
    if (frame.length > maxFrameBytes) {
      this.close(frameTooLarge(frame.length, maxFrameBytes));
    } else {
      this.#outgoing.push(frame);
      this.#wakeSending(opened);
    }
  }

  #acknowledge(offset: number): void {
    this.#heard = this.#options.clock.now();
    if (this.#outgoing.acknowledge(offset)) return;
    this.close({ code: 'protocolError', message: `${offset} bytes acknowledged, which were not sent` });
  }

  #deliver({ frames, end }: Taken): void {
    for (const frame of frames) if (this.#is('open')) this.#events.frame(frame);
    if (end === undefined || !this.#is('open')) return;
    if (end.by === 'receiver') {
      this.close(end.reason);
    } else {
      if (this.#opened !== undefined) this.#acknowledgeEnd(this.#opened.server);
      this.#end(end.reason);
    }
  }

  /** The server need not keep the session any longer; it does for a time if this is lost. */
  #acknowledgeEnd(server: AnswerHeader<'open'>): void {
    const header = this.#sendHeader(server);
    this.#attempt(header, encodeRequest(header), 0, this.#options.closeTimeout);
  }

  #sendHeader({ session }: AnswerHeader<'open'>): RequestHeader<'send'> {
    const { acknowledged } = this.#outgoing;
    return {
      ...this.#nextId(),
      type: 'send',
      session,
      acknowledged: this.#incoming.received,
      offset: acknowledged,
    };
  }

  #nextId(): AttemptId {
    return { tag: this.#tag, attempt: this.#attempts++ };
  }

  #attempt<T extends RequestType>(
    header: RequestHeader<T>,
    body: Uint8Array<ArrayBuffer>,
    maxBytes: number,
    timeout: number,
  ): Attempt<T> {
    return new Attempt(this.#options, { header, body, maxBytes, timeout });
  }

  #wait<T extends RequestType>(
    lane: Lane,
    header: RequestHeader<T>,
    body: Uint8Array<ArrayBuffer>,
    maxBytes: number,
    timeout: number,
  ): Promise<Outcome<T>> {
    const attempt = this.#attempt(header, body, maxBytes, timeout);
    lane.interrupt = () => attempt.abort('not wanted any more');
    return attempt.outcome;
  }

  #pause(lane: Lane, milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#options.clock.schedule(milliseconds, resolve);
      lane.interrupt = () => {
        cancel();
        resolve();
      };
    });
  }

  /** Gives the server up, unless something was acknowledged lately. */
  #awaitClose(): void {
    this.#stopClosing();
    this.#stopClosing = this.#options.clock.schedule(this.#options.closeTimeout, () => this.#release());
  }

  #end(reason: CloseReason): void {
    if (this.#phase === 'opening' || this.#phase === 'open')
      queueMicrotask(() => this.#events.closed(reason));
    this.#release();
  }

  #release(): void {
    this.#phase = 'ended';
    this.#forgetWaiting();
    this.#outgoing = new OutgoingStream();
    this.#stopOpening();
    this.#stopClosing();
    this.#opened?.polls.interrupt();
    this.#opened?.sends.interrupt();
  }

  #forgetWaiting(): void {
    this.#waiting = [];
    this.#waitingBytes = 0;
  }

  /** A method, because calls change the phase, which the compiler does not expect. */
  #is(phase: Phase): boolean {
    return this.#phase === phase;
  }
}

const tookNothing: Trouble = { type: 'foreign', message: 'the server takes nothing of what it is sent' };
