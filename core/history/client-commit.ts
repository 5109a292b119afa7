/**
 * Commits of a client file: a local write, the ident, a download. Each is a pure function from the file to
 * the file after it and the batch that makes it durable; a commit that cannot be made changes nothing.
 *
 * Stamps follow the greatest one integrated, so a device whose clock is years ahead takes the others along:
 * from then on they count rather than tell the time, and of two concurrent writes the one that has seen more
 * wins. Nothing is lost by that, and nothing diverges. Refusing such changesets would: they cannot be stamped
 * anew once they are made, so the device could never upload again. Only what lies beyond `limits.timestamp` is
 * refused, by the server.
 *
 * Source: merge-semantics, 3.3, 5.2, 9.3, 9.6; sessions-and-history, 2.4 and 3.3.
 */
import * as E from 'fp-ts/lib/Either.js';
import { limits } from '../base/limits.js';
import type { RecordBatch, RecordEntry } from '../base/record.js';
import { appended, droppedThrough, emptyRun, entriesOf, runLength } from '../base/run.js';
import { columnsOf } from '../merge/column-lookup.js';
import type { MergeOptions, TransformError } from '../merge/transform.js';
import { type ApplyError, edit } from '../model/apply.js';
import type { Changeset } from '../model/changeset.js';
import { encodeInstructions } from '../model/codec.js';
import type { Instruction } from '../model/instruction.js';
import type { Batch, DownloadCursor, SaltedVersion, SyncProgress, UploadCursor } from '../model/progress.js';
import type { State } from '../model/state.js';
import { aheadForgotten, aheadRecords, downloadedTo, further, withWrite } from './ahead.js';
import type { ClientFile, LocalWrite } from './client-file.js';
import * as records from './client-records.js';
import { withoutIngested } from './ingested.js';
import { integrate, type LocalForm } from './integrate.js';
import { isSnapshotDue, type Journal, journaled, snapshot } from './journal.js';

/** A commit: the file after it, and the records that make it durable. */
export interface Commit {
  readonly file: ClientFile;
  readonly batch: RecordBatch;
  /** What took effect on the state, in order. */
  readonly effective: readonly Changeset[];
}

interface Closing {
  readonly before: ClientFile;
  /** Complete but for its journal. */
  readonly after: ClientFile;
  /** What led from the state before to the state after. */
  readonly effective: readonly Changeset[];
  /** The instructions that led from the base before to the base after, encoded, or why they are not. */
  readonly applied: Uint8Array | 'none' | 'tooMany';
  readonly puts: readonly RecordEntry[];
  /** Writes up to here are not met any more. */
  readonly trimmedThrough: number;
}

const closed = ({ before, after, effective, applied, puts, trimmedThrough }: Closing): Commit => {
  const trimmed = [
    ...records.trimmed(before.writes, trimmedThrough),
    ...(before.ahead !== null && after.ahead === null ? [aheadForgotten] : []),
  ];
  const commit = (
    file: ClientFile,
    deletes: RecordBatch['deletes'],
    more: readonly RecordEntry[],
  ): Commit => ({
    file,
    effective,
    batch: { deletes: [...trimmed, ...deletes], puts: [records.metaRecord(file), ...more, ...puts] },
  });
  if (applied === 'none') return commit(after, [], []);
  if (applied !== 'tooMany') {
    const journal = journaled(after.journal, applied.length, before.base, after.base);
    if (!isSnapshotDue(journal))
      return commit({ ...after, journal }, [], [records.baseRecord(after, applied)]);
  }
  const whole = snapshot(after.base, records.snapshotSpace(after.generation));
  const deletes = [...whole.deletes, records.baseTrimmed(after)];
  return commit({ ...after, journal: whole.journal }, deletes, whole.puts);
};

/**
 * Commits a local write: `instructions` lead from the file's state to `state`, and there is at least one.
 * `now` is the device's clock in milliseconds since 1970. Left, with a sentence, where the changeset would
 * be larger than the limit.
 */
