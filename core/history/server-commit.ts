/**
 * Commits of a partition: an ident, an upload, an acknowledgement. Pure functions from the partition to the
 * partition after it and the batch that makes it durable.
 *
 * Source: merge-semantics, 9.4; sessions-and-history, 2.6 and 3.6.
 */
import * as E from 'fp-ts/lib/Either.js';
import { limits } from '../base/limits.js';
import type { RecordBatch, RecordEntry, RecordRange } from '../base/record.js';
import { appended, droppedThrough, runLast, runLength } from '../base/run.js';
import { set } from '../base/trie.js';
import { columnsOf } from '../merge/column-lookup.js';
import type { MergeOptions, TransformError } from '../merge/transform.js';
import { type ApplyError, edit } from '../model/apply.js';
import type { Changeset } from '../model/changeset.js';
import type { Instruction } from '../model/instruction.js';
import type { UploadCursor } from '../model/progress.js';
import type { State } from '../model/state.js';
import { integrate, type LocalForm } from './integrate.js';
import { isSnapshotDue, journaled, snapshot } from './journal.js';
import { type FileRecord, type Partition, type ServerEntry, serverIdent } from './partition.js';
import * as records from './server-records.js';

export interface PartitionCommit {
  readonly partition: Partition;
  readonly batch: RecordBatch;
}

/** Main entries by version, in the form in which one file's next upload meets them. Entries that are not here stand as they are. */
export type Reciprocals = ReadonlyMap<number, Changeset>;

export const withFile = (partition: Partition, file: FileRecord): Partition => ({
  ...partition,
  files: set(partition.files, String(file.ident), file),
});

/** Whole, and never 0, which stands for a file that has expired. */
export const seenAt = (now: number): number => Math.max(1, Math.floor(now));

/** Registers a new client file. `salt` is drawn for it, 1 to 2^53 - 1; `now` in milliseconds since 1970. */
export const allocateIdent = (
  partition: Partition,
  salt: number,
  now: number,
): PartitionCommit & { readonly file: FileRecord } => {
  const file: FileRecord = {
    ident: partition.nextIdent,
    salt,
    clientVersion: 0,
    baseVersion: 0,
    lockedVersion: 0,
    lastSeen: seenAt(now),
  };
  const after = { ...withFile(partition, file), nextIdent: partition.nextIdent + 1 };
  return {
    partition: after,
    file,
    batch: { deletes: [], puts: [records.metaRecord(after), records.fileRecord(file)] },
  };
};

/** What a client sends up, checked for order and cursors by the session. */
export interface IncomingUpload {
  readonly progress: UploadCursor;
  readonly lockedVersion: number;
  /** Those above the file's client version, ascending, with origin 0. */
  readonly changesets: readonly Changeset[];
}

/** A changeset that cannot be integrated, and why. Nothing of it has been. */
export interface Rejection {
  readonly changeset: Changeset;
  readonly message: string;
  readonly cause: ApplyError | TransformError;
}

export interface UploadCommit extends PartitionCommit {
  readonly file: FileRecord;
  readonly reciprocals: Reciprocals;
  /** The entries that were added. */
  readonly entries: readonly ServerEntry[];
  /** The first changeset that did not fit; it and those after it are not integrated. */
  readonly rejected: Rejection | null;
}

interface Integrated {
  readonly forms: readonly LocalForm[];
  readonly state: State;
  readonly incoming: readonly Changeset[];
}

const attempt = (
  state: State,
  forms: readonly LocalForm[],
  changesets: readonly Changeset[],
  options: MergeOptions,
): E.Either<ApplyError | TransformError, Integrated> => {
  const merged = integrate(forms, changesets, { ...options, columns: columnsOf(state) });
  if (E.isLeft(merged)) return merged;
  const draft = edit(state);
  for (const changeset of merged.right.incoming) {
    for (const instruction of changeset.instructions) {
      const error = draft.apply(instruction);
      if (error !== null) return E.left(error);
    }
  }
  return E.right({ forms: merged.right.locals, state: draft.finish(), incoming: merged.right.incoming });
};

