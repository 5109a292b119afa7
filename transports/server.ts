/** `syncline/server`: the partitions of a store, behind any number of listeners. */
export { type Refusal, Server, type ServerNote, type ServerOptions, startServer } from './drivers/server.js';
export type {
  Clock,
  CloseCode,
  CloseReason,
  CommitOutcome,
  Entropy,
  Link,
  LinkEvents,
  Listener,
  PartitionStore,
  ServerStore,
} from './ports.js';
