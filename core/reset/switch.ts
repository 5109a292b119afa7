/**
 * The switch: the one commit by which a fresh file takes the place of the old one.
 *
 * The data are there already: the base of the fresh file was stored while it came down. What the commit
 * writes is who the file is now, the writes that were recovered, and what was dropped. Before it nothing of the
 * old file has changed; after it nothing of it is left.
 *
 * Writes keep their client versions and times; they are based on the fresh server version now. The client
 * versions that the server knows start from nothing, since it has not heard of the new ident before.
 *
 * Source: client-reset, section 3.2; merge-semantics, section 7.5.
 */
import type { RecordEntry } from '../base/record.js';
import { runOf } from '../base/run.js';
import { aheadForgotten } from '../history/ahead.js';
import type { Commit } from '../history/client-commit.js';
import type { ClientFile, LocalWrite } from '../history/client-file.js';
import { baseForgotten, metaRecord } from '../history/client-records.js';
import type { State } from '../model/state.js';
import { type DroppedRange, droppedRecord } from './dropped.js';
import type { PendingReset } from './mode.js';
import { type ParkedWrite, parkedRecord } from './parked.js';
import type { RecoveryReport } from './report.js';
import { pendingRecord } from './reset-records.js';

/** A write as the new file keeps it, and as it is stored. */
export interface PackedWrite {
  readonly write: LocalWrite;
  readonly record: RecordEntry;
}

/** Everything about a reset but the moment. */
export interface PreparedSwitch {
  readonly fresh: ClientFile;
  readonly base: State;
  readonly state: State;
  readonly writes: readonly PackedWrite[];
  readonly report: RecoveryReport;
  readonly parked: readonly ParkedWrite[];
  readonly dropped: readonly DroppedRange[];
  /** All writes up to this client version are accounted for. */
  readonly through: number;
}

export interface SwitchCommit extends Commit {
  readonly pending: PendingReset;
}

/**
 * `file` as it is at the moment of the switch: nothing was written that `prepared` does not account for. `before`:
 * what earlier resets have dropped.
 */
export const commitSwitch = (
  file: ClientFile,
  pending: PendingReset,
  before: readonly DroppedRange[],
  { fresh, base, state, writes, parked, dropped }: PreparedSwitch,
): SwitchCommit => {
  const switched: ClientFile = {
    ident: fresh.ident,
    salt: fresh.salt,
    // Above what either file has used: records of the base are ordered by it.
    version: Math.max(file.version, fresh.version) + 1,
    progress: fresh.progress,
    ahead: null,
    writes: runOf(writes.map(({ write }) => write)),
    base,
    state,
    stamp: Math.max(file.stamp, fresh.stamp),
    journal: fresh.journal,
    generation: fresh.generation,
  };
  const confirming: PendingReset = { ...pending, stage: 'confirming' };
  return {
    file: switched,
    pending: confirming,
    effective: [],
    batch: {
      deletes: [
        ...baseForgotten(file.generation),
        aheadForgotten,
        ...['local', 'reciprocal', 'fresh'].map((space) => ({ space, from: 0, to: Number.MAX_SAFE_INTEGER })),
      ],
      puts: [
        metaRecord(switched),
        pendingRecord(confirming),
        ...writes.map(({ record }) => record),
        ...parked.map(parkedRecord),
        ...(dropped.length > 0 ? [droppedRecord([...before, ...dropped])] : []),
      ],
    },
  };
};
