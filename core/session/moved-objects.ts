/**
 * Objects on their way from one partition to another.
 *
 * A move is an erasure in the old partition and a creation in the new one, and no commit spans both. So the commit
 * that erases keeps what goes, whole, in the old partition's outbox; the commit that creates notes in the new one's
 * inbox how far it has got with that sender; and only then is the outbox emptied. Whoever finds something in an
 * outbox delivers it: what has arrived is not created twice, since the inbox says so, and numbers arrive in order,
 * since every server delivers in that order.
 *
 *     outbox/0          the last number that was given
 *     outbox/n          what builds the objects of move n, with their classes: a changeset of version n
 *     outbox-to/n       where they go
 *     inbox-<hash>/0    of each sender whose name has that hash, the last number that has arrived
 *
 * What moves is instructions, as a snapshot of the state has them, so that no value changes on the way. Links go
 * along as they are: to objects that stay behind they lead nowhere, and read as null, until those follow.
 */
import * as E from 'fp-ts/lib/Either.js';
import { Fingerprinter, fingerprintText } from '../base/hash.js';
import type { RecordBatch, RecordEntry } from '../base/record.js';
import { type CorruptRecord, corrupt } from '../history/journal.js';
import { edit } from '../model/apply.js';
import type { ApplyError } from '../model/apply-error.js';
import { decodeChangeset, encodeChangeset, unpack } from '../model/codec.js';
import { eraseObject, type Instruction, update } from '../model/instruction.js';
import type { Key } from '../model/key.js';
import { objectInstructions, schemaOf } from '../model/snapshot.js';
import { findColumn, findObject, findTable, hasObject, type State } from '../model/state.js';
import type { Value } from '../model/value.js';
import { decodeText, encodeText } from '../reset/text-record.js';

export interface Move {
  /** Counts the moves out of a partition, from 1. */
  readonly number: number;
  /** Name of the partition that the objects go to, as the store has it. */
  readonly target: string;
  readonly instructions: readonly Instruction[];
}

/** What a partition has to be read of to send, and to look for what was left. */
export const outboxSpaces: readonly string[] = ['outbox', 'outbox-to'];

/** What it has to be read of to receive from `sender`. */
export const inboxSpace = (sender: string): string => {
  const hash = new Fingerprinter();
  hash.text(sender);
  return `inbox-${fingerprintText(hash.done())}`;
};

/** Instructions in one move, after which another begins. */
const MOST_INSTRUCTIONS = 50_000;
/** Bytes of one move, beyond which it ends (soft). */
const MOST_BYTES = 4 * 1024 * 1024;

/** The property of the partition key: what it is where the objects go; undefined where they have none there. */
export interface MovedKey {
  readonly name: string;
  readonly value: Value | undefined;
}

/**
 * What builds the objects elsewhere, in parts that each fit in a changeset. Their classes go along, but for the
 * properties that are named as the partition key: those are the target's own.
 */
export const contentsOf = (
  state: State,
  className: string,
  keys: readonly Key[],
  moved: MovedKey,
): readonly (readonly Instruction[])[] => {
  const table = findTable(state, className);
  if (table === undefined) throw new Error(`objects of a class that does not exist: ${className}`);
  const schema = schemaOf(state).filter((each) => {
    if (each.kind !== 'AddColumn' || each.field !== moved.name) return true;
    return findTable(state, each.table)?.spec.type === 'embedded';
  });
  const parts: Instruction[][] = [];
  let part: Instruction[] = [];
  let bytes = 0;
  for (const key of keys) {
    const object = findObject(state, className, key);
    if (object === undefined) continue;
    if (part.length === 0 || part.length > MOST_INSTRUCTIONS || bytes > MOST_BYTES) {
      part = schema.slice();
      bytes = 0;
      parts.push(part);
    }
    const built: Instruction[] = [];
    objectInstructions(state, table, key, object, built);
    for (const each of built) {
      if ('field' in each && each.field === moved.name) continue;
      part.push(each);
      bytes += sizeOf(each);
    }
    if (moved.value !== undefined) part.push(update(className, key, moved.name, [], moved.value));
  }
  return parts;
};

/** About as many bytes as an instruction takes, where those count. */
const sizeOf = (instruction: Instruction): number => {
  if (!('value' in instruction)) return 16;
  const { value } = instruction;
  if (typeof value === 'string') return 16 + 3 * value.length;
  return 16 + (typeof value === 'object' && value?.type === 'binary' ? value.bytes.length : 8);
};

