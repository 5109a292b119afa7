/**
 * Whether there is still somebody at the other end of an open link.
 *
 * The clock is looked at every few seconds: timers stand still while a device sleeps, and the connection has
 * often died by the time it wakes. So the peer is asked soon after, and has less time to answer.
 */
import type { Cancel, Clock } from '../ports.js';

export interface HeartbeatOptions {
  readonly clock: Clock;
  /** Milliseconds in which nothing comes before the peer is asked, and that it has to answer. */
  readonly interval: number;
  /** Whether anything has come since the last call. */
  readonly hasHeard: () => boolean;
  readonly ask: () => void;
  /** The peer has not answered within so many milliseconds. Called once. */
  readonly lost: (milliseconds: number) => void;
}

/** Milliseconds between looks at the clock. */
const longestStep = 5_000;

/** Milliseconds that the clock is ahead of the timers where the device has slept, and not only been busy. */
const sleep = 10_000;

/** Milliseconds that the peer has to answer after that. */
const wakePatience = 10_000;

export class Heartbeat {
  readonly #options: HeartbeatOptions;
  readonly #step: number;
  /** Milliseconds in which nothing came. */
  #silence = 0;
  /** Milliseconds that the peer has to answer, and those of it that are left; 0 where it was not asked. */
  #patience = 0;
  #left = 0;
  #stop: Cancel = () => undefined;

  constructor(options: HeartbeatOptions) {
    this.#options = options;
    this.#step = Math.min(longestStep, options.interval);
  }

  start(): void {
    const { clock } = this.#options;
    const began = clock.now();
    this.#stop = clock.schedule(this.#step, () => this.#look(clock.now() - began - this.#step > sleep));
  }

  stop(): void {
    this.#stop();
  }

  #look(hasSlept: boolean): void {
    const { interval, hasHeard, lost } = this.#options;
    if (hasHeard()) {
      this.#silence = 0;
      this.#patience = 0;
    } else {
      this.#silence += this.#step;
      this.#left -= this.#step;
    }
    if (this.#patience > 0 && this.#left <= 0) {
      lost(this.#patience);
      return;
    }
    if (hasSlept) this.#ask(Math.min(wakePatience, interval));
    else if (this.#patience === 0 && this.#silence >= interval) this.#ask(interval);
    this.start();
  }

  #ask(patience: number): void {
    this.#options.ask();
    this.#patience = patience;
    this.#left = patience;
  }
}
