/**
 * `syncline compact`: compacts the histories in the folder of a server that is stopped or running, or says what
 * that would do, by class, and what it would cost whom.
 *
 * A running server need not be told: its next commit meets the new history, and it reads that.
 */
import * as E from 'fp-ts/lib/Either.js';
import * as lmdb from 'lmdb';
import {
  type Certificate,
  type ClientForecast,
  commitRewrite,
  encodeInstructions,
  forecast,
  type Instruction,
  LogRewrite,
  passedBy,
  type Rewritten,
  type readEntries,
  rewritePlan,
  type ServerEntry,
} from '../../core/index.js';
import { readLog } from '../drivers/compactor.js';
import { livePartitions } from '../drivers/live-partitions.js';
import { loadWhole } from '../drivers/partition-host.js';
import type { PartitionStore } from '../ports.js';
import { lmdbServerStore } from '../stores/lmdb.js';
import { existingFolder } from './folder.js';
import { table } from './table.js';

export interface CompactOptions {
  readonly directory: string;
  /** Say what would be done, and do nothing. */
  readonly dryRun: boolean;
  /** Milliseconds that clients may be offline. */
  readonly maxOffline: number;
  /** Milliseconds since 1970. */
  readonly now: number;
}

export interface Amount {
  readonly instructions: number;
  /** Of the instructions, packed by class. */
  readonly bytes: number;
}

export interface ClassReport {
  /** '' for the schema. */
  readonly name: string;
  readonly before: Amount;
  readonly after: Amount;
}

export interface ClientCost extends ClientForecast {
  /** The history is folded past it: it will have to reset itself. */
  readonly isPassed: boolean;
}

export interface CompactReport {
  readonly partition: string;
  readonly certificate: Certificate;
  /** Bytes of the log as it is stored. */
  readonly bytes: { readonly before: number; readonly after: number };
  /** In ascending order of name. */
  readonly classes: readonly ClassReport[];
  readonly clients: readonly ClientCost[];
  readonly isDone: boolean;
}

/** Others that commit to the same partition win so often at most. */
const TRIES = 10;
/** Instructions that are packed together to be measured. */
const PACKED = 10_000;
/** Bytes of the log that are read at once. */
const PIECE = 64 * 1024;

/** One report a partition, in ascending order of name. Rejects, with the partition's name, where one cannot be compacted. */
export const compactFolder = async (options: CompactOptions): Promise<readonly CompactReport[]> => {
  const store = await lmdbServerStore({ lmdb, path: existingFolder(options.directory) });
  try {
    const reports: CompactReport[] = [];
    for (const { name, stored } of await livePartitions(store)) {
      try {
        reports.push(await compactPartition(name, await store.partition(stored), options));
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error);
        throw new Error(`partition ${name} is left as it is: ${message}`);
      }
    }
    return reports;
  } finally {
    await store.close();
  }
};

const compactPartition = async (
  name: string,
  store: PartitionStore,
  { dryRun, maxOffline, now }: CompactOptions,
): Promise<CompactReport> => {
  for (let tries = 0; tries < TRIES; tries++) {
    const { revision, partition } = await loadWhole(store, 1);
    const plan = rewritePlan(partition, now, maxOffline);
    const rewrite = new LogRewrite(plan);
    const entries: ServerEntry[] = [];
    let fault: string | null = null;
    const take = (read: ReturnType<typeof readEntries>): boolean => {
      if (E.isLeft(read)) {
        fault = read.left.message;
        return false;
      }
      rewrite.take(read.right);
      for (const entry of read.right) entries.push(entry);
      return true;
    };
    await readLog(store, plan.head, PIECE, take, async () => true);
    if (fault !== null) throw new Error(fault);
    let done = rewrite.step();
    while (done === null) done = rewrite.step();
    // Where another server has committed in between, what was read may be of two histories.
    if (E.isLeft(done) && (await store.load([])).revision !== revision) continue;
    if (E.isLeft(done)) throw new Error(done.left);
    const rewritten = done.right;
    const passed = new Set(
      plan.cut > partition.cut ? passedBy(partition, plan.cut).map(({ ident }) => ident) : [],
    );
    const report: CompactReport = {
      partition: name,
      certificate: rewritten.certificate,
      bytes: { before: rewritten.certificate.before.bytes, after: rewritten.bytes },
      classes: classReports(entries, rewritten),
      clients: forecast(partition, now, maxOffline).clients.map((client) => ({
        ...client,
        isPassed: passed.has(client.ident),
      })),
      isDone: !dryRun && partition.head > 0,
    };
    if (!report.isDone) return report;
    const commit = commitRewrite(partition, rewritten, now, maxOffline);
    if (commit === null) continue;
    if ((await store.commit(revision, commit.batch)).type === 'committed') return report;
  }
  throw new Error(`others have committed ${TRIES} times meanwhile: try again when there is less to do`);
};

