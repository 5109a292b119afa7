/**
 * The parking place: writes that lost their place, kept until the app has looked at them.
 *
 * What a reset could not carry over, and what the server has refused, is not applied, and not forgotten either.
 * For each write with such a part there is one entry, in the file's own store, written by the very commit
 * that takes the part out of the data. What the server's own changes superseded is in it too: nobody else
 * remembers it. An entry goes when the app dismisses it, or has made of it a new write.
 */
import * as E from 'fp-ts/lib/Either.js';
import { bytesOfHex, hexOf } from '../base/bytes.js';
import type { RecordEntry, RecordRange } from '../base/record.js';
import type { RecordsBySpace } from '../history/client-records.js';
import { type CorruptRecord, corrupt } from '../history/journal.js';
import { decodeInstructions, encodeInstructions } from '../model/codec.js';
import type { Instruction } from '../model/instruction.js';
import type { ParkReason } from './report.js';
import { decodeText, encodeText } from './text-record.js';

export interface ParkedInstruction {
  readonly instruction: Instruction;
  readonly why: ParkReason | 'superseded';
  /** One sentence. */
  readonly reason: string;
}

export interface ParkedWrite {
  /** Names the entry among those that are there. */
  readonly id: number;
  /** Client version and time of the write. */
  readonly version: number;
  readonly timestamp: number;
  /** In order; at least one. */
  readonly instructions: readonly ParkedInstruction[];
}

const SPACE = 'parked';

const isHex = (value: unknown): value is string =>
  typeof value === 'string' && /^(?:[0-9a-f]{2})*$/.test(value);

export const parkedRecord = ({ id, version, timestamp, instructions }: ParkedWrite): RecordEntry => ({
  space: SPACE,
  index: id,
  bytes: encodeText({
    version,
    timestamp,
    instructions: hexOf(encodeInstructions(instructions.map(({ instruction }) => instruction))),
    why: instructions.map(({ why, reason }) => [why, reason]),
  }),
});

export const parkedForgotten = (id: number): RecordRange => ({ space: SPACE, from: id, to: id + 1 });

const reasons: readonly ParkedInstruction['why'][] = [
  'classGone',
  'classChanged',
  'propertyGone',
  'propertyChanged',
  'schemaConflict',
  'rejected',
  'notMergeable',
  'recoveryFailed',
  'superseded',
];

/** Why an instruction was parked, or null where it does not say. */
const readWhy = (part: unknown): Omit<ParkedInstruction, 'instruction'> | null => {
  if (!Array.isArray(part)) return null;
  const [why, reason] = part as readonly unknown[];
  const known = reasons.find((each) => each === why);
  return known === undefined || typeof reason !== 'string' ? null : { why: known, reason };
};

const readParked = (entry: RecordEntry): E.Either<CorruptRecord, ParkedWrite> => {
  const bad = (why: string) => E.left(corrupt(entry.space, entry.index, why));
  const decoded = decodeText(entry.bytes);
  if (E.isLeft(decoded)) return bad(decoded.left);
  const value = decoded.right;
  if (typeof value !== 'object' || value === null || !('instructions' in value))
    return bad('it is no parked write');
  const { version, timestamp, instructions, why } = value as Readonly<Record<string, unknown>>;
  if (typeof version !== 'number' || typeof timestamp !== 'number' || !isHex(instructions))
    return bad('it lacks its version, time or instructions');
  const known = decodeInstructions(bytesOfHex(instructions));
  if (E.isLeft(known)) return bad(known.left.message);
  if (!Array.isArray(why) || why.length !== known.right.length)
    return bad('it does not say of each instruction why it was parked');
  const parts: ParkedInstruction[] = [];
  for (const [i, instruction] of known.right.entries()) {
    const reason = readWhy(why[i]);
    if (reason === null) return bad('an instruction lacks its reason or sentence');
    parts.push({ instruction, ...reason });
  }
  return E.right({ id: entry.index, version, timestamp, instructions: parts });
};

/** All parked writes, in the order of their ids. */
export const loadParked = (spaces: RecordsBySpace): E.Either<CorruptRecord, readonly ParkedWrite[]> => {
  const writes: ParkedWrite[] = [];
  for (const entry of spaces.get(SPACE) ?? []) {
    const write = readParked(entry);
    if (E.isLeft(write)) return write;
    writes.push(write.right);
  }
  return E.right(writes);
};
