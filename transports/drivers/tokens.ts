/**
 * The tokens of one source, for all sessions that use it: asked for when a session binds, kept as long as
 * the source says that they are good, replaced shortly before they are not. A token that the server has
 * refused is replaced once, however many sessions it was refused to.
 *
 * Nothing of a token gets into a message for people: `redacted` takes it out of what others have said.
 */
import type { Cancel, Clock, Token, TokenSource } from '../ports.js';

/** Milliseconds before the end of a token at which another one is asked for, or a quarter of its time. */
const LEAD = 60_000;

/** Milliseconds in which the sessions of a device bind anew after a token was replaced. */
const REBINDING = 5_000;

/** Tokens that messages are searched for. */
const MOST_KNOWN = 8;

interface Kept {
  readonly token: string;
  /** When another one is to be asked for; null where the source says nothing of it. */
  readonly renewAt: number | null;
}

const none: TokenSource = { token: () => Promise.resolve('') };

export class TokenKeeper {
  readonly user: string | null;
  readonly #source: TokenSource;
  readonly #clock: Clock;
  readonly #patience: number;
  /** Told when a token that is in use has been replaced in time. */
  readonly #renewed = new Set<() => void>();
  readonly #known: string[] = [];
  #kept: Kept | null = null;
  #asking: Promise<string> | null = null;
  #timer: Cancel = () => undefined;
  /** Of the source, which is asked. */
  #giveUp: (why: string) => void = () => undefined;

  constructor(source: TokenSource | undefined, clock: Clock, handshake: number) {
    this.#source = source ?? none;
    this.#clock = clock;
    // Before the attempt that it is for is given up, which would be said to be the server's fault.
    this.#patience = handshake / 2;
    this.user = source?.user ?? null;
  }

  /**
   * A token that is good as far as anybody knows. `refused`: one that the server has not taken. Rejects where
   * the source throws or gives something else; the message names no token.
   */
  get(refused: string | null): Promise<string> {
    const kept = this.#kept;
    const isGood = kept?.renewAt != null && kept.renewAt > this.#clock.now() && kept.token !== refused;
    if (kept !== null && isGood) return Promise.resolve(kept.token);
    // Whoever was asked before the refusal was not told of it.
    const asking = this.#asking;
    if (asking !== null && refused !== null)
      return asking.then((token) => (token === refused ? this.get(refused) : token));
    this.#asking ??= this.#ask(refused !== null && (kept === null || kept.token === refused)).finally(() => {
      this.#asking = null;
    });
    return this.#asking;
  }

  /** Calls `renewed` whenever a token was replaced before its end. Answers the function that stops it. */
  whenRenewed(renewed: () => void): () => void {
    this.#renewed.add(renewed);
    return () => {
      this.#renewed.delete(renewed);
      if (this.#renewed.size > 0) return;
      this.#timer();
      this.#giveUp('nobody needs one any more');
    };
  }

  redacted(text: string): string {
    let clean = text;
    for (const token of this.#known) clean = clean.replaceAll(token, '(a token)');
    return clean;
  }

  async #ask(refused: boolean): Promise<string> {
    let given: unknown;
    try {
      given = await this.#inTime(this.#source.token({ refused }));
    } catch (error) {
      throw new Error(this.redacted(`the token source failed: ${String(error)}`));
    }
    const read = readToken(given);
    if (read === null) throw new Error('the token source failed: it gave neither a string nor a token');
    const { token, expiresAt } = read;
    this.#know(token);
    this.#timer();
    if (expiresAt === null) {
      this.#kept = { token, renewAt: null };
      return token;
    }
    const now = this.#clock.now();
    const renewAt = expiresAt - Math.min(LEAD, Math.max(0, (expiresAt - now) / 4));
    this.#kept = { token, renewAt };
    // One that has expired already is not kept, and asking for another at once would be a loop.
    if (renewAt > now && this.#renewed.size > 0)
      this.#timer = this.#clock.schedule(renewAt - now, () => this.#renew(token));
    return token;
  }

  /** What is `asked`, unless that takes so long that it may never come: a request that a sleep has cut off. */
  #inTime(asked: unknown): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const cancel = this.#clock.schedule(this.#patience, () =>
        this.#giveUp(`it has not answered for ${this.#patience} ms`),
      );
      this.#giveUp = (why) => {
        cancel();
        reject(new Error(why));
      };
      Promise.resolve(asked).then(resolve, reject).finally(cancel);
    });
  }

  #renew(old: string): void {
    this.get(null).then(
      (token) => {
        // The bindings that follow are all to have this one, whatever the source says of it.
        this.#kept = { token, renewAt: this.#kept?.renewAt ?? this.#clock.now() + REBINDING };
        if (token !== old) for (const renewed of [...this.#renewed]) renewed();
      },
      // The old one is used to its end; the server's word then leads to the source again.
      () => undefined,
    );
  }

  #know(token: string): void {
    // Shorter ones are no secrets, and occur in sentences.
    if (token.length < 4 || this.#known.includes(token)) return;
    this.#known.push(token);
    if (this.#known.length > MOST_KNOWN) this.#known.shift();
  }
}

const readToken = (given: unknown): { readonly token: string; readonly expiresAt: number | null } | null => {
  if (typeof given === 'string') return { token: given, expiresAt: null };
  if (typeof given !== 'object' || given === null) return null;
  const { token, expiresAt } = given as Partial<Token>;
  return typeof token === 'string' && typeof expiresAt === 'number' && Number.isFinite(expiresAt)
    ? { token, expiresAt }
    : null;
};
