/**
 * What can be seen of a simulated world from outside its programs: what they send, save, report and answer.
 * Checkers and the transcript know nothing else.
 */
import type { RecordBatch } from '../../core/base/record.js';
import type { Decision } from '../../core/merge/recorder.js';
import type { ClientMessage, ServerMessage } from '../../core/protocol/messages.js';
import type { DataChanges } from '../../core/session/view.js';
import type { Client } from '../../transports/client.js';
import type { Mark } from './ledger.js';

export type Observation =
  /** A program gives a message to its link; `device` is null where the link hides who listens. */
  | { readonly type: 'clientSent'; readonly device: string; readonly message: ClientMessage }
  | { readonly type: 'serverSent'; readonly server: string; readonly message: ServerMessage }
  /** A frame that is no message, or an error thrown where nothing may throw. */
  | { readonly type: 'fault'; readonly where: string; readonly message: string }
  | { readonly type: 'deviceDurable'; readonly device: string; readonly batch: RecordBatch }
  | { readonly type: 'serverDurable'; readonly partition: string; readonly batch: RecordBatch }
  /** The servers' disk has marks that it had not, in a partition as devices know it. */
  | { readonly type: 'arrived'; readonly partition: string; readonly marks: readonly string[] }
  | { readonly type: 'opened'; readonly device: string; readonly client: Client }
  /** The device's program has died, or was closed. */
  | { readonly type: 'stopped'; readonly device: string; readonly hasCrashed: boolean }
  /** The app has given its file up, with whatever was not uploaded, and begins a new one. */
  | { readonly type: 'reset'; readonly device: string; readonly reason: string }
  /** The device's client takes a fresh file in the place of its old one; writes that come meanwhile go along. */
  | { readonly type: 'switching'; readonly device: string; readonly isDiscarding: boolean }
  | { readonly type: 'serverStopped'; readonly server: string; readonly hasCrashed: boolean }
  /** The servers' database is what it was when the backup was taken. */
  | { readonly type: 'restored' }
  | { readonly type: 'written'; readonly mark: Mark }
  | { readonly type: 'saved'; readonly mark: Mark }
  /** A wait for upload has resolved; the marks were made on this device before it was asked for. */
  | { readonly type: 'uploaded'; readonly device: string; readonly marks: readonly Mark[] }
  /** A wait for download has resolved; the marks were on the servers' disk before it was asked for. */
  | {
      readonly type: 'downloaded';
      readonly device: string;
      readonly client: Client;
      readonly marks: readonly string[];
    }
  | {
      readonly type: 'changed';
      readonly device: string;
      readonly className: string;
      readonly changes: DataChanges;
    }
  | { readonly type: 'decided'; readonly where: string; readonly decisions: readonly Decision[] }
  | { readonly type: 'quarantined'; readonly server: string; readonly message: string }
  | { readonly type: 'reported'; readonly server: string; readonly message: string }
  | {
      readonly type: 'sessionFailed';
      readonly device: string;
      readonly code: number;
      readonly message: string;
    }
  /** A fault strikes or heals, or something is done to the world. */
  | { readonly type: 'told'; readonly who: string; readonly what: string };
