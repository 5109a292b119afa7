/** Ends of links that keep what was reported to them, and notice what must not be reported. */
import type { CloseCode, CloseReason, Connector, Link, LinkEvents } from '../../transports/ports.js';
import { within } from './test.js';

/** Whether a call to a link is under way: no event may be reported then. */
let calling = 0;

const call = <T>(action: () => T): T => {
  calling += 1;
  try {
    return action();
  } finally {
    calling -= 1;
  }
};

/** One end of a link, with what was reported there. */
export class LinkRecorder implements LinkEvents {
  link: Link | undefined;
  readonly frames: Uint8Array[] = [];
  readonly reasons: CloseReason[] = [];
  openings = 0;
  readonly violations: string[] = [];
  onOpened: (() => void) | undefined;
  onFrame: ((frame: Uint8Array) => void) | undefined;
  readonly #waiting = new Set<() => void>();
  readonly #patience: number;

  /** `patience`: milliseconds to wait for an event that is owed. */
  constructor(patience: number) {
    this.#patience = patience;
  }

  #note(event: string): void {
    if (calling > 0) this.violations.push(`${event} from within a call`);
    if (this.reasons.length > 0) this.violations.push(`${event} after closed`);
  }

  #wake(): void {
    for (const check of this.#waiting) check();
  }

  opened(): void {
    this.#note('opened');
    if (this.frames.length > 0) this.violations.push('opened after a frame');
    this.openings += 1;
    this.onOpened?.();
    this.#wake();
  }

  frame(frame: Uint8Array): void {
    this.#note('frame');
    this.frames.push(frame);
    this.onFrame?.(frame);
    this.#wake();
  }

  closed(reason: CloseReason): void {
    this.#note('closed');
    this.reasons.push(reason);
    this.#wake();
  }

  send(frame: Uint8Array): void {
    call(() => this.link?.send(frame));
  }

  close(code: CloseCode, message = 'as the test wants it'): void {
    call(() => this.link?.close({ code, message }));
  }

  until(what: string, condition: () => boolean): Promise<void> {
    const reached = new Promise<void>((resolve) => {
      const check = (): void => {
        if (!condition()) return;
        this.#waiting.delete(check);
        resolve();
      };
      this.#waiting.add(check);
      check();
    });
    return within(what, reached, this.#patience);
  }

  received(count: number): Promise<void> {
    return this.until(`${count} frames`, () => this.frames.length >= count);
  }

  async ended(): Promise<CloseReason> {
    await this.until('closed', () => this.reasons.length > 0);
    return this.reasons[0] ?? { code: 'lost', message: 'not reached' };
  }
}

export class RecordingServer {
  readonly ends: LinkRecorder[] = [];
  onAccept: ((end: LinkRecorder) => void) | undefined;
  readonly #waiting: (() => void)[] = [];
  readonly #patience: number;

  constructor(patience: number) {
    this.#patience = patience;
  }

  readonly accept = (link: Link): Omit<LinkEvents, 'opened'> => {
    const end = new LinkRecorder(this.#patience);
    end.link = link;
    this.ends.push(end);
    this.onAccept?.(end);
    for (const wake of this.#waiting.splice(0)) wake();
    return end;
  };

  async end(at: number): Promise<LinkRecorder> {
    for (;;) {
      const found = this.ends[at];
      if (found !== undefined) return found;
      const accepted = new Promise<void>((resolve) => {
        this.#waiting.push(resolve);
      });
      await within(`link ${at} is accepted`, accepted, this.#patience);
    }
  }
}

export const dial = (connector: Connector, patience: number): LinkRecorder => {
  const end = new LinkRecorder(patience);
  end.link = call(() => connector.connect(end));
  return end;
};
