/**
 * Making a failing run small: fewer devices, servers, events and faults, as long as the same check fails. What is
 * left of a plan is options again, so a small run is replayed by a command.
 */
import type { PlanOptions } from './plan.js';
import { type SimulationOptions, type SimulationReport, simulate } from './simulate.js';

export interface ShrinkResult {
  readonly options: SimulationOptions;
  readonly report: SimulationReport;
  /** Runs that it took. */
  readonly tries: number;
}

/** Smaller in one respect, the most promising first. */
const smaller = ({ plan }: SimulationReport): readonly Partial<PlanOptions>[] => [
  ...(plan.carrier === 'long-poll' ? [{ carrier: 'link' as const }] : []),
  ...(plan.servers > 1 ? [{ servers: 1 }, { servers: plan.servers - 1 }] : []),
  ...(plan.shares > 1 ? [{ shares: 1 }] : []),
  ...(plan.partitions > 1 ? [{ partitions: 1 }] : []),
  ...(plan.tight ? [{ tight: false }] : []),
  ...(plan.devices > 1 ? [{ devices: 1 }, { devices: plan.devices - 1 }] : []),
];

/** When to be content with what was found. */
export interface ShrinkBounds {
  readonly milliseconds?: number;
  readonly tries?: number;
}

/**
 * The smallest run found within the bounds that fails the check that `options` fail. Those give a failing run,
 * `report`.
 */
export const shrinkRun = async (
  options: SimulationOptions,
  report: SimulationReport,
  { milliseconds = Number.POSITIVE_INFINITY, tries: most = 1000 }: ShrinkBounds = {},
): Promise<ShrinkResult> => {
  const until = performance.now() + milliseconds;
  const { events } = report.plan;
  let keep: readonly number[] = options.keep ?? events.map((_, i) => i);
  let best: ShrinkResult = { options: { ...options, keep }, report, tries: 0 };
  let tries = 0;
  const attempt = async (change: Partial<PlanOptions>): Promise<boolean> => {
    if (tries >= most || performance.now() > until) return false;
    tries++;
    const changed = { ...best.options, ...change };
    const found = await simulate(changed);
    if (found.failure?.checker !== report.failure?.checker) return false;
    best = { options: changed, report: found, tries };
    keep = changed.keep ?? keep;
    return true;
  };
  for (let before = -1; before !== tries && tries < most && performance.now() < until; ) {
    let hasImproved = false;
    for (let size = keep.length; size >= 1; size = Math.floor(size / 2))
      for (let at = 0; at < keep.length; )
        if (await attempt({ keep: [...keep.slice(0, at), ...keep.slice(at + size)] })) hasImproved = true;
        else at += size;
    for (const change of smaller(best.report)) if (await attempt(change)) hasImproved = true;
    before = hasImproved ? -1 : tries;
  }
  const last = await simulate({ ...best.options, transcript: true });
  return { options: best.options, report: last, tries };
};
