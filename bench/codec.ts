/**
 * How fast changesets become bytes and come back, and how many bytes they are.
 *
 * 100,000 changesets of 8 instructions each: creations, integers, short texts and counters, on objects with ObjectId keys.
 * `decode` gives what a program can go on with at the least cost: ours the packed form, peers their objects,
 * `floor-hand-packed` plain arrays of strings and numbers, `floor-offsets-only` nothing but where each of those
 * is. `decode to objects` gives an object per instruction. What ours does and the floors do not: check every
 * byte, refuse what is not canonical, write a key once, know all kinds and values.
 *
 * Goals: no slower than twice `floor-hand-packed` both ways; at most 250 bytes. No goal: speed of `decode to
 * objects` beyond that of JSON.
 */
import { isRight } from 'fp-ts/lib/Either.js';
import { Packr } from 'msgpackr/pack';
import type { Changeset } from '../core/model/changeset.js';
import { decodeChangeset, encodeChangeset, unpack } from '../core/model/codec.js';
import { addInteger, createObject, type Instruction, update } from '../core/model/instruction.js';
import { type Key, objectIdKey } from '../core/model/key.js';
import type { PackedChangeset } from '../core/model/packed.js';
import { printChangeset } from '../core/model/print.js';
import { pick, type Random, seeded } from '../spec/kit/random.js';
import { decode as handDecode, encode as handEncode, locate as handLocate } from './hand-packed.js';
import { median, type Suite, type SuiteOptions } from './suite.js';

const TABLE = 'Task';
const INSTRUCTIONS = 8;
const TIMES = 5;
const numbers = ['status', 'priority', 'estimate'];
const texts = ['title', 'assignee', 'notes'];
const words = ['review', 'the', 'draft', 'again', 'ask', 'for', 'more', 'paper', 'send', 'it', 'to', 'Ann'];

const randomKey = (random: Random): Key => {
  const rest = Array.from({ length: 4 }, () => random.int(0x10000).toString(16).padStart(4, '0')).join('');
  return objectIdKey(`6543f1a2${rest}`);
};

const instructionOn = (random: Random, key: Key): Instruction => {
  switch (random.int(INSTRUCTIONS)) {
    case 0:
      return createObject(TABLE, key);
    case 1:
      return addInteger(TABLE, key, pick(random, numbers), [], BigInt(random.int(100)));
    case 2:
    case 3:
    case 4:
      return update(TABLE, key, pick(random, numbers), [], BigInt(random.int(5000)));
    default:
      return update(TABLE, key, pick(random, texts), [], `${pick(random, words)} ${pick(random, words)}`);
  }
};

interface Workload {
  readonly name: string;
  /** Objects that the instructions of one changeset are spread over. */
  readonly objects: number;
}

const makeChangesets = (random: Random, count: number, objects: number): Changeset[] =>
  Array.from({ length: count }, () => {
    const keys = Array.from({ length: objects }, () => randomKey(random));
    const instructions = Array.from({ length: INSTRUCTIONS }, (_, i) =>
      instructionOn(random, keys[Math.floor((i * objects) / INSTRUCTIONS)] as Key),
    );
    const base = random.int(100_000);
    const timestamp = 1_700_000_000_000 + random.int(2 ** 31);
    return { version: base + 1, base, timestamp, origin: 1 + random.int(100), instructions };
  });

/** What JSON and msgpackr are given: no bigints, hex for identifiers, and no field that says nothing. */
interface PlainChangeset extends Omit<Changeset, 'instructions'> {
  readonly instructions: readonly object[];
}

const plainOf = (changeset: Changeset): PlainChangeset => ({
  ...changeset,
  instructions: changeset.instructions.map((instruction) => {
    const { kind, table } = instruction;
    const object = 'object' in instruction ? instruction.object.slice(1) : '';
    if (instruction.kind !== 'Update' && instruction.kind !== 'AddInteger') return { kind, table, object };
    const { field, value } = instruction;
    return { kind, table, object, field, value: typeof value === 'bigint' ? Number(value) : value };
  }),
});

interface Decoding {
  readonly subject: string;
  readonly metrics: readonly string[];
  readonly decode: (encoded: never) => unknown;
}

interface Subject {
  readonly name: string;
  /** Encodes input i. */
  readonly encode: (i: number) => Uint8Array | string;
  readonly decodings: readonly Decoding[];
  /** Whether an encoding of input i, decoded, says what the input says. */
  readonly isSame: (encoded: never, i: number) => boolean;
}

const packedOf = (bytes: Uint8Array): PackedChangeset => {
  const decoded = decodeChangeset(bytes);
  if (isRight(decoded)) return decoded.right;
  throw new Error(decoded.left.message);
};

const PACKED = 'decode';
const OBJECTS = 'decode to objects';
const plainPacker = new Packr({ useRecords: false });
const sharingPacker = new Packr({ structures: [] });

