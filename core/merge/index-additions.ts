/**
 * Merging the writes of one counter: updates of a scalar slot, and additions to it (U1, U2).
 *
 * Additions do not discard each other, and an update that is older takes up every one of them, so that pair
 * by pair a counter costs the product of its writes. But an update that is carried over many additions needs
 * no more than their sum, and an addition that is carried over many updates no more than to be noted where
 * it starts and where it ends:
 *
 * - Whenever two updates meet, one of them goes. So the right updates that are still there are always the
 *   last ones, and a left instruction can only reach the additions in front of the first of them.
 * - Of those additions, an update discards the older ones and takes up the sum of the others.
 * - A left addition passes right updates until one discards it. It adds to all that it passes.
 *
 * Costs (n + m) log (n + m).
 *
 * Source: merge-semantics, sections 4.4 (U1) and 4.5 (U2).
 */
import type { AddInteger, Update } from '../model/instruction.js';
import { addWrapping } from '../model/value.js';
import type { IndexMerge } from './index-merge.js';
import type { Table } from './index-objects.js';

/**
 * Merges updates of scalar values, none of them at an index, and additions, all on one place, as the rules
 * U1 and U2 have it.
 */
export const mergeCounter = (merge: IndexMerge, { rows, columns }: Table): void => {
  const { left, stamps } = merge;
  const counter = new Counter(merge, columns);
  for (const row of rows) {
    const instruction = left.instructions[row] as Update | AddInteger;
    const stamp = stamps.left[left.owner[row] as number] as number;
    if (instruction.kind === 'AddInteger') {
      if (!counter.carryAddition(instruction.value, stamp)) left.replace(row, null);
      continue;
    }
    const sum = counter.carryUpdate(instruction, stamp);
    if (sum === null) left.replace(row, null);
    else if (sum !== 0n && typeof instruction.value === 'bigint')
      left.replace(row, { ...instruction, value: addWrapping(instruction.value, sum) });
  }
  counter.finish();
};

/** What the right side has written to the counter, while the left side passes. */
class Counter {
  readonly #merge: IndexMerge;
  /** Positions of the right updates. Those before `#first` are gone. */
  readonly #updates: number[] = [];
  #first = 0;
  /** Positions of the right additions before each update, and after the last. */
  readonly #additions: number[][] = [[]];
  /** Of those before the first update that is left, from the oldest up, and the sum of their amounts. */
  readonly #reached: Heap;
  #sum = 0n;
  /** For each update, the stamp that an addition has to exceed in order to pass. */
  readonly #limits: Limits;
  /** Amounts that additions add from one update on, less those that they do not add from it on. */
  readonly #steps: bigint[];

  constructor(merge: IndexMerge, columns: readonly number[]) {
    this.#merge = merge;
    this.#reached = new Heap((column) => this.#stampOf(column));
    for (const column of columns) {
      if (merge.right.instructions[column]?.kind === 'AddInteger') this.#additions.at(-1)?.push(column);
      else {
        this.#updates.push(column);
        this.#additions.push([]);
      }
    }
    this.#limits = new Limits(
      this.#updates.map((column) => {
        const { value, isDefault } = merge.right.instructions[column] as Update;
        if (!takesAdditions(value)) return Number.POSITIVE_INFINITY;
        return isDefault ? -1 : this.#stampOf(column);
      }),
    );
    this.#steps = new Array<bigint>(this.#updates.length + 1).fill(0n);
    this.#reach();
  }

  /** Carries a left update over. Returns what it takes up, or null if it goes. */
  carryUpdate(update: Update, stamp: number): bigint | null {
    const { right } = this.#merge;
    for (;;) {
      this.#discardAdditions(update, stamp);
      if (this.#first === this.#updates.length) return this.#sum;
      const column = this.#updates[this.#first] as number;
      const { isDefault } = right.instructions[column] as Update;
      const goes = isDefault === update.isDefault ? stamp < this.#stampOf(column) : update.isDefault;
      if (goes) return null;
      right.replace(column, null);
      this.#first++;
      this.#reach();
    }
  }

  /** Carries a left addition over. Returns whether it stays. */
  carryAddition(amount: bigint, stamp: number): boolean {
    const end = this.#limits.firstAbove(stamp, this.#first);
    this.#steps[this.#first] = (this.#steps[this.#first] as bigint) + amount;
    this.#steps[end] = (this.#steps[end] as bigint) - amount;
    return end === this.#updates.length;
  }

  /** Lets the updates that are left take up what has been added to them. */
  finish(): void {
    const { right } = this.#merge;
    let sum = 0n;
    this.#updates.forEach((column, k) => {
      sum += this.#steps[k] as bigint;
      const update = right.instructions[column] as Update | null;
      if (update === null || sum === 0n || typeof update.value !== 'bigint') return;
      right.replace(column, { ...update, value: addWrapping(update.value, sum) });
    });
  }

  #stampOf(column: number): number {
    const { right, stamps } = this.#merge;
    return stamps.right[right.owner[column] as number] as number;
  }

  #amountOf(column: number): bigint {
    return (this.#merge.right.instructions[column] as AddInteger).value;
  }

  /** Takes up the additions before the first update that is left. */
  #reach(): void {
    for (const column of this.#additions[this.#first] as number[]) {
      this.#reached.push(column);
      this.#sum += this.#amountOf(column);
    }
  }

  /** Those that an update overwrites: the older ones, or all where its value cannot be added to. */
  #discardAdditions({ value, isDefault }: Update, stamp: number): void {
    const limit = !takesAdditions(value) ? Number.POSITIVE_INFINITY : isDefault ? -1 : stamp;
    while (this.#reached.least < limit) {
      const column = this.#reached.pop();
      this.#sum -= this.#amountOf(column);
      this.#merge.right.replace(column, null);
    }
  }
}

