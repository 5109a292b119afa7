/**
 * The short way out for a message that many links are sent: framed once (RFC 6455, section 5.2) and written to
 * each connection as it is. A socket of `ws` frames each message anew, and writes head and body apart.
 *
 * Only such messages go this way as the socket would hand on at once, and as they are: it is open, it keeps
 * nothing back (such as a message that is being compressed), and the message is too short to be compressed.
 */

/** The connection below a socket: a stream of Node. */
export interface Carrier {
  /** Bytes that were written and have not left. */
  readonly writableLength: number;
  write(bytes: Uint8Array): unknown;
}

/** A socket of a server, whose messages are not masked. */
export interface Carried {
  readonly readyState: number;
  /** Those of the connection, and what the socket keeps back itself. */
  readonly bufferedAmount: number;
}

/** False where the frame cannot go this way, and was not sent. */
export type Shortcut = (frame: Uint8Array) => boolean;

const OPEN = 1;
/** The only message of its kind: final, binary. */
const BINARY = 0x82;
const SHORT = 125;
const TWO_BYTES = 126;

/** Longer messages are not framed here. */
const MOST = 0xffff;

/** The last frame and what was made of it: those who are sent the same are sent it one after the other. */
let framed: Uint8Array = new Uint8Array(0);
let message: Uint8Array = framed;

const messageOf = (frame: Uint8Array): Uint8Array => {
  if (frame === framed) return message;
  const { length } = frame;
  const head = length <= SHORT ? 2 : 4;
  // Streams would wrap any other array at each write.
  const bytes = Buffer.allocUnsafe(head + length);
  bytes[0] = BINARY;
  if (length <= SHORT) bytes[1] = length;
  else {
    bytes[1] = TWO_BYTES;
    bytes.writeUInt16BE(length, 2);
  }
  bytes.set(frame, head);
  framed = frame;
  message = bytes;
  return bytes;
};

/** The shortcut of a socket for frames of fewer than `limit` bytes. */
export const shortcutOf = (socket: Carried, carrier: Carrier, limit: number): Shortcut => {
  const shorter = Math.min(limit, MOST + 1);
  return (frame) => {
    if (frame.length >= shorter || socket.readyState !== OPEN) return false;
    if (socket.bufferedAmount !== carrier.writableLength) return false;
    carrier.write(messageOf(frame));
    return true;
  };
};
