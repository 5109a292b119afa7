/** `syncline/client`: one file of one device. */
export { Client, type ClientOptions, openClient, type Receipt } from './drivers/client.js';
export { type ErrorArea, SynclineError } from './drivers/error.js';
export type { ConnectionState, Session, SessionDescription, WaitOptions } from './drivers/session.js';
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
  TokenSource,
} from './ports.js';
