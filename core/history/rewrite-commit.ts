/**
 * When a server's log is worth rewriting, and the commit that puts the new one in the place of the old.
 *
 * Bytes written since the last compaction may all be dead, each having overwritten another; once they
 * outweigh what was there then, it is time. The same holds for what has come below the horizon. Either way a
 * compaction is paid for by what is new, and the log is never more than about twice as long as it has to be.
 *
 * The commit is one batch: a crash leaves the old log or the new one. What it passes is marked in the same batch.
 * It is refused where the partition has moved on in a way that matters; entries that were added since do not.
 *
 * Source: merge-semantics, 6.8.
 */
import { emptyBatch, type RecordEntry, type RecordRange } from '../base/record.js';
import { droppedThrough, entriesOf, runOf } from '../base/run.js';
import type { Changeset } from '../model/changeset.js';
import { horizonOf, isPassed, passedBy, seenEvery } from './horizon.js';
import { snapshot } from './journal.js';
import type { RewritePlan, Rewritten } from './log-rewrite.js';
import { type FileRecord, fileOf, type Partition, type SaltRange, type ServerEntry } from './partition.js';
import { type PartitionCommit, seenAt, withFile } from './server-commit.js';
import * as records from './server-records.js';

export interface RewritePolicy {
  /** A compaction that could save less is not worth its while. */
  readonly minBytes: number;
  /** Longer logs are not compacted by themselves: that would take too much memory. */
  readonly maxBytes: number;
}

export const defaultRewritePolicy: RewritePolicy = { minBytes: 64 * 1024, maxBytes: 8 * 1024 * 1024 };

/** Certificates that are kept. */
const CERTIFICATES = 8;

/** Fold what can be folded, and look at all of it. `connected`: files that are bound at present. */
export const rewritePlan = (
  partition: Partition,
  now: number,
  maxOffline: number,
  connected: ReadonlySet<number> = new Set(),
): RewritePlan => ({
  cut: horizonOf(partition, now, maxOffline, connected).version,
  head: partition.head,
  state: partition.state,
  compactions: partition.log.compactions,
  bytes: partition.log.bytes,
});

/** Null where it is not worth it, or not to be done without being asked. O(files). */
export const dueRewrite = (
  partition: Partition,
  now: number,
  maxOffline: number,
  connected: ReadonlySet<number>,
  policy: RewritePolicy,
): RewritePlan | null => {
  const { bytes, settled, folded } = partition.log;
  if (bytes > policy.maxBytes || bytes < policy.minBytes) return null;
  if (bytes - settled >= Math.max(policy.minBytes, settled))
    return rewritePlan(partition, now, maxOffline, connected);
  if (bytes - folded < Math.max(policy.minBytes, folded)) return null;
  const plan = rewritePlan(partition, now, maxOffline, connected);
  const foldable = ((bytes - folded) * (plan.cut - partition.cut)) / (partition.head - partition.cut);
  return foldable >= Math.max(policy.minBytes, folded) ? plan : null;
};

