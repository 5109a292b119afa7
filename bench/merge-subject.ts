/**
 * Ours on the workloads of the merge: transactions as changesets, and what a replica does with them.
 */
import * as E from 'fp-ts/lib/Either.js';
import type { Recorder } from '../core/merge/recorder.js';
import { syncline } from '../core/merge/rule-set.js';
import { type Transformed, transform } from '../core/merge/transform.js';
import { edit } from '../core/model/apply.js';
import type { Changeset } from '../core/model/changeset.js';
import {
  addColumn,
  arrayErase,
  arrayInsert,
  arrayMove,
  createObject,
  type Instruction,
  update,
} from '../core/model/instruction.js';
import { type Key, objectIdKey } from '../core/model/key.js';
import type { CollectionType } from '../core/model/schema.js';
import { emptyState, type State } from '../core/model/state.js';
import { keyedTable } from './schema.js';
import type { Transaction, Workload, Write } from './workloads.js';

export type Changesets = readonly Changeset[];

export const rules = syncline;

const TABLE = 'Item';
const LIST = 'list';

/** Each write has a key of its own, as it has when it comes from another device. */
const keyOf = (object: number): Key => objectIdKey(`65a1${object.toString(16).padStart(20, '0')}`);
const fieldNames = Array.from({ length: 20 }, (_, field) => `field${field}`);
const fieldOf = (field: number): string => fieldNames[field] as string;

/** The instructions of one write on a list that has `size` elements. */
const instructionsOf = (write: Write, size: number): Instruction[] => {
  switch (write.kind) {
    case 'set':
      return [update(TABLE, keyOf(write.object), fieldOf(write.field), [], BigInt(write.value))];
    case 'create':
      return [
        createObject(TABLE, keyOf(write.object)),
        update(TABLE, keyOf(write.object), fieldOf(0), [], BigInt(write.value)),
      ];
    case 'insert':
      return [arrayInsert(TABLE, keyOf(0), LIST, [write.index], BigInt(write.value), size)];
    case 'erase':
      return [arrayErase(TABLE, keyOf(0), LIST, [write.index], size)];
    case 'move':
      return [arrayMove(TABLE, keyOf(0), LIST, [write.index], write.to, size)];
  }
};

/** One side's transactions, from a list of `list` elements. */
export const changesetsOf = (side: readonly Transaction[], origin: number, list: number): Changeset[] => {
  let size = list;
  return side.map((writes, k) => {
    const instructions = writes.flatMap((write) => {
      const made = instructionsOf(write, size);
      size += write.kind === 'insert' ? 1 : write.kind === 'erase' ? -1 : 0;
      return made;
    });
    return { version: k + 1, base: 0, timestamp: 1_700_000_000_000 + k, origin, instructions };
  });
};

const column = (field: string, collection: CollectionType): Instruction =>
  addColumn(TABLE, field, { type: 'int', nullable: true, collection, target: null });

/** What both sides start from. */
export const baseOf = ({ objects, list }: Workload): State => {
  const draft = edit(emptyState);
  const instructions = [
    keyedTable(TABLE, 'objectId'),
    ...fieldNames.map((field) => column(field, 'single')),
    column(LIST, 'list'),
    ...Array.from({ length: objects }, (_, object) => createObject(TABLE, keyOf(object))),
    ...Array.from({ length: list }, (_, k) => arrayInsert(TABLE, keyOf(0), LIST, [k], BigInt(k), k)),
  ];
  for (const instruction of instructions) draft.apply(instruction);
  return draft.finish();
};

/** The state with all of it performed. Throws where something cannot be. */
export const applied = (state: State, changesets: readonly Changeset[]): State => {
  const draft = edit(state);
  for (const { instructions } of changesets)
    for (const instruction of instructions) {
      const error = draft.apply(instruction);
      if (error !== null) throw new Error(error.message);
    }
  return draft.finish();
};

/** Throws where the two cannot be merged. */
export const merged = (left: Changesets, right: Changesets, recorder?: Recorder): Transformed => {
  const result = transform(left, right, recorder === undefined ? { rules } : { rules, recorder });
  if (E.isLeft(result)) throw new Error(result.left.message);
  return result.right;
};

export const countOf = (changesets: Changesets): number =>
  changesets.reduce((count, { instructions }) => count + instructions.length, 0);
