/** What a server is given, and what it tells. */
import type { Decision, ErrorCode, RuleSet } from '../../core/index.js';
import type { Clock, CloseReason, Entropy, Listener, ServerStore } from '../ports.js';
import type { AccessOptions } from './access.js';

/**
 * What happens on the server, for logs and tests. Nothing here is needed for syncing, so a listener that
 * throws stops nothing.
 */
export type ServerNote =
  | {
      readonly type: 'decided';
      readonly partition: string;
      readonly ident: number;
      readonly decisions: readonly Decision[];
    }
  | {
      readonly type: 'quarantined';
      readonly partition: string;
      readonly ident: number;
      readonly message: string;
    }
  | {
      readonly type: 'reported';
      readonly partition: string;
      readonly ident: number;
      readonly message: string;
    }
  /** The store, or a bug; `partition` is '' where it is a connection that ends for it. */
  | { readonly type: 'failed'; readonly partition: string; readonly error: unknown }
  /** A session that was not let in, or whose token is over. */
  | {
      readonly type: 'refused';
      readonly partition: string;
      readonly code: ErrorCode;
      readonly message: string;
    }
  /** A connection that the server has ended. */
  | { readonly type: 'cut'; readonly reason: CloseReason };

export interface ServerOptions extends AccessOptions {
  readonly store: ServerStore;
  readonly listeners: readonly Listener[];
  readonly rules?: RuleSet;
  /** Report what merges decide, as notes. */
  readonly explain?: boolean;
  readonly onNote?: (note: ServerNote) => void;
  readonly clock?: Clock;
  readonly entropy?: Entropy;
  /** Links beyond are sent away, to come again after half a minute; 10,000 by default. */
  readonly maxConnections?: number;
  /** Bytes that may wait for one client before its link is ended; 64 MiB by default, at least that of a message. */
  readonly maxBufferedBytes?: number;
  /** Milliseconds in which a client that owes it reads nothing before its link is ended; 60 s by default. */
  readonly readPatience?: number;
  /** Milliseconds that a partition without sessions, and a link without any, are kept; 60 s by default. */
  readonly idleTime?: number;
}

/** What the server has to do at present. */
export interface ServerDescription {
  readonly connections: number;
  readonly sessions: number;
  /** Partitions that are held in memory. */
  readonly partitions: number;
}
