/**
 * One run: a world from a plan, events and faults for as long as the plan has them, then everything healed, and
 * within a bound of time the world must come to rest, all alike. Any seed gives the same run on any machine.
 */
import { limits } from '../../core/base/limits.js';
import { seeded } from '../kit/random.js';
import { unrest } from './check-sessions.js';
import { type Checker, checkers, type MakeChecker } from './checkers.js';
import { generators } from './generators.js';
import { checkersOf, type Invariant } from './invariants.js';
import { checkOptions } from './options.js';
import { type Plan, type PlanOptions, planOf, stream } from './plan.js';
import { settled } from './time.js';
import { Transcript } from './transcript.js';
import { type App, randomApps, type Workload } from './workload.js';
import { type RecorderOf, World } from './world.js';

export interface SimulationOptions extends PlanOptions {
  /** Class configurations of the app; by default a schema at random, with properties of all types. */
  readonly schema?: readonly unknown[] | undefined;
  /** What a transaction of the app does, with chance from `random` only; by default calls at random. */
  readonly workload?: Workload | undefined;
  /** What must hold in every state that a device shows, by name. */
  readonly invariants?: Readonly<Record<string, Invariant>> | undefined;
  /** Checks beside those that always hold, by name. */
  readonly checkers?: Readonly<Record<string, MakeChecker>> | undefined;
  /** What programs are recorded by (devices A, B …, servers S1, S2 …), for those that are to be. */
  readonly recorder?: RecorderOf | undefined;
  /** Whether to keep a transcript. */
  readonly transcript?: boolean | undefined;
}

export interface Failure {
  readonly checker: string;
  readonly message: string;
  /** Milliseconds from the beginning of the world. */
  readonly at: number;
}

export interface SimulationReport {
  readonly plan: Plan;
  /** Null where all checks held. */
  readonly failure: Failure | null;
  /** How often each kind of fault struck. */
  readonly faults: ReadonlyMap<string, number>;
  readonly writes: number;
  /** Actions in order of virtual time. */
  readonly steps: number;
  /** Of virtual time. */
  readonly milliseconds: number;
  /** Milliseconds from healing to rest. */
  readonly recovery: number;
  /** Null unless asked for. */
  readonly transcript: Transcript | null;
}

/** Milliseconds within which a healed world comes to rest: heartbeats, handshakes, and a few of the longest pauses. */
const patience = 300_000;

/** Milliseconds after which whatever was under way to a disk has arrived. */
const settling = 10_000;

/** So small that tails, journals, portions and queues end within a run. */
const tightLimits = {
  journalBytes: 600,
  tailEntries: 5,
  downloadBytes: 400,
  uploadBytes: 300,
  uploadsInFlight: 3,
  snapshotChunk: 50,
};

class Run {
  readonly world: World;
  readonly #checkers: readonly (readonly [string, Checker])[];
  readonly #beginning: number;
  failure: Failure | null = null;
  recovery = 0;

  constructor(world: World, extra: Readonly<Record<string, MakeChecker>>) {
    this.world = world;
    this.#beginning = world.time.now();
    this.#checkers = Object.entries({ ...checkers, ...extra }).map(([name, make]) => [name, make(world)]);
    const seeing = this.#checkers.filter(([, checker]) => checker.saw !== undefined);
    world.onObservation((seen) => {
      for (const [name, { saw }] of seeing) this.#judge(name, saw?.(seen) ?? null);
    });
  }

  get elapsed(): number {
    return this.world.time.now() - this.#beginning;
  }

