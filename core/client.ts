/**
 * What a client is made of from its start. Bundlers give out a file whole with the part of a program that imports
 * it: whatever else the engine has stays out of a browser's start as long as only this index leads there.
 */
export { partitionName, readPartitionValue } from './access/partition-value.js';
export { limits } from './base/limits.js';
export { compareStrings } from './base/order.js';
export { inSequence, type RecordBatch, type RecordEntry, type RecordRange } from './base/record.js';
export { entriesAfter, entriesOf, runLast } from './base/run.js';
export { downloadedTo } from './history/ahead.js';
export type { ClientFile } from './history/client-file.js';
export { type RecordsBySpace, recordsBySpace } from './history/client-records.js';
export type { Decision } from './merge/recorder.js';
export type { RuleSet } from './merge/rule.js';
export { syncline } from './merge/rule-set.js';
export { applyAll } from './model/apply.js';
export type { Schema } from './model/class-schema.js';
export { digest } from './model/digest.js';
export type { Instruction } from './model/instruction.js';
export { decodeSchema } from './model/schema-config.js';
export { schemaInstructions } from './model/schema-instructions.js';
export type { State } from './model/state.js';
export { decodeServerMessage, encodeClientMessage } from './protocol/codec.js';
export type { ClientMessage, ServerMessage } from './protocol/messages.js';
export { OLDEST_PROTOCOL_VERSION, PROTOCOL_VERSION } from './protocol/version.js';
export { type PendingReset, type ResetMode, resetModes } from './reset/mode.js';
export type { ParkedInstruction, ParkedWrite } from './reset/parked.js';
export type {
  InstructionReport,
  Outcome,
  ParkReason,
  RecoveryReport,
  Transformation,
  WriteReport,
} from './reset/report.js';
export { besideFile, hasFreshFile, loadClient, loadFreshFile, newFreshFile } from './reset/reset-records.js';
export type { PackedWrite, PreparedSwitch } from './reset/switch.js';
export { clientStep } from './session/client.js';
export {
  type ClientConfig,
  type ClientEffect,
  type ClientEvent,
  type ClientSession,
  type ClientStep,
  type Direction,
  defaultTiming,
  newClientSession,
  retryDelay,
  type SessionFailure,
  type Timing,
} from './session/client-session.js';
export { type Explanation, explain, type LostWrite, lostBy } from './session/explain.js';
export {
  followed,
  lookAt,
  newFollowingMeter,
  newOutstandingMeter,
  type Progress,
  type ProgressMode,
  pendingBytes,
  settledAt,
} from './session/progress.js';
export { type Transaction, transact } from './session/transaction.js';
export type { PathArgument } from './session/transaction-place.js';
export type { PartitionProperty } from './session/transaction-writer.js';
export {
  changes,
  type DataChanges,
  type KeyArgument,
  type ObjectsView,
  type ObjectView,
  objects,
  readObject,
  resolveKey,
} from './session/view.js';
