import fc from 'fast-check';
import * as assert from 'uvu/assert';
import { digest } from '../core/model/digest.js';
import type { Instruction } from '../core/model/instruction.js';
import { printInstruction } from '../core/model/notation.js';
import { reportOf } from '../core/reset/report.js';
import { changesWithin } from '../core/session/changes-within.js';
import { changes } from '../core/session/view.js';
import { type Random, seeded } from './kit/random.js';
import { type ResetCase, rebuilt, recover, replayed, resetCase, runToEnd } from './kit/reset-case.js';
import { everything, possible, smallWorlds } from './kit/small-worlds.js';
import { suite } from './kit/suite.js';
import { allWeights, contentWeights, randomInstructions, type ValidOptions } from './kit/valid.js';
import { build, randomWorld } from './kit/worlds.js';

const laws = suite('laws of recovery');

const randomCase = (random: Random, server: ValidOptions, device: ValidOptions): ResetCase => {
  const base = randomWorld(random, { steps: 10 + random.int(20) });
  const transactions: (readonly Instruction[])[] = [];
  let state = base;
  for (let i = 1 + random.int(5); i > 0; i--) {
    const run = randomInstructions(random, state, 1 + random.int(4), { emitted: true, ...device });
    transactions.push(run.instructions);
    state = run.state;
  }
  return resetCase(base, transactions, randomInstructions(random, base, random.int(12), server).state);
};

/** What is wrong with what has come of a case; null where all is well. */
const fault = (given: ResetCase): string | null => {
  const done = recover(given);
  if (digest(done.base) !== digest(given.fresh)) return 'the base is not the fresh state';
  if (digest(done.state) !== digest(replayed(done))) return 'the state is not the base and the writes';
  const told = done.report.flatMap(({ instructions }) => instructions);
  const made = given.writes.flatMap(({ current }) => current.instructions);
  if (told.length !== made.length || told.some(({ instruction }, i) => instruction !== made[i]))
    return 'the report does not name every instruction once';
  const { counts } = reportOf(done.report);
  if (counts.recovered + counts.transformed + counts.superseded + counts.parked !== made.length)
    return 'the counts do not add up';
  const effects = done.report.flatMap(({ instructions }) =>
    instructions.flatMap(({ instruction, outcome }) =>
      outcome.type === 'recovered' ? [instruction] : outcome.type === 'transformed' ? outcome.result : [],
    ),
  );
  const performed = done.writes.flatMap(({ instructions }) => instructions);
  if (effects.map(printInstruction).join('\n') !== performed.map(printInstruction).join('\n'))
    return 'the report tells of other effects than there are';
  const parkedFor = told.find(({ outcome }) => outcome.type === 'parked' && outcome.why === 'notMergeable');
  if (parkedFor?.outcome.type === 'parked') return `not mergeable: ${parkedFor.outcome.reason}`;
  return null;
};

const holds = (numRuns: number, server: ValidOptions, device: ValidOptions): void =>
  fc.assert(
    fc.property(fc.nat(), (seed) => assert.is(fault(randomCase(seeded(seed), server, device)), null)),
    { numRuns },
  );

laws('the recovered state is the fresh state and exactly the effects in the report', () => {
  holds(120, { weights: contentWeights }, { weights: contentWeights });
});

laws('and so it is where classes and properties come and go on the server', () => {
  const growing = { ...contentWeights, AddTable: 2, AddColumn: 3 };
  holds(120, { weights: { ...allWeights, EraseColumn: 4, EraseTable: 2 } }, { weights: growing });
});

laws('with an unchanged server every write is what it was', () => {
  fc.assert(
    fc.property(fc.nat(), (seed) => {
      const random = seeded(seed);
      const given = randomCase(random, { weights: contentWeights }, { weights: allWeights });
      const same = { ...given, fresh: rebuilt(given.base) };
      const done = recover(same);
      assert.is(digest(done.state), digest(given.state));
      assert.equal(
        done.writes.map(({ version, timestamp, instructions }) => [version, timestamp, instructions]),
        given.writes.map(({ version, original }) => [version, original.timestamp, original.instructions]),
      );
      assert.ok(
        done.report.every(({ instructions }) =>
          instructions.every(({ outcome }) => outcome.type === 'recovered'),
        ),
      );
    }),
    { numRuns: 80 },
  );
});