  #judge(checker: string, message: string | null): void {
    if (message !== null) this.failure ??= { checker, message, at: this.elapsed };
  }

  /** Whether the run is over. */
  #moved = (): boolean => {
    for (const [name, { moved }] of this.#checkers) this.#judge(name, moved?.() ?? null);
    return this.failure !== null;
  };

  async run(): Promise<void> {
    const { world } = this;
    world.begin();
    for (const { at, does, seed } of world.plan.events) {
      await world.time.passUntil(this.#beginning + at, this.#moved);
      if (this.failure !== null) return;
      this.#act(does, seed);
    }
    await world.time.passUntil(world.time.now() + 1_000, this.#moved);
    if (this.failure !== null) return;
    await this.#recover();
    if (this.failure !== null) return;
    for (const [name, { ended }] of this.#checkers)
      if (ended !== undefined) this.#judge(name, await this.#inTime(async () => ended()));
  }

  /** What `ask` answers, which may have to wait for a disk. */
  async #inTime(ask: () => Promise<string | null>): Promise<string | null> {
    const { time } = this.world;
    let answer: string | null | undefined;
    ask().then(
      (result) => {
        answer = result;
      },
      (error: unknown) => {
        answer = String(error);
      },
    );
    await time.passUntil(time.now() + patience, () => answer !== undefined);
    return answer === undefined ? 'it could not be asked' : answer;
  }

  #act(does: string, seed: number): void {
    try {
      generators.find(({ name }) => name === does)?.act(this.world, seeded(seed));
    } catch (error) {
      this.#judge('nothing throws', error instanceof Error ? (error.stack ?? error.message) : String(error));
    }
  }

  async #recover(): Promise<void> {
    const { world } = this;
    world.heal();
    const healed = world.time.now();
    const isOver = (): boolean => this.#moved() || unrest(world) === null;
    await world.time.passUntil(healed + patience, isOver);
    this.recovery = world.time.now() - healed;
    // What was decided is on the disks some time later.
    await world.time.passUntil(world.time.now() + settling, this.#moved);
    await world.time.passUntil(world.time.now() + settling, isOver);
    const why = unrest(world);
    if (why !== null)
      this.#judge('no session is wedged', `${patience / 1000} s after all was healed, ${why}`);
  }
}

/** Whatever rejects while a world runs, and nobody catches it, is its failure. */
const watched = async (run: Run): Promise<void> => {
  const unhandled = (reason: unknown): void => {
    const message = reason instanceof Error ? (reason.stack ?? reason.message) : String(reason);
    run.failure ??= { checker: 'nothing is unhandled', message, at: run.elapsed };
  };
  process.on('unhandledRejection', unhandled);
  try {
    await run.run();
    await settled();
  } finally {
    process.off('unhandledRejection', unhandled);
  }
};

const appsOf = ({ schema, workload }: SimulationOptions, plan: Plan): readonly App[] => {
  // Another key has to be a property of every class, which those at random have not.
  const given = plan.sync?.changesKey === true ? [] : schema;
  if (given === undefined) return randomApps(stream(plan.seed, 'app'), plan.devices, plan.tables);
  return Array.from({ length: plan.devices }, () => ({
    schema: given,
    workload: workload ?? (() => undefined),
  }));
};

/**
 * Runs one world. One at a time in a process: the engine's limits may be others meanwhile. Rejects with a RangeError
 * where an option is none that there is.
 */
export const simulate = async (options: SimulationOptions): Promise<SimulationReport> => {
  checkOptions(options);
  const isOwn = options.schema !== undefined;
  const plan = planOf(isOwn ? { ...options, sync: false } : options, generators);
  const world = new World(plan, appsOf(options, plan), options.recorder);
  const transcript = options.transcript === true ? new Transcript(world) : null;
  const run = new Run(world, { ...options.checkers, ...checkersOf(options.invariants ?? {}) });
  const before = { ...limits };
  if (plan.tight) Object.assign(limits, tightLimits);
  try {
    await watched(run);
  } finally {
    Object.assign(limits, before);
  }
  return {
    plan,
    failure: run.failure,
    faults: world.struck,
    writes: world.devices.reduce((sum, { marks }) => sum + marks.length, 0),
    steps: world.time.steps,
    milliseconds: run.elapsed,
    recovery: run.recovery,
    transcript,
  };
};
