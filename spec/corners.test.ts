/** Readings that are rare: keys that may be null, values within values, texts that break off, places that are others. */
import * as E from 'fp-ts/lib/Either.js';
import * as assert from 'uvu/assert';
import { apply } from '../core/model/apply.js';
import { parseChangesets } from '../core/model/notation.js';
import { areMutuallyConsistent } from '../core/model/progress.js';
import { SynclineError } from '../transports/client.js';
import { setUp } from './kit/driver-world.js';
import { instructions } from './kit/notation.js';
import { suite } from './kit/suite.js';
import { build } from './kit/worlds.js';

const corners = suite('corners');

corners('keys that may be null stand first, ints by number', async () => {
  const schema = [{ name: 'A', primaryKey: '_id', properties: { _id: 'int?', n: 'int' } }];
  const { server, open } = await setUp();
  const client = await open({ schema, connect: false });
  client.write((tx) => {
    for (const _id of [10, 9, null, -3, 100]) tx.create('A', { _id });
  });
  assert.equal(
    [...client.objects('A')].map(({ _id }) => _id),
    [null, -3, 9, 10, 100],
  );
  await client.close();
  await server.close();
});

const schema = [
  {
    name: 'A',
    primaryKey: '_id',
    properties: { _id: 'int', inner: 'E', free: 'mixed', tags: 'string<>', next: 'A', to: 'A[]' },
  },
  { name: 'E', kind: 'embedded', properties: { inner: 'E', free: 'mixed' } },
];

/** A value within so many others. */
const within = (depth: number, wrap: (inner: unknown) => unknown, innermost: unknown): unknown =>
  depth === 0 ? innermost : wrap(within(depth - 1, wrap, innermost));

corners('values within too many others, and nulls where there are none, are refused', async () => {
  const { server, open } = await setUp();
  const client = await open({ schema, connect: false });
  client.write((tx) => tx.create('A', { _id: 1, next: null }));
  const before = client.digest();
  const wrong: readonly (readonly [field: string, value: unknown, says: RegExp])[] = [
    ['inner', within(300, (inner) => ({ inner }), {}), /deep/],
    ['inner', within(300, (inner) => ({ free: [inner] }), {}), /deep/],
    ['free', within(300, (inner) => [inner], 1), /deep/],
    ['free', within(300, (inner) => ({ k: inner }), 1), /deep/],
    ['tags', ['a', null], /null/],
    ['to', [null], /null/],
    ['to', [undefined], /undefined/],
  ];
  for (const [field, value, says] of wrong)
    assert.throws(
      () => client.write((tx) => tx.set('A', 1, [field], value)),
      (error: unknown) => error instanceof SynclineError && says.test(error.message),
      `${field} ${says}`,
    );
  assert.is(client.digest(), before);
  await client.close();
  await server.close();
});

corners('a list of changesets breaks off where an instruction does', () => {
  const text = 'changeset 1 base 0 at 5 from 2\n  CreateObject A[1]\n  CreateObject A[';
  const parsed = parseChangesets(text);
  assert.ok(E.isLeft(parsed));
  assert.is(parsed.left.line, 3);
  assert.ok(E.isLeft(parseChangesets('changeset 1 base 0 at 5 from 2\n  SetInsert A[1].s link(B')));
});

corners('cursors of one history never cross', () => {
  const at = (position: number, seen: number) => ({ position, seen });
  for (const [a, b, isSound] of [
    [at(1, 1), at(2, 1), true],
    [at(1, 2), at(2, 1), false],
    [at(2, 1), at(1, 2), false],
    [at(2, 2), at(2, 2), true],
    [at(2, 2), at(2, 1), false],
  ] as const)
    assert.is(areMutuallyConsistent(a, b), isSound, JSON.stringify([a, b]));
});

corners('an instruction on a place that holds something else says what it found there', () => {
  const state = build(
    instructions(`
      AddTable A topLevel _id: int
      AddTable E embedded
      AddColumn A.e: link(E)?
      AddColumn A.l: int[]
      AddColumn A.d: int{}
      AddColumn A.m: mixed?
      AddColumn A.n: mixed?
      AddColumn A.s: int<>
      AddColumn E.n: int
      CreateObject A[1]
      Update A[1].e = object
      Update A[1].m = 5`),
  );
  for (const [text, says] of [
    ['ArrayInsert A[1].e[0] = 1 of 0', /does not lead to a list/],
    ['ArrayErase A[1].d[0] of 1', /does not lead to a list/],
    ['SetInsert A[1].l 1', /does not lead to a set/],
    ['AddInteger A[1].l += 1', /only a property/],
    ['AddInteger A[1].e += 1', /embedded E/],
    ['Update A[1].l["k"] = 1', /"k" in the path leads into a list/],
    ['Update A[1].d[0] = 1 of 1', /index 0 in the path leads into a dictionary/],
    ['Update A[1].e[0] = 1 of 1', /index 0 in the path leads into an embedded object/],
    ['Update A[1].m["k"] = 1', /"k" in the path leads into a plain value/],
    ['Update A[1].n["k"] = 1', /"k" in the path leads into null/],
    ['Update A[1].s["k"] = 1', /"k" in the path leads into a set/],
  ] as const) {
    const applied = apply(state, instructions(text)[0] as Parameters<typeof apply>[1]);
    assert.ok(E.isLeft(applied), text);
    assert.match(applied.left.message, says, text);
  }
});

corners.run();
