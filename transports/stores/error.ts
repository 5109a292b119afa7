/** The error of our stores: what a store is refused or fails with. */
import type { StoreError, StoreErrorCode } from '../ports.js';

const meanings: Record<StoreErrorCode, string> = {
  inUse: 'is in use',
  foreign: 'is not what was expected',
  corrupt: 'is damaged',
  closed: 'was closed',
  failed: 'cannot be read or written',
};

/** The error of our stores: `code` and `place` for programs, and a message of what, where and why. */
export class StoreFailure extends Error implements StoreError {
  override readonly name = 'StoreError';
  readonly code: StoreErrorCode;
  readonly place: string;

  constructor(code: StoreErrorCode, place: string, detail: string, cause?: unknown) {
    super(`the store at ${place} ${meanings[code]}: ${detail}`, cause === undefined ? {} : { cause });
    this.code = code;
    this.place = place;
  }
}
