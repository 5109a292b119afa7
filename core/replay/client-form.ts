/**
 * The form of a client's machine: its session, its file, and the events that it takes.
 *
 * What is known of who wrote what (`explanations`) is left out, since nothing that the machine does depends on it.
 */
import * as E from 'fp-ts/lib/Either.js';
import { refuse } from '../base/decode-error.js';
import type { ClientFile } from '../history/client-file.js';
import type { RuleSet } from '../merge/rule.js';
import { errorActions } from '../protocol/codec.js';
import { type ErrorCode, isErrorCode } from '../protocol/errors.js';
import { type DroppedRange, drops } from '../reset/dropped.js';
import { type PendingReset, type ResetCause, resetModes } from '../reset/mode.js';
import { loadParked, type ParkedWrite, parkedRecord } from '../reset/parked.js';
import type {
  ClientConfig,
  ClientEvent,
  ClientSession,
  Direction,
  Held,
  SessionFailure,
  Timing,
  Traffic,
  Waiter,
} from '../session/client-session.js';
import { noExplanations } from '../session/explain.js';
import { clientPhases } from '../session/phases.js';
import { entryForm, fileForm, uploadForm } from './data-form.js';
import {
  binary,
  bool,
  type Form,
  float,
  list,
  nullable,
  oneOf,
  optional,
  record,
  text,
  through,
  uint,
  union,
} from './form.js';
import type { FindRules } from './subject.js';

export const rulesForm = (find: FindRules): Form<RuleSet> =>
  through(
    text,
    ({ name }) => name,
    (name, offset) =>
      find(name) ?? refuse('unknown', offset, `rule set ${JSON.stringify(name)}: it must be given`),
  );

const directions = ['upload', 'download'] as const satisfies Direction[];

export const errorCode: Form<ErrorCode> = through(
  uint,
  (code) => code,
  (code, offset) => (isErrorCode(code) ? code : refuse('unknown', offset, `error code ${code}`)),
);

const timing = record<Timing>({
  retryFirst: float,
  retryMost: float,
  retryFactor: float,
  retryJitter: float,
  hintMost: float,
  stable: float,
  handshake: float,
  farewell: float,
  silence: float,
  patience: float,
  urgency: float,
});

const config = (find: FindRules): Form<ClientConfig> =>
  record<ClientConfig>({
    partition: text,
    rules: rulesForm(find),
    explain: bool,
    timing,
    reset: optional(oneOf(resetModes)),
    downloadsOnly: optional(bool),
    acknowledgeEvery: optional(uint),
  });

const cause = record<ResetCause>({
  action: text,
  code: uint,
  name: text,
  message: text,
  isRecoveryDisabled: bool,
  integrated: nullable(uint),
  rejected: list(uint),
});

const pending = record<PendingReset>({
  performs: oneOf(['recovery', 'discard']),
  stage: oneOf(['downloading', 'confirming']),
  cause,
  firstCause: cause,
  attempts: uint,
  fallback: nullable(text),
});

const failure = record<SessionFailure>({
  code: errorCode,
  name: text,
  message: text,
  action: oneOf(errorActions),
  tryAgain: bool,
  rejected: optional(list(uint)),
});

const waiter = union<Waiter>({
  upload: record({ id: uint, version: uint, isForAll: bool }),
  download: record({ id: uint, mark: uint }),
});

export const parkedForm: Form<readonly ParkedWrite[]> = through(
  list(entryForm),
  (writes) => writes.map(parkedRecord),
  (entries, offset) => {
    const loaded = loadParked(new Map([['parked', entries]]));
    return E.isRight(loaded) ? loaded.right : refuse('malformed', offset, loaded.left.message);
  },
);

const droppedForm = list(record<DroppedRange>({ from: uint, to: uint, drop: oneOf(drops) }));

type PlainSession = Omit<ClientSession, 'explanations'>;

export const sessionForm = (find: FindRules): Form<ClientSession> =>
  through(
    record<PlainSession>({
      config: config(find),
      phase: oneOf(clientPhases),
      held: record<Held>({ upload: bool, download: bool }),
      linked: bool,
      number: uint,
      sent: uint,
      inFlight: list(uint),
      established: uploadForm,
      acknowledged: uint,
      marks: record<ClientSession['marks']>({ requested: uint, sent: uint, answered: uint }),
      skipped: bool,
      heard: float,
      pinged: bool,
      goodSince: nullable(float),
      portion: uint,
      waiters: list(waiter),
      attempts: uint,
      renewal: oneOf(['none', 'due', 'sent']),
      deadline: nullable(float),
      failure: nullable(failure),
      reset: nullable(pending),
      asked: nullable(cause),
      parked: parkedForm,
      dropped: droppedForm,
      traffic: record<Traffic>({ uploaded: uint, downloaded: uint, remaining: nullable(uint) }),
      isRecording: bool,
      file: fileForm,
    }),
    (session) => session,
    (plain) => ({ ...plain, explanations: plain.config.explain ? noExplanations : null }),
  );

type Timed = { readonly now: number };
type Alike = Extract<
  ClientEvent,
  {
    type:
      | 'resume'
      | 'pause'
      | 'reconnect'
      | 'renewed'
      | 'closed'
      | 'timer'
      | 'dismiss'
      | 'await'
      | 'abandon'
      | 'reset'
      | 'resetFailed'
      | 'record'
      | 'garbage';
  }
>;

/** An event of a client as it is recorded. */
export type RecordedClientEvent =
  | Alike
  | (Timed & { readonly type: 'opened' })
  /** The state that it leads to is not written. */
  | (Timed & {
      readonly type: 'write';
      /** Its last bytes, after so many that are skipped: it is the record that the step has made of the write. */
      readonly instructions: Uint8Array;
      readonly skipped: number;
      readonly unparks?: number;
    })
  /** `session`: the client's own number, where several share a link. */
  | (Timed & {
      readonly type: 'message';
      readonly session: number;
      readonly frame: Uint8Array;
      readonly chance: number;
      readonly bytes?: number;
    })
  /** `file`: who it is afterwards, with the recovered writes. The report is not written. */
  | (Timed & {
      readonly type: 'switched';
      readonly file: ClientFile;
      readonly parked: readonly ParkedWrite[];
      readonly dropped: readonly DroppedRange[];
      readonly through: number;
    });

const now = float;
const inDirection = () =>
  record<Timed & { direction?: Direction }>({ now, direction: optional(oneOf(directions)) });
const alone = record<Timed>({ now });

export const clientEventForm: Form<RecordedClientEvent> = union<RecordedClientEvent>({
  message: record({ now, session: uint, frame: binary, chance: float, bytes: optional(uint) }),
  write: record({ now, skipped: uint, instructions: binary, unparks: optional(uint) }),
  timer: record({ now, chance: float }),
  resume: inDirection(),
  pause: inDirection(),
  reconnect: alone,
  renewed: alone,
  opened: alone,
  closed: record({
    now,
    reason: text,
    chance: float,
    retryAfter: optional(float),
    tooLarge: optional(bool),
  }),
  dismiss: record({ now, id: uint }),
  await: record({ now, what: oneOf(directions), id: uint, version: optional(uint) }),
  abandon: record({ now, id: uint }),
  reset: record({ now, mode: oneOf(resetModes) }),
  switched: record({ now, file: fileForm, parked: parkedForm, dropped: droppedForm, through: uint }),
  resetFailed: record({ now, reason: text }),
  record: record({ now, on: bool }),
  garbage: record({ now, message: text }),
});
