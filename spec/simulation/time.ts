/**
 * Virtual time. Nothing passes but by order: an action runs when it is due, then everything that it has made
 * ready runs (all microtasks), then comes the next action. Actions that are due together run in the order of
 * their scheduling. So a run is a function of what is scheduled, and a day takes as long as what happens in it.
 */
import type { Cancel, Clock } from '../../transports/ports.js';

interface Timer {
  readonly due: number;
  readonly order: number;
  action: (() => void) | null;
}

const isBefore = (a: Timer, b: Timer): boolean => a.due < b.due || (a.due === b.due && a.order < b.order);

/** Resolves when no microtask is left: the platform runs an immediate only then. */
export const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

export class VirtualTime implements Clock {
  #now: number;
  #order = 0;
  /** A binary heap, the first one due on top. */
  readonly #heap: Timer[] = [];
  /** Actions that have run. */
  steps = 0;

  constructor(now: number) {
    this.#now = now;
  }

  now(): number {
    return this.#now;
  }

  schedule(milliseconds: number, action: () => void): Cancel {
    const timer: Timer = { due: this.#now + Math.max(0, milliseconds), order: this.#order++, action };
    this.#heap.push(timer);
    this.#rise(this.#heap.length - 1);
    return () => {
      timer.action = null;
    };
  }

  /**
   * Lets time pass until `end`, or until `stop` answers true; it is asked after each action, when everything
   * that the action has made ready has run.
   */
  async passUntil(end: number, stop: () => boolean = () => false): Promise<void> {
    await settled();
    for (let timer = this.#heap[0]; timer !== undefined && timer.due <= end; timer = this.#heap[0]) {
      this.#removeFirst();
      if (timer.action === null) continue;
      this.#now = Math.max(this.#now, timer.due);
      this.steps++;
      timer.action();
      await settled();
      if (stop()) return;
    }
    this.#now = Math.max(this.#now, end);
  }

  #rise(from: number): void {
    const heap = this.#heap;
    for (let at = from; at > 0; ) {
      const up = (at - 1) >> 1;
      const [child, parent] = [heap[at] as Timer, heap[up] as Timer];
      if (!isBefore(child, parent)) return;
      heap[at] = parent;
      heap[up] = child;
      at = up;
    }
  }

  #removeFirst(): void {
    const heap = this.#heap;
    const last = heap.pop() as Timer;
    if (heap.length === 0) return;
    heap[0] = last;
    for (let at = 0; ; ) {
      let least = at;
      for (const child of [2 * at + 1, 2 * at + 2])
        if (child < heap.length && isBefore(heap[child] as Timer, heap[least] as Timer)) least = child;
      if (least === at) return;
      const [above, below] = [heap[at] as Timer, heap[least] as Timer];
      heap[at] = below;
      heap[least] = above;
      at = least;
    }
  }
}

/** One run of a program: what it has scheduled does not outlive it. */
export interface Life {
  isAlive: boolean;
}

/** The clock of one machine: it is wrong by so much, and set right or wrong while timers run on undisturbed. */
export class LocalClock {
  readonly #time: VirtualTime;
  /** Milliseconds by which it is ahead. */
  skew: number;

  constructor(time: VirtualTime, skew: number) {
    this.#time = time;
    this.skew = skew;
  }

  now(): number {
    return Math.max(0, this.#time.now() + this.skew);
  }

  /** As a program sees it that runs on the machine. */
  seenBy(life: Life): Clock {
    return {
      now: () => this.now(),
      schedule: (milliseconds, action) =>
        this.#time.schedule(milliseconds, () => {
          if (life.isAlive) action();
        }),
    };
  }
}
