/**
 * The client's machine for one file, as data: its session, the events it takes and the effects it answers.
 * `client.ts` has the transitions.
 */
import type { RecordBatch } from '../base/record.js';
import type { ClientFile } from '../history/client-file.js';
import type { Decision } from '../merge/recorder.js';
import type { RuleSet } from '../merge/rule.js';
import type { Instruction } from '../model/instruction.js';
import type { State } from '../model/state.js';
import { type ErrorAction, type ErrorCode, errorTable } from '../protocol/errors.js';
import type { ClientMessage, ServerMessage } from '../protocol/messages.js';
import { type Explanations, noExplanations } from './explain.js';
import type { ClientPhase } from './phases.js';

export interface ClientConfig {
  readonly partition: string;
  readonly rules: RuleSet;
  /** Report what the merge decided (`decided` effects). Costs nothing where it is false. */
  readonly explain: boolean;
  readonly timing: Timing;
}

/** All in milliseconds. */
export interface Timing {
  /** The first pause before a link is tried again; each further one doubles. */
  readonly retryFirst: number;
  readonly retryMost: number;
  /** A link that has not opened, or a server that has not given an ident, is given up after this long. */
  readonly handshake: number;
  /** How long a pause waits for the server's farewell. */
  readonly farewell: number;
}

export const defaultTiming: Timing = {
  retryFirst: 1000,
  retryMost: 300_000,
  handshake: 120_000,
  farewell: 5000,
};

/** Why a session does not go on: for people and for programs. */
export interface SessionFailure {
  readonly code: ErrorCode;
  readonly name: string;
  readonly message: string;
  readonly action: ErrorAction;
  /** Whether the session goes on by itself later. */
  readonly tryAgain: boolean;
}

/** Somebody waits for this; `id` is the driver's. */
export type Waiter =
  | { readonly type: 'upload'; readonly id: number; readonly version: number }
  | { readonly type: 'download'; readonly id: number; readonly mark: number };

export interface ClientSession {
  readonly config: ClientConfig;
  readonly phase: ClientPhase;
  readonly file: ClientFile;
  /** Whether the app wants a link once the present farewell is over. */
  readonly wanted: boolean;
  /** Number of the present or last binding on its link; each binding takes the next. */
  readonly number: number;
  /** Client version up to which uploads have been sent in this binding. */
  readonly sent: number;
  /** Last client version of each upload sent in this binding and not acknowledged yet. */
  readonly inFlight: readonly number[];
  /** Server version that the last upload of this binding acknowledged. */
  readonly acknowledged: number;
  readonly marks: { readonly requested: number; readonly sent: number; readonly answered: number };
  readonly waiters: readonly Waiter[];
  /** Failed attempts in a row, which decide the next pause. */
  readonly attempts: number;
  /** When the machine wants a `timer` event; null for never. */
  readonly deadline: number | null;
  readonly failure: SessionFailure | null;
  /** What is known of who wrote what; null unless `config.explain`. */
  readonly explanations: Explanations | null;
}

export type ClientEvent = { readonly now: number } & (
  | { readonly type: 'resume' }
  | { readonly type: 'pause' }
  /** The link that the last `connect` asked for is open. `token` proves the user to the server. */
  | { readonly type: 'opened'; readonly token: string }
  /** That link has ended, or never opened. `chance` is uniform in [0, 1). */
  | { readonly type: 'closed'; readonly reason: string; readonly chance: number }
  | { readonly type: 'timer'; readonly chance: number }
  /** A local transaction: `instructions` (at least one) lead from the file's state to `state`. */
  | { readonly type: 'write'; readonly instructions: readonly Instruction[]; readonly state: State }
  | { readonly type: 'await'; readonly what: 'upload' | 'download'; readonly id: number }
  | { readonly type: 'abandon'; readonly id: number }
  | { readonly type: 'message'; readonly message: ServerMessage; readonly chance: number }
  /** A frame that is no message. */
  | { readonly type: 'garbage'; readonly message: string }
);

export type ClientEffect =
  | { readonly type: 'commit'; readonly batch: RecordBatch }
  | { readonly type: 'connect' }
  /** End the link, after what was sent before. No event of that link may arrive afterwards. */
  | {
      readonly type: 'disconnect';
      readonly cause: 'done' | 'violation' | 'timeout';
      readonly message: string;
    }
  | { readonly type: 'send'; readonly message: ClientMessage }
  /** Replaces the timer; null for none. */
  | { readonly type: 'timer'; readonly at: number | null }
  | {
      readonly type: 'changed';
      readonly before: State;
      readonly after: State;
      readonly cause: 'write' | 'download';
    }
  | { readonly type: 'decided'; readonly decisions: readonly Decision[] }
  /** `failure` null: what was awaited has happened. */
  | { readonly type: 'settled'; readonly id: number; readonly failure: SessionFailure | null }
  | { readonly type: 'failed'; readonly failure: SessionFailure }
  /** The write of this event was not made: it is larger than a changeset may be. */
  | { readonly type: 'refused'; readonly message: string };

export interface ClientStep {
  readonly session: ClientSession;
  readonly effects: readonly ClientEffect[];
}

export const newClientSession = (config: ClientConfig, file: ClientFile): ClientSession => ({
  config,
  phase: 'paused',
  file,
  wanted: false,
  number: 0,
  sent: 0,
  inFlight: [],
  acknowledged: 0,
  marks: { requested: 0, sent: 0, answered: 0 },
  waiters: [],
  attempts: 0,
  deadline: null,
  failure: null,
  explanations: config.explain ? noExplanations : null,
});

export const stay = (session: ClientSession): ClientStep => ({ session, effects: [] });

export const failureOf = (
  code: ErrorCode,
  message: string,
  tryAgain: boolean,
  action?: ErrorAction,
): SessionFailure => ({
  code,
  name: errorTable[code].name,
  message,
  action: action ?? errorTable[code].action,
  tryAgain,
});

/** Whole milliseconds until the next attempt: doubling from the first to the most, minus up to a quarter by chance. */
export const retryDelay = (timing: Timing, attempts: number, chance: number): number => {
  const full = Math.min(timing.retryFirst * 2 ** Math.min(attempts, 30), timing.retryMost);
  return Math.ceil(full - full * 0.25 * chance);
};

/** Both steps, one after the other. */
export const andThen = (first: ClientStep, next: (session: ClientSession) => ClientStep): ClientStep => {
  const second = next(first.session);
  return { session: second.session, effects: [...first.effects, ...second.effects] };
};
