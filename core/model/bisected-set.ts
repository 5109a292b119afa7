/**
 * Sets of floats and doubles as the reference keeps them: in ascending order, searched by bisection.
 *
 * A NaN is less than nothing, and nothing is less than it, so it goes to the front and then misleads the
 * search: it is never found itself, and hides others now and then. Only the replay of the reference's
 * merges needs this; under it a set can hold what is equal twice, and its contents depend on its history.
 */
import { has, type Owner, remove, set } from '../base/trie.js';
import type { MemberId } from './member.js';
import type { SetNode } from './state.js';
import { floatToNumber, type Value } from './value.js';

/** How a member is added, where it is not there, and taken away, where it is. */
export interface FloatSets {
  readonly insert: (node: SetNode, value: Value, id: MemberId, owner: Owner) => void;
  readonly erase: (node: SetNode, value: Value, id: MemberId, owner: Owner) => void;
}

/** Null is less than every number. */
const numberOf = (value: Value): number | null => {
  if (typeof value === 'number') return value;
  if (typeof value !== 'object' || value === null) return null;
  return value.type === 'float' ? floatToNumber(value) : Number.NaN;
};

const isLess = (a: number | null, b: number | null): boolean => b !== null && (a === null || a < b);

/** The first position whose value is not less than `value`, if the order is sound. */
const lowerBound = (order: readonly Value[], value: number | null): number => {
  let first = 0;
  let length = order.length;
  while (length > 0) {
    const half = length >> 1;
    if (isLess(numberOf(order[first + half] ?? null), value)) {
      first += half + 1;
      length -= half + 1;
    } else length = half;
  }
  return first;
};

/** Where `value` is, or would go; `found` says which. */
const search = (order: readonly Value[], value: Value): { readonly at: number; readonly found: boolean } => {
  const wanted = numberOf(value);
  const at = lowerBound(order, wanted);
  return { at, found: at < order.length && numberOf(order[at] ?? null) === wanted };
};

export const insertBisected: FloatSets['insert'] = (node, value, id, owner) => {
  const { at, found } = search(node.order, value);
  if (found) return;
  node.order.splice(at, 0, value);
  let free = id(value);
  while (has(node.members, free)) free += TWIN;
  node.members = set(node.members, free, value, owner);
};

export const eraseBisected: FloatSets['erase'] = (node, value, id, owner) => {
  const { at, found } = search(node.order, value);
  if (!found) return;
  node.order.splice(at, 1);
  let last = id(value);
  while (has(node.members, last + TWIN)) last += TWIN;
  node.members = remove(node.members, last, owner);
};

/** Follows the identity of a member that is there already. */
const TWIN = '+';
