/** A sequence of requests, one at a time, with what it has learnt of the way. */
import type { Cancel } from '../ports.js';

/** Bodies are not made smaller than this for a failure. */
const leastBytes = 16 * 1024;

export class Lane {
  /** In a row. */
  failures = 0;
  /** Ends what the lane waits for: an answer, or the time of the next attempt. */
  interrupt: Cancel = () => undefined;
  #ceiling: number;
  #budget: number;

  constructor(maxBodyBytes: number) {
    this.#ceiling = maxBodyBytes;
    this.#budget = maxBodyBytes;
  }

  /** The most bytes of the stream that the next request is to carry. */
  get budget(): number {
    return this.#budget;
  }

  succeed(): void {
    this.failures = 0;
    this.#budget = Math.min(this.#ceiling, 2 * this.#budget);
  }

  /** After a request with so many bytes has failed, for whatever reason. */
  fail(carried: number): void {
    this.failures += 1;
    this.#budget = half(this.#budget, carried);
  }

  /** After a request with so many bytes was too large. False if less cannot be tried. */
  shrink(carried: number): boolean {
    if (carried <= leastBytes) return false;
    this.#ceiling = half(this.#budget, carried);
    this.#budget = this.#ceiling;
    return true;
  }
}

const half = (budget: number, carried: number): number =>
  Math.min(budget, Math.max(leastBytes, Math.floor(carried / 2)));
