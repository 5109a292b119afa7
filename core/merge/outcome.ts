/**
 * Outcomes: what a rule decides about a pair of instructions that met.
 *
 * A rule sees two instructions, one from each side, based on one state, and says what becomes of each so
 * that it can be performed after the other: it stays, it goes, or another instruction takes its place. One
 * rule also puts an instruction in front. Rules change nothing themselves; an instruction that stays is
 * the same reference afterwards, so that "did anything change" is a comparison of references.
 *
 * The outcomes that discard are made once for each rule, so that only adjusting allocates. Each carries its
 * rule and its reason, for those who listen (`recorder.ts`).
 */
import type { Instruction } from '../model/instruction.js';
import type { Problem } from './transform-error.js';

/** Names of rules as in merge-semantics, section 4; `n:` marks the nested rule of an outer kind. */
export type RuleCode =
  | 'T1'
  | 'T2'
  | 'T3'
  | 'T4'
  | 'O1'
  | 'O2'
  | 'U1'
  | 'U2'
  | 'U3'
  | 'U4'
  | 'U5'
  | 'C1'
  | 'C2'
  | 'C3'
  | 'C4'
  | 'L1'
  | 'L2'
  | 'L3'
  | 'L4'
  | 'L5'
  | 'L6'
  | 'L7'
  | 'L8'
  | 'L9'
  | 'L10'
  | 'L11'
  | 'L12'
  | 'S1'
  | 'S2'
  | 'n:EraseTable'
  | 'n:EraseObject'
  | 'n:Update'
  | 'n:AddInteger'
  | 'n:ArrayInsert'
  | 'n:ArrayMove'
  | 'n:ArrayErase'
  | 'n:Clear';

/** What becomes of one instruction: as it was, discarded, or replaced. */
export type Fate = 'stays' | 'goes' | Instruction;

/** `first` and `second` are the rule's own operands; whoever calls the rule knows which side each came from. */
export interface Outcome {
  readonly rule: RuleCode | null;
  /** One sentence, for people. */
  readonly reason: string;
  /** What happened to an instruction that was replaced: its place shifted, or what it says changed. */
  readonly effect: 'moved' | 'adjusted';
  readonly first: Fate;
  readonly second: Fate;
  /** Goes right in front of the second instruction, on its side. */
  readonly beforeSecond: Instruction | null;
  /** The two cannot be merged; the rest of the outcome is then without meaning. */
  readonly problem: Problem | null;
}

/** Nothing happened. Compare by reference. */
export const unchanged: Outcome = Object.freeze({
  rule: null,
  reason: '',
  effect: 'adjusted',
  first: 'stays',
  second: 'stays',
  beforeSecond: null,
  problem: null,
});

/** All that one rule can answer. */
export interface Verdict {
  readonly firstGoes: Outcome;
  readonly secondGoes: Outcome;
  readonly bothGo: Outcome;
  /** The older of the two goes. */
  older(firstIsNewer: boolean): Outcome;
  /** One or both are replaced, or one goes and the other is replaced. */
  change(first: Fate, second: Fate): Outcome;
  /** The first goes, and `instruction` is put in front of the second. */
  prepend(instruction: Instruction): Outcome;
}

export const verdict = (
  rule: RuleCode,
  reason: string,
  effect: 'moved' | 'adjusted' = 'adjusted',
): Verdict => {
  const make = (first: Fate, second: Fate, beforeSecond: Instruction | null): Outcome => ({
    rule,
    reason,
    effect,
    first,
    second,
    beforeSecond,
    problem: null,
  });
  const firstGoes = Object.freeze(make('goes', 'stays', null));
  const secondGoes = Object.freeze(make('stays', 'goes', null));
  const bothGo = Object.freeze(make('goes', 'goes', null));
  return {
    firstGoes,
    secondGoes,
    bothGo,
    older: (firstIsNewer) => (firstIsNewer ? secondGoes : firstGoes),
    change: (first, second) => make(first, second, null),
    prepend: (instruction) => make('goes', 'stays', instruction),
  };
};

export const fail = (problem: Problem): Outcome => ({ ...unchanged, problem });
