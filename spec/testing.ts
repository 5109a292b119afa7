/**
 * `syncline/testing`: what each implementation of a port owes, and each merge, server and client, as suites for any
 * test framework; and an app's own schema and transactions in simulated worlds, from one seed.
 */
export {
  type ClientProtocolSetup,
  clientProtocolConformance,
  type ProtocolSubject,
} from './conformance/client-protocol.js';
export { type ClientStoreSetup, clientStoreConformance } from './conformance/client-store.js';
export { type LinkSetup, linkConformance } from './conformance/link.js';
export { type ServerProtocolSetup, serverProtocolConformance } from './conformance/server-protocol.js';
export { type ServerStoreSetup, serverStoreConformance } from './conformance/server-store.js';
export type { ConformanceTest } from './conformance/test.js';
export { sampleVectors, vectorConformance } from './conformance/vectors.js';
export { type Random, seeded } from './kit/random.js';
export type { Merge } from './kit/replay.js';
export { type ReplayedLine, replayLine } from './kit/replay-line.js';
export { readVectorLines } from './kit/vectors.js';
export {
  type DrawnWorld,
  type FastCheckModule,
  faultNames,
  objectArbitraries,
  type WorldBounds,
  workloadOf,
  worldArbitrary,
} from './simulation/arbitraries.js';
export type { Checker, MakeChecker } from './simulation/checkers.js';
export type { Invariant } from './simulation/invariants.js';
export type { Observation } from './simulation/observation.js';
export type { Carrier, Plan, PlanOptions } from './simulation/plan.js';
export { type ShrinkBounds, type ShrinkResult, shrinkRun } from './simulation/shrink.js';
export {
  type Failure,
  type SimulationOptions,
  type SimulationReport,
  simulate,
} from './simulation/simulate.js';
export type { Workload } from './simulation/workload.js';
export type { World } from './simulation/world.js';
