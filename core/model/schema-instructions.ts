/**
 * What a state lacks of the classes of an application, as the instructions that add it; or where the two
 * contradict each other. Schemas only ever grow: classes and properties that the application does not know
 * stay.
 */
import * as E from 'fp-ts/lib/Either.js';
import type { ClassSchema, Schema } from './class-schema.js';
import { addColumn, addTable, type Instruction } from './instruction.js';
import { printColumnSpec, printName, printTableSpec } from './print.js';
import { sameColumnSpec, sameTableSpec } from './schema.js';
import { findColumn, findTable, type State, type Table } from './state.js';

export interface SchemaConflict {
  readonly class: string;
  /** Null where the class as a whole is another: its kind or its primary key. */
  readonly property: string | null;
  /** Both sides in the notation of instructions. */
  readonly inState: string;
  readonly inSchema: string;
  readonly message: string;
}

const conflict = (
  className: string,
  property: string | null,
  inState: string,
  inSchema: string,
): SchemaConflict => ({
  class: className,
  property,
  inState,
  inSchema,
  message: `${printName(className)}${property === null ? '' : `.${printName(property)}`}: the data have it as ${inState}, the schema as ${inSchema}`,
});

/**
 * The classes, then the properties that are missing, in declared order: properties may point to classes that
 * are declared later. Empty where nothing is missing.
 */
export const schemaInstructions = (
  state: State,
  schema: Schema,
): E.Either<readonly SchemaConflict[], readonly Instruction[]> => {
  const conflicts: SchemaConflict[] = [];
  const tables: Instruction[] = [];
  const columns: Instruction[] = [];
  for (const shape of schema.classes) {
    const { name, spec } = shape;
    const table = findTable(state, name);
    if (table === undefined) tables.push(addTable(name, spec));
    else if (!sameTableSpec(table.spec, spec)) {
      conflicts.push(conflict(name, null, printTableSpec(table.spec), printTableSpec(spec)));
      continue;
    }
    addColumns(shape, table, columns, conflicts);
  }
  return conflicts.length > 0 ? E.left(conflicts) : E.right([...tables, ...columns]);
};

const addColumns = (
  { name, properties }: ClassSchema,
  table: Table | undefined,
  columns: Instruction[],
  conflicts: SchemaConflict[],
): void => {
  for (const property of properties) {
    const existing = table === undefined ? undefined : findColumn(table, property.name);
    if (existing === undefined) columns.push(addColumn(name, property.name, property.column));
    // Some columns are nullable whatever their flag says.
    else if (!sameColumnSpec({ ...existing.spec, nullable: existing.nullable }, property.column))
      conflicts.push(
        conflict(name, property.name, printColumnSpec(existing.spec), printColumnSpec(property.column)),
      );
  }
};
