/**
 * Positions in histories. Source: merge-semantics, sections 9.1 and 9.2; sessions-and-history, section 2.
 */

/** A server version with the salt recorded for it; equal numbers with other salts are other histories. */
export interface SaltedVersion {
  readonly version: number;
  readonly salt: number;
}

/** A position in the server's history, and the newest version of this client integrated at that position. */
export interface DownloadCursor {
  readonly serverVersion: number;
  readonly lastIntegratedClientVersion: number;
}

/** A position in the client's history, and the newest server version the client had integrated there. */
export interface UploadCursor {
  readonly clientVersion: number;
  readonly lastIntegratedServerVersion: number;
}

/** What a download says of the batch that it is a part of (`core/history/ahead.ts`). */
export interface Batch {
  /** Everything up to this version is folded. */
  readonly cut: number;
  /** Whether what has come down by now may be shown. */
  readonly isLast: boolean;
}

export interface SyncProgress {
  readonly latest: SaltedVersion;
  readonly download: DownloadCursor;
  readonly upload: UploadCursor;
}

export const noProgress: SyncProgress = {
  latest: { version: 0, salt: 0 },
  download: { serverVersion: 0, lastIntegratedClientVersion: 0 },
  upload: { clientVersion: 0, lastIntegratedServerVersion: 0 },
};

/** A cursor at position 0 can have seen nothing of the other side. */
export const isConsistent = (position: number, seen: number): boolean => position !== 0 || seen === 0;

/** Of two cursors of one history, the one that is further has seen at least as much; equal positions have seen the same. */
export const areMutuallyConsistent = (
  a: { readonly position: number; readonly seen: number },
  b: { readonly position: number; readonly seen: number },
): boolean => {
  if (a.position === b.position) return a.seen === b.seen;
  return a.position < b.position ? a.seen <= b.seen : a.seen >= b.seen;
};
