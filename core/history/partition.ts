/**
 * A partition: everything a server holds for one shared history.
 *
 * The history is a list of changesets, numbered by server version from 1, each as it was applied: what the
 * server has merged is what everybody downloads. Beside it stand the state after the newest entry and one
 * record per client file. Only a tail of the history is held here; older entries are read from the store
 * when a device that far behind needs them.
 *
 * For each file that has uploaded, the server keeps the reciprocal forms: main entries above the file's
 * base, rewritten over what the file sent since. They are kept with the session that uses them
 * (`Reciprocals`), and in the store.
 *
 * Every server process draws a salt when it opens the partition and records it for the versions it writes.
 * Equal versions with different salts mean different histories: a server restored from a backup is found
 * out by the first device that has seen more.
 *
 * Source: merge-semantics, 9.1, 9.4; sessions-and-history, 2.5, 3.2, 3.6.
 */
import { emptyRun, firstAfter, type Run, runFirst, runLast } from '../base/run.js';
import { emptyTrie, get, sortedKeys, type Trie } from '../base/trie.js';
import type { Changeset } from '../model/changeset.js';
import { digest } from '../model/digest.js';
import type { UploadCursor } from '../model/progress.js';
import { emptyState, type State } from '../model/state.js';
import { emptyJournal, type Journal } from './journal.js';

/**
 * One entry of the main history: `version` is its server version, `base` the client version that it had
 * at its origin, the instructions as applied. May be empty.
 */
export interface ServerEntry extends Changeset {
  /** Encoded size, by which downloads are portioned. */
  readonly bytes: number;
  /** Sum of the sizes of the entries since the tail began, this one included. */
  readonly through: number;
}

/** One client file, as the server knows it. */
export interface FileRecord {
  readonly ident: number;
  /** Proof of identity: drawn with the ident, never 0. */
  readonly salt: number;
  /** Newest client version integrated from it. */
  readonly clientVersion: number;
  /** Newest server version that it has said it had integrated; no upload of it has a base below. */
  readonly baseVersion: number;
  /** The file may still need the history from here on. */
  readonly lockedVersion: number;
  /**
   * Milliseconds since 1970 when it was last heard of, to within the hour; 0 once the history has been folded
   * past its position, and it has to begin anew.
   */
  readonly lastSeen: number;
}

/** From version `from` on (until the next one), entries carry `salt`. */
export interface SaltRange {
  readonly from: number;
  readonly salt: number;
}

/** What the stored history amounts to, by which it is decided when it is worth compacting. */
export interface LogExtent {
  /** Bytes of all stored entries. */
  readonly bytes: number;
  /** The same, right after the last compaction; 0 before the first. */
  readonly settled: number;
  /** Bytes of what stands for everything up to the cut. */
  readonly folded: number;
  /** How often the history has been compacted. */
  readonly compactions: number;
}

export interface Partition {
  /** Newest server version; 0 for an empty history. */
  readonly head: number;
  /**
   * Everything up to this version is folded (`log-rewrite.ts`): the stored entries up to it build the state
   * there, and nothing else is known of them. 0 where nothing is folded.
   */
  readonly cut: number;
  /**
   * Entries up to this version have been rewritten: what stands between them and it is nobody's state, and whoever
   * is below it is brought there in one batch (`ahead.ts`). At least `cut`.
   */
  readonly compacted: number;
  readonly log: LogExtent;
  /** Ascending by `from`. Empty for an empty history. */
  readonly salts: readonly SaltRange[];
  /** Salt for the entries that this process writes. */
  readonly salt: number;
  /** The newest entries, without a gap up to `head`. */
  readonly tail: Run<ServerEntry>;
  readonly state: State;
  readonly files: Trie<FileRecord>;
  readonly nextIdent: number;
  /** The state of version `snapshotVersion` is stored; the history above it leads to `state`. */
  readonly snapshotVersion: number;
  readonly journal: Journal;
}

/** The ident of the server's own file. Clients get 2 and up. */
export const serverIdent = 1;

export const emptyLog: LogExtent = { bytes: 0, settled: 0, folded: 0, compactions: 0 };

/** An empty partition; `salt` is drawn for this process, 1 to 2^53 - 1. */
export const newPartition = (salt: number): Partition => ({
  head: 0,
  cut: 0,
  compacted: 0,
  log: emptyLog,
  salts: [],
  salt,
  tail: emptyRun(),
  state: emptyState,
  files: emptyTrie(),
  nextIdent: serverIdent + 1,
  snapshotVersion: 0,
  journal: emptyJournal,
});

export const fileOf = (partition: Partition, ident: number): FileRecord | undefined =>
  get(partition.files, String(ident));

/** The salt recorded for `version`; 0 for version 0. */
export const saltOf = (partition: Partition, version: number): number => {
  let salt = 0;
  for (const range of partition.salts) if (range.from <= version) salt = range.salt;
  return version === 0 ? 0 : salt;
};

/** The lowest version that is held here; entries below are in the store only. */
export const tailStart = (partition: Partition): number =>
  runFirst(partition.tail)?.version ?? partition.head + 1;

/** Bytes of the entries above `version`, as far as they are held here: a lower bound further back. O(log n). */
export const bytesAfter = (partition: Partition, version: number): number => {
  const next = firstAfter(partition.tail, version);
  const last = runLast(partition.tail);
  return next === undefined || last === undefined ? 0 : last.through - next.through + next.bytes;
};

export const uploadCursorOf = (file: FileRecord): UploadCursor => ({
  clientVersion: file.clientVersion,
  lastIntegratedServerVersion: file.baseVersion,
});

/** A partition in few words, for people. */
export interface PartitionSummary {
  readonly version: number;
  readonly digest: string;
  readonly files: number;
  /** Objects by class, in ascending order of names. */
  readonly objects: ReadonlyMap<string, number>;
}

export const summary = (partition: Partition): PartitionSummary => ({
  version: partition.head,
  digest: digest(partition.state),
  files: partition.files.size,
  objects: new Map(
    sortedKeys(partition.state.tables).flatMap((name) => {
      const table = get(partition.state.tables, name);
      return table === undefined || table.spec.type === 'embedded' ? [] : [[name, table.objects.size]];
    }),
  ),
});
