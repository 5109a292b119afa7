/**
 * `syncline/testing`: what each implementation of a port owes, as suites for any test framework; and an app's own
 * schema and transactions in simulated worlds, from one seed.
 */
export { clientStoreConformance } from './conformance/client-store.js';
export { linkConformance } from './conformance/link.js';
export { serverStoreConformance } from './conformance/server-store.js';
export type { ConformanceTest } from './conformance/test.js';
export { type Random, seeded } from './kit/random.js';
export type { Checker, MakeChecker } from './simulation/checkers.js';
export type { Observation } from './simulation/observation.js';
export type { Carrier, Plan } from './simulation/plan.js';
export { type ShrinkBounds, type ShrinkResult, shrinkRun } from './simulation/shrink.js';
export {
  type Failure,
  type SimulationOptions,
  type SimulationReport,
  simulate,
} from './simulation/simulate.js';
export type { Workload } from './simulation/workload.js';
export type { World } from './simulation/world.js';
