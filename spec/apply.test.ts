import fc from 'fast-check';
import * as E from 'fp-ts/lib/Either.js';
import * as assert from 'uvu/assert';
import { apply, edit, type Reason } from '../core/model/apply.js';
import { type ApplyRules, realmApplyRules, synclineApplyRules } from '../core/model/apply-rules.js';
import { digest } from '../core/model/digest.js';
import {
  addTable,
  type Instruction,
  isPathInstruction,
  kinds,
  type Path,
  update,
} from '../core/model/instruction.js';
import { intKey } from '../core/model/key.js';
import { printInstruction } from '../core/model/notation.js';
import { emptyState, type State } from '../core/model/state.js';
import { base, field, run, table } from './kit/applying.js';
import * as arbitrary from './kit/arbitraries.js';
import { plainState } from './kit/plain.js';
import { pick, type Random, seeded } from './kit/random.js';
import { suite } from './kit/suite.js';
import { allWeights, randomInstruction, randomInstructions } from './kit/valid.js';
import { randomWorld } from './kit/worlds.js';

const test = suite('apply');

test('a draft is read in the middle, dropped without a trace, and goes on after it is finished', () => {
  const draft = edit(base);
  assert.is(draft.apply(update('A', intKey(1n), 'int', [], 1n)), null);
  assert.is(field(draft.state, 'int'), '1');
  assert.is(field(base, 'int'), '0');
  const first = draft.finish();
  assert.is(draft.apply(update('A', intKey(1n), 'int', [], 2n)), null);
  assert.is(field(first, 'int'), '1');
  assert.is(field(draft.finish(), 'int'), '2');
  assert.is(field(base, 'int'), '0');
});

test('a draft to which nothing happened answers the state it was made of', () => {
  assert.is(edit(base).finish(), base);
});

test('applyAll does all or nothing, and says which instruction failed', () => {
  const result = run(base, 'Update A[1].int = 5\nUpdate A[2].int = 5\nUpdate A[1].int = 6');
  assert.ok(E.isLeft(result));
  assert.is(result.left.index, 1);
  assert.is(result.left.message, 'Update A[2].int: there is no such object');
  assert.is(field(base, 'int'), '0');
});

test('apply does one', () => {
  const result = apply(emptyState, addTable('T', { type: 'embedded' }));
  assert.ok(E.isRight(result));
  assert.is(table(result.right, 'T')?.spec, 'embedded');
});

/** An instruction with parts of another: mostly well-formed, mostly inapplicable, and nearly right. */
const crossed = (random: Random, one: Instruction, other: Instruction): Instruction => {
  const taken = Object.entries(other).filter(
    ([part]) =>
      part !== 'kind' &&
      part in one &&
      (part !== 'value' || one.kind !== 'AddInteger') &&
      random.int(3) === 0,
  );
  const path: Path = isPathInstruction(one) ? one.path : [];
  const longer = [...path, pick(random, [0, 1, 'k', 'e', 'int', -1, 0.5])];
  return {
    ...one,
    ...Object.fromEntries(taken),
    ...(isPathInstruction(one) && random.int(4) === 0 ? { path: longer } : {}),
    ...('priorSize' in one && random.int(6) === 0 ? { priorSize: random.int(4) } : {}),
  } as Instruction;
};

test('every instruction is applied or refused without effect, under both sets of rules', () => {
  const reasons = new Set<Reason>();
  const applied = new Set<string>();
  const holds = (state: State, instruction: Instruction, rules: ApplyRules): void => {
    const draft = edit(state, rules);
    const before = digest(state);
    const error = draft.apply(instruction);
    if (error === null) applied.add(instruction.kind);
    else {
      reasons.add(error.reason);
      assert.is(digest(draft.finish()), before, printInstruction(instruction));
    }
    assert.is(digest(state), before, printInstruction(instruction));
  };
  const wild = fc.array(arbitrary.instructions, { maxLength: 4 });
  fc.assert(
    fc.property(fc.nat(), fc.nat({ max: 40 }), wild, (seed, steps, others) => {
      const random = seeded(seed);
      const state = randomWorld(random, { weights: allWeights, steps });
      for (const rules of [synclineApplyRules, realmApplyRules]) {
        for (const instruction of others) holds(state, instruction, rules);
        for (let i = 0; i < 6; i++) {
          const one = randomInstruction(random, state, { weights: allWeights });
          holds(state, one, rules);
          holds(
            state,
            crossed(random, one, randomInstruction(random, state, { weights: allWeights })),
            rules,
          );
        }
      }
    }),
    { numRuns: 300 },
  );
  for (const kind of kinds) assert.ok(applied.has(kind), `${kind} was never applied`);
  assert.ok(reasons.size >= 12, [...reasons].join(' '));
});

test('an error in the middle leaves the draft as it was, and it goes on', () => {
  for (let seed = 0; seed < 60; seed++) {
    const random = seeded(seed);
    const state = randomWorld(random, { weights: allWeights });
    const { instructions: valid } = randomInstructions(random, state, 15, { weights: allWeights });
    const clean = edit(state);
    const disturbed = edit(state);
    for (const instruction of valid) {
      const other = randomInstruction(random, clean.state, { weights: allWeights });
      const wrong = crossed(random, instruction, other);
      const before = digest(disturbed.state);
      if (edit(clean.state).apply(wrong) !== null) assert.ok(disturbed.apply(wrong) !== null);
      assert.is(digest(disturbed.state), before);
      assert.is(clean.apply(instruction), null);
      assert.is(disturbed.apply(instruction), null);
      assert.is(digest(disturbed.state), digest(clean.state));
    }
    assert.equal(plainState(disturbed.finish()), plainState(clean.finish()));
  }
});

test('a finished state never changes, whatever is done to drafts made of it', () => {
  for (let seed = 0; seed < 60; seed++) {
    const random = seeded(seed);
    const draft = edit(randomWorld(random, { weights: allWeights }));
    const kept: { readonly state: State; readonly plain: unknown }[] = [];
    for (let i = 0; i < 8; i++) {
      const state = draft.finish();
      kept.push({ state, plain: plainState(state) });
      for (const instruction of randomInstructions(random, state, 4, { weights: allWeights }).instructions)
        assert.is(draft.apply(instruction), null);
    }
    for (const { state, plain } of kept) assert.equal(plainState(state), plain);
  }
});

test('one by one or all in one draft, the outcome is the same', () => {
  for (let seed = 100; seed < 160; seed++) {
    const random = seeded(seed);
    const state = randomWorld(random);
    const whole = randomInstructions(random, state, 20, { weights: allWeights });
    let single = state;
    for (const instruction of whole.instructions) {
      const next = apply(single, instruction);
      assert.ok(E.isRight(next));
      single = next.right;
    }
    assert.equal(plainState(single), plainState(whole.state));
  }
});

test.run();
