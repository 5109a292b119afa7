/**
 * Finding a side's elements by index, while the side goes through its operations.
 *
 * A side's own list, as places from the first to the last, in chunks of neighbours that know how many
 * elements they hold, in blocks of chunks that know it too. Finding, inserting and erasing costs O(√n), with a
 * constant so small that it passes for log n. Where all places of a chunk have one element, as most have,
 * the index is the way.
 *
 * It knows nothing of the other side. Where places of one side lie among those of the other is in the
 * views (`list-view.ts`).
 */
import { LAST } from './list-view.js';

export class ListIndex {
  /** After `find`: how far inside the place the index is. */
  offset = 0;
  /** After `find`: the chunk, its position in the order of chunks, and which of its places it is. */
  #chunk = 0;
  #position = 0;
  #slot = 0;

  /** How many elements a place has; shared with whoever cuts places in two. */
  readonly #length: Int32Array;
  /** By place: its chunk. */
  readonly #home: Int32Array;
  /** By chunk: `#capacity` places, of which the first `#count` are there. */
  readonly #places: Int32Array;
  readonly #count: Int32Array;
  /** By position in the order of chunks: the chunk, and how many elements are in it. */
  readonly #order: Int32Array;
  readonly #total: Int32Array;
  /** The sums of sixteen totals each. */
  readonly #sum: Int32Array;
  #chunks = 1;
  readonly #capacity: number;

  /** Of a list that has not more than `places` at any time, and none at first. */
  constructor(places: number, length: Int32Array) {
    this.#length = length;
    this.#home = new Int32Array(places);
    this.#capacity = Math.max(64, Math.ceil(Math.sqrt(places) / 2));
    // A chunk is divided when it is full, and not again before it has been filled by half.
    const chunks = 2 + Math.ceil((2 * places) / this.#capacity);
    this.#places = new Int32Array(chunks * this.#capacity);
    this.#count = new Int32Array(chunks);
    this.#order = new Int32Array(chunks);
    this.#total = new Int32Array(chunks);
    this.#sum = new Int32Array((chunks >> 4) + 1);
  }

  /** The place of the element at `index`, `LAST` at the end; sets `offset`. */
  find(index: number): number {
    const sum = this.#sum;
    const total = this.#total;
    const last = this.#chunks - 1;
    let block = 0;
    while (block < last >> 4 && index >= (sum[block] as number)) index -= sum[block++] as number;
    let position = block << 4;
    while (position < last && index >= (total[position] as number)) index -= total[position++] as number;
    const chunk = this.#order[position] as number;
    const count = this.#count[chunk] as number;
    const start = chunk * this.#capacity;
    this.#position = position;
    this.#chunk = chunk;
    let slot = 0;
    if (total[position] === count) {
      slot = index;
      index = 0;
    } else {
      while (slot < count) {
        const length = this.#length[this.#places[start + slot] as number] as number;
        if (index < length) break;
        index -= length;
        slot++;
      }
    }
    this.#slot = slot;
    this.offset = index;
    return slot === count ? LAST : (this.#places[start + slot] as number);
  }

  /** Puts a place in front of the one that was found. */
  insert(place: number): void {
    this.#put(this.#chunk, this.#slot, place);
    this.#tally(this.#length[place] as number);
    this.#divideWhereFull(this.#chunk, this.#position);
  }

  /** Takes out the place that was found. */
  erase(): void {
    const count = (this.#count[this.#chunk] as number) - 1;
    const start = this.#chunk * this.#capacity;
    const places = this.#places;
    this.#tally(-(this.#length[places[start + this.#slot] as number] as number));
    this.#count[this.#chunk] = count;
    for (let k = start + this.#slot; k < start + count; k++) places[k] = places[k + 1] as number;
  }

  /** Puts `second` right behind a place: it has some of the elements that the place has had. */
  split(place: number, second: number): void {
    const chunk = this.#home[place] as number;
    this.#put(chunk, this.#slotOf(place) + 1, second);
    this.#divideWhereFull(chunk, -1);
  }

  /** Gives what `place` has to another place. */
  rename(place: number, other: number): void {
    const chunk = this.#home[place] as number;
    this.#places[chunk * this.#capacity + this.#slotOf(place)] = other;
    this.#home[other] = chunk;
  }

  #slotOf(place: number): number {
    const start = (this.#home[place] as number) * this.#capacity;
    let slot = 0;
    while (this.#places[start + slot] !== place) slot++;
    return slot;
  }

  #put(chunk: number, slot: number, place: number): void {
    const places = this.#places;
    const start = chunk * this.#capacity;
    const count = this.#count[chunk] as number;
    for (let k = start + count; k > start + slot; k--) places[k] = places[k - 1] as number;
    places[start + slot] = place;
    this.#count[chunk] = count + 1;
    this.#home[place] = chunk;
  }

  /** Counts more or fewer elements in the chunk that was found. */
  #tally(change: number): void {
    const position = this.#position;
    this.#total[position] = (this.#total[position] as number) + change;
    this.#sum[position >> 4] = (this.#sum[position >> 4] as number) + change;
  }

  /** `position` is that of the chunk, or negative where it is not known. */
  #divideWhereFull(chunk: number, position: number): void {
    if (this.#count[chunk] !== this.#capacity) return;
    this.#divide(chunk, position < 0 ? this.#order.indexOf(chunk) : position);
  }

  /** Moves the second half of a chunk to a new one. */
  #divide(chunk: number, position: number): void {
    const capacity = this.#capacity;
    const half = capacity >> 1;
    const created = this.#chunks++;
    const from = chunk * capacity;
    const to = created * capacity;
    let weight = 0;
    for (let k = half; k < capacity; k++) {
      const place = this.#places[from + k] as number;
      this.#places[to + k - half] = place;
      this.#home[place] = created;
      weight += this.#length[place] as number;
    }
    this.#count[chunk] = half;
    this.#count[created] = capacity - half;
    const next = position + 1;
    this.#order.copyWithin(next + 1, next, created);
    this.#total.copyWithin(next + 1, next, created);
    this.#order[next] = created;
    this.#total[next] = weight;
    this.#total[position] = (this.#total[position] as number) - weight;
    for (let block = position >> 4; block << 4 <= created; block++) {
      let sum = 0;
      for (let k = block << 4; k < (block + 1) << 4; k++) sum += this.#total[k] ?? 0;
      this.#sum[block] = sum;
    }
  }
}
