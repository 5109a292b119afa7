/**
 * `npm run fuzz -- [--law NAME] [--runs N] [--seconds N] [--seed S]`: the random laws, for as long as
 * wanted. Prints seed and options first, a failing case made small, and a verdict last. A run is given by
 * its seed alone: `--seed S --runs 1` takes it again.
 */
import { parseArgs } from 'node:util';
import { hostileClients, hostileServer, recordedLife } from './kit/attack-law.js';
import { compactingLife, randomLife } from './kit/conversation-law.js';
import { type RandomMerge, randomMerge } from './kit/merge-law.js';
import { type Random, seeded } from './kit/random.js';
import { recording, shrink } from './kit/shrink.js';

const kinds: readonly RandomMerge[] = ['contents', 'mixed values', 'schema'];

/** Each answers null where the law holds, else the case. */
const laws: Readonly<Record<string, (random: Random, run: number) => string | null>> = {
  merge: (random, run) => randomMerge(random, kinds[run % kinds.length] as RandomMerge),
  sessions: (random, run) => (run % 4 === 0 ? compactingLife(random) : randomLife(random)),
  records: (random) => recordedLife(random, { clientSnapshots: 0, serverSnapshots: 0 }),
  'hostile clients': (random) => hostileClients(random),
  'hostile server': (random) => hostileServer(random),
};

const { values } = parseArgs({
  options: {
    law: { type: 'string', default: 'merge' },
    runs: { type: 'string' },
    seconds: { type: 'string' },
    seed: { type: 'string', default: '1' },
  },
});
const law = laws[values.law];
const seed = Number(values.seed);
const runs =
  values.runs === undefined
    ? values.seconds === undefined
      ? 10_000
      : Number.POSITIVE_INFINITY
    : Number(values.runs);
const until =
  values.seconds === undefined ? Number.POSITIVE_INFINITY : Date.now() + 1000 * Number(values.seconds);

if (law === undefined || !Number.isSafeInteger(seed) || !(runs > 0) || Number.isNaN(until)) {
  console.error(
    `usage: npm run fuzz -- [--law ${Object.keys(laws).join('|')}] [--runs N] [--seconds N] [--seed S]`,
  );
  process.exit(2);
}

console.log(
  `law ${values.law}, seed ${seed}, ${runs === Number.POSITIVE_INFINITY ? `${values.seconds} s` : `${runs} runs`}`,
);
const story = (run: number) => (random: Random) => {
  try {
    return law(random, run);
  } catch (error) {
    return error instanceof Error ? (error.stack ?? error.message) : String(error);
  }
};

let done = 0;
let failed = 0;
for (; done < runs && Date.now() < until; done++) {
  const run = seed + done;
  const kept = recording(seeded(run));
  const found = story(run)(kept.random);
  if (found === null) continue;
  failed++;
  const small = shrink(kept.choices, story(run));
  console.log(`\nseed ${run} fails; made small:\n${small.story ?? found}`);
  if (failed === 5) {
    done++;
    break;
  }
}
console.log(`${done - failed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
