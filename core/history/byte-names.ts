/**
 * Numbers for strings of bytes: equal bytes have equal numbers, counted from 0 in the order in which they are
 * met. A hash table with open addresses over copies of the bytes, because making a string of each name or key
 * just to look it up would take longer than all the rest of a scan.
 */
import { readUtf8 } from '../base/utf8.js';

export class ByteNames {
  /** Hash and number plus 1 of each place; 0 in the latter where it is free. */
  private hashes = new Int32Array(64);
  private numbers = new Int32Array(64);
  private bytes = new Uint8Array(1024);
  /** Where each ends; it starts where the one before ends. */
  private ends = new Int32Array(33);
  count = 0;

  /** The number of the bytes from `start` to `end`; `count` has grown if they are new. */
  number(bytes: Uint8Array, start: number, end: number): number {
    const hash = hashOf(bytes, start, end);
    const mask = this.numbers.length - 1;
    for (let place = hash & mask; ; place = (place + 1) & mask) {
      const number = (this.numbers[place] as number) - 1;
      if (number < 0) return this.add(bytes, start, end, hash, place);
      if (this.hashes[place] === hash && this.isEqual(number, bytes, start, end)) return number;
    }
  }

  /** The text that the bytes with this number spell, which must be well formed. */
  text(number: number): string {
    return readUtf8(this.bytes, this.ends[number] as number, this.ends[number + 1] as number);
  }

  /** Whether those are the bytes with this number. */
  isEqual(number: number, bytes: Uint8Array, start: number, end: number): boolean {
    const own = this.bytes;
    let p = this.ends[number + 1] as number;
    if (p - (this.ends[number] as number) !== end - start) return false;
    for (let q = end - 1; q >= start; q--) if (own[--p] !== bytes[q]) return false;
    return true;
  }

  private add(bytes: Uint8Array, start: number, end: number, hash: number, place: number): number {
    const number = this.count++;
    const from = this.ends[number] as number;
    const to = from + end - start;
    if (to > this.bytes.length) {
      const larger = new Uint8Array(2 * to);
      larger.set(this.bytes);
      this.bytes = larger;
    }
    for (let i = start, p = from; i < end; i++) this.bytes[p++] = bytes[i] as number;
    if (this.count >= this.ends.length) {
      const larger = new Int32Array(2 * this.ends.length);
      larger.set(this.ends);
      this.ends = larger;
    }
    this.ends[number + 1] = to;
    this.hashes[place] = hash;
    this.numbers[place] = number + 1;
    if (2 * this.count > this.numbers.length) this.spread();
    return number;
  }

  private spread(): void {
    const { hashes, numbers } = this;
    const mask = 2 * numbers.length - 1;
    this.hashes = new Int32Array(mask + 1);
    this.numbers = new Int32Array(mask + 1);
    for (let i = 0; i < numbers.length; i++) {
      if (numbers[i] === 0) continue;
      let place = (hashes[i] as number) & mask;
      while (this.numbers[place] !== 0) place = (place + 1) & mask;
      this.hashes[place] = hashes[i] as number;
      this.numbers[place] = numbers[i] as number;
    }
  }
}

const hashOf = (bytes: Uint8Array, start: number, end: number): number => {
  let h = end - start;
  let p = start;
  for (; p + 4 <= end; p += 4) {
    const low = (bytes[p] as number) | ((bytes[p + 1] as number) << 8);
    h = Math.imul(
      h ^ (low | ((bytes[p + 2] as number) << 16) | ((bytes[p + 3] as number) << 24)),
      0x9e3779b1,
    );
    h ^= h >>> 15;
  }
  for (; p < end; p++) h = Math.imul(h ^ (bytes[p] as number), 0x85ebca6b);
  return h ^ (h >>> 16);
};

/** What a slot of `ObjectIdSlots` has besides the twelve bytes: 0 in all of it where it is new. */
export const SLOT_KEY = 3;
export const SLOT_MET = 4;
export const SLOT_TABLE = 5;
export const SLOT_OBJECT = 6;
const SLOT = 8;

/**
 * A table for ObjectIds alone, which are most keys. What is compared, and what is wanted of the key once it is
 * found, stand in one slot, because fetching them from several places would take longer than the search.
 */
export class ObjectIdSlots {
  slots = new Int32Array(SLOT * 64);
  private count = 0;

  /** The offset in `slots` of the slot of the twelve bytes from `start` on; valid until the next call. */
  find(bytes: Uint8Array, start: number): number {
    const a = wordAt(bytes, start);
    const b = wordAt(bytes, start + 4);
    const c = wordAt(bytes, start + 8);
    const { slots } = this;
    const mask = slots.length - 1;
    for (let at = slotOf(a, b, c) & mask; ; at = (at + SLOT) & mask) {
      if (slots[at] === a && slots[at + 1] === b && slots[at + 2] === c && slots[at + SLOT_KEY] !== 0)
        return at;
      if (slots[at + SLOT_KEY] === 0) return this.add(a, b, c, at);
    }
  }

  private add(a: number, b: number, c: number, place: number): number {
    let at = place;
    this.count++;
    if (this.count * SLOT * 2 > this.slots.length) {
      this.spread();
      at = this.free(a, b, c);
    }
    this.slots[at] = a;
    this.slots[at + 1] = b;
    this.slots[at + 2] = c;
    return at;
  }

  private free(a: number, b: number, c: number): number {
    const mask = this.slots.length - 1;
    let at = slotOf(a, b, c) & mask;
    while (this.slots[at + SLOT_KEY] !== 0) at = (at + SLOT) & mask;
    return at;
  }

  private spread(): void {
    const { slots } = this;
    this.slots = new Int32Array(2 * slots.length);
    for (let from = 0; from < slots.length; from += SLOT) {
      if (slots[from + SLOT_KEY] === 0) continue;
      const to = this.free(slots[from] as number, slots[from + 1] as number, slots[from + 2] as number);
      this.slots.set(slots.subarray(from, from + SLOT), to);
    }
  }
}

const wordAt = (bytes: Uint8Array, p: number): number =>
  (bytes[p] as number) |
  ((bytes[p + 1] as number) << 8) |
  ((bytes[p + 2] as number) << 16) |
  ((bytes[p + 3] as number) << 24);

/** A multiple of `SLOT`. */
const slotOf = (a: number, b: number, c: number): number => {
  let h = Math.imul(a, 0x9e3779b1) ^ Math.imul(b, 0x85ebca6b) ^ Math.imul(c, 0xc2b2ae35);
  h ^= h >>> 15;
  h = Math.imul(h, 0x27d4eb2f);
  return (h ^ (h >>> 13)) << 3;
};
