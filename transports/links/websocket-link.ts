/**
 * One end of a WebSocket as a link; the same for both sides and for each implementation of the interface.
 *
 * A socket outlives its link: after `close` the handshake runs on, unheard, while the end was reported at
 * once. Listeners are never removed, because an `error` that nobody hears throws in some implementations.
 */
import type { Cancel, Clock, CloseReason, Link, LinkEvents } from '../ports.js';
import { closeCode, closeMessage, closeReason, subprotocol } from './websocket-codes.js';

/** The platform's `WebSocket`, or that of the package `ws`: what both have. */
export interface WebSocketLike {
  binaryType: string;
  readonly bufferedAmount: number;
  readonly protocol: string;
  addEventListener(type: 'open', listener: () => void): void;
  addEventListener(type: 'message', listener: (event: { readonly data: unknown }) => void): void;
  addEventListener(type: 'error', listener: (event: object) => void): void;
  addEventListener(
    type: 'close',
    listener: (event: { readonly code: number; readonly reason: string }) => void,
  ): void;
  send(frame: Uint8Array<ArrayBuffer>): void;
  close(code?: number, reason?: string): void;
  /** Ends it without a handshake; browsers have no such thing. */
  terminate?(): void;
}

export interface WebSocketLinkOptions {
  readonly clock: Clock;
  readonly maxFrameBytes: number;
  /** Milliseconds that a peer has to answer a close. */
  readonly closeTimeout: number;
  /** Who the messages say is at the other end. */
  readonly peer: string;
}

type Phase = 'opening' | 'open' | 'ended';

/** Some implementations say why in the event or in an error on it; browsers do not. */
const errorOf = (event: object): { readonly message: string; readonly code: unknown } => {
  const error: unknown = 'error' in event ? event.error : undefined;
  const message = 'message' in event && typeof event.message === 'string' ? event.message : '';
  return { message, code: error instanceof Error && 'code' in error ? error.code : undefined };
};

export class WebSocketLink implements Link {
  readonly #socket: WebSocketLike;
  readonly #options: WebSocketLinkOptions;
  readonly #events: LinkEvents;
  #phase: Phase;
  /** Frames sent while opening. */
  #waiting: Uint8Array<ArrayBuffer>[] = [];
  #waitingBytes = 0;
  #error = '';
  #socketClosed = false;
  #cancelTermination: Cancel | undefined;
  readonly #released: (() => void)[] = [];

