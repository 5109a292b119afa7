/**
 * The client's machine for one file, as data: its session, the events it takes and the effects it answers.
 * `client.ts` has the transitions.
 */
import { limits } from '../base/limits.js';
import type { RecordBatch } from '../base/record.js';
import type { ClientFile } from '../history/client-file.js';
import type { Decision } from '../merge/recorder.js';
import type { RuleSet } from '../merge/rule.js';
import type { Instruction } from '../model/instruction.js';
import { noProgress, type UploadCursor } from '../model/progress.js';
import type { State } from '../model/state.js';
import { type ErrorAction, type ErrorCode, errorTable } from '../protocol/errors.js';
import type { ClientMessage, ServerMessage } from '../protocol/messages.js';
import type { Drop, DroppedRange } from '../reset/dropped.js';
import type { PendingReset, ResetCause, ResetMode } from '../reset/mode.js';
import type { ParkedWrite } from '../reset/parked.js';
import type { PreparedSwitch } from '../reset/switch.js';
import { type Explanations, noExplanations } from './explain.js';
import type { ClientPhase } from './phases.js';

export interface ClientConfig {
  readonly partition: string;
  readonly rules: RuleSet;
  /** Report what the merge decided (`decided` effects). Costs nothing where it is false. */
  readonly explain: boolean;
  readonly timing: Timing;
  /** What to do where the server asks for a client reset; `manual` by default. */
  readonly reset?: ResetMode;
  /** The file only repeats what the server has: nothing is uploaded, not even what was seen. */
  readonly downloadsOnly?: boolean;
  /** Versions that have come down when they are acknowledged; by default `acknowledgedAfter` says how many. */
  readonly acknowledgeEvery?: number;
}

/** In milliseconds, but for the two that say otherwise. */
export interface Timing {
  /** The first pause before a link is tried again; each further one is `retryFactor` times as long. */
  readonly retryFirst: number;
  readonly retryMost: number;
  /** A plain number. */
  readonly retryFactor: number;
  /** The part of each pause that chance may take away, 0 to 1. */
  readonly retryJitter: number;
  /** A pause that the server asks for is granted up to this long. */
  readonly hintMost: number;
  /** A conversation that was good for this long is forgiven the failed attempts before it. */
  readonly stable: number;
  /** A link that has not opened, or a server that has not given an ident, is given up after this long. */
  readonly handshake: number;
  /** How long a pause waits for the server's farewell. */
  readonly farewell: number;
  /** After this long without a word from the server it is asked for one; `Infinity` for never. */
  readonly silence: number;
  /** How long its answer may take before the link counts as dead. */
  readonly patience: number;
  /** The same, where the app has asked to `reconnect`. */
  readonly urgency: number;
}

export const defaultTiming: Timing = {
  retryFirst: 1000,
  retryMost: 300_000,
  retryFactor: 2,
  retryJitter: 0.25,
  hintMost: 3_600_000,
  stable: 10_000,
  handshake: 120_000,
  farewell: 5000,
  silence: 60_000,
  patience: 120_000,
  urgency: 10_000,
};

export type Direction = 'upload' | 'download';

/** Which directions the app has paused. With both the session is paused as a whole. */
export type Held = Readonly<Record<Direction, boolean>>;

/**
 * Bytes that went either way since the file was opened. `uploaded` counts what the server has acknowledged;
 * `remaining` is what the server has said it still holds for this file, null while it has not in this binding.
 */
export interface Traffic {
  readonly uploaded: number;
  readonly downloaded: number;
  readonly remaining: number | null;
}

/** Why a session does not go on: for people and for programs. */
export interface SessionFailure {
  readonly code: ErrorCode;
  readonly name: string;
  readonly message: string;
  readonly action: ErrorAction;
  /** Whether the session goes on by itself later. */
  readonly tryAgain: boolean;
  /** The client versions of the writes that the server has refused, ascending; absent where it is about none. */
  readonly rejected?: readonly number[];
}

