/**
 * Seeded workloads of the merge: what two replicas write without seeing each other, in terms that every
 * engine understands.
 *
 * Both start from one state: objects that exist, all their properties null, or one list of `list` integers.
 * Times interleave: the k-th transaction of the left is older than the k-th of the right, and newer than
 * the one before.
 */
import { type Random, seeded } from '../spec/kit/random.js';

export type Write =
  | { readonly kind: 'set'; readonly object: number; readonly field: number; readonly value: number }
  /** Creates an object and sets its first property. */
  | { readonly kind: 'create'; readonly object: number; readonly value: number }
  | { readonly kind: 'insert'; readonly index: number; readonly value: number }
  | { readonly kind: 'erase'; readonly index: number }
  /** `to` is the index after the move. */
  | { readonly kind: 'move'; readonly index: number; readonly to: number };

export type Transaction = readonly Write[];

export interface Workload {
  readonly name: string;
  readonly left: readonly Transaction[];
  readonly right: readonly Transaction[];
  /** Objects that exist at the start: those from 0 up. */
  readonly objects: number;
  readonly fields: number;
  /** Elements of the list at the start: the integers from 0 up. */
  readonly list: number;
  /** Whether it is shown beside peers; the other sizes of a workload are not. */
  readonly withPeers: boolean;
}

export const writesOf = (side: readonly Transaction[]): number =>
  side.reduce((count, writes) => count + writes.length, 0);

const shuffled = (random: Random, count: number): number[] => {
  const order = Array.from({ length: count }, (_, k) => k);
  for (let k = count - 1; k > 0; k--) {
    const other = random.int(k + 1);
    [order[k], order[other]] = [order[other] as number, order[k] as number];
  }
  return order;
};

/** Each property of the objects from `object` up, once, in random order. */
const everyProperty = (seed: number, objects: number, object: number, field: number): Transaction[] => {
  const random = seeded(seed);
  return shuffled(random, objects * 10).map((slot) => [
    {
      kind: 'set',
      object: object + Math.floor(slot / 10),
      field: field + (slot % 10),
      value: random.int(1_000_000),
    },
  ]);
};

/** `objects` objects with ten properties a side, other objects on the two sides. */
const disjoint = (objects: number): Workload => ({
  name: 'merge-disjoint',
  left: everyProperty(1, objects, 0, 0),
  right: everyProperty(2, objects, objects, 0),
  objects: 2 * objects,
  fields: 10,
  list: 0,
  withPeers: true,
});

/** The same objects, other properties. */
const fields = (objects: number): Workload => ({
  name: 'merge-fields',
  left: everyProperty(3, objects, 0, 0),
  right: everyProperty(4, objects, 0, 10),
  objects,
  fields: 20,
  list: 0,
  withPeers: true,
});

/** `writes` a side on ten properties of 100 objects; the k-th property is written 1/k times as often as the first. */
const conflicting = (writes: number): Workload => {
  const slots = shuffled(seeded(5), 1000);
  const sums: number[] = [];
  let sum = 0;
  for (let k = 1; k <= slots.length; k++) {
    sum += 1 / k;
    sums.push(sum);
  }
  const side = (seed: number): Transaction[] => {
    const random = seeded(seed);
    return Array.from({ length: writes }, () => {
      const ticket = (random.int(2 ** 30) / 2 ** 30) * sum;
      let low = 0;
      for (let high = sums.length - 1; low < high; ) {
        const middle = (low + high) >> 1;
        if ((sums[middle] as number) > ticket) high = middle;
        else low = middle + 1;
      }
      const slot = slots[low] as number;
      return [{ kind: 'set', object: Math.floor(slot / 10), field: slot % 10, value: random.int(1_000_000) }];
    });
  };
  return {
    name: 'merge-conflicting',
    left: side(6),
    right: side(7),
    objects: 100,
    fields: 10,
    list: 0,
    withPeers: true,
  };
};

/** Random inserts (60 %) and erasures (40 %) on a list of 100; or 55, 35 and 10 % moves. `main` is the size that goes without saying. */
const onList = (name: string, writes: number, main: number, moves: boolean): Workload => {
  const side = (seed: number): Transaction[] => {
    const random = seeded(seed);
    let size = 100;
    return Array.from({ length: writes }, (): Transaction => {
      const ticket = random.int(100);
      if (moves && ticket >= 90 && size > 1) {
        const index = random.int(size);
        return [{ kind: 'move', index, to: (index + 1 + random.int(size - 1)) % size }];
      }
      if (ticket < (moves ? 55 : 60) || size === 0)
        return [{ kind: 'insert', index: random.int(++size), value: random.int(1_000_000) }];
      return [{ kind: 'erase', index: random.int(size--) }];
    });
  };
  return {
    name: writes === main ? name : `${name}-${writes}`,
    left: side(8),
    right: side(9),
    objects: 1,
    fields: 0,
    list: 100,
    withPeers: writes === main,
  };
};

/** One transaction a side that creates `objects` objects, other keys on the two sides. */
const bulk = (objects: number): Workload => {
  const side = (first: number): Transaction[] => [
    Array.from({ length: objects }, (_, k) => ({ kind: 'create', object: first + k, value: k })),
  ];
  return {
    name: 'merge-bulk',
    left: side(0),
    right: side(objects),
    objects: 0,
    fields: 1,
    list: 0,
    withPeers: true,
  };
};

export const workloads = (smoke: boolean): readonly Workload[] => {
  const [objects, writes, created] = smoke ? [10, 100, 100] : [1000, 10_000, 100_000];
  const lists = smoke ? [40, 60] : [600, 1000, 5000];
  const main = lists.at(-1) as number;
  return [
    disjoint(objects),
    fields(objects),
    conflicting(writes),
    ...lists.map((size) => onList('merge-list', size, main, false)),
    ...lists.map((size) => onList('merge-list-moves', size, main, true)),
    bulk(created),
  ];
};
