/**
 * Histories and segments that no writer of ours makes, and that may come all the same: objects in several places,
 * paths that the schema does not have, numbers that cannot be.
 */
import * as E from 'fp-ts/lib/Either.js';
import * as assert from 'uvu/assert';
import { Reader, Writer } from '../core/base/bytes.js';
import { answer } from '../core/base/decode-error.js';
import { supersede } from '../core/history/compact.js';
import { supersedeSegment } from '../core/history/compact-packed.js';
import { supersedeSegmentBytes } from '../core/history/compact-segment.js';
import { foldWithin } from '../core/history/compact-within.js';
import {
  changesetsOf,
  decodeSegment,
  encodeSegment,
  frameSegment,
  type Segment,
} from '../core/history/segment.js';
import { readColumn, writeColumn } from '../core/history/segment-columns.js';
import { checksum, MAGIC } from '../core/history/segment-format.js';
import { saysTheSame } from '../core/history/verify-fold.js';
import { isJustified, type Located } from '../core/history/verify-removal.js';
import { columnsOf, noColumns } from '../core/merge/column-lookup.js';
import type { Changeset } from '../core/model/changeset.js';
import { encodeChangeset } from '../core/model/codec.js';
import { digest } from '../core/model/digest.js';
import {
  addInteger,
  type Instruction,
  type PathInstruction,
  setInsert,
  update,
} from '../core/model/instruction.js';
import { intKey } from '../core/model/key.js';
import { printChangesets } from '../core/model/notation.js';
import type { ColumnSpec } from '../core/model/schema.js';
import type { State } from '../core/model/state.js';
import { dictionary } from '../core/model/value.js';
import { stateAfter } from './kit/compact-law.js';
import { instructions } from './kit/notation.js';
import { suite } from './kit/suite.js';
import { build } from './kit/worlds.js';

const oddities = suite('odd histories');

const orThrow = <L extends { readonly message: string }, A>(either: E.Either<L, A>): A => {
  if (E.isLeft(either)) throw new Error(either.left.message);
  return either.right;
};

const changeset = (version: number, all: readonly Instruction[] | string): Changeset => ({
  version,
  base: 0,
  timestamp: version,
  origin: 2,
  instructions: typeof all === 'string' ? instructions(all) : all,
});

const base = build(
  instructions(`
    AddTable A topLevel _id: int
    AddTable E embedded
    AddColumn E.i: int
    AddColumn A.i: int
    AddColumn A.l: int[]
    AddColumn A.d: mixed?
    AddColumn A.m: mixed?[]
    AddColumn A.s: mixed?<>
    AddColumn A.e: link(E)?
    CreateObject A[1]`),
);

const endOf = (from: State, history: readonly Changeset[]): string => {
  const state = stateAfter(from, history);
  if (state === null) throw new Error(`cannot be applied:\n${printChangesets(history)}`);
  return digest(state);
};

/** The blocks of several segments as those of one, in the order given; parts are those of the first, then the second… */
const joined = (...histories: readonly (readonly Changeset[])[]): Segment => {
  const segments = histories.map((history) => orThrow(decodeSegment(encodeSegment(history))));
  const column = (name: keyof Segment['parts']): Float64Array =>
    Float64Array.from(segments.flatMap(({ parts }) => [...parts[name]]));
  let before = 0;
  const blocks = segments.flatMap(({ parts, blocks: own }) => {
    const from = before;
    before += parts.versions.length;
    return own.map(({ body, parts: partOf }) => ({ body, parts: partOf.map((part) => part + from) }));
  });
  return {
    parts: {
      versions: column('versions'),
      bases: column('bases'),
      timestamps: column('timestamps'),
      origins: column('origins'),
    },
    blocks,
  };
};

