/**
 * Merging the operations of two sides on one list, without comparing every pair.
 *
 * The rules of lists (L1 - L9) are defined on pairs, and 5,000 operations against 5,000 are 25 million
 * pairs. This module computes the same result, number by number, in O((n + m) √(n + m)) with a constant so
 * small that it passes for n log n, as follows.
 *
 * Both sides start from one list. Let state (i, j) be that list after the first i operations of the left and
 * the first j of the right side. What the pairwise rules compute for the i-th left operation is what it does
 * to state (i - 1, m); for the j-th right one, to state (n, j - 1). Nothing else of the pairs is visible in
 * the result. So it suffices to know which elements these states have, and in which order they lie:
 *
 * 1. A *view* of the left side (`list-view.ts`) stands for all states (i, 0), (i, 1) … (i, j), one of the
 *    right side for (0, j), (1, j) … (i, j). Operations are taken from the two sides in order of age, and
 *    each takes one step: in the view of its own side it changes all states, in that of the other side it
 *    adds a state.
 * 2. Where an element comes to lie in all those states at once is decided by the pairwise rules only where
 *    nothing alive is between it and an element of the other side. Older operations have been taken before,
 *    so that an insertion is usually the newer one of every such pair, and simply goes in front of its right
 *    neighbour. If that neighbour has been removed by the other side, if moves are near, or if stamps are
 *    not in order, the way of the insertion is replayed among its neighbours (`list-trace.ts`).
 * 3. In the end the left view holds the states (n, 0) … (n, m) and the right one (0, m) … (n, m). Counting
 *    through them gives the merged indices and sizes.
 *
 * Erasures and updates follow their elements. Of the updates of one element by both sides the older goes
 * (U1); they influence nothing else.
 *
 * Nothing here depends on stamps being in order along a side; they only make it fast.
 *
 * What is slower: a move, and an insertion whose right neighbour the other side has removed, cost as much as
 * there are places between the nearest two elements that neither side has touched or that its own side
 * has inserted. To be quadratic, a pair of sequences has to keep a large such region, with insertions at
 * its removed elements that are erased again at once.
 *
 * Source: merge-semantics, sections 4.8 and 5.3.
 */
import { dropIdleMoves } from './list-idle.js';
import {
  DICTIONARY,
  ERASE,
  INSERT,
  isPerformable,
  LIST,
  type ListOps,
  MOVE,
  OBJECT_VALUE,
  UPDATE,
} from './list-ops.js';
import { IDLE, OVERTAKEN, THROUGH, Trace } from './list-trace.js';
import { ABSENT, FIRST, LAST, ListView, NEVER } from './list-view.js';

/** One side while the merge goes on. */
interface Side {
  readonly ops: ListOps;
  readonly view: ListView;
  /** The element that each operation is about. */
  readonly element: Int32Array;
  /** The newest stamp of the operations that have been taken. */
  newest: number;
}

class ListMerge {
  readonly left: Side;
  readonly right: Side;
  readonly #trace: Trace;
  /** Doubly linked list of the places that are alive in both views. */
  readonly #before: Int32Array;
  readonly #after: Int32Array;
  /** How many elements a place has: more than one only while neither side has touched them. */
  readonly #length: Int32Array;
  /** The element of a place, named by its first place. */
  readonly #element: Int32Array;
  /** The latest place of an element. */
  readonly #latest: Int32Array;
  #places = LAST + 2;

  constructor(left: ListOps, right: ListOps, size: number) {
    // An operation adds at most two places by cutting untouched elements apart, and one of its own.
    const places = this.#places + 3 * (left.length + right.length);
    const side = (ops: ListOps, other: ListOps): Side => ({
      ops,
      view: new ListView(places, other.length, size),
      element: new Int32Array(ops.length),
      newest: -1,
    });
    this.left = side(left, right);
    this.right = side(right, left);
    this.#trace = new Trace(places);
    this.#before = new Int32Array(places);
    this.#after = new Int32Array(places);
    this.#length = new Int32Array(places).fill(1);
    this.#element = new Int32Array(places);
    this.#latest = new Int32Array(places);
    this.#after[FIRST] = LAST;
    this.#before[LAST] = FIRST;
    const base = LAST + 1;
    this.#element[base] = base;
    this.#latest[base] = base;
    this.#length[base] = size;
    if (size > 0) this.#join(FIRST, base);
  }

  /** Takes operation `k` of `own`. */
  take(own: Side, other: Side, k: number): void {
    const stamp = own.ops.stamp[k] as number;
    switch (own.ops.kind[k]) {
      case INSERT:
        this.#insert(own, other, k);
        if (stamp > own.newest) own.newest = stamp;
        break;
      case ERASE:
        this.#erase(own, other, k);
        break;
      case MOVE:
        this.#move(own, other, k);
        break;
      default:
        own.element[k] = this.#element[this.#placeOf(own.view, own.ops.index[k] as number)] as number;
    }
  }

