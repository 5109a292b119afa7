/**
 * Merging the writes of one slot: a property or a dictionary entry.
 *
 * What occurs most are updates of scalar values, of which the newer stands (U1). They are decided here by
 * their changesets alone. A write that loses is met no more, so that this costs one comparison for each
 * write that loses, and one for each that stands. Counters have a way of their own (`index-additions.ts`);
 * whatever else there is goes to the rules.
 *
 * Source: merge-semantics, sections 4.4 and 4.5.
 */
import { isOlder } from '../model/changeset.js';
import type { Payload } from '../model/value.js';
import { mergeCounter } from './index-additions.js';
import type { IndexMerge, Positions } from './index-merge.js';
import type { Table } from './index-objects.js';
import type { Track } from './index-track.js';
import { syncline } from './rule-set.js';
import { collectionOf } from './shared.js';

/** Merges instructions on one and the same place. */
export const mergeSlot = (merge: IndexMerge, table: Table): void => {
  const kinds = kindsOf(merge.left, table.rows) | kindsOf(merge.right, table.columns);
  if ((kinds & OTHER) !== 0 || !isLastWriterWins(merge)) merge.meetAll(table.rows, table.columns);
  else if (kinds === PLAIN) mergeWrites(merge, table);
  else mergeCounter(merge, table);
};

const isLastWriterWins = ({ rules: { pairs } }: IndexMerge): boolean =>
  pairs.Update.Update === syncline.pairs.Update.Update && pairs.AddInteger === syncline.pairs.AddInteger;

/** Updates of scalar values, the same as defaults, additions; and everything else. */
const PLAIN = 1;
const DEFAULT = 2;
const ADDITION = 4;
const OTHER = 8;

const kindsOf = (track: Track, positions: Positions): number => {
  let kinds = 0;
  for (const k of positions) {
    const instruction = track.instructions[k];
    if (instruction?.kind === 'AddInteger') kinds |= ADDITION;
    else if (instruction?.kind !== 'Update' || instruction.priorSize !== null) kinds |= OTHER;
    else if (isDeciding(instruction.value)) kinds |= OTHER;
    else kinds |= instruction.isDefault ? DEFAULT : PLAIN;
  }
  return kinds;
};

/** Whether rules look at more than whether the value is a number. */
const isDeciding = (value: Payload): boolean =>
  typeof value === 'object' &&
  value !== null &&
  (value.type === 'objectValue' || collectionOf(value) !== null);

/** A row passes the columns that are older, all of which go, and stops at the first that is not. */
const mergeWrites = (merge: IndexMerge, { rows, columns }: Table): void => {
  const { left, right } = merge;
  let c = 0;
  for (let r = 0; r < rows.length; r++) {
    const row = rows[r] as number;
    const changeset = left.changesetOf(row);
    for (; c < columns.length; c++) {
      const column = columns[c] as number;
      if (isOlder(changeset, right.changesetOf(column))) {
        left.replace(row, null);
        break;
      }
      right.replace(column, null);
    }
  }
};
