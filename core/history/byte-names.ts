/**
 * Numbers for strings of bytes: equal bytes have equal numbers, counted from 0 in the order in which they are
 * met. A hash table with open addresses over copies of the bytes, because making a string of each name or key
 * just to look it up would take longer than all the rest of a scan. What others may have chosen to have one
 * hash is looked up that way all the same: searches are given up after some steps.
 */
import { readUtf8 } from '../base/utf8.js';

/** Steps of a search. By chance, none is ever that long: at most half of the places are taken. */
const MOST_STEPS = 64;

export class ByteNames {
  /** Hash and number plus 1 of each place; 0 in the latter where it is free. */
  private hashes = new Int32Array(64);
  private numbers = new Int32Array(64);
  private bytes = new Uint8Array(1024);
  /** Where each ends; it starts where the one before ends. */
  private ends = new Int32Array(33);
  /** Numbers that have no place. */
  private readonly homeless = new Map<string, number>();
  count = 0;

  /** The number of the bytes from `start` to `end`; `count` has grown if they are new. */
  number(bytes: Uint8Array, start: number, end: number): number {
    const hash = hashOf(bytes, start, end);
    const mask = this.numbers.length - 1;
    let place = hash & mask;
    for (let step = 0; step < MOST_STEPS; step++) {
      const number = (this.numbers[place] as number) - 1;
      if (number < 0) return this.add(bytes, start, end, hash, place);
      if (this.hashes[place] === hash && this.isEqual(number, bytes, start, end)) return number;
      place = (place + 1) & mask;
    }
    return this.homeless.get(spelled(bytes, start, end)) ?? this.add(bytes, start, end, hash, -1);
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

  /** At the place, which is free, or at none. */
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
    if (place < 0) this.homeless.set(spelled(bytes, start, end), number);
    else {
      this.hashes[place] = hash;
      this.numbers[place] = number + 1;
    }
    if (2 * (this.count - this.homeless.size) > this.numbers.length) this.spread();
    return number;
  }

  private spread(): void {
    const mask = 2 * this.numbers.length - 1;
    const hashes = new Int32Array(mask + 1);
    const numbers = new Int32Array(mask + 1);
    this.homeless.clear();
    for (let number = 0; number < this.count; number++) {
      const start = this.ends[number] as number;
      const end = this.ends[number + 1] as number;
      const hash = hashOf(this.bytes, start, end);
      let place = hash & mask;
      let step = 0;
      while (step < MOST_STEPS && numbers[place] !== 0) {
        place = (place + 1) & mask;
        step++;
      }
      if (step < MOST_STEPS) {
        hashes[place] = hash;
        numbers[place] = number + 1;
      } else this.homeless.set(spelled(this.bytes, start, end), number);
    }
    this.hashes = hashes;
    this.numbers = numbers;
  }
}

const spelled = (bytes: Uint8Array, start: number, end: number): string => {
  let text = '';
  for (let p = start; p < end; p++) text += String.fromCharCode(bytes[p] as number);
  return text;
};

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
