/**
 * Why two changesets cannot be merged. There are two families: the sides disagree about the schema, which
 * nothing but a person or a reset resolves; or an instruction contradicts the state that it claims to be
 * based on, which convicts the changeset that brought it.
 *
 * Source: merge-semantics, section 4.10.
 */
import type { Changeset } from '../model/changeset.js';
import type { Instruction } from '../model/instruction.js';
import { printInstruction } from '../model/notation.js';

export type TransformReason =
  /** The class is top level on one side and embedded on the other. */
  | 'table-kind'
  | 'table-asymmetry'
  | 'primary-key-name'
  | 'primary-key-type'
  | 'primary-key-nullability'
  | 'column-type'
  | 'column-nullability'
  | 'column-collection'
  | 'column-target'
  /** Two instructions on one list were made for different sizes of it. */
  | 'prior-size'
  /** An index beyond the size that its own instruction names. */
  | 'index-range'
  /** One path takes a place for a list that the other takes for something else. */
  | 'paths';

/** A failure of one rule. `first` and `second` are what its operands say about the subject. */
export interface Problem {
  readonly reason: TransformReason;
  /** What the two disagree about, such as `primary key of class Airport`. */
  readonly subject: string;
  readonly first: string;
  readonly second: string;
}

/** One of the two changesets that met. */
export interface ErrorSide {
  /** Position of the changeset among those of its side, from 0. */
  readonly index: number;
  readonly changeset: Changeset;
  /** As it was when it met the other: earlier merges may have rewritten it. */
  readonly instruction: Instruction;
}

export interface TransformError {
  readonly reason: TransformReason;
  readonly left: ErrorSide;
  readonly right: ErrorSide;
  /** For people: what was compared, what each side says, and both instructions in the notation. */
  readonly message: string;
}

const bookkeeping: ReadonlySet<TransformReason> = new Set(['prior-size', 'index-range', 'paths']);

/** Whether the sides disagree about the schema; else one of the changesets contradicts its own base. */
export const isSchemaMismatch = (reason: TransformReason): boolean => !bookkeeping.has(reason);

export const transformError = (
  { reason, subject, first, second }: Problem,
  left: ErrorSide,
  right: ErrorSide,
): TransformError => {
  const family = isSchemaMismatch(reason) ? 'Schema mismatch' : 'Merge error';
  return {
    reason,
    left,
    right,
    message:
      `${family}: ${subject} is ${first} on one side and ${second} on the other` +
      ` (${describe(left)}, against ${describe(right)})`,
  };
};

const describe = ({ changeset, instruction }: ErrorSide): string =>
  `\`${printInstruction(instruction)}\` of changeset ${changeset.version} from ${changeset.origin}`;
