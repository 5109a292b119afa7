/**
 * Partition-based sync in a simulated world: the configuration of its servers, who may open which partition, what
 * the back end has done to documents, and what the servers' disk says of sync as a whole.
 */
import * as E from 'fp-ts/lib/Either.js';
import { readStoredName, syncPartition } from '../../core/access/epoch-name.js';
import { partitionName } from '../../core/access/partition-value.js';
import { decodeSyncRecord, type SyncState, syncSpace } from '../../core/access/sync-record.js';
import type { RecordBatch, RecordEntry } from '../../core/base/record.js';
import type { SyncOptions } from '../../transports/drivers/sync-options.js';
import type { User } from '../../transports/ports.js';
import type { Server } from '../../transports/server.js';
import { syncedLedger } from './ledger.js';
import type { Plan, SyncPlan } from './plan.js';
import type { App } from './workload.js';

/** One that is there from the beginning, as soon as a server runs. */
export const firstItem = 'i0';

/** Values of the partition key; documents also move to those that no device opens. */
export const partitionValues: readonly string[] = ['p1', 'p2', 'p3'];

export const nameOf = (value: string): string => partitionName(value);

export type Right = 'write' | 'read' | 'none';

/** What a user may do in a partition, and since when. In true time: servers are told at once. */
interface Standing {
  right: Right;
  /** Milliseconds since 1970; those before are forgotten where the right has come back. */
  unwritableSince: number | null;
  unreadableSince: number | null;
  hasBeenUnwritable: boolean;
}

/** A document that the back end has made, and what is known of it. */
export interface Item {
  readonly id: string;
  /** `maybe`: it was asked for, and nobody has answered. */
  inserted: 'maybe' | 'yes';
  deleted: 'no' | 'maybe' | 'yes';
  /** Increments of the back end that were answered. */
  readonly increments: string[];
}

const configOf = (
  key: string,
  rule: SyncPlan['rule'],
  { sync, maxOffline, forbidsRecovery }: Plan,
): unknown => {
  const may = (name: string): unknown => ({
    '%%true': { '%function': { name, arguments: ['%%user.id', '%%partition'] } },
  });
  const permissions =
    rule === 'functions'
      ? { read: may('mayRead'), write: may('mayWrite') }
      : {
          read: { '%%user.custom_data.reads': '%%partition' },
          write: {
            $and: [{ '%%user.custom_data.writes': '%%partition' }, { '%%user.id': { $exists: true } }],
          },
        };
  return {
    type: 'partition',
    state: 'enabled',
    partition: { key, type: 'string', required: sync?.isRequired === true, permissions },
    is_recovery_mode_disabled: forbidsRecovery,
    ...(maxOffline === null ? {} : { client_max_offline_days: maxOffline / 86_400_000 }),
    ...(sync?.isDevelopment === true ? { development_mode_enabled: true, database_name: 'simulated' } : {}),
  };
};

export class SyncSide {
  readonly #plan: Plan;
  readonly items = new Map<string, Item>();
  /** As the servers' disk has it; null before anything is on it. */
  present: { readonly state: SyncState; readonly epoch: number } | null = null;
  /** Servers that have nothing left halfway, since the world was healed. */
  readonly finished = new Set<Server>();
  /** Why the last try to finish has failed. */
  unfinished = '';
  readonly #standings = new Map<string, Standing>();
  /** Who only reads for good, by user and partition. */
  readonly #readers = new Set<string>();
  readonly #schema: readonly unknown[];
  #rule: SyncPlan['rule'];
  #key = 'owner';
  #counted = 0;

  constructor(plan: Plan, { rule, isDevelopment, isRequired }: SyncPlan, apps: readonly App[]) {
    this.#plan = plan;
    this.#rule = rule;
    this.items.set(firstItem, { id: firstItem, inserted: 'maybe', deleted: 'no', increments: [] });
    const ledger = syncedLedger(isRequired);
    this.#schema = isDevelopment ? ledger : [...ledger, ...joined(apps)];
  }

  /** A name that nothing had. */
  fresh(prefix: string): string {
    return `${prefix}${++this.#counted}`;
  }

  /** Whether somebody's rights are, or were, others than at first. */
  hasChanged = false;

  get hasReaders(): boolean {
    return this.#readers.size > 0;
  }

