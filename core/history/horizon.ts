/**
 * The horizon: the version up to which no client can need the history any more, so that it may be folded.
 *
 * Every client file holds the history at its *position*, the newest server version that it has said it had
 * integrated (`baseVersion`): nothing of it that is still to come has a base below, and nothing below will be
 * sent to it. The horizon is the lowest position of all files that are *live*. A file that nobody has heard of
 * for the time that clients may be offline has *expired*: it holds nothing, and is told to reset itself when it
 * returns.
 *
 * A file at position 0 to which nothing has been integrated is *new*. It has begun to download, perhaps, and
 * what it wrote before its first contact is merged, by itself as by the server, with the history as it was when
 * it began. So nothing may be folded further while it is on its way; but it is on its way for a day at most,
 * because files that are never heard of again (a browser tab that was closed in its first second) must not
 * keep the whole history. If it returns later, having downloaded nothing, it just begins: it never expires. If
 * it has downloaded a part and the history was folded since, it has to reset itself.
 *
 * What folding passes is marked in the same commit (`lastSeen` 0), so no file is ever served from a history
 * other than the one that it began with.
 *
 * Source: merge-semantics, 6.8 and 9.4.
 */
import { forEach } from '../base/trie.js';
import type { FileRecord, Partition } from './partition.js';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** Milliseconds that a client may be offline, unless the server is told otherwise: 30 days. */
export const defaultMaxOffline = 30 * DAY;

/** Milliseconds that a new file has from its first contact to its first acknowledgement before it is passed. */
const FIRST_CONTACT = DAY;

/** How exact `lastSeen` is: it is not written more often. */
export const seenEvery = (maxOffline: number): number => Math.min(HOUR, Math.floor(maxOffline / 100));

/** Nothing of it has been integrated, and it has acknowledged nothing. */
export const isNew = (file: FileRecord): boolean => file.baseVersion === 0 && file.clientVersion === 0;

/** The history has been folded past it: it cannot be served but from the beginning. */
export const isPassed = (file: FileRecord): boolean => file.lastSeen === 0;

/** When it will be refused, in milliseconds since 1970, if nothing is heard of it until then. */
export const expiresAt = (file: FileRecord, maxOffline: number): number =>
  isPassed(file) ? 0 : file.lastSeen + maxOffline;

export const isExpired = (file: FileRecord, now: number, maxOffline: number): boolean =>
  isPassed(file) || now > expiresAt(file, maxOffline);

/** Whether it keeps the history above its position from being folded. */
export const holds = (file: FileRecord, now: number, maxOffline: number): boolean =>
  !isPassed(file) && now <= file.lastSeen + (isNew(file) ? Math.min(FIRST_CONTACT, maxOffline) : maxOffline);

export interface Horizon {
  readonly version: number;
  /** The file that holds it there; null where all are at the head, or there is none. Of several the lowest. */
  readonly heldBy: number | null;
}

/**
 * `connected`: files that are bound at present, which hold it however long they have been silent. Never below
 * the cut. O(files).
 */
export const horizonOf = (
  partition: Partition,
  now: number,
  maxOffline: number,
  connected: ReadonlySet<number> = new Set(),
): Horizon => {
  let version = partition.head;
  let heldBy: number | null = null;
  forEach(partition.files, (file) => {
    if (isPassed(file) || (!connected.has(file.ident) && !holds(file, now, maxOffline))) return;
    if (file.baseVersion > version || (file.baseVersion === version && heldBy === null)) return;
    if (file.baseVersion === version && (heldBy as number) < file.ident) return;
    version = file.baseVersion;
    heldBy = file.ident;
  });
  return { version: Math.max(version, partition.cut), heldBy };
};

/** Files that a fold up to `cut` passes, in ascending order of idents. O(files). */
export const passedBy = (partition: Partition, cut: number): readonly FileRecord[] => {
  const passed: FileRecord[] = [];
  forEach(partition.files, (file) => {
    if (!isPassed(file) && file.baseVersion < cut) passed.push(file);
  });
  return passed.sort((a, b) => a.ident - b.ident);
};
