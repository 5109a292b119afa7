/**
 * A link within one process: for tests, for simulations, and for a client beside its server.
 *
 * Each end has a queue of what is under way to it, and a wake-up for its head. Everything arrives in order,
 * at the earliest in a turn of its own, so that no event comes from within a call. With a clock that stands
 * still and hooks that are functions of their arguments, a run is a function of the calls.
 */
import { limits } from '../../core/client.js';
import { systemClock } from '../clock.js';
import type { Cancel, Clock, CloseReason, Connector, Link, LinkEvents, Listener } from '../ports.js';

export type Side = 'connector' | 'listener';

/** One frame of one link, both counted from 0; frames separately for each side that sends. */
export interface Passage {
  readonly link: number;
  readonly from: Side;
  readonly frame: number;
  readonly bytes: number;
}

export interface MemoryNetworkOptions {
  /** By default things arrive as soon as the present turn has ended, and delays run on the platform's clock. */
  readonly clock?: Clock;
  /** Milliseconds that the frame is under way, 0 by default. What was sent earlier still arrives earlier. */
  readonly delay?: (passage: Passage) => number;
  /** Whether the link is lost with this frame. Frames sent before it arrive. */
  readonly lose?: (passage: Passage) => boolean;
  /** The reason for which the listener turns this link away, if any. */
  readonly refuse?: (link: number) => CloseReason | undefined;
  /** Longer frames end the link with `tooLarge`. */
  readonly maxFrameBytes?: number;
}

export interface MemoryNetwork {
  readonly connector: Connector;
  /** May listen again after it was closed. */
  readonly listener: Listener;
  /** Loses every link: both ends report `lost`, and frames under way are gone. */
  cut(): void;
}

const promptClock: Clock = {
  now: systemClock.now,
  schedule: (milliseconds, action) => {
    if (milliseconds > 0) return systemClock.schedule(milliseconds, action);
    let wanted = true;
    queueMicrotask(() => {
      if (wanted) action();
    });
    return () => {
      wanted = false;
    };
  },
};

type Arrival =
  | { readonly due: number; readonly type: 'open' }
  | { readonly due: number; readonly type: 'frame'; readonly frame: Uint8Array }
  | { readonly due: number; readonly type: 'closed'; readonly reason: CloseReason };

interface Surroundings {
  readonly clock: Clock;
  readonly delay: (passage: Passage) => number;
  readonly lose: (passage: Passage) => boolean;
  readonly maxFrameBytes: number;
}

const lost: CloseReason = { code: 'lost', message: 'the link was cut' };
const nobodyListens: CloseReason = { code: 'unreachable', message: 'nobody listens' };

class End implements Link {
  readonly #around: Surroundings;
  readonly #link: number;
  readonly #side: Side;
  readonly #open: () => void;
  #peer: End = this;
  #events: Omit<LinkEvents, 'opened'> | undefined;
  #arrivals: Arrival[] = [];
  /** Undefined while asleep. */
  #cancelWake: Cancel | undefined;
  #isHeld = false;
  #sent = 0;
  #lastDue = 0;
  #buffered = 0;
  /** No frame is sent or reported any more; `closed` is under way or was reported. */
  #ended = false;

  /** `open` is called when this end opens. */
  constructor(around: Surroundings, link: number, side: Side, open: () => void) {
    this.#around = around;
    this.#link = link;
    this.#side = side;
    this.#open = open;
  }

  static join(client: End, server: End): void {
    client.#peer = server;
    server.#peer = client;
  }

  /** Before any frame is delivered. */
  attach(events: Omit<LinkEvents, 'opened'>): void {
    this.#events = events;
  }

  get ended(): boolean {
    return this.#ended;
  }

  get bufferedBytes(): number {
    return this.#buffered;
  }

