/** `syncline/client`: one file of one device, or several on one connection. */
export type { Direction, Progress, ProgressMode, SessionFailure, Timing } from '../core/index.js';
export {
  Client,
  type ClientOptions,
  type FileOptions,
  openClient,
  type ReachOptions,
  type Receipt,
} from './drivers/client.js';
export type { LinkHistory, PastError, SessionDescription } from './drivers/description.js';
export { Device, type DeviceOptions, openDevice } from './drivers/device.js';
export { type ErrorArea, SynclineError } from './drivers/error.js';
export type { WatchOptions } from './drivers/feed.js';
export type { ConnectionState, ConnectionStateChange, Session, WaitOptions } from './drivers/session.js';
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
