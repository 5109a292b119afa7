/**
 * The histories that compaction is measured on, as a server would hold them: causally increasing times, a
 * few devices, and version after version. Seeded, so that every run and every subject meets the same.
 */

import type { Changeset } from '../core/model/changeset.js';
import { encodeChangeset } from '../core/model/codec.js';
import {
  addColumn,
  addTable,
  arrayErase,
  arrayInsert,
  arrayMove,
  createObject,
  eraseObject,
  type Instruction,
  update,
  updateElement,
} from '../core/model/instruction.js';
import { type Key, objectIdKey } from '../core/model/key.js';
import type { CollectionType, ElementType } from '../core/model/schema.js';
import type { Value } from '../core/model/value.js';
import { type Random, seeded } from '../spec/kit/random.js';

export const TABLE = 'Task';
export const FIELDS = ['title', 'priority', 'progress', 'done', 'assignee'] as const;
const LIST = 'tags';
const DEVICES = 16;
const START = 1_700_000_000_000;

export interface OverwriteShape {
  readonly updates: number;
  readonly objects: number;
  readonly changesets: number;
}

const column = (field: string, type: ElementType, collection: CollectionType = 'single'): Instruction =>
  addColumn(TABLE, field, { type, nullable: false, collection, target: null });

const schema: readonly Instruction[] = [
  addTable(TABLE, {
    type: 'topLevel',
    primaryKey: { name: '_id', type: 'objectId', nullable: false },
    asymmetric: false,
  }),
  column('title', 'string'),
  column('priority', 'int'),
  column('progress', 'double'),
  column('done', 'bool'),
  column('assignee', 'string'),
  column(LIST, 'string', 'list'),
];

/** ObjectIds as drivers make them: seconds, a random part of the process, a counter. */
export const objectKeys = (count: number): Key[] =>
  Array.from({ length: count }, (_, i) => {
    const seconds = (1_600_000_000 + Math.floor(i / 3)).toString(16).padStart(8, '0');
    const process = ['5f1a9c04d2', 'b3370e61aa', '09cc87f512'][i % 3] as string;
    return objectIdKey(seconds + process + (0x31c5a0 + i).toString(16).padStart(6, '0'));
  });

const valueFor = (field: number, random: Random): Value => {
  switch (field) {
    case 0:
      return `task ${random.int(100_000)}`;
    case 1:
      return BigInt(random.int(1000));
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

/** Heads of changesets: the versions of a server, and of the devices that wrote them. */
class Heads {
  private version = 0;
  private timestamp = START;
  private readonly versions = new Array<number>(DEVICES).fill(0);
  private readonly random: Random;

  constructor(random: Random) {
    this.random = random;
  }

  next(): Omit<Changeset, 'instructions'> {
    const device = this.random.int(DEVICES);
    this.timestamp += 1 + this.random.int(1000);
    this.version++;
    // Most downloads between two writes of a device make one version of it.
    const base = (this.versions[device] ?? 0) + 1 + this.random.int(2);
    this.versions[device] = base;
    return { version: this.version, base, timestamp: this.timestamp, origin: 2 + device };
  }
}

/**
 * Overwrites: each object's popularity follows Zipf's law, and in one case of twenty the object is erased and
 * created again before the update. Calls `each` with one changeset after the other.
 */
export const overwrites = (shape: OverwriteShape, each: (changeset: Changeset) => void): void => {
  const random = seeded(20);
  const heads = new Heads(random);
  const keys = objectKeys(shape.objects);
  const chosen = zipf(shape.objects);
  const exists = new Uint8Array(shape.objects);
  let made = 0;
  for (let c = 0; c < shape.changesets; c++) {
    const instructions: Instruction[] = c === 0 ? [...schema] : [];
    const end = Math.floor(((c + 1) * shape.updates) / shape.changesets);
    for (; made < end; made++) {
      const object = chosen(random);
      const key = keys[object] as Key;
      if (exists[object] === 0) instructions.push(createObject(TABLE, key));
      else if (random.int(20) === 0) instructions.push(eraseObject(TABLE, key), createObject(TABLE, key));
      exists[object] = 1;
      const field = random.int(FIELDS.length);
      instructions.push(update(TABLE, key, FIELDS[field] as string, [], valueFor(field, random)));
    }
    each({ ...heads.next(), instructions });
  }
};

/** Edits of lists: insertions, updates of elements, moves and erasures, ten to a changeset; now and then an object is erased. */
export const listEdits = (count: number, objects: number, each: (changeset: Changeset) => void): void => {
  const random = seeded(21);
  const heads = new Heads(random);
  const keys = objectKeys(objects);
  const sizes = new Int32Array(objects).fill(-1);
  let made = 0;
  for (let c = 0; made < count; c++) {
    const instructions: Instruction[] = c === 0 ? [...schema] : [];
    for (let i = 0; i < 10 && made < count; i++, made++) {
      const object = random.int(objects);
      const key = keys[object] as Key;
      const size = sizes[object] as number;
      if (size < 0) {
        instructions.push(createObject(TABLE, key));
        sizes[object] = 0;
      } else if (random.int(100) === 0) {
        instructions.push(eraseObject(TABLE, key));
        sizes[object] = -1;
      } else {
        const choice = random.int(10);
        const at = size === 0 ? 0 : random.int(size);
        if (choice < 4 || size < 2) {
          instructions.push(arrayInsert(TABLE, key, LIST, [at], `tag ${random.int(50)}`, size));
          sizes[object] = size + 1;
        } else if (choice < 7)
          instructions.push(updateElement(TABLE, key, LIST, [at], `tag ${random.int(50)}`, size));
        else if (choice < 8) {
          const to = (at + 1) % size;
          instructions.push(arrayMove(TABLE, key, LIST, [at], to, size));
        } else {
          instructions.push(arrayErase(TABLE, key, LIST, [at], size));
          sizes[object] = size - 1;
        }
      }
    }
    each({ ...heads.next(), instructions });
  }
};

export const encoded = (make: (each: (changeset: Changeset) => void) => void): Uint8Array[] => {
  const out: Uint8Array[] = [];
  make((changeset) => out.push(encodeChangeset(changeset)));
  return out;
};
