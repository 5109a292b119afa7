import fc from 'fast-check';
import * as E from 'fp-ts/lib/Either.js';
import * as assert from 'uvu/assert';
import { Reader, Writer } from '../core/base/bytes.js';
import { supersede } from '../core/history/compact.js';
import { supersedeEncoded } from '../core/history/compact-encoded.js';
import { supersedeSegment } from '../core/history/compact-packed.js';
import { supersedeSegmentBytes } from '../core/history/compact-segment.js';
import {
  changesetsOf,
  decodeSegment,
  encodeSegment,
  frameSegment,
  type Segment,
} from '../core/history/segment.js';
import { readColumn, writeColumn } from '../core/history/segment-columns.js';
import { checksum } from '../core/history/segment-format.js';
import { columnsOf, noColumns } from '../core/merge/column-lookup.js';
import type { ColumnLookup } from '../core/merge/rule.js';
import type { Changeset } from '../core/model/changeset.js';
import { decodeChangeset, encodeChangeset } from '../core/model/codec.js';
import {
  addInteger,
  arrayErase,
  arrayInsert,
  createObject,
  eraseObject,
  type Instruction,
  update,
} from '../core/model/instruction.js';
import { intKey, type Key, nullKey, objectIdKey, stringKey, uuidKey } from '../core/model/key.js';
import { printChangesets } from '../core/model/notation.js';
import type { ColumnSpec } from '../core/model/schema.js';
import type { State } from '../core/model/state.js';
import type { Value } from '../core/model/value.js';
import { tableKeys, valuesOf } from './kit/alphabet.js';
import { examples, history, split } from './kit/compact-cases.js';
import { randomCourse } from './kit/compact-course.js';
import { once, pick, type Random, seeded } from './kit/random.js';
import { suite } from './kit/suite.js';
import { allWeights, contentWeights, randomInstructions } from './kit/valid.js';
import { build, randomWorld, wholeSchema } from './kit/worlds.js';

const segment = suite('segment');

const orThrow = <L extends { readonly message: string }, A>(either: E.Either<L, A>): A => {
  if (E.isLeft(either)) throw new Error(either.left.message);
  return either.right;
};

const decoded = (bytes: Uint8Array): Segment => orThrow(decodeSegment(bytes));

const objectOf = (instruction: Instruction): string =>
  'object' in instruction ? `${instruction.table} ${instruction.object}` : '';

/** With the instructions between two on the schema in an order that does not depend on that of objects. */
const normal = (all: readonly Changeset[]): string =>
  printChangesets(
    all.map((changeset) => {
      const runs: Instruction[][] = [[]];
      for (const instruction of changeset.instructions) {
        if (!('object' in instruction)) runs.push([instruction], []);
        else runs[runs.length - 1]?.push(instruction);
      }
      const order = (a: Instruction, b: Instruction): number =>
        objectOf(a) < objectOf(b) ? -1 : objectOf(a) > objectOf(b) ? 1 : 0;
      return { ...changeset, instructions: runs.flatMap((run) => run.sort(order)) };
    }),
  );

interface Drawn {
  readonly history: readonly Changeset[];
  readonly state: State;
}

const heads = (random: Random, version: number): Omit<Changeset, 'instructions'> => ({
  version: 5 * version + random.int(5),
  base: random.int(100),
  timestamp: once(random, 2) ? version : random.int(4),
  origin: once(random, 20) ? 2 ** 40 + 1 : 2 + random.int(3),
});

/** Everything there is, in long and short changesets. */
const drawAny = (random: Random): Drawn => {
  let state = randomWorld(random, { steps: 6, columnsPerTable: 4 });
  const weights = pick(random, [
    contentWeights,
    allWeights,
    { Update: 10, AddInteger: 8, ArrayInsert: 8, ArrayErase: 8, CreateObject: 1, AddColumn: 1 },
  ]);
  const all: Changeset[] = [];
  for (let version = 1, length = random.int(8); version <= length; version++) {
    const run = randomInstructions(random, state, random.int(10), { weights });
    state = run.state;
    all.push({ ...heads(random, version), instructions: run.instructions });
  }
  return { history: all, state };
};

const keys: readonly (readonly [string, readonly Key[]])[] = [
  ['A', [intKey(1n), intKey(-(2n ** 63n)), intKey(300n)]],
  ['B', [stringKey('a'), stringKey('é'), nullKey]],
  [
    'C',
    [objectIdKey('0123456789abcdef01234567'), objectIdKey('0'.repeat(24)), ...(tableKeys.get('C') ?? [])],
  ],
  ['D', [uuidKey('0123456789abcdef'.repeat(2)), objectIdKey('0'.repeat(24))]],
];
const plainState = build(wholeSchema());

