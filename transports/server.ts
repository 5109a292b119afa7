/** `syncline/server`: the partitions of a store, behind any number of listeners. */
export type { AccessOptions, Refusal, RefusalReason } from './drivers/access.js';
export { Collection } from './drivers/collection.js';
export {
  type DeleteResult,
  type Filter,
  FindCursor,
  type FindOptions,
  type InsertManyResult,
  type InsertOneResult,
  type Update,
  type UpdateResult,
} from './drivers/collection-results.js';
export type { DocumentStatus } from './drivers/documents.js';
export { Server, startServer } from './drivers/server.js';
export type { ServerDescription, ServerNote, ServerOptions } from './drivers/server-options.js';
export type { PartitionStatus, ServerSync, SyncStatus } from './drivers/server-sync.js';
export type { SyncChange } from './drivers/sync-control.js';
export type { Begun } from './drivers/sync-epochs.js';
export { SyncError, type SyncErrorCode } from './drivers/sync-error.js';
export type { SyncOptions } from './drivers/sync-options.js';
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
  TokenFault,
  TokenVerdict,
  User,
  VerifyToken,
} from './ports.js';
export {
  type FileRecording,
  type FileRecordingOptions,
  type FileSystem,
  fileRecording,
  type MemoryRecording,
  memoryRecording,
  type RecordingOptions,
} from './recording.js';