  #insert(own: Side, other: Side, k: number): void {
    const view = own.view;
    const right = this.#placeFrom(view, own.ops.index[k] as number);
    const place = this.#places++;
    let left: number;
    if (
      view.death[right] === NEVER &&
      other.newest < (own.ops.stamp[k] as number) &&
      (view.moves === 0 || !this.#isNearMove(view, other.ops, right))
    ) {
      view.add(view.previous[right] as number, place, 0, NEVER, 1);
      left = this.#before[right] as number;
    } else {
      this.#trace.follow(view, own.ops, k, other.ops, view.ownBefore(right), right, ABSENT, ABSENT);
      view.add(this.#trace.anchor, place, 0, NEVER, 1);
      this.#trace.arrange(view, place);
      left = view.aliveBefore(place);
    }
    other.view.add(left, place, k + 1, NEVER, 0);
    other.view.made[k] = place;
    this.#join(left, place);
    this.#element[place] = place;
    this.#latest[place] = place;
    own.element[k] = place;
  }

  #erase(own: Side, other: Side, k: number): void {
    const element = this.#element[this.#placeOf(own.view, own.ops.index[k] as number)] as number;
    const latest = this.#latest[element] as number;
    own.element[k] = element;
    this.#vacate(other, latest, k);
    this.#withdraw(own, other, latest, ABSENT);
  }

