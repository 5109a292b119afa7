/**
 * What waits of one link to be handled: where it is much, the link is held until there is less, so that what
 * a client sends ahead waits at the client. A link that cannot be held may get further ahead, and not for ever.
 */
import type { Link } from '../ports.js';

/** Bytes that wait from where on no more are read, and from where on again. */
const heldBytes = 8 * 1024 * 1024;
const releasedBytes = 1024 * 1024;

/** Bytes beyond which a link is not to be listened to any longer. */
const maxWaitingBytes = 64 * 1024 * 1024;

export class Inflow {
  readonly #link: Link;
  #waiting = 0;
  #isHeld = false;

  constructor(link: Link) {
    this.#link = link;
  }

  /** False where the peer is too far ahead. */
  came(bytes: number): boolean {
    this.#wait(bytes);
    return this.#waiting <= maxWaitingBytes;
  }

  handled(bytes: number): void {
    this.#wait(-bytes);
  }

  #wait(bytes: number): void {
    this.#waiting += bytes;
    const isHeld = this.#waiting > (this.#isHeld ? releasedBytes : heldBytes);
    if (isHeld === this.#isHeld) return;
    this.#isHeld = isHeld;
    this.#link.hold?.(isHeld);
  }
}
