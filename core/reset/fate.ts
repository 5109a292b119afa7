/**
 * What became of instructions in a merge, in the words of a report.
 */

import type { Decision } from '../merge/recorder.js';
import { type Instruction, isPathInstruction } from '../model/instruction.js';
import { identical } from '../model/value.js';
import { type Outcome, recovered, type Transformation } from './report.js';

/** Whether the two say the same, though the merge has made one of the other. */
const isSame = (given: Instruction, result: Instruction): boolean =>
  given.kind === 'Update' &&
  result.kind === 'Update' &&
  isMoved(given, result) &&
  given.priorSize === result.priorSize &&
  given.path.every((element, at) => element === result.path[at]);

/** Whether `result` does the same as `given`, at another place of a list or for another size of it. */
const isMoved = (given: Instruction, result: Instruction): boolean => {
  if (given.kind !== result.kind || !isPathInstruction(given) || !isPathInstruction(result)) return false;
  if (given.path.length !== result.path.length) return false;
  const samePlace = given.path.every(
    (element, at) => typeof element === 'number' || element === result.path[at],
  );
  if (!samePlace) return false;
  if (given.kind === 'AddInteger' || result.kind === 'AddInteger')
    return 'value' in given && 'value' in result && given.value === result.value;
  if ('value' in given && 'value' in result) return identical(given.value, result.value);
  return true;
};

const howOf = (given: Instruction, results: readonly Instruction[]): Transformation =>
  results.length === 1 && isMoved(given, results[0] as Instruction) ? 'moved' : 'adjusted';

/** The server's instruction that is likeliest to have overruled `lost`, where no rule was heard. */
const culprit = (lost: Instruction, server: readonly Instruction[]): Instruction | null => {
  const erasure = server.find(({ kind }) => kind === 'EraseObject');
  if (erasure !== undefined) return erasure;
  if (!isPathInstruction(lost)) return null;
  return (
    server.find(
      (other) =>
        isPathInstruction(other) &&
        other.field === lost.field &&
        other.path.every((element, at) => typeof element === 'number' || element === lost.path[at]),
    ) ?? null
  );
};

/**
 * One outcome for each of `given`. `decisions` are what the rules said when the same was merged, the
 * instructions of `given` being the changesets of the right; `server` is what stood on the left.
 */
export const fatesOf = (
  given: readonly Instruction[],
  results: readonly (readonly Instruction[])[],
  decisions: readonly Decision[],
  server: readonly Instruction[],
): Outcome[] => {
  const last = new Map<number, Decision>();
  for (const decision of decisions) {
    const { outcome, winner, loser } = decision;
    const own = outcome === 'joined' && winner.side === 'right' ? winner : loser;
    if (own.side === 'right') last.set(own.index, decision);
  }
  return given.map((instruction, at) => {
    const result = results[at] ?? [];
    const [only] = result;
    if (result.length === 1 && only !== undefined && (only === instruction || isSame(instruction, only)))
      return recovered;
    const decision = last.get(at);
    if (result.length > 0)
      return {
        type: 'transformed',
        how: howOf(instruction, result),
        result,
        reason: decision?.reason ?? 'the server has changed what is around it',
      };
    const party = decision?.winner.side === 'left' ? decision.winner : decision?.loser;
    return {
      type: 'superseded',
      by: party?.side === 'left' ? party.instruction : culprit(instruction, server),
      reason: decision?.reason ?? 'the server has changed or erased what it was about',
    };
  });
};
