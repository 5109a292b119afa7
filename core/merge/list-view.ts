/**
 * A list as one side sees it, together with everything that the other side ever put into it.
 *
 * Entries are places. An element has one place where it was found or inserted and one more for each move.
 * A view of side S holds, in one order,
 *
 * - the places where S has elements now (`birth` 0), also of those that the other side has removed since;
 * - the places that the other side made, also those that it has left since.
 *
 * `birth` and `death` are times of the other side: the number of the operation, from 1, that made or
 * vacated the place. So the places alive at time t, read in order, are the list after all of S and the
 * other side's operations up to t. The order is exact for any two places that are alive at one time; how
 * two places lie that never were is not determined, and whoever adds a place rearranges them as needed.
 *
 * Places are numbers, the same in both views. Untouched elements that lie side by side share one place
 * (`length` of `list-weave.ts`), so that the size of the list costs nothing.
 *
 * The order is a linked list. Places are found by index in a list of their own (`list-index.ts`).
 */

/** Sentinels: before the first element and after the last. Always alive. */
export const FIRST = 0;
export const LAST = 1;

/** The death of what lives, and the neighbour of what is not in the view. */
export const NEVER = 0x7fffffff;
export const ABSENT = -1;

export class ListView {
  readonly previous: Int32Array;
  readonly next: Int32Array;
  readonly birth: Int32Array;
  readonly death: Int32Array;
  /** The place that the element was moved from, where the other side made this one by a move. */
  readonly origin: Int32Array;
  /** The place that the other side's operation (from 0) made; `ABSENT` where none is left. */
  readonly made: Int32Array;
  /** How many of the other side's moves made a place that is still there. */
  moves = 0;
  /** What those who search the view may still cost; below zero they may stop with a wrong answer. */
  patience: number;

  /** A view with room for `places`, of an empty list, over `operations` of the other side. */
  constructor(places: number, operations: number, patience: number) {
    this.patience = patience;
    this.previous = new Int32Array(places).fill(ABSENT);
    this.next = new Int32Array(places);
    this.birth = new Int32Array(places);
    this.death = new Int32Array(places);
    this.origin = new Int32Array(places);
    this.made = new Int32Array(operations).fill(ABSENT);
    this.death[FIRST] = NEVER;
    this.death[LAST] = NEVER;
    this.next[FIRST] = LAST;
    this.previous[FIRST] = FIRST;
    this.previous[LAST] = FIRST;
  }

  has(place: number): boolean {
    return this.previous[place] !== ABSENT;
  }

  /** Alive at all times: places on its two sides never meet. */
  isFixed(place: number): boolean {
    return this.birth[place] === 0 && this.death[place] === NEVER;
  }

  /** The next place to the left where the side has an element; `FIRST` where there is none. */
  ownBefore(place: number): number {
    let before = this.previous[place] as number;
    while (this.birth[before] !== 0) before = this.previous[before] as number;
    return before;
  }

  /** The next place to the left that is alive now. */
  aliveBefore(place: number): number {
    let before = this.previous[place] as number;
    while (this.death[before] !== NEVER) before = this.previous[before] as number;
    return before;
  }

  /** Adds a place right after another. */
  add(after: number, place: number, birth: number, death: number): void {
    this.birth[place] = birth;
    this.death[place] = death;
    this.origin[place] = ABSENT;
    this.#link(after, place);
  }

  remove(place: number): void {
    this.#unlink(place);
    this.previous[place] = ABSENT;
  }

  /** Puts a place right after another. */
  relocate(place: number, after: number): void {
    this.#unlink(place);
    this.#link(after, place);
  }

  #link(after: number, place: number): void {
    const before = this.next[after] as number;
    this.next[after] = place;
    this.previous[place] = after;
    this.next[place] = before;
    this.previous[before] = place;
  }

  #unlink(place: number): void {
    const before = this.previous[place] as number;
    const after = this.next[place] as number;
    this.next[before] = after;
    this.previous[after] = before;
  }
}