  send(frame: Uint8Array): void {
    if (this.#ended) return;
    const passage = { link: this.#link, from: this.#side, frame: this.#sent, bytes: frame.length };
    this.#sent += 1;
    const due = this.#due(this.#around.delay(passage));
    if (this.#around.lose(passage)) {
      this.#peer.#arrive({ due, type: 'closed', reason: lost });
      this.end(lost);
    } else {
      this.#buffered += frame.length;
      this.#peer.#arrive({ due, type: 'frame', frame });
    }
  }

  hold(isHeld: boolean): void {
    this.#isHeld = isHeld;
    this.#wake();
  }

  close(reason: CloseReason): void {
    if (this.#ended) return;
    const code = reason.code === 'unreachable' ? 'lost' : reason.code;
    this.#peer.#arrive({ due: this.#due(0), type: 'closed', reason: { ...reason, code } });
    this.end(reason);
  }

  /** Opens this end in a turn of its own. */
  open(): void {
    this.#arrive({ due: 0, type: 'open' });
  }

  /** Ends an end that was never shown to anyone. */
  discard(): void {
    this.#ended = true;
    this.#arrivals = [];
  }

  /** Ends this end alone, and reports it. */
  end(reason: CloseReason): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#arrivals = [{ due: 0, type: 'closed', reason }];
    // Not when the frame that was awaited would have arrived.
    this.#cancelWake?.();
    this.#cancelWake = undefined;
    this.#wake();
  }

  /** What this end sends now arrives neither before `delay` has passed nor before what it sent earlier. */
  #due(delay: number): number {
    this.#lastDue = Math.max(this.#lastDue, this.#around.clock.now() + delay);
    return this.#lastDue;
  }

  #arrive(arrival: Arrival): void {
    if (this.#ended) return;
    this.#arrivals.push(arrival);
    this.#wake();
  }

  #wake(): void {
    const head = this.#arrivals[0];
    if (this.#cancelWake !== undefined || head === undefined || this.#isWaitingAt(head)) return;
    const { clock } = this.#around;
    this.#cancelWake = clock.schedule(Math.max(0, head.due - clock.now()), () => this.#deliver());
  }

  /** What comes behind a frame that is not read waits with it; the end itself is no frame. */
  #isWaitingAt(arrival: Arrival): boolean {
    return this.#isHeld && arrival.type === 'frame';
  }

  #deliver(): void {
    this.#cancelWake = undefined;
    const now = this.#around.clock.now();
    let at = 0;
    // Handlers may end this end, which replaces the queue.
    const arrivals = this.#arrivals;
    for (; this.#arrivals === arrivals; at++) {
      const arrival = arrivals[at];
      if (arrival === undefined || arrival.due > now || this.#isWaitingAt(arrival)) break;
      this.#receive(arrival);
    }
    if (this.#arrivals === arrivals) this.#arrivals = arrivals.slice(at);
    this.#wake();
  }

  #receive(arrival: Arrival): void {
    switch (arrival.type) {
      case 'open':
        this.#open();
        break;
      case 'frame':
        this.#peer.#buffered -= arrival.frame.length;
        if (arrival.frame.length > this.#around.maxFrameBytes) {
          const message = `a frame of ${arrival.frame.length} bytes, at most ${this.#around.maxFrameBytes} are taken`;
          this.close({ code: 'tooLarge', message });
        } else {
          this.#events?.frame(arrival.frame);
        }
        break;
      case 'closed':
        this.#ended = true;
        this.#arrivals = [];
        this.#events?.closed(arrival.reason);
        break;
    }
  }
}

export const memoryNetwork = (options: MemoryNetworkOptions = {}): MemoryNetwork => {
  const around: Surroundings = {
    clock: options.clock ?? promptClock,
    delay: options.delay ?? (() => 0),
    lose: options.lose ?? (() => false),
    maxFrameBytes: options.maxFrameBytes ?? limits.messageBytes,
  };
  /** Ends that have not reported their close. */
  const dialed = new Set<End>();
  const accepted = new Set<End>();
  const released: (() => void)[] = [];
  let accept: ((link: Link) => Omit<LinkEvents, 'opened'>) | undefined;
  let links = 0;

  const connector: Connector = {
    connect: (events) => {
      const link = links++;
      const server = new End(around, link, 'listener', () => {
        if (client.ended) return server.discard();
        const refused = accept === undefined ? nobodyListens : options.refuse?.(link);
        if (accept === undefined || refused !== undefined) {
          server.discard();
          return client.end(refused ?? nobodyListens);
        }
        accepted.add(server);
        client.open();
        const events = accept(server);
        server.attach({
          frame: (frame) => events.frame(frame),
          closed: (reason) => {
            accepted.delete(server);
            events.closed(reason);
            if (accepted.size === 0) for (const resolve of released.splice(0)) resolve();
          },
        });
      });
      const client = new End(around, link, 'connector', () => events.opened());
      End.join(client, server);
      client.attach({
        frame: (frame) => events.frame(frame),
        closed: (reason) => {
          dialed.delete(client);
          events.closed(reason);
        },
      });
      dialed.add(client);
      server.open();
      return client;
    },
  };

  const listener: Listener = {
    listen: async (onLink) => {
      if (accept !== undefined) throw new Error('the memory listener listens already');
      accept = onLink;
    },
    close: async () => {
      accept = undefined;
      if (accepted.size === 0) return;
      for (const end of accepted) end.close({ code: 'goingAway', message: 'the server closes' });
      await new Promise<void>((resolve) => {
        released.push(resolve);
      });
    },
  };

  return {
    connector,
    listener,
    cut: () => {
      for (const end of [...dialed, ...accepted]) end.end(lost);
    },
  };
};
