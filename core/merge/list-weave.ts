/**
 * Two sequences of operations on one list, taken one by one from either side.
 *
 * Each operation takes one step: in the view of its own side it changes the states in all times of the
 * other side, in the other side's view it adds a time (`list-view.ts`). What the rules say about pairs comes
 * in where a new place is to be found; everything else follows places.
 *
 * Source: merge-semantics, section 4.8.
 */
import { dropIdleMoves } from './list-idle.js';
import { ListIndex } from './list-index.js';
import { ERASE, INSERT, type ListOps, MOVE } from './list-ops.js';
import { IDLE, OVERTAKEN, THROUGH, Trace } from './list-trace.js';
import { ABSENT, FIRST, LAST, ListView, NEVER } from './list-view.js';

/** One side while the merge goes on. */
export interface ListSide {
  readonly ops: ListOps;
  readonly view: ListView;
  /** The side's own list. */
  readonly index: ListIndex;
  /** The element that each operation is about: a number from 0 to `places - 1`. */
  readonly element: Int32Array;
  /** The newest stamp of the insertions that have been taken. */
  newest: number;
}

export class ListWeave {
  readonly left: ListSide;
  readonly right: ListSide;
  /** Made when it is first needed: most merges do without. */
  #tracer: Trace | null = null;
  /** Doubly linked list of the places that are alive in both views. */
  readonly #before: Int32Array;
  readonly #after: Int32Array;
  /** How many elements a place has: more than one only while neither side has touched them. */
  readonly length: Int32Array;
  /** The element of a place, named by its first place. */
  readonly elementOf: Int32Array;
  /** The latest place of an element. */
  readonly #latest: Int32Array;
  /** How many places there are. */
  places = LAST + 2;

  /** `patience` is what each view may cost beyond the plain steps. */
  constructor(left: ListOps, right: ListOps, size: number, patience: number) {
    // A move cuts untouched elements apart three times.
    const cuts = Math.min(3 * (left.length + right.length), size);
    const places = this.places + placesMade(left) + placesMade(right) + cuts;
    this.length = new Int32Array(places).fill(1);
    const side = (ops: ListOps, other: ListOps): ListSide => ({
      ops,
      view: new ListView(places, other.length, patience),
      index: new ListIndex(places, this.length),
      element: new Int32Array(ops.length),
      newest: -1,
    });
    this.left = side(left, right);
    this.right = side(right, left);
    this.#before = new Int32Array(places);
    this.#after = new Int32Array(places);
    this.elementOf = new Int32Array(places);
    this.#latest = new Int32Array(places);
    this.#after[FIRST] = LAST;
    this.#before[LAST] = FIRST;
    const base = LAST + 1;
    this.elementOf[base] = base;
    this.#latest[base] = base;
    if (size === 0) return;
    this.length[base] = size;
    this.#join(FIRST, base);
    for (const { view, index } of [this.left, this.right]) {
      view.add(FIRST, base, 0, NEVER);
      index.find(0);
      index.insert(base);
    }
  }

