/**
 * The two rule sets. `syncline` is ours. `realm` is the reference's own: it differs in the cells named
 * below and nowhere else, and does there what the reference does, so that its merges can be replayed and
 * its clients served. Which rule set is in force belongs to a history, and never changes within one.
 *
 * `spec/merging.md` has the smallest example of each difference. Source: merge-semantics, sections 4.2, 4.3
 * and 4.12.
 */
import type { SetErase } from '../model/instruction.js';
import { independent, type Matrix, type NestedRules, type RuleSet } from './rule.js';
import { arrayEraseRow, insideErase } from './rules/array-erase.js';
import { arrayInsertRow, insideInsert } from './rules/array-insert.js';
import { arrayMoveRow, insideMove, realmInsideMove } from './rules/array-move.js';
import { clearRow, insideClear } from './rules/clear.js';
import { addColumnRow, eraseColumnRow, realmEraseAgainstUpdate } from './rules/columns.js';
import { createObjectRow, eraseObjectRow, onErased } from './rules/objects.js';
import { realmBothErase, realmInsertAgainstErase, setEraseRow, setInsertRow } from './rules/sets.js';
import { addTableRow, eraseTableRow, insideErasedTable } from './rules/tables.js';
import { addIntegerRow, insideAdd, insideUpdate, realmInsideUpdate, updateRow } from './rules/updates.js';
import { samePayload } from './same-payload.js';

const pairs: Matrix = {
  AddTable: addTableRow,
  EraseTable: eraseTableRow,
  CreateObject: createObjectRow,
  EraseObject: eraseObjectRow,
  Update: updateRow,
  AddInteger: addIntegerRow,
  AddColumn: addColumnRow,
  EraseColumn: eraseColumnRow,
  ArrayInsert: arrayInsertRow,
  ArrayMove: arrayMoveRow,
  ArrayErase: arrayEraseRow,
  Clear: clearRow,
  SetInsert: setInsertRow,
  SetErase: setEraseRow,
};

const nested: NestedRules = {
  AddTable: null,
  EraseTable: insideErasedTable,
  CreateObject: null,
  EraseObject: onErased,
  Update: insideUpdate,
  AddInteger: insideAdd,
  AddColumn: null,
  EraseColumn: null,
  ArrayInsert: insideInsert,
  ArrayMove: insideMove,
  ArrayErase: insideErase,
  Clear: insideClear,
  SetInsert: null,
  SetErase: null,
};

export const syncline: RuleSet = { name: 'syncline', pairs, nested };

/**
 * The reference's rules. Where it compares two erasures from a set it looks at strings and binaries by
 * their position in each changeset's buffer, and at links by the number of an interned string. Whoever has
 * read those positions passes a comparison that knows them.
 */
export const realmWith = (sameErased: PairRuleOfErasures): RuleSet => ({
  name: 'realm',
  pairs: {
    ...pairs,
    // No. 6: an erased column takes nothing with it but the updates of the property itself.
    EraseColumn: {
      ...eraseColumnRow,
      Update: realmEraseAgainstUpdate,
      AddInteger: independent,
    },
    // Links to an erased class are left where they are written.
    Update: { ...updateRow, EraseTable: independent },
    ArrayInsert: { ...arrayInsertRow, EraseTable: independent, EraseColumn: independent },
    ArrayMove: { ...arrayMoveRow, EraseColumn: independent },
    ArrayErase: { ...arrayEraseRow, EraseColumn: independent },
    // No. 3: a Clear does not follow the list element that holds its collection.
    Clear: {
      ...clearRow,
      EraseColumn: independent,
      ArrayInsert: independent,
      ArrayMove: independent,
      ArrayErase: independent,
    },
    SetInsert: { ...setInsertRow, EraseTable: independent, EraseColumn: independent },
    // No. 1.
    SetErase: {
      ...setEraseRow,
      EraseTable: independent,
      EraseColumn: independent,
      SetInsert: realmInsertAgainstErase,
      SetErase: realmBothErase(sameErased),
    },
  },
  nested: {
    ...nested,
    // No. 7: who owns a collection is not remembered.
    Update: realmInsideUpdate,
    // No. 2: paths inside a list do not follow a move.
    ArrayMove: realmInsideMove,
  },
});

type PairRuleOfErasures = (first: SetErase, second: SetErase) => boolean;

export const realm: RuleSet = /* @__PURE__ */ realmWith((first, second) =>
  samePayload(first.value, second.value),
);
