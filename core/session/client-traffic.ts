/**
 * What the client machine says and hears once it is bound: who it is, its uploads, what comes down, the marks
 * that tell how far, and those who wait for any of it.
 */
import * as E from 'fp-ts/lib/Either.js';
import { limits } from '../base/limits.js';
import { entriesAfter, firstAfter, lastThrough } from '../base/run.js';
import { downloadedTo, isOfAnother } from '../history/ahead.js';
import {
  type Commit,
  commitDownload,
  commitForgotten,
  commitIdent,
  commitWrite,
  type Incoming,
  type IntegrationFailure,
} from '../history/client-commit.js';
import { type ClientFile, newestUnacknowledged, selectUpload } from '../history/client-file.js';
import type { Decision } from '../merge/recorder.js';
import type { Changeset } from '../model/changeset.js';
import type { UploadCursor } from '../model/progress.js';
import type { Download, ServerIdent, ServerMark } from '../protocol/messages.js';
import { firstDropped } from '../reset/dropped.js';
import { parkedForgotten } from '../reset/parked.js';
import { failed, send, silenceDeadline, unbinding, violation } from './client-link.js';
import {
  andThen,
  type ClientEffect,
  type ClientEvent,
  type ClientSession,
  type ClientStep,
  droppedFailure,
  failureOf,
  stay,
  type Waiter,
} from './client-session.js';
import { tookEffect, tookLosses } from './explain.js';

/**
 * Tells the server who this file is and asks for the mark that ends catching up. With downloads held it never
 * would: then uploads begin at once.
 */
const identified = (session: ClientSession, now: number, before: readonly ClientEffect[]): ClientStep => {
  const { file, marks, held } = session;
  const requested = Math.max(marks.requested, marks.answered + 1);
  const begun: ClientSession = {
    ...session,
    phase: held.download ? 'streaming' : 'catchingUp',
    deadline: silenceDeadline(session, now),
    heard: now,
    pinged: false,
    goodSince: null,
    skipped: held.download,
    sent: file.progress.upload.clientVersion,
    inFlight: [],
    established: file.progress.upload,
    acknowledged: file.progress.upload.lastIntegratedServerVersion,
    marks: { ...marks, requested, sent: held.download ? marks.answered : requested },
    traffic: { ...session.traffic, remaining: null },
  };
  const identify = send({
    type: 'identify',
    session: session.number,
    ident: file.ident,
    salt: file.salt,
    latest: file.progress.latest,
    download: downloadedTo(file),
    ...(held.download ? { uploadsOnly: true } : {}),
  });
  if (held.download) return andThen({ session: begun, effects: [...before, identify] }, uploading);
  const mark = send({ type: 'mark', session: session.number, request: requested });
  return { session: begun, effects: [...before, identify, mark] };
};

export const opened = (session: ClientSession, token: string, now: number): ClientStep => {
  const number = session.number + 1;
  const needIdent = session.file.ident === 0;
  const bind = send({ type: 'bind', session: number, partition: session.config.partition, token, needIdent });
  const linked = { ...session, number, linked: true };
  return needIdent
    ? { session: { ...linked, phase: 'binding' }, effects: [bind] }
    : identified(linked, now, [bind]);
};

export const identReceived = (session: ClientSession, message: ServerIdent, now: number): ClientStep => {
  if (message.ident < 2 || message.salt < 1)
    return violation(session, `ident ${message.ident}, salt ${message.salt}`);
  const commit = commitIdent(session.file, message.ident, message.salt);
  return identified({ ...session, file: commit.file }, now, [{ type: 'commit', batch: commit.batch }]);
};

/**
 * Versions that have come down when a file with nothing to upload acknowledges them. Not the same for all: those
 * who hear the same would all answer it at one moment.
 */
export const acknowledgedAfter = (ident: number): number => {
  const most = limits.acknowledgedVersions;
  return most - (ident % Math.max(1, most >> 1));
};

/**
 * Sends what waits, a bounded number of uploads ahead of their acknowledgement; or, where nothing waits and
 * enough has come down since, an empty upload that acknowledges it, so that the server can let go. With uploads
 * held nothing is sent but that, and only where no write waits: it would be overtaken.
 */
export const uploading = (session: ClientSession): ClientStep =>
  uploadingFrom(session, session.config.acknowledgeEvery ?? acknowledgedAfter(session.file.ident));

/** The same, but that whoever has just heard that this was everything acknowledges it, however little it was. */
const uploadingAll = (session: ClientSession): ClientStep => uploadingFrom(session, 1);