/** Creations, erasures and plain updates; seldom something else. Not to be applied: columns and keys do not fit. */
const drawPlain = (random: Random): Drawn => {
  const fields = ['int', 'string', 'mixed', 'double', 'unknown'];
  const values: readonly Value[] = Object.values(valuesOf).flat();
  const all: Changeset[] = [];
  for (let version = 1, length = random.int(10); version <= length; version++) {
    const instructions: Instruction[] = [];
    for (let i = random.int(20); i > 0; i--) {
      const [table, choices] = pick(random, keys);
      const key = pick(random, choices);
      const field = pick(random, fields);
      const choice = random.int(12);
      if (choice === 0) instructions.push(eraseObject(table, key));
      else if (choice === 1) instructions.push(createObject(table, key));
      else if (choice === 2 && once(random, 3))
        instructions.push(update(table, key, field, ['k'], pick(random, values)));
      else instructions.push(update(table, key, field, [], pick(random, values), once(random, 3)));
    }
    all.push({ ...heads(random, version), instructions });
  }
  return { history: all, state: plainState };
};

for (const [name, draw] of Object.entries({ 'of any kind': drawAny, 'of plain writes': drawPlain })) {
  segment(`what is encoded comes back, histories ${name}`, () => {
    for (let seed = 1; seed <= 150; seed++) {
      const { history: all } = draw(seeded(seed));
      const bytes = encodeSegment(all);
      assert.is(normal(changesetsOf(decoded(bytes))), normal(all), `seed ${seed}`);
      assert.equal(encodeSegment(changesetsOf(decoded(bytes))), bytes);
    }
  });

  segment(`packed superseding is readable superseding, histories ${name}`, () => {
    let changed = 0;
    for (let seed = 1; seed <= 150; seed++) {
      const { history: all, state } = draw(seeded(seed));
      const columns = once(seeded(seed), 2) ? noColumns : columnsOf(state);
      const expected = normal(supersede(all, columns));
      const bytes = encodeSegment(all);
      const packed = supersedeSegment(decoded(bytes), columns);
      assert.is(normal(changesetsOf(decoded(packed))), expected, `seed ${seed}`);
      const fromBytes = orThrow(supersedeSegmentBytes(bytes, columns));
      assert.is(normal(changesetsOf(decoded(fromBytes))), expected, `seed ${seed}`);
      if (expected !== normal(all)) changed++;
    }
    assert.ok(changed > 50);
  });

  segment(`superseding encoded changesets is readable superseding, histories ${name}`, () => {
    for (let seed = 1; seed <= 150; seed++) {
      const { history: all, state } = draw(seeded(seed));
      const got = orThrow(supersedeEncoded(all.map(encodeChangeset), columnsOf(state)));
      const expected = normal(supersede(all, columnsOf(state)));
      assert.is(normal(changesetsOf(decoded(got))), expected, `seed ${seed}\n${printChangesets(all)}`);
    }
  });
}

for (const { rule, text } of examples)
  segment(`packed, too: ${rule}`, () => {
    const { before } = split(text);
    const expected = normal(supersede(history(before)));
    const bytes = encodeSegment(history(before));
    assert.is(normal(changesetsOf(decoded(supersedeSegment(decoded(bytes), noColumns)))), expected);
    assert.is(normal(changesetsOf(decoded(orThrow(supersedeSegmentBytes(bytes, noColumns))))), expected);
    const encoded = orThrow(supersedeEncoded(history(before).map(encodeChangeset), noColumns));
    if (!before.includes('AddColumn')) assert.is(normal(changesetsOf(decoded(encoded))), expected);
  });

segment('what a server and its devices have made is superseded alike in every form', () => {
  for (let seed = 1; seed <= 100; seed++) {
    const world = randomCourse(seeded(seed), true);
    const columns = columnsOf(world.state);
    const expected = normal(supersede(world.entries, columns));
    const bytes = encodeSegment(world.entries);
    assert.is(normal(changesetsOf(decoded(supersedeSegment(decoded(bytes), columns)))), expected);
    assert.is(normal(changesetsOf(decoded(orThrow(supersedeSegmentBytes(bytes, columns))))), expected);
    const encoded = orThrow(supersedeEncoded(world.entries.map(encodeChangeset), columns));
    assert.is(normal(changesetsOf(decoded(encoded))), expected);
  }
});

