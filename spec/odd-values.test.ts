/** Values, versions and sizes that are rare in histories: superseding encoded changesets says what superseding does. */
import * as E from 'fp-ts/lib/Either.js';
import * as assert from 'uvu/assert';
import { supersede } from '../core/history/compact.js';
import { supersedeEncoded } from '../core/history/compact-encoded.js';
import { supersedeSegmentBytes } from '../core/history/compact-segment.js';
import { changesetsOf, decodeSegment, encodeSegment } from '../core/history/segment.js';
import { columnsOf } from '../core/merge/column-lookup.js';
import type { Changeset } from '../core/model/changeset.js';
import { encodeChangeset } from '../core/model/codec.js';
import { type Instruction, update } from '../core/model/instruction.js';
import { intKey } from '../core/model/key.js';
import { printChangesets } from '../core/model/notation.js';
import type { Value } from '../core/model/value.js';
import { valuesOf } from './kit/alphabet.js';
import { instructions } from './kit/notation.js';
import { suite } from './kit/suite.js';
import { build } from './kit/worlds.js';

const odd = suite('what is rare in histories');

const columns = columnsOf(
  build(
    instructions(`
      AddTable A topLevel _id: int
      AddColumn A.m: mixed?
      AddColumn A.n: mixed?
      AddColumn A.l: mixed?[]
      CreateObject A[1]`),
  ),
);

const orThrow = <L extends { readonly message: string }, A>(either: E.Either<L, A>): A => {
  if (E.isLeft(either)) throw new Error(either.left.message);
  return either.right;
};

const agrees = (history: readonly Changeset[]): void => {
  const expected = printChangesets(supersede(history, columns));
  const read = (segment: Uint8Array): string =>
    printChangesets(changesetsOf(orThrow(decodeSegment(segment))));
  assert.is(read(orThrow(supersedeEncoded(history.map(encodeChangeset), columns))), expected);
  assert.is(read(orThrow(supersedeSegmentBytes(encodeSegment(history), columns))), expected);
};

const key = intKey(1n);
const changeset = (
  version: number,
  all: readonly Instruction[],
  more: Partial<Changeset> = {},
): Changeset => ({
  version,
  base: 0,
  timestamp: version,
  origin: 2,
  instructions: all,
  ...more,
});

const values: readonly Value[] = [
  null,
  ...Object.values(valuesOf).flat(),
  'x'.repeat(300),
  'y'.repeat(70_000),
];

odd('values of every type, once and again', () => {
  for (const [i, value] of values.entries()) {
    const other = values[(i + 1) % values.length] as Value;
    const set = (field: string, to: Value) => update('A', key, field, [], to, false);
    agrees([
      changeset(1, [set('m', value), set('n', other)]),
      changeset(2, [set('m', other)]),
      changeset(3, [set('n', value), set('m', value)]),
    ]);
  }
});

odd('values of every type as elements', () => {
  for (const value of values) {
    const list = instructions('ArrayInsert A[1].l[0] = 1 of 0');
    const element: Instruction[] = [
      { ...(list[0] as Extract<Instruction, { readonly kind: 'ArrayInsert' }>), value },
      {
        ...(instructions('Update A[1].l[0] = 1 of 1')[0] as Extract<
          Instruction,
          { readonly kind: 'Update' }
        >),
        value,
      },
    ];
    agrees([
      changeset(1, element),
      changeset(2, instructions('Update A[1].m = 1')),
      changeset(3, instructions('ArrayErase A[1].l[0] of 1')),
    ]);
  }
});

odd('numbers of every length in the envelope', () => {
  const sizes = [1, 127, 128, 255, 256, 65_535, 65_536, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 40];
  for (const [i, version] of sizes.entries())
    for (const number of sizes.slice(0, i + 1))
      agrees([
        changeset(version, instructions('Update A[1].m = 1'), { timestamp: number, base: number, origin: 3 }),
        changeset(version + 1, instructions('Update A[1].m = 2'), { timestamp: number, origin: number }),
      ]);
});

odd('bodies of every length of length', () => {
  for (const size of [10, 200, 240, 260, 65_000, 66_000]) {
    const long = update('A', key, 'm', [], 'z'.repeat(size), false);
    agrees([changeset(1, [long]), changeset(2, instructions('Update A[1].n = 1')), changeset(3, [long])]);
  }
});

odd.run();
