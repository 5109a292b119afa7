/**
 * What the outcome of an attempt means for the link, and when to try again: nothing is answered by another
 * request at once, but where that one is smaller.
 *
 *     outcome          of an open link                    of one that opens
 *     413              a send again with less, to the least,
 *                      or else tooLarge; a poll refused   refused
 *     404, 410         lost: the session is gone          refused
 *     400, 409, 422    protocolError                      refused
 *     408, 425, 429    again, later                       goingAway
 *     503              again, later                       goingAway
 *     other 5xx        again, later                       unreachable
 *     other 4xx        refused                            refused
 *     other status     again, later                       refused
 *     foreign answer   again, later                       refused
 *     none             again, later                       unreachable
 *
 * Opening is one attempt: whoever asked for the link decides about another. An answer that says when to come
 * again is obeyed: a lane waits for so long, and a link that would have expired by then ends as goingAway.
 */
import type { CloseCode, CloseReason, Entropy } from '../ports.js';
import type { Trouble } from './long-poll-attempt.js';

export type Verdict = 'again' | 'shrink' | CloseCode;

/** Statuses by which a server sends one away for the time being. */
const busy: readonly number[] = [408, 425, 429, 503];

const endings: ReadonlyMap<number, Verdict> = new Map([
  [400, 'protocolError'],
  [404, 'lost'],
  [409, 'protocolError'],
  [410, 'lost'],
  [413, 'shrink'],
  [422, 'protocolError'],
]);

const isClientError = (status: number): boolean => status >= 400 && status < 500;

/** For a link that is open. */
export const verdict = (trouble: Trouble): Verdict => {
  if (trouble.type !== 'status' || !isClientError(trouble.status) || busy.includes(trouble.status))
    return 'again';
  return endings.get(trouble.status) ?? 'refused';
};

/** For a link that opens. */
export const openingVerdict = (trouble: Trouble): CloseCode => {
  if (trouble.type === 'none') return 'unreachable';
  if (trouble.type === 'foreign') return 'refused';
  if (busy.includes(trouble.status)) return 'goingAway';
  return trouble.status >= 500 ? 'unreachable' : 'refused';
};

/** Milliseconds that the answer asks to wait, where it does. */
export const retryAfterIn = (trouble: Trouble): number | undefined =>
  trouble.type === 'status' ? trouble.retryAfter : undefined;

export const closeReason = (code: CloseCode, origin: string, trouble: Trouble): CloseReason => {
  const parts =
    trouble.type === 'status' ? [`HTTP status ${trouble.status}`, trouble.message] : [trouble.message];
  const message = [origin, ...parts].filter((part) => part !== '').join(': ');
  const retryAfter = retryAfterIn(trouble);
  return retryAfter === undefined ? { code, message } : { code, message, retryAfter };
};

export interface RetryOptions {
  /** A link is lost with the failure after so many retries in a row; 5 by default. */
  readonly maxRetries?: number;
  /** Milliseconds before the first retry, doubling from one to the next; 500 by default. */
  readonly retryDelay?: number;
  /** Milliseconds that the delay does not grow beyond; 8 s by default. */
  readonly maxRetryDelay?: number;
}

/** Milliseconds before the retry that follows on so many failures in a row: doubled, minus up to a quarter. */
export const retryDelay = (options: Required<RetryOptions>, failures: number, entropy: Entropy): number => {
  const delay = Math.min(options.maxRetryDelay, options.retryDelay * 2 ** (failures - 1));
  return delay * (1 - (0.25 * entropy.integer()) / 2 ** 53);
};