/** Somebody waits for this; `id` is the driver's. `isForAll`: for all writes up to `version`, not for it alone. */
export type Waiter =
  | { readonly type: 'upload'; readonly id: number; readonly version: number; readonly isForAll: boolean }
  | { readonly type: 'download'; readonly id: number; readonly mark: number };

export interface ClientSession {
  readonly config: ClientConfig;
  readonly phase: ClientPhase;
  readonly file: ClientFile;
  readonly held: Held;
  /** Whether the link that the last `connect` asked for is open. */
  readonly linked: boolean;
  /** Number of the present or last binding on its link; each binding takes the next. */
  readonly number: number;
  /** Client version up to which uploads have been sent in this binding. */
  readonly sent: number;
  /** Last client version of each upload sent in this binding and not acknowledged yet. */
  readonly inFlight: readonly number[];
  /** What the server had acknowledged of this file before this binding. */
  readonly established: UploadCursor;
  /** Server version that the last upload of this binding acknowledged. */
  readonly acknowledged: number;
  readonly marks: { readonly requested: number; readonly sent: number; readonly answered: number };
  /** Whether downloads of this binding were dropped, which only another binding brings again. */
  readonly skipped: boolean;
  /** When the server was last heard in this binding. */
  readonly heard: number;
  /** Whether it was asked for a word since. */
  readonly pinged: boolean;
  /** Since when this binding has been caught up; null before. */
  readonly goodSince: number | null;
  /** Uploads stop collecting writes beyond this many bytes: fewer after one was too large for the link. */
  readonly portion: number;
  readonly waiters: readonly Waiter[];
  /** Failed attempts in a row, which decide the next pause. */
  readonly attempts: number;
  /** After the server has refused a token: another one is due, or was sent. */
  readonly renewal: 'none' | 'due' | 'sent';
  /** When the machine wants a `timer` event; null for never. */
  readonly deadline: number | null;
  readonly failure: SessionFailure | null;
  /** A client reset that the server has asked for, until it has helped. */
  readonly reset: PendingReset | null;
  /** The last reset that the server has asked for, where it was left to the app. */
  readonly asked: ResetCause | null;
  /** Writes that have lost their place, until the app has dealt with them. */
  readonly parked: readonly ParkedWrite[];
  /** Client versions that client resets have kept from the server for good; ascending. */
  readonly dropped: readonly DroppedRange[];
  readonly traffic: Traffic;
  /** Whether somebody wants to hear what merges decide, though `config.explain` does not say so. */
  readonly isRecording: boolean;
  /** What is known of who wrote what; null unless `config.explain`. */
  readonly explanations: Explanations | null;
}

export type ClientEvent = { readonly now: number } /** In one direction or, without one, in both. */ & (
  | { readonly type: 'resume'; readonly direction?: Direction }
  | { readonly type: 'pause'; readonly direction?: Direction }
  /** The app has reason to believe that the network is there, or has changed. */
  | { readonly type: 'reconnect' }
  /** The token of the present binding is about to expire, and another one is at hand. */
  | { readonly type: 'renewed' }
  /** The link that the last `connect` asked for is open. `token` proves the user to the server. */
  | { readonly type: 'opened'; readonly token: string }
  /**
   * That link has ended, or never opened. `chance` is uniform in [0, 1). `retryAfter`: the pause in
   * milliseconds that the peer asks for. `tooLarge`: a frame was larger than the peer takes.
   */
  | {
      readonly type: 'closed';
      readonly reason: string;
      readonly chance: number;
      readonly retryAfter?: number;
      readonly tooLarge?: boolean;
    }
  | { readonly type: 'timer'; readonly chance: number }
  /** A local transaction: `instructions` (at least one) lead from the file's state to `state`. */
  | {
      readonly type: 'write';
      readonly instructions: readonly Instruction[];
      readonly state: State;
      /** The parked write that it makes good, and that is forgotten with it. */
      readonly unparks?: number;
    }
  /** The app does not want a parked write any more. */
  | { readonly type: 'dismiss'; readonly id: number }
  /** `version`: only what was written up to it, where it is an upload that is awaited. */
  | { readonly type: 'await'; readonly what: Direction; readonly id: number; readonly version?: number }
  | { readonly type: 'abandon'; readonly id: number }
  /** The app asks for the client reset that was left to it. */
  | { readonly type: 'reset'; readonly mode: ResetMode }
  /** The fresh file is there, and all writes are accounted for. */
  | { readonly type: 'switched'; readonly prepared: PreparedSwitch }
  | { readonly type: 'resetFailed'; readonly reason: string }
  /** Somebody wants to hear what merges decide, or nobody does any more. */
  | { readonly type: 'record'; readonly on: boolean }
  /** `bytes`: of its frame. */
  | {
      readonly type: 'message';
      readonly message: ServerMessage;
      readonly chance: number;
      readonly bytes?: number;
    }
  /** A frame that is no message. */
  | { readonly type: 'garbage'; readonly message: string }
);