/** Null where the partition is no longer what the rewriting started from, or somebody would be cut off by it. */
export const commitRewrite = (
  partition: Partition,
  { plan, snapshot: chunks, changed, certificate, bytes }: Rewritten,
  now: number,
  maxOffline: number,
  connected: ReadonlySet<number> = new Set(),
): PartitionCommit | null => {
  if (partition.log.compactions !== plan.compactions || partition.head < plan.head) return null;
  if (horizonOf(partition, now, maxOffline, connected).version < plan.cut) return null;
  const deletes: RecordRange[] = [];
  const puts: RecordEntry[] = [];
  let after = partition;
  const passed = plan.cut > partition.cut ? passedBy(partition, plan.cut) : [];
  if (plan.cut > partition.cut) {
    deletes.push({ space: 'log', from: 0, to: plan.cut + 1 });
    for (const { changeset, bytes } of chunks) puts.push({ space: 'log', index: changeset.version, bytes });
    for (const file of passed) {
      const marked: FileRecord = { ...file, lastSeen: 0 };
      after = withFile(after, marked);
      puts.push(records.fileRecord(marked));
      deletes.push(records.reciprocalsTrimmed(file.ident, Number.MAX_SAFE_INTEGER - 1));
    }
  }
  let journal = partition.journal;
  for (const { changeset, bytes, replaces } of changed) {
    puts.push({ space: 'log', index: changeset.version, bytes });
    if (changeset.version > partition.snapshotVersion)
      journal = { ...journal, bytes: Math.max(0, journal.bytes + bytes.length - replaces) };
  }
  let { snapshotVersion } = partition;
  if (snapshotVersion < plan.cut) {
    // Opening reads the log above the stored state: it must not begin within what is folded.
    const whole = snapshot(partition.state);
    deletes.push(...whole.deletes);
    puts.push(...whole.puts);
    journal = whole.journal;
    snapshotVersion = partition.head;
  }
  const number = partition.log.compactions + 1;
  const expires = passed.map(({ ident, baseVersion }) => ({ ident, version: baseVersion }));
  puts.push(records.certificateRecord(number, { ...certificate, expires }, seenAt(now)));
  deletes.push({ space: 'certificate', from: 0, to: Math.max(0, number - CERTIFICATES + 1) });
  after = {
    ...after,
    cut: plan.cut,
    compacted: Math.max(partition.compacted, changed.length > 0 ? plan.head : plan.cut),
    salts: saltsFrom(partition.salts, plan.cut),
    tail: tailOf(partition, plan.cut, changed),
    journal,
    snapshotVersion,
    log: {
      bytes: bytes + Math.max(0, partition.log.bytes - plan.bytes),
      settled: bytes,
      folded: chunks.reduce((sum, chunk) => sum + chunk.bytes.length, 0),
      compactions: number,
    },
  };
  puts.push(records.metaRecord(after));
  return { partition: after, batch: { deletes, puts } };
};

/** Nobody will ask for the salt of a version below the cut again. */
const saltsFrom = (salts: readonly SaltRange[], cut: number): readonly SaltRange[] =>
  salts.filter((_, i) => (salts[i + 1]?.from ?? Number.POSITIVE_INFINITY) > cut);

const tailOf = (
  partition: Partition,
  cut: number,
  changed: readonly { readonly changeset: Changeset; readonly bytes: Uint8Array }[],
): Partition['tail'] => {
  const replaced = new Map(changed.map((entry) => [entry.changeset.version, entry]));
  let through = 0;
  const entries = entriesOf(droppedThrough(partition.tail, cut)).map((entry): ServerEntry => {
    const other = replaced.get(entry.version);
    const bytes = other?.bytes.length ?? entry.bytes;
    through += bytes;
    return { ...(other?.changeset ?? entry), bytes, through };
  });
  return runOf(entries);
};

const seen = (commit: PartitionCommit, file: FileRecord, now: number): PartitionCommit => {
  const after: FileRecord = { ...file, lastSeen: seenAt(now) };
  return {
    partition: withFile(commit.partition, after),
    batch: { deletes: [], puts: [...commit.batch.puts, records.fileRecord(after)] },
  };
};

/** Files that are bound are heard of all the time. Null where that is known already, to within `seenEvery`. */
export const commitSeen = (
  partition: Partition,
  idents: Iterable<number>,
  now: number,
  maxOffline: number,
): PartitionCommit | null => {
  let commit: PartitionCommit = { partition, batch: emptyBatch };
  for (const ident of idents) {
    const file = fileOf(partition, ident);
    if (file === undefined || isPassed(file) || now - file.lastSeen <= seenEvery(maxOffline)) continue;
    commit = seen(commit, file, now);
  }
  return commit.partition === partition ? null : commit;
};

/** A new file begins with the history as it is now, even if an older one has passed it. Null where that is known. */
export const commitBegun = (
  partition: Partition,
  ident: number,
  now: number,
  maxOffline: number,
): PartitionCommit | null => {
  const file = fileOf(partition, ident);
  return file !== undefined && isPassed(file)
    ? seen({ partition, batch: emptyBatch }, file, now)
    : commitSeen(partition, [ident], now, maxOffline);
};
