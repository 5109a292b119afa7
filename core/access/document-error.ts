/**
 * What is wrong with what a back end asks of documents: a filter, an update, a document. Nothing has been changed
 * where one is told.
 */

export type DocumentErrorCode =
  /** A filter that says nothing, or something that is not understood. */
  | 'bad-filter'
  /** An update of no known form, or one that writes a place twice. */
  | 'bad-update'
  /** An operator that documents here do not have. */
  | 'unsupported-operator'
  | 'unknown-class'
  | 'wrong-type'
  /** A document without a primary key, in a class whose keys are not made by themselves. */
  | 'missing-key'
  /** Another document of the class has the primary key, in whatever partition. */
  | 'duplicate-key'
  /** Links do not leave their partition. */
  | 'foreign-link'
  /** A value of the partition key that no partition can have. */
  | 'wrong-partition-value'
  /** The classes of the server and of the data contradict each other. */
  | 'schema-mismatch'
  /** A single document that is more than one changeset holds. */
  | 'too-large'
  /** Sync is not configured, or terminated. */
  | 'not-writable';

export class DocumentError extends Error {
  override readonly name = 'DocumentError';
  readonly code: DocumentErrorCode;
  /** As in `Task filter.votes.$gt`. */
  readonly place: string;
  readonly found: string;
  readonly expected: string;

  constructor(code: DocumentErrorCode, place: string, found: string, expected: string) {
    super(`${place}: found ${found}, expected ${expected}`);
    this.code = code;
    this.place = place;
    this.found = found;
    this.expected = expected;
  }
}
