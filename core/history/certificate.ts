/**
 * Compaction with a certificate: beside the new history stands a small record of what was done, that anyone
 * who has both histories can check without trusting the compactor (`verify.ts`).
 *
 * The certificate says which versions were looked at, how much there was and is, what the state is at the
 * cut and at the head, from which position on a device cannot tell, and which devices are below.
 */
import * as E from 'fp-ts/lib/Either.js';
import { columnsOf } from '../merge/column-lookup.js';
import { type ApplyError, edit } from '../model/apply.js';
import type { Changeset } from '../model/changeset.js';
import { encodeChangeset } from '../model/codec.js';
import { digest } from '../model/digest.js';
import { emptyState, type State } from '../model/state.js';
import { supersede } from './compact.js';
import { foldPrefix } from './fold-prefix.js';

export interface Extent {
  readonly changesets: number;
  readonly instructions: number;
  /** Of the changesets, each encoded by itself. */
  readonly bytes: number;
}

/** How far a client file has got: no changeset still to come from it has a base below. */
export interface ClientPosition {
  readonly ident: number;
  readonly version: number;
}

export interface Certificate {
  /** Versions of the first and the last changeset before; both 0 for an empty history. */
  readonly first: number;
  readonly head: number;
  /** Everything up to this version is folded into one changeset; 0 where nothing is. */
  readonly cut: number;
  readonly before: Extent;
  readonly after: Extent;
  readonly digestAtCut: string;
  readonly digestAtHead: string;
  /** The compaction is invisible to devices at this version and above, and to those that have never been there. */
  readonly safeFrom: number;
  /** Known clients below, in ascending order of idents: they must be expired before the history is replaced. */
  readonly expires: readonly ClientPosition[];
}

export interface CompactOptions {
  /** Everything up to this version is folded; 0, the default, to fold nothing. */
  readonly horizon?: number;
  /** All client files that are not expired. */
  readonly clients?: readonly ClientPosition[];
  /** The state before the first changeset; by default the empty one. A snapshot stands for it, too. */
  readonly from?: State;
}

export interface Compacted {
  readonly history: readonly Changeset[];
  readonly certificate: Certificate;
}

/** What encoding the history takes. O(instructions). */
export const extentOf = (history: readonly Changeset[]): Extent => {
  let instructions = 0;
  let bytes = 0;
  for (const changeset of history) {
    instructions += changeset.instructions.length;
    bytes += encodeChangeset(changeset).length;
  }
  return { changesets: history.length, instructions, bytes };
};

/**
 * `history` is a part without a gap, ascending by version. Left where it cannot be applied to `from`: then it
 * is damaged, and nothing is to be done with it. Time in proportion to history and state.
 */
export const compact = (
  history: readonly Changeset[],
  { horizon = 0, clients = [], from = emptyState }: CompactOptions = {},
): E.Either<ApplyError, Compacted> => {
  const folded = foldPrefix(history, horizon, from);
  if (E.isLeft(folded)) return folded;
  const { state: atCut, rest } = folded.right;
  const draft = edit(atCut);
  for (const { instructions } of rest)
    for (const instruction of instructions) {
      const error = draft.apply(instruction);
      if (error !== null) return E.left(error);
    }
  const atHead = draft.finish();
  const compacted = [...folded.right.snapshot, ...supersede(rest, columnsOf(atHead))];
  const cut = folded.right.snapshot[0]?.version ?? 0;
  const certificate: Certificate = {
    first: history[0]?.version ?? 0,
    head: history[history.length - 1]?.version ?? 0,
    cut,
    before: extentOf(history),
    after: extentOf(compacted),
    digestAtCut: digest(atCut),
    digestAtHead: digest(atHead),
    safeFrom: cut,
    expires: clients.filter(({ version }) => version < cut).sort((a, b) => a.ident - b.ident),
  };
  return E.right({ history: compacted, certificate });
};
