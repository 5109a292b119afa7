/**
 * The report of a recovery: every unsynced write, with what became of each of its instructions.
 *
 * A write is a changeset, made in one transaction. What it says of itself is what was left of it when the
 * reset began: what earlier downloads had merged away is counted (`mergedBefore`), and was told then.
 */
import type { LocalWrite } from '../history/client-file.js';
import type { Instruction } from '../model/instruction.js';

/**
 * Why an instruction found no place in the fresh state.
 *
 *     classGone, classChanged         the server has no such class any more, or one of another kind or key
 *     propertyGone, propertyChanged   likewise for a property on the way to what was written
 *     schemaConflict                  the class or property that it adds is there already, as something else
 *     rejected                        the server has refused the write, and would again
 *     notMergeable                    it contradicts what the server has become; never seen, and not ruled out
 *     recoveryFailed                  all of it: the reset fell back to discarding what was not synced
 */
export type ParkReason =
  | 'classGone'
  | 'classChanged'
  | 'propertyGone'
  | 'propertyChanged'
  | 'schemaConflict'
  | 'rejected'
  | 'notMergeable'
  | 'recoveryFailed';

/**
 *     moved            the same, in a list that has another length by now, or other places
 *     adjusted         it says something else, so that the merge comes out right
 *     unresolvedLink   it was carried over as it is, but what it links to is gone: it reads as null, or, in lists
 *                      and sets, not at all, until an object of that key is there again
 *     withoutLink      it set a link to a class that is gone, and now sets null
 */
export type Transformation = 'moved' | 'adjusted' | 'unresolvedLink' | 'withoutLink';

export type Outcome =
  | { readonly type: 'recovered' }
  | {
      readonly type: 'transformed';
      readonly how: Transformation;
      /** What is done instead. */
      readonly result: readonly Instruction[];
      readonly reason: string;
    }
  | {
      readonly type: 'superseded';
      /** What the server has done, in the words of an instruction; null where the app chose to discard. */
      readonly by: Instruction | null;
      readonly reason: string;
    }
  | { readonly type: 'parked'; readonly why: ParkReason; readonly reason: string };

export interface InstructionReport {
  readonly instruction: Instruction;
  readonly outcome: Outcome;
}

export interface WriteReport {
  /** The client version of the write, as its receipt says. */
  readonly version: number;
  /** Milliseconds since 1970 on this device's clock, when it was made. */
  readonly timestamp: number;
  /** Instructions that were merged away before the reset. */
  readonly mergedBefore: number;
  readonly instructions: readonly InstructionReport[];
}

export const outcomes = ['recovered', 'transformed', 'superseded', 'parked'] as const;
export type OutcomeCounts = Readonly<Record<Outcome['type'], number>>;

export interface RecoveryReport {
  /** In the order in which they were made. */
  readonly writes: readonly WriteReport[];
  /** Of instructions. */
  readonly counts: OutcomeCounts;
}

export const reportOf = (writes: readonly WriteReport[]): RecoveryReport => {
  const counts = { recovered: 0, transformed: 0, superseded: 0, parked: 0 };
  for (const { instructions } of writes) for (const { outcome } of instructions) counts[outcome.type]++;
  return { writes, counts };
};

export const recovered: Outcome = Object.freeze({ type: 'recovered' });
export const parked = (why: ParkReason, reason: string): Outcome => ({ type: 'parked', why, reason });

/** What a discard does to the writes, as a report. `fallback`: why it came to that, where the app wanted more. */
export const discarded = (writes: readonly LocalWrite[], fallback: string | null): readonly WriteReport[] =>
  writes.map(({ version, original }) => ({
    version,
    timestamp: original.timestamp,
    mergedBefore: 0,
    instructions: original.instructions.map((instruction) => ({
      instruction,
      outcome:
        fallback === null
          ? { type: 'superseded', by: null, reason: 'the app takes the state of the server' }
          : { type: 'parked', why: 'recoveryFailed', reason: fallback },
    })),
  }));
