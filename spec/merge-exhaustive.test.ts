/**
 * The merge, exhaustively in the small: no sample, every case of what is listed.
 *
 * Pairs: every kind of instruction on every kind of place, each against each, by either order of time.
 * Triples: in each of the small worlds, every two instructions in a row against every one, by all relations
 * of the three timestamps, including those that run backwards. With `--deep` every two in a row against
 * every two in a row besides, which takes minutes.
 */

import * as assert from 'uvu/assert';
import { edit } from '../core/model/apply.js';
import type { Changeset } from '../core/model/changeset.js';
import type { Instruction, Kind } from '../core/model/instruction.js';
import { kinds } from '../core/model/instruction.js';
import type { State } from '../core/model/state.js';
import { marked } from './kit/foreign.js';
import { convergence, converges, solubility } from './kit/merge-law.js';
import { everything, lists, possible, type SmallWorld, smallWorlds } from './kit/small-worlds.js';
import { suite } from './kit/suite.js';

const test = suite('merges, exhaustively');

const LEFT = 2;
const RIGHT = 3;

/** One changeset for each instruction, at the given times. */
const side = (
  base: State,
  origin: number,
  instructions: readonly Instruction[],
  timestamps: readonly number[],
): readonly Changeset[] =>
  marked(
    base,
    instructions.map((instruction, i) => ({
      version: i + 1,
      base: 0,
      timestamp: timestamps[i] as number,
      origin,
      instructions: [instruction],
    })),
  );

const stateAfter = (state: State, instruction: Instruction): State => {
  const draft = edit(state);
  draft.apply(instruction);
  return draft.finish();
};

/** Every two instructions in a row. */
const chains = (world: SmallWorld): [Instruction, Instruction][] =>
  possible(world, world.base).flatMap((first) =>
    possible(world, stateAfter(world.base, first)).map((second): [Instruction, Instruction] => [
      first,
      second,
    ]),
  );

const pairs = (world: SmallWorld): number => {
  const { base } = world;
  const all = possible(world, base);
  let cases = 0;
  // The law covers both roles, so unordered pairs will do.
  all.forEach((a, i) => {
    for (const b of all.slice(i))
      for (const timestamp of [1, 2, 3]) {
        const problem = convergence(base, side(base, LEFT, [a], [timestamp]), side(base, RIGHT, [b], [2]));
        assert.is(problem, null, problem ?? '');
        cases++;
      }
  });
  return cases;
};

test('every kind against every kind, on every place, converges in every order of time', () => {
  const met = new Set(possible(everything, everything.base).map(({ kind }) => kind));
  assert.equal(
    kinds.filter((kind: Kind) => !met.has(kind)),
    [],
    'every kind takes part',
  );
  const cases = pairs(everything);
  assert.ok(cases > 30_000, `${cases} cases`);
});

for (const size of [0, 1, 3, 4])
  test(`every pair on a list of ${size} converges`, () => {
    assert.ok(pairs(lists(size)) > 0);
  });

for (const world of smallWorlds)
  test(`every triple converges and can be merged in parts: ${world.name}`, () => {
    const { base } = world;
    const others = possible(world, base);
    let cases = 0;
    for (const chain of chains(world))
      for (const timestamps of [
        [1, 1],
        [3, 3],
        [1, 3],
        [3, 1],
      ]) {
        const left = side(base, LEFT, chain, timestamps);
        for (const other of others) {
          const right = side(base, RIGHT, [other], [2]);
          if (!converges(base, left, right)) assert.unreachable(convergence(base, left, right) ?? '');
          const problem = solubility(base, left.slice(0, 1), left.slice(1), right);
          if (problem !== null) assert.unreachable(problem);
          cases++;
        }
      }
    assert.ok(cases > 2000, `${cases} cases`);
  });

if (process.argv.includes('--deep'))
  for (const world of smallWorlds)
    test(`every two against every two converge: ${world.name}`, () => {
      const { base } = world;
      const all = chains(world);
      const times = [1, 3, 5].flatMap((a) => [1, 3, 5].map((b) => [a, b]));
      const otherTimes = [2, 4].flatMap((a) => [2, 4].map((b) => [a, b]));
      for (const chain of all)
        for (const timestamps of times) {
          const left = side(base, LEFT, chain, timestamps);
          for (const other of all)
            for (const otherTimestamps of otherTimes) {
              const right = side(base, RIGHT, other, otherTimestamps);
              if (!converges(base, left, right)) assert.unreachable(convergence(base, left, right) ?? '');
            }
        }
    });

test.run();