export const commitWrite = (
  file: ClientFile,
  instructions: readonly Instruction[],
  state: State,
  now: number,
): E.Either<string, Commit> => {
  const version = file.version + 1;
  const stamp = Math.min(Math.max(Math.floor(now), file.stamp), limits.timestamp);
  const original: Changeset = {
    version,
    base: file.progress.download.serverVersion,
    timestamp: stamp,
    origin: 0,
    instructions,
  };
  const body = encodeInstructions(instructions);
  if (body.length > limits.changesetBytes)
    return E.left(
      `a transaction of ${body.length} bytes is more than the ${limits.changesetBytes} that fit in one: make several`,
    );
  const write: LocalWrite = { version, original, current: original, bytes: body.length };
  const writes = appended(file.writes, write);
  const changed = { ...file, version, stamp, state, writes, ahead: withWrite(file.ahead) };
  return E.right(
    closed({
      before: file,
      after: changed,
      effective: [original],
      applied: 'none',
      puts: [records.writeRecord(original)],
      trimmedThrough: 0,
    }),
  );
};

/** Takes the ident and salt that the server allocated. The file has none yet. */
export const commitIdent = (file: ClientFile, ident: number, salt: number): Commit =>
  closed({
    before: file,
    after: { ...file, ident, salt, version: file.version + 1 },
    effective: [],
    applied: 'none',
    puts: [],
    trimmedThrough: 0,
  });

/** What a download says: cursors and changesets, wherever they came from. */
export interface Incoming {
  readonly download: DownloadCursor;
  readonly upload: UploadCursor;
  readonly latest: SaltedVersion;
  readonly changesets: readonly Changeset[];
  /** That it is a part of; absent where it is whole in itself. */
  readonly batch?: Batch;
}

/**
 * Why a download cannot be integrated.
 *
 *     badProgress    its cursors contradict what this file knows: the server's fault, the connection ends
 *     badChangeset   its changesets contradict this file's state
 */
export type IntegrationFailure =
  | { readonly type: 'badProgress'; readonly message: string }
  | {
      readonly type: 'badChangeset';
      readonly message: string;
      readonly cause: ApplyError | TransformError;
    };

const badProgress = (message: string): IntegrationFailure => ({ type: 'badProgress', message });

/** The rules of merge-semantics 9.6 that `incoming` breaks; null if none. */
export const progressFault = (file: ClientFile, incoming: Incoming): IntegrationFailure | null => {
  const { progress } = file;
  const { download, upload, latest } = incoming;
  const reached = downloadedTo(file);
  const grows = (what: string, before: number, after: number): string | null =>
    after < before ? `${what} went back from ${before} to ${after}` : null;
  const within = (what: string, value: number, limit: number, of: string): string | null =>
    value > limit ? `${what} ${value} is above ${of} ${limit}` : null;
  const broken =
    grows('the latest server version', progress.latest.version, latest.version) ??
    grows('the upload cursor', progress.upload.clientVersion, upload.clientVersion) ??
    // 0 says nothing of it.
    (upload.lastIntegratedServerVersion === 0
      ? null
      : grows(
          "the upload cursor's server version",
          progress.upload.lastIntegratedServerVersion,
          upload.lastIntegratedServerVersion,
        )) ??
    grows('the download cursor', reached.serverVersion, download.serverVersion) ??
    grows(
      'the last integrated client version',
      reached.lastIntegratedClientVersion,
      download.lastIntegratedClientVersion,
    ) ??
    within('the upload cursor', upload.clientVersion, file.version, 'the newest local version') ??
    within('the download cursor', download.serverVersion, latest.version, 'the latest server version') ??
    within(
      'the last integrated client version',
      download.lastIntegratedClientVersion,
      upload.clientVersion,
      'the upload cursor',
    ) ??
    within(
      "the upload cursor's server version",
      upload.lastIntegratedServerVersion,
      download.serverVersion,
      'the download cursor',
    );
  if (broken !== null) return badProgress(broken);
  let version = reached.serverVersion;
  let base = reached.lastIntegratedClientVersion;
  for (const changeset of incoming.changesets) {
    if (changeset.version <= version || changeset.version > download.serverVersion)
      return badProgress(
        `changeset ${changeset.version} is not within ${version + 1} … ${download.serverVersion}`,
      );
    if (changeset.base < base || changeset.base > download.lastIntegratedClientVersion)
      return badProgress(
        `changeset ${changeset.version} has base ${changeset.base}, not within ${base} … ${download.lastIntegratedClientVersion}`,
      );
    if (changeset.origin <= 0 || changeset.origin === file.ident)
      return badProgress(`changeset ${changeset.version} has origin ${changeset.origin}`);
    version = changeset.version;
    base = changeset.base;
  }
  return null;
};

