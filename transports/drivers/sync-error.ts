/** Why an operation on sync was refused, for programs and for people. */
import type { ConfigError } from '../../core/index.js';

/**
 *     invalid     the configuration or the schema is wrong; `findings` say where
 *     fixed       it would change what cannot change before sync is terminated
 *     state       the operation has no meaning in the present state
 *     objects     the objects cannot be divided in the way that is asked for
 *     contended   others change the same so often that it did not come to its end
 *     damaged     what the store has cannot be read, or names functions that are not registered here
 */
export type SyncErrorCode = 'invalid' | 'fixed' | 'state' | 'objects' | 'contended' | 'damaged';

export class SyncError extends Error {
  override readonly name = 'SyncError';
  readonly code: SyncErrorCode;
  /** All that was found, where it is about a configuration, a schema or objects. */
  readonly findings: readonly ConfigError[];

  constructor(code: SyncErrorCode, message: string, findings: readonly ConfigError[] = []) {
    super([message, ...findings.map((finding) => finding.message)].join('\n    '));
    this.code = code;
    this.findings = findings;
  }
}

/** The partition's history has ended: sync was terminated. */
export class SealedPartition extends Error {
  override readonly name = 'SealedPartition';

  constructor(partition: string) {
    super(`the history of partition ${partition} has ended: sync was terminated`);
  }
}
