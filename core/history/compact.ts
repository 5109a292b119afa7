/**
 * Compaction of a history by superseding: instructions whose effect later ones have overwritten go, and
 * nobody can tell. Changesets keep their versions, bases, times and origins; what has lost all its
 * instructions stays, empty.
 *
 * Law, for a history H of our merge, C = superseded(H), every position b and every pending L that is based on
 * b: integrating L into what follows b in C gives the same state, on the server and on every device, as
 * integrating it into what follows b in H; whether the device got its part of the history before or after
 * the compaction. Where mixed values hold collections, times must not decrease along the history, which
 * convergence itself asks for (merge-semantics, 3.3).
 *
 * Valid for the rule set `syncline`. Origin 0 must have been replaced by the ident it stands for.
 */
import { noColumns } from '../merge/column-lookup.js';
import type { ColumnLookup } from '../merge/rule.js';
import type { Changeset } from '../model/changeset.js';
import { BackwardPass, columnsOfHistory } from './compact-absorb.js';
import { foldWithin } from './compact-within.js';

/**
 * The compacted history; the same reference for what has not changed, in each changeset and as a whole.
 *
 * `history` ascends by version, and may be any part of a history without a gap. `columns` is what is known of
 * the schema besides what the part itself adds, at best that of the state behind it: without it some
 * instructions stay that could go, wherever it matters whether a value is of type mixed. O(instructions × path).
 */
export const supersede = <T extends Changeset>(
  history: readonly T[],
  columns: ColumnLookup = noColumns,
): readonly T[] => {
  const pass = new BackwardPass(columnsOfHistory(history, columns));
  let result: T[] | null = null;
  for (let i = history.length - 1; i >= 0; i--) {
    const changeset = history[i] as T;
    const instructions = foldWithin(pass.reduced(changeset));
    if (instructions === changeset.instructions) continue;
    result ??= history.slice();
    result[i] = { ...changeset, instructions };
  }
  return result ?? history;
};