  #standing(user: string, partition: string): Standing {
    const id = `${user} ${partition}`;
    const present = this.#standings.get(id);
    if (present !== undefined) return present;
    const standing: Standing = {
      right: 'write',
      unwritableSince: null,
      unreadableSince: null,
      hasBeenUnwritable: false,
    };
    this.#standings.set(id, standing);
    return standing;
  }

  /** From the beginning on, and for good. */
  makeReader(user: string, partition: string, now: number): void {
    this.#readers.add(`${user} ${partition}`);
    this.#stand(user, partition, 'read', now);
  }

  give(user: string, partition: string, right: Right, now: number): void {
    this.hasChanged = true;
    this.#stand(user, partition, right, now);
  }

  #stand(user: string, partition: string, right: Right, now: number): void {
    const standing = this.#standing(user, partition);
    standing.right = right;
    standing.hasBeenUnwritable ||= right !== 'write';
    standing.unwritableSince = right === 'write' ? null : (standing.unwritableSince ?? now);
    standing.unreadableSince = right === 'none' ? (standing.unreadableSince ?? now) : null;
  }

  /** Everybody has the right that he began with. */
  giveBack(now: number): void {
    for (const id of this.#standings.keys()) {
      const [user = '', partition = ''] = id.split(' ');
      this.#stand(user, partition, this.#readers.has(id) ? 'read' : 'write', now);
    }
  }

  right(user: string, partition: string): Readonly<Standing> {
    return this.#standing(user, partition);
  }

  /** What servers are started with; they take down the configuration where the disk has none. */
  get options(): SyncOptions {
    const values = (user: string, may: (right: Right) => boolean): string[] =>
      partitionValues.filter((value) => may(this.#standing(user, nameOf(value)).right));
    const reads = (user: string) => values(user, (right) => right !== 'none');
    const writes = (user: string) => values(user, (right) => right === 'write');
    return {
      ...(this.present === null
        ? { config: this.config(), schema: this.#schema as NonNullable<SyncOptions['schema']> }
        : {}),
      functions: {
        mayRead: (user, value) => reads(String(user)).includes(String(value)),
        mayWrite: async (user, value) => writes(String(user)).includes(String(value)),
      },
      customData: async ({ id }: User) => ({ reads: reads(id), writes: writes(id) }),
      lookEvery: 1_000,
      retryAfter: 2_000,
    };
  }

  config(): unknown {
    return configOf(this.#key, this.#rule, this.#plan);
  }

  /** Other rules of the same meaning, and another key with the same values where the world has such. */
  changedConfig(): unknown {
    const rule = this.#rule === 'functions' ? 'custom data' : 'functions';
    const key = this.#plan.sync?.changesKey === true && this.#key === 'owner' ? 'region' : 'owner';
    return configOf(key, rule, this.#plan);
  }

  /** Learns of what the disk has of sync. Answers whether that is another epoch. */
  saw(stored: string, { puts }: RecordBatch): boolean {
    if (stored !== syncPartition) return false;
    const entry = puts.find(({ space }) => space === syncSpace);
    return entry !== undefined && this.#take(entry);
  }

  /** What there is after a backup was restored. */
  restored(entries: readonly RecordEntry[]): void {
    this.present = null;
    const entry = entries.find(({ space }) => space === syncSpace);
    if (entry !== undefined) this.#take(entry);
    // Of what was done since, nobody knows.
    for (const item of this.items.values()) {
      item.inserted = 'maybe';
      item.deleted = 'maybe';
      item.increments.length = 0;
    }
  }

  #take({ bytes }: RecordEntry): boolean {
    const record = decodeSyncRecord(bytes);
    if (E.isLeft(record)) throw new Error(record.left.message);
    const before = this.present?.epoch ?? 0;
    const { state, epoch, config: stored } = record.right;
    this.present = { state, epoch };
    const { key, permissions } = stored['partition'] as {
      readonly key: string;
      readonly permissions: { readonly read: object };
    };
    this.#key = key;
    this.#rule = '%%true' in permissions.read ? 'functions' : 'custom data';
    return epoch !== before;
  }

  /** The partition as devices open it, where what is stored there is of the present epoch. */
  partitionOf(stored: string): string | null {
    const read = readStoredName(stored);
    if (read === null || read.name.startsWith('$') || read.epoch !== (this.present?.epoch ?? 0)) return null;
    return read.name;
  }
}

interface ClassLike {
  readonly name: string;
  readonly properties: Readonly<Record<string, unknown>>;
}

/** All classes of all apps, which differ in what they have, and not in what it is. */
const joined = (apps: readonly App[]): readonly unknown[] => {
  const classes = new Map<string, ClassLike>();
  for (const { schema } of apps)
    for (const each of schema as readonly ClassLike[]) {
      const properties = { ...classes.get(each.name)?.properties, ...each.properties };
      classes.set(each.name, { ...each, properties });
    }
  return [...classes.values()];
};