/**
 * The server's state after `incoming`, from that before it, with what leads there: the changesets as they came,
 * and between them the writes that the server had integrated by then, each in its final form.
 */
const advancedBase = (
  base: State,
  incoming: Incoming,
  finals: readonly LocalForm[],
): E.Either<ApplyError, { readonly base: State; readonly applied: readonly Instruction[] }> => {
  const draft = edit(base);
  const applied: Instruction[] = [];
  let next = 0;
  const apply = (instructions: readonly Instruction[]): ApplyError | null => {
    for (const instruction of instructions) {
      const error = draft.apply(instruction);
      if (error !== null) return error;
      applied.push(instruction);
    }
    return null;
  };
  const takeWrites = (through: number): ApplyError | null => {
    for (let final = finals[next]; final !== undefined && final.version <= through; final = finals[next]) {
      const error = apply(final.changeset.instructions);
      if (error !== null) return error;
      next++;
    }
    return null;
  };
  for (const changeset of incoming.changesets) {
    const error = takeWrites(changeset.base) ?? apply(changeset.instructions);
    if (error !== null) return E.left(error);
  }
  const error = takeWrites(incoming.download.lastIntegratedClientVersion);
  return error === null ? E.right({ base: withoutIngested(draft.finish()), applied }) : E.left(error);
};

/**
 * A download may bring more than fits in one body, or than is kept before the next snapshot, each instruction being a
 * byte at least: then a snapshot tells what came of it.
 */
const bodyOf = (applied: readonly Instruction[], journal: Journal): Closing['applied'] => {
  if (applied.length === 0) return 'none';
  const isMore = isSnapshotDue({ ...journal, bytes: journal.bytes + applied.length });
  return isMore || applied.length > limits.changesetInstructions ? 'tooMany' : encodeInstructions(applied);
};

const asLocalForm = (write: LocalWrite, ident: number): LocalForm => ({
  version: write.version,
  changeset: write.current.origin === 0 ? { ...write.current, origin: ident } : write.current,
});

const progressAfter = (
  { progress }: ClientFile,
  { latest, upload }: Incoming,
  download: DownloadCursor,
): SyncProgress => ({
  latest,
  download,
  upload: {
    clientVersion: upload.clientVersion,
    lastIntegratedServerVersion: Math.max(
      progress.upload.lastIntegratedServerVersion,
      upload.lastIntegratedServerVersion,
    ),
  },
});

/** What cannot be shown yet is kept, and what it acknowledges is acknowledged. */
const kept = (file: ClientFile, incoming: Incoming, batch: Batch): Commit => {
  const before = file.ahead === null ? file.state : file.ahead.brought;
  const known = runLength(file.writes) === 0 ? before : null;
  const ahead = further(file, incoming.download, incoming.changesets, batch, known);
  return closed({
    before: file,
    after: {
      ...file,
      version: file.version + 1,
      progress: progressAfter(file, incoming, file.progress.download),
      ahead,
    },
    effective: [],
    applied: 'none',
    puts: aheadRecords(ahead, incoming.changesets),
    trimmedThrough: 0,
  });
};

