/**
 * The client machine's way to a link, and away from one: attempts, the pauses between them, what ends a
 * conversation for now or for good, and how a link that has fallen silent is found out.
 */
import { type ErrorCode, isErrorCode } from '../protocol/errors.js';
import type { ClientMessage, ServerError } from '../protocol/messages.js';
import {
  andThen,
  type ClientEffect,
  type ClientEvent,
  type ClientSession,
  type ClientStep,
  failureOf,
  isPaused,
  retryDelay,
  type SessionFailure,
  stay,
} from './client-session.js';

export const send = (message: ClientMessage): ClientEffect => ({ type: 'send', message });

/** Of no binding any more. */
const unlinked = { linked: false, pinged: false, goodSince: null } as const;

export const connecting = (session: ClientSession, now: number, urgent = false): ClientStep => {
  const refused = session.renewal === 'due';
  return {
    session: {
      ...session,
      ...unlinked,
      phase: 'connecting',
      renewal: refused ? 'sent' : session.renewal,
      deadline: now + session.config.timing.handshake,
    },
    effects: [{ type: 'connect', refused, urgent }],
  };
};

const wasGood = ({ goodSince, config }: ClientSession, now: number): boolean =>
  goodSince !== null && now - goodSince >= config.timing.stable;

/** What was good for long enough is forgiven what was before. */
const attemptsOf = (session: ClientSession, now: number): number =>
  wasGood(session, now) ? 0 : session.attempts;

export const retryingLater = (
  session: ClientSession,
  phase: 'disconnected' | 'suspended',
  now: number,
  chance: number,
  hint?: number,
): ClientSession => {
  const attempts = attemptsOf(session, now);
  // Whoever is asked to come again at once does, unless it has only just come.
  const isWelcome = hint === 0 && wasGood(session, now);
  const pause = isWelcome ? 0 : retryDelay(session.config.timing, attempts, chance, hint);
  return { ...session, ...unlinked, phase, attempts: attempts + 1, deadline: now + pause };
};

/** Gives up until the app resumes: everybody who waits is told. */
export const failed = (
  session: ClientSession,
  failure: SessionFailure,
  effects: readonly ClientEffect[],
): ClientStep => ({
  session: { ...session, ...unlinked, phase: 'failed', failure, waiters: [], deadline: null },
  effects: [
    ...effects,
    { type: 'failed', failure },
    ...session.waiters.map((waiter) => ({ type: 'settled', id: waiter.id, failure }) as const),
  ],
});

export const violation = (session: ClientSession, message: string): ClientStep => {
  const failure = failureOf(109, `the server broke the protocol: ${message}`, false, 'ProtocolViolation');
  return failed(session, failure, [{ type: 'disconnect', cause: 'violation', message }]);
};

/** Codes by which a server refuses a token: expired, and not valid. */
const isTokenRefusal = (code: number): boolean => code === 202 || code === 203;

/** The writes that an error is about. */
export const rejectedIn = ({ rejected }: ServerError): Pick<SessionFailure, 'rejected'> =>
  rejected === undefined ? {} : { rejected };

export const errorReceived = (
  session: ClientSession,
  message: ServerError,
  now: number,
  chance: number,
): ClientStep => {
  const code: ErrorCode = isErrorCode(message.code) ? message.code : 101;
  const failure: SessionFailure = {
    ...failureOf(code, message.message, message.tryAgain, message.action),
    ...rejectedIn(message),
  };
  const disconnect: ClientEffect = { type: 'disconnect', cause: 'done', message: message.message };
  const told: ClientEffect = { type: 'failed', failure };
  if (isTokenRefusal(message.code)) {
    // Another one is asked for, at once for the first time. Where that is refused too, the app has none that is
    // any good; only one that has expired may still be followed by a better one.
    const due: ClientSession = { ...session, failure, renewal: 'due' };
    if (session.renewal !== 'none' && !message.tryAgain) return failed(due, failure, [disconnect]);
    const later = { ...retryingLater(due, 'suspended', now, chance), failure };
    const isFirst = later.attempts === 1;
    return andThen({ session: later, effects: [disconnect, told] }, (suspended) =>
      isFirst ? connecting(suspended, now) : stay(suspended),
    );
  }
  if (!message.tryAgain) return failed(session, failure, [disconnect]);
  return {
    session: { ...retryingLater(session, 'suspended', now, chance, message.retryAfter), failure },
    effects: [disconnect, told],
  };
};

/** Below this many bytes an upload of several writes is not worth making smaller. */
const LEAST_PORTION = 1024;

