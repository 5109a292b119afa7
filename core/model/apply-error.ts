/**
 * Why an instruction cannot be applied. Every failure of application is one of these values; nothing throws.
 * The list covers what the reference raises as a bad changeset, and the cases where it fails lower down.
 *
 * Source: merge-semantics, sections 2.2 and 2.3; sessions-and-history, section 1.
 */
import type { Instruction } from './instruction.js';
import { printSubject } from './print.js';

export type Reason =
  /** The class, object or property does not exist. */
  | 'no-such-table'
  | 'no-such-object'
  | 'no-such-column'
  /** The instruction names an embedded class where it needs a top-level one. */
  | 'embedded-table'
  /** The key's type is not that of the class's primary key. */
  | 'key-type-mismatch'
  /** The class or column exists with other properties. */
  | 'table-mismatch'
  | 'column-mismatch'
  /** No such column can exist: its type, collection and target do not go together. */
  | 'invalid-column'
  | 'invalid-name'
  /** Other classes still link to the class. */
  | 'table-in-use'
  /** The primary key is set by creation only, and its column stays. */
  | 'primary-key-is-fixed'
  /** A path element leads nowhere: the slot has no inner structure, or one of another kind. */
  | 'path-mismatch'
  | 'path-too-long'
  /** The path goes through an embedded object that is null. */
  | 'null-object'
  | 'no-such-entry'
  | 'index-out-of-range'
  /** The path is good, but the kind of instruction has no meaning at its end. */
  | 'wrong-place'
  | 'type-mismatch'
  | 'not-nullable'
  | 'link-target-mismatch'
  | 'prior-size-mismatch'
  | 'move-to-same-place'
  | 'collection-mismatch'
  | 'not-an-integer';

/** A failure before it is tied to its instruction. */
export interface Failure {
  readonly reason: Reason;
  /** What was found and what was expected. */
  readonly detail: string;
}

export const failure = (reason: Reason, detail: string): Failure => ({ reason, detail });

export interface ApplyError {
  readonly reason: Reason;
  /** For people, in the notation: the instruction's place, what was found and what was expected. */
  readonly message: string;
  readonly instruction: Instruction;
  /** Position of the instruction among those given to the edit, from 0. */
  readonly index: number;
}

export const applyError = (
  { reason, detail }: Failure,
  instruction: Instruction,
  index: number,
): ApplyError => ({
  reason,
  message: `${printSubject(instruction)}: ${detail}`,
  instruction,
  index,
});
