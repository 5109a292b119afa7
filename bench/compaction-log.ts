/**
 * The workloads of compaction as a server of ours would hold them: version after version, from sixteen
 * devices, at times that increase.
 */
import type { Changeset } from '../core/model/changeset.js';
import { encodeChangeset } from '../core/model/codec.js';
import {
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
import { seeded } from '../spec/kit/random.js';
import { fields, type Transaction, type Value, type Workload, type Write } from './compaction-workload.js';
import { columnsOf, keyedTable } from './schema.js';

const TABLE = 'Task';
const LIST = 'tags';
const INTEGER_FIELD = 1;
const DEVICES = 16;
const START = 1_700_000_000_000;

const column = columnsOf(TABLE);

const schema: readonly Instruction[] = [
  keyedTable(TABLE, 'objectId'),
  column('title', 'string'),
  column('priority', 'int'),
  column('progress', 'double'),
  column('done', 'bool'),
  column('assignee', 'string'),
  column(LIST, 'string', 'list'),
];

/** ObjectIds as drivers make them: seconds, a random part of the process, a counter. */
const objectKeys = (count: number): Key[] =>
  Array.from({ length: count }, (_, i) => {
    const seconds = (1_600_000_000 + Math.floor(i / 3)).toString(16).padStart(8, '0');
    const process = ['5f1a9c04d2', 'b3370e61aa', '09cc87f512'][i % 3] as string;
    return objectIdKey(seconds + process + (0x31c5a0 + i).toString(16).padStart(6, '0'));
  });

/** Makes a changeset of each transaction of a workload, which must come in order. The first brings the schema, too. */
export class Log {
  private readonly keys: Key[];
  private readonly sizes: Int32Array;
  private readonly random = seeded(22);
  private readonly bases = new Array<number>(DEVICES).fill(0);
  private version = 0;
  private timestamp = START;

  constructor({ objects }: Workload) {
    this.keys = objectKeys(objects);
    this.sizes = new Int32Array(objects);
  }

  changeset(transaction: Transaction): Changeset {
    const device = this.random.int(DEVICES);
    this.timestamp += 1 + this.random.int(1000);
    // A device's own versions: one for the write, often one for what it has received since.
    const base = (this.bases[device] ?? 0) + 1 + this.random.int(2);
    this.bases[device] = base;
    const instructions = transaction.map((write) => this.instruction(write));
    this.version++;
    return {
      version: this.version,
      base,
      timestamp: this.timestamp,
      origin: 2 + device,
      instructions: this.version === 1 ? [...schema, ...instructions] : instructions,
    };
  }

  private instruction(write: Write): Instruction {
    const key = this.keys[write.object] as Key;
    const size = this.sizes[write.object] as number;
    switch (write.kind) {
      case 'create':
        this.sizes[write.object] = 0;
        return createObject(TABLE, key);
      case 'erase':
        return eraseObject(TABLE, key);
      case 'set':
        return update(TABLE, key, fields[write.field] as string, [], payload(write.field, write.value));
      case 'insert':
        this.sizes[write.object] = size + 1;
        return arrayInsert(TABLE, key, LIST, [write.index], write.value, size);
      case 'replace':
        return updateElement(TABLE, key, LIST, [write.index], write.value, size);
      case 'remove':
        this.sizes[write.object] = size - 1;
        return arrayErase(TABLE, key, LIST, [write.index], size);
      case 'move':
        return arrayMove(TABLE, key, LIST, [write.index], write.to, size);
    }
  }
}

const payload = (field: number, value: Value): Value | bigint =>
  field === INTEGER_FIELD ? BigInt(value) : value;

/** One for each transaction. */
export function* changesetsOf(workload: Workload): Generator<Changeset> {
  const log = new Log(workload);
  for (const transaction of workload.all()) yield log.changeset(transaction);
}

/** The same, each encoded by itself. */
export const encodedLog = (
  workload: Workload,
): { readonly log: Uint8Array[]; readonly instructions: number } => {
  let count = 0;
  const log = Array.from(changesetsOf(workload), (changeset) => {
    count += changeset.instructions.length;
    return encodeChangeset(changeset);
  });
  return { log, instructions: count };
};
