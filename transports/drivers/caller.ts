/**
 * The calls of one file: its present line, the token that goes with it, and what became of the lines before.
 * Each attempt has a number, so that events of one that was given up are told from those of the present one.
 */
import type { ClientEvent, ClientMessage, ServerMessage } from '../../core/client.js';
import type { CloseReason, Entropy } from '../ports.js';
import { type LinkHistory, noLinks } from './description.js';
import { textOf } from './error.js';
import type { Line, Lines } from './line.js';
import type { Timeless } from './timeless.js';
import type { TokenKeeper } from './tokens.js';

/** The events that a link gives rise to. */
type Heard = Extract<ClientEvent, { type: 'opened' | 'closed' | 'message' | 'garbage' }>;

export interface CallerOptions {
  readonly lines: Lines;
  readonly tokens: TokenKeeper;
  readonly entropy: Entropy;
  readonly now: () => number;
  /** Whether events are wanted at all. */
  readonly isListening: () => boolean;
  /** `frame`: that of the message. */
  readonly heard: (event: Timeless<Heard>, frame?: Uint8Array) => void;
}

/** Uniform in [0, 1). */
export const chanceOf = (entropy: Entropy): number => (entropy.integer() - 1) / Number.MAX_SAFE_INTEGER;

export class Caller {
  readonly #options: CallerOptions;
  #line: Line | null = null;
  #attempt = 0;
  /** The last token that was sent. */
  #token: string | null = null;
  #links: LinkHistory = noLinks;

  constructor(options: CallerOptions) {
    this.#options = options;
  }

  get links(): LinkHistory {
    return this.#links;
  }

  /** `refused`: the server has not taken the last token. */
  connect(refused: boolean, urgent: boolean): void {
    this.disconnect({ code: 'normal', message: 'superseded by a new link' });
    const attempt = ++this.#attempt;
    const { lines, tokens, heard } = this.#options;
    this.#links = { ...this.#links, attempts: this.#links.attempts + 1 };
    const token = tokens.get(refused ? this.#token : null);
    // Before it is known whether the link opens, which it may never do.
    token.catch((error: unknown) => this.#unauthorized(attempt, error));
    this.#line = lines.connect(
      {
        opened: () => {
          if (!this.#isPresent(attempt)) return;
          this.#links = { ...this.#links, opened: this.#links.opened + 1, lastOpened: this.#options.now() };
          this.#authorize(attempt, token);
        },
        message: (message, frame) => {
          if (this.#isPresent(attempt)) this.#received(message, frame);
        },
        garbage: (message) => {
          if (this.#isPresent(attempt)) heard({ type: 'garbage', message });
        },
        closed: (reason) => this.#closed(attempt, reason),
      },
      urgent,
    );
  }

  /** Another binding on the present line. */
  authorize(): void {
    this.#authorize(this.#attempt, this.#options.tokens.get(null));
  }

  send(message: ClientMessage): void {
    this.#line?.send(message);
  }

  disconnect(reason: CloseReason): void {
    this.#attempt++;
    const line = this.#line;
    this.#line = null;
    if (line === null) return;
    this.#ended(reason.message);
    line.close(reason);
  }

  #isPresent(attempt: number): boolean {
    return attempt === this.#attempt && this.#options.isListening();
  }

  #authorize(attempt: number, token: Promise<string>): void {
    token.then(
      (given) => {
        if (!this.#isPresent(attempt)) return;
        this.#token = given;
        this.#options.heard({ type: 'opened', token: given });
      },
      (error: unknown) => this.#unauthorized(attempt, error),
    );
  }

  #unauthorized(attempt: number, error: unknown): void {
    if (!this.#isPresent(attempt)) return;
    const message = textOf(error);
    this.#line?.close({ code: 'normal', message: 'there is no token' });
    this.#closed(attempt, { code: 'unreachable', message });
  }

  #closed(attempt: number, { code, message, retryAfter }: CloseReason): void {
    if (!this.#isPresent(attempt)) return;
    this.#line = null;
    this.#attempt++;
    const { tokens, entropy, heard } = this.#options;
    const reason = tokens.redacted(`${code}: ${message}`);
    this.#ended(reason);
    const closed = {
      type: 'closed',
      reason,
      chance: chanceOf(entropy),
      tooLarge: code === 'tooLarge',
    } as const;
    heard(retryAfter === undefined ? closed : { ...closed, retryAfter });
  }

  #received(message: ServerMessage, frame: Uint8Array): void {
    const { tokens, entropy, heard } = this.#options;
    const bytes = frame.length;
    if (message.type !== 'error') {
      // Only what follows an error is up to chance, which costs a call of the platform.
      heard({ type: 'message', message, bytes, chance: 0 }, frame);
      return;
    }
    const clean = { ...message, message: tokens.redacted(message.message) };
    heard({ type: 'message', message: clean, bytes, chance: chanceOf(entropy) });
  }

  #ended(reason: string): void {
    this.#links = { ...this.#links, lastClosed: this.#options.now(), lastReason: reason };
  }
}
