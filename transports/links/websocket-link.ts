/**
 * One end of a WebSocket as a link; the same for both sides and for each implementation of the interface.
 *
 * A frame is a binary message. Text messages are the link's own:
 *
 *     ping        answered by `pong`: browsers neither send nor see the pings of the protocol
 *     pong
 *     frame N     the binary messages that follow are together one frame of N bytes
 *
 * Large frames are divided in this way, because what carries them on the way (proxies, gateways) takes messages
 * of limited length, and because nothing else, such as a ping, gets past a message under way.
 *
 * A socket outlives its link: after `close` the handshake runs on, unheard, while the end was reported at
 * once. Listeners are never removed, because an `error` that nobody hears throws in some implementations.
 */
import type { Cancel, Clock, CloseCode, CloseReason, Link, LinkEvents } from '../ports.js';
import type { VersionRange } from '../versions.js';
import { closeCode, closeMessage, closeReason, noSubprotocol, subprotocols } from './websocket-codes.js';
import type { Shortcut } from './websocket-shortcut.js';

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
  send(message: Uint8Array<ArrayBuffer> | string): void;
  close(code?: number, reason?: string): void;
  /** Ends it without a handshake; browsers have no such thing. */
  terminate?(): void;
  /** Stop and start reading; `ws` has them. */
  pause?(): void;
  resume?(): void;
}

export interface WebSocketLinkOptions {
  readonly clock: Clock;
  readonly maxFrameBytes: number;
  /** Longer frames are divided. */
  readonly maxMessageBytes: number;
  readonly versions: VersionRange;
  /** Milliseconds that a peer has to answer a close. */
  readonly closeTimeout: number;
  /** Who the messages say is at the other end. */
  readonly peer: string;
}

/** Pongs are for peers that read: those that do not are sent none. */
const pongBytes = 64 * 1024;

/** A frame that comes in several messages. */
interface Assembly {
  readonly bytes: number;
  readonly parts: Uint8Array[];
  filled: number;
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
  readonly #shortcut: Shortcut | undefined;
  #phase: Phase;
  /** Frames sent while opening. */
  #waiting: Uint8Array<ArrayBuffer>[] = [];
  #waitingBytes = 0;
  #error = '';
  #socketClosed = false;
  #assembly: Assembly | undefined;
  #hasHeard = false;
  #cancelTermination: Cancel | undefined;
  readonly #released: (() => void)[] = [];

