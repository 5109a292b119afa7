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
 * An element that is born elsewhere is left or right of the cursor by that. So only three things can happen
 * next to a cursor: the death of its left neighbour, that of its right one, and the first birth in the *gap*
 * between the two. The way goes from one to the next of these, however much else the other side has done.
 *
 * Where in the view the cursor stands in the end is clear as long as neighbours were only born: whatever is
 * on its left is left of its left neighbour. If one has died, places that were never alive together may lie
 * the wrong way round for the cursor, and are rearranged.
 *
 * A move is such a cursor too; its own element counts for nothing while it looks for its place. Its way can
 * end early (L7, L8): the other side erases the element; or moves it, and newer; or the last element
 * between the old place and the new one goes, so that there is nothing left to move.
 *
 * Costs the places that it passes or that are in a gap, each once for every time that a right neighbour is
 * born.
 *
 * Source: merge-semantics, section 4.8.
 */
import { ERASE, type ListOps, MOVE } from './list-ops.js';
import { Stack } from './list-stack.js';
import { ABSENT, FIRST, LAST, type ListView, NEVER } from './list-view.js';

/** How a way ends. */
export const THROUGH = 0;
export const ERASED = 1;
export const OVERTAKEN = 2;
export const IDLE = 3;

/** Where a place is, seen from the cursor. */
const UNKNOWN = 0;
const LEFT = 1;
const RIGHT = 2;

export class Trace {
  end = THROUGH;
  /** The other side's time of an early end. */
  time = 0;
  /** After the way: the place left of the cursor; at an idle end, the place where the element stays. */
  anchor = FIRST;

  /** The neighbours of the cursor, and the outermost that there have been. */
  #left = FIRST;
  #right = LAST;
  #first = FIRST;
  #last = LAST;
  /** The element that moves, and its places, the first of them on top. `ABSENT` and none for an insertion. */
  #element = ABSENT;
  readonly #own = new Stack();
  /**
   * Births to come in the gap: of each, nothing to the right of it is born before. So the last one is the
   * first to be born, and when it has become the left neighbour, the one before it is next.
   */
  readonly #coming = new Stack();
  /** Left neighbours, and since when. */
  readonly #lefts = new Stack();
  readonly #since = new Stack();
  /** Places that were born in the gap, and where they are. */
  readonly #born = new Stack();
  readonly #sides = new Stack();
  /** What lies the wrong way round, from left to right. */
  readonly #strayLeft = new Stack();
  readonly #strayRight = new Stack();
  /** By place, for those between `#first` and `#last`. */
  readonly #rank: Int32Array;
  readonly #side: Uint8Array;
  readonly #elementOf: Int32Array;

  /** `elementOf` names the element of each place. */
  constructor(elementOf: Int32Array) {
    this.#elementOf = elementOf;
    this.#rank = new Int32Array(elementOf.length);
    this.#side = new Uint8Array(elementOf.length);
  }

