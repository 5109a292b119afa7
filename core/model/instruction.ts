/**
 * The fourteen instructions.
 *
 * A local write transaction is a sequence of these; merging rewrites them, applying performs them,
 * compaction drops them. They are plain readonly records: two replicas that hold equal instructions hold
 * the same facts.
 *
 * A path instruction names a place by `table`, `object`, `field` and `path`. The path starts after the
 * field: a number is an index of a list, a string is a key of a dictionary or a field of an embedded
 * object; the empty path is the property itself.
 *
 * Source: merge-semantics, section 2.1.
 */
import type { Key } from './key.js';
import type { CollectionType, ColumnSpec, TableSpec } from './schema.js';
import type { Payload } from './value.js';

export type PathElement = number | string;
export type Path = readonly PathElement[];

export interface AddTable {
  readonly kind: 'AddTable';
  readonly table: string;
  readonly spec: TableSpec;
}

export interface EraseTable {
  readonly kind: 'EraseTable';
  readonly table: string;
}

export interface AddColumn {
  readonly kind: 'AddColumn';
  readonly table: string;
  readonly field: string;
  readonly column: ColumnSpec;
}

export interface EraseColumn {
  readonly kind: 'EraseColumn';
  readonly table: string;
  readonly field: string;
}

export interface CreateObject {
  readonly kind: 'CreateObject';
  readonly table: string;
  readonly object: Key;
}

export interface EraseObject {
  readonly kind: 'EraseObject';
  readonly table: string;
  readonly object: Key;
}

interface Place {
  readonly table: string;
  readonly object: Key;
  readonly field: string;
  readonly path: Path;
}

/**
 * Sets a property, a dictionary entry or a list element.
 *
 * `priorSize` is the size of the list before the instruction where the path ends in an index, and null
 * everywhere else. `isDefault` marks a value that came from the schema and not from the application; it is
 * always false where the path ends in an index.
 */
export interface Update extends Place {
  readonly kind: 'Update';
  readonly value: Payload;
  readonly isDefault: boolean;
  readonly priorSize: number | null;
}

/** Adds to an integer, wrapping at 64 bits; leaves a null null. */
export interface AddInteger extends Place {
  readonly kind: 'AddInteger';
  readonly value: bigint;
}

/** The last element of the path is the index of the new element. */
export interface ArrayInsert extends Place {
  readonly kind: 'ArrayInsert';
  readonly value: Payload;
  readonly priorSize: number;
}

/** The last element of the path is the index moved from; `to` is the index found at after the move. */
export interface ArrayMove extends Place {
  readonly kind: 'ArrayMove';
  readonly to: number;
  readonly priorSize: number;
}

/** The last element of the path is the index that goes. */
export interface ArrayErase extends Place {
  readonly kind: 'ArrayErase';
  readonly priorSize: number;
}

/** The path is the collection. `single` comes from old senders, and stands for the column's own kind. */
export interface Clear extends Place {
  readonly kind: 'Clear';
  readonly collection: CollectionType;
}

/** The path is the set. */
export interface SetInsert extends Place {
  readonly kind: 'SetInsert';
  readonly value: Payload;
}

/** The path is the set. */
export interface SetErase extends Place {
  readonly kind: 'SetErase';
  readonly value: Payload;
}

export type PathInstruction =
  | Update
  | AddInteger
  | ArrayInsert
  | ArrayMove
  | ArrayErase
  | Clear
  | SetInsert
  | SetErase;
export type ObjectInstruction = CreateObject | EraseObject | PathInstruction;
export type SchemaInstruction = AddTable | EraseTable | AddColumn | EraseColumn;
export type Instruction = SchemaInstruction | ObjectInstruction;

export type Kind = Instruction['kind'];
export type InstructionOf<K extends Kind> = Extract<Instruction, { readonly kind: K }>;

/** All kinds, in the order of the reference's opcodes: the position is the opcode. */
export const kinds = [
  'AddTable',
  'EraseTable',
  'CreateObject',
  'EraseObject',
  'Update',
  'AddInteger',
  'AddColumn',
  'EraseColumn',
  'ArrayInsert',
  'ArrayMove',
  'ArrayErase',
  'Clear',
  'SetInsert',
  'SetErase',
] as const satisfies readonly Kind[];

/** Whether the path leads to a list element. */
// Element -1 of the empty path would be looked for by its name, all the way up the prototypes.
export const endsInIndex = (path: Path): boolean =>
  path.length > 0 && typeof path[path.length - 1] === 'number';

export const isPathInstruction = (instruction: Instruction): instruction is PathInstruction =>
  'path' in instruction;

export const addTable = (table: string, spec: TableSpec): AddTable => ({ kind: 'AddTable', table, spec });
export const eraseTable = (table: string): EraseTable => ({ kind: 'EraseTable', table });
export const addColumn = (table: string, field: string, column: ColumnSpec): AddColumn => ({
  kind: 'AddColumn',
  table,
  field,
  column,
});
export const eraseColumn = (table: string, field: string): EraseColumn => ({
  kind: 'EraseColumn',
  table,
  field,
});
export const createObject = (table: string, object: Key): CreateObject => ({
  kind: 'CreateObject',
  table,
  object,
});
export const eraseObject = (table: string, object: Key): EraseObject => ({
  kind: 'EraseObject',
  table,
  object,
});

/** An update of a property or a dictionary entry: the path is empty or ends in a string. */
export const update = (
  table: string,
  object: Key,
  field: string,
  path: Path,
  value: Payload,
  isDefault = false,
): Update => ({ kind: 'Update', table, object, field, path, value, isDefault, priorSize: null });

/** An update of a list element: the path ends in an index. */
export const updateElement = (
  table: string,
  object: Key,
  field: string,
  path: Path,
  value: Payload,
  priorSize: number,
): Update => ({ kind: 'Update', table, object, field, path, value, isDefault: false, priorSize });

export const addInteger = (
  table: string,
  object: Key,
  field: string,
  path: Path,
  value: bigint,
): AddInteger => ({ kind: 'AddInteger', table, object, field, path, value });
export const arrayInsert = (
  table: string,
  object: Key,
  field: string,
  path: Path,
  value: Payload,
  priorSize: number,
): ArrayInsert => ({ kind: 'ArrayInsert', table, object, field, path, value, priorSize });
export const arrayMove = (
  table: string,
  object: Key,
  field: string,
  path: Path,
  to: number,
  priorSize: number,
): ArrayMove => ({ kind: 'ArrayMove', table, object, field, path, to, priorSize });
export const arrayErase = (
  table: string,
  object: Key,
  field: string,
  path: Path,
  priorSize: number,
): ArrayErase => ({ kind: 'ArrayErase', table, object, field, path, priorSize });
export const clear = (
  table: string,
  object: Key,
  field: string,
  path: Path,
  collection: CollectionType,
): Clear => ({ kind: 'Clear', table, object, field, path, collection });
export const setInsert = (
  table: string,
  object: Key,
  field: string,
  path: Path,
  value: Payload,
): SetInsert => ({ kind: 'SetInsert', table, object, field, path, value });
export const setErase = (
  table: string,
  object: Key,
  field: string,
  path: Path,
  value: Payload,
): SetErase => ({ kind: 'SetErase', table, object, field, path, value });
