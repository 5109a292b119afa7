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
 * That is the definition. Most pairs are not related by any rule, and an index finds those that are
 * (`index-merge.ts`); operations on one list are composed instead of compared (`list-merge.ts`). Both are
 * invisible: the result is the same, instruction for instruction.
 *
 * Laws, for changesets A, B, C with A and B from one state, and T(A, B) for A rewritten to come after B:
 *
 *     convergence   A, then T(B, A), gives the same state as B, then T(A, B)
 *     solubility    T(A + B, C) = T(A, C) + T(B, T(C, A)), and T(C, A + B) = T(T(C, A), B)
 *
 * Source: merge-semantics, sections 5.3, 5.4 and 5.6.
 */
import * as E from 'fp-ts/lib/Either.js';
import type { Changeset } from '../model/changeset.js';
import { columnsWith, noColumns } from './column-lookup.js';
import { transformIndexed } from './index-transform.js';
import { PairwiseMerge } from './pairwise.js';
import type { Recorder } from './recorder.js';
import type { ColumnLookup, RuleSet } from './rule.js';
import type { TransformError } from './transform-error.js';

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
  const { rules, recorder } = options;
  const context = { columns: columnsWith(options.columns ?? noColumns, left, right) };
  if (recorder === undefined) {
    const indexed = transformIndexed(left, right, rules, context);
    if (indexed !== null) return E.right(indexed);
  }
  const merge = new PairwiseMerge(left, right, rules, context, recorder);
  merge.run();
  return merge.problem === null ? E.right(merge.result()) : E.left(merge.problem);
};