/** What commits moves together with the erasure. `outbox`: the records of `outboxSpaces` now. */
export const sent = (
  outbox: readonly RecordEntry[],
  moves: readonly Omit<Move, 'number'>[],
): E.Either<CorruptRecord, readonly RecordEntry[]> => {
  const last = outbox.find(({ space, index }) => space === 'outbox' && index === 0);
  const read = last === undefined ? E.right(0) : decodeText(last.bytes);
  if (E.isLeft(read)) return E.left(corrupt('outbox', 0, read.left));
  if (typeof read.right !== 'number') return E.left(corrupt('outbox', 0, 'it is no number'));
  let number = read.right;
  const puts: RecordEntry[] = [];
  for (const { target, instructions } of moves) {
    number++;
    const changeset = { version: number, base: 0, timestamp: 0, origin: 0, instructions };
    puts.push(
      { space: 'outbox', index: number, bytes: encodeChangeset(changeset) },
      { space: 'outbox-to', index: number, bytes: encodeText(target) },
    );
  }
  puts.push({ space: 'outbox', index: 0, bytes: encodeText(number) });
  return E.right(puts);
};

/** What waits in an outbox, in order. */
export const waiting = (outbox: readonly RecordEntry[]): E.Either<CorruptRecord, readonly Move[]> => {
  const targets = new Map<number, RecordEntry>();
  for (const entry of outbox) if (entry.space === 'outbox-to') targets.set(entry.index, entry);
  const moves: Move[] = [];
  for (const { space, index, bytes } of [...outbox].sort((a, b) => a.index - b.index)) {
    if (space !== 'outbox' || index === 0) continue;
    const changeset = decodeChangeset(bytes);
    if (E.isLeft(changeset)) return E.left(corrupt(space, index, changeset.left.message));
    const target = decodeText(targets.get(index)?.bytes ?? new Uint8Array(0));
    if (E.isLeft(target)) return E.left(corrupt('outbox-to', index, target.left));
    if (typeof target.right !== 'string') return E.left(corrupt('outbox-to', index, 'it is no name'));
    moves.push({ number: index, target: target.right, instructions: unpack(changeset.right).instructions });
  }
  return E.right(moves);
};

/** What takes moves up to `number` out of the outbox. */
export const emptied = (number: number): RecordBatch => ({
  deletes: outboxSpaces.map((space) => ({ space, from: 1, to: number + 1 })),
  puts: [],
});

export interface Arrival {
  readonly instructions: readonly Instruction[];
  readonly records: RecordBatch;
}

/**
 * What a move does to the partition that it goes to; nothing where it has arrived before. `inbox`: the records of
 * `inboxSpace(sender)` now. An object that is there already, because devices have made another with its key, is
 * replaced. Left where the classes contradict each other.
 */
export const arrival = (
  state: State,
  inbox: readonly RecordEntry[],
  sender: string,
  move: Move,
): E.Either<CorruptRecord | ApplyError, Arrival> => {
  const senders = sendersOf(inbox);
  if (E.isLeft(senders)) return senders;
  if ((senders.right.get(sender) ?? 0) >= move.number)
    return E.right({ instructions: [], records: { deletes: [], puts: [] } });
  const instructions = move.instructions.flatMap((each) => fitted(state, each));
  const draft = edit(state);
  for (const instruction of instructions) {
    const error = draft.apply(instruction);
    if (error !== null) return E.left(error);
  }
  const after = [...new Map(senders.right).set(sender, move.number)];
  const put = { space: inboxSpace(sender), index: 0, bytes: encodeText(after) };
  return E.right({ instructions, records: { deletes: [], puts: [put] } });
};

const fitted = (state: State, instruction: Instruction): readonly Instruction[] => {
  const table = findTable(state, instruction.table);
  if (table === undefined) return [instruction];
  switch (instruction.kind) {
    case 'AddTable':
      return [];
    case 'AddColumn':
      return findColumn(table, instruction.field) === undefined ? [instruction] : [];
    case 'CreateObject':
      return hasObject(state, instruction.table, instruction.object)
        ? [eraseObject(instruction.table, instruction.object), instruction]
        : [instruction];
    default:
      return [instruction];
  }
};

const sendersOf = (inbox: readonly RecordEntry[]): E.Either<CorruptRecord, ReadonlyMap<string, number>> => {
  const [entry] = inbox;
  if (entry === undefined) return E.right(new Map());
  const read = decodeText(entry.bytes);
  if (E.isLeft(read)) return E.left(corrupt(entry.space, entry.index, read.left));
  const pairs: unknown = read.right;
  return Array.isArray(pairs) && pairs.every(isPair)
    ? E.right(new Map(pairs))
    : E.left(corrupt(entry.space, entry.index, 'it does not hold senders and numbers'));
};

const isPair = (pair: unknown): pair is readonly [string, number] =>
  Array.isArray(pair) && pair.length === 2 && typeof pair[0] === 'string' && typeof pair[1] === 'number';