const uploadingFrom = (session: ClientSession, fromVersions: number): ClientStep => {
  if (session.phase !== 'streaming' || session.config.downloadsOnly === true) return stay(session);
  const { file } = session;
  if (session.held.upload && firstAfter(file.writes, session.sent) !== undefined) return stay(session);
  const effects: ClientEffect[] = [];
  const inFlight = session.inFlight.slice();
  let { sent, acknowledged } = session;
  while (inFlight.length < limits.uploadsInFlight) {
    const part = selectUpload(file, sent, session.portion);
    const ahead = part.progress.lastIntegratedServerVersion - acknowledged;
    if (part.changesets.length === 0 && ahead < fromVersions) break;
    effects.push(
      send({
        type: 'upload',
        session: session.number,
        progress: part.progress,
        lockedServerVersion: file.progress.download.serverVersion,
        changesets: part.changesets,
      }),
    );
    sent = part.progress.clientVersion;
    acknowledged = part.progress.lastIntegratedServerVersion;
    if (part.changesets.length > 0) inFlight.push(sent);
  }
  return effects.length === 0
    ? stay(session)
    : { session: { ...session, sent, acknowledged, inFlight }, effects };
};

const answeredTo = (session: ClientSession, isDone: (waiter: Waiter) => boolean): ClientStep => {
  const done = session.waiters.filter(isDone);
  if (done.length === 0) return stay(session);
  return {
    session: { ...session, waiters: session.waiters.filter((waiter) => !isDone(waiter)) },
    effects: done.map((waiter) => ({ type: 'settled', id: waiter.id, failure: null })),
  };
};

const settledUploads = (session: ClientSession): ClientStep => {
  const reached = session.file.progress.upload.clientVersion;
  return answeredTo(session, (waiter) => waiter.type === 'upload' && waiter.version <= reached);
};

const undownloadable = (session: ClientSession, failure: IntegrationFailure): ClientStep => {
  if (failure.type === 'badProgress') return violation(session, failure.message);
  const message = `a download cannot be integrated: ${failure.message}`;
  return failed(session, failureOf(212, message, false), [
    send({ type: 'clientError', session: session.number, code: 212, message: failure.message }),
    { type: 'disconnect', cause: 'done', message },
  ]);
};

const explained = (
  session: ClientSession,
  effective: readonly Changeset[],
  ident: number,
  decisions: readonly Decision[],
): ClientSession['explanations'] => {
  if (session.explanations === null) return null;
  let after = session.explanations;
  for (const changeset of effective) after = tookEffect(after, changeset, ident);
  return tookLosses(after, decisions);
};

/** Encoded bytes of the writes that the server has acknowledged between the two. */
const acknowledgedBytes = (before: ClientFile, after: ClientFile): number => {
  const through = after.progress.upload.clientVersion;
  let bytes = 0;
  if (through > before.progress.upload.clientVersion)
    for (const write of entriesAfter(before.writes, before.progress.upload.clientVersion)) {
      if (write.version > through) break;
      bytes += write.bytes;
    }
  return bytes;
};

/**
 * What is left of a download where downloads are held: the acknowledgement, and the version that it holds for. By
 * that the server is found out that is restored to a time before: it would no longer know of what it acknowledged.
 */
const acknowledgementIn = (file: ClientFile, message: Download): Incoming => ({
  download: downloadedTo(file),
  upload: message.upload,
  latest: message.latest,
  changesets: [],
  ...(file.ahead === null ? {} : { batch: { cut: file.ahead.cut, isLast: false } }),
});

/** A file that only repeats the server's is shown to nobody before all is there: it takes parts as they come. */
const shownAtOnce = ({ batch, ...whole }: Download): Download => whole;

/**
 * A server that was restored may have lost acknowledgements, and nothing else: then it has the version that the file
 * knew as the latest, and so all writes that it had acknowledged by then. What it says is taken from there on.
 */
const heldTo = ({ established }: ClientSession, message: Download): Download => {
  const { clientVersion, lastIntegratedServerVersion } = message.upload;
  if (clientVersion >= established.clientVersion) return message;
  const upload: UploadCursor = {
    clientVersion: established.clientVersion,
    lastIntegratedServerVersion: Math.max(
      lastIntegratedServerVersion,
      established.lastIntegratedServerVersion,
    ),
  };
  return { ...message, upload };
};

export const downloadReceived = (
  session: ClientSession,
  given: Download,
  bytes: number,
  now: number,
): ClientStep => {
  const established = heldTo(session, given);
  const message = session.config.downloadsOnly === true ? shownAtOnce(established) : established;
  const before = session.file;
  const isHeld = session.held.download;
  if (!isHeld && isOfAnother(before, message.batch)) {
    const { file, batch } = commitForgotten(before);
    return andThen({ session: { ...session, file }, effects: [{ type: 'commit', batch }] }, (again) =>
      unbinding(again, now),
    );
  }
  const { traffic } = session;
  if (isHeld && message.upload.clientVersion <= before.progress.upload.clientVersion)
    return stay({ ...session, skipped: true, traffic: { ...traffic, remaining: null } });
  const incoming = isHeld ? acknowledgementIn(before, message) : message;
  const decisions: Decision[] = [];
  const recorder = { decided: (decision: Decision) => void decisions.push(decision) };
  const { rules, explain } = session.config;
  const options = explain || session.isRecording ? { rules, recorder } : { rules };
  const committed = commitDownload(before, incoming, options);
  if (E.isLeft(committed)) return undownloadable(session, committed.left);
  const { file, batch, effective }: Commit = committed.right;
  const effects: ClientEffect[] = [{ type: 'commit', batch }];
  if (file.state !== before.state)
    effects.push({ type: 'changed', before: before.state, after: file.state, cause: 'download' });
  if (decisions.length > 0) effects.push({ type: 'decided', decisions });
  // Whoever gets on is not slowed down by a link that is lost over and over.
  const getsOn =
    downloadedTo(file).serverVersion > downloadedTo(before).serverVersion ||
    file.progress.upload.clientVersion > before.progress.upload.clientVersion;
  const integrated: ClientSession = {
    ...session,
    file,
    inFlight: session.inFlight.filter((version) => version > file.progress.upload.clientVersion),
    explanations: explained(session, effective, file.ident, decisions),
    attempts: getsOn ? 0 : session.attempts,
    skipped: session.skipped || isHeld,
    traffic: {
      uploaded: traffic.uploaded + acknowledgedBytes(before, file),
      downloaded: traffic.downloaded + (isHeld ? 0 : bytes),
      remaining: isHeld ? null : message.downloadableBytes,
    },
  };
  return andThen(andThen({ session: integrated, effects }, settledUploads), uploading);
};