/**
 * Integrates as much of the batch as fits. The whole is tried first; where that fails, one changeset after
 * the other, which gives the same result for those that fit (the law of solubility), up to the first that
 * does not.
 */
const integrateFitting = (
  state: State,
  forms: readonly LocalForm[],
  changesets: readonly Changeset[],
  options: MergeOptions,
): Integrated & { readonly rejected: Rejection | null } => {
  const whole = attempt(state, forms, changesets, options);
  if (E.isRight(whole)) return { ...whole.right, rejected: null };
  let reached: Integrated = { forms, state, incoming: [] };
  for (const changeset of changesets) {
    const one = attempt(reached.state, reached.forms, [changeset], options);
    if (E.isLeft(one))
      return { ...reached, rejected: { changeset, message: one.left.message, cause: one.left } };
    reached = { ...one.right, incoming: [...reached.incoming, ...one.right.incoming] };
  }
  return { ...reached, rejected: null };
};

/** The entries that `ident`'s next upload may meet, in the form in which it meets them. */
const formsFor = (
  entries: readonly ServerEntry[],
  ident: number,
  reciprocals: Reciprocals,
): readonly LocalForm[] => {
  const forms: LocalForm[] = [];
  for (const entry of entries) {
    if (entry.origin === ident || entry.instructions.length === 0) continue;
    forms.push({ version: entry.version, changeset: reciprocals.get(entry.version) ?? entry });
  }
  return forms;
};

interface Growth {
  readonly partition: Partition;
  readonly entries: readonly ServerEntry[];
  readonly puts: readonly RecordEntry[];
  readonly deletes: readonly RecordRange[];
}

/** The history with changesets appended that lead to `state`; what of the records this changes, but for `meta`. */
const grownBy = (partition: Partition, changesets: readonly Changeset[], state: State): Growth => {
  if (changesets.length === 0) return { partition, entries: [], puts: [], deletes: [] };
  const puts: RecordEntry[] = [];
  const entries: ServerEntry[] = [];
  let { head, tail, salts, journal, snapshotVersion, log } = partition;
  let deletes: readonly RecordRange[] = [];
  let added = 0;
  for (const changeset of changesets) {
    head++;
    const placed: Changeset = { ...changeset, version: head, base: changeset.version };
    const record = records.logRecord(placed);
    const { length } = record.bytes;
    const entry: ServerEntry = { ...placed, bytes: length, through: (runLast(tail)?.through ?? 0) + length };
    added += length;
    tail = appended(tail, entry);
    entries.push(entry);
    puts.push(record);
  }
  log = { ...log, bytes: log.bytes + added };
  if (runLength(tail) > limits.tailEntries) tail = droppedThrough(tail, head - limits.tailEntries);
  if (salts[salts.length - 1]?.salt !== partition.salt)
    salts = [...salts, { from: partition.head + 1, salt: partition.salt }];
  journal = journaled(journal, added, partition.state, state);
  if (isSnapshotDue(journal)) {
    const whole = snapshot(state);
    journal = whole.journal;
    snapshotVersion = head;
    deletes = whole.deletes;
    puts.push(...whole.puts);
  }
  return {
    partition: { ...partition, head, tail, salts, journal, snapshotVersion, log, state },
    entries,
    puts,
    deletes,
  };
};

/** A change that the server itself makes: fits the partition's present state. */
export interface OwnWrite {
  readonly instructions: readonly Instruction[];
  /** Kept in the same commit; no space of the partition's own. */
  readonly records: RecordBatch;
}

/**
 * Appends a changeset of the server's own file, and what goes with it. Left, and nothing is changed, where an
 * instruction does not fit. With no instructions the history stays as it is.
 */
