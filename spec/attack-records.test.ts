import fc from 'fast-check';
import * as assert from 'uvu/assert';
import { inSequence, type RecordBatch } from '../core/base/record.js';
import {
  appended,
  droppedThrough,
  emptyRun,
  entriesAfter,
  entriesOf,
  firstAfter,
  type Run,
  runFirst,
  runLast,
  runLength,
} from '../core/base/run.js';
import { Records } from '../transports/stores/records.js';
import { recordedLife, type Seen } from './kit/attack-law.js';
import { seeded } from './kit/random.js';
import { suite } from './kit/suite.js';

const records = suite('records');

const indices = fc.nat({ max: 6 });
const spaces = fc.constantFrom('a', 'b', 'a/1');
const batches: fc.Arbitrary<RecordBatch> = fc.record({
  deletes: fc.array(fc.record({ space: spaces, from: indices, to: indices }), { maxLength: 3 }),
  puts: fc.uniqueArray(fc.record({ space: spaces, index: indices, bytes: fc.uint8Array({ maxLength: 2 }) }), {
    selector: ({ space, index }) => `${space} ${index}`,
    maxLength: 4,
  }),
});

records('batches in sequence do as one what they do in turn', () => {
  fc.assert(
    fc.property(batches, fc.array(batches, { minLength: 1, maxLength: 5 }), (first, rest) => {
      const [inTurn, atOnce] = [new Records(), new Records()];
      for (const each of [inTurn, atOnce]) each.apply(first);
      for (const batch of rest) inTurn.apply(batch);
      atOnce.apply(inSequence(rest));
      assert.equal(atOnce.entries(), inTurn.entries());
    }),
    { numRuns: 2000 },
  );
});

records('of every life can be read back after every commit, and every step is a function', () => {
  const seen: Seen = { clientSnapshots: 0, serverSnapshots: 0 };
  for (let seed = 1; seed <= 6; seed++) assert.is(recordedLife(seeded(seed), seen), null, `seed ${seed}`);
  assert.ok(seen.clientSnapshots > 3 && seen.serverSnapshots > 3, JSON.stringify(seen));
});

records.run();

const runs = suite('runs');

interface Entry {
  readonly version: number;
  readonly by: number;
}

runs('are what arrays are, however they fork', () => {
  const step = fc.record({ of: fc.nat(), drop: fc.boolean(), by: fc.nat({ max: 6 }) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const all: { readonly run: Run<Entry>; readonly twin: readonly Entry[] }[] = [
        { run: emptyRun(), twin: [] },
      ];
      let number = 0;
      for (const { of, drop, by } of steps) {
        const { run, twin } = all[of % all.length] as (typeof all)[number];
        const last = twin[twin.length - 1]?.version ?? 0;
        if (drop) {
          const through = last - by;
          all.push({
            run: droppedThrough(run, through),
            twin: twin.filter((entry) => entry.version > through),
          });
        } else {
          const entry = { version: last + 1 + (by % 3), by: ++number };
          all.push({ run: appended(run, entry), twin: [...twin, entry] });
        }
      }
      for (const { run, twin } of all) {
        assert.equal(entriesOf(run), twin);
        assert.is(runLength(run), twin.length);
        assert.is(runFirst(run), twin[0]);
        assert.is(runLast(run), twin[twin.length - 1]);
        for (const version of [0, 1, 3, 7, 20]) {
          const above = twin.filter((entry) => entry.version > version);
          assert.equal(entriesAfter(run, version), above);
          assert.is(firstAfter(run, version), above[0]);
        }
      }
    }),
    { numRuns: 300 },
  );
});

runs.run();
