/**
 * Numbers for the names of tables and properties, by their bytes. Histories know few names, and each changeset
 * spells out those it uses: mostly the size and eight of the bytes tell which it is.
 */
import { findBadUtf8 } from '../base/utf8.js';
import { ByteNames } from './byte-names.js';

const SIZE = 0;
const HEAD = 1;
const TAIL = 2;
const NAME = 3;
const GUESS = 4;
const GUESSES = 256;

export class QuickNames {
  private readonly names = new ByteNames();
  /** By a few bits, the two names that had them last: size, first and last bytes, number. */
  private readonly guesses = new Int32Array(GUESS * GUESSES);

  /** The text of the name with this number. */
  text(number: number): string {
    return this.names.text(number);
  }

  /** The number of the name of `size` bytes at `start`, at least one; -1 where it is not well formed. */
  number(bytes: Uint8Array, view: DataView, start: number, size: number): number {
    const isShort = size < 4;
    const word = view.getInt32(start, true);
    const head = isShort ? word & (0xffffff >>> (8 * (3 - size))) : word;
    const tail = isShort ? 0 : view.getInt32(start + size - 4, true);
    const guess = slotOf(head, tail);
    const { guesses } = this;
    for (let at = guess; at <= guess + GUESS; at += GUESS) {
      if (guesses[at] !== size || guesses[at + HEAD] !== head || guesses[at + TAIL] !== tail) continue;
      const name = guesses[at + NAME] as number;
      // Longer ones have a middle, too.
      if (size <= 8 || this.names.isEqual(name, bytes, start, start + size)) return name;
    }
    return this.search(bytes, start, start + size, guess, head, tail);
  }

  private search(
    bytes: Uint8Array,
    start: number,
    end: number,
    guess: number,
    head: number,
    tail: number,
  ): number {
    const { count } = this.names;
    // What is known already was found good then.
    const name = this.names.number(bytes, start, end);
    if (name === count && findBadUtf8(bytes, start, end) >= 0) return -1;
    const { guesses } = this;
    guesses.copyWithin(guess + GUESS, guess, guess + GUESS);
    guesses[guess + SIZE] = end - start;
    guesses[guess + HEAD] = head;
    guesses[guess + TAIL] = tail;
    guesses[guess + NAME] = name;
    return name;
  }
}

/** Of the first of two guesses that have these bits. */
const slotOf = (head: number, tail: number): number => {
  const h = Math.imul(head, 0x9e3779b1) ^ Math.imul(tail, 0x85ebca6b);
  return (h >>> 25) * 2 * GUESS;
};
