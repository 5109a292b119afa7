/**
 * A connector that knows several ways to one server, best first, and takes the first that gets through:
 * WebSocket, and HTTP requests where a proxy lets no WebSocket pass.
 *
 * What got through is remembered, so that the next link need not find out again, and for a time only: then
 * the best way is tried anew, in case the device has moved to a better network. A way that opens links on
 * which nothing ever arrives before they are lost got nothing through.
 *
 * A link may last for days, and the network be another one by then. So an open link on a lesser way tries the
 * best one now and then, beside itself; where that opens, the link ends, and the next one takes the best way. A
 * best way that opens and then fails again is tried less and less often.
 */
import { systemClock } from '../clock.js';
import type { Cancel, Clock, CloseCode, CloseReason, Connector, Link, LinkEvents } from '../ports.js';

export interface FallbackOptions {
  readonly clock?: Clock;
  /** Milliseconds that a way has to open a link while there is another to try; 8 s by default. */
  readonly patience?: number;
  /** Milliseconds after a fall until the best way is tried again; 5 min by default. */
  readonly retryAfter?: number;
  /** Milliseconds after which an open link on another way looks whether the best one is open; 10 min by default. */
  readonly climbAfter?: number;
}

/** Ends before a link has opened that another way may avoid. The others are the server's word. */
const passable: readonly CloseCode[] = ['unreachable', 'refused', 'lost'];

/** Doublings of the time between looks at the best way. */
const mostDoublings = 6;

/** Milliseconds after which a link that finds the best way open looks again whether it has sent everything. */
const quietInterval = 1_000;

const better: CloseReason = { code: 'goingAway', message: 'a better way is open', retryAfter: 0 };

/** What the connector remembers between links: the way that last got through. */
class Preference {
  readonly #clock: Clock;
  readonly #retryAfter: number;
  #way = 0;
  readonly #climbAfter: number;
  /** When it was last turned to a way that is not the best. */
  #fell = 0;
  /** Since something last arrived by the best way. */
  #climbs = 0;

  constructor(clock: Clock, retryAfter: number, climbAfter: number) {
    this.#clock = clock;
    this.#retryAfter = retryAfter;
    this.#climbAfter = climbAfter;
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

  /** Milliseconds until an open link looks again whether the best way is open. */
  get climbDelay(): number {
    return this.#climbAfter * 2 ** Math.min(this.#climbs, mostDoublings);
  }

  /** The best way was found open; whether it carries anything is to be seen. */
  climb(): void {
    this.#climbs += 1;
    this.#way = 0;
  }

  /** Something has arrived. */
  prove(way: number): void {
    if (way === 0) this.#climbs = 0;
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
        if (!this.#hasReceived) this.#shared.preference.prove(this.#way);
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
    if (this.#way > 0) this.#lookUp();
    this.#events.opened();
  }

  /** Tries the best way after a time, and again until it opens. */
  #lookUp(): void {
    const { clock, patience, preference, ways } = this.#shared;
    this.#stopWaiting = clock.schedule(preference.climbDelay, () => {
      let isOpen = false;
      const probe = ways[0]?.connect({
        opened: () => {
          isOpen = true;
          stop();
          probe?.close({ code: 'normal', message: 'the way is open' });
          this.#climb();
        },
        frame: () => undefined,
        closed: () => {
          stop();
          if (this.#phase === 'open' && !isOpen) this.#lookUp();
        },
      });
      const stop = clock.schedule(patience, () => {
        probe?.close({ code: 'normal', message: `not open within ${patience} ms` });
      });
      this.#stopWaiting = () => {
        stop();
        probe?.close({ code: 'normal', message: 'not wanted any more' });
      };
    });
  }

  /** Ends the link for a better one, once everything has left. */
  #climb(): void {
    if (this.#phase !== 'open') return;
    if (this.bufferedBytes > 0) {
      this.#stopWaiting = this.#shared.clock.schedule(quietInterval, () => this.#climb());
      return;
    }
    this.#shared.preference.climb();
    this.close(better);
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
  const { clock = systemClock, patience = 8_000, retryAfter = 300_000, climbAfter = 600_000 } = options;
  const preference = new Preference(clock, retryAfter, climbAfter);
  const shared = { ways, clock, patience, preference };
  return { connect: (events) => new FallbackLink(shared, events) };
};
