/**
 * A source of chance, as small as can be, so that one generator serves properties that shrink, the
 * simulator, fuzzers and benchmarks.
 */
export interface Random {
  /** An integer from 0 to `max - 1`. `max` is at least 1. */
  int(max: number): number;
}

/** A pseudo-random sequence (mulberry32): the same seed gives the same numbers on every machine. */
export const seeded = (seed: number): Random => {
  let state = seed | 0;
  return {
    int(max) {
      state = (state + 0x6d2b79f5) | 0;
      let t = Math.imul(state ^ (state >>> 15), 1 | state);
      t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
      return ((t ^ (t >>> 14)) >>> 0) % max;
    },
  };
};

/**
 * Chance by decree: the given non-negative integers in turn, then zeros for ever. Shorter and smaller
 * choices give simpler results, so a property over an array of integers shrinks well.
 */
export const fromChoices = (choices: readonly number[]): Random => {
  let next = 0;
  return { int: (max) => (choices[next++] ?? 0) % max };
};

/** One of `items`, which are not empty. */
export const pick = <T>(random: Random, items: readonly T[]): T => items[random.int(items.length)] as T;

/** True once in `times`. */
export const once = (random: Random, times: number): boolean => random.int(times) === times - 1;
