/** What a client is opened with. */
import type { RecordsBySpace, RuleSet, Timing } from '../../core/client.js';
import type { FlightRecorder } from '../../core/recording.js';
import type { ClientStore, Clock, Connector, Entropy, TokenSource } from '../ports.js';
import type { Client } from './client.js';
import type { Lines } from './line.js';
import type { LoadRecovery, ResetOptions } from './reset.js';
import type { WaitOptions } from './session.js';
import type { TokenKeeper } from './tokens.js';

/** What a file is, and how it is kept. */
export interface FileOptions {
  /** Class configurations, as `decodeSchema` takes them. */
  readonly schema: unknown;
  readonly store: ClientStore;
  /** The name of the partition, as it goes to the server. Instead: `partitionValue`. */
  readonly partition?: string;
  /**
   * The value of the partition key, where the server syncs by a configuration: a string, a 64-bit integer, an
   * ObjectId, a UUID, or null.
   */
  readonly partitionValue?: unknown;
  /**
   * The name of the partition key. Classes that have such a property get the value in their new objects, and it
   * cannot be written.
   */
  readonly partitionKey?: string | undefined;
  /** Remember which write gave each value, and which lost, for `client.explain`. */
  readonly explain?: boolean;
  readonly rules?: RuleSet;
  /** What to do where the server asks for a client reset; by default it is left to the app (`session.reset`). */
  readonly reset?: ResetOptions;
  /** Whether to connect at once; default true. */
  readonly connect?: boolean;
  /** Takes down what the file's session goes through (`syncline replay`); several files may share one. */
  readonly recorder?: FlightRecorder;
}

/** How a server is reached, and as whom. */
export interface ReachOptions {
  readonly connector: Connector;
  readonly token?: TokenSource;
  readonly timing?: Partial<Timing>;
  readonly clock?: Clock;
  readonly entropy?: Entropy;
}

export type ClientOptions = FileOptions & ReachOptions;

/** What a client runs on; files of one device share it. */
export interface Surroundings {
  readonly lines: Lines;
  readonly tokens: TokenKeeper;
  readonly timing: Timing;
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly recorder?: FlightRecorder;
  readonly loadRecovery: LoadRecovery;
  /** Told when a client has begun to close. */
  readonly closing: (client: Client) => void;
}

/** A transaction that has been made. */
export interface Receipt<Result> {
  readonly result: Result;
  /** The client version that it took; that of the last commit where it changed nothing. */
  readonly version: number;
  /** Resolves once the write is on this device's disk. */
  readonly saved: Promise<void>;
  /** Resolves once the write is durable on the server; see `session.integrated`. */
  integrated(options?: WaitOptions): Promise<void>;
}

/** How a file is reset; the fresh file beside one never is. */
export interface Resets {
  readonly options: ResetOptions;
  /** What the store held when the file was opened. */
  readonly stored: RecordsBySpace;
}