  #move(own: Side, other: Side, k: number): void {
    const view = own.view;
    const from = this.#placeOf(view, own.ops.index[k] as number);
    const element = this.#element[from] as number;
    const latest = this.#latest[element] as number;
    own.element[k] = element;
    view.weigh(from, 0);
    const right = this.#placeFrom(view, own.ops.to[k] as number);
    let left = view.ownBefore(right);
    if (left === from) left = view.ownBefore(from);
    const trace = this.#trace;
    trace.follow(view, own.ops, k, other.ops, left, right, from, latest);
    if (trace.end === IDLE) {
      this.#stay(own, other, trace.anchor);
      return;
    }
    const place = this.#places++;
    this.#element[place] = element;
    view.add(trace.anchor, place, 0, trace.end === THROUGH ? NEVER : trace.time, 1);
    trace.arrange(view, place);
    if (trace.end === OVERTAKEN) {
      const newer = view.made[trace.time - 1] as number;
      const earlier = view.origin[newer] as number;
      view.origin[newer] = place;
      this.#withdraw(own, other, earlier, place);
      return;
    }
    this.#latest[element] = place;
    if (trace.end === THROUGH) {
      this.#vacate(other, latest, k);
      this.#withdraw(own, other, latest, place);
      const behind = view.aliveBefore(place);
      other.view.add(behind, place, k + 1, NEVER, 0);
      other.view.origin[place] = latest;
      other.view.made[k] = place;
      other.view.moves++;
      this.#join(behind, place);
    } else this.#withdraw(own, other, latest, place);
  }

  /** An idle move: its element stays at `place`, from the beginning as far as its own side can see. */
  #stay(own: Side, other: Side, place: number): void {
    const view = own.view;
    this.#trace.arrange(view, place);
    const earlier = view.origin[place] as number;
    if (earlier !== ABSENT) {
      view.made[(view.birth[place] as number) - 1] = ABSENT;
      view.moves--;
      view.birth[place] = 0;
      view.origin[place] = ABSENT;
    }
    view.weigh(place, 1);
    this.#withdraw(own, other, earlier, place);
  }

  /** Operation `k` of the other side takes an element from its latest place, if this side still has it. */
  #vacate(side: Side, place: number, k: number): void {
    if (!side.view.has(place)) return;
    side.view.death[place] = k + 1;
    const before = this.#before[place] as number;
    const after = this.#after[place] as number;
    this.#after[before] = after;
    this.#before[after] = before;
  }

  /**
   * Takes an element's places out of its own side's view, from `latest` back to the first, where it has
   * come to `place` instead or has been erased; and moves of the other side that this makes idle.
   */
  #withdraw(own: Side, other: Side, latest: number, place: number): void {
    const view = own.view;
    const near: number[] = [];
    for (let old = latest; old !== ABSENT; old = view.origin[old] as number) {
      const birth = view.birth[old] as number;
      if (birth !== 0) {
        view.made[birth - 1] = ABSENT;
        view.moves--;
      }
      near.push(view.previous[old] as number);
      view.remove(old);
    }
    if (view.moves === 0) return;
    // The new place divides what was one region around the old one.
    if (place !== ABSENT) near.push(view.previous[place] as number, place);
    for (const old of near) if (view.has(old)) dropIdleMoves(view, other.ops, old);
  }

  /** Whether a move of the other side may decide where something in front of `right` goes. */
  #isNearMove(view: ListView, other: ListOps, right: number): boolean {
    let place = right;
    do {
      place = view.previous[place] as number;
      const birth = view.birth[place] as number;
      if (birth !== 0 && other.kind[birth - 1] === MOVE) return true;
    } while (!view.isFixed(place));
    return false;
  }

  /** The place whose first element is the one at `index` of the side's own list; `LAST` at its end. */
  #placeFrom(view: ListView, index: number): number {
    const place = view.find(index);
    return view.offset === 0 ? place : this.#cut(place, view.offset);
  }

  /** The place that has the element at `index` of the side's own list, and nothing else. */
  #placeOf(view: ListView, index: number): number {
    const place = this.#placeFrom(view, index);
    if ((this.#length[place] as number) > 1) this.#cut(place, 1);
    return place;
  }

  /** Cuts a place of untouched elements in two. Returns the second. */
  #cut(place: number, offset: number): number {
    const second = this.#places++;
    const length = (this.#length[place] as number) - offset;
    this.#length[place] = offset;
    this.#length[second] = length;
    this.#element[second] = second;
    this.#latest[second] = second;
    this.left.view.weigh(place, offset);
    this.left.view.add(place, second, 0, NEVER, length);
    this.right.view.weigh(place, offset);
    this.right.view.add(place, second, 0, NEVER, length);
    this.#join(place, second);
    return second;
  }

  #join(before: number, place: number): void {
    const after = this.#after[before] as number;
    this.#after[before] = place;
    this.#before[place] = before;
    this.#after[place] = after;
    this.#before[after] = place;
  }

  /** Writes the merged operations of `own`: what they do to the states in the other side's view. */
  transcribe(own: Side, other: Side): void {
    const { kind, index, to, priorSize, gone } = own.ops;
    const view = other.view;
    const at = new Int32Array(this.#places).fill(ABSENT);
    const position = new Int32Array(this.#places);
    const counts = new Int32Array(this.#places + 1);
    let last = 0;
    let size = 0;
    for (let place = view.next[FIRST] as number; place !== LAST; place = view.next[place] as number) {
      position[place] = ++last;
      if (view.birth[place] !== 0) continue;
      at[this.#element[place] as number] = place;
      const weight = view.weightOf(place);
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
  }
}

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

/** Lets the older of two updates of one element go, pair by pair in the order of the rules (U1). */
const mergeUpdates = (left: Side, right: Side): void => {
  const updates = new Map<number, number[]>();
  for (let k = 0; k < right.ops.length; k++) {
    if (right.ops.kind[k] !== UPDATE) continue;
    const element = right.element[k] as number;
    const known = updates.get(element);
    if (known === undefined) updates.set(element, [k]);
    else known.push(k);
  }
  if (updates.size === 0) return;
  for (let k = 0; k < left.ops.length; k++) {
    if (left.ops.kind[k] !== UPDATE) continue;
    const rivals = updates.get(left.element[k] as number);
    if (rivals === undefined) continue;
    let kept = 0;
    for (let r = 0; r < rivals.length; r++) {
      const rival = rivals[r] as number;
      if (left.ops.gone[k] === 0) mergeUpdate(left.ops, k, right.ops, rival);
      if (right.ops.gone[rival] === 0) rivals[kept++] = rival;
    }
    rivals.length = kept;
  }
};

const mergeUpdate = (left: ListOps, k: number, right: ListOps, r: number): void => {
  const a = left.value[k] as number;
  const b = right.value[r] as number;
  if (a === b && (a === LIST || a === DICTIONARY)) return;
  let leftGoes: boolean;
  if (a !== b && a === OBJECT_VALUE) leftGoes = true;
  else if (a !== b && b === OBJECT_VALUE) leftGoes = false;
  else leftGoes = (left.stamp[k] as number) < (right.stamp[r] as number);
  if (leftGoes) left.gone[k] = 1;
  else right.gone[r] = 1;
};

/**
 * Merges two sequences of operations on one list, rewriting both: afterwards each can be performed after the
 * other, exactly as the rules would have it, pair by pair.
 *
 * Stamps say which of two operations is newer; none may occur on both sides. Returns false, and has changed
 * nothing, unless both sequences can be performed on a list of one and the same size: then it is for the
 * rules to say what is wrong.
 */
export const mergeLists = (left: ListOps, right: ListOps): boolean => {
  if (left.length === 0 || right.length === 0) return true;
  const size = left.priorSize[0] as number;
  if (!isPerformable(left, size) || !isPerformable(right, size)) return false;
  const merge = new ListMerge(left, right, size);
  let l = 0;
  let r = 0;
  while (l < left.length || r < right.length) {
    const leftFirst =
      r === right.length || (l < left.length && (left.stamp[l] as number) < (right.stamp[r] as number));
    if (leftFirst) merge.take(merge.left, merge.right, l++);
    else merge.take(merge.right, merge.left, r++);
  }
  mergeUpdates(merge.left, merge.right);
  merge.transcribe(merge.left, merge.right);
  merge.transcribe(merge.right, merge.left);
  return true;
};
