/** Partition-based sync, as a server is given it. */
import type { ClassConfig, RuleValue } from '../../core/index.js';
import type { User } from '../ports.js';

export interface SyncOptions {
  /**
   * The file `sync/config.json`, as a value of JSON. Put into a store that has none yet; must not have other rules than
   * the one that is there, as long as sync is not terminated. Left out: the stored one.
   */
  readonly config?: unknown;
  /** Classes of the synced objects, as `openClient` takes them. Adds to those that the store has. */
  readonly schema?: readonly ClassConfig[];
  /** Functions that rules call by name. A failure or a timeout denies. */
  readonly functions?: Readonly<Record<string, (...args: readonly RuleValue[]) => unknown>>;
  /** Milliseconds that a function may take; 5 s. */
  readonly functionTimeout?: number;
  /** `%%user.custom_data`; asked whenever rules are evaluated. */
  readonly customData?: (user: User) => unknown;
  /** `%%values` */
  readonly values?: unknown;
  /** `%%environment` */
  readonly environment?: unknown;
  /** Milliseconds between looks at what other servers of the store have done; 1 s. */
  readonly lookEvery?: number;
  /** Milliseconds that devices are asked to wait for while sync is not enabled; 10 s. */
  readonly retryAfter?: number;
}
