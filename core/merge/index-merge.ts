/**
 * A merge that compares only what can meet.
 *
 * Instructions are named by their positions, those of the left *rows*, those of the right *columns*: the
 * merge is a table of pairs, most of which no rule relates. It is cut into smaller and smaller tables that
 * have nothing to do with each other, by object (`index-objects.ts`), property, key and list element
 * (`index-places.ts`, `index-lists.ts`), and what is left is compared here pair by pair. A discarded
 * instruction is not met again, so that slots in which the last writer wins cost no more than their writes.
 *
 * Cutting is right because a pair depends on nothing but the pairs before it in its row and in its column:
 * tables without common rows and columns can be taken in any order, and so can the blocks of one table, row
 * by row or column by column.
 *
 * Source: merge-semantics, sections 5.3 and 5.4.
 */
import type { Instruction } from '../model/instruction.js';
import { stampsOf } from './index-stamps.js';
import type { Names, Track } from './index-track.js';
import { mergePair } from './merge-pair.js';
import { unchanged } from './outcome.js';
import type { Context, RuleSet } from './rule.js';

/** Positions of instructions in the track of their side, in ascending order. */
export type Positions = readonly number[];

export class IndexMerge {
  readonly left: Track;
  readonly right: Track;
  readonly rules: RuleSet;
  /** Tables of at most so many pairs are not cut any further. */
  readonly fewPairs: number;
  /** Whether a rule reported a problem: then the merge has stopped, and what is in the tracks is void. */
  failed = false;
  readonly #context: Context;
  readonly #names: Names;
  #chains: Chains | null = null;
  #stamps: { readonly left: Int32Array; readonly right: Int32Array } | null = null;

  constructor(left: Track, right: Track, names: Names, rules: RuleSet, context: Context, fewPairs: number) {
    this.left = left;
    this.right = right;
    this.rules = rules;
    this.#names = names;
    this.fewPairs = fewPairs;
    this.#context = context;
  }

  /** Ranks of the changesets of both sides in one order of age. */
  get stamps(): { readonly left: Int32Array; readonly right: Int32Array } {
    this.#stamps ??= stampsOf(this.left.changesets, this.right.changesets);
    return this.#stamps;
  }

  /** Of columns, by property. Empty between uses. */
  get chains(): Chains {
    this.#chains ??= new Chains(this.#names.size, this.right.instructions.length);
    return this.#chains;
  }

  isSmall(rows: Positions, columns: Positions): boolean {
    return rows.length * columns.length <= this.fewPairs;
  }

  /** Merges two instructions that have not been discarded. */
  meet(row: number, column: number): void {
    const left = this.left.instructions[row] as Instruction;
    const right = this.right.instructions[column] as Instruction;
    const leftIsNewer = !this.left.isOlder(row, this.right, column);
    const { rules } = this;
    const outcome = mergePair(left, right, leftIsNewer, rules, this.#context);
    if (outcome === unchanged) return;
    if (outcome.problem !== null) {
      this.failed = true;
      return;
    }
    const { first, second } = outcome;
    if (first !== 'stays' && first !== left) this.left.replace(row, first === 'goes' ? null : first);
    if (second !== 'stays' && second !== right) this.right.replace(column, second === 'goes' ? null : second);
  }

  /** Merges all pairs of a table, of which nothing has been discarded yet. */
  meetAll(rows: Positions, columns: Positions): void {
    const { left, right } = this;
    const alive = columns.slice();
    // The columns from `start` on may still be there.
    let start = 0;
    for (let r = 0; r < rows.length; r++) {
      const row = rows[r] as number;
      let end = start;
      let kept = start;
      while (end < alive.length && left.instructions[row] !== null) {
        const column = alive[end++] as number;
        this.meet(row, column);
        if (this.failed) return;
        if (right.instructions[column] !== null) alive[kept++] = column;
      }
      // Close the gap from the left: whoever comes far has usually discarded what it met.
      const next = end - (kept - start);
      while (kept > start) alive[--end] = alive[--kept] as number;
      start = next;
    }
  }
}

/** Chains of positions, one for each number of a name. */
export class Chains {
  /** -1 where a chain ends. */
  readonly first: Int32Array;
  readonly next: Int32Array;

  constructor(names: number, positions: number) {
    this.first = new Int32Array(names).fill(-1);
    this.next = new Int32Array(positions);
  }
}
