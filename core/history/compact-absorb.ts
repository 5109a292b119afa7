/**
 * The backward pass of compaction over readable changesets: which instructions later ones have made
 * superfluous. The rules are in `compact-place.ts`.
 *
 * A pass can be taken in pieces, the newest first: what it has learnt of later changesets serves for all
 * earlier ones. That is how a server compacts a long history without holding anybody up.
 */
import type { ColumnLookup } from '../merge/rule.js';
import type { Changeset } from '../model/changeset.js';
import { type Instruction, isPathInstruction } from '../model/instruction.js';
import type { Key } from '../model/key.js';
import { type ColumnSpec, sameColumnSpec } from '../model/schema.js';
import { keepsCreate, keepsErase, keepsPath, ObjectTrack, type Stamp } from './compact-place.js';

class TableTrack {
  readonly fields = new Map<string, number>();
  readonly objects = new Map<Key, ObjectTrack>();

  object(key: Key): ObjectTrack {
    let track = this.objects.get(key);
    if (track === undefined) {
      track = new ObjectTrack();
      this.objects.set(key, track);
    }
    return track;
  }

  field(name: string): number {
    let number = this.fields.get(name);
    if (number === undefined) {
      number = this.fields.size;
      this.fields.set(name, number);
    }
    return number;
  }
}

/** A pass from the last instruction of a history to the first. */
export class BackwardPass {
  private readonly columns: ColumnLookup;
  private readonly tables = new Map<string, TableTrack>();

  /** `columns` must hold for all that will be seen; see `columnsOfHistory`. */
  constructor(columns: ColumnLookup) {
    this.columns = columns;
  }

  /** Whether the instruction has to stay, that stands right before those asked for until now. */
  keeps(instruction: Instruction, stamp: Stamp): boolean {
    if (!('object' in instruction)) {
      // What was erased from the schema and added again is something else, so nothing reaches across.
      if (instruction.kind === 'EraseTable' || instruction.kind === 'EraseColumn') this.tables.clear();
      return true;
    }
    let table = this.tables.get(instruction.table);
    if (table === undefined) {
      table = new TableTrack();
      this.tables.set(instruction.table, table);
    }
    const track = table.object(instruction.object);
    if (isPathInstruction(instruction))
      return keepsPath(track, table.field(instruction.field), instruction, stamp, this.columns);
    return instruction.kind === 'EraseObject' ? keepsErase(track, stamp) : keepsCreate(track);
  }

  /**
   * What stays of the changeset that stands right before those given until now; the same reference if all
   * of it does.
   */
  reduced(changeset: Changeset): readonly Instruction[] {
    const { instructions } = changeset;
    let kept: Instruction[] | null = null;
    // Behind the first that goes, `kept` collects in reverse.
    for (let i = instructions.length - 1; i >= 0; i--) {
      const instruction = instructions[i] as Instruction;
      if (this.keeps(instruction, changeset)) kept?.push(instruction);
      else kept ??= instructions.slice(i + 1).reverse();
    }
    return kept === null ? instructions : kept.reverse();
  }
}

/**
 * The shape of columns throughout a history: what `known` knows (of the state before or behind it), and what
 * the history adds. Columns that were erased, or added in two shapes, are not known.
 */
export const columnsOfHistory = (history: readonly Changeset[], known: ColumnLookup): ColumnLookup => {
  const added = new Map<string, Map<string, ColumnSpec | null>>();
  const erasedTables = new Set<string>();
  const columnsOf = (table: string): Map<string, ColumnSpec | null> => {
    const columns = added.get(table) ?? new Map<string, ColumnSpec | null>();
    added.set(table, columns);
    return columns;
  };
  for (const { instructions } of history)
    for (const instruction of instructions) {
      if (instruction.kind === 'EraseTable') erasedTables.add(instruction.table);
      else if (instruction.kind === 'EraseColumn') columnsOf(instruction.table).set(instruction.field, null);
      else if (instruction.kind === 'AddColumn') {
        const { table, field, column } = instruction;
        const before = columnsOf(table).get(field);
        const differs = before === null || (before !== undefined && !sameColumnSpec(before, column));
        columnsOf(table).set(field, differs ? null : column);
      }
    }
  return (table, field) => {
    if (erasedTables.has(table)) return null;
    const column = added.get(table)?.get(field);
    return column === undefined ? known(table, field) : column;
  };
};
