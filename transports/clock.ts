/**
 * The clock and the chance of the platform, in Node and in browsers.
 */
import type { Cancel, Clock, Entropy } from './ports.js';

/** Timers of the platform hold a signed 32-bit count and fire at once beyond it. */
const longestTimer = 2 ** 31 - 1;

/**
 * Timers run on the monotonic clock, so that a correction of the time of day neither hastens nor delays
 * them, and never fire early: what the platform's timer lacks is waited for again. Delays of any size.
 */
export const systemClock: Clock = {
  now: () => Date.now(),
  schedule: (milliseconds: number, action: () => void): Cancel => {
    const due = performance.now() + milliseconds;
    let timer: ReturnType<typeof setTimeout>;
    const wait = (): void => {
      timer = setTimeout(fire, Math.min(Math.max(0, Math.ceil(due - performance.now())), longestTimer));
    };
    const fire = (): void => {
      if (performance.now() < due) wait();
      else action();
    };
    wait();
    return () => clearTimeout(timer);
  },
};

/** Drawn and not given out. Many at a time, because asking for them takes longer than using them. */
const words = new Uint32Array(256);
let drawn = words.length;

/** The platform's cryptographic source: uniform over 1 … 2^53 - 1. */
export const systemEntropy: Entropy = {
  integer: () => {
    for (;;) {
      if (drawn === words.length) {
        crypto.getRandomValues(words);
        drawn = 0;
      }
      const value = ((words[drawn++] ?? 0) & 0x1fffff) * 2 ** 32 + (words[drawn++] ?? 0);
      if (value !== 0) return value;
    }
  },
};
