/**
 * How fast two replicas that have not seen each other's changes are brought together.
 *
 *     transform          the merge alone, on changesets in memory: instructions of both sides per second
 *     merge and apply    what a replica does with the other's changes, state and all: incoming writes per second
 *     peak heap          of the process while it does so, garbage and all
 *
 * Peers have no merge apart from applying, and are measured in the second sense: all changes in one update
 * (`bulk`), or an update for each transaction. They are installed apart (`bench/peers`), and run in processes
 * of their own on the same writes. All subjects are warm, and nobody collects garbage for them.
 *
 * Floors: `floor-slots` finds the newest write of each property, and nothing else. `floor-pairs` compares
 * bare integers, every pair, with inserts and erasures only.
 *
 * Goals: transform at least 3.2 million instructions per second on merge-disjoint, 3 million on
 * merge-conflicting, 2.9 million on merge-bulk; merge-list in at most 25 milliseconds (400,000 per second),
 * and in at most eight times the time of merge-list-1000.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import * as E from 'fp-ts/lib/Either.js';
import { syncline } from '../core/merge/rule-set.js';
import { type Transformed, transform } from '../core/merge/transform.js';
import { edit } from '../core/model/apply.js';
import type { Changeset } from '../core/model/changeset.js';
import {
  addColumn,
  addTable,
  arrayErase,
  arrayInsert,
  arrayMove,
  createObject,
  type Instruction,
  update,
} from '../core/model/instruction.js';
import { type Key, objectIdKey } from '../core/model/key.js';
import type { CollectionType } from '../core/model/schema.js';
import { emptyState, type State } from '../core/model/state.js';
import { naiveTransform } from '../spec/kit/naive.js';
import { measure, type Row, type Suite, type SuiteOptions } from './suite.js';
import { type Transaction, type Workload, type Write, workloads, writesOf } from './workloads.js';

const TABLE = 'Item';
const LIST = 'list';

/** Each write has a key of its own, as it has when it comes from another device. */
const keyOf = (object: number): Key => objectIdKey(`65a1${object.toString(16).padStart(20, '0')}`);
const fieldNames = Array.from({ length: 20 }, (_, field) => `field${field}`);
const fieldOf = (field: number): string => fieldNames[field] as string;

/** The instructions of one write on a list that has `size` elements. */
const instructionsOf = (write: Write, size: number): Instruction[] => {
  switch (write.kind) {
    case 'set':
      return [update(TABLE, keyOf(write.object), fieldOf(write.field), [], BigInt(write.value))];
    case 'create':
      return [
        createObject(TABLE, keyOf(write.object)),
        update(TABLE, keyOf(write.object), fieldOf(0), [], BigInt(write.value)),
      ];
    case 'insert':
      return [arrayInsert(TABLE, keyOf(0), LIST, [write.index], BigInt(write.value), size)];
    case 'erase':
      return [arrayErase(TABLE, keyOf(0), LIST, [write.index], size)];
    case 'move':
      return [arrayMove(TABLE, keyOf(0), LIST, [write.index], write.to, size)];
  }
};

const changesetsOf = (side: readonly Transaction[], origin: number, list: number): Changeset[] => {
  let size = list;
  return side.map((writes, k) => {
    const instructions = writes.flatMap((write) => {
      const made = instructionsOf(write, size);
      size += write.kind === 'insert' ? 1 : write.kind === 'erase' ? -1 : 0;
      return made;
    });
    return { version: k + 1, base: 0, timestamp: 1_700_000_000_000 + k, origin, instructions };
  });
};

const column = (field: string, collection: CollectionType): Instruction =>
  addColumn(TABLE, field, { type: 'int', nullable: true, collection, target: null });

const baseOf = ({ objects, list }: Workload): State => {
  const draft = edit(emptyState);
  const primaryKey = { name: '_id', type: 'objectId', nullable: false } as const;
  const instructions = [
    addTable(TABLE, { type: 'topLevel', primaryKey, asymmetric: false }),
    ...fieldNames.map((field) => column(field, 'single')),
    column(LIST, 'list'),
    ...Array.from({ length: objects }, (_, object) => createObject(TABLE, keyOf(object))),
    ...Array.from({ length: list }, (_, k) => arrayInsert(TABLE, keyOf(0), LIST, [k], BigInt(k), k)),
  ];
  for (const instruction of instructions) draft.apply(instruction);
  return draft.finish();
};

const applied = (state: State, changesets: readonly Changeset[]): State => {
  const draft = edit(state);
  for (const { instructions } of changesets)
    for (const instruction of instructions) {
      const error = draft.apply(instruction);
      if (error !== null) throw new Error(error.message);
    }
  return draft.finish();
};

type Changesets = readonly Changeset[];

const merged = (left: Changesets, right: Changesets): Transformed => {
  const result = transform(left, right, { rules: syncline });
  if (E.isLeft(result)) throw new Error(result.left.message);
  return result.right;
};

const countOf = (changesets: Changesets): number =>
  changesets.reduce((count, { instructions }) => count + instructions.length, 0);

/** The newest write of each property wins. */
const newestWrites = (left: Changesets, right: Changesets): Map<string, Map<string, Changeset>> => {
  const slots = new Map<string, Map<string, Changeset>>();
  for (const side of [left, right])
    for (const changeset of side)
      for (const instruction of changeset.instructions) {
        if (instruction.kind !== 'Update') continue;
        const { object, field } = instruction;
        let known = slots.get(object);
        if (known === undefined) {
          known = new Map();
          slots.set(object, known);
        }
        const newest = known.get(field);
        if (newest === undefined || newest.timestamp <= changeset.timestamp) known.set(field, changeset);
      }
  return slots;
};

