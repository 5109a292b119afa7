/**
 * What the store of a file holds of a client reset, beside the file itself.
 *
 *     reset/0            the pending reset
 *     fresh/0            what `meta/0` is to the file, for the fresh one that is being downloaded
 *     parked/n           writes without a place (`parked.ts`)
 *     dropped/0          client versions that will never be on the server (`dropped.ts`)
 *
 * The base of the fresh file lies in the spaces of the other parity of generations, so that a download that is
 * cut off at any byte leaves the file as it was, and goes on from there.
 */
import * as E from 'fp-ts/lib/Either.js';
import type { RecordBatch, RecordEntry, RecordRange } from '../base/record.js';
import { type ClientFile, newClientFile } from '../history/client-file.js';
import {
  baseForgotten,
  loadBase,
  loadClientFile,
  type RecordsBySpace,
  recordsBySpace,
} from '../history/client-records.js';
import { type CorruptRecord, corrupt } from '../history/journal.js';
import { type DroppedRange, loadDropped } from './dropped.js';
import type { PendingReset, ResetCause } from './mode.js';
import { loadParked, type ParkedWrite } from './parked.js';
import { decodeText, encodeText } from './text-record.js';

const RESET = 'reset';
const FRESH = 'fresh';

const whole = (space: string): RecordRange => ({ space, from: 0, to: Number.MAX_SAFE_INTEGER });

export const pendingRecord = (pending: PendingReset): RecordEntry => ({
  space: RESET,
  index: 0,
  bytes: encodeText(pending),
});

export const pendingForgotten: RecordRange = whole(RESET);

const isText = (value: unknown): value is string => typeof value === 'string';
const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null;

const readCause = (value: unknown): ResetCause | null => {
  if (!isRecord(value)) return null;
  const { action, code, name, message, isRecoveryDisabled, integrated, rejected } = value;
  if (!isText(action) || typeof code !== 'number' || !isText(name) || !isText(message)) return null;
  if (typeof isRecoveryDisabled !== 'boolean') return null;
  if (integrated !== null && typeof integrated !== 'number') return null;
  if (!Array.isArray(rejected) || !rejected.every((version) => typeof version === 'number')) return null;
  return { action, code, name, message, isRecoveryDisabled, integrated, rejected };
};

const readPending = (entry: RecordEntry): E.Either<CorruptRecord, PendingReset> => {
  const decoded = decodeText(entry.bytes);
  if (E.isLeft(decoded)) return E.left(corrupt(entry.space, entry.index, decoded.left));
  const value = decoded.right;
  const bad = E.left(corrupt(entry.space, entry.index, 'it is no pending client reset'));
  if (!isRecord(value)) return bad;
  const { performs, stage, attempts, fallback } = value;
  const cause = readCause(value['cause']);
  const firstCause = readCause(value['firstCause']);
  if (cause === null || firstCause === null || typeof attempts !== 'number') return bad;
  if (performs !== 'recovery' && performs !== 'discard') return bad;
  if (stage !== 'downloading' && stage !== 'confirming') return bad;
  if (fallback !== null && !isText(fallback)) return bad;
  return E.right({ performs, stage, cause, firstCause, attempts, fallback });
};

/** What belongs to a file in its store. */
export interface StoredClient {
  readonly file: ClientFile;
  readonly reset: PendingReset | null;
  readonly parked: readonly ParkedWrite[];
  readonly dropped: readonly DroppedRange[];
}

export const loadClient = (entries: readonly RecordEntry[]): E.Either<CorruptRecord, StoredClient> => {
  const file = loadClientFile(entries);
  if (E.isLeft(file)) return file;
  const spaces = recordsBySpace(entries);
  const parked = loadParked(spaces);
  if (E.isLeft(parked)) return parked;
  const dropped = loadDropped(spaces);
  if (E.isLeft(dropped)) return dropped;
  const stored = { file: file.right, parked: parked.right, dropped: dropped.right };
  const record = spaces.get(RESET)?.[0];
  if (record === undefined) return E.right({ ...stored, reset: null });
  const reset = readPending(record);
  if (E.isLeft(reset)) return reset;
  return E.right({ ...stored, reset: reset.right });
};

/** A fresh file beside `file`, with nothing in it. */
export const newFreshFile = (file: ClientFile): ClientFile => ({
  ...newClientFile,
  generation: file.generation + 1,
});

/**
 * The fresh file as far as it was downloaded; a new one where there is none, or none that can be read: it
 * only repeats what the server has.
 */
export const loadFreshFile = (file: ClientFile, spaces: RecordsBySpace): ClientFile => {
  const meta = spaces.get(FRESH)?.[0];
  if (meta === undefined) return newFreshFile(file);
  const loaded = loadBase(meta, spaces);
  return E.isRight(loaded) && loaded.right.generation === file.generation + 1
    ? loaded.right
    : newFreshFile(file);
};

/** Whether there is anything of a fresh file in the store. */
export const hasFreshFile = (spaces: RecordsBySpace): boolean => spaces.has(FRESH);

/** A commit of the fresh file, as what it is in the store of the old one. */
export const besideFile = (batch: RecordBatch): RecordBatch => ({
  deletes: batch.deletes,
  puts: batch.puts.map((put) => (put.space === 'meta' ? { ...put, space: FRESH } : put)),
});

/** Everything of the fresh file beside `file`. */
export const freshForgotten = (file: ClientFile): readonly RecordRange[] => [
  whole(FRESH),
  ...baseForgotten(file.generation + 1),
];
