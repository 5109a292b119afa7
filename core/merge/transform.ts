/**
 * Transformation: two sequences of changesets that were made from one state are rewritten so that each can
 * be applied after the other.
 *
 * Every instruction of the left is carried over all of the right, in order; both may change on the way. The
 * order is what makes it right: once an instruction of the left has passed, everything on the right is
 * based on the state behind it, where the next one starts.
 *
 *     for each left instruction, in order
 *       for each right instruction, in order
 *         merge the pair; stop with the left one if it is discarded
 *
 * Pairs that no rule relates are skipped: instructions on different objects never meet, nor do those on
 * objects and those that add to the schema. Only what erases from the schema meets everything. Skipping is
 * an optimisation and nothing else.
 *
 * Laws, for changesets A, B, C with A and B from one state, and T(A, B) for A rewritten to come after B:
 *
 *     convergence   A, then T(B, A), gives the same state as B, then T(A, B)
 *     solubility    T(A + B, C) = T(A, C) + T(B, T(C, A)), and T(C, A + B) = T(T(C, A), B)
 *
 * Source: merge-semantics, sections 5.3, 5.4 and 5.6.
 */
import * as E from 'fp-ts/lib/Either.js';
import { type Changeset, isOlder } from '../model/changeset.js';
import type { Instruction } from '../model/instruction.js';
import { columnsWith, noColumns } from './column-lookup.js';
import { mergePair } from './merge-pair.js';
import { type Fate, type Outcome, unchanged } from './outcome.js';
import { type Party, type Recorder, report } from './recorder.js';
import type { ColumnLookup, Context, RuleSet } from './rule.js';
import { type ErrorSide, type TransformError, transformError } from './transform-error.js';

export type { TransformError } from './transform-error.js';

export interface MergeOptions {
  /** The same at both ends of a conversation, for the whole life of a history. */
  readonly rules: RuleSet;
  /** Hears of every decision; costs nothing where it is absent. */
  readonly recorder?: Recorder;
  /** The schema that both sides know; needed where columns of embedded classes are erased. */
  readonly columns?: ColumnLookup;
}

export interface Transformed {
  readonly left: readonly Changeset[];
  readonly right: readonly Changeset[];
}

/** An instruction on its way through the merge; null once it is discarded. */
interface Traveller {
  instruction: Instruction | null;
  /** Position of its changeset among those of its side. */
  readonly index: number;
}

type Side = 'left' | 'right';

class Merge {
  readonly left: Traveller[];
  readonly right: Traveller[];
  private readonly rules: RuleSet;
  private readonly context: Context;
  private readonly recorder: Recorder | undefined;
  private readonly lefts: readonly Changeset[];
  private readonly rights: readonly Changeset[];
  problem: TransformError | null = null;

  constructor(lefts: readonly Changeset[], rights: readonly Changeset[], options: MergeOptions) {
    this.lefts = lefts;
    this.rights = rights;
    this.left = travellers(lefts);
    this.right = travellers(rights);
    this.rules = options.rules;
    this.recorder = options.recorder;
    this.context = { columns: columnsWith(options.columns ?? noColumns, lefts, rights) };
  }

  run(): void {
    const partners = erasesSchema(this.left) || erasesSchema(this.right) ? null : new Partners(this.right);
    // What rules put in front of a left instruction is carried at once, so the walk goes over a copy.
    for (const traveller of this.left.slice()) {
      const instruction = traveller.instruction as Instruction;
      this.carry(traveller, partners === null ? this.right : partners.of(instruction), 0);
      if (this.problem !== null) return;
    }
  }

  /** Carries one left instruction over `partners`, from position `from`. */
  private carry(traveller: Traveller, partners: Traveller[], from: number): void {
    for (let j = from; j < partners.length; j++) {
      const partner = partners[j] as Traveller;
      const left = traveller.instruction;
      const right = partner.instruction;
      if (left === null || this.problem !== null) return;
      if (right === null) continue;
      const leftChangeset = this.lefts[traveller.index] as Changeset;
      const rightChangeset = this.rights[partner.index] as Changeset;
      const leftIsNewer = !isOlder(leftChangeset, rightChangeset);
      const outcome = mergePair(left, right, leftIsNewer, this.rules, this.context);
      if (outcome === unchanged) continue;
      this.settle(outcome, traveller, partner, left, right);
      const { beforeFirst, beforeSecond } = outcome;
      if (beforeSecond !== null) {
        // What is being carried has its part of the rule already, and meets neither of the two again.
        partners.splice(j, 0, { instruction: beforeSecond, index: partner.index });
        j++;
      }
      if (beforeFirst !== null) {
        // It has to pass what comes behind the instruction that caused it.
        const front = { instruction: beforeFirst, index: traveller.index };
        this.left.splice(this.left.indexOf(traveller), 0, front);
        this.carry(front, partners, j + 1);
      }
    }
  }