/** A segment as written, with bodies of any order and their parts; versions count from 1, and are the times. */
const segmentBytes = (
  versions: number,
  blocks: readonly { readonly all: readonly Instruction[]; readonly parts: readonly number[] }[],
): Uint8Array => {
  const writer = new Writer();
  writer.begin();
  writer.reserve(1000);
  for (const byte of MAGIC) writer.byte(byte);
  writer.varint(versions);
  writer.varint(blocks.length);
  const ascending = Float64Array.from({ length: versions }, () => 1);
  writeColumn(writer, ascending);
  writeColumn(writer, ascending);
  writeColumn(
    writer,
    ascending.map(() => 2),
  );
  writeColumn(
    writer,
    ascending.map(() => 0),
  );
  writer.uint32(checksum(writer.bytes, writer.start, writer.position));
  for (const { all, parts } of blocks) {
    const start = writer.position;
    const whole = encodeChangeset(changeset(1, all));
    const frame = orThrow(frameSegment(encodeSegment([changeset(1, all)])));
    const { start: from, end } = frame.blocks[0] ?? { start: 0, end: 0 };
    assert.ok(whole.length > 0 && frame.blocks.length === 1);
    writer.varint(parts.length);
    let before = 0;
    for (const part of parts) {
      const distance = part - before;
      writer.varint(distance < 0 ? -2 * distance - 1 : 2 * distance);
      before = part;
    }
    writer.varint(end - from);
    writer.reserve(end - from + 4);
    for (const byte of frame.bytes.subarray(from, end)) writer.byte(byte);
    writer.uint32(checksum(writer.bytes, start, writer.position));
  }
  return writer.finish();
};

oddities('an object in two blocks of a segment is superseded as in its changesets', () => {
  const segment = joined(
    [changeset(1, 'Update A[1].i = 1'), changeset(2, 'Update A[1].i = 2\nUpdate A[2].i = 1')],
    [changeset(3, 'Update A[1].i = 3')],
  );
  const history = changesetsOf(segment);
  const expected = supersede(history);
  assert.is.not(expected, history);
  const got = changesetsOf(orThrow(decodeSegment(supersedeSegment(segment, noColumns))));
  assert.is(printChangesets(got), printChangesets(expected));
});

const field = (name: string, value: bigint): Instruction => update('A', intKey(1n), name, [], value);

oddities('the rows of an object may stand in any order of their changesets', () => {
  const blocks = [
    { all: [field('i', 3n)], parts: [2] },
    { all: [field('i', 1n)], parts: [0] },
    { all: [field('i', 2n)], parts: [1] },
  ];
  const bytes = segmentBytes(3, blocks);
  const history = changesetsOf(orThrow(decodeSegment(bytes)));
  assert.equal(
    history.map(({ instructions: all }) => all),
    [[field('i', 1n)], [field('i', 2n)], [field('i', 3n)]],
  );
  const got = changesetsOf(orThrow(decodeSegment(orThrow(supersedeSegmentBytes(bytes, noColumns)))));
  assert.equal(got, supersede(history));
  assert.is(got.flatMap(({ instructions: all }) => all).length, 1);
});

oddities('a body of fewer instructions than its block announces is refused', () => {
  const one = { all: [field('i', 3n)], parts: [0, 0] };
  for (const got of [decodeSegment, (bytes: Uint8Array) => supersedeSegmentBytes(bytes, noColumns)]) {
    const refused = got(segmentBytes(1, [one]));
    assert.match(E.isLeft(refused) ? refused.left.message : '', '1 instructions: expected 2');
  }
  const schema = { all: instructions('AddTable A topLevel _id: int'), parts: [0, 0] };
  const refused = supersedeSegmentBytes(segmentBytes(1, [schema]), noColumns);
  assert.match(E.isLeft(refused) ? refused.left.message : '', '1 instructions: expected 2');
});

oddities('a class of more properties than are looked at at a glance is superseded all the same', () => {
  const history = [1n, 2n].map((value) =>
    changeset(
      Number(value),
      Array.from({ length: 90 }, (_, i) => field(`f${i}`, value)),
    ),
  );
  const got = changesetsOf(
    orThrow(decodeSegment(orThrow(supersedeSegmentBytes(encodeSegment(history), noColumns)))),
  );
  assert.equal(got, supersede(history));
  assert.equal(
    got.map(({ instructions: all }) => all.length),
    [0, 90],
  );
});

oddities('a number of a column that is no safe integer is refused', () => {
  const numberOf = (...magnitude: readonly number[]) => {
    const reader = new Reader(Uint8Array.from([0, magnitude.length, ...magnitude]));
    return readColumn(reader, 1)[0];
  };
  assert.is(numberOf(255, 255, 255, 255, 255, 255, 0x1f), Number.MAX_SAFE_INTEGER);
  assert.throws(
    () => numberOf(0, 0, 0, 0, 0, 0, 0x20),
    (thrown: unknown) => {
      const refused = answer(thrown);
      return E.isLeft(refused) && refused.left.code === 'tooLarge';
    },
  );
});