export const commitOwn = (
  partition: Partition,
  write: OwnWrite,
  now: number,
): E.Either<ApplyError, PartitionCommit> => {
  const { instructions, records: kept } = write;
  if (instructions.length === 0) return E.right({ partition, batch: kept });
  const draft = edit(partition.state);
  for (const instruction of instructions) {
    const error = draft.apply(instruction);
    if (error !== null) return E.left(error);
  }
  // As on a device: what is known is overwritten, whatever clock it was stamped by.
  const known = runLast(partition.tail)?.timestamp ?? 0;
  const timestamp = Math.min(limits.timestamp, Math.max(Math.floor(now), known + 1));
  const changeset: Changeset = { version: 0, base: 0, timestamp, origin: serverIdent, instructions };
  const grown = grownBy(partition, [changeset], draft.finish());
  return E.right({
    partition: grown.partition,
    batch: {
      deletes: [...grown.deletes, ...kept.deletes],
      puts: [...grown.puts, records.metaRecord(grown.partition), ...kept.puts],
    },
  });
};

/**
 * Integrates an upload of `file`. `met` are the main entries above the base of the first changeset, up to
 * the head (from the tail or the store). Cost: that of the merge; nothing depends on the length of the
 * history below the base.
 */
export const commitUpload = (
  partition: Partition,
  file: FileRecord,
  reciprocals: Reciprocals,
  met: readonly ServerEntry[],
  upload: IncomingUpload,
  now: number,
  options: MergeOptions,
): UploadCommit => {
  const forms = formsFor(met, file.ident, reciprocals);
  const incoming = upload.changesets.map((changeset) => ({ ...changeset, origin: file.ident }));
  const fitted = integrateFitting(partition.state, forms, incoming, options);

  const grown = grownBy(partition, fitted.incoming, fitted.state);
  const puts: RecordEntry[] = [...grown.puts];
  const deletes: RecordRange[] = [...grown.deletes];

  const rewritten = new Map(reciprocals);
  for (let i = 0; i < forms.length; i++) {
    const form = fitted.forms[i] as LocalForm;
    if (form === forms[i]) continue;
    rewritten.set(form.version, form.changeset);
    puts.push(records.reciprocalRecord(file.ident, form.changeset));
  }

  const after: FileRecord = {
    ...file,
    clientVersion:
      fitted.rejected === null
        ? Math.max(file.clientVersion, upload.progress.clientVersion)
        : (fitted.incoming[fitted.incoming.length - 1]?.version ?? file.clientVersion),
    baseVersion:
      fitted.rejected === null
        ? Math.max(file.baseVersion, upload.progress.lastIntegratedServerVersion)
        : file.baseVersion,
    lockedVersion: Math.max(file.lockedVersion, upload.lockedVersion),
    lastSeen: seenAt(now),
  };
  if (after.baseVersion > file.baseVersion && rewritten.size > 0) {
    for (const version of rewritten.keys()) if (version <= after.baseVersion) rewritten.delete(version);
    deletes.push(records.reciprocalsTrimmed(file.ident, after.baseVersion));
  }
  if (fitted.rejected !== null) puts.push(records.quarantineRecord(file.ident, fitted.rejected.changeset));

  const changed = withFile(grown.partition, after);
  puts.push(records.metaRecord(changed), records.fileRecord(after));
  return {
    partition: changed,
    file: after,
    reciprocals: rewritten,
    entries: grown.entries,
    rejected: fitted.rejected,
    batch: { deletes, puts: puts.filter((put) => !isTrimmed(put, file.ident, after.baseVersion)) },
  };
};

/** Deletions of a batch come before its puts, so a reciprocal that this very upload outdates must not be put. */
const isTrimmed = (put: RecordEntry, ident: number, through: number): boolean =>
  put.space === records.reciprocalSpace(ident) && put.index <= through;

/**
 * Main entries that a file at download position `from` may need and that are not its own, as a download
 * carries them: `entries` are consecutive from `from + 1`. `base` becomes the newest client version of the
 * file integrated at that point.
 */
export const downloadable = (
  entries: readonly ServerEntry[],
  ident: number,
  lastIntegratedClientVersion: number,
): { readonly changesets: readonly Changeset[]; readonly lastIntegratedClientVersion: number } => {
  const changesets: Changeset[] = [];
  let base = lastIntegratedClientVersion;
  for (const entry of entries) {
    const { version, timestamp, origin, instructions } = entry;
    if (origin === ident) base = entry.base;
    else if (instructions.length > 0) changesets.push({ version, base, timestamp, origin, instructions });
  }
  return { changesets, lastIntegratedClientVersion: base };
};
