/**
 * Who gives the simulated users their tokens, and tells the servers whose they are.
 *
 * A token says whose it is, when it was given and until when it is good, in true time. Servers are told in their own
 * time, whatever that is, as those do that ask an authority how long a token is still good.
 */
import type { Token, TokenVerdict } from '../../transports/ports.js';
import type { VirtualTime } from './time.js';

export class Authority {
  readonly #time: VirtualTime;
  /** Milliseconds that a token is good; null for those that say nothing of it. */
  readonly #life: number | null;
  /** When users were revoked last. */
  readonly #revoked = new Map<string, number>();
  /** Users whose tokens nobody trusts. */
  readonly refused = new Set<string>();
  /** Whether it answers nobody. */
  isAway = false;

  constructor(time: VirtualTime, life: number | null) {
    this.#time = time;
    this.#life = life;
  }

  async token(user: string): Promise<string | Token> {
    const issued = this.#time.now();
    if (this.#life === null) return `${user} ${issued}`;
    const expiresAt = issued + this.#life;
    return { token: `${user} ${issued} ${expiresAt}`, expiresAt };
  }

  /** Tokens that were given until now are good no more. */
  revoke(user: string): void {
    this.#revoked.set(user, this.#time.now());
  }

  /** `asker`: what time it is where it is asked. */
  async verify(token: string, asker: number): Promise<TokenVerdict> {
    if (this.isAway) throw new Error('nobody answers');
    const [user = '', issued = '', expires] = token.split(' ');
    if (this.refused.has(user))
      return { type: 'refused', fault: 'untrusted', message: 'the token is not trusted' };
    const now = this.#time.now();
    const issuedAt = Number(issued);
    const expiresAt = expires === undefined ? null : Number(expires);
    if (issuedAt <= (this.#revoked.get(user) ?? 0) || (expiresAt !== null && expiresAt <= now))
      return { type: 'refused', fault: 'expired', message: 'the token is over' };
    const there = (time: number): number => Math.max(0, time - now + asker);
    return {
      type: 'verified',
      user: { id: user, data: null },
      issuedAt: there(issuedAt),
      expiresAt: expiresAt === null ? null : there(expiresAt),
    };
  }
}
