/**
 * How fast two replicas that have not seen each other's changes are brought together.
 *
 *     transform               the merge alone, on changesets in memory: instructions of both sides per second
 *     transform, recorded     the same while somebody listens to its decisions
 *     merge and apply         what a replica does with the other's changes, state and all: incoming writes per second
 *     peak heap               of the process while it does so, garbage and all
 *
 * Peers have no merge apart from applying, and are measured in the second sense: all changes in one update
 * (`bulk`), or an update for each transaction (`one by one`). They are installed apart (`bench/peers`). Every
 * subject merges and applies in a process of its own, on the same writes, by the same script
 * (`peers/merge.mjs`). All are warm, and nobody collects garbage for them. Peers that take too long are left
 * out, and stderr says so.
 *
 * The recorder costs nothing where there is none. Without one the merge goes by the index, which does not
 * know of recorders at all: nothing is asked, allocated or passed on for their sake. Only what the index
 * leaves to the way pair by pair asks, for each pair that a rule has changed, whether there is one
 * (`core/merge/pairwise.ts`); what it would be told is made behind that question. With a recorder, all goes
 * pair by pair, and `transform, recorded` says what that costs.
 *
 * Floors: `floor-slots` finds the newest write of each property, and nothing else. `floor-pairs` compares
 * bare integers, every pair, with inserts and erasures only.
 *
 * Goals: transform at least 3.2 million instructions per second on merge-disjoint, 3 million on
 * merge-conflicting, 2.9 million on merge-bulk; merge-list in at most 25 milliseconds (400,000 per second),
 * and in at most eight times the time of merge-list-1000.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Changeset } from '../core/model/changeset.js';
import { naiveTransform } from '../spec/kit/naive.js';
import { type Changesets, changesetsOf, countOf, merged, rules } from './merge-subject.js';
import { measure, type Row, type Suite, type SuiteOptions } from './suite.js';
import { type Transaction, type Workload, workloads } from './workloads.js';

/** The newest write of each property wins. */
const newestWrites = (left: Changesets, right: Changesets): Map<string, Map<string, Changeset>> => {
  const slots = new Map<string, Map<string, Changeset>>();
  for (const side of [left, right])
    for (const changeset of side)
      for (const instruction of changeset.instructions) {
        if (instruction.kind !== 'Update') continue;
        const { object, field } = instruction;
        let known = slots.get(object);
        if (known === undefined) {
          known = new Map();
          slots.set(object, known);
        }
        const newest = known.get(field);
        if (newest === undefined || newest.timestamp <= changeset.timestamp) known.set(field, changeset);
      }
  return slots;
};

/** L4, L6 and L9 on indices alone; -1 is gone. Erasures are complements. */
const barePairs = (left: Int32Array, right: Int32Array): void => {
  for (let l = 0; l < left.length; l++) {
    let a = left[l] as number;
    for (let r = 0; r < right.length; r++) {
      const b = right[r] as number;
      if (b === GONE) continue;
      if (a >= 0) {
        if (b >= 0) {
          if (a <= b) right[r] = b + 1;
          else a++;
        } else if (a <= ~b) right[r] = ~(~b + 1);
        else a--;
      } else if (b >= 0) {
        if (b <= ~a) a = ~(~a + 1);
        else right[r] = b - 1;
      } else if (a === b) {
        right[r] = GONE;
        a = GONE;
        break;
      } else if (~a > ~b) a++;
      else right[r] = b + 1;
    }
    left[l] = a;
  }
};

const GONE = -0x80000000;

const bare = (side: readonly Transaction[]): Int32Array =>
  Int32Array.from(side.flat(), (write) =>
    write.kind === 'insert' ? write.index : write.kind === 'erase' ? ~write.index : 0,
  );

interface Measurement {
  readonly subject: string;
  readonly metric: string;
  readonly unit: string;
  /** Things done by `work`. */
  readonly count: number;
  work(): unknown;
}

/** The highest use of the heap that was seen while the work was repeated. */
let peak = 0;

const notePeak = (): void => {
  const { heapUsed, external } = process.memoryUsage();
  peak = Math.max(peak, heapUsed + external);
};

const run = (
  { smoke, report }: SuiteOptions,
  workload: string,
  { subject, metric, unit, count, work }: Measurement,
): void => {
  const times = smoke ? 1 : 5;
  // Compiled code is what a long session has; `peers/merge.mjs` does the same.
  const until = performance.now() + (smoke ? 0 : 700);
  do work();
  while (performance.now() < until);
  const milliseconds = measure(
    () => {
      work();
      notePeak();
    },
    { times },
  );
  report({ workload, subject, metric, value: (1000 * count) / milliseconds, unit });
};