segment('every short history on one property is superseded alike in every form', () => {
  const key = objectIdKey('0'.repeat(24));
  const alphabet: readonly Instruction[] = [
    createObject('T', key),
    eraseObject('T', key),
    update('T', key, 'p', [], 1n),
    update('T', key, 'p', [], 's'),
    update('T', key, 'p', [], null, true),
    addInteger('T', key, 'p', [], 2n),
    arrayInsert('T', key, 'p', [0], 'a', 0),
    arrayErase('T', key, 'p', [0], 1),
  ];
  const mixed: ColumnSpec = { type: 'mixed', nullable: true, collection: 'single', target: null };
  const schemas = [noColumns, () => mixed, () => ({ ...mixed, type: 'int' }) as const];
  // Times that grow, that are equal, that shrink; one instruction to a changeset, and two.
  const shapes = [1, 0, -1].flatMap((slope) => [1, 2].map((size) => ({ slope, size })));
  const LENGTH = 3;
  for (let number = 0; number < alphabet.length ** LENGTH; number++)
    for (const { slope, size } of shapes) {
      const all: Changeset[] = [];
      let rest = number;
      for (let i = 0; i < LENGTH; i++) {
        const instruction = alphabet[rest % alphabet.length] as Instruction;
        rest = Math.floor(rest / alphabet.length);
        const before = all[all.length - 1];
        if (before !== undefined && before.instructions.length < size)
          all[all.length - 1] = { ...before, instructions: [...before.instructions, instruction] };
        else {
          const origin = 2 + ((number + i) % 2);
          all.push({
            version: i + 1,
            base: 0,
            timestamp: 10 + slope * i,
            origin,
            instructions: [instruction],
          });
        }
      }
      const columns = schemas[number % schemas.length] as ColumnLookup;
      const expected = normal(supersede(all, columns));
      const bytes = encodeSegment(all);
      for (const got of [
        supersedeSegment(decoded(bytes), columns),
        orThrow(supersedeSegmentBytes(bytes, columns)),
        orThrow(supersedeEncoded(all.map(encodeChangeset), columns)),
      ])
        assert.is(normal(changesetsOf(decoded(got))), expected, printChangesets(all));
    }
});

segment('a class of many properties, and many classes', () => {
  const random = seeded(1);
  const instructions: Instruction[] = [];
  for (let i = 0; i < 3000; i++) {
    const table = `T${random.int(70)}`;
    const field = `f${random.int(90)}`;
    instructions.push(update(table, intKey(BigInt(random.int(5))), field, [], BigInt(random.int(1000))));
  }
  const all = instructions.map((instruction, i) => ({
    version: i + 1,
    base: 0,
    timestamp: 1,
    origin: 2,
    instructions: [instruction],
  }));
  const expected = normal(supersede(all));
  assert.is(
    normal(changesetsOf(decoded(orThrow(supersedeEncoded(all.map(encodeChangeset), noColumns))))),
    expected,
  );
  const bytes = encodeSegment(all);
  assert.is(normal(changesetsOf(decoded(supersedeSegment(decoded(bytes), noColumns)))), expected);
  assert.is(normal(changesetsOf(decoded(orThrow(supersedeSegmentBytes(bytes, noColumns))))), expected);
});

segment('empty changesets keep their numbers in few bytes', () => {
  const all = Array.from({ length: 1000 }, (_, i) => ({
    version: i + 1,
    base: i >> 2,
    timestamp: 1_700_000_000_000 + i * 10,
    origin: 2 + (i & 3),
    instructions: [],
  }));
  const bytes = encodeSegment(all);
  assert.equal(changesetsOf(decoded(bytes)), all);
  assert.ok(bytes.length < 1000, String(bytes.length));
  assert.equal(changesetsOf(decoded(encodeSegment([]))), []);
});

const small = encodeSegment(
  drawPlain(seeded(7)).history.concat(
    drawAny(seeded(3)).history.map((c) => ({ ...c, version: c.version + 100 })),
  ),
);

segment('a truncated segment is refused, and one with something behind it', () => {
  assert.ok(small.length > 300);
  for (let length = 0; length < small.length; length++) {
    const bytes = small.slice(0, length);
    const got = decodeSegment(bytes);
    assert.ok(E.isLeft(got), `${length} bytes`);
    assert.equal(supersedeSegmentBytes(bytes, noColumns), got);
    if (E.isLeft(got)) assert.ok(got.left.offset <= length && got.left.message.length > 10);
  }
  const longer = new Uint8Array(small.length + 1);
  longer.set(small);
  assert.ok(E.isLeft(decodeSegment(longer)));
});

