/**
 * Reading merged operations off a finished view.
 *
 * The view of a side holds the list after all of that side, and after each operation of the other: going
 * through the other side's operations, with the number of elements in front of every place in a Fenwick
 * tree, gives the indices at which they act, and the sizes that they find. An operation whose element or
 * place is not in the view has been discarded.
 */
import { ERASE, INSERT, MOVE } from './list-ops.js';
import { ABSENT, FIRST, LAST } from './list-view.js';
import type { ListSide } from './list-weave.js';

/**
 * Writes the merged operations of `own`: what they do to the states in the other side's view. `elementOf`
 * names the element of each place, `lengthOf` says how many elements it has.
 */
export const transcribe = (
  own: ListSide,
  other: ListSide,
  elementOf: Int32Array,
  lengthOf: Int32Array,
): void => {
  const { kind, index, to, priorSize, gone } = own.ops;
  const view = other.view;
  const at = new Int32Array(elementOf.length).fill(ABSENT);
  const position = new Int32Array(elementOf.length);
  const counts = new Int32Array(elementOf.length + 1);
  let last = 0;
  let size = 0;
  for (let place = view.next[FIRST] as number; place !== LAST; place = view.next[place] as number) {
    position[place] = ++last;
    if (view.birth[place] !== 0) continue;
    at[elementOf[place] as number] = place;
    const weight = lengthOf[place] as number;
    counts[last] = weight;
    size += weight;
  }
  for (let i = 1; i <= last; i++) {
    const parent = i + (i & -i);
    if (parent <= last) counts[parent] = (counts[parent] as number) + (counts[i] as number);
  }
  for (let k = 0; k < own.ops.length; k++) {
    const element = own.element[k] as number;
    const place = at[element] as number;
    const made = view.made[k] as number;
    priorSize[k] = size;
    switch (kind[k]) {
      case INSERT:
        index[k] = countBefore(counts, position[made] as number);
        count(counts, position[made] as number, last, 1);
        at[element] = made;
        size++;
        break;
      case ERASE:
        if (place === ABSENT) gone[k] = 1;
        else {
          index[k] = countBefore(counts, position[place] as number);
          count(counts, position[place] as number, last, -1);
          size--;
        }
        break;
      case MOVE:
        if (made === ABSENT) gone[k] = 1;
        else {
          index[k] = countBefore(counts, position[place] as number);
          count(counts, position[place] as number, last, -1);
          to[k] = countBefore(counts, position[made] as number);
          count(counts, position[made] as number, last, 1);
          at[element] = made;
        }
        break;
      default:
        if (place === ABSENT) gone[k] = 1;
        else index[k] = countBefore(counts, position[place] as number);
    }
  }
};

/** Adds to the count at a position, from 1, of a Fenwick tree. */
const count = (counts: Int32Array, position: number, last: number, amount: number): void => {
  for (let i = position; i <= last; i += i & -i) counts[i] = (counts[i] as number) + amount;
};

/** The sum of all counts before a position. */
const countBefore = (counts: Int32Array, position: number): number => {
  let sum = 0;
  for (let i = position - 1; i > 0; i -= i & -i) sum += counts[i] as number;
  return sum;
};
