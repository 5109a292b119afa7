/**
 * Numbers for the subjects of a class, of which there may be very many.
 *
 * A look-up in a large map that finds nothing costs several reads of memory far apart, and where two sides
 * have created objects of their own nearly all look-ups find nothing. So large maps have a sieve in front: a
 * field of bits, some of which are set for each name, by the end of the name. Where a bit is not set, the
 * name is not in the map; where it is, the map is asked.
 */

/** From so many names on there is a sieve. */
const MANY = 4096;

/** So many characters of the end of a name are looked at. */
const END = 8;

export class Subjects {
  readonly #numbers = new Map<string, number>();
  /** How many names there may be, at most. */
  readonly #limit: number;
  #sieve: Int32Array | null = null;
  #mask = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  numberOf(name: string): number | undefined {
    if (this.#sieve !== null) {
      const bit = bitOf(name) & this.#mask;
      if (((this.#sieve[bit >>> 5] as number) & (1 << (bit & 31))) === 0) return undefined;
    }
    return this.#numbers.get(name);
  }

  /** The name must be new. */
  add(name: string, number: number): void {
    this.#numbers.set(name, number);
    if (this.#sieve !== null) this.#mark(this.#sieve, name);
    else if (this.#numbers.size === MANY) {
      let bits = MANY;
      while (bits < 8 * this.#limit) bits *= 2;
      this.#mask = bits - 1;
      this.#sieve = new Int32Array(bits >>> 5);
      for (const known of this.#numbers.keys()) this.#mark(this.#sieve, known);
    }
  }

  #mark(sieve: Int32Array, name: string): void {
    const bit = bitOf(name) & this.#mask;
    sieve[bit >>> 5] = (sieve[bit >>> 5] as number) | (1 << (bit & 31));
  }
}

const bitOf = (name: string): number => {
  let hash = name.length;
  for (let k = Math.max(0, name.length - END); k < name.length; k++)
    hash = Math.imul(hash ^ name.charCodeAt(k), 0x01000193);
  return hash ^ (hash >>> 15);
};
