/**
 * A subject of recording: a kind of machine, with the forms of what it is made of and the step that it takes.
 * Whatever records, replays or rewrites recordings is written against this, for clients and servers alike.
 */
import type { Writer } from '../base/bytes.js';
import type { Decision } from '../merge/recorder.js';
import type { RuleSet } from '../merge/rule.js';
import type { State } from '../model/state.js';
import type { Form } from './form.js';

/** The rule set of that name; undefined where there is none. */
export type FindRules = (name: string) => RuleSet | undefined;

/** For those that only write. */
export const noRules: FindRules = () => undefined;

export interface Step<Machine, Effect> {
  readonly machine: Machine;
  readonly effects: readonly Effect[];
}

/** A recorded event is an event as far as it is not known already. */
export interface Subject<Machine, Event, Recorded, Effect> {
  readonly machine: Form<Machine>;
  readonly recorded: Form<Recorded>;
  /**
   * Writes what is recorded of the event. `frame`: that of its message, where the event has one and the frame is at
   * hand; `after`: what it has led to, null where that is nothing.
   */
  write(to: Writer, event: Event, after: Step<Machine, Effect> | null, frame: Uint8Array | null): void;
  /** Refuses where it is not an event for that machine. */
  event(recorded: Recorded, machine: Machine): Event;
  /** Throws where the machine does. `isMoreComing`: as `serverStep` says. */
  step(machine: Machine, event: Event, isMoreComing: boolean): Step<Machine, Effect>;
  digest(step: Step<Machine, Effect>, isDeep: boolean): number;
  /** The data. */
  state(machine: Machine): State;
  /** Bytes that the machine's form will take, by an estimate from below: it is asked before they are written. */
  size(machine: Machine): number;
  /** What merges would decide in this step. */
  decisions(machine: Machine, event: Event, isMoreComing: boolean): readonly Decision[];
}
