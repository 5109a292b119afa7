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
 * (`length` of `list-merge.ts`), so that the size of the list costs nothing.
 *
 * The order is a linked list, cut into chunks of neighbours that know the number of S's elements in them:
 * finding an index, adding and removing cost O(√n), with a very small constant.
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
  /** After `find`: how far inside the place the index is. */
  offset = 0;

  /** How many elements the side has in a place. */
  readonly #weight: Int32Array;
  readonly #chunk: Int32Array;
  /** By chunk: its first place, how many places, and its position in the order of chunks. */
  readonly #first: Int32Array;
  readonly #count: Int32Array;
  readonly #rank: Int32Array;
  /** By position in the order of chunks: the chunk, and how many elements the side has in it. */
  readonly #order: Int32Array;
  readonly #total: Int32Array;
  /** The sums of sixteen totals each. */
  readonly #sum: Int32Array;
  #chunks = 1;
  readonly #capacity: number;

  /** A view with room for `places`, of a list with one place of `size` elements, over `operations` of the other side. */
  constructor(places: number, operations: number, size: number, patience: number) {
    this.patience = patience;
    this.previous = new Int32Array(places).fill(ABSENT);
    this.next = new Int32Array(places);
    this.birth = new Int32Array(places);
    this.death = new Int32Array(places);
    this.origin = new Int32Array(places);
    this.made = new Int32Array(operations).fill(ABSENT);
    this.#weight = new Int32Array(places);
    this.#chunk = new Int32Array(places);
    this.#capacity = Math.max(16, Math.ceil(Math.sqrt(places) / 8));
    const chunks = 2 + Math.ceil((4 * places) / this.#capacity);
    this.#first = new Int32Array(chunks);
    this.#count = new Int32Array(chunks);
    this.#rank = new Int32Array(chunks);
    this.#order = new Int32Array(chunks);
    this.#total = new Int32Array(chunks);
    this.#sum = new Int32Array((chunks >> 4) + 1);
    this.death[FIRST] = NEVER;
    this.death[LAST] = NEVER;
    this.next[FIRST] = LAST;
    this.previous[FIRST] = FIRST;
    this.previous[LAST] = FIRST;
    this.#count[0] = 2;
    if (size > 0) this.add(FIRST, LAST + 1, 0, NEVER, size);
  }

  has(place: number): boolean {
    return this.previous[place] !== ABSENT;
  }

  /** Alive at all times: places on its two sides never meet. */
  isFixed(place: number): boolean {
    return this.birth[place] === 0 && this.death[place] === NEVER;
  }

  /** The place of the side's element at `index`, `LAST` at the end; sets `offset`. */
  find(index: number): number {
    this.offset = 0;
    const chunks = this.#chunks;
    const sum = this.#sum;
    let block = 0;
    while (block << 4 < chunks && index >= (sum[block] as number)) index -= sum[block++] as number;
    if (block << 4 >= chunks) return LAST;
    const total = this.#total;
    let position = block << 4;
    while (index >= (total[position] as number)) index -= total[position++] as number;
    const weight = this.#weight;
    const next = this.next;
    let place = this.#first[this.#order[position] as number] as number;
    while (index >= (weight[place] as number)) {
      index -= weight[place] as number;
      place = next[place] as number;
    }
    this.offset = index;
    return place;
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

  /** Adds a place right after another. `weight` is the number of the side's own elements in it. */
  add(after: number, place: number, birth: number, death: number, weight: number): void {
    this.birth[place] = birth;
    this.death[place] = death;
    this.origin[place] = ABSENT;
    this.#weight[place] = weight;
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

  /** Changes the number of the side's elements in a place. */
  weigh(place: number, weight: number): void {
    this.#tally(place, weight - (this.#weight[place] as number));
    this.#weight[place] = weight;
  }

  weightOf(place: number): number {
    return this.#weight[place] as number;
  }

  /** Counts more or fewer elements where a place is. */
  #tally(place: number, change: number): void {
    const position = this.#rank[this.#chunk[place] as number] as number;
    this.#total[position] = (this.#total[position] as number) + change;
    this.#sum[position >> 4] = (this.#sum[position >> 4] as number) + change;
  }

  #link(after: number, place: number): void {
    const before = this.next[after] as number;
    this.next[after] = place;
    this.previous[place] = after;
    this.next[place] = before;
    this.previous[before] = place;
    const chunk = this.#chunk[after] as number;
    this.#chunk[place] = chunk;
    this.#tally(place, this.#weight[place] as number);
    const count = (this.#count[chunk] as number) + 1;
    this.#count[chunk] = count;
    if (count > this.#capacity && this.#chunks < this.#rank.length) this.#divide(chunk);
  }

  #unlink(place: number): void {
    const before = this.previous[place] as number;
    const after = this.next[place] as number;
    this.next[before] = after;
    this.previous[after] = before;
    const chunk = this.#chunk[place] as number;
    this.#tally(place, -(this.#weight[place] as number));
    this.#count[chunk] = (this.#count[chunk] as number) - 1;
    // An empty chunk keeps a first place that is not its own: nobody looks into a chunk without elements.
    if (this.#first[chunk] === place) this.#first[chunk] = after;
  }

  /** Moves the second half of a chunk to a new one. */
  #divide(chunk: number): void {
    const count = this.#count[chunk] as number;
    const half = count >> 1;
    let place = this.#first[chunk] as number;
    for (let k = 0; k < half; k++) place = this.next[place] as number;
    const created = this.#chunks++;
    this.#first[created] = place;
    this.#count[chunk] = half;
    this.#count[created] = count - half;
    let weight = 0;
    for (let k = half; k < count; k++) {
      this.#chunk[place] = created;
      weight += this.#weight[place] as number;
      place = this.next[place] as number;
    }
    const position = (this.#rank[chunk] as number) + 1;
    this.#order.copyWithin(position + 1, position, created);
    this.#total.copyWithin(position + 1, position, created);
    this.#order[position] = created;
    this.#total[position] = weight;
    this.#total[position - 1] = (this.#total[position - 1] as number) - weight;
    for (let k = position; k <= created; k++) this.#rank[this.#order[k] as number] = k;
    for (let block = (position - 1) >> 4; block << 4 <= created; block++) {
      let sum = 0;
      for (let k = block << 4; k < (block + 1) << 4; k++) sum += this.#total[k] ?? 0;
      this.#sum[block] = sum;
    }
  }
}
