/**
 * What must hold in every simulated world. Checkers stand outside: they see observations, what clients answer to
 * an app, and disks. A capability adds its own here, and a generator to `generators.ts`.
 */

import { booksBalance, nothingIsLost, waitsTellTheTruth } from './check-books.js';
import { durableBeforeVisible, observersSeeAll, savedIsKept } from './check-durability.js';
import { lossesAreReported } from './check-losses.js';
import { converges, cursorsAscend, nothingFails, queuesAreBounded } from './check-sessions.js';
import { statesAreTheServers } from './check-states.js';
import { documentsAreKept, lostAdditionsAreReported, resetsHaveCauses, rightsHold } from './check-sync.js';
import type { Observation } from './observation.js';
import type { World } from './world.js';

export interface Checker {
  /** Answers what is wrong. */
  readonly saw?: (observation: Observation) => string | null;
  /** After each step of time. */
  readonly moved?: () => string | null;
  /** When all is healed and at rest. */
  readonly ended?: () => string | null | Promise<string | null>;
}

export type MakeChecker = (world: World) => Checker;

export const checkers: Readonly<Record<string, MakeChecker>> = {
  'nothing fails': nothingFails,
  'durable before visible': durableBeforeVisible,
  'saved is kept': savedIsKept,
  'cursors ascend': cursorsAscend,
  'queues are bounded': queuesAreBounded,
  'waits tell the truth': waitsTellTheTruth,
  'observers see all': observersSeeAll,
  'states are the servers': statesAreTheServers,
  'books balance': booksBalance,
  converges,
  'nothing is lost': nothingIsLost,
  'losses are reported': lossesAreReported,
  'rights hold': rightsHold,
  'resets have causes': resetsHaveCauses,
  'documents are kept': documentsAreKept,
  'lost additions are reported': lostAdditionsAreReported,
};