/** The link has ended, or never opened. */
export const linkClosed = (
  session: ClientSession,
  event: Extract<ClientEvent, { type: 'closed' }>,
): ClientStep => {
  if (session.phase === 'unbinding') return parted(session, event.now);
  let { portion } = session;
  if (event.tooLarge === true && session.phase === 'streaming' && session.inFlight.length > 0) {
    if (portion <= LEAST_PORTION)
      return failed(session, failureOf(104, `no upload is small enough: ${event.reason}`, false), []);
    // Sent again as it was, it would end every link that it is sent on.
    portion = Math.max(LEAST_PORTION, Math.floor(portion / 4));
  }
  const { now, chance, retryAfter } = event;
  return stay({
    ...retryingLater(session, 'disconnected', now, chance, retryAfter),
    portion,
    failure: failureOf(100, event.reason, true),
  });
};

/** The farewell is over, one way or another. */
export const parted = (session: ClientSession, now: number): ClientStep => {
  const why = isPaused(session.held) ? 'the session is paused' : 'the session begins anew';
  const paused: ClientStep = {
    session: { ...session, ...unlinked, phase: 'paused', deadline: null },
    effects: [{ type: 'disconnect', cause: 'done', message: why }],
  };
  return isPaused(session.held) ? paused : andThen(paused, (after) => connecting(after, now));
};

/** The server has said farewell, and the link is as good as before. */
export const unboundReceived = (session: ClientSession, now: number): ClientStep =>
  isPaused(session.held)
    ? parted(session, now)
    : {
        session: {
          ...session,
          ...unlinked,
          linked: true,
          phase: 'connecting',
          deadline: now + session.config.timing.handshake,
        },
        effects: [{ type: 'authorize' }],
      };

/** Takes leave of the server: what becomes of the session then is up to what the app holds. */
export const unbinding = (session: ClientSession, now: number): ClientStep => ({
  session: {
    ...session,
    phase: 'unbinding',
    attempts: attemptsOf(session, now),
    deadline: now + session.config.timing.farewell,
  },
  effects: [send({ type: 'unbind', session: session.number })],
});

/** When silence is noticed, for one that was heard `now`. */
export const silenceDeadline = (session: ClientSession, now: number): number | null => {
  const { silence } = session.config.timing;
  return Number.isFinite(silence) ? now + silence : null;
};

/** Asks the server for a word, by a mark that nobody waits for. */
export const pinged = (session: ClientSession, deadline: number): ClientStep => {
  const request = Math.max(session.marks.requested, session.marks.sent) + 1;
  return {
    session: {
      ...session,
      pinged: true,
      deadline,
      marks: { ...session.marks, requested: request, sent: request },
    },
    effects: [send({ type: 'mark', session: session.number, request })],
  };
};

/** The session as one that has just been heard of. Of many messages at one time only the first costs anything. */
export const heardOf = (session: ClientSession, now: number): ClientSession => {
  if (session.heard === now && !session.pinged) return session;
  const deadline = session.pinged ? silenceDeadline(session, now) : session.deadline;
  return { ...session, heard: now, pinged: false, deadline };
};

const listening = (session: ClientSession, now: number, chance: number): ClientStep => {
  const { silence, patience } = session.config.timing;
  if (session.pinged) return unanswered(session, 'the server has fallen silent', now, chance);
  const silent = now - session.heard;
  // A clock that was set back says nothing of how long it was.
  if (silent >= 0 && silent < silence) return stay({ ...session, deadline: session.heard + silence });
  return pinged(session, now + patience);
};

const unanswered = (session: ClientSession, message: string, now: number, chance: number): ClientStep => ({
  session: { ...retryingLater(session, 'disconnected', now, chance), failure: failureOf(100, message, true) },
  effects: [{ type: 'disconnect', cause: 'timeout', message }],
});

export const timedOut = (session: ClientSession, now: number, chance: number): ClientStep => {
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
      return unanswered(session, 'the server did not answer in time', now, chance);
    case 'catchingUp':
    case 'streaming':
      return listening(session, now, chance);
    case 'unbinding':
      return parted(session, now);
    default:
      return stay(session);
  }
};

/** The app knows better than any timer. */
export const reconnecting = (session: ClientSession, now: number): ClientStep => {
  const hopeful = { ...session, attempts: 0 };
  if (session.phase !== 'catchingUp' && session.phase !== 'streaming') return connecting(hopeful, now, true);
  const deadline = now + session.config.timing.urgency;
  const isSooner = session.pinged && session.deadline !== null && session.deadline < deadline;
  return pinged(hopeful, isSooner ? (session.deadline ?? deadline) : deadline);
};
