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
  /** By a few bits, the name that had them last: size, first and last bytes, number. */
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
    if (guesses[guess] === size && guesses[guess + HEAD] === head && guesses[guess + TAIL] === tail) {
      const name = guesses[guess + NAME] as number;
      // Longer ones have a middle, too.
      if (size <= 8 || this.names.isEqual(name, bytes, start, start + size)) return name;
    }
    const { count } = this.names;
    // What is known already was found good then.
    const name = this.names.number(bytes, start, start + size);
    if (name === count && findBadUtf8(bytes, start, start + size) >= 0) return -1;
    guesses[guess + SIZE] = size;
    guesses[guess + HEAD] = head;
    guesses[guess + TAIL] = tail;
    guesses[guess + NAME] = name;
    return name;
  }
}

const slotOf = (head: number, tail: number): number => {
  const h = Math.imul(head, 0x9e3779b1) ^ Math.imul(tail, 0x85ebca6b);
  return (h >>> 24) * GUESS;
};