export const markReceived = (session: ClientSession, message: ServerMark, now: number): ClientStep => {
  const { marks } = session;
  if (message.request <= marks.answered || message.request > marks.sent)
    return violation(session, `mark ${message.request}, expected ${marks.answered + 1} … ${marks.sent}`);
  // It says that all was sent, of which some was dropped.
  if (session.skipped || session.held.download) return stay({ ...session, skipped: true });
  if (session.file.ahead !== null)
    return violation(session, `mark ${message.request} before the last download of its batch`);
  const answered: ClientSession = {
    ...session,
    phase: 'streaming',
    failure: null,
    renewal: 'none',
    goodSince: session.goodSince ?? now,
    marks: { ...marks, answered: message.request },
  };
  const settled = answeredTo(
    answered,
    (waiter) => waiter.type === 'download' && waiter.mark <= message.request,
  );
  return andThen(settled, uploadingAll);
};

export const written = (
  session: ClientSession,
  { instructions, state, unparks, now }: Extract<ClientEvent, { type: 'write' }>,
): ClientStep => {
  const before = session.file;
  const commit = commitWrite(before, instructions, state, now);
  if (E.isLeft(commit)) return { session, effects: [{ type: 'refused', message: commit.left }] };
  const { file, batch, effective } = commit.right;
  const deletes = unparks === undefined ? [] : [parkedForgotten(unparks)];
  const committed: ClientStep = {
    session: {
      ...session,
      file,
      parked: session.parked.filter(({ id }) => id !== unparks),
      explanations: explained(session, effective, file.ident, []),
    },
    effects: [
      { type: 'commit', batch: { ...batch, deletes: [...batch.deletes, ...deletes] } },
      { type: 'changed', before: before.state, after: state, cause: 'write' },
    ],
  };
  return andThen(committed, uploading);
};

/** The newest write up to `version` that the server has not acknowledged; 0 if there is none. O(log pending). */
const unacknowledgedUpTo = (file: ClientFile, version: number): number => {
  const newest = lastThrough(file.writes, version)?.version ?? 0;
  return newest > file.progress.upload.clientVersion ? newest : 0;
};

export const awaited = (
  session: ClientSession,
  { what, id, version: upTo }: Extract<ClientEvent, { type: 'await' }>,
): ClientStep => {
  const { file } = session;
  const settled = (failure: ClientSession['failure']): ClientStep => ({
    session,
    effects: [{ type: 'settled', id, failure }],
  });
  if (upTo !== undefined) {
    const lost = firstDropped(session.dropped, upTo, upTo);
    if (lost !== undefined) return settled(droppedFailure(upTo, lost.drop));
  }
  // What has been integrated stays so, whatever became of the session.
  if (what === 'upload' && upTo !== undefined && unacknowledgedUpTo(file, upTo) === 0) return settled(null);
  if (session.phase === 'failed' && session.failure !== null) return settled(session.failure);
  if (what === 'upload') {
    const version = upTo === undefined ? newestUnacknowledged(file) : unacknowledgedUpTo(file, upTo);
    if (version === 0) return settled(null);
    const waiter: Waiter = { type: 'upload', id, version, isForAll: upTo === undefined };
    return stay({ ...session, waiters: [...session.waiters, waiter] });
  }
  const mark = Math.max(session.marks.requested, session.marks.sent) + 1;
  const waiting: ClientSession = {
    ...session,
    waiters: [...session.waiters, { type: 'download', id, mark }],
    marks: { ...session.marks, requested: mark },
  };
  return marking(waiting);
};

/** Sends the mark that somebody waits for, where it can be answered. */
export const marking = (session: ClientSession): ClientStep => {
  const { marks, held, skipped, phase } = session;
  const isPossible = (phase === 'catchingUp' || phase === 'streaming') && !held.download && !skipped;
  if (!isPossible || marks.requested <= marks.sent) return stay(session);
  return {
    session: { ...session, marks: { ...marks, sent: marks.requested } },
    effects: [send({ type: 'mark', session: session.number, request: marks.requested })],
  };
};
