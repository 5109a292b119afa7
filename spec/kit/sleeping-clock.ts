import { ManualClock } from './manual-clock.js';

/** The clock of a device that may sleep: time passes, and timers do not run. */
export class SleepingClock extends ManualClock {
  #slept = 0;
  override now(): number {
    return super.now() + this.#slept;
  }
  sleep(milliseconds: number): void {
    this.#slept += milliseconds;
  }
}
