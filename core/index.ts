/**
 * `syncline`: the engine. Pure and deterministic, without input, output, clock or chance; whoever embeds
 * it brings those.
 */
export { decodePartitionConfig, type PartitionConfig } from './access/config.js';
export { DocumentError, type DocumentErrorCode } from './access/document-error.js';
export { documentFilter } from './access/document-filter.js';
export { compareDocuments } from './access/document-form.js';
export {
  isReserved,
  longestName,
  readStoredName,
  storedName,
  syncPartition,
  unassigned,
} from './access/epoch-name.js';
export {
  type AccessContext,
  type AccessUser,
  type Answers,
  type Evaluation,
  evaluate,
  type RuleRecord,
  type Truth,
  type WantedCall,
} from './access/evaluate.js';
export type { Expression, RuleValue } from './access/expression.js';
export { changedRules } from './access/fixed-rules.js';
export {
  type IllegalPartition,
  type PartitionType,
  type PartitionValue,
  partitionOfName,
} from './access/partition-value.js';
export {
  type Access,
  type AccessAnswers,
  type AccessVerdict,
  decideAccess,
  explainExpression,
  noAccessAnswers,
  type Permissions,
} from './access/permissions.js';
export { type Dropped, type PartitionKey, Repartition, type Repartitioned } from './access/repartition.js';
export { toRuleRecord, toRuleValue } from './access/rule-value.js';
export { destructiveChanges, extendedSchema, joinedSchema, keyCollisions } from './access/schema-change.js';
export { emptySchema, schemaConfig } from './access/stored-schema.js';
export {
  decodeSyncRecord,
  encodeSyncRecord,
  type SyncRecord,
  type SyncState,
  syncRecord,
  syncSpace,
} from './access/sync-record.js';
export { crossingWrites, looseLinks, type RefusedWrites, type UploadPolicy } from './access/upload-policy.js';
export { isEmptyBatch } from './base/record.js';
export * from './client.js';
export {
  type Certificate,
  type ClientPosition,
  type Compacted,
  type CompactOptions,
  compact,
  type Extent,
  extentOf,
} from './history/certificate.js';
export type { LocalWrite } from './history/client-file.js';
export { loadClientFile } from './history/client-records.js';
export { supersede } from './history/compact.js';
export { type EncodedError, supersedeEncoded } from './history/compact-encoded.js';
export { supersedeSegment } from './history/compact-packed.js';
export { supersedeSegmentBytes } from './history/compact-segment.js';
export { type ClientForecast, type ClientStanding, type Forecast, forecast } from './history/forecast.js';
export { defaultMaxOffline, passedBy, seenEvery } from './history/horizon.js';
export type { CorruptRecord } from './history/journal.js';
export { joinedLog, LogRewrite, type RewritePlan, type Rewritten } from './history/log-rewrite.js';
export {
  type FileRecord,
  fileOf,
  type Partition,
  type PartitionSummary,
  type ServerEntry,
  summary,
  tailStart,
} from './history/partition.js';
export {
  commitRewrite,
  defaultRewritePolicy,
  dueRewrite,
  type RewritePolicy,
  rewritePlan,
} from './history/rewrite-commit.js';
export {
  emptiedPartition,
  founded,
  type Predecessor,
  sealedRecord,
  sealedSpace,
  sealOf,
} from './history/sealed.js';
export {
  changesetsOf as changesetsOfSegment,
  decodeSegment,
  encodeSegment,
  type Segment,
} from './history/segment.js';
export { commitOwn, type OwnWrite } from './history/server-commit.js';
export {
  extended,
  loadPartition,
  openingSpaces,
  readCertificate,
  readEntries,
  type StoredCertificate,
} from './history/server-records.js';
export { type Finding, type VerifyOptions, verifyCompaction } from './history/verify.js';
export { columnsOf } from './merge/column-lookup.js';
export type { Party, Recorder } from './merge/recorder.js';
export type { ColumnLookup } from './merge/rule.js';
export { realm } from './merge/rule-set.js';
export { type MergeOptions, type TransformError, type Transformed, transform } from './merge/transform.js';
export { type ApplyError, apply, type Draft, edit } from './model/apply.js';
export { type Changeset, isOlder } from './model/changeset.js';
export {
  decodeChangeset,
  decodeInstructions,
  encodeChangeset,
  encodeInstructions,
  pack,
  unpack,
} from './model/codec.js';
export { difference, type TableDifference } from './model/difference.js';
export {
  DoubleBits,
  double,
  type EdgeKey,
  type EdgeValue,
  Float,
  float,
  int,
  LinkView,
  linkTo,
  Timestamp,
} from './model/edge-types.js';
export type { Kind, Path, PathElement, PathInstruction, SchemaInstruction } from './model/instruction.js';
export * as instructions from './model/instruction.js';
export type { Key, KeyType, KeyValue } from './model/key.js';
export * as keys from './model/key.js';
export {
  type ParseError,
  parseChangeset,
  parseChangesets,
  parseInstruction,
  parseInstructions,
  printChangeset,
  printChangesets,
  printInstruction,
  printKey,
  printPlace,
  printValue,
} from './model/notation.js';
export type { DownloadCursor, SaltedVersion, SyncProgress, UploadCursor } from './model/progress.js';
export type { CollectionType, ColumnSpec, ElementType, PrimaryKey, TableSpec } from './model/schema.js';
export type { ClassConfig } from './model/schema-config.js';
export type { ConfigError } from './model/schema-findings.js';
export type { SchemaConflict } from './model/schema-instructions.js';
export type { PropertyConfig } from './model/schema-property.js';
export { schemaOf, toInstructions } from './model/snapshot.js';
export { emptyState, hasObject } from './model/state.js';
export type { Marker, Payload, Value } from './model/value.js';
export * as values from './model/value.js';
export { decodeClientMessage, encodeMessage } from './protocol/codec.js';
export {
  type ErrorAction,
  type ErrorCode,
  type ErrorSpec,
  errorTable,
  isConnectionCode,
  isErrorCode,
  type ResetCode,
} from './protocol/errors.js';
export type { Bind, Message, Upload } from './protocol/messages.js';
export * from './recording.js';
export * from './recovery.js';
export { type Anonymized, type AnonymizeOptions, anonymized } from './replay/anonymize.js';
export { type Condition, type Found, firstBad, firstWhere, parseCondition } from './replay/condition.js';
export type { About, Kind as RecordedKind } from './replay/entry.js';
export { decodeRecording, type Recording } from './replay/recording.js';
export { Replay, type ReplayedStep, type ReplayOptions } from './replay/replay.js';
export { printStep, printStepLine } from './replay/transcript.js';
export type { DroppedRange } from './reset/dropped.js';
export type { ResetCause } from './reset/mode.js';
export {
  type Connection,
  newConnection,
  numbersByPartition,
  type Route,
  route,
  withoutNumber,
} from './session/connection.js';
export type { Document, PartitionField } from './session/document.js';
export { type DocumentUpdate, documentReplacement, documentUpdate } from './session/document-update.js';
export * as documents from './session/document-writes.js';
export type { PresentWrite, WriteOrigin } from './session/explain.js';
export * as moves from './session/moved-objects.js';
export { clientTable, serverTable, toDot } from './session/phases.js';
export { serverStep } from './session/server.js';
export { connectedFiles, maxOfflineOf } from './session/server-retention.js';
export {
  errorMessage,
  newServerMachine,
  type ServerConfig,
  type ServerEffect,
  type ServerEvent,
  type ServerMachine,
  type ServerStep,
  sessionAt,
  sessionKey,
} from './session/server-session.js';
export type { Properties, Transacted } from './session/transaction.js';
export type { DictionaryEditor, ListEditor, SetEditor } from './session/transaction-collections.js';
export { ReadError, type UsageCode, WriteError } from './session/usage-error.js';