/** Null does, though nothing comes of it. */
const takesAdditions = (value: Update['value']): boolean => typeof value === 'bigint' || value === null;

/** Positions from the lowest rank up. */
class Heap {
  readonly #rankOf: (position: number) => number;
  readonly #positions: number[] = [];

  constructor(rankOf: (position: number) => number) {
    this.#rankOf = rankOf;
  }

  /** The lowest rank; infinite where there is nothing. */
  get least(): number {
    const [first] = this.#positions;
    return first === undefined ? Number.POSITIVE_INFINITY : this.#rankOf(first);
  }

  push(position: number): void {
    const positions = this.#positions;
    const rank = this.#rankOf(position);
    let at = positions.length;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = positions[parent] as number;
      if (this.#rankOf(above) <= rank) break;
      positions[at] = above;
      at = parent;
    }
    positions[at] = position;
  }

  /** Of what is not empty. */
  pop(): number {
    const positions = this.#positions;
    const least = positions[0] as number;
    const moving = positions.pop() as number;
    const end = positions.length;
    if (end === 0) return least;
    const rank = this.#rankOf(moving);
    let at = 0;
    for (let child = 1; child < end; child = 2 * at + 1) {
      if (
        child + 1 < end &&
        this.#rankOf(positions[child + 1] as number) < this.#rankOf(positions[child] as number)
      )
        child++;
      if (this.#rankOf(positions[child] as number) >= rank) break;
      positions[at] = positions[child] as number;
      at = child;
    }
    positions[at] = moving;
    return least;
  }
}

/** A tree of maxima over a sequence of numbers. */
class Limits {
  readonly #count: number;
  readonly #leaves: number;
  readonly #maxima: Float64Array;

  constructor(limits: readonly number[]) {
    this.#count = limits.length;
    let leaves = 1;
    while (leaves < limits.length) leaves *= 2;
    this.#leaves = leaves;
    this.#maxima = new Float64Array(2 * leaves).fill(-1);
    this.#maxima.set(limits, leaves);
    for (let node = leaves - 1; node > 0; node--)
      this.#maxima[node] = Math.max(this.#maxima[2 * node] as number, this.#maxima[2 * node + 1] as number);
  }

  /** The first position from `from` on with a number above `bound`, which is not negative; the end where there is none. */
  firstAbove(bound: number, from: number): number {
    const maxima = this.#maxima;
    if (from === this.#count) return from;
    let node = this.#leaves + from;
    while ((maxima[node] as number) <= bound) {
      // Go on with the next tree to the right.
      while ((node & 1) === 1) node >>= 1;
      if (node === 0) return this.#count;
      node++;
    }
    while (node < this.#leaves) {
      node *= 2;
      if ((maxima[node] as number) <= bound) node++;
    }
    return node - this.#leaves;
  }
}
