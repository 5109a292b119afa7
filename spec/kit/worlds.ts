/**
 * Worlds: random schemas and states over the small alphabet.
 */
import { edit } from '../../core/model/apply.js';
import { addColumn, addTable, type Instruction } from '../../core/model/instruction.js';
import type { ColumnSpec, TableSpec } from '../../core/model/schema.js';
import { emptyState, type State } from '../../core/model/state.js';
import { columnSpecs, coreColumns, keyedTables, tableSpecs } from './alphabet.js';
import { once, pick, type Random } from './random.js';
import { randomInstructions, type ValidOptions } from './valid.js';

export interface WorldOptions extends ValidOptions {
  /** Names of columns to choose from; by default `coreColumns`. */
  readonly columns?: readonly string[];
  /** Classes besides `A`, `B` and `E`, which are always there. */
  readonly tables?: readonly string[];
  /** Columns of each class at most; by default 5. */
  readonly columnsPerTable?: number;
  /** Instructions after the schema; by default 20. */
  readonly steps?: number;
}

/** The instructions of a random schema, which can be applied to the empty state. */
export const randomSchema = (random: Random, options: WorldOptions = {}): Instruction[] => {
  const columns = options.columns ?? coreColumns;
  const tables = [...new Set(['A', 'B', ...(options.tables ?? []), 'E'])];
  const specOf = (name: string) => tableSpecs.get(name) ?? keyedTables.get(name);
  const out: Instruction[] = tables.map((name) => addTable(name, specOf(name) as TableSpec));
  for (const table of tables) {
    const count = 1 + random.int(options.columnsPerTable ?? 5);
    const chosen = new Set<string>();
    for (let i = 0; i < count; i++) chosen.add(pick(random, columns));
    for (const field of chosen) out.push(addColumn(table, field, columnSpecs.get(field) as ColumnSpec));
  }
  return out;
};

/** A schema with every column there is, in every class. */
export const wholeSchema = (): Instruction[] => [
  ...[...tableSpecs].map(([name, spec]) => addTable(name, spec)),
  ...[...tableSpecs.keys()].flatMap((table) =>
    [...columnSpecs].map(([field, spec]) => addColumn(table, field, spec)),
  ),
];

/** The state that `instructions` build from nothing. Throws where one cannot be applied. */
export const build = (instructions: Iterable<Instruction>, from: State = emptyState): State => {
  const draft = edit(from);
  for (const instruction of instructions) {
    const error = draft.apply(instruction);
    if (error !== null) throw new Error(error.message);
  }
  return draft.finish();
};

/** A random schema with random contents. */
export const randomWorld = (random: Random, options: WorldOptions = {}): State => {
  const schema =
    once(random, 8) && options.columns === undefined ? wholeSchema() : randomSchema(random, options);
  return randomInstructions(random, build(schema), options.steps ?? 20, options).state;
};
