/**
 * What a store keeps of partition-based sync itself: whether it is enabled, since when what is synced has the
 * histories that it has (the epoch), and the configuration and the schema that hold for it. One record, JSON
 * in UTF-8, which changes by compare-and-append like any partition.
 *
 *     space sync, index 0
 */
import * as E from 'fp-ts/lib/Either.js';
import { answer, type DecodeError, refuse } from '../base/decode-error.js';
import type { RecordEntry } from '../base/record.js';
import { findBadUtf8, readUtf8, utf8Length, writeUtf8 } from '../base/utf8.js';
import type { Schema } from '../model/class-schema.js';
import { isPlainObject } from '../model/edge-kinds.js';
import { decodeSchema } from '../model/schema-config.js';
import { schemaConfig } from './stored-schema.js';

/**
 *     enabled      devices sync
 *     disabled     they wait; everything stays as it is, and they go on when it is enabled again
 *     terminated   what they have synced is over: enabling begins anew, and they reset
 */
export type SyncState = 'enabled' | 'disabled' | 'terminated';

export interface SyncRecord {
  readonly state: SyncState;
  /** Counts how often sync has begun anew; 0 at first. */
  readonly epoch: number;
  /** The epoch that was being prepared last, where that has not become the present one; null otherwise. */
  readonly building: number | null;
  /** The configuration as its file has it: a plain object of JSON, to be read by `decodePartitionConfig`. */
  readonly config: Readonly<Record<string, unknown>>;
  /** Without defaults. */
  readonly schema: Schema;
  /** Seconds since 1970. */
  readonly lastDisabled: number | null;
}

const LAYOUT = 1;
export const syncSpace = 'sync';

export const syncRecord = (record: SyncRecord): RecordEntry => ({
  space: syncSpace,
  index: 0,
  bytes: encodeSyncRecord(record),
});

export const encodeSyncRecord = (record: SyncRecord): Uint8Array => {
  const text = JSON.stringify({ layout: LAYOUT, ...record, schema: schemaConfig(record.schema) });
  const bytes = new Uint8Array(utf8Length(text));
  writeUtf8(text, bytes, 0);
  return bytes;
};

/** Total. The configuration in it may still be wrong: what rules may call is not known here. */
export const decodeSyncRecord = (bytes: Uint8Array): E.Either<DecodeError, SyncRecord> => {
  try {
    return E.right(read(bytes));
  } catch (thrown) {
    return answer(thrown);
  }
};

const states: readonly unknown[] = ['enabled', 'disabled', 'terminated'];
const isState = (value: unknown): value is SyncState => states.includes(value);

const read = (bytes: Uint8Array): SyncRecord => {
  const bad = findBadUtf8(bytes, 0, bytes.length);
  if (bad >= 0) return refuse('badText', bad, 'the record of sync is no UTF-8');
  const json = parsed(readUtf8(bytes, 0, bytes.length));
  if (!isPlainObject(json)) return wrong('found no object, expected the record of sync');
  if (json['layout'] !== LAYOUT)
    return refuse('unknown', 0, `found layout ${String(json['layout'])} of the record of sync, expected 1`);
  const { state, epoch, building, config, lastDisabled } = json;
  if (!isState(state)) return wrong('state: expected enabled, disabled or terminated');
  if (!isCount(epoch)) return wrong('epoch: expected a whole number');
  if (building !== null && !(isCount(building) && building > epoch))
    return wrong('building: expected null or a number above the epoch');
  if (!isPlainObject(config)) return wrong('config: expected an object');
  if (lastDisabled !== null && typeof lastDisabled !== 'number')
    return wrong('lastDisabled: expected null or a number');
  const schema = decodeSchema(json['schema']);
  if (E.isLeft(schema)) return wrong(`schema: ${schema.left[0]?.message}`);
  return { state, epoch, building, config, schema: schema.right, lastDisabled };
};

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return wrong('found no JSON');
  }
};

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

const wrong = (message: string): never => refuse('malformed', 0, `the record of sync: ${message}`);
