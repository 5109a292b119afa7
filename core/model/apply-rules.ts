/**
 * Where rule sets of application differ. Ours departs from the reference in its known defects; the
 * reference's own behaviour is kept as a value, so that its merges can be replayed exactly.
 *
 * Source: merge-semantics, sections 1.1 and 4.12 (numbers below); sessions-and-history, section 9.
 */
import { eraseBisected, type FloatSets, insertBisected } from './bisected-set.js';
import { type MemberId, memberId, realmMemberId } from './member.js';

export interface ApplyRules {
  /** Whether creating an embedded object under a dictionary key replaces one that is there (4). */
  readonly replaceEmbeddedEntry: boolean;
  /** What clearing a collection under a dictionary key that is missing does (5). */
  readonly clearMissingEntry: 'create' | 'error';
  /** Whether erasing a class or column that is not there is an error (8). */
  readonly eraseSchema: 'idempotent' | 'strict';
  /**
   * Whether a class is in use by objects that are embedded in its own objects and link back to it. They go
   * with the class, but the reference asks for the linking object's class only, and that is another one.
   */
  readonly eraseLinkedFromInside: 'allow' | 'error';
  /** Whether null can be erased from a nullable set whose type is not mixed (10). */
  readonly setEraseNull: 'allow' | 'error';
  /** Whether a column that exists must agree in nullability to be added again. */
  readonly columnNullability: 'compare' | 'ignore';
  /** How sets of floats and doubles are kept: as others, or as the reference does, which a NaN confuses. */
  readonly floatSets: 'hashed' | FloatSets;
  /**
   * Which of two representations of one member stays, such as 0.0 and -0.0. Where two replicas insert one
   * each, the merge lets the newer through, which comes last on both.
   */
  readonly insertedAgain: 'replaced' | 'kept';
  /** Which values are one member of a set. All edits that lead to one state use the same. */
  readonly memberId: MemberId;
}

export const synclineApplyRules: ApplyRules = {
  replaceEmbeddedEntry: false,
  clearMissingEntry: 'create',
  eraseSchema: 'idempotent',
  setEraseNull: 'allow',
  floatSets: 'hashed',
  eraseLinkedFromInside: 'allow',
  columnNullability: 'compare',
  insertedAgain: 'replaced',
  memberId,
};

export const realmApplyRules: ApplyRules = {
  replaceEmbeddedEntry: true,
  clearMissingEntry: 'error',
  eraseSchema: 'strict',
  setEraseNull: 'error',
  floatSets: { insert: insertBisected, erase: eraseBisected },
  eraseLinkedFromInside: 'error',
  columnNullability: 'ignore',
  insertedAgain: 'kept',
  memberId: realmMemberId,
};
