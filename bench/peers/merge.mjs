/**
 * One subject on one workload of the merge benchmark: `node merge.mjs SUBJECT WORKLOAD MODULES smoke|real`,
 * MODULES being the folder of the built benchmark. Prints a line of JSON for each metric, as soon as it is
 * known. `../merge.ts` says what the metrics mean.
 *
 * A replica has the state that both sides started from and all that the left wrote; what the right wrote
 * comes in as the subject's own updates. Making replicas and updates is not timed.
 */
import { pathToFileURL } from 'node:url';

const [subjectName, workloadName, folder, size] = process.argv.slice(2);
const isSmoke = size === 'smoke';
const modules = pathToFileURL(`${folder}/`);
const { workloads, writesOf } = await import(new URL('workloads.js', modules).href);
const workload = workloads(isSmoke).find(({ name }) => name === workloadName);
const subject = await (await import(`./${subjectName}.mjs`)).open(workload, modules);
const count = writesOf(workload.right);

/** Nobody waits longer for one figure; what was done by then counts. */
const PATIENCE = isSmoke ? 300 : 1500;
const WARM_UP = isSmoke ? 0 : 700;
const TIMES = isSmoke ? 1 : 5;
let peak = 0;

const notePeak = () => {
  const { heapUsed, external } = process.memoryUsage();
  peak = Math.max(peak, heapUsed + external);
};

/** Writes per second of one repetition on a replica of its own. `updates` are `weight` writes each. */
const repetition = (updates, weight) => {
  const replica = subject.replica();
  const start = performance.now();
  let done = 0;
  for (const update of updates) {
    subject.receive(replica, update);
    done += weight;
    if (performance.now() - start > PATIENCE) break;
  }
  const rate = (1000 * done) / (performance.now() - start);
  notePeak();
  return rate;
};

const report = (metric, value, unit) => console.log(JSON.stringify({ metric, value, unit }));

/** Reports the median of warm repetitions. */
const measure = (metric, updates, weight) => {
  const rates = [];
  const start = performance.now();
  do repetition(updates, weight);
  while (performance.now() - start < WARM_UP);
  // Who takes all the time there is for one repetition is not warmed up any more.
  while (rates.length < TIMES && (rates.length === 0 || performance.now() - start < 3 * PATIENCE))
    rates.push(repetition(updates, weight));
  report(metric, rates.sort((a, b) => a - b)[rates.length >> 1], 'writes/s');
};

measure('merge and apply, bulk', [subject.bulk], count);
if (subject.updates !== undefined && workload.right.length > 1)
  measure('merge and apply, one by one', subject.updates, 1);
report('peak heap', peak / 2 ** 20, 'MiB');
