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
  | 'T5'
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

/** Its place shifted; what it says changed; or it says the same, and only the merge knows the difference. */
export type Effect = 'moved' | 'adjusted' | 'marked';

/** `first` and `second` are the operands in the order in which they were given. */
export interface Outcome {
  readonly rule: RuleCode | null;
  /** One sentence, for people. */
  readonly reason: string;
  /** What happened to an instruction that was replaced. */
  readonly effect: Effect;
  readonly first: Fate;
  readonly second: Fate;
  /** Go right in front of the first and the second instruction, each on its side. */
  readonly beforeFirst: Instruction | null;
  readonly beforeSecond: Instruction | null;
  /** The two cannot be merged; the rest of the outcome is then without meaning. */
  readonly problem: Problem | null;
  /** The same for operands the other way round, where it is made already. */
  readonly mirror: Outcome | null;
}

class Decided implements Outcome {
  readonly beforeFirst: Instruction | null;
  readonly beforeSecond: Instruction | null;
  mirror: Outcome | null = null;
  readonly rule: RuleCode | null;
  readonly reason: string;
  readonly effect: Effect;
  readonly first: Fate;
  readonly second: Fate;
  readonly problem: Problem | null;

  constructor(
    { rule, reason, effect }: Pick<Outcome, 'rule' | 'reason' | 'effect'>,
    first: Fate,
    second: Fate,
    beforeFirst: Instruction | null = null,
    beforeSecond: Instruction | null = null,
    problem: Problem | null = null,
  ) {
    this.rule = rule;
    this.reason = reason;
    this.effect = effect;
    this.first = first;
    this.second = second;
    this.beforeFirst = beforeFirst;
    this.beforeSecond = beforeSecond;
    this.problem = problem;
  }
}

const nothing = { rule: null, reason: '', effect: 'adjusted' } as const;

const constant = (outcome: Decided, mirror: Decided): Outcome => {
  outcome.mirror = mirror;
  mirror.mirror = outcome;
  return outcome;
};

const same = (outcome: Decided): Outcome => constant(outcome, outcome);

/** Nothing happened. Compare by reference. */
export const unchanged: Outcome = same(new Decided(nothing, 'stays', 'stays'));

/** All that one rule can answer. */
export interface Verdict {
  readonly firstGoes: Outcome;
  readonly secondGoes: Outcome;
  readonly bothGo: Outcome;
  /** The older of the two goes. */
  older(firstIsNewer: boolean): Outcome;
  /** One or both are replaced, or one goes and the other is replaced. */
  change(first: Fate, second: Fate): Outcome;
  /** This becomes of the first, and `instruction` is put in front of the second. */
  prepend(first: Fate, instruction: Instruction): Outcome;
}

export const verdict = (rule: RuleCode, reason: string, effect: Effect = 'adjusted'): Verdict => {
  const by = { rule, reason, effect };
  const second = new Decided(by, 'stays', 'goes');
  const firstGoes = constant(new Decided(by, 'goes', 'stays'), second);
  const secondGoes: Outcome = second;
  return {
    firstGoes,
    secondGoes,
    bothGo: same(new Decided(by, 'goes', 'goes')),
    older: (firstIsNewer) => (firstIsNewer ? secondGoes : firstGoes),
    change: (a, b) => new Decided(by, a, b),
    prepend: (first, instruction) => new Decided(by, first, 'stays', null, instruction),
  };
};

export const fail = (problem: Problem): Outcome =>
  new Decided(nothing, 'stays', 'stays', null, null, problem);

/** The outcome for the same operands the other way round. */
export const mirrored = (outcome: Outcome): Outcome => {
  if (outcome.mirror !== null) return outcome.mirror;
  const { first, second, beforeFirst, beforeSecond, problem } = outcome;
  const turned = problem === null ? null : { ...problem, first: problem.second, second: problem.first };
  return new Decided(outcome, second, first, beforeSecond, beforeFirst, turned);
};
