/**
 * `npm run fuzz -- [--law NAME] [--runs N] [--seconds N] [--seed S]`: the random laws, each for its share of
 * the time or so many runs, or one of them. Prints seed and options first, a failing case made small, and a
 * verdict last. A run is given by its law and seed alone: `--law NAME --seed S --runs 1` takes it again. Inputs of
 * decoders that are kept (`spec/corpus`) come first, and one that fails is made small and kept there.
 */
import { parseArgs } from 'node:util';
import { hostileAdmin } from './kit/admin-law.js';
import { hostileClients, hostileServer, recordedLife } from './kit/attack-law.js';
import { compactingLife, randomLife } from './kit/conversation-law.js';
import { hostileBytes, slowFaultOf } from './kit/decoder-law.js';
import type { DecoderName } from './kit/decoders.js';
import { hostileInputs } from './kit/input-law.js';
import { corpusFolder, keepInput, keptFault, readAllKept } from './kit/kept-inputs.js';
import { longPollOrders } from './kit/long-poll-order-law.js';
import { type RandomMerge, randomMerge } from './kit/merge-law.js';
import { type Random, seeded } from './kit/random.js';
import { hostileRules } from './kit/rule-law.js';
import { recording, shrink, shrinkRow } from './kit/shrink.js';
import { syncOrders } from './kit/sync-order-law.js';
import { hostileTokens } from './kit/token-law.js';

const kinds: readonly RandomMerge[] = ['contents', 'mixed values', 'schema'];

type Story = string | null;

/** Each answers null where the law holds, else the case. */
const laws: Readonly<Record<string, (random: Random, run: number) => Story | Promise<Story>>> = {
  merge: (random, run) => randomMerge(random, kinds[run % kinds.length] as RandomMerge),
  sessions: (random, run) => (run % 4 === 0 ? compactingLife(random) : randomLife(random)),
  records: (random) => recordedLife(random, { clientSnapshots: 0, serverSnapshots: 0 }),
  'hostile clients': (random) => hostileClients(random),
  'hostile server': (random) => hostileServer(random),
  decoders: (random) =>
    hostileBytes(random, { kept, found: (name, bytes, fault) => broken.push({ name, bytes, fault }) }),
  inputs: (random) => hostileInputs(random),
  rules: (random) => hostileRules(random),
  'admin requests': (random) => hostileAdmin(random),
  tokens: (random) => hostileTokens(random),
  'sync orders': (random) => syncOrders(random),
  'long-poll orders': (random) => longPollOrders(random),
};

const { values } = parseArgs({
  options: {
    law: { type: 'string' },
    runs: { type: 'string' },
    seconds: { type: 'string' },
    seed: { type: 'string', default: '1' },
    /** How many failures end a law. */
    failures: { type: 'string', default: '5' },
    /** Where inputs are kept. */
    corpus: { type: 'string', default: corpusFolder },
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

const kept = readAllKept(values.corpus);

/** Inputs that have broken the law in this run, as they were found. */
const broken: { readonly name: DecoderName; readonly bytes: Uint8Array; readonly fault: string }[] = [];

const keepSmall = async (): Promise<string> => {
  const { name, bytes, fault } = broken.pop() as (typeof broken)[number];
  const { row, story } = await shrinkRow([...bytes], (each) => slowFaultOf(name, Uint8Array.from(each)));
  const path = keepInput(name, Uint8Array.from(row), story ?? fault, values.corpus);
  return `${name}, an input of ${row.length} bytes, kept in ${path}:\n${story ?? fault}`;
};

const story = async (name: string, run: number, random: Random): Promise<Story> => {
  try {
    return (await laws[name]?.(random, run)) ?? null;
  } catch (error) {
    return error instanceof Error ? (error.stack ?? error.message) : String(error);
  }
};

let done = 0;
let failed = 0;

const replay = (): void => {
  for (const input of kept) {
    done++;
    const fault = keptFault(input);
    if (fault === null) continue;
    failed++;
    console.log(`\na kept input fails: ${fault}`);
  }
  console.log(`${kept.length} kept inputs`);
};

/** Making a case smaller ends some day, too. */
const inTime = (name: string, run: number): ((random: Random) => Promise<Story>) => {
  const end = Date.now() + 20_000;
  return async (random) => (Date.now() < end ? story(name, run, random) : null);
};

const hold = async (name: string): Promise<void> => {
  const until = Date.now() + (1000 * seconds) / chosen.length;
  let failures = 0;
  for (let i = 0; i < runs && Date.now() < until && failures < mostFailures; i++) {
    const run = seed + i;
    const taken = recording(seeded(run));
    const found = await story(name, run, taken.random);
    done++;
    if (found === null) continue;
    failures++;
    const small =
      broken.length > 0 ? await keepSmall() : (await shrink(taken.choices, inTime(name, run))).story;
    broken.length = 0;
    console.log(`\nseed ${run} fails; made small:\n${small ?? found}`);
  }
  failed += failures;
};

if (chosen.includes('decoders')) replay();
for (const name of chosen) {
  const before = done;
  console.log(
    `law ${name}, seed ${seed}, ${runs === Number.POSITIVE_INFINITY ? `${seconds / chosen.length} s` : `${runs} runs`}`,
  );
  await hold(name);
  if (chosen.length > 1) console.log(`${done - before} runs`);
}
console.log(`${done - failed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
