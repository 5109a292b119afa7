/**
 * How fast instructions change a state. The floor is the same change of plain mutable objects in a `Map`,
 * without checks, versions or rollback.
 */
import { edit } from '../core/model/apply.js';
import { difference } from '../core/model/difference.js';
import { digest } from '../core/model/digest.js';
import {
  addColumn,
  addInteger,
  addTable,
  arrayErase,
  arrayInsert,
  arrayMove,
  createObject,
  type Instruction,
  setErase,
  setInsert,
  update,
} from '../core/model/instruction.js';
import { intKey, type Key } from '../core/model/key.js';
import { toInstructions } from '../core/model/snapshot.js';
import { emptyState, type State } from '../core/model/state.js';
import { objectValue } from '../core/model/value.js';
import { type Random, seeded } from '../spec/kit/random.js';
import { columnsOf, keyedTable } from './schema.js';
import { measure, type Suite, type SuiteOptions } from './suite.js';

const TABLE = 'Person';

const column = columnsOf(TABLE);

const schema: readonly Instruction[] = [
  keyedTable(TABLE, 'int'),
  addTable('Address', { type: 'embedded' }),
  columnsOf('Address')('city', 'string'),
  column('name', 'string'),
  column('age', 'int'),
  column('score', 'double'),
  column('tags', 'string', 'list'),
  column('marks', 'int', 'set'),
  column('facts', 'string', 'dictionary'),
  addColumn(TABLE, 'address', { type: 'link', nullable: true, collection: 'single', target: 'Address' }),
];

const applied = (state: State, instructions: readonly Instruction[]): State => {
  const draft = edit(state);
  for (const instruction of instructions) {
    const error = draft.apply(instruction);
    if (error !== null) throw new Error(error.message);
  }
  return draft.finish();
};

const oneByOne = (state: State, instructions: readonly Instruction[]): State => {
  let current = state;
  for (const instruction of instructions) current = applied(current, [instruction]);
  return current;
};

/** The first 32 bits of the digest. */
const checksum = (state: State): number => Number.parseInt(digest(state).slice(0, 8), 16);

const creations = (keys: readonly Key[]): Instruction[] =>
  keys.flatMap((key, i) => [
    createObject(TABLE, key),
    update(TABLE, key, 'name', [], `person ${i}`),
    update(TABLE, key, 'age', [], BigInt(i % 90)),
    update(TABLE, key, 'address', [], objectValue),
  ]);

/** `count` instructions on random objects; `make` gets the object's key, and how often it was chosen before. */
const onRandomObjects = (
  random: Random,
  keys: readonly Key[],
  count: number,
  make: (key: Key, turn: number, i: number) => Instruction,
): Instruction[] => {
  const turns = new Uint32Array(keys.length);
  return Array.from({ length: count }, (_, i) => {
    const chosen = random.int(keys.length);
    const turn = turns[chosen] ?? 0;
    turns[chosen] = turn + 1;
    return make(keys[chosen] as Key, turn, i);
  });
};

/** Three insertions, a move and an erasure in turn: the list has `size` elements before. */
const listStep = (key: Key, turn: number): Instruction => {
  const round = Math.floor(turn / 5);
  const step = turn % 5;
  const size = 2 * round + Math.min(step, 3);
  if (step < 3) return arrayInsert(TABLE, key, 'tags', [size >> 1], 'a tag', size);
  if (step === 3) return arrayMove(TABLE, key, 'tags', [0], size - 1, size);
  return arrayErase(TABLE, key, 'tags', [size >> 1], size);
};

interface Workload {
  readonly name: string;
  readonly from: State;
  readonly instructions: readonly Instruction[];
  readonly run: (state: State, instructions: readonly Instruction[]) => State;
}

const runWorkload = ({ name, from, instructions, run }: Workload, { smoke, report }: SuiteOptions): void => {
  let end = from;
  const milliseconds = measure(
    () => {
      end = run(from, instructions);
    },
    { times: smoke ? 1 : 5 },
  );
  const perSecond = (instructions.length / milliseconds) * 1000;
  report({
    workload: name,
    subject: 'syncline',
    metric: 'throughput',
    value: perSecond,
    unit: 'instructions/s',
  });
  report({ workload: name, subject: 'syncline', metric: 'checksum', value: checksum(end), unit: 'hash' });
};

