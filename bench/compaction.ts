/**
 * How fast a long history becomes a short one that nobody can tell from it, and how short.
 *
 *     changesets to segment    from changesets, each encoded by itself, as a log holds them, to one segment
 *     objects to segment       from readable changesets
 *     segment to segment       from the bytes of a segment that was never compacted
 *     packed to segment        from such a segment once it is decoded
 *     peak memory              of a process that does the first of these once: all of it, the input too
 *
 * `overwrites`: a million updates of five properties of 10,000 objects, chosen by Zipf's law, a twentieth of
 * them after the object was erased and created again, in 100,000 changesets. `overwrites-tenfold`: the same
 * for ten times as long. `list-edits`: 100,000 edits of 1000 lists. A write is an instruction.
 *
 * Peers make the same writes, and bring their updates, one for each transaction, into their own compacted
 * form, in a process of their own (`bench/peers/compaction.mjs`). What they keep for devices that come late
 * differs: that is not in the figures. Making histories is not timed.
 *
 * Floors: `floor-map` keeps the last update of each property in a map, from bare objects. `floor-kept` is what
 * law 4 does not allow to go, found in another way, in a segment; `without empty changesets` it is smaller,
 * but then history has forgotten which versions there were, and who made them when.
 *
 * Goals: from changesets 5 million instructions a second, from packed ones 20 million; at most 200 MB of
 * memory and 0.95 MB of output, within 5 % of the floor; a tenfold history in eleven times the time.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as E from 'fp-ts/lib/Either.js';
import { supersede } from '../core/history/compact.js';
import { supersedeEncoded } from '../core/history/compact-encoded.js';
import { supersedeSegment } from '../core/history/compact-packed.js';
import { supersedeSegmentBytes } from '../core/history/compact-segment.js';
import { changesetsOf as changesetsIn, decodeSegment, encodeSegment } from '../core/history/segment.js';
import { noColumns } from '../core/merge/column-lookup.js';
import type { Changeset } from '../core/model/changeset.js';
import { bareUpdates, lastUpdates, leastHistory } from './compaction-floors.js';
import { changesetsOf, encodedLog } from './compaction-log.js';
import { type Workload, workloads } from './compaction-workload.js';
import { measure, type Suite, type SuiteOptions } from './suite.js';

const MEGA = 1_000_000;

const orThrow = <L extends { readonly message: string }, A>(either: E.Either<L, A>): A => {
  if (E.isLeft(either)) throw new Error(either.left.message);
  return either.right;
};

const fromEncoded = (log: readonly Uint8Array[]): Uint8Array => orThrow(supersedeEncoded(log, noColumns));

const countOf = (history: readonly Changeset[]): number =>
  history.reduce((count, { instructions }) => count + instructions.length, 0);

const bytesOf = (log: readonly Uint8Array[]): number => log.reduce((sum, { length }) => sum + length, 0);

/** Reports of one subject on one workload. */
const reporter =
  ({ report }: SuiteOptions, workload: string, subject: string) =>
  (metric: string, value: number, unit: string): void =>
    report({ workload, subject, metric, value, unit });

const runOurs = (options: SuiteOptions, workload: Workload): void => {
  const { name } = workload;
  const times = options.smoke ? 1 : 7;
  const ours = reporter(options, name, 'syncline');
  const history = [...changesetsOf(workload)];
  const { log, instructions: count } = encodedLog(workload);
  const before = bytesOf(log);
  const rate = (metric: string, bytes: number, work: () => unknown): void => {
    const milliseconds = measure(work, { times });
    ours(metric, (1000 * count) / milliseconds, 'instructions/s');
    ours(metric, bytes / MEGA / (milliseconds / 1000), 'MB/s');
  };
  rate('changesets to segment', before, () => fromEncoded(log));
  const segment = encodeSegment(history);
  rate('objects to segment', before, () => encodeSegment(supersede(history)));
  rate('segment to segment', segment.length, () => orThrow(supersedeSegmentBytes(segment, noColumns)));
  const packed = orThrow(decodeSegment(segment));
  rate('packed to segment', segment.length, () => supersedeSegment(packed, noColumns));
  const after = fromEncoded(log);
  ours('before', before, 'bytes');
  ours('after', after.length, 'bytes');
  ours('after', countOf(changesetsIn(orThrow(decodeSegment(after)))), 'instructions');
};

