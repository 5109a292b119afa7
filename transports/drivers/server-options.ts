/** What a server is given, and what it tells. */
import type {
  Certificate,
  Decision,
  ErrorCode,
  FlightRecorder,
  RewritePolicy,
  RuleSet,
} from '../../core/index.js';
import type { Clock, CloseReason, Entropy, Listener, ServerStore } from '../ports.js';
import type { AccessOptions } from './access.js';
import type { SyncOptions } from './sync-options.js';

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
  /** The history was compacted: how far, to what effect, and whom it passed. */
  | { readonly type: 'compacted'; readonly partition: string; readonly certificate: Certificate }
  /** It could not be, and stays as it is: it does not hold what it should. */
  | { readonly type: 'uncompacted'; readonly partition: string; readonly message: string }
  /** A connection that the server has ended. */
  | { readonly type: 'cut'; readonly reason: CloseReason };

export interface ServerOptions extends AccessOptions {
  readonly store: ServerStore;
  readonly listeners: readonly Listener[];
  /** Partition-based sync by a configuration; without it partitions have names of any kind, and `authorize` decides. */
  readonly sync?: SyncOptions;
  readonly rules?: RuleSet;
  /** Report what merges decide, as notes. */
  readonly explain?: boolean;
  readonly onNote?: (note: ServerNote) => void;
  readonly clock?: Clock;
  readonly entropy?: Entropy;
  /** Takes down what the partitions go through (`syncline replay`). */
  readonly recorder?: FlightRecorder;
  /** Days after which a client that was not heard of has to reset itself; 30 by default. */
  readonly clientMaxOfflineDays?: number;
  /** Whether clients that have to reset themselves must not recover what they have not synced. */
  readonly isRecoveryModeDisabled?: boolean;
  /**
   * From how many bytes on histories are compacted by themselves, and up to how many; null for never. By default
   * from 64 KiB to 8 MiB; what is longer waits for `syncline compact`.
   */
  readonly compaction?: RewritePolicy | null;
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