/** The same updates of plain objects. */
const runFloor = (
  name: string,
  keys: readonly Key[],
  updates: readonly Instruction[],
  { smoke, report }: SuiteOptions,
): void => {
  const objects = new Map<string, { name: string }>(keys.map((key) => [key, { name: '' }]));
  const milliseconds = measure(
    () => {
      for (const instruction of updates) {
        if (instruction.kind !== 'Update' || typeof instruction.value !== 'string') continue;
        const object = objects.get(instruction.object);
        if (object !== undefined) object.name = instruction.value;
      }
    },
    { times: smoke ? 1 : 5 },
  );
  const value = (updates.length / milliseconds) * 1000;
  report({ workload: name, subject: 'floor-map', metric: 'throughput', value, unit: 'instructions/s' });
};

export const suite: Suite = {
  name: 'apply',
  question: 'How many instructions per second change a state of 10,000 objects?',
  run(options) {
    const { smoke, report } = options;
    const random = seeded(1);
    const keys = Array.from({ length: smoke ? 100 : 10_000 }, (_, i) => intKey(BigInt(i)));
    const count = smoke ? 500 : 200_000;
    const empty = applied(emptyState, schema);
    const creation = creations(keys);
    const full = applied(empty, creation);
    const updates = onRandomObjects(random, keys, count, (key, _, i) =>
      update(TABLE, key, 'name', [], `new ${i % 97}`),
    );
    const sets = onRandomObjects(random, keys, count, (key, turn) =>
      turn % 3 < 2
        ? setInsert(TABLE, key, 'marks', [], BigInt(turn % 7))
        : setErase(TABLE, key, 'marks', [], BigInt(turn % 5)),
    );
    const entries = onRandomObjects(random, keys, count, (key, turn) =>
      update(TABLE, key, 'facts', [`fact ${turn % 7}`], 'v'),
    );
    const embedded = onRandomObjects(random, keys, count, (key, _, i) =>
      update(TABLE, key, 'address', ['city'], `city ${i % 97}`),
    );
    const runs = updates.map((_, i) => update(TABLE, keys[(i >> 3) % keys.length] as Key, 'score', [], i));
    const long = Array.from({ length: smoke ? 100 : 20_000 }, (_, i) =>
      arrayInsert(TABLE, keys[0] as Key, 'tags', [i >> 1], 'a tag', i),
    );

    const workloads: readonly Workload[] = [
      { name: 'create, with three properties', from: empty, instructions: creation, run: applied },
      { name: 'update at random', from: full, instructions: updates, run: applied },
      { name: 'update in runs of eight', from: full, instructions: runs, run: applied },
      { name: 'update, a transaction each', from: full, instructions: updates, run: oneByOne },
      {
        name: 'add to an integer',
        from: full,
        instructions: onRandomObjects(random, keys, count, (key) => addInteger(TABLE, key, 'age', [], 1n)),
        run: applied,
      },
      { name: 'update inside an embedded object', from: full, instructions: embedded, run: applied },
      {
        name: 'insert, move, erase in short lists',
        from: full,
        instructions: onRandomObjects(random, keys, count, listStep),
        run: applied,
      },
      { name: 'insert into the middle of one long list', from: full, instructions: long, run: applied },
      {
        name: 'insert into one long list, a transaction each',
        from: full,
        instructions: long,
        run: oneByOne,
      },
      { name: 'insert and erase in sets', from: full, instructions: sets, run: applied },
      { name: 'set dictionary entries', from: full, instructions: entries, run: applied },
    ];
    for (const workload of workloads) runWorkload(workload, options);
    runFloor('update at random', keys, updates, options);

    const times = smoke ? 1 : 5;
    const one = applied(full, [update(TABLE, keys[7] as Key, 'name', [], 'other')]);
    const timed = (workload: string, work: () => unknown): void =>
      report({ workload, subject: 'syncline', metric: 'time', value: measure(work, { times }), unit: 'ms' });
    timed('snapshot of all', () => toInstructions(full));
    timed('digest after one update', () => digest(applied(full, updates.slice(0, 1))));
    timed('difference of one update', () => difference(full, one));
    const all = applied(full, updates);
    timed('difference of updates of most', () => difference(full, all));
  },
};
