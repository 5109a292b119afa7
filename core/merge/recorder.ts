/**
 * Listening to the merge: each decision that changed an instruction, with who won, who lost and why. It
 * feeds the explanation of values and the report of lost writes.
 *
 * Source of the rule codes: merge-semantics, sections 4.2 and 4.3.
 */
import type { Changeset } from '../model/changeset.js';
import type { Instruction } from '../model/instruction.js';
import type { Outcome, RuleCode } from './outcome.js';

export interface Party {
  readonly side: 'left' | 'right';
  /** Position of the changeset among those of its side, from 0. */
  readonly index: number;
  /** Its version, timestamp and origin tell which write of whom this is; rewriting does not change them. */
  readonly changeset: Changeset;
  /** As it was when the two met. */
  readonly instruction: Instruction;
}

export interface Decision {
  readonly rule: RuleCode;
  /**
   * `discarded`: the loser is gone. `joined`: both are gone, since they said the same. `moved`: the loser
   * has another place. `adjusted`: it says something else. `preceded`: something was put in front of it.
   */
  readonly outcome: 'discarded' | 'joined' | 'moved' | 'adjusted' | 'preceded';
  /** One sentence. */
  readonly reason: string;
  readonly winner: Party;
  readonly loser: Party;
  /** What the loser has become, or what was put in front of it; null where it is gone. */
  readonly result: Instruction | null;
}

/** Called in the order of the decisions. One meeting makes two where both instructions changed. */
export interface Recorder {
  decided(decision: Decision): void;
}

/** Tells the recorder what an outcome other than `unchanged` did. */
export const report = (recorder: Recorder, outcome: Outcome, left: Party, right: Party): void => {
  const { rule, reason, first, second, effect } = outcome;
  if (rule === null || effect === 'marked') return;
  if (first === 'goes' && second === 'goes') {
    recorder.decided({ rule, outcome: 'joined', reason, winner: left, loser: right, result: null });
    return;
  }
  const tell = (fate: Outcome['first'], before: Instruction | null, winner: Party, loser: Party): void => {
    if (before !== null)
      recorder.decided({ rule, outcome: 'preceded', reason, winner, loser, result: before });
    if (fate === 'goes')
      recorder.decided({ rule, outcome: 'discarded', reason, winner, loser, result: null });
    else if (fate !== 'stays')
      recorder.decided({ rule, outcome: effect, reason, winner, loser, result: fate });
  };
  tell(first, outcome.beforeFirst, right, left);
  tell(second, outcome.beforeSecond, left, right);
};
