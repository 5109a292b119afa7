/**
 * Ports: what the drivers need of the world, and what each implementation owes.
 *
 * An implementation of a port takes structural handles, never a vendor's package by name where a few
 * methods will do; it comes with a memory twin; and it passes the conformance suite of its port
 * (`syncline/testing`).
 */
import type { RecordBatch, RecordEntry } from '../core/client.js';

/**
 * Why a link ended. `lost` covers every end that nobody announced: reset, timeout, process death.
 *
 *     normal          either side closed on purpose
 *     goingAway       the peer shuts down or restarts: try again
 *     protocolError   the peer rejects what it was sent
 *     tooLarge        a frame was larger than the peer takes: a fact about that frame, not about the link
 *     unreachable     the link never opened
 *     refused         the peer answered and refused (wrong subprotocol, wrong path, forbidden)
 *     lost            everything else
 */
export type CloseCode =
  | 'normal'
  | 'goingAway'
  | 'protocolError'
  | 'tooLarge'
  | 'unreachable'
  | 'refused'
  | 'lost';

export interface CloseReason {
  readonly code: CloseCode;
  readonly message: string;
  /** Milliseconds that the peer asks to be left alone before the next link, where it said so; 0 for come again. */
  readonly retryAfter?: number;
}

/**
 * One end of a duplex carrier of frames.
 *
 * Obligations: frames arrive whole, in order and at most once, and a frame that arrived is the receiver's
 * to keep; what was sent before `close` is delivered before the close where the carrier still can; after
 * `close` was called and after `closed` was reported no frame is reported any more; no method throws,
 * whatever the state; `send` after the end is ignored; events never come from within a call of `send`,
 * `close`, `connect` or `accept`.
 */
export interface Link {
  /**
   * Takes the frame over: the caller does not write to it afterwards. A frame that is sent before `opened`
   * leaves once the link is open.
   */
  send(frame: Uint8Array): void;
  /**
   * Bytes that were sent and have not left this process. They become fewer as the peer reads, and 0 when
   * everything has left; while the peer does not read, they grow with what is sent. So a sender that waits
   * for less before it sends more costs a bounded number of bytes, however slow its peer is.
   */
  readonly bufferedBytes: number;
  /**
   * Ends the link. `closed` is reported on both ends: here with the given reason, and without waiting for
   * the peer; there with the same code (`lost` for `unreachable`) and, shortened to what the carrier takes,
   * the same message. Idempotent.
   */
  close(reason: CloseReason): void;
  /**
   * Whether to read no more for the time being, so that the peer's `bufferedBytes` grow in place of what
   * waits here. Frames under way may still be reported. A carrier that cannot leaves it out.
   */
  hold?(isHeld: boolean): void;
}

export interface LinkEvents {
  /** Once, before any frame; never after `closed`. */
  opened(): void;
  frame(frame: Uint8Array): void;
  /** Exactly once, whether the link had opened or not. */
  closed(reason: CloseReason): void;
}

/** Makes links to one server. Each call is one attempt; retrying is the driver's business. */
export interface Connector {
  connect(events: LinkEvents): Link;
}

/** Accepts links. `accept` is called once per link, which is open by then; its `opened` is not called. */
export interface Listener {
  listen(accept: (link: Link) => Omit<LinkEvents, 'opened'>): Promise<void>;
  /** Refuses new links, ends the present ones with `goingAway`, and resolves when all is released. */
  close(): Promise<void>;
}

/**
 * What a store says when it cannot serve. `place` is the folder, file or address that it is about.
 *
 *     inUse      another holder has this client store open
 *     foreign    what is there is not a store of this kind
 *     corrupt    what is there is damaged
 *     closed     the store was closed
 *     failed     the medium refused: no space, no permission, a device error
 */
export type StoreErrorCode = 'inUse' | 'foreign' | 'corrupt' | 'closed' | 'failed';

export interface StoreError extends Error {
  readonly code: StoreErrorCode;
  readonly place: string;
}

/**
 * The durable memory of one client file.
 *
 * Obligations: `commit` is atomic, and durable once it has resolved: a crash at any moment leaves all of a
 * batch or nothing of it. Commits are performed in the order of the calls; after one has failed, the later
 * ones fail too, so that no gap arises. The cost of a commit is that of its batch, not of the store.
 * `load` answers all entries, in ascending order of space (by code unit) and index. The bytes of a batch
 * are not written to while its commit is under way, nor is what the store answers at any time; once a
 * commit has resolved, the store has its own copy.
 *
 * One store is open in one process at a time; opening it twice is refused with `inUse`. `close` waits for
 * the commits under way and may be repeated; every other call after it is rejected with `closed`.
 * Rejections are `StoreError`s, except that a malformed argument is a bug of the caller: rejected with a
 * `RangeError`, nothing being changed. Well formed are spaces of 1 to 64 characters of printable ASCII,
 * indices as in `RecordEntry`, and ranges within 0 to 2^53.
 */