  /**
   * Carries operation `k` of `own` from between the neighbours `left` and `right` of its own side over all
   * the operations of `other` that `view` knows. `latest` is the place of the element that moves at present,
   * `ABSENT` for an insertion.
   */
  follow(
    view: ListView,
    own: ListOps,
    k: number,
    other: ListOps,
    left: number,
    right: number,
    latest: number,
  ): void {
    const { birth, death } = view;
    const isMove = own.kind[k] === MOVE;
    const stamp = own.stamp[k] as number;
    this.#start(view, left, right, latest);
    // The place at which the element that moves is, and whether that is in the gap.
    let self = isMove ? this.#own.pop() : ABSENT;
    let isInside = false;
    let hasDied = false;
    this.end = THROUGH;
    this.time = 0;
    for (;;) {
      const coming = this.#coming.top;
      let time = Math.min(death[this.#left] as number, death[this.#right] as number);
      if (coming !== ABSENT) time = Math.min(time, birth[coming] as number);
      if (isMove) time = Math.min(time, death[self] as number);
      if (time === NEVER) break;
      this.time = time;
      let isNarrowed = false;
      if (isMove && death[self] === time) {
        if (other.kind[time - 1] === ERASE) {
          this.end = ERASED;
          break;
        }
        if (stamp < (other.stamp[time - 1] as number)) {
          this.end = OVERTAKEN;
          break;
        }
        self = this.#own.pop();
        isNarrowed = true;
        isInside = this.#isInGap(view, self);
      } else if (death[this.#left] === time) {
        if (this.#retreat(view, time, self)) isInside = true;
        isNarrowed = true;
        hasDied = true;
      } else if (death[this.#right] === time) {
        if (this.#advance(view, time, self)) isInside = true;
        isNarrowed = true;
        hasDied = true;
      }
      // A move may bring back into the gap what it has just taken from the cursor's side.
      const born = this.#coming.top;
      if (born !== ABSENT && birth[born] === time) {
        const isOlder = (other.stamp[time - 1] as number) < stamp;
        this.#born.push(born);
        if (((other.kind[time - 1] === MOVE) === isMove) === isOlder) {
          this.#sides.push(LEFT);
          this.#left = born;
          this.#coming.pop();
        } else {
          this.#sides.push(RIGHT);
          this.#right = born;
          this.#expect(view, time);
        }
        if (isInside) isInside = this.#isInGap(view, self);
      }
      this.#lefts.push(this.#left);
      this.#since.push(time);
      // Only erasures and moves can bring an element to the place where it already is.
      if (isNarrowed && isInside) {
        this.end = IDLE;
        break;
      }
    }
    this.anchor = this.end === IDLE ? self : this.#left;
    if (hasDied) this.#findStrays(view, left);
  }

  /**
   * Puts what lies the wrong way round on its side of the cursor. `place` is in the view, at the anchor or
   * right behind it.
   */
  arrange(view: ListView, place: number): void {
    for (let i = 0; i < this.#strayLeft.size; i++)
      view.relocate(this.#strayLeft.at(i), view.previous[place] as number);
    let behind = place;
    for (let i = 0; i < this.#strayRight.size; i++) {
      view.relocate(this.#strayRight.at(i), behind);
      behind = this.#strayRight.at(i);
    }
  }

  #start(view: ListView, left: number, right: number, latest: number): void {
    this.#left = left;
    this.#right = right;
    this.#first = left;
    this.#last = right;
    this.#element = latest === ABSENT ? ABSENT : (this.#elementOf[latest] as number);
    this.#own.clear();
    for (let place = latest; place !== ABSENT; place = view.origin[place] as number) this.#own.push(place);
    this.#lefts.clear();
    this.#since.clear();
    this.#born.clear();
    this.#sides.clear();
    this.#strayLeft.clear();
    this.#strayRight.clear();
    this.#expect(view, 0);
  }

  /** Looks through the gap for births after `time`. */
  #expect(view: ListView, time: number): void {
    this.#coming.clear();
    this.#expectBefore(view, this.#right, this.#left, time, NEVER);
  }

  /**
   * Looks through what is left of `from` and right of `to` for births after `time` and before `until`, the
   * first birth further right.
   */
  #expectBefore(view: ListView, from: number, to: number, time: number, until: number): void {
    const { previous, birth } = view;
    for (let place = previous[from] as number; place !== to; place = previous[place] as number) {
      view.patience--;
      const born = birth[place] as number;
      if (born <= time || born >= until || this.#elementOf[place] === this.#element) continue;
      this.#coming.push(place);
      until = born;
    }
  }

  /** The left neighbour dies; the next that is alive takes its place. Returns whether `own` is in between. */
  #retreat(view: ListView, time: number, own: number): boolean {
    const dying = this.#left;
    let passed = false;
    let place = dying;
    do {
      if (place === this.#first) this.#first = view.previous[place] as number;
      place = view.previous[place] as number;
      view.patience--;
      if (place === own) passed = true;
    } while (!this.#isAlive(view, place, time));
    this.#left = place;
    const coming = this.#coming.top;
    const until = coming === ABSENT ? NEVER : (view.birth[coming] as number);
    this.#expectBefore(view, dying, place, time - 1, until);
    return passed;
  }

  /** The right neighbour dies. */
  #advance(view: ListView, time: number, own: number): boolean {
    let passed = false;
    let isBirthComing = false;
    let place = this.#right;
    do {
      if (place === this.#last) this.#last = view.next[place] as number;
      place = view.next[place] as number;
      view.patience--;
      if (place === own) passed = true;
      if ((view.birth[place] as number) >= time) isBirthComing = true;
    } while (!this.#isAlive(view, place, time));
    this.#right = place;
    if (isBirthComing) this.#expect(view, time - 1);
    return passed;
  }

  /** Whether a place is alive both right before and right after a time, and not of the element that moves. */
  #isAlive({ birth, death }: ListView, place: number, time: number): boolean {
    return (
      (birth[place] as number) < time &&
      (death[place] as number) > time &&
      this.#elementOf[place] !== this.#element
    );
  }

  #isInGap(view: ListView, own: number): boolean {
    let place = this.#left;
    do {
      place = view.next[place] as number;
      view.patience--;
      if (place === own) return true;
    } while (place !== this.#right);
    return false;
  }

  /** Finds what is on one side of the cursor, and lies on the other side of the anchor. */
  #findStrays(view: ListView, left: number): void {
    const { birth, next } = view;
    for (let i = 0; i < this.#born.size; i++) this.#side[this.#born.at(i)] = this.#sides.at(i);
    let rank = 0;
    for (let place = this.#first; ; place = next[place] as number) {
      this.#rank[place] = rank++;
      view.patience--;
      if (place === this.#last) break;
    }
    const middle = this.#rank[this.anchor] as number;
    const start = this.#rank[left] as number;
    for (let place = this.#first; ; place = next[place] as number) {
      const position = this.#rank[place] as number;
      const time = birth[place] as number;
      let side = this.#side[place] as number;
      this.#side[place] = UNKNOWN;
      if (this.#elementOf[place] !== this.#element && side === UNKNOWN && time <= this.time) {
        const neighbour = time === 0 ? start : (this.#rank[this.#leftAt(time, left)] as number);
        side = position <= neighbour ? LEFT : RIGHT;
      }
      if (side === LEFT && position > middle) this.#strayLeft.push(place);
      if (side === RIGHT && position < middle) this.#strayRight.push(place);
      if (place === this.#last) break;
    }
  }

  /** The left neighbour at a time; `left` is the first one. */
  #leftAt(time: number, left: number): number {
    let low = 0;
    for (let high = this.#since.size; low < high; ) {
      const middle = (low + high) >> 1;
      if (this.#since.at(middle) <= time) low = middle + 1;
      else high = middle;
    }
    return low === 0 ? left : this.#lefts.at(low - 1);
  }
}