oddities('a set does not lose what is no value of a set', () => {
  const history = [1, 2].map((version) =>
    changeset(version, [setInsert('A', intKey(1n), 's', [], dictionary)]),
  );
  assert.is(supersede(history), history);
  const [removed, stayed] = history.map((each, at) => located(at, each)) as [Located, Located];
  assert.not(isJustified(removed, [stayed], 9, shapesOf(base)));
});

const located = (at: number, each: Changeset): Located => ({
  at,
  changeset: each,
  instruction: each.instructions[0] as Instruction,
});

const shapesOf =
  (state: State) =>
  (table: string, name: string): readonly ColumnSpec[] => {
    const column = columnsOf(state)(table, name);
    return column === null ? [] : [column];
  };

/** Paths that go on behind what holds nothing, by a name that is none, or through a property that is not known. */
const nowhere: readonly (readonly [string, readonly (string | number)[]])[] = [
  ['i', ['x']],
  ['e', [0]],
  ['e', ['gone']],
  ['gone', ['x']],
  ['gone', []],
];

oddities('what is written where the schema has no place is not superseded, nor may it be', () => {
  for (const [name, path] of nowhere) {
    const write = (...more: readonly string[]): Instruction =>
      update('A', intKey(1n), name, [...path, ...more], more.length > 0 ? 1n : null);
    const history = [changeset(1, [write('y')]), changeset(2, [write()])];
    assert.is(supersede(history, columnsOf(base)), history, `inside ${name}`);
    const [removed, stayed] = history.map((each, at) => located(at, each)) as [Located, Located];
    assert.not(isJustified(removed, [stayed], 9, shapesOf(base)), `inside ${name}`);
    // The one stopped additions, the other lets them live: it matters whether they are possible, and in a list none is.
    if (typeof path[0] === 'number') continue;
    const again = [
      changeset(1, [update('A', intKey(1n), name, path, 'x')]),
      changeset(2, [update('A', intKey(1n), name, path, 1n)]),
    ];
    assert.is(supersede(again, columnsOf(base)), again, `at ${name}`);
    const [first, second] = again.map((each, at) => located(at, each)) as [Located, Located];
    assert.not(isJustified(first, [second], 9, shapesOf(base)), `at ${name}`);
  }
});

oddities('a Clear may stand for what was inside, whatever kind of collection it makes', () => {
  const inside = changeset(1, 'Update A[1].d["k"] = 1');
  const cases: readonly (readonly [string, boolean])[] = [
    ['Clear A[1].d single', true],
    ['Clear A[1].d dictionary', true],
    ['Clear A[1].d list', false],
  ];
  for (const [text, goes] of cases) {
    const history = [inside, changeset(2, text)];
    assert.is(supersede(history, columnsOf(base)) !== history, goes, text);
    const [removed, stayed] = history.map((each, at) => located(at, each)) as [Located, Located];
    assert.is(isJustified(removed, [stayed], 9, shapesOf(base)), goes, text);
  }
});

oddities('an insertion and its erasure go with what was done inside, where insertions stand between', () => {
  const all = instructions(`
    ArrayInsert A[1].m[0] = dictionary of 0
    Update A[1].m[0]["k"] = 1
    ArrayInsert A[1].m[1] = 7 of 1
    Update A[1].m[0]["j"] = 2
    ArrayErase A[1].m[0] of 2`);
  const history = [changeset(1, all)];
  const got = supersede(history, columnsOf(base));
  assert.equal(got[0]?.instructions, instructions('ArrayInsert A[1].m[0] = 7 of 0'));
  assert.is(endOf(base, got), endOf(base, history));
  assert.ok(saysTheSame(all as PathInstruction[], foldWithin(all) as PathInstruction[]));
});

const says = (one: readonly Instruction[], other: readonly Instruction[]): boolean =>
  saysTheSame(one as readonly PathInstruction[], other as readonly PathInstruction[]);

oddities('what cannot be boiled down has to be literally the same', () => {
  const insert = instructions('ArrayInsert A[1].m[0] = 7 of 0');
  const added = [...insert, addInteger('A', intKey(1n), 'm', [0], 1n)];
  assert.ok(says(added, [...added]));
  assert.not(says(added, insert));
  assert.not(says(insert, added));
  const named = [...insert, update('A', intKey(1n), 'm', ['k', 'j'], 1n)];
  assert.ok(says(named, [...named]));
  assert.not(says(named, insert));
  assert.not(says(insert, named));
  assert.not(says([...insert, setInsert('A', intKey(1n), 'm', [0], 1n)], insert));
});

oddities.run();
