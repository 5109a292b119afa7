/**
 * The cells in which a link is written to a class that the other side erases. Properties that link to the
 * class by their type fall under T4. What is left are links in mixed values, and in properties that link to
 * any class: they cannot be kept where the class is gone, and where it is not gone yet they stand in the
 * way of erasing it. So the link goes on both replicas, as the application that erases a class takes out
 * the links to it: a single value or a dictionary entry becomes null, a list element or a set member goes.
 * The undoing instruction is put in front of the erasure, and the writing one is rewritten to the same.
 *
 * The reference has no such rule, and its result cannot be applied.
 */
import {
  type ArrayInsert,
  arrayErase,
  type EraseTable,
  type SetErase,
  type SetInsert,
  setErase,
  type Update,
} from '../../model/instruction.js';
import { isLink, type Payload } from '../../model/value.js';
import { type Outcome, unchanged, verdict } from '../outcome.js';

const t5 = verdict('T5', 'the class that it links to was erased');

const dangles = (value: Payload, erase: EraseTable): boolean => isLink(value) && value.table === erase.table;

export const updateAgainstEraseTable = (update: Update, erase: EraseTable): Outcome => {
  if (!dangles(update.value, erase)) return unchanged;
  const { table, object, field, path, priorSize } = update;
  if (priorSize !== null) {
    const gone = arrayErase(table, object, field, path, priorSize);
    return t5.prepend(gone, gone);
  }
  // The null is nobody's wish, so whatever the other side writes there afterwards wins over it.
  return t5.prepend({ ...update, value: null }, { ...update, value: null, isDefault: true });
};

export const insertAgainstEraseTable = (insert: ArrayInsert, erase: EraseTable): Outcome => {
  if (!dangles(insert.value, erase)) return unchanged;
  const { table, object, field, path, priorSize } = insert;
  return t5.prepend('goes', arrayErase(table, object, field, path, priorSize + 1));
};

export const setInsertAgainstEraseTable = (insert: SetInsert, erase: EraseTable): Outcome => {
  if (!dangles(insert.value, erase)) return unchanged;
  const { table, object, field, path, value } = insert;
  return t5.prepend('goes', setErase(table, object, field, path, value));
};

/** Where the class is gone, so are all links to it. */
export const setEraseAgainstEraseTable = (setErasure: SetErase, erase: EraseTable): Outcome =>
  dangles(setErasure.value, erase) ? t5.firstGoes : unchanged;
