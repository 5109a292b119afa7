/**
 * Who may open what on a server, and for how long.
 *
 * A token is looked at when a session binds. What it grants ends with the token, or when its user is revoked:
 * the session ends with 202 then, and the next valid token resumes it. Tokens themselves are not kept.
 */
import * as E from 'fp-ts/lib/Either.js';
import { type Bind, type ErrorCode, isReserved } from '../../core/index.js';
import {
  type Cancel,
  type Clock,
  maxPartitionName,
  type TokenFault,
  type User,
  type VerifyToken,
} from '../ports.js';
import type { Authorizer } from './authorizer.js';

/** The code and the sentence that the client is told. */
export interface RefusalReason {
  readonly code: ErrorCode;
  readonly message: string;
}

/** Null: the user may open the partition. */
export type Refusal = RefusalReason | null;

export interface AccessOptions {
  /** Asked at every bind. By default nobody asks for tokens, and everybody is the user with the id ''. */
  readonly verifyToken?: VerifyToken;
  /** Asked at every bind, with the user that the token named. By default every partition is everybody's. */
  readonly authorize?: (user: User, partition: string) => Promise<Refusal>;
}

/** What a token has granted. */
export interface Grant {
  readonly user: string;
  readonly expiresAt: number | null;
  readonly issuedAt: number | null;
}

/** What a user may do in a session. */
export interface Entitlement {
  readonly grant: Grant;
  readonly user: User;
  readonly canWrite: boolean;
  /** Of `Access`: how often the rules had been called out of date when they were asked. */
  readonly asked: number;
}

const anonymous = { user: { id: '', data: null }, expiresAt: null, issuedAt: null } as const;

const expired: RefusalReason = { code: 202, message: 'the token has expired' };
const revoked: RefusalReason = { code: 202, message: 'the token was revoked' };
/** Whoever cannot be checked is not let in. */
const unchecked: RefusalReason = { code: 201, message: 'the user could not be checked' };

const faultCode = (fault: TokenFault): ErrorCode => (fault === 'expired' ? 202 : 203);

/** Whoever verifies tokens might quote one where it fails. */
const withoutToken = (text: string, token: string): string => {
  let clean = text;
  for (const part of [token, ...token.split('.')]) if (part.length >= 4) clean = clean.split(part).join('…');
  return clean;
};

/** Told what becomes of a session's rights. */
export interface Holder {
  readonly partition: string;
  /** It is over: called once. */
  readonly end: (reason: RefusalReason) => void;
  /** It may write, or may no more. */
  readonly entitle: (canWrite: boolean) => void;
}

interface Held extends Entitlement {
  readonly holder: Holder;
}

export class Access {
  readonly #options: AccessOptions;
  readonly #clock: Clock;
  readonly #onFailure: (partition: string, error: Error) => void;
  /** By whatever names the session. */
  readonly #held = new Map<string, Held>();
  /** When users were revoked last. */
  readonly #revocations = new Map<string, number>();
  /** When the timer fires. */
  #next = Number.POSITIVE_INFINITY;
  #stopTimer: Cancel = () => undefined;
  /** Null where there is no configuration: then `authorize` decides alone. */
  readonly #rules: Authorizer | null;
  /** How often what rules go by has changed. */
  #changes = 0;

  /** `onFailure` is told why somebody could not be checked; of the token, nothing. */
  constructor(
    options: AccessOptions,
    clock: Clock,
    onFailure: (partition: string, error: Error) => void,
    rules: Authorizer | null = null,
  ) {
    this.#rules = rules;
    this.#options = options;
    this.#clock = clock;
    this.#onFailure = onFailure;
  }