const runFloors = (options: SuiteOptions, workload: Workload): void => {
  const { name } = workload;
  const bare = bareUpdates(workload.all());
  const milliseconds = measure(() => lastUpdates(bare), { times: options.smoke ? 1 : 5 });
  const map = reporter(options, name, 'floor-map');
  map('objects to segment', (1000 * bare.length) / milliseconds, 'instructions/s');
  const least = leastHistory([...changesetsOf(workload)]);
  const kept = reporter(options, name, 'floor-kept');
  kept('after', encodeSegment(least).length, 'bytes');
  kept('after', countOf(least), 'instructions');
  const filled = least.filter(({ instructions }) => instructions.length > 0);
  kept('after, without empty changesets', encodeSegment(filled).length, 'bytes');
};

/** Ten times the history, and how much longer it takes for each instruction. */
const runGrowth = (options: SuiteOptions, short: Workload, long: Workload): void => {
  const times = options.smoke ? 1 : 3;
  const { log: shortLog } = encodedLog(short);
  const { log: longLog, instructions: count } = encodedLog(long);
  const milliseconds = measure(() => fromEncoded(shortLog), { times });
  const longer = measure(() => fromEncoded(longLog), { times });
  const ours = reporter(options, long.name, 'syncline');
  ours('changesets to segment', (1000 * count) / longer, 'instructions/s');
  ours('before', bytesOf(longLog), 'bytes');
  ours('after', fromEncoded(longLog).length, 'bytes');
  ours(`time, against ${short.name}`, longer / milliseconds, '×');
};

const peers = ['json-joy', 'yjs', 'loro'];
const peersFolder = new URL('../../bench/peers/', import.meta.url);
const modules = new URL('.', import.meta.url).href;
/** Nobody gets longer than this for making a history, nor for compacting it again and again, in seconds. */
const MAKING = 20;
const COMPACTING = 10;
/** A process that has not come to an end by then never will, in seconds. */
const PATIENCE = 60;

interface Made {
  readonly writes: number;
}

interface Done {
  readonly milliseconds: number;
  readonly before: number;
  readonly after: number;
  readonly peak: number;
}

const runProcess = <T>(...words: string[]): T | null => {
  const script = fileURLToPath(new URL('compaction.mjs', peersFolder));
  const { status, stdout, stderr, error } = spawnSync(process.execPath, [script, ...words], {
    encoding: 'utf8',
    timeout: 1000 * PATIENCE,
  });
  if (error !== undefined && 'code' in error && error.code === 'ETIMEDOUT') {
    console.error(`${words.join(' ')}: not done after ${PATIENCE} s`);
    return null;
  }
  if (status !== 0) throw new Error(`${words.join(' ')} failed: ${stderr}`);
  return JSON.parse(stdout);
};

/** For ours, only the memory is of interest: the rest is measured here, with all that is known of the history. */
const runApart = (options: SuiteOptions, workload: string, subject: string): void => {
  const folder = mkdtempSync(join(tmpdir(), 'compaction-'));
  try {
    const file = join(folder, 'log');
    const size = options.smoke ? 'smoke' : 'real';
    const making = String(subject === 'syncline' ? PATIENCE : MAKING);
    const made = runProcess<Made>('make', subject, workload, modules, size, making, file);
    if (made === null) return;
    const compacting = String(options.smoke || subject === 'syncline' ? 0 : COMPACTING);
    const done = runProcess<Done>('compact', subject, modules, compacting, file);
    if (done === null) return;
    const row = reporter(options, workload, subject);
    row('peak memory', done.peak / MEGA, 'MB');
    if (subject === 'syncline') return;
    row('changesets to segment', (1000 * made.writes) / done.milliseconds, 'instructions/s');
    row('changesets to segment', done.before / MEGA / (done.milliseconds / 1000), 'MB/s');
    row('compacted', made.writes, 'instructions');
    row('before', done.before, 'bytes');
    row('after', done.after, 'bytes');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

const peersAreInstalled = (): boolean => {
  if (existsSync(new URL('node_modules', peersFolder))) return true;
  console.error(
    'PEERS ARE NOT INSTALLED, and so are not measured. To install them: npm ci --prefix bench/peers',
  );
  return false;
};

export const suite: Suite = {
  name: 'compaction',
  question: 'How fast does a long history become a short one that nobody can tell from it?',
  peers,
  run(options) {
    const [overwrites, tenfold, lists] = workloads(options.smoke);
    runOurs(options, overwrites);
    runFloors(options, overwrites);
    runGrowth(options, overwrites, tenfold);
    runOurs(options, lists);
    for (const { name } of [overwrites, lists]) runApart(options, name, 'syncline');
    const wanted = peers.filter(options.wants);
    if (wanted.length === 0 || !peersAreInstalled()) return;
    for (const peer of wanted) {
      runApart(options, overwrites.name, peer);
      if (!options.smoke) runApart(options, lists.name, peer);
    }
  },
};