laws('it does not matter in which pieces the writes are carried over', () => {
  fc.assert(
    fc.property(fc.nat(), fc.array(fc.integer({ min: 1, max: 2 }), { maxLength: 4 }), (seed, pieces) => {
      const weights = contentWeights;
      const given = randomCase(seeded(seed), { weights }, { weights });
      const [whole, parts] = [recover(given), recover(given, {}, pieces)];
      assert.is(digest(parts.state), digest(whole.state));
      assert.equal(parts.writes, whole.writes);
    }),
    { numRuns: 60 },
  );
});

laws('what is in the fresh state already is not written twice', () => {
  fc.assert(
    fc.property(fc.nat(), (seed) => {
      const random = seeded(seed);
      const given = randomCase(random, { weights: contentWeights }, { weights: contentWeights });
      const integrated = random.int(given.writes.length + 1);
      const has = build(
        given.writes.slice(0, integrated).flatMap(({ original }) => original.instructions),
        given.base,
      );
      const done = recover({ ...given, fresh: rebuilt(has) }, { integrated });
      assert.is(digest(done.state), digest(given.state));
      assert.is(done.report.length, given.writes.length - integrated);
    }),
    { numRuns: 60 },
  );
});

laws('refused writes are left out, and what was written after them is not', () => {
  fc.assert(
    fc.property(fc.nat(), (seed) => {
      const random = seeded(seed);
      const given = randomCase(random, { weights: contentWeights }, { weights: contentWeights });
      const versions = given.writes.map(({ version }) => version).filter(() => random.int(3) === 0);
      const done = recover(given, { rejected: { versions, reason: 'it was refused' } });
      assert.is(digest(done.state), digest(replayed(done)));
      assert.is(digest(done.base), digest(given.fresh));
      assert.not(done.writes.some(({ version }) => versions.includes(version)));
      const told = done.report.flatMap(({ instructions }) => instructions);
      assert.is(told.length, given.writes.flatMap(({ current }) => current.instructions).length);
      for (const version of versions) {
        const refused = done.report.find((write) => write.version === version);
        assert.ok(
          refused?.instructions.every(
            ({ outcome }) => outcome.type === 'parked' && outcome.why === 'rejected',
          ),
        );
      }
    }),
    { numRuns: 60 },
  );
});

laws('what the switch changes is known before it', () => {
  let known = 0;
  fc.assert(
    fc.property(fc.nat(), (seed) => {
      const random = seeded(seed);
      const weights = contentWeights;
      const given = randomCase(random, { weights }, { weights });
      const version = random.int(given.writes.length + 1);
      const done = recover(given, { rejected: version === 0 ? null : { versions: [version], reason: '' } });
      if (done.touched === null) return;
      known++;
      assert.equal(
        runToEnd(changesWithin(given.state, done.state, done.touched)),
        changes(given.state, done.state),
      );
    }),
    { numRuns: 100 },
  );
  assert.ok(known > 50);
});

laws('any instruction on the device against any on the server, in every small world', () => {
  let cases = 0;
  for (const world of [...smallWorlds, everything]) {
    const candidates = possible(world, world.base);
    const step = world === everything ? 7 : 1;
    for (let i = 0; i < candidates.length; i += step)
      for (let j = 0; j < candidates.length; j += step) {
        const [ours, theirs] = [candidates[i] as Instruction, candidates[j] as Instruction];
        const given = resetCase(world.base, [[ours]], build([theirs], world.base));
        const found = fault(given);
        if (found !== null)
          throw new Error(
            `${world.name}: ${printInstruction(ours)} against ${printInstruction(theirs)}: ${found}`,
          );
        cases++;
      }
  }
  assert.ok(cases > 2500, `only ${cases} cases`);
});

laws.run();
