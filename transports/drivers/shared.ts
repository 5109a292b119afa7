/**
 * One connection that several files use. Each has a line; the link opens with the first and ends a while
 * after the last. Sessions are told apart by number: a line numbers its own, and the connection gives each
 * that binds the next number of the link, since the server wants them ascending.
 *
 * A line that is closed while the server still knows its session unbinds it, and what comes for it then is
 * dropped; the link and the other lines stay. What ends the link ends all lines, with the same reason; each
 * file decides for itself when it tries again. So that they do not all ask a server that is not there, a
 * lost attempt is followed by a quiet time, for which new lines wait together.
 */
import * as E from 'fp-ts/lib/Either.js';
import {
  type ClientMessage,
  decodeServerMessage,
  encodeClientMessage,
  limits,
  retryDelay,
  type ServerMessage,
  type Timing,
} from '../../core/client.js';
import type { Cancel, Clock, CloseReason, Connector, Link } from '../ports.js';
import type { Line, LineEvents, Lines } from './line.js';

export interface SharedOptions {
  readonly connector: Connector;
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly chance: () => number;
  readonly timing: Timing;
  /** Milliseconds that the link stays open without a line. */
  readonly linger: number;
}

/** The session that a line has bound on the present link. */
interface Binding {
  readonly own: number;
  readonly onLink: number;
  /** Whether the server was told that it ends. */
  hasLeft: boolean;
}

class SharedLine implements Line {
  readonly events: LineEvents;
  readonly #connection: SharedConnection;
  binding: Binding | null = null;
  hasEnded = false;
  /** Frames that the link had brought when this line asked for an answer last. */
  askedAt = 0;

  constructor(connection: SharedConnection, events: LineEvents) {
    this.#connection = connection;
    this.events = events;
  }

  send(message: ClientMessage): void {
    if (!this.hasEnded) this.#connection.send(this, message);
  }

  close(reason: CloseReason): void {
    if (!this.hasEnded) this.#connection.leave(this, reason);
  }
}

export class SharedConnection implements Lines {
  readonly #options: SharedOptions;
  readonly #lines = new Set<SharedLine>();
  /** By session number of the link. */
  readonly #bound = new Map<number, SharedLine>();
  #link: Link | null = null;
  #isOpen = false;
  /** Counts links, so that events of one that was given up are told from those of the present one. */
  #attempt = 0;
  #highest = 0;
  /** Frames that links have brought. */
  #frames = 0;
  /** Links in a row that never opened, or were lost soon. */
  #failures = 0;
  #openedAt = 0;
  /** When the last attempt was lost, and for how many milliseconds none is made since. */
  #quietSince = 0;
  #quietFor = 0;
  #timer: Cancel = () => undefined;

  constructor(options: SharedOptions) {
    this.#options = options;
  }

  /** Lines that have not ended. */
  get lines(): number {
    return this.#lines.size;
  }

