/**
 * Integration: carrying changesets of a peer over the history that the peer had not seen.
 *
 * A device integrates downloads over its own unacknowledged writes; a server integrates uploads over what
 * came from everybody else. It is one routine. Each incoming changeset names its `base`, the newest of our
 * versions that the sender knew; bases never decrease. All entries of ours above the base are met, each in
 * its present form: the original, or what earlier integrations with this same peer have made of it (its
 * reciprocal form). Both sides come out rewritten: the incoming ones fit our state, ours fit the sender's.
 *
 * An entry of ours that merges away to nothing stays in its emptied form. Reading the original again
 * would bring its instructions back to life; that is a known way for real devices to get stuck
 * (merge-semantics, 4.12 no. 9).
 *
 * Source: merge-semantics, sections 5.2 and 5.5; sessions-and-history, section 3.1.
 */
import * as E from 'fp-ts/lib/Either.js';
import { type MergeOptions, type TransformError, transform } from '../merge/transform.js';
import type { Changeset } from '../model/changeset.js';

/** One entry of ours: `changeset` is its present form towards this peer. */
export interface LocalForm {
  readonly version: number;
  readonly changeset: Changeset;
}

export interface Integration {
  /** As many as came in, in order; fit to be applied one after the other to our state. */
  readonly incoming: readonly Changeset[];
  /** As many as were given; the same reference where nothing changed. */
  readonly locals: readonly LocalForm[];
}

/**
 * `locals` ascend by version, `incoming` by base. The result depends on nothing else, so that both ends of
 * a conversation compute the same from what they know. Left where two changesets cannot be merged, and then
 * nothing of the batch is integrated.
 */
export const integrate = (
  locals: readonly LocalForm[],
  incoming: readonly Changeset[],
  options: MergeOptions,
): E.Either<TransformError, Integration> => {
  if (locals.length === 0) return E.right({ incoming, locals });
  const forms = locals.slice();
  const results: Changeset[] = [];
  let start = 0;
  let firstLocal = 0;
  while (start < incoming.length) {
    const base = (incoming[start] as Changeset).base;
    let end = start + 1;
    while (end < incoming.length && (incoming[end] as Changeset).base === base) end++;
    while (firstLocal < forms.length && (forms[firstLocal] as LocalForm).version <= base) firstLocal++;
    const run = incoming.slice(start, end);
    if (firstLocal === forms.length) {
      for (const changeset of run) results.push(changeset);
    } else {
      const ours = forms.slice(firstLocal);
      const merged = transform(
        ours.map((form) => form.changeset),
        run,
        options,
      );
      if (E.isLeft(merged)) return merged;
      for (let i = 0; i < ours.length; i++) {
        const before = ours[i] as LocalForm;
        const changeset = merged.right.left[i] as Changeset;
        if (changeset !== before.changeset) forms[firstLocal + i] = { version: before.version, changeset };
      }
      for (const changeset of merged.right.right) results.push(changeset);
    }
    start = end;
  }
  return E.right({ incoming: results, locals: forms });
};
