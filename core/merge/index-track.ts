/**
 * One side of a merge: the instructions of all its changesets in one row, to be rewritten in place.
 *
 * What decides most often is kept beside them in columns of numbers: the merge goes through the instructions
 * in the order of their objects, and to read them again and again in that order costs more than to merge
 * them.
 */
import { type Changeset, isOlder } from '../model/changeset.js';
import type { Instruction } from '../model/instruction.js';
import type { Payload } from '../model/value.js';
import { collectionOf } from './shared.js';

/** Sorts of instructions. `WRITE` sets a property to a scalar value that is not a default. */
export const OTHER = 0;
export const WRITE = 1;
export const CREATION = 2;
export const ERASURE = 3;

/** Numbers for names, from 0; the same for both sides of a merge. */
export class Names {
  readonly #numbers = new Map<string, number>();

  get size(): number {
    return this.#numbers.size;
  }

  numberOf(name: string): number {
    let number = this.#numbers.get(name);
    if (number === undefined) {
      number = this.#numbers.size;
      this.#numbers.set(name, number);
    }
    return number;
  }
}

/** Whether the rules look at more than whether a value is a number. */
export const isDeciding = (value: Payload): boolean =>
  typeof value === 'object' &&
  value !== null &&
  (value.type === 'objectValue' || collectionOf(value) !== null);

const sortOf = (instruction: Instruction): number => {
  switch (instruction.kind) {
    case 'Update': {
      const { path, isDefault, value } = instruction;
      return path.length === 0 && !isDefault && !isDeciding(value) ? WRITE : OTHER;
    }
    case 'CreateObject':
      return CREATION;
    case 'EraseObject':
      return ERASURE;
    default:
      return OTHER;
  }
};

export class Track {
  readonly changesets: readonly Changeset[];
  /** In order. Null where an instruction has been discarded. */
  readonly instructions: (Instruction | null)[];
  /** The position of each instruction's changeset. */
  readonly owner: Int32Array;
  /** Of each instruction as it was at first. */
  readonly sorts: Uint8Array;
  /** The number of the property, if it names one. */
  readonly fields: Int32Array;
  /** By changeset: its timestamp, and 1 where an instruction has been changed. */
  readonly #times: Float64Array;
  readonly #changed: Uint8Array;
  /** Whether classes or properties are erased. */
  readonly erasesSchema: boolean;

  constructor(changesets: readonly Changeset[], names: Names) {
    let length = 0;
    for (const { instructions } of changesets) length += instructions.length;
    this.changesets = changesets;
    this.instructions = new Array<Instruction | null>(length);
    this.owner = new Int32Array(length);
    this.sorts = new Uint8Array(length);
    this.fields = new Int32Array(length);
    this.#times = new Float64Array(changesets.length);
    this.#changed = new Uint8Array(changesets.length);
    let erases = false;
    let name: string | null = null;
    let number = 0;
    let k = 0;
    for (let c = 0; c < changesets.length; c++) {
      const { instructions, timestamp } = changesets[c] as Changeset;
      this.#times[c] = timestamp;
      for (let i = 0; i < instructions.length; i++) {
        const instruction = instructions[i] as Instruction;
        this.instructions[k] = instruction;
        this.owner[k] = c;
        this.sorts[k] = sortOf(instruction);
        if ('field' in instruction) {
          // Neighbours often name the same property.
          if (instruction.field !== name) {
            name = instruction.field;
            number = names.numberOf(name);
          }
          this.fields[k] = number;
        }
        const { kind } = instruction;
        if (kind === 'EraseTable' || kind === 'EraseColumn') erases = true;
        k++;
      }
    }
    this.erasesSchema = erases;
  }

  /** Whether an instruction is older than one of the other side. */
  isOlder(k: number, other: Track, j: number): boolean {
    const own = this.owner[k] as number;
    const others = other.owner[j] as number;
    const time = this.#times[own] as number;
    const otherTime = other.#times[others] as number;
    if (time !== otherTime) return time < otherTime;
    return isOlder(this.changesets[own] as Changeset, other.changesets[others] as Changeset);
  }

  replace(k: number, instruction: Instruction | null): void {
    this.instructions[k] = instruction;
    this.#changed[this.owner[k] as number] = 1;
  }

  /** The changesets as they are now; the same reference where nothing was replaced. */
  result(): readonly Changeset[] {
    if (!this.#changed.includes(1)) return this.changesets;
    const result = this.changesets.slice();
    let k = 0;
    for (let c = 0; c < this.changesets.length; c++) {
      const changeset = this.changesets[c] as Changeset;
      const end = k + changeset.instructions.length;
      if (this.#changed[c] === 0) {
        k = end;
        continue;
      }
      const first = this.instructions[k] ?? null;
      // An array that grows takes room for many, and most changesets have one instruction.
      const instructions: Instruction[] = first === null ? [] : [first];
      for (k++; k < end; k++) {
        const instruction = this.instructions[k] ?? null;
        if (instruction !== null) instructions.push(instruction);
      }
      result[c] = { ...changeset, instructions };
    }
    return result;
  }
}
