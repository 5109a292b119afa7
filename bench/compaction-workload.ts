/**
 * Seeded workloads of compaction: what devices wrote over a long time, in terms that every engine
 * understands, one transaction after the other.
 */
import { type Random, seeded } from '../spec/kit/random.js';

export type Value = string | number | boolean;

export type Write =
  | { readonly kind: 'create' | 'erase'; readonly object: number }
  | { readonly kind: 'set'; readonly object: number; readonly field: number; readonly value: Value }
  | {
      readonly kind: 'insert' | 'replace';
      readonly object: number;
      readonly index: number;
      readonly value: string;
    }
  | { readonly kind: 'remove'; readonly object: number; readonly index: number }
  /** `to` is the index after the move. */
  | { readonly kind: 'move'; readonly object: number; readonly index: number; readonly to: number };

export type Transaction = readonly Write[];

export interface Workload {
  readonly name: string;
  readonly objects: number;
  /** How many there are; a later one is made only when it is asked for, for some histories are long. */
  readonly transactions: number;
  all(): Iterable<Transaction>;
}

/** Properties, and what is in them: a title, an integer, a number with a fraction, a boolean, a name. */
export const fields = ['title', 'priority', 'progress', 'done', 'assignee'] as const;

const valueFor = (field: number, random: Random): Value => {
  switch (field) {
    case 0:
      return `task ${random.int(100_000)}`;
    case 1:
      return random.int(1000);
    case 2:
      return random.int(1000) / 8;
    case 3:
      return random.int(2) === 0;
    default:
      return `user${random.int(200)}`;
  }
};

/** Ranks from 0 to n - 1, the chance of each proportional to 1 / (rank + 1). */
const zipf = (n: number): ((random: Random) => number) => {
  const sums = new Float64Array(n);
  let sum = 0;
  for (let i = 0; i < n; i++) {
    sum += 1 / (i + 1);
    sums[i] = sum;
  }
  return (random) => {
    const at = (random.int(2 ** 30) / 2 ** 30) * sum;
    let low = 0;
    let high = n - 1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((sums[middle] as number) <= at) low = middle + 1;
      else high = middle;
    }
    return low;
  };
};

/**
 * Updates of one property each, ten to a transaction. How often an object is chosen follows Zipf's law, and
 * once in twenty times it is erased and created again before it is written to.
 */
export const overwrites = (name: string, updates: number, objects: number): Workload => ({
  name,
  objects,
  transactions: updates / 10,
  *all() {
    const random = seeded(20);
    const chosen = zipf(objects);
    const exists = new Uint8Array(objects);
    for (let made = 0; made < updates; made += 10) {
      const writes: Write[] = [];
      for (let i = 0; i < 10; i++) {
        const object = chosen(random);
        if (exists[object] === 0) writes.push({ kind: 'create', object });
        else if (random.int(20) === 0) writes.push({ kind: 'erase', object }, { kind: 'create', object });
        exists[object] = 1;
        const field = random.int(fields.length);
        writes.push({ kind: 'set', object, field, value: valueFor(field, random) });
      }
      yield writes;
    }
  },
});

/** Edits of lists, one list to an object, ten edits to a transaction; once in a hundred times an object is erased. */
export const listEdits = (name: string, edits: number, objects: number): Workload => ({
  name,
  objects,
  transactions: edits / 10,
  *all() {
    const random = seeded(21);
    const sizes = new Int32Array(objects).fill(-1);
    const tag = (): string => `tag ${random.int(50)}`;
    for (let made = 0; made < edits; made += 10) {
      const writes: Write[] = [];
      for (let i = 0; i < 10; i++) {
        const object = random.int(objects);
        const size = sizes[object] as number;
        const index = size > 0 ? random.int(size) : 0;
        const choice = random.int(10);
        if (size < 0) {
          writes.push({ kind: 'create', object });
          sizes[object] = 0;
        } else if (random.int(100) === 0) {
          writes.push({ kind: 'erase', object });
          sizes[object] = -1;
        } else if (choice < 4 || size < 2) {
          writes.push({ kind: 'insert', object, index, value: tag() });
          sizes[object] = size + 1;
        } else if (choice < 7) writes.push({ kind: 'replace', object, index, value: tag() });
        else if (choice < 8) writes.push({ kind: 'move', object, index, to: (index + 1) % size });
        else {
          writes.push({ kind: 'remove', object, index });
          sizes[object] = size - 1;
        }
      }
      yield writes;
    }
  },
});

/** The main one; the same ten times as long; and lists. */
export const workloads = (smoke: boolean): readonly [Workload, Workload, Workload] => {
  const [updates, objects, edits, owners] = smoke ? [2000, 50, 500, 10] : [1_000_000, 10_000, 100_000, 1000];
  return [
    overwrites('overwrites', updates, objects),
    overwrites('overwrites-tenfold', 10 * updates, objects),
    listEdits('list-edits', edits, owners),
  ];
};
