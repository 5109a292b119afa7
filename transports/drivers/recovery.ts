/**
 * What a client reset needs besides when the fresh data have come down: the recovery of what was not synced.
 * Loaded then, and not when an app starts, which hardly ever needs it.
 *
 * It works in portions of a few milliseconds, so that the app's reads and writes go on.
 */
import * as E from 'fp-ts/lib/Either.js';
import {
  type ClientFile,
  type ClientSession,
  type DataChanges,
  entriesAfter,
  entriesOf,
  type PackedWrite,
  type PendingReset,
  type PreparedSwitch,
  runLast,
  type Schema,
  schemaInstructions,
} from '../../core/client.js';
import {
  changesWithin,
  discarded,
  droppedIn,
  packed,
  parkedOf,
  Recovery,
  reportOf,
} from '../../core/recovery.js';
import type { Clock } from '../ports.js';

/** Milliseconds of work without a pause, by the host's clock. */
const PORTION = 8;

export interface Recovering {
  readonly fresh: ClientFile;
  readonly pending: PendingReset;
  readonly schema: Schema;
  readonly clock: Clock;
  readonly machine: () => ClientSession;
}

export interface Recovered {
  readonly prepared: PreparedSwitch;
  /** What the switch will change, where that was found out before; null where it was not. */
  readonly changes: ReadonlyMap<string, DataChanges> | null;
}

/** Runs `work` in portions; null where it was stopped in between. */
const inTurns = async <Result>(
  work: Generator<undefined, Result, undefined>,
  clock: Clock,
  signal: AbortSignal,
): Promise<{ readonly result: Result } | null> => {
  let since = clock.now();
  for (;;) {
    const step = work.next();
    if (step.done === true) return { result: step.value };
    if (clock.now() - since < PORTION) continue;
    await new Promise<void>((resolve) => void clock.schedule(0, resolve));
    if (signal.aborted) return null;
    since = clock.now();
  }
};

const runNow = <Result>(work: Generator<undefined, Result, undefined>): Result => {
  for (;;) {
    const step = work.next();
    if (step.done === true) return step.value;
  }
};

/**
 * What is left to do when all that takes time is done: to carry over what was written meanwhile, and to say
 * what it comes to, for a switch in the same turn. Null where it was stopped.
 */
export const recovered = async (
  { fresh, pending, schema, clock, machine }: Recovering,
  signal: AbortSignal,
): Promise<(() => Recovered) | null> => {
  const { cause } = pending;
  const { file, config } = machine();
  const integrated = cause.integrated ?? file.progress.upload.clientVersion;
  const unsynced = () => entriesAfter(machine().file.writes, integrated);
  const isRecovery = pending.performs === 'recovery';
  const recovery = new Recovery({
    base: file.base,
    fresh: fresh.base,
    state: file.state,
    ident: file.ident,
    rules: config.rules,
    rejected: cause.rejected.length === 0 ? null : { versions: cause.rejected, reason: cause.message },
  });
  const known = entriesOf(file.writes).filter(({ version }) => version <= integrated);
  if (!(await inTurns(recovery.compare(known), clock, signal))) return null;
  const serverVersion = fresh.progress.download.serverVersion;
  const writes: PackedWrite[] = [];
  const waiting = () =>
    isRecovery ? entriesAfter(machine().file.writes, Math.max(integrated, recovery.through)) : [];
  const more = waiting();
  if (more.length > 0) {
    if (!(await inTurns(recovery.carry(more), clock, signal))) return null;
    const done = await inTurns(packed(recovery.writes, serverVersion, 0), clock, signal);
    if (done === null) return null;
    writes.push(...done.result);
  }
  const { touched } = recovery;
  const foreseen =
    touched === null
      ? { result: null }
      : await inTurns(changesWithin(machine().file.state, recovery.finish().state, touched), clock, signal);
  if (foreseen === null) return null;
  return () => {
    // What was written in between is little, and merged without another turn.
    const through = runLast(machine().file.writes)?.version ?? 0;
    const changes = recovery.through < through ? null : foreseen.result;
    runNow(recovery.carry(waiting()));
    writes.push(...runNow(packed(recovery.writes, serverVersion, writes.length)));
    const { base, state, report: whole } = recovery.finish();
    const lacking = schemaInstructions(state, schema);
    if (E.isLeft(lacking))
      throw new Error(
        `the schema does not fit the fresh data: ${lacking.left.map(({ message }) => message).join('; ')}`,
      );
    const report = isRecovery ? whole : discarded(unsynced(), pending.fallback);
    const nextId = Math.max(0, ...machine().parked.map(({ id }) => id)) + 1;
    return {
      prepared: {
        fresh,
        base,
        state,
        writes,
        report: reportOf(report),
        parked: parkedOf(report, nextId),
        dropped: droppedIn(report),
        through,
      },
      changes,
    };
  };
};