  /** `phase` is that of the socket; `shortcut` past it is taken where there is one. */
  constructor(
    socket: WebSocketLike,
    phase: 'opening' | 'open',
    options: WebSocketLinkOptions,
    events: LinkEvents,
    shortcut?: Shortcut,
  ) {
    this.#socket = socket;
    this.#shortcut = shortcut;
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

  /** Whether anything has come since the last call. */
  hasHeard(): boolean {
    const heard = this.#hasHeard;
    this.#hasHeard = false;
    return heard;
  }

  /** Asks the peer for a sign of life. */
  ping(): void {
    if (this.#phase === 'open') this.#socket.send('ping');
  }

  hold(isHeld: boolean): void {
    if (this.#phase !== 'open') return;
    if (isHeld) this.#socket.pause?.();
    else this.#socket.resume?.();
  }

  send(frame: Uint8Array): void {
    if (this.#phase === 'ended') return;
    // It copies the frame, whatever memory that is in.
    if (this.#phase === 'open' && this.#shortcut?.(frame) === true) return;
    const own = hasOwnMemory(frame) ? frame : frame.slice();
    if (this.#phase === 'open') {
      this.#transmit(own);
    } else {
      this.#waiting.push(own);
      this.#waitingBytes += own.length;
    }
  }

  close(reason: CloseReason): void {
    if (this.#phase === 'ended') return;
    this.#end(reason);
    this.#socket.close(closeCode(reason.code), closeMessage(reason));
    this.#awaitClose();
  }

  /** Ends the link without telling the peer. */
  abandon(reason: CloseReason): void {
    if (this.#phase === 'ended') return;
    this.#end(reason);
    if (this.#socket.terminate === undefined) this.#socket.close();
    else this.#socket.terminate();
  }

  /** The server has answered the upgrade by a status, and perhaps said when to come again. */
  turnedAway(status: number, retryAfter: number | undefined): void {
    const { peer } = this.#options;
    const message = `${peer} refused: HTTP status ${status}`;
    this.abandon({
      code: statusCode(status),
      message,
      ...(retryAfter === undefined ? {} : { retryAfter }),
    });
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
    const { versions } = this.#options;
    // The server says which versions it speaks, and closes.
    if (protocol === noSubprotocol) return;
    if (!subprotocols(versions).includes(protocol)) {
      this.close(otherProtocol(protocol, versions));
      return;
    }
    this.#phase = 'open';
    // Before anyone is told, who might send more.
    for (const frame of this.#waiting) this.#transmit(frame);
    this.#waiting = [];
    this.#waitingBytes = 0;
    this.#events.opened();
  }

  #message(data: unknown): void {
    if (this.#phase !== 'open') return;
    this.#hasHeard = true;
    const { maxFrameBytes } = this.#options;
    if (typeof data === 'string') this.#text(data);
    else if (!(data instanceof ArrayBuffer)) this.#violated('a message of an unknown kind');
    else if (this.#assembly !== undefined) this.#assemble(this.#assembly, new Uint8Array(data));
    else if (data.byteLength > maxFrameBytes) this.close(tooLarge(data.byteLength, maxFrameBytes));
    else this.#events.frame(new Uint8Array(data));
  }

  #text(text: string): void {
    const { maxFrameBytes } = this.#options;
    if (text === 'ping') {
      if (this.#socket.bufferedAmount < pongBytes) this.#socket.send('pong');
      return;
    }
    if (text === 'pong') return;
    const [, digits] = /^frame ([1-9][0-9]{0,9})$/.exec(text) ?? [];
    const bytes = Number(digits);
    if (digits === undefined || this.#assembly !== undefined)
      this.#violated('a text message that is not expected');
    else if (bytes > maxFrameBytes) this.close(tooLarge(bytes, maxFrameBytes));
    else this.#assembly = { bytes, parts: [], filled: 0 };
  }

  #assemble(assembly: Assembly, part: Uint8Array): void {
    const filled = assembly.filled + part.length;
    if (part.length === 0 || filled > assembly.bytes) {
      this.#violated(`a part of ${part.length} bytes of a frame of ${assembly.bytes}`);
      return;
    }
    assembly.parts.push(part);
    assembly.filled = filled;
    if (filled < assembly.bytes) return;
    this.#assembly = undefined;
    const frame = new Uint8Array(assembly.bytes);
    let at = 0;
    for (const each of assembly.parts) {
      frame.set(each, at);
      at += each.length;
    }
    this.#events.frame(frame);
  }

  #violated(message: string): void {
    this.close({ code: 'protocolError', message });
  }

  #transmit(frame: Uint8Array<ArrayBuffer>): void {
    const { maxMessageBytes } = this.#options;
    if (frame.length <= maxMessageBytes) {
      this.#socket.send(frame);
      return;
    }
    this.#socket.send(`frame ${frame.length}`);
    for (let at = 0; at < frame.length; at += maxMessageBytes)
      this.#socket.send(frame.subarray(at, at + maxMessageBytes));
  }

  #fail(event: object): void {
    if (this.#phase === 'ended') return;
    const { message, code } = errorOf(event);
    this.#error = message;
    // An implementation was seen that reports no close for a link that never opened.
    if (this.#phase === 'opening') this.#endUnopened();
    // Codes of `ws`, which tells the peer itself, and does so before a frame that is too long has arrived.
    else if (lengthErrors.includes(code)) {
      this.#end(tooLarge(null, this.#options.maxFrameBytes));
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
    // The peer's answer to a close is to be read, whatever waits before it.
    this.hold(false);
    this.#phase = 'ended';
    this.#waiting = [];
    this.#waitingBytes = 0;
    this.#assembly = undefined;
    queueMicrotask(() => this.#events.closed(reason));
  }
}

/** Sockets take no shared memory. */
const hasOwnMemory = (frame: Uint8Array): frame is Uint8Array<ArrayBuffer> =>
  frame.buffer instanceof ArrayBuffer;

/** Statuses by which a server, or what stands before it, sends one away for the time being. */
const busy: readonly number[] = [408, 425, 429, 503];

const statusCode = (status: number): CloseCode => {
  if (busy.includes(status)) return 'goingAway';
  return status >= 500 ? 'unreachable' : 'refused';
};

/** Why a socket that speaks something else is closed. */
export const otherProtocol = (found: string, versions: VersionRange): CloseReason => ({
  code: 'refused',
  message: `subprotocol ${found === '' ? 'none' : `'${found}'`}, expected ${subprotocols(versions).join(' or ')}`,
});

const lengthErrors: readonly unknown[] = [
  'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH',
  'WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH',
];

const tooLarge = (bytes: number | null, maxFrameBytes: number): CloseReason => ({
  code: 'tooLarge',
  message: `a frame${bytes === null ? '' : ` of ${bytes} bytes`}, at most ${maxFrameBytes} bytes are taken`,
});

/** Whether the handshake failed by an answer of the server, as far as the implementation tells. */
const answered = (error: string): boolean => /unexpected server response|subprotocol/i.test(error);
