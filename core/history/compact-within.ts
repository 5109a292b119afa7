/**
 * Folding within one changeset: two instructions become one, or none. Safe because nobody ever sees the one
 * without the other, and because both have one time, so that no concurrent write comes between them.
 *
 *     A    an AddInteger and a later one at its place: the later takes the sum
 *     UA   an Update with an integer, not a default, and a later AddInteger: the Update takes the sum
 *     IU   an ArrayInsert and a later Update of the new element: the insert takes the value
 *     IE   an ArrayInsert and a later ArrayErase of the new element: both go, with all that is inside it
 *
 * Between the two there must be nothing at their place or around it (A, UA), nothing else on the property
 * (IU), nothing else on the property but what goes and insertions into the same list (IE). The insertions
 * then find one element less, which shifts those behind it.
 *
 * Source: merge-semantics, section 6.6.
 */
import type {
  AddInteger,
  ArrayErase,
  Instruction,
  ObjectInstruction,
  Path,
  PathInstruction,
  Update,
} from '../model/instruction.js';
import { addWrapping } from '../model/value.js';
import { isResetting } from './compact-place.js';

/** So many instructions on the same property are looked back at, lest long changesets cost the square of their length. */
const REACH = 256;

/** Where so few were written, each pair is looked at before anything is set up. */
const FEW = 24;

/** The same reference where there is nothing to fold. O(n). */
export const foldWithin = (instructions: readonly Instruction[]): readonly Instruction[] =>
  mayFold(instructions) ? new Fold(instructions).run() : instructions;

const mayFold = (instructions: readonly Instruction[]): boolean => {
  const { length } = instructions;
  for (let i = 0; i < length; i++) {
    const one = instructions[i] as Instruction;
    if (one.kind !== 'AddInteger' && one.kind !== 'ArrayInsert') continue;
    if (length > FEW) return true;
    for (let j = 0; j < length; j++) {
      const other = instructions[j] as Instruction;
      if (i === j || !('path' in other)) continue;
      if (other.object === one.object && other.field === one.field && other.table === one.table) return true;
    }
  }
  return false;
};

const objectOf = ({ table, object }: ObjectInstruction): string => `${table.length}:${table}${object}`;

class Fold {
  private readonly instructions: readonly Instruction[];
  /** What has become of the instructions so far; null for those that went. */
  private readonly slots: (Instruction | null)[];
  /** By object and property, the positions of what is left on it. */
  private readonly trails = new Map<string, Map<string, number[]>>();
  private isChanged = false;

  constructor(instructions: readonly Instruction[]) {
    this.instructions = instructions;
    this.slots = instructions.slice();
  }

  run(): readonly Instruction[] {
    this.instructions.forEach((instruction, at) => {
      if ('path' in instruction) this.pass(instruction, at);
      // Nothing is folded across the ends of lives, nor across changes of the schema.
      else if ('object' in instruction) this.trails.delete(objectOf(instruction));
      else this.trails.clear();
    });
    return this.isChanged ? this.slots.filter((slot) => slot !== null) : this.instructions;
  }

  private pass(instruction: PathInstruction, at: number): void {
    const object = objectOf(instruction);
    const trails = this.trails.get(object) ?? new Map<string, number[]>();
    const trail = trails.get(instruction.field) ?? [];
    if (trail.length === 0) this.trails.set(object, trails.set(instruction.field, trail));
    const folded =
      (instruction.kind === 'AddInteger' && this.foldAddition(instruction, at, trail)) ||
      (instruction.kind === 'Update' && this.foldUpdate(instruction, at, trail)) ||
      (instruction.kind === 'ArrayErase' && this.foldErase(instruction, at, trail));
    if (folded) this.isChanged = true;
    else trail.push(at);
  }

  /** A and UA. */
  private foldAddition(add: AddInteger, at: number, trail: number[]): boolean {
    const end = Math.max(0, trail.length - REACH);
    for (let t = trail.length - 1; t >= end; t--) {
      const position = trail[t] as number;
      const before = this.slots[position] as PathInstruction;
      if (isApart(before, add)) continue;
      if (before.path.length !== add.path.length) return false;
      if (before.kind === 'AddInteger') {
        this.slots[position] = null;
        this.slots[at] = { ...add, value: addWrapping(before.value, add.value) };
        trail.splice(t, 1);
        trail.push(at);
        return true;
      }
      if (before.kind !== 'Update' || before.isDefault || typeof before.value !== 'bigint') return false;
      this.slots[position] = { ...before, value: addWrapping(before.value, add.value) };
      this.slots[at] = null;
      return true;
    }
    return false;
  }

  /** IU. */
  private foldUpdate(update: Update, at: number, trail: readonly number[]): boolean {
    const position = trail[trail.length - 1];
    if (position === undefined) return false;
    const before = this.slots[position] as PathInstruction;
    if (before.kind !== 'ArrayInsert' || before.path.length !== update.path.length) return false;
    if (!startsWith(before.path, update.path, update.path.length) || !isResetting(update.value)) return false;
    this.slots[position] = { ...before, value: update.value };
    this.slots[at] = null;
    return true;
  }

  /** IE. */
  private foldErase(erase: ArrayErase, at: number, trail: number[]): boolean {
    const depth = erase.path.length - 1;
    const end = Math.max(0, trail.length - REACH);
    let first = trail.length;
    // Back to the insertion of the element. `index` is where it is, behind the instruction that is looked at.
    let index = erase.path[depth] as number;
    for (;;) {
      if (--first < end) return false;
      const before = this.slots[trail[first] as number] as PathInstruction;
      if (!startsWith(before.path, erase.path, depth)) return false;
      const isInsert = before.kind === 'ArrayInsert' && before.path.length === depth + 1;
      if (before.path[depth] === index) {
        if (isInsert) break;
        if (before.path.length > depth + 1 || before.kind === 'Update' || before.kind === 'Clear') continue;
        return false;
      }
      if (!isInsert) return false;
      if ((before.path[depth] as number) < index) index--;
    }
    const rest: number[] = [];
    for (let t = first + 1; t < trail.length; t++) {
      const position = trail[t] as number;
      const between = this.slots[position] as PathInstruction;
      if (between.kind !== 'ArrayInsert' || between.path.length > depth + 1) {
        this.slots[position] = null;
        continue;
      }
      const inserted = between.path[depth] as number;
      const path = inserted > index ? [...between.path.slice(0, depth), inserted - 1] : between.path;
      this.slots[position] = { ...between, path, priorSize: between.priorSize - 1 };
      if (inserted <= index) index++;
      rest.push(position);
    }
    this.slots[trail[first] as number] = null;
    this.slots[at] = null;
    trail.splice(first, trail.length - first, ...rest);
    return true;
  }
}

const startsWith = (path: Path, prefix: Path, length: number): boolean => {
  if (path.length < length) return false;
  for (let i = 0; i < length; i++) if (path[i] !== prefix[i]) return false;
  return true;
};

/** Neither is at, around or inside the other's place, nor moves it about. */
const isApart = (before: PathInstruction, add: AddInteger): boolean => {
  const { kind, path } = before;
  const isOnList = kind === 'ArrayInsert' || kind === 'ArrayMove' || kind === 'ArrayErase';
  const length = Math.min(isOnList ? path.length - 1 : path.length, add.path.length);
  return !startsWith(path, add.path, length);
};
