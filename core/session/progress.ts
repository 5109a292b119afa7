/**
 * Progress of an upload or a download, as numbers that never lie: what has been transferred of what is to be,
 * from one look at the session after the other. Pure: a meter and a look give the next meter and what to tell.
 *
 * Bytes going up are those of the encoded writes that the server has not acknowledged. Bytes coming down are
 * those of the messages received, and what the server says it still holds.
 *
 * Laws, whatever the looks say: `transferredBytes <= transferableBytes`; the estimate is within 0 … 1 and no
 * NaN; within one target neither it nor the transferred bytes go back. A meter of outstanding work has one
 * target from its first item on, and its estimate is 1 exactly when the work is done, which ends it.
 */
import { entriesAfter } from '../base/run.js';
import type { ClientFile } from '../history/client-file.js';
import type { ClientSession, Direction } from './client-session.js';

export interface Progress {
  readonly transferredBytes: number;
  readonly transferableBytes: number;
  /** Part of the present target that is done, 0 to 1. */
  readonly estimate: number;
}

export type ProgressMode = 'reportIndefinitely' | 'forCurrentlyOutstandingWork';

/** `transferred` never goes back; `remaining` is null where nobody knows. */
export interface Look {
  readonly transferred: number;
  readonly remaining: number | null;
}

/** Bytes of the writes up to client version `through` that the server has not acknowledged. O(pending). */
export const pendingBytes = (file: ClientFile, through = file.version): number => {
  let bytes = 0;
  for (const write of entriesAfter(file.writes, file.progress.upload.clientVersion)) {
    if (write.version > through) break;
    bytes += write.bytes;
  }
  return bytes;
};

export const lookAt = (session: ClientSession, direction: Direction): Look => {
  const { traffic, file } = session;
  return direction === 'upload'
    ? { transferred: traffic.uploaded, remaining: pendingBytes(file) }
    : { transferred: traffic.downloaded, remaining: traffic.remaining };
};

/** A meter that follows moving targets. `base` is what had been transferred when all was done last. */
export interface FollowingMeter {
  readonly base: number;
  readonly last: Progress | null;
}

export const newFollowingMeter: FollowingMeter = { base: 0, last: null };

const isSame = (a: Progress | null, b: Progress): boolean =>
  a !== null &&
  a.transferredBytes === b.transferredBytes &&
  a.transferableBytes === b.transferableBytes &&
  a.estimate === b.estimate;

/** `item` is null where there is nothing new to tell. */
export const followed = (
  meter: FollowingMeter,
  { transferred, remaining }: Look,
): { readonly meter: FollowingMeter; readonly item: Progress | null } => {
  if (remaining === null) return { meter, item: null };
  const transferable = transferred + remaining;
  const isDone = remaining === 0;
  const item: Progress = {
    transferredBytes: transferred,
    transferableBytes: transferable,
    estimate: isDone ? 1 : (transferred - meter.base) / (transferable - meter.base),
  };
  const base = isDone ? transferred : meter.base;
  return isSame(meter.last, item) ? { meter, item: null } : { meter: { base, last: item }, item };
};

/** A meter of what was outstanding when it began. */
export interface OutstandingMeter {
  /** What had been transferred by then. */
  readonly base: number;
  /** Bytes of the target; null until they are known. */
  readonly target: number | null;
  readonly last: Progress | null;
}

export const newOutstandingMeter = (look: Look): OutstandingMeter => ({
  base: look.transferred,
  target: look.remaining === null || look.remaining === 0 ? null : look.remaining,
  last: null,
});

/** The last item is that of a look at which all `isDone`. */
export const settledAt = (
  meter: OutstandingMeter,
  { transferred, remaining }: Look,
  isDone: boolean,
): { readonly meter: OutstandingMeter; readonly item: Progress | null } => {
  const received = transferred - meter.base;
  const known = received + (remaining ?? 0);
  const target = meter.target ?? (known > 0 && (remaining !== null || isDone) ? known : null);
  if (target === null && !isDone) return { meter, item: null };
  const bytes = target ?? 0;
  // As long as it is not confirmed that all is there, something of it is missing.
  const done = isDone ? bytes : Math.min(bytes - 1, Math.max(received, meter.last?.transferredBytes ?? 0));
  const item: Progress = {
    transferredBytes: done,
    transferableBytes: bytes,
    estimate: isDone ? 1 : done / bytes,
  };
  const next = { ...meter, target, last: item };
  return isSame(meter.last, item) && !isDone ? { meter: next, item: null } : { meter: next, item };
};
