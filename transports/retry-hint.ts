/**
 * What a peer says about when it wants to be asked again: in a header of HTTP, or in the text of a close, where a
 * carrier has no other place for it.
 */
import type { CloseReason } from './ports.js';

/** Nobody is believed who asks for a longer pause, in milliseconds. */
const longest = 24 * 3_600_000;

const bounded = (milliseconds: number): number => Math.min(longest, Math.max(0, Math.round(milliseconds)));

/**
 * Milliseconds that a `Retry-After` header asks for (RFC 9110, section 10.2.3): seconds, or a date. Undefined
 * where there is none, or none that can be read. `now`: milliseconds since 1970.
 */
export const retryAfterOf = (header: string | null | undefined, now: number): number | undefined => {
  const text = header?.trim() ?? '';
  if (/^\d{1,15}$/.test(text)) return bounded(1000 * Number(text));
  // Dates have letters; without this, `Date.parse` would take numbers of any kind for years.
  const date = /[A-Za-z]{3}/.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(date) ? undefined : bounded(date - now);
};

/** The text of a close. */
export const closeText = ({ message, retryAfter }: CloseReason): string =>
  retryAfter === undefined ? message : `retry-after=${bounded(retryAfter)} ${message}`;

/** What the text of a close says. */
export const closeTextParts = (text: string): Omit<CloseReason, 'code'> => {
  const [head, milliseconds] = /^retry-after=(\d{1,9}) /.exec(text) ?? [];
  return head === undefined
    ? { message: text }
    : { message: text.slice(head.length), retryAfter: bounded(Number(milliseconds)) };
};