export type ClientEffect =
  | { readonly type: 'commit'; readonly batch: RecordBatch }
  /**
   * Ask for a link and a token; `opened` answers when both are there. `refused`: the server has refused the
   * last token. `urgent`: at once, whatever others have learned of the server.
   */
  | { readonly type: 'connect'; readonly refused: boolean; readonly urgent: boolean }
  /** The link stays; `opened` answers when there is a token. */
  | { readonly type: 'authorize' }
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
      readonly cause: 'write' | 'download' | 'reset';
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

export const newClientSession = (
  config: ClientConfig,
  file: ClientFile,
  reset: PendingReset | null = null,
  parked: readonly ParkedWrite[] = [],
  dropped: readonly DroppedRange[] = [],
): ClientSession => ({
  config,
  phase: 'paused',
  file,
  held: { upload: true, download: true },
  linked: false,
  number: 0,
  sent: 0,
  inFlight: [],
  established: noProgress.upload,
  acknowledged: 0,
  marks: { requested: 0, sent: 0, answered: 0 },
  skipped: false,
  heard: 0,
  pinged: false,
  goodSince: null,
  portion: limits.uploadBytes,
  waiters: [],
  attempts: 0,
  renewal: 'none',
  deadline: null,
  failure: null,
  reset,
  asked: null,
  parked,
  dropped,
  traffic: { uploaded: 0, downloaded: 0, remaining: null },
  isRecording: false,
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

/** For those who wait for a write that will never be on the server. */
export const droppedFailure = (version: number, drop: Drop): SessionFailure =>
  failureOf(212, `write ${version}, or a part of it, was ${drop} in a client reset`, false, 'Warning');

/**
 * Whole milliseconds until the next attempt: growing from the first to the most, less what chance takes. A
 * server that asks for longer gets it, and somewhat more by chance, or all its clients would come at once.
 */
export const retryDelay = (timing: Timing, attempts: number, chance: number, hint = 0): number => {
  const { retryFirst, retryMost, retryFactor, retryJitter, hintMost } = timing;
  const full = Math.min(retryFirst * retryFactor ** Math.min(attempts, 30), retryMost);
  const asked = Number.isFinite(hint) ? Math.min(Math.max(hint, 0), hintMost) : 0;
  return Math.max(
    1,
    Math.ceil(Math.max(full - full * retryJitter * chance, asked + asked * retryJitter * chance)),
  );
};

export const isPaused = (held: Held): boolean => held.upload && held.download;

/** Both steps, one after the other. */
export const andThen = (first: ClientStep, next: (session: ClientSession) => ClientStep): ClientStep => {
  const second = next(first.session);
  return { session: second.session, effects: [...first.effects, ...second.effects] };
};
