/**
 * `npm run fuzz -- [--law NAME] [--runs N] [--seconds N] [--seed S]`: the random laws, each for its share of
 * the time or so many runs, or one of them. Prints seed and options first, a failing case made small, and a
 * verdict last. A run is given by its law and seed alone: `--law NAME --seed S --runs 1` takes it again.
 */
import { parseArgs } from 'node:util';
import { hostileClients, hostileServer, recordedLife } from './kit/attack-law.js';
import { compactingLife, randomLife } from './kit/conversation-law.js';
import { hostileBytes } from './kit/decoder-law.js';
import { hostileInputs } from './kit/input-law.js';
import { type RandomMerge, randomMerge } from './kit/merge-law.js';
import { type Random, seeded } from './kit/random.js';
import { hostileRules } from './kit/rule-law.js';
import { recording, shrink } from './kit/shrink.js';

const kinds: readonly RandomMerge[] = ['contents', 'mixed values', 'schema'];

/** Each answers null where the law holds, else the case. */
const laws: Readonly<Record<string, (random: Random, run: number) => string | null>> = {
  merge: (random, run) => randomMerge(random, kinds[run % kinds.length] as RandomMerge),
  sessions: (random, run) => (run % 4 === 0 ? compactingLife(random) : randomLife(random)),
  records: (random) => recordedLife(random, { clientSnapshots: 0, serverSnapshots: 0 }),
  'hostile clients': (random) => hostileClients(random),
  'hostile server': (random) => hostileServer(random),
  decoders: (random) => hostileBytes(random),
  inputs: (random) => hostileInputs(random),
  rules: (random) => hostileRules(random),
};

const { values } = parseArgs({
  options: {
    law: { type: 'string' },
    runs: { type: 'string' },
    seconds: { type: 'string' },
    seed: { type: 'string', default: '1' },
    /** How many failures end a law. */
    failures: { type: 'string', default: '5' },
  },
});
const chosen = values.law === undefined ? Object.keys(laws) : [values.law];
const seed = Number(values.seed);
const seconds = values.seconds === undefined ? Number.POSITIVE_INFINITY : Number(values.seconds);
const runs = Number(values.runs ?? (values.seconds === undefined ? 10_000 : Number.POSITIVE_INFINITY));
const mostFailures = Number(values.failures);

if (
  chosen.some((name) => laws[name] === undefined) ||
  !Number.isSafeInteger(seed) ||
  !(runs > 0 && seconds > 0)
) {
  console.error(
    `usage: npm run fuzz -- [--law ${Object.keys(laws).join('|')}] [--runs N] [--seconds N] [--seed S]`,
  );
  process.exit(2);
}

const story =
  (name: string, run: number) =>
  (random: Random): string | null => {
    try {
      return laws[name]?.(random, run) ?? null;
    } catch (error) {
      return error instanceof Error ? (error.stack ?? error.message) : String(error);
    }
  };

let done = 0;
let failed = 0;

const hold = (name: string): void => {
  const until = Date.now() + (1000 * seconds) / chosen.length;
  let failures = 0;
  for (let i = 0; i < runs && Date.now() < until && failures < mostFailures; i++) {
    const run = seed + i;
    const kept = recording(seeded(run));
    const found = story(name, run)(kept.random);
    done++;
    if (found === null) continue;
    failures++;
    const small = shrink(kept.choices, story(name, run));
    console.log(`\nseed ${run} fails; made small:\n${small.story ?? found}`);
  }
  failed += failures;
};

for (const name of chosen) {
  const before = done;
  console.log(
    `law ${name}, seed ${seed}, ${runs === Number.POSITIVE_INFINITY ? `${seconds / chosen.length} s` : `${runs} runs`}`,
  );
  hold(name);
  if (chosen.length > 1) console.log(`${done - before} runs`);
}
console.log(`${done - failed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
