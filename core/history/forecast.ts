/**
 * The forecast: for every client file, how far it has got and when it will expire. What compacting now would
 * cost whom, and which client it is that everybody's history is kept for.
 */
import { forEach } from '../base/trie.js';
import { expiresAt, horizonOf, isExpired, isNew, isPassed } from './horizon.js';
import type { Partition } from './partition.js';

/**
 *     new        nothing has been exchanged yet, or nothing acknowledged: it can still begin
 *     live       it is served from where it is
 *     expired    silent for too long: it is refused when it returns
 *     passed     refused, and the history it needs is gone
 */
export type ClientStanding = 'new' | 'live' | 'expired' | 'passed';

export interface ClientForecast {
  readonly ident: number;
  readonly standing: ClientStanding;
  /** The newest server version that it has acknowledged. */
  readonly version: number;
  /** How many versions it is behind the newest one. */
  readonly behind: number;
  /** Milliseconds since 1970; null where it is not known any more. */
  readonly lastSeen: number | null;
  /** Milliseconds since 1970: when it expires if it is not heard of; null where it has expired. */
  readonly expiresAt: number | null;
  /** The history is kept for this one: the horizon stands at its position. */
  readonly holdsHorizon: boolean;
}

export interface Forecast {
  /** Everything up to here could be folded now. */
  readonly horizon: number;
  /** Everything up to here is folded already. */
  readonly cut: number;
  /** In ascending order of idents. */
  readonly clients: readonly ClientForecast[];
}

/** `now` and `maxOffline` in milliseconds. A client that stays connected does not expire. O(files × log files). */
export const forecast = (partition: Partition, now: number, maxOffline: number): Forecast => {
  const horizon = horizonOf(partition, now, maxOffline);
  const clients: ClientForecast[] = [];
  forEach(partition.files, (file) => {
    const expired = isExpired(file, now, maxOffline);
    const standing = isNew(file) ? 'new' : isPassed(file) ? 'passed' : expired ? 'expired' : 'live';
    clients.push({
      ident: file.ident,
      standing,
      version: file.baseVersion,
      behind: partition.head - file.baseVersion,
      lastSeen: isPassed(file) ? null : file.lastSeen,
      expiresAt: expired ? null : expiresAt(file, maxOffline),
      holdsHorizon: file.ident === horizon.heldBy,
    });
  });
  return { horizon: horizon.version, cut: partition.cut, clients: clients.sort((a, b) => a.ident - b.ident) };
};
