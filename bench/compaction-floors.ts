/** What compaction is measured against besides peers: the least work, and the least that can come out. */
import type { Changeset } from '../core/model/changeset.js';
import type { Instruction, ObjectInstruction } from '../core/model/instruction.js';
import type { Transaction } from './compaction-workload.js';

/** A write as bare as can be. */
interface BareUpdate {
  readonly object: number;
  readonly field: number;
  readonly value: unknown;
}

export const bareUpdates = (transactions: Iterable<Transaction>): BareUpdate[] => {
  const updates: BareUpdate[] = [];
  for (const writes of transactions)
    for (const write of writes)
      if (write.kind === 'set')
        updates.push({ object: write.object, field: write.field, value: write.value });
  return updates;
};

/** One backward pass that keeps the last update of each property; erasures are not looked at. */
export const lastUpdates = (updates: readonly BareUpdate[]): Map<number, BareUpdate> => {
  const last = new Map<number, BareUpdate>();
  for (let i = updates.length - 1; i >= 0; i--) {
    const update = updates[i] as BareUpdate;
    const place = update.object * 8 + update.field;
    if (!last.has(place)) last.set(place, update);
  }
  return last;
};

/** What must stay of one object: its last erasure, its creation since, and the last update of each property since. */
interface Owed {
  erased: Instruction | null;
  created: Instruction | null;
  readonly updates: Map<string, Instruction>;
}

/**
 * The smallest history that law 4 allows, where there are only plain properties, values that are no defaults,
 * and times that increase: less would lose state, or a conflict that a late device still has to lose. Found
 * without the compactor: forward, by object, and from what must stay instead of what may go.
 */
export const leastHistory = (history: readonly Changeset[]): Changeset[] => {
  const objects = new Map<string, Owed>();
  const owedTo = ({ table, object }: ObjectInstruction): Owed => {
    const name = `${table} ${object}`;
    let owed = objects.get(name);
    if (owed === undefined) {
      owed = { erased: null, created: null, updates: new Map() };
      objects.set(name, owed);
    }
    return owed;
  };
  const stays = new Set<Instruction>();
  for (const { instructions } of history)
    for (const instruction of instructions) {
      if (!('object' in instruction)) {
        stays.add(instruction);
        continue;
      }
      const owed = owedTo(instruction);
      if (instruction.kind === 'EraseObject') {
        owed.erased = instruction;
        owed.created = null;
        owed.updates.clear();
      } else if (instruction.kind === 'CreateObject') owed.created = instruction;
      else if (instruction.kind === 'Update') owed.updates.set(instruction.field, instruction);
      else throw new Error(`no floor is known for ${instruction.kind}`);
    }
  for (const { erased, created, updates } of objects.values())
    for (const instruction of [erased, created, ...updates.values()])
      if (instruction !== null) stays.add(instruction);
  return history.map((changeset) => ({
    ...changeset,
    instructions: changeset.instructions.filter((instruction) => stays.has(instruction)),
  }));
};
