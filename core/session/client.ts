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
import type { ServerMessage } from '../protocol/messages.js';
import {
  connecting,
  errorReceived,
  heardOf,
  linkClosed,
  parted,
  reconnecting,
  timedOut,
  unbinding,
  unboundReceived,
  violation,
} from './client-link.js';
import {
  asksForReset,
  confirmed,
  dismissed,
  resetAsked,
  resetChosen,
  resetFailed,
  resetOrConnecting,
  switched,
} from './client-reset.js';
import {
  andThen,
  type ClientEvent,
  type ClientSession,
  type ClientStep,
  type Direction,
  type Held,
  isPaused,
  stay,
} from './client-session.js';
import {
  awaited,
  downloadReceived,
  identReceived,
  marking,
  markReceived,
  opened,
  uploading,
  written,
} from './client-traffic.js';
import { type ClientEventType, checkTransition, clientTable, permitted } from './phases.js';

const messageReceived = (
  silent: ClientSession,
  { message, now, chance, bytes = 0 }: Extract<ClientEvent, { type: 'message' }>,
): ClientStep => {
  if (silent.phase === 'unbinding')
    return message.type === 'unbound' ? unboundReceived(silent, now) : parted(silent, now);
  const session = silent.phase === 'binding' ? silent : heardOf(silent, now);
  switch (message.type) {
    case 'ident':
      return identReceived(session, message, now);
    case 'download':
      return downloadReceived(session, message, bytes, now);
    case 'mark':
      return markReceived(session, message, now);
    case 'error':
      return asksForReset(message)
        ? resetAsked(session, message)
        : errorReceived(session, message, now, chance);
    case 'unbound':
      return violation(session, 'unbound, though nothing was unbound');
  }
};

const heldAfter = (held: Held, direction: Direction | undefined, value: boolean): Held =>
  direction === undefined ? { upload: value, download: value } : { ...held, [direction]: value };

const paused = (before: ClientSession, direction: Direction | undefined, now: number): ClientStep => {
  const session = { ...before, held: heldAfter(before.held, direction, true) };
  if (!isPaused(session.held)) {
    const isLive = session.phase === 'catchingUp' || session.phase === 'streaming';
    return isLive && session.held.download && !before.held.download ? unbinding(session, now) : stay(session);
  }
  const off = { ...session, failure: null };
  switch (session.phase) {
    case 'binding':
    case 'catchingUp':
    case 'streaming':
      return unbinding(off, now);
    case 'unbinding':
      return stay(off);
    case 'connecting':
      return {
        session: { ...off, phase: 'paused', linked: false, deadline: null },
        effects: [{ type: 'disconnect', cause: 'done', message: 'the session is paused' }],
      };
    default:
      return stay({ ...off, phase: 'paused', deadline: null });
  }
};

const resumed = (before: ClientSession, direction: Direction | undefined, now: number): ClientStep => {
  const session = { ...before, held: heldAfter(before.held, direction, false) };
  switch (session.phase) {
    case 'paused':
      return resetOrConnecting(session, now);
    case 'disconnected':
    case 'suspended':
      return connecting(session, now, true);
    case 'failed':
      return resetOrConnecting(session, now, true);
    case 'streaming':
      return session.skipped && !session.held.download
        ? unbinding(session, now)
        : andThen(marking(session), uploading);
    default:
      return stay(session);
  }
};

const decide = (session: ClientSession, event: ClientEvent): ClientStep => {
  switch (event.type) {
    case 'resume':
      return resumed(session, event.direction, event.now);
    case 'pause':
      return paused(session, event.direction, event.now);
    case 'reconnect':
      return reconnecting(session, event.now);
    case 'renewed':
      return unbinding(session, event.now);
    case 'opened':
      return opened(session, event.token, event.now);
    case 'closed':
      return linkClosed(session, event);
    case 'timer':
      return timedOut(session, event.now, event.chance);
    case 'write':
      return written(session, event);
    case 'await':
      return awaited(session, event);
    case 'abandon':
      return stay({ ...session, waiters: session.waiters.filter((waiter) => waiter.id !== event.id) });
    case 'record':
      return stay({ ...session, isRecording: event.on });
    case 'dismiss':
      return dismissed(session, event.id);
    case 'reset':
      return resetChosen(session, event.mode);
    case 'switched':
      return switched(session, event);
    case 'resetFailed':
      return resetFailed(session, event);
    case 'message':
      return messageReceived(session, event);
    case 'garbage':
      return session.phase === 'unbinding' ? parted(session, event.now) : violation(session, event.message);
  }
};

const typeInTable = (event: ClientEvent): ClientEventType => {
  if (event.type === 'message') return event.message.type;
  switch (event.type) {
    case 'abandon':
    case 'record':
    case 'dismiss':
      return 'await';
    default:
      return event.type;
  }
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
  const next = confirmed(decide(session, event));
  if (next.session.phase !== 'failed' || session.phase === 'failed')
    checkTransition(clientTable, session.phase, type, next.session.phase);
  if (next.session.deadline === session.deadline) return next;
  return { session: next.session, effects: [...next.effects, { type: 'timer', at: next.session.deadline }] };
};
