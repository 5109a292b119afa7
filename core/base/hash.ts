/**
 * Hashes for tables and for fingerprints: fast, the same on every machine, and not cryptographic. Whoever
 * chooses the input can make collisions, so no decision about identity may rest on a hash alone.
 *
 * All arithmetic is on 32-bit integers. The mixing steps are multiplications by odd constants between
 * xor-shifts, each of which is a bijection; the final avalanche is that of MurmurHash3.
 */

/** Spreads every bit of `x` over all 32. */
const avalanche = (x: number): number => {
  let h = x;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
};

/** 32 bits (signed) of a string, over its UTF-16 code units. */
export const hashString = (text: string): number => {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  return avalanche(h);
};

/** 128 bits as four signed 32-bit integers. */
export interface Fingerprint {
  readonly a: number;
  readonly b: number;
  readonly c: number;
  readonly d: number;
}

const hex = (lane: number): string => (lane >>> 0).toString(16).padStart(8, '0');

/** 32 hex digits, lower case. */
export const fingerprintText = (f: Fingerprint): string => hex(f.a) + hex(f.b) + hex(f.c) + hex(f.d);

/**
 * Makes the fingerprint of a sequence of words and strings. Strings are framed by their length, so that
 * two different sequences of calls differ as sequences of words.
 */
export class Fingerprinter {
  private a = 0x243f6a88 | 0;
  private b = 0x85a308d3 | 0;
  private c = 0x13198a2e | 0;
  private d = 0x03707344 | 0;

  word(word: number): void {
    let x = Math.imul(this.a ^ word, 0x239b961b);
    x ^= x >>> 15;
    let y = Math.imul(this.b ^ word, 0xab0e9789) + x;
    y ^= y >>> 16;
    let z = Math.imul(this.c ^ word, 0x38b34ae5) + y;
    z ^= z >>> 13;
    let w = Math.imul(this.d ^ word, 0xa1e38b93) + z;
    w ^= w >>> 17;
    this.a = (x + w) | 0;
    this.b = y | 0;
    this.c = z | 0;
    this.d = w | 0;
  }

  text(text: string): void {
    this.word(text.length);
    // Two code units make one word.
    const even = text.length & ~1;
    for (let i = 0; i < even; i += 2) this.word((text.charCodeAt(i) << 16) | text.charCodeAt(i + 1));
    if (even < text.length) this.word(text.charCodeAt(even));
  }

  bytes(bytes: Uint8Array): void {
    this.word(bytes.length);
    let word = 0;
    for (let i = 0; i < bytes.length; i++) {
      word = (word << 8) | (bytes[i] ?? 0);
      if ((i & 3) === 3) {
        this.word(word);
        word = 0;
      }
    }
    this.word(word);
  }

  fingerprint(f: Fingerprint): void {
    this.word(f.a);
    this.word(f.b);
    this.word(f.c);
    this.word(f.d);
  }

  /** The fingerprint of all that came so far; more may follow. */
  done(): Fingerprint {
    return {
      a: avalanche(this.a),
      b: avalanche(this.b ^ this.a),
      c: avalanche(this.c ^ this.b),
      d: avalanche(this.d ^ this.c),
    };
  }
}
