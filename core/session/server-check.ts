/**
 * What the server checks before it believes a client. Each function answers null, or the error that the
 * session ends with. The order of the checks is the reference's.
 *
 * Source: merge-semantics, 9.7; sessions-and-history, 2.5 and 2.6.
 */
import { limits } from '../base/limits.js';
import { isExpired, isNew, isPassed } from '../history/horizon.js';
import { type FileRecord, fileOf, type Partition, saltOf } from '../history/partition.js';
import { areMutuallyConsistent, isConsistent, type UploadCursor } from '../model/progress.js';
import type { ErrorCode } from '../protocol/errors.js';
import type { Identify, Upload } from '../protocol/messages.js';
import type { ServerSession } from './server-session.js';

export interface Fault {
  readonly code: ErrorCode;
  readonly message: string;
}

const fault = (code: ErrorCode, message: string): Fault => ({ code, message });

/**
 * A file that has exchanged nothing yet begins with the history as it is, however long ago it got its ident. What
 * else has been silent for too long must not go on: expiry is checked before positions, whose history may be gone.
 */
const expiryFault = (file: FileRecord, message: Identify, now: number, maxOffline: number): Fault | null => {
  if (isNew(file) && message.download.serverVersion === 0) return null;
  if (isPassed(file)) return fault(222, `file ${file.ident} has expired: the history it needs is gone`);
  if (!isExpired(file, now, maxOffline)) return null;
  const days = Math.floor((now - file.lastSeen) / 86_400_000);
  return fault(222, `file ${file.ident} has expired: nothing was heard of it for ${days} days`);
};

/** `now` and `maxOffline` in milliseconds. */
export const identifyFault = (
  partition: Partition,
  message: Identify,
  now: number,
  maxOffline: number,
): Fault | null => {
  const file = fileOf(partition, message.ident);
  if (file === undefined) return fault(208, `file ${message.ident} is not known here`);
  if (file.salt !== message.salt) return fault(211, `the salt of file ${message.ident} differs`);
  const { serverVersion, lastIntegratedClientVersion } = message.download;
  const expiry = expiryFault(file, message, now, maxOffline);
  if (expiry !== null) return expiry;
  if (serverVersion < file.baseVersion)
    return fault(
      209,
      `download position ${serverVersion} is below ${file.baseVersion}, which the file has acknowledged`,
    );
  if (serverVersion > partition.head)
    return fault(209, `download position ${serverVersion} is above the newest version, ${partition.head}`);
  if (lastIntegratedClientVersion > file.clientVersion)
    return fault(
      210,
      `client version ${lastIntegratedClientVersion} was never integrated, ${file.clientVersion} was the last`,
    );
  if (message.latest.version < serverVersion || message.latest.version > partition.head)
    return fault(
      209,
      `latest version ${message.latest.version} is not within ${serverVersion} … ${partition.head}`,
    );
  if (message.latest.salt !== saltOf(partition, message.latest.version))
    return fault(211, `version ${message.latest.version} has another salt here: the histories differ`);
  return null;
};

const asPair = (cursor: UploadCursor) => ({
  position: cursor.clientVersion,
  seen: cursor.lastIntegratedServerVersion,
});

const isCursorSound = (cursor: UploadCursor, ...others: readonly UploadCursor[]): boolean =>
  isConsistent(cursor.clientVersion, cursor.lastIntegratedServerVersion) &&
  others.every((other) => areMutuallyConsistent(asPair(cursor), asPair(other)));

/** `threshold`: what the server has integrated of the file so far. */
export const uploadFault = (
  session: ServerSession,
  threshold: UploadCursor,
  message: Upload,
): Fault | null => {
  const { progress } = message;
  if (progress.clientVersion < session.upload.clientVersion)
    return fault(
      210,
      `client version ${progress.clientVersion} is below the last one, ${session.upload.clientVersion}`,
    );
  if (progress.lastIntegratedServerVersion > session.download.serverVersion)
    return fault(
      209,
      `server version ${progress.lastIntegratedServerVersion} has not been sent in this session`,
    );
  if (!isCursorSound(progress, session.upload))
    return fault(
      209,
      `the upload cursor ${progress.clientVersion}, ${progress.lastIntegratedServerVersion} contradicts the one before`,
    );
  if (
    message.lockedServerVersion < session.lockedVersion ||
    message.lockedServerVersion > session.download.serverVersion
  )
    return fault(
      209,
      `locked version ${message.lockedServerVersion} is not within ${session.lockedVersion} … ${session.download.serverVersion}`,
    );
  let last = session.upload;
  for (const changeset of [...message.changesets, ...(message.damaged?.changesets ?? [])]) {
    const cursor = { clientVersion: changeset.version, lastIntegratedServerVersion: changeset.base };
    if (changeset.version <= last.clientVersion)
      return fault(210, `changeset ${changeset.version} does not come after ${last.clientVersion}`);
    if (changeset.timestamp > limits.timestamp)
      return fault(
        212,
        `changeset ${changeset.version} is stamped ${changeset.timestamp}, after the year 9999`,
      );
    if (changeset.origin !== 0)
      return fault(216, `changeset ${changeset.version} names origin ${changeset.origin}`);
    const isNew = changeset.version > threshold.clientVersion;
    if (!isCursorSound(cursor, last) || (isNew && changeset.base < threshold.lastIntegratedServerVersion))
      return fault(
        209,
        `changeset ${changeset.version} has base ${changeset.base}, which contradicts what came before`,
      );
    last = cursor;
  }
  if (last.clientVersion > progress.clientVersion)
    return fault(
      210,
      `changeset ${last.clientVersion} is above the upload cursor, ${progress.clientVersion}`,
    );
  if (last.lastIntegratedServerVersion > progress.lastIntegratedServerVersion)
    return fault(
      209,
      `base ${last.lastIntegratedServerVersion} is above the upload cursor's ${progress.lastIntegratedServerVersion}`,
    );
  return null;
};