  #trace(): Trace {
    this.#tracer ??= new Trace(this.elementOf);
    return this.#tracer;
  }

  /** Takes operation `k` of `own`. */
  take(own: ListSide, other: ListSide, k: number): void {
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
        own.element[k] = this.elementOf[this.#placeOf(own.index, own.ops.index[k] as number)] as number;
    }
  }

  #insert(own: ListSide, other: ListSide, k: number): void {
    const view = own.view;
    const right = this.#placeFrom(own.index, own.ops.index[k] as number);
    const place = this.places++;
    own.index.insert(place);
    const stamp = own.ops.stamp[k] as number;
    const isNewest = view.moves === 0 && other.newest < stamp;
    let left: number;
    if (view.death[right] === NEVER && (isNewest || this.#isNewestBefore(view, other.ops, right, stamp))) {
      view.add(view.previous[right] as number, place, 0, NEVER);
      left = this.#before[right] as number;
    } else {
      const trace = this.#trace();
      trace.follow(view, own.ops, k, other.ops, view.ownBefore(right), right, ABSENT);
      view.add(trace.anchor, place, 0, NEVER);
      trace.arrange(view, place);
      left = view.aliveBefore(place);
    }
    other.view.add(left, place, k + 1, NEVER);
    other.view.made[k] = place;
    this.#join(left, place);
    this.elementOf[place] = place;
    this.#latest[place] = place;
    own.element[k] = place;
  }

  #erase(own: ListSide, other: ListSide, k: number): void {
    const element = this.elementOf[this.#placeOf(own.index, own.ops.index[k] as number)] as number;
    const latest = this.#latest[element] as number;
    own.element[k] = element;
    own.index.erase();
    this.#vacate(other, latest, k);
    this.#withdraw(own, latest, ABSENT);
  }

  #move(own: ListSide, other: ListSide, k: number): void {
    const view = own.view;
    const from = this.#placeOf(own.index, own.ops.index[k] as number);
    const element = this.elementOf[from] as number;
    const latest = this.#latest[element] as number;
    own.element[k] = element;
    own.index.erase();
    const right = this.#placeFrom(own.index, own.ops.to[k] as number);
    const left = view.ownBefore(right);
    const trace = this.#trace();
    trace.follow(view, own.ops, k, other.ops, left, right, latest);
    if (trace.end === IDLE) {
      own.index.insert(trace.anchor);
      this.#stay(own, trace.anchor);
      return;
    }
    const place = this.places++;
    own.index.insert(place);
    this.elementOf[place] = element;
    view.add(trace.anchor, place, 0, trace.end === THROUGH ? NEVER : trace.time);
    trace.arrange(view, place);
    if (trace.end === OVERTAKEN) {
      const newer = view.made[trace.time - 1] as number;
      const earlier = view.origin[newer] as number;
      view.origin[newer] = place;
      this.#withdraw(own, earlier, place);
      return;
    }
    this.#latest[element] = place;
    if (trace.end === THROUGH) {
      this.#vacate(other, latest, k);
      this.#withdraw(own, latest, place);
      const behind = view.aliveBefore(place);
      other.view.add(behind, place, k + 1, NEVER);
      other.view.origin[place] = latest;
      other.view.made[k] = place;
      other.view.moves++;
      this.#join(behind, place);
    } else this.#withdraw(own, latest, place);
  }

  /** An idle move: its element stays at `place`, from the beginning as far as its own side can see. */
  #stay(own: ListSide, place: number): void {
    const view = own.view;
    this.#trace().arrange(view, place);
    const earlier = view.origin[place] as number;
    if (earlier !== ABSENT) {
      view.made[(view.birth[place] as number) - 1] = ABSENT;
      view.moves--;
      view.birth[place] = 0;
      view.origin[place] = ABSENT;
    }
    this.#withdraw(own, earlier, place);
  }

  /** Operation `k` of the other side takes an element from its latest place, if this side still has it. */
  #vacate(side: ListSide, place: number, k: number): void {
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
  #withdraw(own: ListSide, latest: number, place: number): void {
    const view = own.view;
    if (view.moves === 0) {
      if (latest !== ABSENT) view.remove(latest);
      return;
    }
    // Most elements have one place.
    if (place === ABSENT && view.origin[latest] === ABSENT) {
      const before = view.previous[latest] as number;
      view.remove(latest);
      dropIdleMoves(view, own.index, before);
      return;
    }
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
    if (place !== ABSENT) {
      near.push(view.previous[place] as number);
      // The new place divides what was one region around the old one.
      if (view.isFixed(place)) near.push(place);
    }
    for (const old of near) if (view.has(old)) dropIdleMoves(view, own.index, old);
  }

  /**
   * Whether everything that the other side put between `right` and the nearest fixed place to its left are
   * insertions older than `stamp`.
   */
  #isNewestBefore(view: ListView, other: ListOps, right: number, stamp: number): boolean {
    let place = right;
    do {
      place = view.previous[place] as number;
      view.patience--;
      const birth = view.birth[place] as number;
      if (birth === 0) continue;
      if (other.kind[birth - 1] === MOVE || (other.stamp[birth - 1] as number) > stamp) return false;
    } while (!view.isFixed(place));
    return true;
  }

  /** The place whose first element is the one at `index` of the side's own list, found there; `LAST` at its end. */
  #placeFrom(list: ListIndex, index: number): number {
    const place = list.find(index);
    if (list.offset === 0) return place;
    this.#cut(place, list.offset);
    return list.find(index);
  }

  /** The place that has the element at `index` of the side's own list, found there, and nothing else. */
  #placeOf(list: ListIndex, index: number): number {
    const place = this.#placeFrom(list, index);
    if ((this.length[place] as number) === 1) return place;
    this.#cut(place, 1);
    return list.find(index);
  }

  /** Cuts a place of untouched elements in two. */
  #cut(place: number, offset: number): void {
    const second = this.places++;
    const length = (this.length[place] as number) - offset;
    this.length[place] = offset;
    this.length[second] = length;
    this.elementOf[second] = second;
    this.#latest[second] = second;
    this.left.view.add(place, second, 0, NEVER);
    this.left.index.split(place, second);
    this.right.view.add(place, second, 0, NEVER);
    this.right.index.split(place, second);
    this.#join(place, second);
  }

  #join(before: number, place: number): void {
    const after = this.#after[before] as number;
    this.#after[before] = place;
    this.#before[place] = before;
    this.#after[place] = after;
    this.#before[after] = place;
  }
}

/** How many places the operations make at most, in either view. */
const placesMade = ({ kind }: ListOps): number => {
  let count = 0;
  for (let k = 0; k < kind.length; k++) if (kind[k] === INSERT || kind[k] === MOVE) count++;
  return count;
};
