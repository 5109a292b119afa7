/**
 * Dropped writes: the client versions that will never be on the server, because a client reset has discarded or
 * parked them, or a part of them.
 *
 * They are remembered for as long as the file lives, beside it (`dropped/0`), so that nobody who asks for one of
 * them later is told that it was integrated; also when the app has dismissed what was parked, or made something
 * else of it. What was superseded is not among them: that is what every merge does, and the app was told.
 * Neighbours are one range, so that a reset that discards adds one, however much was written.
 */
import * as E from 'fp-ts/lib/Either.js';
import type { RecordEntry } from '../base/record.js';
import type { RecordsBySpace } from '../history/client-records.js';
import { type CorruptRecord, corrupt } from '../history/journal.js';
import { decodeText, encodeText } from './text-record.js';

export const drops = ['discarded', 'parked'] as const;
export type Drop = (typeof drops)[number];

/** Client versions `from` to `to`, both included. */
export interface DroppedRange {
  readonly from: number;
  readonly to: number;
  readonly drop: Drop;
}

const SPACE = 'dropped';

/** The first range that has something of `from` to `to`, both included. `ranges` ascend. O(ranges). */
export const firstDropped = (
  ranges: readonly DroppedRange[],
  from: number,
  to: number,
): DroppedRange | undefined => ranges.find((range) => range.from <= to && from <= range.to);

export const droppedRecord = (ranges: readonly DroppedRange[]): RecordEntry => ({
  space: SPACE,
  index: 0,
  bytes: encodeText(ranges.map(({ from, to, drop }) => [from, to, drop])),
});

const readRange = (value: unknown): DroppedRange | null => {
  if (!Array.isArray(value)) return null;
  const [from, to, name] = value as readonly unknown[];
  const drop = drops.find((each) => each === name);
  return typeof from === 'number' && typeof to === 'number' && drop !== undefined ? { from, to, drop } : null;
};

export const loadDropped = (spaces: RecordsBySpace): E.Either<CorruptRecord, readonly DroppedRange[]> => {
  const record = spaces.get(SPACE)?.[0];
  if (record === undefined) return E.right([]);
  const bad = (why: string) => E.left(corrupt(record.space, record.index, why));
  const decoded = decodeText(record.bytes);
  if (E.isLeft(decoded)) return bad(decoded.left);
  if (!Array.isArray(decoded.right)) return bad('it is no list of ranges');
  const ranges: DroppedRange[] = [];
  for (const value of decoded.right as readonly unknown[]) {
    const range = readRange(value);
    if (range === null) return bad('a range lacks its versions, or what became of them');
    ranges.push(range);
  }
  return E.right(ranges);
};
