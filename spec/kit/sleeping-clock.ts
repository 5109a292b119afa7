/** Time that passes while timers stand still, as on a device that sleeps. */
import { ManualClock } from './manual-clock.js';

/** A manual clock that may be put ahead of its timers. */
export class SleepingClock extends ManualClock {
  #slept = 0;
  override now(): number {
    return super.now() + this.#slept;
  }
  sleep(milliseconds: number): void {
    this.#slept += milliseconds;
  }
}
