/** The classes of workloads: a class of objects with keys, and its properties. */
import { addColumn, addTable, type Instruction } from '../core/model/instruction.js';
import type { KeyType } from '../core/model/key.js';
import type { CollectionType, ElementType } from '../core/model/schema.js';

export const keyedTable = (table: string, type: KeyType): Instruction =>
  addTable(table, {
    type: 'topLevel',
    primaryKey: { name: '_id', type, nullable: false },
    asymmetric: false,
  });

/** Makes properties of the class that are never null. */
export const columnsOf =
  (table: string) =>
  (field: string, type: ElementType, collection: CollectionType = 'single'): Instruction =>
    addColumn(table, field, { type, nullable: false, collection, target: null });
