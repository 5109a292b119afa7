/**
 * Objects of asymmetric classes on a device: they leave its state at the end of the transaction that makes
 * them, without an instruction that says so, and so come back wherever its instructions are replayed.
 */
import { forEach } from '../base/trie.js';
import { edit } from '../model/apply.js';
import { eraseObject } from '../model/instruction.js';
import type { Key } from '../model/key.js';
import type { State } from '../model/state.js';

/** Without the objects of asymmetric classes; the same state where there are none. */
export const withoutIngested = (state: State): State => {
  const draft = edit(state);
  forEach(state.tables, (table) => {
    if (table.spec.type !== 'topLevel' || !table.spec.asymmetric) return;
    forEach(table.objects, (_, key) => {
      draft.apply(eraseObject(table.name, key as Key));
    });
  });
  return draft.finish();
};
