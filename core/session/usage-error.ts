/**
 * What an application did that its classes do not allow: the place, what was found there, and what was
 * expected. Such an error never leaves anything half done.
 */
import type { ProblemCode } from '../model/input.js';

export type UsageCode =
  /** wrong-type, null-not-allowed, unknown-property, unknown-class, no-such-object, too-deep: of values. */
  | ProblemCode
  /** Objects of an embedded class belong to their owner: they are reached by its path only. */
  | 'embedded-class'
  /** Objects of an asymmetric class can be created, and nothing else. */
  | 'asymmetric-class'
  | 'object-exists'
  /** A primary key is given at creation, once and for all. */
  | 'primary-key'
  /** The partition key says where an object is, and is nobody's to write. */
  | 'partition-key'
  /** The path leads nowhere, or to something the method has no meaning for. */
  | 'bad-path'
  | 'index-out-of-range'
  /** An increment of null, or of a mixed value that is no int. */
  | 'not-an-integer'
  /** The data have lost or changed a class or property that the schema counts on. */
  | 'schema-mismatch'
  /** More instructions than fit in one changeset. */
  | 'too-large'
  /** The body of a transaction was asynchronous, or used it after it had ended. */
  | 'ended';

class UsageError extends Error {
  readonly code: UsageCode;
  /** As in `Airport["JFK"].tags[2]`, with the indices that the application sees. */
  readonly place: string;
  readonly found: string;
  readonly expected: string;

  constructor(code: UsageCode, place: string, found: string, expected: string) {
    super(`${place}: found ${found}, expected ${expected}`);
    this.code = code;
    this.place = place;
    this.found = found;
    this.expected = expected;
  }
}

export class WriteError extends UsageError {
  override readonly name = 'WriteError';
}

export class ReadError extends UsageError {
  override readonly name = 'ReadError';
}
