/**
 * Waiting for slow links: whoever has sent much waits here until the link has let most of it out.
 *
 * Browsers and long polls tell nobody when that is, so links are looked at, by one timer, and only while
 * somebody waits.
 */
import type { Cancel, Clock, Link } from '../ports.js';

export interface OutflowOptions {
  readonly clock: Clock;
  /** Milliseconds in which a link lets nothing out before it is given up. */
  readonly patience: number;
  /** The link has let nothing out for so long. */
  readonly stuck: (link: Link) => void;
}

/** What a link may keep while more is sent to it. */
const flushedBytes = 256 * 1024;

/** Milliseconds between looks. */
const interval = 10;

interface Waiting {
  readonly actions: (() => void)[];
  /** Bytes at the last look at which there were fewer than before, and when that was. */
  least: number;
  since: number;
}

export class Outflow {
  readonly #options: OutflowOptions;
  readonly #links = new Map<Link, Waiting>();
  #stopTimer: Cancel | null = null;

  constructor(options: OutflowOptions) {
    this.#options = options;
  }

  /** Calls `action` when the link has let out what it was sent, or most of it: at once where that is so. */
  whenFlushed(link: Link, action: () => void): void {
    const least = link.bufferedBytes;
    if (least <= flushedBytes) {
      action();
      return;
    }
    const present = this.#links.get(link);
    if (present === undefined)
      this.#links.set(link, { actions: [action], least, since: this.#options.clock.now() });
    else present.actions.push(action);
    this.#stopTimer ??= this.#options.clock.schedule(interval, () => this.#look());
  }

  /** The link has ended. */
  forget(link: Link): void {
    this.#links.delete(link);
  }

  stop(): void {
    this.#stopTimer?.();
    this.#links.clear();
  }

  #look(): void {
    this.#stopTimer = null;
    const { clock, patience, stuck } = this.#options;
    const now = clock.now();
    for (const [link, waiting] of [...this.#links]) {
      const { bufferedBytes } = link;
      if (bufferedBytes <= flushedBytes) {
        this.#links.delete(link);
        for (const action of waiting.actions) action();
      } else if (bufferedBytes < waiting.least) {
        waiting.least = bufferedBytes;
        waiting.since = now;
      } else if (now - waiting.since >= patience) {
        this.#links.delete(link);
        stuck(link);
      }
    }
    if (this.#links.size > 0) this.#stopTimer ??= clock.schedule(interval, () => this.#look());
  }
}