/** L4, L6 and L9 on indices alone; -1 is gone. Erasures are complements. */
const barePairs = (left: Int32Array, right: Int32Array): void => {
  for (let l = 0; l < left.length; l++) {
    let a = left[l] as number;
    for (let r = 0; r < right.length; r++) {
      const b = right[r] as number;
      if (b === GONE) continue;
      if (a >= 0) {
        if (b >= 0) {
          if (a <= b) right[r] = b + 1;
          else a++;
        } else if (a <= ~b) right[r] = ~(~b + 1);
        else a--;
      } else if (b >= 0) {
        if (b <= ~a) a = ~(~a + 1);
        else right[r] = b - 1;
      } else if (a === b) {
        right[r] = GONE;
        a = GONE;
        break;
      } else if (~a > ~b) a++;
      else right[r] = b + 1;
    }
    left[l] = a;
  }
};

const GONE = -0x80000000;

const bare = (side: readonly Transaction[]): Int32Array =>
  Int32Array.from(side.flat(), (write) =>
    write.kind === 'insert' ? write.index : write.kind === 'erase' ? ~write.index : 0,
  );

interface Measurement {
  readonly subject: string;
  readonly metric: string;
  readonly unit: string;
  /** Things done by `work`. */
  readonly count: number;
  work(): unknown;
}

/** The highest use of the heap that was seen while the work was repeated. */
let peak = 0;

const notePeak = (): void => {
  const { heapUsed, external } = process.memoryUsage();
  peak = Math.max(peak, heapUsed + external);
};

const run = (
  { smoke, report }: SuiteOptions,
  workload: string,
  { subject, metric, unit, count, work }: Measurement,
): void => {
  const times = smoke ? 1 : 5;
  // Compiled code is what a long session has.
  const until = performance.now() + (smoke ? 0 : 700);
  do work();
  while (performance.now() < until);
  const milliseconds = measure(
    () => {
      work();
      notePeak();
    },
    { times },
  );
  report({ workload, subject, metric, value: (1000 * count) / milliseconds, unit });
};

const runOurs = (options: SuiteOptions, workload: Workload): void => {
  const { name } = workload;
  const left = changesetsOf(workload.left, 2, workload.list);
  const right = changesetsOf(workload.right, 3, workload.list);
  const instructions = countOf(left) + countOf(right);
  const mine = applied(baseOf(workload), left);
  const transformed = { metric: 'transform', unit: 'instructions/s', count: instructions };
  peak = 0;
  run(options, name, { subject: 'syncline', ...transformed, work: () => merged(left, right) });
  run(options, name, {
    subject: 'syncline',
    metric: 'merge and apply, bulk',
    unit: 'writes/s',
    count: writesOf(workload.right),
    work: () => applied(mine, merged(left, right).right),
  });
  options.report({
    workload: name,
    subject: 'syncline',
    metric: 'peak heap',
    value: peak / 2 ** 20,
    unit: 'MiB',
  });
  if (left.length * right.length <= 1_000_000 && instructions <= 2000) {
    run(options, name, {
      subject: 'naive',
      ...transformed,
      work: () => naiveTransform(left, right, { rules: syncline }),
    });
  }
  if (workload.list === 0) {
    run(options, name, { subject: 'floor-slots', ...transformed, work: () => newestWrites(left, right) });
  } else if (!name.includes('moves')) {
    run(options, name, {
      subject: 'floor-pairs',
      ...transformed,
      work: () => barePairs(bare(workload.left), bare(workload.right)),
    });
  }
};

const peers = ['yjs', 'automerge', 'loro', 'ot-json1'];
const peersFolder = new URL('../../bench/peers/', import.meta.url);

const peersAreInstalled = (): boolean => {
  if (existsSync(new URL('node_modules', peersFolder))) return true;
  console.error(
    'PEERS ARE NOT INSTALLED, and so are not measured. To install them: npm ci --prefix bench/peers',
  );
  return false;
};

/** A process for each peer and workload, so that none pays for another's memory. */
const runPeer = ({ smoke, report }: SuiteOptions, peer: string, workload: string): void => {
  const script = fileURLToPath(new URL('merge.mjs', peersFolder));
  const list = fileURLToPath(new URL('workloads.js', import.meta.url));
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [script, peer, workload, list, smoke ? 'smoke' : 'real'],
    { encoding: 'utf8', maxBuffer: 2 ** 26 },
  );
  if (status !== 0) throw new Error(`${peer} failed on ${workload}: ${stderr}`);
  for (const line of stdout.split('\n')) {
    if (line === '') continue;
    const row: Pick<Row, 'metric' | 'value' | 'unit'> = JSON.parse(line);
    report({ workload, subject: peer, ...row });
  }
};

export const suite: Suite = {
  name: 'merge',
  question: 'How fast are two replicas that have not seen each other brought together?',
  run(options) {
    const withPeers = peersAreInstalled();
    for (const workload of workloads(options.smoke)) {
      runOurs(options, workload);
      // Some peers take long to write what is then merged, and processes take longer to start than smoke sizes.
      const isShown = options.smoke ? workload.name === 'merge-conflicting' : workload.withPeers;
      if (withPeers && isShown) for (const peer of peers) runPeer(options, peer, workload.name);
    }
  },
};
