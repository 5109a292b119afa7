/**
 * Close codes of WebSocket (RFC 6455, section 7.4) and reasons of links.
 *
 * Browsers let an app close with 1000 and 4000 to 4999 only, so that each reason has a code of its own up
 * there, and both sides use it. The codes below are those that proxies, servers and libraries send.
 */
import type { CloseCode, CloseReason } from '../ports.js';

/** Versions are told apart by subprotocol; a slash may not stand in its name (RFC 6455, section 4.1). */
export const subprotocol = 'syncline.1';

const codes: Record<CloseCode, number> = {
  normal: 1000,
  lost: 4000,
  unreachable: 4000,
  goingAway: 4001,
  protocolError: 4002,
  refused: 4003,
  tooLarge: 4009,
};

const reasons: ReadonlyMap<number, CloseCode> = new Map([
  [1000, 'normal'],
  [1001, 'goingAway'],
  [1002, 'protocolError'],
  [1003, 'protocolError'],
  // Closed on purpose, without a code.
  [1005, 'normal'],
  [1007, 'protocolError'],
  [1008, 'refused'],
  [1009, 'tooLarge'],
  [1010, 'protocolError'],
  // Restart, and overload.
  [1012, 'goingAway'],
  [1013, 'goingAway'],
  [4001, 'goingAway'],
  [4002, 'protocolError'],
  [4003, 'refused'],
  [4009, 'tooLarge'],
]);

export const closeCode = (code: CloseCode): number => codes[code];

/** Codes that nobody gave a meaning are `lost`, and so is 1006, the absence of a close. */
export const closeReason = (code: number, message: string): CloseReason => ({
  code: reasons.get(code) ?? 'lost',
  message: message === '' ? `closed with code ${code}` : message,
});

/** The longest beginning of `message` that fits into a close frame: 123 bytes of UTF-8. */
export const closeMessage = (message: string): string => {
  const { read } = new TextEncoder().encodeInto(message, new Uint8Array(123));
  return message.slice(0, read);
};
