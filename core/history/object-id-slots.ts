/**
 * A table for ObjectIds alone, which are most keys. What is compared, and what is wanted of the key once it is
 * found, stand in one slot, because fetching them from several places would take longer than the search.
 *
 * Whoever writes a history can choose ObjectIds that all have one hash. Searches are therefore given up after
 * some steps, and go on in a map, whose hashes nobody can foresee.
 */

/** What a slot has besides the twelve bytes: 0 in all of it where it is new. */
export const SLOT_KEY = 3;
export const SLOT_MET = 4;
export const SLOT_TABLE = 5;
export const SLOT_OBJECT = 6;
const SLOT = 8;
/** Steps of a search. By chance, none is ever that long: at most half of the places are taken. */
const MOST_STEPS = 64;

export class ObjectIdSlots {
  /** In the order in which they were met, so that those that are met often stand together. */
  slots = new Int32Array(SLOT * 32);
  /** By hash, the number of the slot plus 1; 0 where it is free. */
  private places = new Int32Array(128);
  /** Slots, plus 1, that have no place. */
  private readonly homeless = new Map<string, number>();
  private count = 0;

  /** The offset in `slots` of the slot of the twelve bytes from `start` on. */
  find(view: DataView, start: number): number {
    const a = view.getInt32(start, true);
    const b = view.getInt32(start + 4, true);
    const c = view.getInt32(start + 8, true);
    const hash = hashOf(a, b, c);
    const { slots, places } = this;
    const at = ((places[hash & (places.length - 1)] as number) - 1) * SLOT;
    if (at >= 0 && slots[at] === a && slots[at + 1] === b && slots[at + 2] === c) return at;
    return this.search(a, b, c, hash);
  }

  private search(a: number, b: number, c: number, hash: number): number {
    const { slots, places } = this;
    const mask = places.length - 1;
    let place = hash & mask;
    for (let step = 0; step < MOST_STEPS; step++) {
      const slot = places[place] as number;
      if (slot === 0) return this.add(a, b, c, place);
      const at = (slot - 1) * SLOT;
      if (slots[at] === a && slots[at + 1] === b && slots[at + 2] === c) return at;
      place = (place + 1) & mask;
    }
    const slot = this.homeless.get(`${a} ${b} ${c}`);
    return slot === undefined ? this.add(a, b, c, -1) : (slot - 1) * SLOT;
  }

  /** At the place, which is free, or at none. */
  private add(a: number, b: number, c: number, place: number): number {
    const at = this.count++ * SLOT;
    if (place < 0) this.homeless.set(`${a} ${b} ${c}`, this.count);
    else this.places[place] = this.count;
    if (at === this.slots.length) {
      const larger = new Int32Array(2 * at);
      larger.set(this.slots);
      this.slots = larger;
    }
    const { slots } = this;
    slots[at] = a;
    slots[at + 1] = b;
    slots[at + 2] = c;
    if (2 * (this.count - this.homeless.size) > this.places.length) this.spread();
    return at;
  }

  private spread(): void {
    const { slots, count } = this;
    const mask = 2 * this.places.length - 1;
    const places = new Int32Array(mask + 1);
    this.homeless.clear();
    for (let i = 0; i < count; i++) {
      const at = i * SLOT;
      const a = slots[at] as number;
      const b = slots[at + 1] as number;
      const c = slots[at + 2] as number;
      let place = hashOf(a, b, c) & mask;
      let step = 0;
      while (step < MOST_STEPS && places[place] !== 0) {
        place = (place + 1) & mask;
        step++;
      }
      if (step < MOST_STEPS) places[place] = i + 1;
      else this.homeless.set(`${a} ${b} ${c}`, i + 1);
    }
    this.places = places;
  }
}

const hashOf = (a: number, b: number, c: number): number => {
  let h = Math.imul(a, 0x9e3779b1) ^ Math.imul(b, 0x85ebca6b) ^ Math.imul(c, 0xc2b2ae35);
  h ^= h >>> 15;
  h = Math.imul(h, 0x27d4eb2f);
  return h ^ (h >>> 13);
};
