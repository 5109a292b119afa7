/**
 * Ports: what the drivers need of the world, and what each implementation owes.
 *
 * An implementation of a port takes structural handles, never a vendor's package by name where a few
 * methods will do; it comes with a memory twin; and it passes the conformance suite of its port
 * (`syncline/testing`).
 */
import type { RecordBatch, RecordEntry } from '../core/index.js';

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
}

/**
 * One end of a duplex carrier of frames.
 *
 * Obligations: frames arrive whole, in order and at most once; what was sent before `close` is delivered
 * before the close where the carrier still can; after `closed` was reported nothing is reported any more;
 * no method throws, whatever the state; `send` after the end is ignored; events never come from within a
 * call of `send`, `close` or `connect`.
 */
export interface Link {
  /** Takes the frame over: the caller does not write to it afterwards. */
  send(frame: Uint8Array): void;
  /** Bytes that were sent and have not left this process. */
  readonly bufferedBytes: number;
  /** Ends the link. `closed` is reported on both ends, here with the given reason. Idempotent. */
  close(reason: CloseReason): void;
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
 * The durable memory of one client file.
 *
 * Obligations: `commit` is atomic, and durable once it has resolved: a crash at any moment leaves all of a
 * batch or nothing of it. Commits are performed in the order of the calls. `load` answers all entries, in
 * ascending order of space (by code unit) and index. One store is open in one process at a time; opening it
 * twice is refused with an error that says so.
 */
export interface ClientStore {
  load(): Promise<readonly RecordEntry[]>;
  commit(batch: RecordBatch): Promise<void>;
  close(): Promise<void>;
}

/** The durable memory of a server: many partitions, each with a revision that counts its commits. */
export interface ServerStore {
  partition(name: string): Promise<PartitionStore>;
  /** Names of the partitions that have had a commit, in ascending order. */
  partitions(): Promise<readonly string[]>;
  close(): Promise<void>;
}

export type CommitOutcome =
  | { readonly type: 'committed'; readonly revision: number }
  | { readonly type: 'conflict'; readonly revision: number };

/**
 * One partition. Several servers may hold it at once: compare-and-append on the revision is their only
 * point of agreement.
 *
 * Obligations: as for `ClientStore`; and `commit` changes nothing and answers `conflict` unless `expected`
 * is the present revision, which it then raises by one. Readers see whole commits only.
 */
export interface PartitionStore {
  /** The present revision (0 before the first commit) and all entries of the named spaces, ordered as in `ClientStore`. */
  load(spaces: readonly string[]): Promise<{ readonly revision: number; readonly entries: readonly RecordEntry[] }>;
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

/** The token sent with a bind; asked again whenever a session binds. */
export interface TokenSource {
  token(): Promise<string>;
}