  connect(events: LineEvents, urgent: boolean): Line {
    const line = new SharedLine(this, events);
    this.#lines.add(line);
    if (urgent) this.#quietFor = 0;
    if (this.#isOpen) {
      this.#timer();
      queueMicrotask(() => {
        if (!line.hasEnded && this.#isOpen) events.opened();
      });
    } else if (this.#link === null) {
      this.#connectSoon();
    }
    return line;
  }

  send(line: SharedLine, message: ClientMessage): void {
    if (!this.#isOpen) return;
    if (message.type === 'bind') {
      this.#unbind(line);
      const onLink = ++this.#highest;
      line.binding = { own: message.session, onLink, hasLeft: false };
      this.#bound.set(onLink, line);
    }
    if (message.type === 'bind' || message.type === 'mark') line.askedAt = this.#frames;
    const { binding } = line;
    if (binding === null || binding.own !== message.session) return;
    this.#link?.send(encodeClientMessage({ ...message, session: binding.onLink }));
    // The server forgets a session that reports an error, and answers one that takes its leave.
    if (message.type === 'clientError') this.#forget(line);
    if (message.type === 'unbind') binding.hasLeft = true;
  }

  leave(line: SharedLine, reason: CloseReason): void {
    line.hasEnded = true;
    this.#lines.delete(line);
    // A line that was not answered speaks for the link, if nobody else has heard anything since either.
    const isDead = reason.code === 'lost' && this.#isOpen && line.askedAt === this.#frames;
    if (isDead) {
      this.#end(reason);
      return;
    }
    this.#unbind(line);
    if (this.#lines.size === 0) this.#linger();
  }

  /** Ends the link and every line. */
  close(reason: CloseReason): void {
    this.#timer();
    this.#end(reason);
  }

  #linger(): void {
    this.#timer();
    const normal: CloseReason = { code: 'normal', message: 'no file uses the connection' };
    if (this.#isOpen)
      this.#timer = this.#options.clock.schedule(this.#options.linger, () => this.#end(normal));
    else this.#end(normal);
  }

  #unbind(line: SharedLine): void {
    const { binding } = line;
    if (binding === null) return;
    if (!binding.hasLeft) this.#link?.send(encodeClientMessage({ type: 'unbind', session: binding.onLink }));
    this.#forget(line);
  }

  #forget(line: SharedLine): void {
    if (line.binding !== null) this.#bound.delete(line.binding.onLink);
    line.binding = null;
  }

  #connectSoon(): void {
    this.#timer();
    const { clock } = this.#options;
    // A clock that was set back says nothing of how long it was.
    const passed = Math.max(0, clock.now() - this.#quietSince);
    const wait = this.#quietFor - passed;
    if (wait <= 0) this.#connect();
    else this.#timer = clock.schedule(wait, () => this.#connect());
  }

  #connect(): void {
    const attempt = ++this.#attempt;
    const isPresent = (): boolean => attempt === this.#attempt;
    this.#highest = 0;
    this.#link = this.#options.connector.connect({
      opened: () => {
        if (isPresent()) this.#opened();
      },
      frame: (frame) => {
        if (isPresent()) this.#received(frame);
      },
      closed: (reason) => {
        if (isPresent()) this.#closed(reason);
      },
    });
  }

  #opened(): void {
    this.#isOpen = true;
    this.#openedAt = this.#options.clock.now();
    for (const line of [...this.#lines]) if (!line.hasEnded) line.events.opened();
  }

  #received(frame: Uint8Array): void {
    this.#frames++;
    const decoded = decodeServerMessage(frame);
    if (E.isLeft(decoded)) {
      for (const line of [...this.#lines]) if (!line.hasEnded) line.events.garbage(decoded.left.message);
      return;
    }
    this.#deliver(decoded.right, frame);
  }

  #deliver(message: ServerMessage, frame: Uint8Array): void {
    if (message.session === 0) {
      for (const line of [...this.#lines]) if (!line.hasEnded) line.events.message(message, frame);
      return;
    }
    const line = this.#bound.get(message.session);
    const binding = line?.binding;
    // For a session that was left meanwhile.
    if (line === undefined || binding == null) return;
    if (message.type === 'error' || message.type === 'unbound') this.#forget(line);
    line.events.message({ ...message, session: binding.own }, frame);
  }

  /** The link has ended of itself. */
  #closed(reason: CloseReason): void {
    const { clock, timing, chance } = this.#options;
    const now = clock.now();
    const wasGood = this.#isOpen && now - this.#openedAt >= timing.stable;
    this.#failures = wasGood ? 0 : this.#failures + 1;
    const pause = retryDelay(timing, Math.max(0, this.#failures - 1), chance(), reason.retryAfter);
    const isQuiet = !wasGood || reason.retryAfter !== undefined;
    this.#quietSince = now;
    this.#quietFor = isQuiet ? pause : 0;
    this.#link = null;
    this.#end(reason);
  }

  #end(reason: CloseReason): void {
    this.#timer();
    this.#attempt++;
    this.#link?.close(reason);
    this.#link = null;
    this.#isOpen = false;
    this.#bound.clear();
    const lines = [...this.#lines];
    this.#lines.clear();
    for (const line of lines) {
      line.hasEnded = true;
      line.binding = null;
    }
    for (const line of lines) line.events.closed(reason);
  }
}

/** Half of what a server takes: a session that has been left counts there until its farewell has arrived. */
const LINES_PER_CONNECTION = limits.sessionsPerConnection / 2;

/** One connection, and further ones where there are more lines than one can carry. */
export class SharedLines implements Lines {
  readonly #options: SharedOptions;
  readonly #connections: SharedConnection[] = [];

  constructor(options: SharedOptions) {
    this.#options = options;
  }

  connect(events: LineEvents, urgent: boolean): Line {
    let free = this.#connections.find((connection) => connection.lines < LINES_PER_CONNECTION);
    if (free === undefined) {
      free = new SharedConnection(this.#options);
      this.#connections.push(free);
    }
    return free.connect(events, urgent);
  }

  /** Ends all links and every line. */
  close(reason: CloseReason): void {
    for (const connection of this.#connections) connection.close(reason);
  }
}
