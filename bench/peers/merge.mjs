/**
 * One peer on one workload of the merge benchmark: `node merge.mjs PEER WORKLOAD WORKLOADS_MODULE smoke|real`.
 * Prints a line of JSON for each metric. `../merge.ts` says what the metrics mean.
 *
 * A replica has the state that both sides started from and all that the left wrote; what the right wrote
 * comes in as the peer's own updates. Making replicas and updates is not timed.
 */
import { pathToFileURL } from 'node:url';

const [peerName, workloadName, workloadsModule, size] = process.argv.slice(2);
const isSmoke = size === 'smoke';
const { workloads, writesOf } = await import(pathToFileURL(workloadsModule).href);
const workload = workloads(isSmoke).find(({ name }) => name === workloadName);
const peer = (await import(`./${peerName}.mjs`)).open(workload);
const count = writesOf(workload.right);

/** Nobody waits longer for one figure; what was done by then counts. */
const PATIENCE = isSmoke ? 300 : 1500;
const TIMES = isSmoke ? 1 : 5;
let peak = 0;

const notePeak = () => {
  const { heapUsed, external } = process.memoryUsage();
  peak = Math.max(peak, heapUsed + external);
};

/** Writes per second of one repetition on a replica of its own. `updates` are `weight` writes each. */
const repetition = (updates, weight) => {
  const replica = peer.replica();
  const start = performance.now();
  let done = 0;
  for (const update of updates) {
    peer.receive(replica, update);
    done += weight;
    if (performance.now() - start > PATIENCE) break;
  }
  const rate = (1000 * done) / (performance.now() - start);
  notePeak();
  return rate;
};

const measure = (metric, updates, weight) => {
  const rates = [];
  const until = performance.now() + 3 * PATIENCE;
  // The first repetition warms up, unless it has taken all the time there is.
  let rate = repetition(updates, weight);
  while (rates.length < TIMES && performance.now() < until) rates.push(repetition(updates, weight));
  if (rates.length > 0) rate = rates.sort((a, b) => a - b)[rates.length >> 1];
  console.log(JSON.stringify({ metric, value: rate, unit: 'writes/s' }));
};

measure('merge and apply, bulk', [peer.bulk], count);
if (workload.right.length > 1) measure('merge and apply, one by one', peer.updates, 1);
console.log(JSON.stringify({ metric: 'peak heap', value: peak / 2 ** 20, unit: 'MiB' }));
