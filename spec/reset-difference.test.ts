import fc from 'fast-check';
import * as assert from 'uvu/assert';
import { edit } from '../core/model/apply.js';
import { digest } from '../core/model/digest.js';
import { printInstruction } from '../core/model/notation.js';
import type { State } from '../core/model/state.js';
import { align } from '../core/reset/list-alignment.js';
import { SchemaDifference } from '../core/reset/schema-difference.js';
import { stateDifference } from '../core/reset/state-difference.js';
import { instructions } from './kit/notation.js';
import { seeded } from './kit/random.js';
import { suite } from './kit/suite.js';
import { allWeights, contentWeights, randomInstructions } from './kit/valid.js';
import { changed, holdsOfWorlds } from './kit/world-law.js';
import { build, randomWorld } from './kit/worlds.js';

const difference = suite('differences between states');

const led = (before: State, after: State): State | null => {
  const schemas = new SchemaDifference(before, after);
  if (schemas.isDestructive) return null;
  const draft = edit(before);
  for (const instruction of stateDifference(schemas)) {
    const error = draft.apply(instruction);
    if (error !== null) throw new Error(error.message);
  }
  return draft.finish();
};

difference('it leads from the one to the other, whatever lies between', () => {
  let count = 0;
  holdsOfWorlds(400, (random, before) => {
    const after = changed(random, before, 12);
    const end = led(before, after);
    if (end === null) return;
    count++;
    assert.is(digest(end), digest(after));
  });
  assert.ok(count > 100, `only ${count} cases were not destructive`);
});

difference('it does so between states that have nothing but their schema in common', () => {
  fc.assert(
    fc.property(fc.nat(), (seed) => {
      const random = seeded(seed);
      const empty = randomWorld(random, { steps: 0 });
      const run = () =>
        randomInstructions(random, empty, 30, { weights: contentWeights, listSize: 12 }).state;
      const after = run();
      assert.is(digest(led(run(), after) as State), digest(after));
    }),
    { numRuns: 300 },
  );
});

difference('equal contents give no instructions, however they came about', () => {
  holdsOfWorlds(100, (_, state) => {
    const again = build(stateDifference(new SchemaDifference(build([]), state)));
    assert.equal(stateDifference(new SchemaDifference(state, again)), []);
  });
});

difference('what is taken away from the schema makes it destructive', () => {
  const schema = 'AddTable A topLevel _id: int\nAddTable E embedded\nAddColumn A.i: int';
  const base = build(instructions(schema));
  const after = (more: string) => new SchemaDifference(base, build(instructions(more), base)).isDestructive;
  assert.not(after('AddColumn A.n: int\nAddTable B topLevel _id: int'));
  assert.ok(after('EraseColumn A.i'));
  assert.ok(after('EraseTable E'));
  assert.ok(after('EraseColumn A.i\nAddColumn A.i: string'));
  assert.ok(after('EraseTable E\nAddTable E topLevel _id: int'));
  holdsOfWorlds(100, (random, state) => {
    const end = randomInstructions(random, state, 6, { weights: allWeights }).state;
    const schemas = new SchemaDifference(end, state);
    if (!schemas.isDestructive) assert.is(digest(led(end, state) as State), digest(state));
  });
});

const list = (...values: (number | string)[]): string =>
  values
    .map(
      (value, i) => `ArrayInsert A[1].l[${i}] = ${typeof value === 'number' ? value : `"${value}"`} of ${i}`,
    )
    .join('\n');

/** The instructions on a list that is the one first, and then the other. */
const onLists = (before: string, after: string, type = 'int'): readonly string[] => {
  const schema = `AddTable A topLevel _id: int\nAddColumn A.l: ${type}[]\nCreateObject A[1]`;
  const schemas = new SchemaDifference(
    build(instructions(`${schema}\n${before}`)),
    build(instructions(`${schema}\n${after}`)),
  );
  return stateDifference(schemas).map(printInstruction);
};

difference('elements of a list are aligned by what they hold, and only what changed is touched', () => {
  assert.equal(onLists(list(1, 2, 3), list(1, 3)), ['ArrayErase A[1].l[1] of 3']);
  assert.equal(onLists(list(1, 2, 3), list(1, 9, 2, 3)), ['ArrayInsert A[1].l[1] = 9 of 3']);
  assert.equal(onLists(list(1, 2, 3), list(1, 9, 3)), ['Update A[1].l[1] = 9 of 3']);
  assert.equal(onLists(list(1, 2, 3, 4), list(4, 1, 2, 3)), ['ArrayMove A[1].l[3] -> 0 of 4']);
  assert.equal(onLists(list(1, 2, 3, 4), list(2, 3, 4, 1)), ['ArrayMove A[1].l[0] -> 3 of 4']);
  assert.equal(onLists(list(1, 2, 3), list(8, 9)), [
    'ArrayErase A[1].l[2] of 3',
    'ArrayErase A[1].l[1] of 2',
    'ArrayErase A[1].l[0] of 1',
    'ArrayInsert A[1].l[0] = 8 of 0',
    'ArrayInsert A[1].l[1] = 9 of 1',
  ]);
});

difference('long lists with little in common are aligned by what is unique in them', () => {
  const before = Array.from({ length: 3000 }, (_, i) => `${i}`);
  const after = before.map((text, i) => (i % 3 === 0 ? `new ${i}` : text));
  const from = align(before, after, () => 0);
  assert.equal(
    [...from],
    before.map((_, i) => (i % 3 === 0 ? -1 : i)),
  );
});

difference.run();
