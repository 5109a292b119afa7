/**
 * The way of one insertion or move through everything that the other side did near it.
 *
 * Carried over the other side's operations one by one, an insertion is a cursor between two elements that
 * are alive at that time. It stays where it is, except that
 *
 * - an element on its left or right dies: the next one that is alive then takes its place;
 * - the other side puts an element exactly where the cursor is: whether it comes to lie left or right of the
 *   cursor is decided by the two changesets. Two inserts, or two moves, lie in order of age; of an insert
 *   and a move the newer comes first (rules L4, L5, L7).
 *
 * An element that is born elsewhere is left or right of the cursor by that. Nothing beyond the nearest fixed
 * places on both sides can matter, and what lies between those, the *segment*, is replayed here in order of
 * time.
 *
 * A move is such a cursor too; its own element counts for nothing while it looks for its place. Its way can
 * end early (L7, L8): the other side erases the element; or moves it, and newer; or the last element
 * between the old place and the new one goes, so that there is nothing left to move.
 *
 * Source: merge-semantics, section 4.8.
 */
import { ERASE, type ListOps, MOVE } from './list-ops.js';
import { FIRST, type ListView, NEVER } from './list-view.js';

/** How a way ends. */
export const THROUGH = 0;
export const ERASED = 1;
export const OVERTAKEN = 2;
export const IDLE = 3;

/** On which side of the cursor a place is; `OPEN` before its birth. `SELF` is a place of the moved element. */
const LEFT = -1;
const OPEN = 0;
const RIGHT = 1;
const SELF = 2;

export class Trace {
  end = THROUGH;
  /** The other side's time of an early end. */
  time = 0;
  /** After the way: the place left of the cursor; at an idle end, the place where the element stays. */
  anchor = FIRST;

  readonly #index: Int32Array;
  /** The segment in the order of the view, then the places of the moved element that are elsewhere. */
  #places = new Int32Array(64);
  #sides = new Int8Array(64);
  #alive = new Uint8Array(64);
  #events = new Float64Array(128);
  #size = 0;

  /** For views with up to `places` places. */
  constructor(places: number) {
    this.#index = new Int32Array(places);
  }

  /**
   * Carries operation `k` of `own` from between the neighbours `left` and `right` of its own side over all
   * the operations of `other` that `view` knows. `from` and `latest` are the places of the element
   * that moves on its own side and at present, -1 for an insertion.
   */
  follow(
    view: ListView,
    own: ListOps,
    k: number,
    other: ListOps,
    left: number,
    right: number,
    from: number,
    latest: number,
  ): void {
    const isMove = own.kind[k] === MOVE;
    const stamp = own.stamp[k] as number;
    this.#collect(view, left, right, from);
    const count = this.#include(view, latest);
    const events = this.#schedule(view, count);
    view.patience -= 4 * count;
    const places = this.#places;
    const sides = this.#sides;
    const alive = this.#alive;
    let lo = this.#index[left] as number;
    let hi = this.#index[right] as number;
    let hole = -1;
    for (let i = 0; i < count; i++) {
      const atStart = view.birth[places[i] as number] === 0;
      if (sides[i] === SELF) {
        if (atStart) hole = i;
        alive[i] = 0;
      } else {
        alive[i] = atStart ? 1 : 0;
        sides[i] = atStart ? (i <= lo ? LEFT : RIGHT) : OPEN;
      }
    }
    this.end = THROUGH;
    let now = 0;
    let narrowed = false;
    for (let e = 0; e < events; e++) {
      const event = this.#events[e] as number;
      const i = event % count;
      const when = (event - i) / count;
      const time = when >> 1;
      if (time !== now) {
        // Only erasures and moves can bring an element to the place where it already is.
        if (narrowed && lo < hole && hole < hi) break;
        narrowed = false;
        now = time;
      }
      const isBirth = (when & 1) === 1;
      if (sides[i] === SELF) {
        if (isBirth) {
          if (stamp < (other.stamp[time - 1] as number)) {
            this.end = OVERTAKEN;
            break;
          }
          hole = i;
          narrowed = true;
        } else if (other.kind[time - 1] === ERASE) {
          this.end = ERASED;
          break;
        }
      } else if (isBirth) {
        alive[i] = 1;
        if (i < lo) sides[i] = LEFT;
        else if (i > hi) sides[i] = RIGHT;
        else {
          const isOlder = (other.stamp[time - 1] as number) < stamp;
          if (((other.kind[time - 1] === MOVE) === isMove) === isOlder) {
            sides[i] = LEFT;
            lo = i;
          } else {
            sides[i] = RIGHT;
            hi = i;
          }
        }
      } else {
        alive[i] = 0;
        if (i === lo) {
          do lo--;
          while (alive[lo] === 0);
          narrowed = true;
        } else if (i === hi) {
          do hi++;
          while (alive[hi] === 0);
          narrowed = true;
        }
      }
    }
    this.time = now;
    if (this.end === THROUGH && narrowed && lo < hole && hole < hi) this.end = IDLE;
    this.anchor = places[this.end === IDLE ? hole : lo] as number;
  }