const runOurs = (options: SuiteOptions, workload: Workload): void => {
  const { name } = workload;
  const left = changesetsOf(workload.left, 2, workload.list);
  const right = changesetsOf(workload.right, 3, workload.list);
  const instructions = countOf(left) + countOf(right);
  const transformed = { metric: 'transform', unit: 'instructions/s', count: instructions };
  peak = 0;
  run(options, name, { subject: 'syncline', ...transformed, work: () => merged(left, right) });
  options.report({
    workload: name,
    subject: 'syncline',
    metric: 'peak heap, transform',
    value: peak / 2 ** 20,
    unit: 'MiB',
  });
  if (recordedWorkloads.includes(name)) {
    let decisions = 0;
    const decided = (): void => void decisions++;
    run(options, name, {
      subject: 'syncline',
      ...transformed,
      metric: 'transform, recorded',
      work: () => merged(left, right, { decided }),
    });
  }
  if (left.length * right.length <= 1_000_000 && instructions <= 2000) {
    run(options, name, {
      subject: 'naive',
      ...transformed,
      work: () => naiveTransform(left, right, { rules }),
    });
  }
  if (workload.list === 0) {
    run(options, name, { subject: 'floor-slots', ...transformed, work: () => newestWrites(left, right) });
  } else if (!name.includes('moves')) {
    run(options, name, {
      subject: 'floor-pairs',
      ...transformed,
      work: () => barePairs(bare(workload.left), bare(workload.right)),
    });
  }
};

/** One on which each pair that meets is decided, and one on which none is. */
const recordedWorkloads = ['merge-conflicting', 'merge-fields'];

const quickPeers = ['yjs', 'loro'];
const slowPeers = ['automerge', 'ot-json1'];
const peersFolder = new URL('../../bench/peers/', import.meta.url);

const peersAreInstalled = (): boolean => {
  if (existsSync(new URL('node_modules', peersFolder))) return true;
  console.error(
    'PEERS ARE NOT INSTALLED, and so are not measured. To install them: npm ci --prefix bench/peers',
  );
  return false;
};

/** Longest time of one process, and of all processes of slow peers together: some write, or merge, for hours. */
const PROCESS_SECONDS = 60;
const SLOW_SECONDS = 150;

/** A process for each subject and workload, so that none pays for another's memory. */
const runApart = (
  { smoke, report }: SuiteOptions,
  subject: string,
  workload: string,
  seconds = PROCESS_SECONDS,
): void => {
  const script = fileURLToPath(new URL('merge.mjs', peersFolder));
  const modules = fileURLToPath(new URL('.', import.meta.url));
  const { status, signal, stdout, stderr } = spawnSync(
    process.execPath,
    [script, subject, workload, modules, smoke ? 'smoke' : 'real'],
    { encoding: 'utf8', maxBuffer: 2 ** 26, timeout: Math.ceil(1000 * seconds), killSignal: 'SIGKILL' },
  );
  const isLate = status === null && signal === 'SIGKILL';
  if (status !== 0 && !isLate) throw new Error(`${subject} failed on ${workload}: ${stderr}`);
  for (const line of stdout.split('\n')) {
    if (!line.endsWith('}')) continue;
    const row: Pick<Row, 'metric' | 'value' | 'unit'> = JSON.parse(line);
    report({ workload, subject, ...row });
  }
  if (isLate)
    console.error(`${subject.toUpperCase()} DID NOT FINISH ${workload} within ${Math.round(seconds)} s`);
};

export const suite: Suite = {
  name: 'merge',
  question: 'How fast are two replicas that have not seen each other brought together?',
  peers: [...quickPeers, ...slowPeers],
  run(options) {
    const { smoke, wants } = options;
    const withPeers = [...quickPeers, ...slowPeers].some(wants) && peersAreInstalled();
    // Processes take longer to start than smoke sizes to run.
    const isShown = ({ name, withPeers }: Workload): boolean =>
      smoke ? name === 'merge-conflicting' : withPeers;
    for (const workload of workloads(smoke)) {
      runOurs(options, workload);
      if (!isShown(workload)) continue;
      runApart(options, 'syncline', workload.name);
      if (!withPeers) continue;
      for (const peer of quickPeers) if (wants(peer)) runApart(options, peer, workload.name);
    }
    if (!withPeers) return;
    const end = performance.now() + 1000 * SLOW_SECONDS;
    for (const workload of workloads(smoke).filter(isShown))
      for (const peer of slowPeers) {
        if (!wants(peer)) continue;
        const seconds = Math.min(PROCESS_SECONDS, (end - performance.now()) / 1000);
        if (seconds > 1) runApart(options, peer, workload.name, seconds);
        else console.error(`NO TIME IS LEFT for ${peer} on ${workload.name}; to see it: --peers ${peer}`);
      }
  },
};