  private settle(
    outcome: Outcome,
    traveller: Traveller,
    partner: Traveller,
    left: Instruction,
    right: Instruction,
  ): void {
    const party = (side: Side): ErrorSide & Party =>
      side === 'left'
        ? {
            side,
            index: traveller.index,
            changeset: this.lefts[traveller.index] as Changeset,
            instruction: left,
          }
        : {
            side,
            index: partner.index,
            changeset: this.rights[partner.index] as Changeset,
            instruction: right,
          };
    if (outcome.problem !== null) {
      this.problem = transformError(outcome.problem, party('left'), party('right'));
      return;
    }
    if (this.recorder !== undefined) report(this.recorder, outcome, party('left'), party('right'));
    traveller.instruction = after(left, outcome.first);
    partner.instruction = after(right, outcome.second);
  }
}

const after = (instruction: Instruction, fate: Fate): Instruction | null =>
  fate === 'stays' ? instruction : fate === 'goes' ? null : fate;

const travellers = (changesets: readonly Changeset[]): Traveller[] =>
  changesets.flatMap(({ instructions }, index) =>
    instructions.map((instruction) => ({ instruction, index })),
  );

const erasesSchema = (side: readonly Traveller[]): boolean =>
  side.some(({ instruction }) => instruction?.kind === 'EraseTable' || instruction?.kind === 'EraseColumn');

/** The right instructions that a left one can meet: those on its object, or those that add to the schema. */
class Partners {
  private readonly groups = new Map<string, Traveller[]>();

  constructor(right: readonly Traveller[]) {
    for (const traveller of right) this.of(traveller.instruction as Instruction).push(traveller);
  }

  of(instruction: Instruction): Traveller[] {
    const name = 'object' in instruction ? `${instruction.object} ${instruction.table}` : '';
    let group = this.groups.get(name);
    if (group === undefined) {
      group = [];
      this.groups.set(name, group);
    }
    return group;
  }
}

/** The changesets with what has become of their instructions; the same reference where nothing did. */
const rebuilt = (changesets: readonly Changeset[], side: readonly Traveller[]): readonly Changeset[] => {
  const contents: Instruction[][] = changesets.map(() => []);
  for (const { instruction, index } of side)
    if (instruction !== null) (contents[index] as Instruction[]).push(instruction);
  let changed = false;
  const result = changesets.map((changeset, index) => {
    const instructions = contents[index] as Instruction[];
    const same =
      instructions.length === changeset.instructions.length &&
      instructions.every((instruction, i) => instruction === changeset.instructions[i]);
    if (same) return changeset;
    changed = true;
    return { ...changeset, instructions };
  });
  return changed ? result : changesets;
};

/**
 * Both sequences, each rewritten to come after the other. Changesets keep their places, numbers and times.
 * One that nothing happened to is the same reference, and so is each instruction that nothing happened to.
 *
 * A changeset that merges away to nothing stays in its place, empty. It has to be kept in that form for the
 * next merge with the same peer: the original would bring its instructions back to life (merge-semantics,
 * 4.12 no. 9).
 *
 * Left where the sides disagree about the schema, or where a changeset contradicts its base; the error
 * names both changesets and both instructions, so that the offender can be set aside and the rest merged.
 */
export const transform = (
  left: readonly Changeset[],
  right: readonly Changeset[],
  options: MergeOptions,
): E.Either<TransformError, Transformed> => {
  const merge = new Merge(left, right, options);
  merge.run();
  if (merge.problem !== null) return E.left(merge.problem);
  return E.right({ left: rebuilt(left, merge.left), right: rebuilt(right, merge.right) });
};
