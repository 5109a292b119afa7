/**
 * Folding: what a history says up to a *horizon* becomes one changeset that builds the state there, in its
 * canonical form. Counters are sums then, lists are their elements, and what was created and erased again has
 * never been.
 *
 * Whoever is at the horizon or above it cannot tell: nothing of his can be concurrent with what was folded,
 * and none of it will be sent to him. Whoever is below must not meet the history any more, with one
 * exception: a device at position 0 that has never integrated anything downloads the folded history from its
 * start, and what it wrote before is merged with that, by the server as by the device itself. Both ends then
 * use the same history, so they converge. The result need not be that of the whole history: an object that
 * was erased below the horizon and is created by the device lives.
 *
 * The snapshot bears the greatest time in the prefix, and comes from the server's own file, so that nobody
 * takes it for his own. A write that was made offline before the horizon, by a device that comes for the first
 * time, therefore does not overwrite what others wrote until then.
 *
 * Source: merge-semantics, section 6.8.
 */
import * as E from 'fp-ts/lib/Either.js';
import { type ApplyError, edit } from '../model/apply.js';
import type { Changeset } from '../model/changeset.js';
import { toInstructions } from '../model/snapshot.js';
import { emptyState, type State } from '../model/state.js';
import { serverIdent } from './partition.js';

export interface Folded {
  /** One changeset, or none where nothing was to be folded. */
  readonly snapshot: readonly Changeset[];
  /** What is above the horizon, as it was. */
  readonly rest: readonly Changeset[];
  /** At the horizon. */
  readonly state: State;
}

/**
 * `history` ascends by version, without a gap; `from` is the state before it, and the snapshot stands for
 * both. The horizon is a version; where it is below the first changeset, nothing is folded. Left where the
 * prefix cannot be applied: then the history is damaged. Time and memory in proportion to prefix and state.
 */
export const foldPrefix = (
  history: readonly Changeset[],
  horizon: number,
  from: State = emptyState,
): E.Either<ApplyError, Folded> => {
  let length = 0;
  while (length < history.length && (history[length] as Changeset).version <= horizon) length++;
  const draft = edit(from);
  let timestamp = 0;
  for (const changeset of history.slice(0, length)) {
    timestamp = Math.max(timestamp, changeset.timestamp);
    for (const instruction of changeset.instructions) {
      const error = draft.apply(instruction);
      if (error !== null) return E.left(error);
    }
  }
  const state = draft.finish();
  const last = history[length - 1];
  if (last === undefined) return E.right({ snapshot: [], rest: history, state });
  const { version } = last;
  const snapshot = { version, base: 0, timestamp, origin: serverIdent, instructions: toInstructions(state) };
  return E.right({ snapshot: [snapshot], rest: history.slice(length), state });
};
