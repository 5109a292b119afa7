/**
 * A client file: everything a device holds for one partition.
 *
 * The file is what the server had when it was heard last (`base`), the local writes that the server may
 * still meet (`writes`), what both together come to (`state`), and the cursors that say how far each side
 * knows the other. It changes by commits only: a local write, an ident, or the integration of a download.
 * Every commit takes the next client version and answers the batch of records that makes it durable; state,
 * writes and cursors change together or not at all.
 *
 * What is stored is the base, and the writes; the state is made from them when the file is opened. While
 * there are no writes, base and state are one value. The base is what makes a client reset a merge: the
 * difference between two states of the server is something that the writes can be carried over
 * (`core/reset`).
 *
 * A local write is kept in two forms: `original`, which is uploaded, and `current`, what has become of it by
 * the downloads integrated since: what the next download meets. It is kept until a download's cursor
 * shows that the server had integrated it (`lastIntegratedClientVersion`). Being acknowledged is not
 * enough: changesets made before the server integrated it may still come.
 *
 * Timestamps are causal: a write is stamped with the greatest of the device's clock, the last own stamp
 * and the greatest stamp integrated plus one (merge-semantics, 3.3).
 *
 * Source: merge-semantics, 9.2, 9.3, 9.6; sessions-and-history, 2.3, 2.4, 3.3 to 3.5.
 */
import { emptyRun, entriesAfter, type Run } from '../base/run.js';
import type { Changeset } from '../model/changeset.js';
import { noProgress, type SyncProgress, type UploadCursor } from '../model/progress.js';
import { emptyState, type State } from '../model/state.js';
import type { Ahead } from './ahead.js';
import { emptyJournal, type Journal } from './journal.js';

/** One local write that the server may still meet. Never empty in its original form. */
export interface LocalWrite {
  readonly version: number;
  /** As made here, with origin 0: what is uploaded. */
  readonly original: Changeset;
  /** Towards the server, after all downloads integrated so far. May be empty. */
  readonly current: Changeset;
  /** Encoded size of the original's instructions. */
  readonly bytes: number;
}

export interface ClientFile {
  /** Given by the server once; 0 before. */
  readonly ident: number;
  readonly salt: number;
  /** Of the last commit; 0 for a new file. */
  readonly version: number;
  readonly progress: SyncProgress;
  /** What has come down and cannot be shown yet; null for nothing. */
  readonly ahead: Ahead | null;
  readonly writes: Run<LocalWrite>;
  /** The server's state at the download cursor: `state` without the `writes`. */
  readonly base: State;
  readonly state: State;
  /** No local write may be stamped lower than this. */
  readonly stamp: number;
  readonly journal: Journal;
  /** Counts the client resets: two files may lie in one store, and the parity tells their records apart. */
  readonly generation: number;
}

export const newClientFile: ClientFile = {
  ident: 0,
  salt: 0,
  version: 0,
  progress: noProgress,
  ahead: null,
  writes: emptyRun(),
  base: emptyState,
  state: emptyState,
  stamp: 0,
  journal: emptyJournal,
  generation: 0,
};

/** What to upload next: changesets above `after`, and the cursor to send with them. */
export interface UploadPart {
  readonly changesets: readonly Changeset[];
  readonly progress: UploadCursor;
}

/**
 * Collects local writes above client version `after` until `maxBytes` are reached; at least one if there is
 * any. The cursor is that of the last one taken, or the file's newest version if nothing is left.
 */
export const selectUpload = (file: ClientFile, after: number, maxBytes: number): UploadPart => {
  const waiting = entriesAfter(file.writes, after);
  const changesets: Changeset[] = [];
  let bytes = 0;
  for (const write of waiting) {
    if (changesets.length > 0 && bytes + write.bytes > maxBytes) break;
    changesets.push(write.original);
    bytes += write.bytes;
  }
  const last = changesets[changesets.length - 1];
  const progress =
    last !== undefined && changesets.length < waiting.length
      ? { clientVersion: last.version, lastIntegratedServerVersion: last.base }
      : { clientVersion: file.version, lastIntegratedServerVersion: file.progress.download.serverVersion };
  return { changesets, progress };
};

/** The newest local write that the server has not acknowledged; 0 if there is none. */
export const newestUnacknowledged = (file: ClientFile): number => {
  const waiting = entriesAfter(file.writes, file.progress.upload.clientVersion);
  return waiting[waiting.length - 1]?.version ?? 0;
};
