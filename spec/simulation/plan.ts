/**
 * Plans: everything that is decided about a run before it begins, as data, from one seed. Each event has a seed
 * of its own, so that a plan from which events are left out does with the others what it did before.
 */
import { type ResetMode, resetModes } from '../../core/reset/mode.js';
import { defaultTiming, type Timing } from '../../core/session/client-session.js';
import { keyedTables } from '../kit/alphabet.js';
import { once, pick, type Random, seeded } from '../kit/random.js';

/** A stream of chance of its own for each purpose: what draws more from one disturbs no other. */
export const stream = (seed: number, purpose: string): Random => {
  let hash = 0x811c9dc5 ^ seed;
  for (let i = 0; i < purpose.length; i++) hash = Math.imul(hash ^ purpose.charCodeAt(i), 0x01000193);
  return seeded(hash ^ Math.imul(seed, 0x9e3779b1));
};

export interface PlannedEvent {
  /** Milliseconds from the beginning. */
  readonly at: number;
  /** Name of a generator. */
  readonly does: string;
  readonly seed: number;
}

/** How frames get from here to there: links of the simulated network, or long-poll links on its requests. */
export const carriers = ['link', 'long-poll'] as const;
export type Carrier = (typeof carriers)[number];

/** What there is where servers sync by a configuration. */
export interface SyncPlan {
  /** What the rules go by at first. */
  readonly rule: 'custom data' | 'functions';
  /** Whether the servers learn their classes from devices. */
  readonly isDevelopment: boolean;
  /** Whether sync begins anew with another key now and then. */
  readonly changesKey: boolean;
  /** One user in so many may only read; 0 for nobody. */
  readonly readers: number;
  /** Whether apps leave it to the client to fill the partition key in. */
  readonly fillsKey: boolean;
  /** Whether the partition key is required, so that documents without one are in no partition. */
  readonly isRequired: boolean;
}

export interface Plan {
  readonly seed: number;
  /** Null where partitions have names only. */
  readonly sync: SyncPlan | null;
  readonly devices: number;
  readonly servers: number;
  readonly partitions: number;
  /** How many devices live in one program, as files on one connection; 1 where each has its own. */
  readonly shares: number;
  readonly carrier: Carrier;
  readonly timing: Timing;
  /** Whether what merges decide is reported. */
  readonly explain: boolean;
  /** Classes of an app at random besides those that every one has: with other types of primary keys. */
  readonly tables: readonly string[];
  /** Whether the engine's limits are so small that what they bound happens. */
  readonly tight: boolean;
  /** Whether servers compact their history whenever there is something to save. */
  readonly compacts: boolean;
  /** Milliseconds of silence after which a file expires; null for the default, which no run is long enough for. */
  readonly maxOffline: number | null;
  /** Milliseconds that a token is good; null for those that do not end. */
  readonly tokenLife: number | null;
  /** What devices do about a client reset; where it is manual, the app gives up its file and begins a new one. */
  readonly reset: ResetMode;
  /** Whether servers forbid devices to recover what they had not uploaded. */
  readonly forbidsRecovery: boolean;
  /** Names of the kinds of faults that there may be. */
  readonly faults: readonly string[];
  /** Ascending by time. */
  readonly events: readonly PlannedEvent[];
}

/** What a plan is made from, where the seed is not to decide it. */
export interface PlanOptions {
  readonly seed: number;
  /** Whether servers sync by a configuration; never with an app's own schema. */
  readonly sync?: boolean | undefined;
  readonly devices?: number | undefined;
  readonly servers?: number | undefined;
  readonly partitions?: number | undefined;
  readonly shares?: number | undefined;
  readonly carrier?: Carrier | undefined;
  readonly explain?: boolean | undefined;
  readonly tables?: readonly string[] | undefined;
  readonly tight?: boolean | undefined;
  readonly compacts?: boolean | undefined;
  readonly maxOffline?: number | null | undefined;
  readonly tokenLife?: number | null | undefined;
  readonly reset?: ResetMode | undefined;
  readonly forbidsRecovery?: boolean | undefined;
  readonly faults?: readonly string[] | undefined;
  /** The events themselves, instead of any by chance. */
  readonly events?: readonly PlannedEvent[] | undefined;
  /** How many events there are. */
  readonly steps?: number | undefined;
  /** Positions of the events that are kept; all by default. */
  readonly keep?: readonly number[] | undefined;
}

/** A kind of event, as far as a plan needs to know it. */
export interface Kind {
  readonly name: string;
  readonly isFault: boolean;
  /** Whether it is only where servers sync by a configuration. */
  readonly needsSync: boolean;
  /** How often it happens, relative to the others. */
  readonly weight: number;
  /** A fault is in one plan of so many. */
  readonly rarity: number;
}