  /** `phase` is that of the socket. */
  constructor(
    socket: WebSocketLike,
    phase: 'opening' | 'open',
    options: WebSocketLinkOptions,
    events: LinkEvents,
  ) {
    this.#socket = socket;
    this.#phase = phase;
    this.#options = options;
    this.#events = events;
    socket.binaryType = 'arraybuffer';
    socket.addEventListener('open', () => this.#open());
    socket.addEventListener('message', ({ data }) => this.#message(data));
    socket.addEventListener('error', (event) => this.#fail(event));
    socket.addEventListener('close', ({ code, reason }) => this.#close(code, reason));
  }

  get ended(): boolean {
    return this.#phase === 'ended';
  }

  get bufferedBytes(): number {
    return this.#waitingBytes + this.#socket.bufferedAmount;
  }

  send(frame: Uint8Array): void {
    if (this.#phase === 'ended') return;
    // Sockets take no shared memory.
    const { buffer, byteOffset, length } = frame;
    const own = buffer instanceof ArrayBuffer ? new Uint8Array(buffer, byteOffset, length) : frame.slice();
    if (this.#phase === 'open') {
      this.#socket.send(own);
    } else {
      this.#waiting.push(own);
      this.#waitingBytes += length;
    }
  }

  close(reason: CloseReason): void {
    if (this.#phase === 'ended') return;
    this.#end(reason);
    this.#socket.close(closeCode(reason.code), closeMessage(reason.message));
    this.#awaitClose();
  }

  /** Ends the link without telling the peer. */
  abandon(reason: CloseReason): void {
    if (this.#phase === 'ended') return;
    this.#end(reason);
    if (this.#socket.terminate === undefined) this.#socket.close();
    else this.#socket.terminate();
  }

  /** Resolves when the socket itself is gone, which may be later than the end of the link. */
  released(): Promise<void> {
    if (this.#socketClosed) return Promise.resolve();
    return new Promise((resolve) => {
      this.#released.push(resolve);
    });
  }

  #open(): void {
    if (this.#phase !== 'opening') return;
    const { protocol } = this.#socket;
    if (protocol !== subprotocol) {
      this.close(otherProtocol(protocol));
      return;
    }
    this.#phase = 'open';
    // Before anyone is told, who might send more.
    for (const frame of this.#waiting) this.#socket.send(frame);
    this.#waiting = [];
    this.#waitingBytes = 0;
    this.#events.opened();
  }

  #message(data: unknown): void {
    if (this.#phase !== 'open') return;
    const { maxFrameBytes } = this.#options;
    if (!(data instanceof ArrayBuffer)) {
      this.close({ code: 'protocolError', message: 'a text frame, expected binary frames' });
    } else if (data.byteLength > maxFrameBytes) {
      this.close(tooLarge(`a frame of ${data.byteLength} bytes`, maxFrameBytes));
    } else {
      this.#events.frame(new Uint8Array(data));
    }
  }

  #fail(event: object): void {
    if (this.#phase === 'ended') return;
    const { message, code } = errorOf(event);
    this.#error = message;
    // An implementation was seen that reports no close for a link that never opened.
    if (this.#phase === 'opening') this.#endUnopened();
    // Codes of `ws`, which tells the peer itself, and does so before a frame that is too long has arrived.
    else if (lengthErrors.includes(code)) {
      this.#end(tooLarge('a frame', this.#options.maxFrameBytes));
      this.#awaitClose();
    } else if (typeof code === 'string' && code.startsWith('WS_ERR_')) {
      this.#end({ code: 'protocolError', message });
      this.#awaitClose();
    }
  }

  #awaitClose(): void {
    const { clock, closeTimeout } = this.#options;
    this.#cancelTermination = clock.schedule(closeTimeout, () => this.#socket.terminate?.());
  }

  #close(code: number, message: string): void {
    this.#socketClosed = true;
    this.#cancelTermination?.();
    for (const resolve of this.#released.splice(0)) resolve();
    if (code !== 1006) this.#end(closeReason(code, message));
    else if (this.#phase === 'open')
      this.#end({ code: 'lost', message: `lost ${this.#options.peer}${this.#because()}` });
    else this.#endUnopened();
  }

  #because(): string {
    return this.#error === '' ? '' : `: ${this.#error}`;
  }

  #endUnopened(): void {
    const { peer } = this.#options;
    if (answered(this.#error)) this.#end({ code: 'refused', message: `${peer} refused${this.#because()}` });
    else this.#end({ code: 'unreachable', message: `${peer} cannot be reached${this.#because()}` });
  }

  #end(reason: CloseReason): void {
    if (this.#phase === 'ended') return;
    this.#phase = 'ended';
    this.#waiting = [];
    this.#waitingBytes = 0;
    queueMicrotask(() => this.#events.closed(reason));
  }
}

/** Why a socket that speaks something else is closed. */
export const otherProtocol = (found: string): CloseReason => ({
  code: 'refused',
  message: `subprotocol ${found === '' ? 'none' : `'${found}'`}, expected ${subprotocol}`,
});

const lengthErrors: readonly unknown[] = [
  'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH',
  'WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH',
];

const tooLarge = (what: string, maxFrameBytes: number): CloseReason => ({
  code: 'tooLarge',
  message: `${what}, at most ${maxFrameBytes} bytes are taken`,
});

/** Whether the handshake failed by an answer of the server, as far as the implementation tells. */
const answered = (error: string): boolean => /unexpected server response|subprotocol/i.test(error);