const classReports = (entries: readonly ServerEntry[], rewritten: Rewritten): readonly ClassReport[] => {
  const { plan, snapshot, changed } = rewritten;
  const replaced = new Map(changed.map(({ changeset }) => [changeset.version, changeset]));
  const rest = entries.filter(({ version }) => version > plan.cut);
  const before = amounts(entries);
  const after = amounts([
    ...snapshot.map(({ changeset }) => changeset),
    ...rest.map((entry) => replaced.get(entry.version) ?? entry),
  ]);
  const none: Amount = { instructions: 0, bytes: 0 };
  return [...new Set([...before.keys(), ...after.keys()])]
    .sort()
    .map((name) => ({ name, before: before.get(name) ?? none, after: after.get(name) ?? none }));
};

const amounts = (
  history: readonly { readonly instructions: readonly Instruction[] }[],
): ReadonlyMap<string, Amount> => {
  const classes = new Map<string, Instruction[]>();
  for (const { instructions } of history)
    for (const instruction of instructions) {
      const name = 'object' in instruction ? instruction.table : '';
      const of = classes.get(name);
      if (of === undefined) classes.set(name, [instruction]);
      else of.push(instruction);
    }
  return new Map(
    [...classes].map(([name, instructions]) => {
      let bytes = 0;
      for (let at = 0; at < instructions.length; at += PACKED)
        bytes += encodeInstructions(instructions.slice(at, at + PACKED)).length;
      return [name, { instructions: instructions.length, bytes }];
    }),
  );
};

const count = (value: number): string => String(value).replace(/\B(?=(\d{3})+$)/g, ',');
const when = (milliseconds: number | null): string =>
  milliseconds === null ? '' : `${new Date(milliseconds).toISOString().slice(0, 16).replace('T', ' ')} UTC`;

const cost = ({ isPassed, standing, holdsHorizon }: ClientCost): string => {
  if (standing === 'new') return 'can begin at any time';
  if (isPassed) return 'will have to reset: the history is folded past it';
  if (standing === 'expired' || standing === 'passed') return 'has to reset';
  return holdsHorizon ? 'the history above its position is kept for it' : '';
};

const printReport = ({ partition, certificate, bytes, classes, clients, isDone }: CompactReport): string => {
  const { before, after, cut, head } = certificate;
  const saved = bytes.before === 0 ? 0 : Math.round(100 * (1 - bytes.after / bytes.before));
  const lines = [
    `partition ${partition}: ${isDone ? 'compacted' : 'would be compacted'} up to version ${head}, folded up to ${cut}`,
    table(
      ['class', 'instructions', 'then', 'bytes', 'then'],
      [
        ...classes.map((each) => [
          each.name === '' ? '(schema)' : each.name,
          count(each.before.instructions),
          count(each.after.instructions),
          count(each.before.bytes),
          count(each.after.bytes),
        ]),
        [
          `the whole log, -${saved} %`,
          count(before.instructions),
          count(after.instructions),
          count(bytes.before),
          count(bytes.after),
        ],
      ],
    ),
  ];
  if (clients.length === 0) return [...lines, 'no client is known'].join('\n');
  const rows = clients.map((client) => [
    String(client.ident),
    client.standing,
    `${count(client.version)}, ${count(client.behind)} behind`,
    when(client.lastSeen),
    when(client.expiresAt),
    cost(client),
  ]);
  lines.push(table(['client', 'standing', 'position', 'last heard of', 'expires', 'and so'], rows));
  return lines.join('\n');
};

export const printCompactReports = (reports: readonly CompactReport[]): string =>
  reports.length === 0 ? 'the store holds no partition' : reports.map(printReport).join('\n\n');
