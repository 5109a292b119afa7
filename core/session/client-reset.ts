/**
 * The client machine's part in a client reset: what it does when the server asks for one, and the switch.
 *
 * In `resetting` the session has no link of its own. Whoever runs the machine downloads a fresh file beside the
 * old one and recovers what was not synced, in its own time; the file is read and written as always meanwhile.
 * Then `switched` puts the fresh file in the place of the old one, in one commit and one change, and the
 * session goes on with it; those who wait for uploads and downloads go on waiting. Or `resetFailed` leaves the
 * old file as it was, and the session failed.
 *
 * A reset that was under way when the file was closed goes on when it is opened again and resumed.
 */
import { lastThrough, runLast } from '../base/run.js';
import { newestUnacknowledged } from '../history/client-file.js';
import { noProgress } from '../model/progress.js';
import { type ErrorCode, errorTable, isErrorCode } from '../protocol/errors.js';
import type { ServerError } from '../protocol/messages.js';
import { type DroppedRange, firstDropped } from '../reset/dropped.js';
import { type PendingReset, planReset, type ResetCause, type ResetMode } from '../reset/mode.js';
import { parkedForgotten } from '../reset/parked.js';
import { freshForgotten, pendingForgotten, pendingRecord } from '../reset/reset-records.js';
import { commitSwitch } from '../reset/switch.js';
import { connecting, failed, rejectedIn } from './client-link.js';
import {
  andThen,
  type ClientEffect,
  type ClientEvent,
  type ClientSession,
  type ClientStep,
  droppedFailure,
  failureOf,
  type SessionFailure,
  stay,
  type Waiter,
} from './client-session.js';

/** Whether the server asks for a client reset, in whatever way. */
export const asksForReset = ({ action }: ServerError): boolean =>
  action === 'ClientReset' || action === 'ClientResetNoRecovery';

const codeOf = (code: number): ErrorCode => (isErrorCode(code) ? code : 101);

const causeOf = (error: ServerError): ResetCause => ({
  action: error.action,
  code: error.code,
  name: errorTable[codeOf(error.code)].name,
  message: error.message,
  isRecoveryDisabled: error.action === 'ClientResetNoRecovery' || error.isRecoveryDisabled === true,
  integrated: error.integrated ?? null,
  rejected: error.rejected ?? [],
});

const failureFor = ({ code, action }: ResetCause, message: string): SessionFailure =>
  failureOf(codeOf(code), message, false, action === 'ClientReset' ? 'ClientReset' : 'ClientResetNoRecovery');

const begun = (session: ClientSession, pending: PendingReset): ClientStep => {
  const { cause } = pending;
  return {
    session: {
      ...session,
      phase: 'resetting',
      linked: false,
      pinged: false,
      goodSince: null,
      deadline: null,
      asked: cause,
      reset: pending,
      failure: failureFor(cause, cause.message),
    },
    effects: [{ type: 'commit', batch: { deletes: [], puts: [pendingRecord(pending)] } }],
  };
};

/** The server asks for a reset. */
export const resetAsked = (session: ClientSession, message: ServerError): ClientStep => {
  const cause = causeOf(message);
  const disconnect: ClientEffect = { type: 'disconnect', cause: 'done', message: message.message };
  const mode = session.config.reset ?? 'manual';
  const plan = planReset(mode, cause, session.reset);
  if (plan.type === 'reset') {
    const step = begun(session, plan.pending);
    return { session: step.session, effects: [...step.effects, disconnect] };
  }
  const told = mode === 'manual' ? cause.message : `${cause.message}; no client reset: ${plan.reason}`;
  const failure = { ...failureFor(cause, told), ...rejectedIn(message) };
  return failed({ ...session, asked: cause }, failure, [disconnect]);
};

/** The app asks for the reset that the server has asked for, and that was left to it. */
export const resetChosen = (session: ClientSession, mode: ResetMode): ClientStep => {
  if (session.asked === null) return stay(session);
  // The app knows what it does: what did not help before may help now.
  const plan = planReset(mode, session.asked, null);
  return plan.type === 'reset' ? begun(session, plan.pending) : stay(session);
};

