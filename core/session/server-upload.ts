/**
 * Uploads of one session: queued as they come, and integrated in order, as far as the history that they meet is
 * at hand; else the store is asked for it.
 *
 * A changeset that does not fit, or whose instructions cannot be decoded, is kept in quarantine, and its session
 * ends with 212. What came before it is integrated; nobody else is disturbed. An upload with writes that its user must
 * not make (`core/access/upload-policy.ts`) ends it with 230, and nothing of it is integrated.
 */
import { refusedWrites } from '../access/upload-policy.js';
import { limits } from '../base/limits.js';
import type { RecordBatch } from '../base/record.js';
import { entriesAfter } from '../base/run.js';
import {
  type FileRecord,
  fileOf,
  type ServerEntry,
  tailStart,
  uploadCursorOf,
} from '../history/partition.js';
import { commitUpload, type UploadCommit } from '../history/server-commit.js';
import type { Decision } from '../merge/recorder.js';
import type { Changeset } from '../model/changeset.js';
import { encodeChangeset } from '../model/codec.js';
import type { UploadCursor } from '../model/progress.js';
import type { DamagedChangeset, Upload } from '../protocol/messages.js';
import { uploadFault } from './server-check.js';
import {
  andThenServer,
  asking,
  ended,
  type ServerEffect,
  type ServerMachine,
  type ServerSession,
  type ServerStep,
  sessionAt,
  stayAs,
  withSession,
} from './server-session.js';

/** Takes an upload into the session's queue, or ends the session for it. */
export const queued = (machine: ServerMachine, session: ServerSession, message: Upload): ServerStep => {
  const file = fileOf(machine.partition, session.ident) as FileRecord;
  const fault = uploadFault(session, uploadCursorOf(file), message);
  if (fault !== null) return ended(machine, session, fault.code, fault.message);
  const { policy } = machine.config;
  const refused = policy === undefined ? null : refusedWrites(policy, session.canWrite, newOf(file, message));
  if (refused !== null) return ended(machine, session, 230, refused.message, { rejected: refused.versions });
  const last = session.queue[session.queue.length - 1];
  // An upload that only acknowledges joins the one before it: however many come, they take no place.
  const joins = last !== undefined && message.changesets.length === 0 && message.damaged === undefined;
  if (!joins && session.queue.length >= limits.queuedUploads)
    return ended(machine, session, 104, `more than ${limits.queuedUploads} uploads wait to be integrated`);
  const queue = joins
    ? [
        ...session.queue.slice(0, -1),
        { ...last, progress: message.progress, lockedServerVersion: message.lockedServerVersion },
      ]
    : [...session.queue, message];
  const waiting: ServerSession = {
    ...session,
    upload: message.progress,
    lockedVersion: message.lockedServerVersion,
    queue,
  };
  return stayAs(withSession(machine, waiting));
};

/** What of an upload is new: retransmissions are skipped in silence, which makes sending again safe. */
const newOf = (file: FileRecord, upload: Upload): readonly Changeset[] =>
  upload.changesets.filter((changeset) => changeset.version > file.clientVersion);

interface Rejected {
  readonly changeset: Changeset | DamagedChangeset;
  readonly message: string;
}

/** How far the client gets by the upload, if nothing of what can be decoded is rejected. */
const progressOf = (file: FileRecord, upload: Upload): UploadCursor => {
  if (newDamage(file, upload) === undefined) return upload.progress;
  const last = upload.changesets[upload.changesets.length - 1];
  return { clientVersion: last?.version ?? 0, lastIntegratedServerVersion: last?.base ?? 0 };
};

const newDamage = (file: FileRecord, { damaged }: Upload): DamagedChangeset | undefined =>
  damaged?.changesets.find((changeset) => changeset.version > file.clientVersion);

const damageOf = (file: FileRecord, upload: Upload): Rejected | null => {
  const changeset = newDamage(file, upload);
  const message = upload.damaged?.reason;
  return changeset === undefined || message === undefined ? null : { changeset, message };
};

const quarantining = (commit: UploadCommit, rejected: Rejected | null): RecordBatch => {
  // The commit itself has kept the one that it found.
  if (rejected === null || commit.rejected !== null || !('body' in rejected.changeset)) return commit.batch;
  const { body, ...numbers } = rejected.changeset;
  const bytes = encodeChangeset({ ...numbers, body: { bytes: body, start: 0 } });
  const record = { space: 'quarantine', index: commit.file.ident, bytes };
  return { ...commit.batch, puts: [...commit.batch.puts, record] };
};

/** Integrates the first upload of the queue. `met`: all main entries above its base. */
export const integrated = (
  machine: ServerMachine,
  session: ServerSession,
  upload: Upload,
  met: readonly ServerEntry[],
  now: number,
): ServerStep => {
  const { partition, config } = machine;
  const file = fileOf(partition, session.ident) as FileRecord;
  const decisions: Decision[] = [];
  const recorder = { decided: (decision: Decision) => void decisions.push(decision) };
  const commit: UploadCommit = commitUpload(
    partition,
    file,
    session.reciprocals,
    met,
    {
      progress: progressOf(file, upload),
      lockedVersion: upload.lockedServerVersion,
      changesets: newOf(file, upload),
    },
    now,
    config.explain ? { rules: config.rules, recorder } : { rules: config.rules },
  );
  const rejected = commit.rejected ?? damageOf(commit.file, upload);
  const effects: ServerEffect[] = [{ type: 'commit', batch: quarantining(commit, rejected) }];
  if (decisions.length > 0) effects.push({ type: 'decided', ident: session.ident, decisions });
  const after: ServerSession = {
    ...session,
    queue: session.queue.slice(1),
    reciprocals: commit.reciprocals,
    reading: { ...session.reading, integrate: false },
    owesCursor: session.owesCursor || upload.changesets.length > 0,
  };
  const changed = withSession({ ...machine, partition: commit.partition }, after);
  if (rejected === null) return { machine: changed, effects };
  const { version } = rejected.changeset;
  const message = `changeset ${version} cannot be integrated: ${rejected.message}`;
  effects.push({ type: 'quarantined', ident: session.ident, version, message });
  return andThenServer({ machine: changed, effects }, (quarantined) =>
    ended(quarantined, after, 212, message, { rejected: [version] }),
  );
};

/** Integrates the session's uploads in order, as far as the history that they meet is at hand. */
export const integrating = (machine: ServerMachine, key: string, now: number): ServerStep => {
  let reached = stayAs(machine);
  for (;;) {
    const session = sessionAt(reached.machine, key);
    const upload = session?.queue[0];
    if (
      session === undefined ||
      upload === undefined ||
      session.phase !== 'active' ||
      session.reading.integrate
    )
      return reached;
    const { partition } = reached.machine;
    const file = fileOf(partition, session.ident) as FileRecord;
    const base = newOf(file, upload)[0]?.base ?? partition.head;
    const start = tailStart(partition);
    if (base + 1 < start) {
      return andThenServer(reached, (free) =>
        asking(
          withSession(free, { ...session, reading: { ...session.reading, integrate: true } }),
          {
            session: key,
            purpose: 'integrate',
            range: { space: 'log', from: base + 1, to: start },
            before: [],
          },
          null,
        ),
      );
    }
    const met = entriesAfter(partition.tail, base);
    reached = andThenServer(reached, (free) => integrated(free, session, upload, met, now));
  }
};
