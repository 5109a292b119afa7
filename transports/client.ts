/** `syncline/client`: one file of one device, or several on one connection. */
export type {
  Direction,
  ParkedInstruction,
  ParkedWrite,
  Progress,
  ProgressMode,
  RecoveryReport,
  ResetMode,
  SessionFailure,
  Timing,
  WriteReport,
} from '../core/client.js';
export { Client } from './drivers/client.js';
export type { ClientOptions, FileOptions, ReachOptions, Receipt } from './drivers/client-options.js';
export type { LinkHistory, PastError, SessionDescription } from './drivers/description.js';
export { Device, type DeviceOptions, openDevice } from './drivers/device.js';
export { type ErrorArea, SynclineError } from './drivers/error.js';
export type { WatchOptions } from './drivers/feed.js';
export { openClient } from './drivers/open-file.js';
export type { Parking } from './drivers/parking.js';
export type { ResetDescription, ResetOptions } from './drivers/reset.js';
export type { ConnectionState, ConnectionStateChange, Session, WaitOptions } from './drivers/session.js';
export type { Snapshot } from './drivers/snapshot.js';
export type {
  Cancel,
  ClientStore,
  Clock,
  CloseCode,
  CloseReason,
  Connector,
  Entropy,
  Link,
  LinkEvents,
  Token,
  TokenSource,
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