  /**
   * Puts every place of the segment on its side of the cursor: those that are not left of `place` although
   * they should be, and the other way round. `place` is in the view, at the anchor or right behind it.
   */
  arrange(view: ListView, place: number): void {
    const places = this.#places;
    const sides = this.#sides;
    const middle = this.#index[this.anchor] as number;
    for (let i = middle + 1; i < this.#size; i++) {
      if (sides[i] === LEFT) view.relocate(places[i] as number, view.previous[place] as number);
    }
    let behind = place;
    for (let i = 0; i < middle; i++) {
      if (sides[i] !== RIGHT) continue;
      view.relocate(places[i] as number, behind);
      behind = places[i] as number;
    }
  }

  #grow(size: number): void {
    if (size <= this.#places.length) return;
    const places = this.#places;
    this.#places = new Int32Array(2 * size);
    this.#places.set(places);
    this.#sides = new Int8Array(2 * size);
    this.#alive = new Uint8Array(2 * size);
    this.#events = new Float64Array(4 * size);
  }

  /** Takes up the segment around a gap of the own side; the element that moves does not end it. */
  #collect(view: ListView, left: number, right: number, from: number): void {
    let place = left;
    while (place === from || !view.isFixed(place)) place = view.previous[place] as number;
    let end = right;
    while (end === from || !view.isFixed(end)) end = view.next[end] as number;
    let size = 0;
    for (; ; place = view.next[place] as number) {
      this.#grow(size + 1);
      this.#places[size] = place;
      this.#index[place] = size++;
      if (place === end) break;
    }
    this.#sides.fill(OPEN, 0, size);
    this.#size = size;
  }

  /** Marks the places of the moved element, and adds those beyond the segment. Returns the number of places. */
  #include(view: ListView, latest: number): number {
    let count = this.#size;
    for (let place = latest; place !== -1; place = view.origin[place] as number) {
      let i = this.#index[place] as number;
      if (i >= this.#size || this.#places[i] !== place) {
        this.#grow(count + 1);
        i = count++;
        this.#places[i] = place;
      }
      this.#sides[i] = SELF;
    }
    return count;
  }

  /**
   * Sorts births and deaths by time, a death before the birth of the same move. An event is
   * (2 × time + 1 for a birth) × count + position. Returns their number.
   */
  #schedule(view: ListView, count: number): number {
    const events = this.#events;
    let size = 0;
    for (let i = 0; i < count; i++) {
      const place = this.#places[i] as number;
      const birth = view.birth[place] as number;
      const death = view.death[place] as number;
      if (birth !== 0) events[size++] = (2 * birth + 1) * count + i;
      if (death !== NEVER) events[size++] = 2 * death * count + i;
    }
    if (size > 20) events.subarray(0, size).sort();
    else {
      for (let e = 1; e < size; e++) {
        const event = events[e] as number;
        let before = e - 1;
        for (; before >= 0 && (events[before] as number) > event; before--)
          events[before + 1] = events[before] as number;
        events[before + 1] = event;
      }
    }
    return size;
  }
}
