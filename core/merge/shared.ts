/**
 * Updates that make a mixed value a list or a dictionary, and what may be lost between two of them.
 *
 * Such an Update is idempotent: where the place already is that kind of collection, nothing happens. Two
 * sides that both make a list in one place therefore share it, and the merge lets both through. But then
 * the Update no longer says "an empty list, by me": the other side's elements are in it. If the other side
 * goes on to overwrite the place with something else, and its overwrite is the older write, the reference
 * drops the overwrite for the newer Update. The elements are still there on one replica; on the other they
 * were overwritten, and the Update brings back an empty list.
 *
 * So an Update that something of the other side has gone into is marked *shared*. It claims its place no
 * longer: any overwrite of the place wins over it, as an overwrite always wins over what happens inside.
 * The mark is set by the merge alone, except that whoever reads instructions of a foreign emitter may set
 * it on an Update that was made where such a collection with contents was already. (Our own never is: it
 * sends a Clear after every such Update.) A marked Update says the same as before, in the notation too: its
 * value is another constant of the same contents, which the codec keeps apart.
 *
 *     A newer:  Update m = list
 *     B older:  Update m = list, ArrayInsert m[0] = 1, Update m = "s"        m becomes "s" on both
 *
 * Source: merge-semantics, sections 1.6, 3.3, and 4.12 no. 7.
 */
import type { Update } from '../model/instruction.js';
import { dictionary, isShared, list, type Payload, sharedDictionary, sharedList } from '../model/value.js';

/** The kind of collection that an update with this value makes of its place; null if it makes none. */
export const collectionOf = (value: Payload): 'list' | 'dictionary' | null => {
  if (typeof value !== 'object' || value === null) return null;
  return value.type === 'list' || value.type === 'dictionary' ? value.type : null;
};

/** The same reference if it is shared already, or makes no collection. */
export const asShared = (update: Update): Update => {
  const type = collectionOf(update.value);
  if (type === null || isShared(update.value)) return update;
  return { ...update, value: type === 'list' ? sharedList : sharedDictionary };
};

/** The reverse for one that is shared, whose place the other side has emptied. */
export const asOwn = (update: Update): Update => ({
  ...update,
  value: collectionOf(update.value) === 'list' ? list : dictionary,
});