/** Lets go of what came down and cannot be shown: it is to come again, from the file's own position on. */
export const commitForgotten = (file: ClientFile): Commit =>
  closed({
    before: file,
    after: { ...file, version: file.version + 1, ahead: null },
    effective: [],
    applied: 'none',
    puts: [],
    trimmedThrough: 0,
  });

/**
 * Integrates a download: its changesets are merged with the pending writes and applied; the pending writes
 * take their new form; the cursors advance; writes that no download can meet any more are dropped. All or
 * nothing. One that is not the last of its batch is kept, and integrated with the last. Cost: proportional to the
 * download and to the pending writes that it meets.
 */
export const commitDownload = (
  file: ClientFile,
  incoming: Incoming,
  options: MergeOptions,
): E.Either<IntegrationFailure, Commit> => {
  const fault = progressFault(file, incoming);
  if (fault !== null) return E.left(fault);
  if (incoming.batch?.isLast === false) return E.right(kept(file, incoming, incoming.batch));
  if (file.ahead === null) return integrated(file, incoming, options);
  const changesets = [...entriesOf(file.ahead.changesets), ...incoming.changesets];
  return integrated(file, { ...incoming, changesets }, options);
};

const integrated = (
  file: ClientFile,
  incoming: Incoming,
  options: MergeOptions,
): E.Either<IntegrationFailure, Commit> => {
  const pending = entriesOf(file.writes);
  const forms = pending.map((write) => asLocalForm(write, file.ident));
  const merged = integrate(forms, incoming.changesets, { ...options, columns: columnsOf(file.state) });
  if (E.isLeft(merged))
    return E.left({ type: 'badChangeset', message: merged.left.message, cause: merged.left });

  const { ahead } = file;
  const brought = pending.length === 0 ? (ahead?.brought ?? null) : null;
  const draft = edit(brought ?? file.state);
  /** Changesets that it has already. */
  let done = ahead === null || brought === null ? 0 : runLength(ahead.changesets);
  let stamp = file.stamp;
  for (const changeset of merged.right.incoming) {
    stamp = Math.min(Math.max(stamp, changeset.timestamp + 1), limits.timestamp);
    if (done-- > 0) continue;
    for (const instruction of changeset.instructions) {
      const error = draft.apply(instruction);
      if (error !== null) return E.left({ type: 'badChangeset', message: error.message, cause: error });
    }
  }
  const state = draft.finish();
  // Without writes the base is the state, and what was applied to one was applied to the other.
  const advanced =
    pending.length === 0
      ? E.right({ base: state, applied: merged.right.incoming.flatMap(({ instructions }) => instructions) })
      : advancedBase(file.base, incoming, merged.right.locals);
  if (E.isLeft(advanced))
    return E.left({ type: 'badChangeset', message: advanced.left.message, cause: advanced.left });

  const keptAfter = incoming.download.lastIntegratedClientVersion;
  const puts: RecordEntry[] = [];
  let writes = file.writes;
  if (merged.right.locals.some((form, i) => form !== forms[i])) {
    writes = emptyRun();
    for (let i = 0; i < pending.length; i++) {
      const write = pending[i] as LocalWrite;
      const form = merged.right.locals[i] as LocalForm;
      const current = form === forms[i] ? write.current : form.changeset;
      if (current !== write.current && write.version > keptAfter)
        puts.push(records.reciprocalRecord(write.version, current));
      writes = appended(writes, { ...write, current });
    }
  }
  const left = droppedThrough(writes, keptAfter);
  const changed: ClientFile = {
    ...file,
    version: file.version + 1,
    stamp,
    // Equal contents by then: one of the two is enough.
    base: runLength(left) === 0 ? state : advanced.right.base,
    state,
    writes: left,
    progress: progressAfter(file, incoming, incoming.download),
    ahead: null,
  };
  return E.right(
    closed({
      before: file,
      after: changed,
      effective: merged.right.incoming,
      applied: bodyOf(advanced.right.applied, file.journal),
      puts,
      trimmedThrough: keptAfter,
    }),
  );
};
