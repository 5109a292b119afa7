/**
 * Merging the writes of slots: properties and dictionary entries.
 *
 * What occurs most are updates of scalar values, of which the newer stands (U1). They are decided here by
 * their changesets alone. A write that loses is met no more, so that this costs one comparison for each
 * write that loses, and one for each that stands. Counters have a way of their own (`index-additions.ts`);
 * whatever else there is goes to the rules.
 *
 * Source: merge-semantics, sections 4.4 and 4.5.
 */
import { mergeCounter } from './index-additions.js';
import type { IndexMerge, Positions } from './index-merge.js';
import type { Table } from './index-objects.js';
import { CREATION, isDeciding, type Track, WRITE } from './index-track.js';
import { syncline } from './rule-set.js';

/** Merges instructions on one and the same place. */
export const mergeSlot = (merge: IndexMerge, table: Table): void => {
  const kinds = kindsOf(merge.left, table.rows) | kindsOf(merge.right, table.columns);
  if ((kinds & OTHER) !== 0 || !isLastWriterWins(merge)) merge.meetAll(table.rows, table.columns);
  else if (kinds === PLAIN) mergeWrites(merge, table);
  else mergeCounter(merge, table);
};

/**
 * Merges updates of properties to scalar values that are no defaults, and creations of their object, which
 * nothing of that has to do with. False, and nothing has happened, where there is anything else.
 */
export const mergeProperties = (merge: IndexMerge, { rows, columns }: Table): boolean => {
  const { left, right, chains } = merge;
  if (!isPlain(left, rows) || !isPlain(right, columns) || !isLastWriterWins(merge)) return false;
  const { first, next } = chains;
  for (let c = columns.length - 1; c >= 0; c--) {
    const column = columns[c] as number;
    if (right.sorts[column] === CREATION) continue;
    const field = right.fields[column] as number;
    next[column] = first[field] as number;
    first[field] = column;
  }
  for (let r = 0; r < rows.length; r++) {
    const row = rows[r] as number;
    if (left.sorts[row] === CREATION) continue;
    const field = left.fields[row] as number;
    let column = first[field] as number;
    // A row passes the columns that are older, all of which go, and stops at the first that is not.
    for (; column !== -1; column = next[column] as number) {
      if (left.isOlder(row, right, column)) {
        left.replace(row, null);
        break;
      }
      right.replace(column, null);
    }
    first[field] = column;
  }
  for (let c = 0; c < columns.length; c++) first[right.fields[columns[c] as number] as number] = -1;
  return true;
};

const isPlain = (track: Track, positions: Positions): boolean => {
  for (let k = 0; k < positions.length; k++) {
    const sort = track.sorts[positions[k] as number];
    if (sort !== WRITE && sort !== CREATION) return false;
  }
  return true;
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

/** A row passes the columns that are older, all of which go, and stops at the first that is not. */
const mergeWrites = (merge: IndexMerge, { rows, columns }: Table): void => {
  const { left, right } = merge;
  let c = 0;
  for (let r = 0; r < rows.length; r++) {
    const row = rows[r] as number;
    for (; c < columns.length; c++) {
      const column = columns[c] as number;
      if (left.isOlder(row, right, column)) {
        left.replace(row, null);
        break;
      }
      right.replace(column, null);
    }
  }
};
