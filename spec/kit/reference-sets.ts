/**
 * The reference's sets of floats and doubles that hold a NaN.
 *
 * It keeps a set as a sorted array and looks members up by bisection. A NaN is neither less nor greater than
 * anything, so that one in the array misleads the search: members may not be found, and then erasing them
 * does nothing and inserting them doubles them. Which ones depends on the whole history of the set. Our
 * states do not reproduce that; this twin does, for properties of top-level objects.
 */
import type { Instruction, SetErase, SetInsert } from '../../core/model/instruction.js';
import type { Key } from '../../core/model/key.js';
import { printValue } from '../../core/model/notation.js';
import { floatToNumber, type Payload, type Value } from '../../core/model/value.js';
import { propertyLine, setText } from './vectors.js';

interface Twin {
  readonly table: string;
  readonly object: Key;
  readonly field: string;
  readonly members: Value[];
  hadNaN: boolean;
}

const nameOf = (table: string, field: string): string => JSON.stringify([table, field]);

/** Null comes before all numbers. */
const numberOf = (value: Payload): number | null => {
  if (value === null || typeof value === 'number') return value;
  return typeof value === 'object' && value.type === 'float' ? floatToNumber(value) : Number.NaN;
};

const isLess = (a: number | null, b: number | null): boolean => b !== null && (a === null || a < b);

export class ReferenceSets {
  private twins: Twin[] = [];
  /** Columns that are sets of floats or doubles. Sets of mixed values order NaNs, and never go astray. */
  private readonly columns = new Set<string>();

  /** Follows an instruction that has been applied. */
  apply(instruction: Instruction): void {
    switch (instruction.kind) {
      case 'AddColumn': {
        const { table, field, column } = instruction;
        const isTwin = column.collection === 'set' && (column.type === 'float' || column.type === 'double');
        if (isTwin) this.columns.add(nameOf(table, field));
        else this.columns.delete(nameOf(table, field));
        break;
      }
      case 'SetInsert':
      case 'SetErase':
        if (instruction.path.length === 0) this.write(instruction);
        break;
      case 'Clear':
        if (instruction.path.length === 0) this.forget(instruction);
        break;
      case 'EraseObject':
      case 'EraseColumn':
      case 'EraseTable':
        this.forget(instruction);
    }
  }

  /** The lines of contents, with those of the misled sets as the reference has them. */
  corrected(contents: readonly string[]): readonly string[] {
    const lines = [...contents];
    for (const { table, object, field, members, hadNaN } of this.twins) {
      const at = lines.findIndex((line) => line.startsWith(propertyLine(table, object, field, '')));
      if (hadNaN && at >= 0) lines[at] = propertyLine(table, object, field, setText(members.map(printValue)));
    }
    return lines.sort();
  }

  private write({ kind, table, object, field, value }: SetInsert | SetErase): void {
    if (!this.columns.has(nameOf(table, field))) return;
    const number = numberOf(value);
    let twin = this.twins.find((each) => isPart(each, { table, object, field }));
    if (twin === undefined) {
      twin = { table, object, field, members: [], hadNaN: false };
      this.twins.push(twin);
    }
    if (Number.isNaN(number)) twin.hadNaN = true;
    const { members } = twin;
    const at = lowerBound(members, number);
    const found = at < members.length && numberOf(members[at] as Value) === number;
    if (kind === 'SetErase' && found) members.splice(at, 1);
    if (kind === 'SetInsert' && !found) members.splice(at, 0, value as Value);
  }

  private forget(whole: Whole): void {
    this.twins = this.twins.filter((twin) => !isPart(twin, whole));
  }
}

/** A class, a column, an object or a property. */
interface Whole {
  readonly table: string;
  readonly object?: Key;
  readonly field?: string;
}

const isPart = (twin: Twin, { table, object, field }: Whole): boolean =>
  twin.table === table &&
  (object === undefined || twin.object === object) &&
  (field === undefined || twin.field === field);

/** As `std::lower_bound`: the first position whose member is not less, if the members were in order. */
const lowerBound = (members: readonly Value[], number: number | null): number => {
  let first = 0;
  let count = members.length;
  while (count > 0) {
    const half = count >> 1;
    if (isLess(numberOf(members[first + half] as Value), number)) {
      first += half + 1;
      count -= half + 1;
    } else count = half;
  }
  return first;
};
