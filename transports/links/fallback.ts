/**
 * A connector that knows several ways to one server, best first, and takes the first that gets through:
 * WebSocket, and HTTP requests where a proxy lets no WebSocket pass.
 *
 * What got through is remembered, so that the next link need not find out again, and for a time only: then
 * the best way is tried anew, in case the device has moved to a better network. A way that opens links on
 * which nothing ever arrives before they are lost got nothing through.
 */
import { systemClock } from '../clock.js';
import type { Cancel, Clock, CloseCode, CloseReason, Connector, Link, LinkEvents } from '../ports.js';

export interface FallbackOptions {
  readonly clock?: Clock;
  /** Milliseconds that a way has to open a link while there is another to try; 8 s by default. */
  readonly patience?: number;
  /** Milliseconds after a fall until the best way is tried again; 5 min by default. */
  readonly retryAfter?: number;
}

/** Ends before a link has opened that another way may avoid. The others are the server's word. */
const passable: readonly CloseCode[] = ['unreachable', 'refused', 'lost'];

/** What the connector remembers between links: the way that last got through. */
class Preference {
  readonly #clock: Clock;
  readonly #retryAfter: number;
  #way = 0;
  /** When it was last turned to a way that is not the best. */
  #fell = 0;

  constructor(clock: Clock, retryAfter: number) {
    this.#clock = clock;
    this.#retryAfter = retryAfter;
  }

  /** The way to begin with. */
  get(): number {
    if (this.#clock.now() - this.#fell >= this.#retryAfter) this.#way = 0;
    return this.#way;
  }

  set(way: number): void {
    if (way !== this.#way) this.#fell = this.#clock.now();
    this.#way = way;
  }
}

/** What all links of one connector share. */
interface Shared {
  readonly ways: readonly Connector[];
  readonly preference: Preference;
  readonly clock: Clock;
  readonly patience: number;
}

class FallbackLink implements Link {
  readonly #shared: Shared;
  readonly #events: LinkEvents;
  #phase: 'opening' | 'open' | 'ended' = 'opening';
  /** The way of the present link. */
  #way: number;
  #link: Link | undefined;
  /** What became of the ways tried before. */
  readonly #failures: string[] = [];
  /** Frames sent while opening, which may have to go another way. */
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #hasReceived = false;
  #stopWaiting: Cancel = () => undefined;

  constructor(shared: Shared, events: LinkEvents) {
    this.#shared = shared;
    this.#events = events;
    this.#way = shared.preference.get();
    this.#connect();
  }

  get bufferedBytes(): number {
    return this.#waitingBytes + (this.#link?.bufferedBytes ?? 0);
  }

  send(frame: Uint8Array): void {
    if (this.#phase === 'open') {
      this.#link?.send(frame);
    } else if (this.#phase === 'opening') {
      this.#waiting.push(frame);
      this.#waitingBytes += frame.length;
    }
  }

  close(reason: CloseReason): void {
    if (this.#phase === 'ended') return;
    this.#link?.close(reason);
    queueMicrotask(() => this.#events.closed(reason));
    this.#end();
  }

  #connect(): void {
    const { ways, clock, patience } = this.#shared;
    const isPresent = (): boolean => this.#phase !== 'ended' && this.#link === link;
    const link = ways[this.#way]?.connect({
      opened: () => {
        if (isPresent()) this.#open();
      },
      frame: (frame) => {
        if (!isPresent()) return;
        this.#hasReceived = true;
        this.#events.frame(frame);
      },
      closed: (reason) => {
        if (isPresent()) this.#close(reason);
      },
    });
    this.#link = link;
    if (!this.#hasAnother) return;
    this.#stopWaiting = clock.schedule(patience, () => {
      const message = `not open within ${patience} ms`;
      link?.close({ code: 'normal', message });
      this.#turn({ code: 'unreachable', message });
    });
  }

  /** Whether there is a way that was not tried. */
  get #hasAnother(): boolean {
    return this.#failures.length + 1 < this.#shared.ways.length;
  }

  get #nextWay(): number {
    return (this.#way + 1) % this.#shared.ways.length;
  }

  #open(): void {
    this.#stopWaiting();
    this.#phase = 'open';
    this.#shared.preference.set(this.#way);
    // Before anyone is told, who might send more.
    for (const frame of this.#waiting) this.#link?.send(frame);
    this.#forgetWaiting();
    this.#events.opened();
  }

  /** The present link has ended of itself. */
  #close(reason: CloseReason): void {
    this.#stopWaiting();
    if (this.#phase === 'open') {
      if (reason.code === 'lost' && !this.#hasReceived) this.#shared.preference.set(this.#nextWay);
      this.#end();
      this.#events.closed(reason);
    } else if (passable.includes(reason.code) && this.#hasAnother) {
      this.#turn(reason);
    } else {
      const message = [...this.#failures, reason.message].join('; ');
      this.#end();
      this.#events.closed({ ...reason, message });
    }
  }

  #turn({ message }: CloseReason): void {
    this.#failures.push(message);
    this.#way = this.#nextWay;
    this.#connect();
  }

  #end(): void {
    this.#phase = 'ended';
    this.#stopWaiting();
    this.#forgetWaiting();
  }

  #forgetWaiting(): void {
    this.#waiting = [];
    this.#waitingBytes = 0;
  }
}

/**
 * `ways` lead to one server, best first.
 *
 * @throws Error where there is none.
 */
export const fallbackConnector = (ways: readonly Connector[], options: FallbackOptions = {}): Connector => {
  if (ways.length === 0) throw new Error('a connector that falls back has at least one way, found none');
  const { clock = systemClock, patience = 8_000, retryAfter = 300_000 } = options;
  const shared = { ways, clock, patience, preference: new Preference(clock, retryAfter) };
  return { connect: (events) => new FallbackLink(shared, events) };
};
