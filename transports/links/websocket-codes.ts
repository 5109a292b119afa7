/**
 * Close codes of WebSocket (RFC 6455, section 7.4) and reasons of links.
 *
 * Browsers let an app close with 1000 and 4000 to 4999 only, so that each reason has a code of its own up
 * there, and both sides use it. The codes below are those that proxies, servers and libraries send.
 */
import type { CloseCode, CloseReason } from '../ports.js';
import { closeText, closeTextParts } from '../retry-hint.js';
import type { VersionRange } from '../versions.js';

/**
 * Versions are told apart by subprotocol, newest first; a slash may not stand in its name (RFC 6455, section
 * 4.1). The client offers all that it speaks, and the server chooses the newest that it speaks too.
 */
export const subprotocols = ({ oldest, newest }: VersionRange): string[] =>
  Array.from({ length: newest - oldest + 1 }, (_, i) => `syncline.${newest - i}`);

/**
 * Offered last, and chosen where no version is common: browsers fail without saying why where nothing is
 * chosen. The server closes then, with its reason, and the link has never opened.
 */
export const noSubprotocol = 'syncline.none';

export const chosenSubprotocol = (range: VersionRange, offered: Iterable<string>): string | undefined => {
  const known = new Set(offered);
  return subprotocols(range).find((each) => known.has(each));
};

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

/** Bytes of one message, if nobody says otherwise. */
export const maxMessageBytes = 128 * 1024;

export const closeCode = (code: CloseCode): number => codes[code];

/** Codes that nobody gave a meaning are `lost`, and so is 1006, the absence of a close. */
export const closeReason = (code: number, text: string): CloseReason => ({
  code: reasons.get(code) ?? 'lost',
  ...closeTextParts(text === '' ? `closed with code ${code}` : text),
});

/** The longest beginning of the reason's text that fits into a close frame: 123 bytes of UTF-8. */
export const closeMessage = (reason: CloseReason): string => {
  const text = closeText(reason);
  const { read } = new TextEncoder().encodeInto(text, new Uint8Array(123));
  return text.slice(0, read);
};
