/**
 * Frames as a stream of bytes in each direction, in the manner of TCP: what makes carriage by requests
 * that may be lost, repeated and delayed exactly once and in order.
 *
 * A stream is a sequence of units: a prefix of four bytes, big-endian, whose top bit tells a close from a
 * frame and whose other bits count the payload, and the payload. A body carries any run of the stream's
 * bytes along with the offset of the first. The receiver takes what follows on what it has, skips what it
 * has had, and acknowledges the number of bytes it has taken; the sender keeps what is not acknowledged and
 * sends it again from there. So bodies need not hold the same runs when they are repeated, and are as small
 * as the network wants them, whatever the size of the frames.
 */
import type { CloseCode, CloseReason } from '../ports.js';
import { closeText, closeTextParts } from '../retry-hint.js';

const prefixBytes = 4;
const closeFlag = 0x80000000;

/** What a prefix can count. */
export const mostFrameBytes = closeFlag - 1;

/** Bytes of UTF-8 that the message of a close is shortened to. */
const messageBytes = 1000;

/** The payload of a close is the index of its code and the text (`retry-hint.ts`). */
const closeCodes: readonly CloseCode[] = [
  'lost',
  'normal',
  'goingAway',
  'protocolError',
  'tooLarge',
  'refused',
];

const encodeClose = (reason: CloseReason): Uint8Array => {
  const bytes = new Uint8Array(1 + messageBytes);
  // `unreachable` is nothing to tell a peer that was reached.
  bytes[0] = Math.max(0, closeCodes.indexOf(reason.code));
  const { written } = new TextEncoder().encodeInto(closeText(reason), bytes.subarray(1));
  return bytes.subarray(0, 1 + written);
};

const decodeClose = (payload: Uint8Array): CloseReason => ({
  code: closeCodes[payload[0] ?? 0] ?? 'lost',
  ...closeTextParts(new TextDecoder('utf-8', { ignoreBOM: true }).decode(payload.subarray(1))),
});

export const frameTooLarge = (length: number, maxFrameBytes: number): CloseReason => ({
  code: 'tooLarge',
  message: `a frame of ${length} bytes, at most ${maxFrameBytes} bytes are taken`,
});

/** What one end sends: the units that the other end has not acknowledged. Offsets count from the first byte. */
export class OutgoingStream {
  /** Payloads, from `#head` on; those before are empty. The last is a close if `#closed`. */
  #payloads: Uint8Array[] = [];
  #head = 0;
  /** Where the unit at `#head` starts. */
  #headOffset = 0;
  #acknowledged = 0;
  /** How far any body has reached. */
  #sent = 0;
  #end = 0;
  #closed = false;

  get acknowledged(): number {
    return this.#acknowledged;
  }

  /** Bytes that are kept because they are not acknowledged. */
  get kept(): number {
    return this.#end - this.#acknowledged;
  }

  /** Bytes that no body has held yet. */
  get unsent(): number {
    return this.#end - this.#sent;
  }

  /** Whether the close was acknowledged, and with it everything. */
  get finished(): boolean {
    return this.#closed && this.kept === 0;
  }

