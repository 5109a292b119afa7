import * as E from 'fp-ts/lib/Either.js';
import * as assert from 'uvu/assert';
import { supersede } from '../core/history/compact.js';
import { columnsOfHistory } from '../core/history/compact-absorb.js';
import { foldPrefix } from '../core/history/fold-prefix.js';
import { columnsOf, noColumns } from '../core/merge/column-lookup.js';
import type { Changeset } from '../core/model/changeset.js';
import { printChangesets } from '../core/model/notation.js';
import { toInstructions } from '../core/model/snapshot.js';
import { base, examples, folds, history, schema, split } from './kit/compact-cases.js';
import { counters } from './kit/compact-counters.js';
import { LawCase } from './kit/compact-law.js';
import { twinSupersede } from './kit/compact-twin.js';
import { instructions } from './kit/notation.js';
import { once, pick, seeded } from './kit/random.js';
import { suite } from './kit/suite.js';
import { allWeights, contentWeights, randomInstructions } from './kit/valid.js';
import { randomWorld } from './kit/worlds.js';

const compact = suite('compact');

for (const { rule, text } of examples)
  compact(rule, () => {
    const { before, after } = split(text);
    const got = supersede(history(before), columnsOf(base));
    assert.is(printChangesets(got), printChangesets(history(after)));
  });

for (const [name, before, after] of folds)
  compact(name, () => {
    const got = supersede(history(before), columnsOf(base));
    assert.is(printChangesets(got), printChangesets(history(after)));
    const law = new LawCase(base, history(before), got);
    assert.is(law.problem, null);
  });

compact('what does not change is the same reference', () => {
  const given = history('[1 by 2]\nUpdate @.x = 1\n[2 by 2]\nUpdate @.t = "s"\n[3 by 2]\nUpdate @.x = 2');
  const got = supersede(given);
  assert.equal(
    got.map((changeset, i) => changeset === given[i]),
    [false, true, true],
  );
  assert.is(supersede(got), got);
});

for (const { name, from = base, before, tempting, pending, position = 0 } of counters)
  compact(`stays: ${name}`, () => {
    const given = history(before);
    const waiting = history(pending).map((changeset) => ({ ...changeset, base: position }));
    const careless = new LawCase(from, given, history(tempting)).breach(position, waiting);
    assert.ok(careless !== null && careless !== 'divergent', `would not show: ${careless}`);
    const got = supersede(given, columnsOf(from));
    assert.not.equal(printChangesets(got), printChangesets(history(tempting)));
    assert.is(new LawCase(from, given, got).breach(position, waiting), null);
  });

compact('superseding is what its definition says, instruction by instruction', () => {
  let removed = 0;
  for (let seed = 1; seed <= 800; seed++) {
    const random = seeded(seed);
    let state = randomWorld(random, { steps: 6, columnsPerTable: 3 });
    const weights = pick(random, [
      contentWeights,
      allWeights,
      { Update: 10, AddInteger: 8, ArrayInsert: 8, ArrayErase: 8, CreateObject: 1 },
    ]);
    const given: Changeset[] = [];
    for (let version = 1, count = 1 + random.int(6); version <= count; version++) {
      const run = randomInstructions(random, state, 1 + random.int(8), { weights });
      state = run.state;
      const head = { version, base: 0, timestamp: random.int(4), origin: 2 + random.int(3) };
      given.push({ ...head, instructions: run.instructions });
    }
    const columns = columnsOfHistory(
      given,
      weights === allWeights || once(random, 4) ? noColumns : columnsOf(state),
    );
    const got = supersede(given, columns);
    assert.is(printChangesets(got), printChangesets(twinSupersede(given, columns)), `seed ${seed}`);
    const count = (all: readonly Changeset[]): number => all.flatMap((c) => c.instructions).length;
    removed += count(given) - count(got);
  }
  assert.ok(removed > 700);
});

const orThrow = <L extends { readonly message: string }, A>(either: E.Either<L, A>): A => {
  if (E.isLeft(either)) throw new Error(either.left.message);
  return either.right;
};

compact('folding makes the prefix one canonical changeset', () => {
  const given = history(`[1 by 2]
    CreateObject @
    Update @.x = 10
    AddInteger @.x += 5
    [7 by 3]
    CreateObject A[2]
    ArrayInsert @.l[0] = 1 of 0
    ArrayInsert @.l[1] = 2 of 1
    [5 by 2]
    EraseObject A[2]
    ArrayMove @.l[0] -> 1 of 2
    [8 by 2]
    Update @.x = 1
    [9 by 2]
    Update @.x = 2`);
  const whole = [
    { ...(given[0] as Changeset), instructions: [...schema, ...(given[0] as Changeset).instructions] },
    ...given.slice(1),
  ];
  const {
    snapshot: [snapshot],
    rest,
    state,
  } = orThrow(foldPrefix(whole, 3));
  assert.equal(snapshot, {
    version: 3,
    base: 0,
    timestamp: 7,
    origin: 1,
    instructions: toInstructions(state),
  });
  assert.equal(rest, whole.slice(3));
  assert.equal(
    (snapshot as Changeset).instructions.slice(-4),
    instructions`
    CreateObject A[1]
    ArrayInsert A[1].l[0] = 2 of 0
    ArrayInsert A[1].l[1] = 1 of 1
    Update A[1].x = 15`,
  );
  assert.equal(orThrow(foldPrefix(whole, 0)).rest, whole);
  const again = orThrow(foldPrefix([snapshot as Changeset, ...rest], 5));
  assert.equal(again.snapshot, orThrow(foldPrefix(whole, 5)).snapshot);
  const above = orThrow(foldPrefix(rest, 5, state));
  assert.equal(above.snapshot[0]?.instructions, again.snapshot[0]?.instructions);
});

compact('a damaged prefix is not folded', () => {
  const folded = foldPrefix(history('[1 by 2]\nUpdate @.x = 1'), 1);
  assert.ok(E.isLeft(folded));
});

compact.run();