  /** What a bind entitles to. Never rejects. */
  async admit({ token, partition }: Bind): Promise<E.Either<RefusalReason, Entitlement>> {
    if (partition.length > maxPartitionName)
      return E.left({
        code: 204,
        message: `the name of a partition has at most ${maxPartitionName} code units`,
      });
    if (isReserved(partition))
      return E.left({ code: 204, message: 'a name that begins with $ is none that a partition may have' });
    const { verifyToken, authorize } = this.#options;
    const asked = this.#changes;
    try {
      const verdict = verifyToken === undefined ? anonymous : await verifyToken(token);
      if (!('user' in verdict)) return E.left({ code: faultCode(verdict.fault), message: verdict.message });
      const { user, expiresAt, issuedAt } = verdict;
      const grant = { user: user.id, expiresAt, issuedAt };
      const over = this.#over(grant);
      if (over !== null) return E.left(over);
      const refusal = (await authorize?.(user, partition)) ?? null;
      if (refusal !== null) return E.left(refusal);
      const right = this.#rules === null ? E.right('write') : await this.#rules.right(user, partition);
      return E.map((may) => ({ grant, user, canWrite: may === 'write', asked }))(right);
    } catch (error) {
      this.#onFailure(partition, new Error(withoutToken(String(error), token)));
      return E.left(unchecked);
    }
  }

  /**
   * Watches over what a session is entitled to until `release`. The holder's `end` is called, and it is released,
   * when that is over; answers why where it is over already.
   */
  hold(session: string, entitlement: Entitlement, holder: Holder): Refusal {
    const { grant } = entitlement;
    const over = this.#over(grant);
    if (over !== null || (this.#options.verifyToken === undefined && this.#rules === null)) return over;
    const held = { ...entitlement, holder };
    this.#held.set(session, held);
    if (entitlement.asked < this.#changes) void this.#reconsider(session, held);
    if (grant.expiresAt !== null && grant.expiresAt < this.#next) this.#setTimer(grant.expiresAt);
    return null;
  }

  release(session: string): void {
    this.#held.delete(session);
  }

  /** Ends what the user's tokens have granted, and accepts those no more that were issued until now. */
  revoke(user: string): void {
    this.#revocations.set(user, this.#clock.now());
    this.#endThose(revoked, (grant) => grant.user === user);
  }

  /** Whether a session may write; true where nobody says that it may not. */
  mayWrite(session: string): boolean {
    return this.#held.get(session)?.canWrite ?? true;
  }

  /** The rules go by something that has changed, about one user or all. Resolves when they have been asked again. */
  async reevaluate(user: string | null): Promise<void> {
    this.#changes++;
    const held = [...this.#held].filter(([, { grant }]) => user === null || grant.user === user);
    await Promise.all(held.map(([session, each]) => this.#reconsider(session, each)));
  }

  /** Ends the session where it may not be any more. Never rejects. */
  async #reconsider(session: string, held: Held): Promise<void> {
    if (this.#rules === null) return;
    const { user, holder } = held;
    const right = await this.#rules.right(user, holder.partition).catch((error: unknown) => {
      this.#onFailure(holder.partition, error instanceof Error ? error : new Error(String(error)));
      return E.left(unchecked);
    });
    const present = this.#held.get(session);
    if (present?.holder !== holder) return;
    if (E.isLeft(right)) {
      this.#held.delete(session);
      holder.end(right.left);
      return;
    }
    const canWrite = right.right === 'write';
    if (canWrite === present.canWrite) return;
    this.#held.set(session, { ...present, canWrite });
    holder.entitle(canWrite);
  }

  stop(): void {
    this.#stopTimer();
    this.#held.clear();
  }

  #over({ user, expiresAt, issuedAt }: Grant): Refusal {
    if (expiresAt !== null && expiresAt <= this.#clock.now()) return expired;
    const at = this.#revocations.get(user);
    // A token that does not say when it was issued may have been before.
    return at !== undefined && (issuedAt === null || issuedAt <= at) ? revoked : null;
  }

  #endThose(reason: RefusalReason, isMeant: (grant: Grant) => boolean): void {
    for (const [session, { grant, holder }] of [...this.#held]) {
      if (!isMeant(grant)) continue;
      this.#held.delete(session);
      holder.end(reason);
    }
  }

  #setTimer(at: number): void {
    this.#stopTimer();
    this.#next = at;
    this.#stopTimer = this.#clock.schedule(Math.max(0, at - this.#clock.now()), () => this.#lookForExpired());
  }

  #lookForExpired(): void {
    const now = this.#clock.now();
    this.#endThose(expired, ({ expiresAt }) => expiresAt !== null && expiresAt <= now);
    let next = Number.POSITIVE_INFINITY;
    for (const { grant } of this.#held.values()) next = Math.min(next, grant.expiresAt ?? next);
    this.#next = next;
    if (next < Number.POSITIVE_INFINITY) this.#setTimer(next);
  }
}
