/** Time under the control of a test. */
import type { Cancel, Clock } from '../../transports/ports.js';

interface Timer {
  readonly due: number;
  readonly action: () => void;
}

/**
 * A clock that stands still until it is told to move. Actions run in order of their time, those of equal
 * time in order of their scheduling.
 */
export class ManualClock implements Clock {
  #now: number;
  readonly #timers: Timer[] = [];

  constructor(now = 0) {
    this.#now = now;
  }

  now(): number {
    return this.#now;
  }

  schedule(milliseconds: number, action: () => void): Cancel {
    const timer = { due: this.#now + Math.max(0, milliseconds), action };
    let at = this.#timers.length;
    while (at > 0 && (this.#timers[at - 1]?.due ?? 0) > timer.due) at--;
    this.#timers.splice(at, 0, timer);
    return () => {
      const index = this.#timers.indexOf(timer);
      if (index >= 0) this.#timers.splice(index, 1);
    };
  }

  /** Actions that wait. */
  get pending(): number {
    return this.#timers.length;
  }

  /** When the next action is due, undefined if none waits. */
  get next(): number | undefined {
    return this.#timers[0]?.due;
  }

  /** Moves on, running what becomes due on the way, including what those actions schedule. */
  advance(milliseconds: number): void {
    const end = this.#now + milliseconds;
    while (this.#step(end));
    this.#now = end;
  }

  /** Like `advance`, but lets promises settle before each action and at the end. */
  async advanceAsync(milliseconds: number): Promise<void> {
    const end = this.#now + milliseconds;
    do await new Promise((resolve) => setTimeout(resolve));
    while (this.#step(end));
    this.#now = end;
  }

  #step(end: number): boolean {
    const timer = this.#timers[0];
    if (timer === undefined || timer.due > end) return false;
    this.#timers.shift();
    this.#now = Math.max(this.#now, timer.due);
    timer.action();
    return true;
  }
}
