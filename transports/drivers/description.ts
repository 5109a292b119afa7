/** One printable record of a session: the answer to "why does it not sync?". Plain data, and no secrets. */
import { type ClientSession, type Direction, downloadedTo, lookAt } from '../../core/client.js';
import type { SynclineError } from './error.js';
import type { ResetDescription } from './reset.js';

/** Something that went wrong, and when, in milliseconds since 1970. */
export interface PastError {
  readonly at: number;
  readonly message: string;
}

/** What became of the links of a session so far. Times are milliseconds since 1970, null for never. */
export interface LinkHistory {
  readonly attempts: number;
  /** Attempts that opened. */
  readonly opened: number;
  readonly lastOpened: number | null;
  readonly lastClosed: number | null;
  /** Why the last one ended. */
  readonly lastReason: string | null;
}

export const noLinks: LinkHistory = {
  attempts: 0,
  opened: 0,
  lastOpened: null,
  lastClosed: null,
  lastReason: null,
};

export interface SessionDescription {
  readonly phase: ClientSession['phase'];
  readonly path: string | null;
  readonly partition: string;
  readonly user: string | null;
  /** Of the file, given by the server; 0 before. */
  readonly ident: number;
  /** Directions that the app has paused. */
  readonly paused: readonly Direction[];
  /**
   * Cursors: the newest version here, and how far the server has acknowledged it. Downloads take versions here, too,
   * which nobody has to acknowledge: whether writes wait `pendingBytes` says.
   */
  readonly localVersion: number;
  readonly acknowledgedVersion: number;
  /**
   * The server version integrated here; how far more has come down, which is shown once the rest of its batch is
   * there; and the newest one heard of.
   */
  readonly serverVersion: number;
  readonly downloadedVersion: number;
  readonly newestServerVersion: number;
  /** Writes kept here because the server may still meet them: those not acknowledged, and some more. */
  readonly pendingWrites: number;
  /** Encoded bytes of the writes that the server has not acknowledged. */
  readonly pendingBytes: number;
  /** Uploads under way. */
  readonly uploadsInFlight: number;
  /** Bytes that the server still holds for this file; null where it has not said so. */
  readonly downloadableBytes: number | null;
  /** Calls of `waitFor…` and `integrated` that are not answered yet. */
  readonly waiting: number;
  /** Failed attempts in a row. */
  readonly attempts: number;
  /** When the next attempt is made; null where none is planned. */
  readonly nextAttempt: number | null;
  /** When the machine looks again: an attempt, a timeout, a silence. */
  readonly deadline: number | null;
  readonly links: LinkHistory;
  /** The client reset that is under way; null for none. */
  readonly reset: ResetDescription | null;
  /** Writes that have lost their place, and wait for the app. */
  readonly parked: number;
  /** What stands in the way now. */
  readonly failure: string | null;
  /** The last errors, oldest first. */
  readonly errors: readonly PastError[];
}

export interface Described {
  readonly machine: ClientSession;
  readonly path: string | null;
  readonly user: string | null;
  readonly ended: SynclineError | null;
  readonly links: LinkHistory;
  readonly reset: ResetDescription | null;
  readonly errors: readonly PastError[];
}

export const description = ({
  machine,
  path,
  user,
  ended,
  links,
  reset,
  errors,
}: Described): SessionDescription => {
  const { file, phase, config, held, failure } = machine;
  const isWaiting = phase === 'disconnected' || phase === 'suspended';
  const deadline = ended === null ? machine.deadline : null;
  return {
    phase,
    path,
    partition: config.partition,
    user,
    ident: file.ident,
    paused: (['upload', 'download'] as const).filter((direction) => held[direction]),
    localVersion: file.version,
    acknowledgedVersion: file.progress.upload.clientVersion,
    serverVersion: file.progress.download.serverVersion,
    downloadedVersion: downloadedTo(file).serverVersion,
    newestServerVersion: file.progress.latest.version,
    pendingWrites: file.writes.to - file.writes.from,
    pendingBytes: lookAt(machine, 'upload').remaining ?? 0,
    uploadsInFlight: machine.inFlight.length,
    downloadableBytes: machine.traffic.remaining,
    waiting: machine.waiters.length,
    attempts: machine.attempts,
    nextAttempt: isWaiting ? deadline : null,
    deadline,
    links,
    reset,
    parked: machine.parked.length,
    failure: ended?.message ?? (failure === null ? null : `${failure.name}: ${failure.message}`),
    errors,
  };
};