segment('a segment with any one byte changed is refused', () => {
  for (let at = 0; at < small.length; at++)
    for (const change of [1, 0x80, 0xff]) {
      const bytes = small.slice();
      bytes[at] = (bytes[at] as number) ^ change;
      const given = bytes.slice();
      const got = decodeSegment(bytes);
      assert.ok(E.isLeft(got), `byte ${at}`);
      if (E.isLeft(got)) assert.ok(got.left.offset <= bytes.length);
      assert.equal(supersedeSegmentBytes(bytes, noColumns), got);
      assert.equal(bytes, given);
    }
});

segment('a body that is damaged and has a good checksum is refused by both, or read alike', () => {
  let refused = 0;
  for (let seed = 1; seed <= 10; seed++) {
    const random = seeded(seed);
    const bytes = encodeSegment(drawPlain(random).history);
    const frame = orThrow(frameSegment(bytes));
    for (const { start, end } of frame.blocks) {
      // What the checksum is over begins before the body.
      const view = new DataView(bytes.buffer, bytes.byteOffset);
      let from = start;
      while (checksum(bytes, from, end) !== view.getUint32(end)) from--;
      for (let at = start; at < end; at++) {
        const damaged = bytes.slice();
        damaged[at] = random.int(256);
        new DataView(damaged.buffer, damaged.byteOffset).setUint32(end, checksum(damaged, from, end));
        const got = decodeSegment(damaged);
        const compacted = supersedeSegmentBytes(damaged, noColumns);
        assert.is(E.isLeft(compacted), E.isLeft(got), `seed ${seed}, byte ${at}`);
        if (E.isLeft(got)) {
          refused++;
          assert.equal(compacted, got);
          continue;
        }
        const expected = normal(supersede(changesetsOf(got.right)));
        assert.is(normal(changesetsOf(decoded(orThrow(compacted)))), expected, `seed ${seed}, byte ${at}`);
      }
    }
  }
  assert.ok(refused > 200);
});

segment('any bytes whatever give a value or a refusal', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (tail) => {
      for (const start of [0, 4, 12]) {
        const bytes = new Uint8Array(start + tail.length);
        bytes.set(small.subarray(0, start));
        bytes.set(tail, start);
        decodeSegment(bytes);
      }
    }),
    { numRuns: 500 },
  );
});

segment('a changeset that cannot be decoded is named, and nothing is compacted', () => {
  for (let seed = 1; seed <= 60; seed++) {
    const random = seeded(seed);
    const all = drawPlain(random).history.map(encodeChangeset);
    const position = random.int(Math.max(1, all.length));
    const victim = all[position];
    if (victim === undefined) continue;
    all[position] = victim.slice(0, random.int(victim.length));
    const got = supersedeEncoded(all, noColumns);
    assert.ok(E.isLeft(got));
    if (E.isLeft(got)) assert.is(got.left.position, position);
  }
});

segment('what the decoder refuses is refused here, and nothing else', () => {
  for (let seed = 1; seed <= 60; seed++) {
    const random = seeded(seed);
    const [bytes] = drawPlain(random)
      .history.map(encodeChangeset)
      .filter(({ length }) => length > 20);
    if (bytes === undefined) continue;
    for (let at = 0; at < bytes.length; at++) {
      const damaged = bytes.slice();
      damaged[at] = random.int(256);
      const got = supersedeEncoded([damaged], noColumns);
      assert.is(E.isLeft(got), E.isLeft(decodeChangeset(damaged)), `seed ${seed}, byte ${at}`);
      if (E.isRight(got)) decoded(got.right);
    }
  }
});

segment('columns of numbers come back, however far they lie apart', () => {
  const number = fc.oneof(
    fc.maxSafeInteger(),
    fc.integer({ min: 0, max: 300 }),
    fc.constantFrom(0, 2 ** 32, 2 ** 32 - 1, 2 ** 31, -1, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER),
  );
  fc.assert(
    fc.property(fc.array(number, { maxLength: 300 }), fc.integer({ min: 1, max: 40 }), (values, shift) => {
      for (const column of [values, values.map((value) => value % 2 ** shift)]) {
        const given = Float64Array.from(column, (value) => value + 0);
        const writer = new Writer();
        writer.begin();
        writeColumn(writer, given);
        const reader = new Reader(writer.finish().slice());
        assert.equal(readColumn(reader, given.length), given);
        assert.is(reader.remaining, 0);
      }
    }),
    { numRuns: 300 },
  );
});

segment.run();
