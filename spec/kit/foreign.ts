/**
 * Reading the changesets of a foreign emitter. The reference's sends an Update that makes a mixed value a
 * collection also where that collection is already, as a write that does nothing, without the Clear that
 * ours always sends. Who reads such changesets and knows the state that they were made on can tell those
 * Updates, and marks them (`core/merge/shared.ts`).
 */

import { edit } from '../../core/model/apply.js';
import type { Changeset } from '../../core/model/changeset.js';
import type { Instruction, Update } from '../../core/model/instruction.js';
import { printPlace } from '../../core/model/notation.js';
import { read } from '../../core/model/read.js';
import type { State } from '../../core/model/state.js';
import { sharedDictionary, sharedList } from '../../core/model/value.js';

/**
 * The changesets with those Updates marked as shared that make a collection where one with contents was
 * already, and do not go on to clear it. `base` is the state that the first was made on.
 */
export const marked = (base: State, changesets: readonly Changeset[]): readonly Changeset[] => {
  const draft = edit(base);
  return changesets.map((changeset) => ({
    ...changeset,
    instructions: changeset.instructions.map((instruction, i) => {
      const next = changeset.instructions[i + 1];
      const result =
        instruction.kind === 'Update' && !clears(next, instruction)
          ? markedUpdate(draft.state, instruction)
          : instruction;
      draft.apply(instruction);
      return result;
    }),
  }));
};

const clears = (next: Instruction | undefined, update: Update): boolean =>
  next?.kind === 'Clear' && printPlace(next) === printPlace(update);

const markedUpdate = (state: State, update: Update): Update => {
  const { table, object, field, path, value } = update;
  if (typeof value !== 'object' || value === null) return update;
  if (value.type !== 'list' && value.type !== 'dictionary') return update;
  const found = read(state, table, object, field, path);
  if (found.kind === 'list' && value.type === 'list' && found.node.items.length > 0)
    return { ...update, value: sharedList };
  if (found.kind === 'dictionary' && value.type === 'dictionary' && found.node.entries.size > 0)
    return { ...update, value: sharedDictionary };
  return update;
};