/** Goes on where the file was closed, or paused, while it was reset. */
export const resetOrConnecting = (session: ClientSession, now: number, urgent = false): ClientStep =>
  session.reset?.stage === 'downloading'
    ? stay({
        ...session,
        phase: 'resetting',
        deadline: null,
        failure: failureFor(session.reset.cause, session.reset.cause.message),
      })
    : connecting(session, now, urgent);

export const resetFailed = (
  session: ClientSession,
  { reason }: Extract<ClientEvent, { type: 'resetFailed' }>,
): ClientStep => {
  const { reset } = session;
  if (reset === null) return stay(session);
  const { cause, firstCause } = reset;
  const { code, name, message: told } = firstCause;
  const message = `the client reset failed: ${reason}; it was asked for by ${code} ${name}: ${told}`;
  const forgotten = { deletes: [pendingForgotten, ...freshForgotten(session.file)], puts: [] };
  return failed({ ...session, reset: null }, failureFor(cause, message), [
    { type: 'commit', batch: forgotten },
  ]);
};

/** Who waits for a write that was dropped waits in vain; for one that has become nothing, no longer. */
const waitersAfter = (
  session: ClientSession,
  dropped: readonly DroppedRange[],
): { readonly waiters: readonly Waiter[]; readonly settled: readonly ClientEffect[] } => {
  const waiters: Waiter[] = [];
  const settled: ClientEffect[] = [];
  for (const waiter of session.waiters) {
    if (waiter.type === 'download') {
      waiters.push(waiter);
      continue;
    }
    const { id, version, isForAll } = waiter;
    const lost = firstDropped(dropped, isForAll ? 0 : version, version);
    const last = lastThrough(session.file.writes, version);
    if (lost !== undefined)
      settled.push({
        type: 'settled',
        id,
        failure: droppedFailure(isForAll ? lost.from : version, lost.drop),
      });
    else if (last === undefined) settled.push({ type: 'settled', id, failure: null });
    else waiters.push({ ...waiter, version: last.version });
  }
  return { waiters, settled };
};

/** Forgets a parked write. */
export const dismissed = (session: ClientSession, id: number): ClientStep => ({
  session: { ...session, parked: session.parked.filter((write) => write.id !== id) },
  effects: [{ type: 'commit', batch: { deletes: [parkedForgotten(id)], puts: [] } }],
});

export const switched = (
  session: ClientSession,
  { prepared, now }: Extract<ClientEvent, { type: 'switched' }>,
): ClientStep => {
  const { file, reset } = session;
  if (reset === null) return stay(session);
  if ((runLast(file.writes)?.version ?? 0) > prepared.through)
    throw new Error(`bug: a switch that does not know the writes after ${prepared.through}`);
  const commit = commitSwitch(file, reset, session.dropped, prepared);
  const after: ClientSession = {
    ...session,
    file: commit.file,
    reset: commit.pending,
    asked: null,
    parked: [...session.parked, ...prepared.parked],
    dropped: [...session.dropped, ...prepared.dropped],
    failure: null,
    attempts: 0,
    sent: 0,
    inFlight: [],
    established: noProgress.upload,
    acknowledged: 0,
    skipped: false,
  };
  const { waiters, settled } = waitersAfter(after, prepared.dropped);
  return andThen(
    {
      session: { ...after, waiters },
      effects: [
        { type: 'commit', batch: commit.batch },
        { type: 'changed', before: file.state, after: commit.file.state, cause: 'reset' },
        ...settled,
      ],
    },
    (fresh) => connecting(fresh, now),
  );
};

/** Forgets a reset that has helped: everything has come down and gone up once since the switch. */
export const confirmed = (step: ClientStep): ClientStep => {
  const { session } = step;
  if (session.reset?.stage !== 'confirming' || session.phase !== 'streaming') return step;
  if (session.goodSince === null || newestUnacknowledged(session.file) > 0) return step;
  const batch = { deletes: [pendingForgotten], puts: [] };
  return {
    session: { ...session, reset: null },
    effects: [...step.effects, { type: 'commit', batch }],
  };
};