export interface ClientStore {
  /** Where it lies, for people: a folder, a file, the name of a database. */
  readonly place?: string;
  load(): Promise<readonly RecordEntry[]>;
  commit(batch: RecordBatch): Promise<void>;
  close(): Promise<void>;
}

/**
 * The durable memory of a server: many partitions, each with a revision that counts its commits. Names of
 * up to `maxPartitionName` code units are taken, any others rejected with a `RangeError`.
 */
export interface ServerStore {
  partition(name: string): Promise<PartitionStore>;
  /** Names of the partitions that have had a commit, in ascending order (by code unit). */
  partitions(): Promise<readonly string[]>;
  close(): Promise<void>;
}

export type CommitOutcome =
  | { readonly type: 'committed'; readonly revision: number }
  | { readonly type: 'conflict'; readonly revision: number };

/** Code units of a partition's name: what fits in a key of the stores that index names. */
export const maxPartitionName = 512;

/**
 * One partition. Several servers may hold it at once: compare-and-append on the revision is their only
 * point of agreement.
 *
 * Obligations: as for `ClientStore`, but that a failed commit does not end the store; and `commit` changes
 * nothing and answers `conflict` unless `expected` is the present revision, which it then raises by one,
 * even where the batch is empty. Readers see whole commits only, and all that were acknowledged to anyone.
 */
export interface PartitionStore {
  /** The present revision (0 before the first commit) and all entries of the named spaces, ordered as in `ClientStore`. */
  load(
    spaces: readonly string[],
  ): Promise<{ readonly revision: number; readonly entries: readonly RecordEntry[] }>;
  /**
   * Entries of one space with `from <= index < to`, ascending; stops after the entry with which the sum of
   * bytes reaches `maxBytes`, so that at least one entry is answered where there is one.
   */
  read(space: string, from: number, to: number, maxBytes: number): Promise<readonly RecordEntry[]>;
  commit(expected: number, batch: RecordBatch): Promise<CommitOutcome>;
}

/** Milliseconds since 1970, and timers. A driver uses one clock; a simulator supplies another. */
export interface Clock {
  now(): number;
  /** Calls `action` once, not before `milliseconds` have passed, unless cancelled. */
  schedule(milliseconds: number, action: () => void): Cancel;
}

export type Cancel = () => void;

/** Chance. `integer` answers an integer from 1 to 2^53 - 1, unguessable where it serves as a salt. */
export interface Entropy {
  integer(): number;
}

/** Who has sent a token. `data`: what whoever verified it knows besides, for `authorize`. */
export interface User {
  readonly id: string;
  readonly data: unknown;
}

/**
 * Why a token is not accepted.
 *
 *     expired         it was valid once: a newer one may be
 *     notYetValid     its time has not come
 *     malformed       it is none
 *     untrusted       its signature, algorithm, key or issuer is none that is trusted
 *     wrongAudience   it is for somebody else
 */
export type TokenFault = 'expired' | 'notYetValid' | 'malformed' | 'untrusted' | 'wrongAudience';

/** Times in milliseconds since 1970; null: never, and not known. */
export type TokenVerdict =
  | {
      readonly type: 'verified';
      readonly user: User;
      readonly expiresAt: number | null;
      readonly issuedAt: number | null;
    }
  | { readonly type: 'refused'; readonly fault: TokenFault; readonly message: string };

/**
 * Tells on the server whose token it is.
 *
 * Obligations: the same token and time give the same verdict; a rejection means that it could not be found
 * out, as where the keys cannot be had, and invites another try. No message, rejected or answered, contains
 * any part of the token.
 */
export type VerifyToken = (token: string) => Promise<TokenVerdict>;

/** A token, and until when the server takes it, in milliseconds since 1970. */
export interface Token {
  readonly token: string;
  readonly expiresAt: number;
}

/**
 * Who the user is, for the server.
 *
 * Asked for a token whenever a session binds; a token with `expiresAt` is kept and used again, and another one
 * is asked for shortly before it expires. `refused`: the server did not take the last one, so that there is
 * no use in giving it again. One that has not answered for half of the time of a handshake (`timing`: a minute) is
 * asked again for the next attempt. Tokens are sent to the server and told to nobody else.
 */
export interface TokenSource {
  /** Whose tokens these are, for people. */
  readonly user?: string;
  token(request: { readonly refused: boolean }): Promise<string | Token>;
}
