/**
 * One side of a merge: the instructions of all its changesets in one row, to be rewritten in place.
 */
import type { Changeset } from '../model/changeset.js';
import type { Instruction } from '../model/instruction.js';

export class Track {
  readonly changesets: readonly Changeset[];
  /** In order. Null where an instruction has been discarded. */
  readonly instructions: (Instruction | null)[];
  /** The position of each instruction's changeset. */
  readonly owner: Int32Array;
  /** By changeset: 1 where an instruction has been changed. */
  readonly #changed: Uint8Array;
  /** Whether classes or properties are erased. */
  readonly erasesSchema: boolean;

  constructor(changesets: readonly Changeset[]) {
    let length = 0;
    for (const { instructions } of changesets) length += instructions.length;
    this.changesets = changesets;
    this.instructions = new Array<Instruction | null>(length);
    this.owner = new Int32Array(length);
    this.#changed = new Uint8Array(changesets.length);
    let erases = false;
    let k = 0;
    for (let c = 0; c < changesets.length; c++) {
      const { instructions } = changesets[c] as Changeset;
      for (let i = 0; i < instructions.length; i++) {
        const instruction = instructions[i] as Instruction;
        this.instructions[k] = instruction;
        this.owner[k++] = c;
        const { kind } = instruction;
        if (kind === 'EraseTable' || kind === 'EraseColumn') erases = true;
      }
    }
    this.erasesSchema = erases;
  }

  changesetOf(k: number): Changeset {
    return this.changesets[this.owner[k] as number] as Changeset;
  }

  replace(k: number, instruction: Instruction | null): void {
    this.instructions[k] = instruction;
    this.#changed[this.owner[k] as number] = 1;
  }

  /** The changesets as they are now; the same reference where nothing was replaced. */
  result(): readonly Changeset[] {
    if (!this.#changed.includes(1)) return this.changesets;
    const result: Changeset[] = [];
    let k = 0;
    for (let c = 0; c < this.changesets.length; c++) {
      const changeset = this.changesets[c] as Changeset;
      const end = k + changeset.instructions.length;
      if (this.#changed[c] === 0) {
        result.push(changeset);
        k = end;
        continue;
      }
      const instructions: Instruction[] = [];
      for (; k < end; k++) {
        const instruction = this.instructions[k] as Instruction | null;
        if (instruction !== null) instructions.push(instruction);
      }
      result.push({ ...changeset, instructions });
    }
    return result;
  }
}
