/**
 * The client machine: one file's side of a conversation, as a pure function
 *
 *     clientStep(session, event) → { session, effects }
 *
 * It owns no socket, clock or store. Events carry the time and the chance that a decision needs; effects
 * are performed by the driver, strictly in their order: what a `commit` makes durable may be sent only
 * after it, and stands after it in the list. The theory of operation and the permitted transitions are in
 * `phases.ts`; what a commit does to the file is in `core/history`.
 */
import * as E from 'fp-ts/lib/Either.js';
import { limits } from '../base/limits.js';
import {
  type Commit,
  commitDownload,
  commitIdent,
  commitWrite,
  type IntegrationFailure,
} from '../history/client-commit.js';
import { newestUnacknowledged, selectUpload } from '../history/client-file.js';
import type { Decision } from '../merge/recorder.js';
import type { Instruction } from '../model/instruction.js';
import type { State } from '../model/state.js';
import { type ErrorCode, isErrorCode } from '../protocol/errors.js';
import type {
  ClientMessage,
  Download,
  ServerError,
  ServerIdent,
  ServerMark,
  ServerMessage,
} from '../protocol/messages.js';
import {
  andThen,
  type ClientEffect,
  type ClientEvent,
  type ClientSession,
  type ClientStep,
  failureOf,
  retryDelay,
  type SessionFailure,
  stay,
  type Waiter,
} from './client-session.js';
import { type Explanations, tookEffect, tookLosses } from './explain.js';
import { type ClientEventType, checkTransition, clientTable, permitted } from './phases.js';

const connecting = (session: ClientSession, now: number): ClientStep => ({
  session: {
    ...session,
    phase: 'connecting',
    wanted: true,
    deadline: now + session.config.timing.handshake,
  },
  effects: [{ type: 'connect' }],
});

const retryingLater = (
  session: ClientSession,
  phase: 'disconnected' | 'suspended',
  now: number,
  chance: number,
): ClientSession => ({
  ...session,
  phase,
  attempts: session.attempts + 1,
  deadline: now + retryDelay(session.config.timing, session.attempts, chance),
});

/** Gives up until the app resumes: everybody who waits is told. */
const failed = (
  session: ClientSession,
  failure: SessionFailure,
  effects: readonly ClientEffect[],
): ClientStep => ({
  session: { ...session, phase: 'failed', failure, waiters: [], deadline: null },
  effects: [
    ...effects,
    { type: 'failed', failure },
    ...session.waiters.map((waiter) => ({ type: 'settled', id: waiter.id, failure }) as const),
  ],
});

const violation = (session: ClientSession, message: string): ClientStep => {
  const failure = failureOf(109, `the server broke the protocol: ${message}`, false, 'ProtocolViolation');
  return failed(session, failure, [{ type: 'disconnect', cause: 'violation', message }]);
};

const send = (message: ClientMessage): ClientEffect => ({ type: 'send', message });

/** Tells the server who this file is and asks for the mark that ends catching up. */
const identified = (session: ClientSession, before: readonly ClientEffect[]): ClientStep => {
  const { file } = session;
  const requested = Math.max(session.marks.requested, session.marks.answered + 1);
  return {
    session: {
      ...session,
      phase: 'catchingUp',
      deadline: null,
      sent: file.progress.upload.clientVersion,
      inFlight: [],
      acknowledged: file.progress.upload.lastIntegratedServerVersion,
      marks: { ...session.marks, requested, sent: requested },
    },
    effects: [
      ...before,
      send({
        type: 'identify',
        session: session.number,
        ident: file.ident,
        salt: file.salt,
        latest: file.progress.latest,
        download: file.progress.download,
      }),
      send({ type: 'mark', session: session.number, request: requested }),
    ],
  };
};

const opened = (session: ClientSession, token: string): ClientStep => {
  const number = session.number + 1;
  const needIdent = session.file.ident === 0;
  const bind = send({ type: 'bind', session: number, partition: session.config.partition, token, needIdent });
  return needIdent
    ? { session: { ...session, phase: 'binding', number }, effects: [bind] }
    : identified({ ...session, number }, [bind]);
};

const identReceived = (session: ClientSession, message: ServerIdent): ClientStep => {
  if (message.ident < 2 || message.salt < 1)
    return violation(session, `ident ${message.ident}, salt ${message.salt}`);
  const commit = commitIdent(session.file, message.ident, message.salt);
  return identified({ ...session, file: commit.file }, [{ type: 'commit', batch: commit.batch }]);
};

/**
 * Sends what waits, a bounded number of uploads ahead of their acknowledgement; or, where nothing waits and
 * downloads have come since, an empty upload that acknowledges them, so that the server can let go.
 */