  /** Ignored after `close`. The frame is taken over. */
  push(frame: Uint8Array): void {
    if (this.#closed) return;
    this.#payloads.push(frame);
    this.#end += prefixBytes + frame.length;
  }

  /** The last unit. */
  close(reason: CloseReason): void {
    this.push(encodeClose(reason));
    this.#closed = true;
  }

  /** False if `offset` was never sent; what is behind what is known already is no news. */
  acknowledge(offset: number): boolean {
    if (offset > this.#sent) return false;
    if (offset <= this.#acknowledged) return true;
    this.#acknowledged = offset;
    for (;;) {
      const payload = this.#payloads[this.#head];
      if (payload === undefined || this.#headOffset + prefixBytes + payload.length > offset) break;
      this.#headOffset += prefixBytes + payload.length;
      this.#payloads[this.#head++] = nothing;
    }
    // Each payload is moved at most once on average.
    if (this.#head * 2 >= this.#payloads.length) {
      this.#payloads = this.#payloads.slice(this.#head);
      this.#head = 0;
    }
    return true;
  }

  /** Fills `target` from `at` on with the first bytes that are not acknowledged; there are at least as many. */
  copyTo(target: Uint8Array, at: number): void {
    let from = this.#acknowledged - this.#headOffset;
    let to = at;
    for (let i = this.#head; to < target.length; i++) {
      const payload = this.#payloads[i] ?? nothing;
      const isClose = this.#closed && i === this.#payloads.length - 1;
      const prefix = isClose ? closeFlag + payload.length : payload.length;
      for (; from < prefixBytes && to < target.length; from++) target[to++] = prefix >>> (24 - 8 * from);
      const skipped = from - prefixBytes;
      const isWhole = skipped === 0 && payload.length <= target.length - to;
      const part = isWhole ? payload : payload.subarray(skipped, skipped + target.length - to);
      // Nothing where the target ends within the prefix.
      target.set(part, to);
      to += part.length;
      from = 0;
    }
    this.#sent = Math.max(this.#sent, this.#acknowledged + target.length - at);
  }
}

const nothing = new Uint8Array();

/** What some bytes of a stream brought. */
export interface Taken {
  readonly frames: readonly Uint8Array[];
  /** After the frames: the close of the sender, or what is wrong with the stream, for which to close. */
  readonly end: { readonly by: 'sender' | 'receiver'; readonly reason: CloseReason } | undefined;
}

/** What one end receives: a parser that is fed in any portions. It allocates in proportion to what has come. */
export class IncomingStream {
  readonly #maxFrameBytes: number;
  #received = 0;
  readonly #prefix = new DataView(new ArrayBuffer(prefixBytes));
  #prefixFilled = 0;
  /** The payload under way: its length, and its beginning in a buffer that grows. */
  #length = 0;
  #payload = nothing;
  #payloadFilled = 0;
  #ended = false;

  constructor(maxFrameBytes: number) {
    this.#maxFrameBytes = maxFrameBytes;
  }

  /** Bytes taken so far: what is acknowledged. */
  get received(): number {
    return this.#received;
  }

  /** Takes the bytes that start at `offset`. A gap is a protocol error; what follows an end is ignored. */
  take(offset: number, bytes: Uint8Array): Taken {
    const frames: Uint8Array[] = [];
    if (this.#ended) return { frames, end: undefined };
    if (offset > this.#received) {
      const message = `bytes from ${offset} on, expected them from ${this.#received} on`;
      return { frames, end: this.#end('receiver', { code: 'protocolError', message }) };
    }
    let at = Math.min(bytes.length, this.#received - offset);
    this.#received += bytes.length - at;
    for (;;) {
      while (this.#prefixFilled < prefixBytes && at < bytes.length) {
        this.#prefix.setUint8(this.#prefixFilled++, bytes[at++] ?? 0);
        if (this.#prefixFilled === prefixBytes) this.#length = this.#prefix.getUint32(0);
      }
      if (this.#prefixFilled < prefixBytes) return { frames, end: undefined };
      const isClose = this.#length >= closeFlag;
      const length = isClose ? this.#length - closeFlag : this.#length;
      const excess = isClose ? longClose(length) : this.#longFrame(length);
      if (excess !== undefined) return { frames, end: this.#end('receiver', excess) };
      const part = bytes.subarray(at, at + length - this.#payloadFilled);
      at += part.length;
      const payload = this.#collect(part, length);
      if (payload === undefined) return { frames, end: undefined };
      if (isClose) return { frames, end: this.#end('sender', decodeClose(payload)) };
      frames.push(payload);
    }
  }

  #longFrame(length: number): CloseReason | undefined {
    return length > this.#maxFrameBytes ? frameTooLarge(length, this.#maxFrameBytes) : undefined;
  }

  /** The payload of `length` bytes if `part` completes it, a copy in any case. */
  #collect(part: Uint8Array, length: number): Uint8Array | undefined {
    const filled = this.#payloadFilled + part.length;
    let payload: Uint8Array;
    if (part.length === length) {
      payload = part.slice();
    } else {
      if (filled > this.#payload.length) {
        const grown = new Uint8Array(Math.min(length, Math.max(filled, 2 * this.#payload.length)));
        grown.set(this.#payload);
        this.#payload = grown;
      }
      this.#payload.set(part, this.#payloadFilled);
      this.#payloadFilled = filled;
      if (filled < length) return undefined;
      payload = this.#payload;
    }
    this.#prefixFilled = 0;
    this.#payload = nothing;
    this.#payloadFilled = 0;
    return payload;
  }

  #end(by: 'sender' | 'receiver', reason: CloseReason): Taken['end'] {
    this.#ended = true;
    this.#payload = nothing;
    return { by, reason };
  }
}

const longClose = (length: number): CloseReason | undefined =>
  length >= 1 && length <= 1 + messageBytes
    ? undefined
    : { code: 'protocolError', message: `a close of ${length} bytes, expected 1 to ${1 + messageBytes}` };