const timingOf = (random: Random): Timing => ({
  ...defaultTiming,
  retryFirst: 100 + random.int(1_000),
  retryMost: 3_000 + random.int(15_000),
  handshake: 8_000 + random.int(20_000),
  farewell: 1_000 + random.int(4_000),
});

const eventsOf = (random: Random, kinds: readonly Kind[], steps: number): readonly PlannedEvent[] => {
  const total = kinds.reduce((sum, { weight }) => sum + weight, 0);
  // Some plans are crowded, others leave everybody time to come to rest in between.
  const pause = [100, 1_000, 8_000][random.int(3)] as number;
  const events: PlannedEvent[] = [];
  let at = 0;
  for (let i = 0; i < steps; i++) {
    at += once(random, 3) ? 0 : random.int(pause);
    const chosen = random.int(total);
    let through = 0;
    const kind = kinds.find(({ weight }) => {
      through += weight;
      return chosen < through;
    }) as Kind;
    events.push({ at, does: kind.name, seed: random.int(2 ** 31) });
  }
  return events;
};

const syncOf = (random: Random, isRequired: boolean): SyncPlan => {
  const changesKey = once(random, 3);
  // A key that another one takes the place of has to be a property of every class.
  const isDevelopment = !changesKey && once(random, 4);
  return {
    rule: once(random, 2) ? 'functions' : 'custom data',
    changesKey,
    isDevelopment,
    // Whoever may only read brings no classes that servers do not have.
    readers: !isDevelopment && once(random, 2) ? 3 : 0,
    fillsKey: once(random, 2),
    isRequired,
  };
};

/** The same options and kinds give the same plan. */
export const planOf = (options: PlanOptions, kinds: readonly Kind[]): Plan => {
  const random = stream(options.seed, 'plan');
  const decided = {
    devices: 1 + random.int(4),
    servers: once(random, 3) ? 2 + random.int(2) : 1,
    partitions: once(random, 5) ? 2 : 1,
    carrier: once(random, 10) ? ('long-poll' as const) : ('link' as const),
    explain: once(random, 2),
    tight: once(random, 2),
    timing: timingOf(random),
    steps: 8 + random.int(40),
    compacts: once(random, 2),
    maxOffline: once(random, 4) ? 15_000 + random.int(100_000) : null,
    reset: pick(random, resetModes),
  };
  // Of their own, so that older plans stay what they were.
  const tokens = stream(options.seed, 'tokens');
  // Not shorter: with a clock that is wrong a device is refused at each end, and forgiven once it was well for a while.
  const tokenLife = once(tokens, 4) ? 15_000 + tokens.int(60_000) : null;
  const forbidsRecovery = once(stream(options.seed, 'recovery'), 6);
  const programs = stream(options.seed, 'programs');
  const shares = once(programs, 4) ? 2 + programs.int(2) : 1;
  const keys = stream(options.seed, 'keys');
  const tables = once(keys, 2) ? [...keyedTables.keys()].filter(() => once(keys, 3)) : [];
  const configured = stream(options.seed, 'sync');
  const isDrawn = once(configured, 4);
  const sync =
    (options.sync ?? isDrawn) ? syncOf(configured, once(stream(options.seed, 'required'), 4)) : null;
  const faults = kinds
    .filter(({ isFault, needsSync, rarity }) => isFault && once(needsSync ? configured : random, rarity))
    .map(({ name }) => name);
  const chosen = options.faults ?? faults;
  const present = kinds.filter(
    ({ isFault, needsSync, name }) => (!needsSync || sync !== null) && (!isFault || chosen.includes(name)),
  );
  const events =
    options.events ?? eventsOf(stream(options.seed, 'events'), present, options.steps ?? decided.steps);
  return {
    seed: options.seed,
    sync,
    devices: options.devices ?? decided.devices,
    servers: options.servers ?? decided.servers,
    partitions: options.partitions ?? decided.partitions,
    shares: options.shares ?? shares,
    carrier: options.carrier ?? decided.carrier,
    timing: decided.timing,
    forbidsRecovery: options.forbidsRecovery ?? forbidsRecovery,
    explain: options.explain ?? decided.explain,
    tables: options.tables ?? tables,
    tight: options.tight ?? decided.tight,
    compacts: options.compacts ?? decided.compacts,
    maxOffline: options.maxOffline === undefined ? decided.maxOffline : options.maxOffline,
    tokenLife: options.tokenLife === undefined ? tokenLife : options.tokenLife,
    reset: options.reset ?? decided.reset,
    faults: present.filter(({ isFault }) => isFault).map(({ name }) => name),
    events: options.keep === undefined ? events : events.filter((_, i) => options.keep?.includes(i)),
  };
};