const subjectsOf = (changesets: readonly Changeset[]): Subject[] => {
  const plain = changesets.map(plainOf);
  const json = plain.map((value) => JSON.stringify(value));
  const at = <T>(list: readonly T[], i: number): T => list[i] as T;
  const peer = (
    name: string,
    encode: (value: PlainChangeset) => Uint8Array | string,
    decode: (encoded: never) => unknown,
  ): Subject => ({
    name,
    encode: (i) => encode(at(plain, i)),
    decodings: [{ subject: name, metrics: [PACKED, OBJECTS], decode }],
    isSame: (encoded, i) => JSON.stringify(decode(encoded)) === json[i],
  });
  return [
    {
      name: 'syncline',
      encode: (i) => encodeChangeset(at(changesets, i)),
      decodings: [
        { subject: 'syncline', metrics: [PACKED], decode: packedOf },
        { subject: 'syncline', metrics: [OBJECTS], decode: (bytes: Uint8Array) => unpack(packedOf(bytes)) },
      ],
      isSame: (bytes: Uint8Array, i) =>
        printChangeset(unpack(packedOf(bytes))) === printChangeset(at(changesets, i)),
    },
    peer(
      'json',
      (value) => JSON.stringify(value),
      (text: string) => JSON.parse(text),
    ),
    peer(
      'msgpackr',
      (value) => plainPacker.pack(value),
      (bytes: Uint8Array) => plainPacker.unpack(bytes),
    ),
    peer(
      'msgpackr-shared-structures',
      (value) => sharingPacker.pack(value),
      (bytes: Uint8Array) => sharingPacker.unpack(bytes),
    ),
    {
      name: 'floor-hand-packed',
      encode: (i) => handEncode(at(changesets, i)),
      decodings: [
        { subject: 'floor-hand-packed', metrics: [PACKED], decode: handDecode },
        { subject: 'floor-offsets-only', metrics: [PACKED], decode: handLocate },
      ],
      isSame: (bytes: Uint8Array, i) => isSameByHand(bytes, at(plain, i)),
    },
  ];
};

const isSameByHand = (bytes: Uint8Array, { instructions, ...numbers }: PlainChangeset): boolean => {
  const { strings, kinds, tables, keys, fields, values, ...rest } = handDecode(bytes);
  const names: Readonly<Record<number, string>> = { 2: 'CreateObject', 4: 'Update', 5: 'AddInteger' };
  const decoded = kinds.map((kind, i) => {
    const key = keys[i] as number;
    const object = Buffer.from(bytes.subarray(key, key + 12)).toString('hex');
    const start = { kind: names[kind], table: strings[tables[i] as number], object };
    return kind === 2 ? start : { ...start, field: strings[fields[i] as number], value: values[i] };
  });
  const { version, base, timestamp, origin } = rest;
  return (
    JSON.stringify(decoded) === JSON.stringify(instructions) &&
    JSON.stringify({ version, base, timestamp, origin }) === JSON.stringify(numbers)
  );
};

/**
 * The changesets are made and measured in small batches, which stay near the processor as they do in an app that
 * encodes what it has just made, and leave little for the garbage collector to go through. All subjects take a
 * batch one after the other, each batch beginning with another, so that what slows the machine down slows all
 * of them. One result of each is kept, for an engine drops compiled code when no object of a shape it knows is
 * alive.
 */
const runWorkload = ({ name, objects }: Workload, { smoke, report }: SuiteOptions): void => {
  const batches = smoke ? 1 : 100;
  const size = smoke ? 200 : 1000;
  const speeds = new Map<string, number[]>();
  const bytes = new Map<string, number>();
  const kept = new Map<string, unknown>();
  for (let repetition = 0; repetition <= (smoke ? 1 : TIMES); repetition++) {
    const random = seeded(1);
    const times = new Map<string, number>();
    const timed = (key: string, work: (i: number) => unknown): void => {
      const start = performance.now();
      let last: unknown;
      for (let i = 0; i < size; i++) last = work(i);
      times.set(key, (times.get(key) ?? 0) + performance.now() - start);
      kept.set(key, last);
    };
    for (let batch = 0; batch < batches; batch++) {
      const subjects = subjectsOf(makeChangesets(random, size, objects));
      const first = batch % subjects.length;
      for (const subject of [...subjects.slice(first), ...subjects.slice(0, first)]) {
        const encoded: (Uint8Array | string)[] = [];
        timed(`${subject.name}\nencode`, (i) => encoded.push(subject.encode(i)));
        for (const { subject: name, metrics, decode } of subject.decodings) {
          timed([name, ...metrics].join('\n'), (i) => decode(encoded[i] as never));
        }
        if (repetition > 0) continue;
        check(subject, encoded);
        bytes.set(subject.name, (bytes.get(subject.name) ?? 0) + sizeOf(encoded));
      }
    }
    if (repetition === 0) continue;
    for (const [key, time] of times) {
      speeds.set(key, [...(speeds.get(key) ?? []), (batches * size * 1000) / time]);
    }
  }
  for (const [subject, total] of bytes) {
    const value = total / (batches * size);
    report({ workload: name, subject, metric: 'size', value, unit: 'bytes/changeset' });
  }
  for (const [key, values] of speeds) {
    const [subject = '', ...metrics] = key.split('\n');
    const value = median(values);
    for (const metric of metrics) report({ workload: name, subject, metric, value, unit: 'changesets/s' });
  }
};

/** Looks at every hundredth. */
const check = (subject: Subject, encoded: readonly (Uint8Array | string)[]): void => {
  for (let i = 0; i < encoded.length; i += 100) {
    if (!subject.isSame(encoded[i] as never, i)) throw new Error(`${subject.name} loses something of ${i}`);
  }
};

const sizeOf = (encoded: readonly (Uint8Array | string)[]): number => {
  let total = 0;
  for (const one of encoded) total += typeof one === 'string' ? Buffer.byteLength(one) : one.length;
  return total;
};

export const suite: Suite = {
  name: 'codec',
  question: 'How fast do changesets become bytes and come back, and how many bytes are they?',
  run(options) {
    runWorkload({ name: '8 instructions on 8 objects', objects: 8 }, options);
    runWorkload({ name: '8 instructions on 2 objects', objects: 2 }, options);
  },
};