const uploading = (session: ClientSession): ClientStep => {
  if (session.phase !== 'streaming') return stay(session);
  const { file } = session;
  const effects: ClientEffect[] = [];
  const inFlight = session.inFlight.slice();
  let { sent, acknowledged } = session;
  while (inFlight.length < limits.uploadsInFlight) {
    const part = selectUpload(file, sent, limits.uploadBytes);
    if (part.changesets.length === 0 && part.progress.lastIntegratedServerVersion <= acknowledged) break;
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

const settledUploads = (session: ClientSession): ClientStep => {
  const reached = session.file.progress.upload.clientVersion;
  const isDone = (waiter: Waiter): boolean => waiter.type === 'upload' && waiter.version <= reached;
  const done = session.waiters.filter(isDone);
  if (done.length === 0) return stay(session);
  return {
    session: { ...session, waiters: session.waiters.filter((waiter) => !isDone(waiter)) },
    effects: done.map((waiter) => ({ type: 'settled', id: waiter.id, failure: null })),
  };
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
  explanations: Explanations | null,
  commit: Commit,
  decisions: readonly Decision[],
): Explanations | null => {
  if (explanations === null) return null;
  let after = explanations;
  for (const changeset of commit.effective) after = tookEffect(after, changeset, commit.file.ident);
  return tookLosses(after, decisions);
};

const downloadReceived = (session: ClientSession, message: Download): ClientStep => {
  const before = session.file;
  const decisions: Decision[] = [];
  const recorder = { decided: (decision: Decision) => void decisions.push(decision) };
  const { rules, explain } = session.config;
  const options = explain ? { rules, recorder } : { rules };
  const committed = commitDownload(before, message, options);
  if (E.isLeft(committed)) return undownloadable(session, committed.left);
  const { file, batch } = committed.right;
  const effects: ClientEffect[] = [{ type: 'commit', batch }];
  if (file.state !== before.state)
    effects.push({ type: 'changed', before: before.state, after: file.state, cause: 'download' });
  if (decisions.length > 0) effects.push({ type: 'decided', decisions });
  const inFlight = session.inFlight.filter((version) => version > file.progress.upload.clientVersion);
  const explanations = explained(session.explanations, committed.right, decisions);
  // Whoever gets on is not slowed down by a link that is lost over and over.
  const getsOn = file.progress.download.serverVersion > before.progress.download.serverVersion;
  const attempts = getsOn ? 0 : session.attempts;
  const integrated: ClientStep = { session: { ...session, file, inFlight, explanations, attempts }, effects };
  return andThen(andThen(integrated, settledUploads), uploading);
};

const markReceived = (session: ClientSession, message: ServerMark): ClientStep => {
  const { marks } = session;
  if (message.request <= marks.answered || message.request > marks.sent)
    return violation(session, `mark ${message.request}, expected ${marks.answered + 1} … ${marks.sent}`);
  const isDone = (waiter: Waiter): boolean => waiter.type === 'download' && waiter.mark <= message.request;
  const answered: ClientStep = {
    session: {
      ...session,
      phase: 'streaming',
      attempts: 0,
      failure: null,
      marks: { ...marks, answered: message.request },
      waiters: session.waiters.filter((waiter) => !isDone(waiter)),
    },
    effects: session.waiters
      .filter(isDone)
      .map((waiter) => ({ type: 'settled', id: waiter.id, failure: null })),
  };
  return andThen(answered, uploading);
};

const errorReceived = (
  session: ClientSession,
  message: ServerError,
  now: number,
  chance: number,
): ClientStep => {
  const code: ErrorCode = isErrorCode(message.code) ? message.code : 101;
  const failure = failureOf(code, message.message, message.tryAgain, message.action);
  const disconnect: ClientEffect = { type: 'disconnect', cause: 'done', message: message.message };
  if (!message.tryAgain) return failed(session, failure, [disconnect]);
  return {
    session: { ...retryingLater(session, 'suspended', now, chance), failure },
    effects: [disconnect, { type: 'failed', failure }],
  };
};

/** The farewell is over, one way or another. */
const parted = (session: ClientSession, now: number): ClientStep => {
  const disconnect: ClientEffect = { type: 'disconnect', cause: 'done', message: 'the session is paused' };
  const paused: ClientStep = {
    session: { ...session, phase: 'paused', deadline: null },
    effects: [disconnect],
  };
  return session.wanted ? andThen(paused, (after) => connecting(after, now)) : paused;
};

const messageReceived = (
  session: ClientSession,
  message: ServerMessage,
  now: number,
  chance: number,
): ClientStep => {
  if (session.phase === 'unbinding') return parted(session, now);
  switch (message.type) {
    case 'ident':
      return identReceived(session, message);
    case 'download':
      return downloadReceived(session, message);
    case 'mark':
      return markReceived(session, message);
    case 'error':
      return errorReceived(session, message, now, chance);
    case 'unbound':
      return violation(session, 'unbound, though nothing was unbound');
  }
};

const timedOut = (session: ClientSession, now: number, chance: number): ClientStep => {
  if (session.deadline === null) return stay(session);
  // Clocks and timers disagree by a little: whoever comes early is sent back, and not forgotten. By much they
  // disagree only where the clock was set back; the time has passed all the same.
  const early = session.deadline - now;
  if (early > 0 && early <= 1000) return { session, effects: [{ type: 'timer', at: session.deadline }] };
  switch (session.phase) {
    case 'disconnected':
    case 'suspended':
      return connecting(session, now);
    case 'connecting':
    case 'binding':
      return {
        session: {
          ...retryingLater(session, 'disconnected', now, chance),
          failure: failureOf(100, 'the server did not answer in time', true),
        },
        effects: [{ type: 'disconnect', cause: 'timeout', message: 'the server did not answer in time' }],
      };
    case 'unbinding':
      return parted(session, now);
    default:
      return stay(session);
  }
};

const paused = (session: ClientSession, now: number): ClientStep => {
  const off = { ...session, wanted: false, failure: null };
  switch (session.phase) {
    case 'binding':
    case 'catchingUp':
    case 'streaming':
      return {
        session: { ...off, phase: 'unbinding', deadline: now + session.config.timing.farewell },
        effects: [send({ type: 'unbind', session: session.number })],
      };
    case 'unbinding':
      return stay(off);
    case 'connecting':
      return {
        session: { ...off, phase: 'paused', deadline: null },
        effects: [{ type: 'disconnect', cause: 'done', message: 'the session is paused' }],
      };
    default:
      return stay({ ...off, phase: 'paused', deadline: null });
  }
};

const written = (
  session: ClientSession,
  instructions: readonly Instruction[],
  state: State,
  now: number,
): ClientStep => {
  const before = session.file;
  const commit = commitWrite(before, instructions, state, now);
  if (E.isLeft(commit)) return { session, effects: [{ type: 'refused', message: commit.left }] };
  const committed: ClientStep = {
    session: {
      ...session,
      file: commit.right.file,
      explanations: explained(session.explanations, commit.right, []),
    },
    effects: [
      { type: 'commit', batch: commit.right.batch },
      { type: 'changed', before: before.state, after: state, cause: 'write' },
    ],
  };
  return andThen(committed, uploading);
};

const awaited = (session: ClientSession, what: 'upload' | 'download', id: number): ClientStep => {
  if (session.phase === 'failed' && session.failure !== null)
    return { session, effects: [{ type: 'settled', id, failure: session.failure }] };
  if (what === 'upload') {
    const version = newestUnacknowledged(session.file);
    const waiters = [...session.waiters, { type: 'upload', id, version } as const];
    return settledUploads({ ...session, waiters });
  }
  const mark = Math.max(session.marks.requested, session.marks.sent) + 1;
  const waiting = {
    ...session,
    waiters: [...session.waiters, { type: 'download', id, mark } as const],
    marks: { ...session.marks, requested: mark },
  };
  if (session.phase !== 'catchingUp' && session.phase !== 'streaming') return stay(waiting);
  return {
    session: { ...waiting, marks: { ...waiting.marks, sent: mark } },
    effects: [send({ type: 'mark', session: session.number, request: mark })],
  };
};

const decide = (session: ClientSession, event: ClientEvent): ClientStep => {
  switch (event.type) {
    case 'resume':
      return session.phase === 'unbinding'
        ? stay({ ...session, wanted: true })
        : connecting(session, event.now);
    case 'pause':
      return paused(session, event.now);
    case 'opened':
      return opened(session, event.token);
    case 'closed':
      return session.phase === 'unbinding'
        ? parted(session, event.now)
        : stay({
            ...retryingLater(session, 'disconnected', event.now, event.chance),
            failure: failureOf(100, event.reason, true),
          });
    case 'timer':
      return timedOut(session, event.now, event.chance);
    case 'write':
      return written(session, event.instructions, event.state, event.now);
    case 'await':
      return awaited(session, event.what, event.id);
    case 'abandon':
      return stay({ ...session, waiters: session.waiters.filter((waiter) => waiter.id !== event.id) });
    case 'message':
      return messageReceived(session, event.message, event.now, event.chance);
    case 'garbage':
      return session.phase === 'unbinding' ? parted(session, event.now) : violation(session, event.message);
  }
};

const typeInTable = (event: ClientEvent): ClientEventType => {
  if (event.type === 'message') return event.message.type;
  return event.type === 'abandon' ? 'await' : event.type;
};

/** Session 0 in an error means the connection, and in anything else nobody. */
const isForUs = (session: ClientSession, message: ServerMessage): boolean =>
  message.session === session.number || (message.session === 0 && message.type === 'error');

/**
 * One step. Total: every event in every phase has a defined outcome (law 8). Deterministic: the same session
 * and event give the same session and effects. Throws on a bug only.
 */
export const clientStep = (session: ClientSession, event: ClientEvent): ClientStep => {
  if (event.type === 'message' && !isForUs(session, event.message)) return stay(session);
  const type = typeInTable(event);
  const answer = permitted(clientTable, session.phase, type);
  if (answer === 'ignored') return stay(session);
  if (answer === 'violation') {
    const why = event.type === 'garbage' ? event.message : `${type} while ${session.phase}`;
    return violation(session, why);
  }
  const next = decide(session, event);
  if (next.session.phase !== 'failed' || session.phase === 'failed')
    checkTransition(clientTable, session.phase, type, next.session.phase);
  if (next.session.deadline === session.deadline) return next;
  return { session: next.session, effects: [...next.effects, { type: 'timer', at: next.session.deadline }] };
};
