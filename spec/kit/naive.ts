/**
 * The merge as it is defined: every instruction of the left against every instruction of the right, in
 * order, without any thought of cost. It stays dumb: the real one is compared with it.
 *
 * Source: merge-semantics, section 5.3.
 */
import * as E from 'fp-ts/lib/Either.js';
import { columnsWith, noColumns } from '../../core/merge/column-lookup.js';
import { mergePair } from '../../core/merge/merge-pair.js';
import type { Fate } from '../../core/merge/outcome.js';
import type { MergeOptions, Transformed } from '../../core/merge/transform.js';
import type { TransformReason } from '../../core/merge/transform-error.js';
import { type Changeset, isOlder } from '../../core/model/changeset.js';
import type { Instruction } from '../../core/model/instruction.js';

interface Cell {
  instruction: Instruction | null;
  readonly index: number;
}

export const naiveTransform = (
  left: readonly Changeset[],
  right: readonly Changeset[],
  { rules, columns }: MergeOptions,
): E.Either<TransformReason, Transformed> => {
  const context = { columns: columnsWith(columns ?? noColumns, left, right) };
  const rest = cells(left);
  const others = cells(right);
  const done: Cell[] = [];
  let reason: TransformReason | null = null;

  const carry = (a: Cell, from: number): void => {
    for (let j = from; j < others.length && a.instruction !== null && reason === null; j++) {
      const b = others[j] as Cell;
      if (b.instruction === null) continue;
      const leftIsNewer = !isOlder(left[a.index] as Changeset, right[b.index] as Changeset);
      const outcome = mergePair(a.instruction, b.instruction, leftIsNewer, rules, context);
      if (outcome.problem !== null) reason = outcome.problem.reason;
      a.instruction = after(a.instruction, outcome.first);
      b.instruction = after(b.instruction, outcome.second);
      if (outcome.beforeFirst !== null) {
        const front = { instruction: outcome.beforeFirst, index: a.index };
        carry(front, j + 1);
        done.push(front);
      }
      if (outcome.beforeSecond !== null) {
        others.splice(j, 0, { instruction: outcome.beforeSecond, index: b.index });
        j++;
      }
    }
  };

  for (const a of rest) {
    carry(a, 0);
    done.push(a);
  }
  if (reason !== null) return E.left(reason);
  return E.right({ left: filled(left, done), right: filled(right, others) });
};

const cells = (changesets: readonly Changeset[]): Cell[] =>
  changesets.flatMap(({ instructions }, index) =>
    instructions.map((instruction) => ({ instruction, index })),
  );

const after = (instruction: Instruction, fate: Fate): Instruction | null =>
  fate === 'stays' ? instruction : fate === 'goes' ? null : fate;

const filled = (changesets: readonly Changeset[], from: readonly Cell[]): Changeset[] =>
  changesets.map((changeset, index) => ({
    ...changeset,
    instructions: from.flatMap((cell) =>
      cell.index === index && cell.instruction !== null ? [cell.instruction] : [],
    ),
  }));
