/**
 * How a state is carried across restarts: a snapshot, and everything applied since.
 *
 * Each commit adds what it applied, so that its cost is that of the change. Once what was added outweighs
 * the snapshot (and a floor), a new snapshot replaces both: over time that costs a constant factor, and
 * opening a file never replays more than about twice its content. Objects that are gone count as much as they
 * had in the snapshot, by and large: whoever deletes nearly everything is left with little on disk, too. A snapshot is the canonical sequence of
 * instructions that builds the state, in chunks; nothing else has to be understood to read it back.
 */
import * as E from 'fp-ts/lib/Either.js';
import { limits } from '../base/limits.js';
import type { RecordEntry, RecordRange } from '../base/record.js';
import { forEach } from '../base/trie.js';
import { edit } from '../model/apply.js';
import { decodeInstructions, encodeInstructions } from '../model/codec.js';
import type { Instruction } from '../model/instruction.js';
import { toInstructions } from '../model/snapshot.js';
import { emptyState, type State } from '../model/state.js';

export interface Journal {
  readonly snapshotBytes: number;
  readonly snapshotChunks: number;
  /** Bytes of the changes applied since the snapshot, and by estimate of what they have made superfluous in it. */
  readonly bytes: number;
}

export const emptyJournal: Journal = { snapshotBytes: 0, snapshotChunks: 0, bytes: 0 };

const SNAPSHOT = 'snapshot';
const EVERYTHING = Number.MAX_SAFE_INTEGER;

export const isSnapshotDue = (journal: Journal): boolean =>
  journal.bytes > Math.max(limits.journalBytes, journal.snapshotBytes);

const objectsIn = (state: State): number => {
  let count = 0;
  forEach(state.tables, (table) => {
    count += table.objects.size;
  });
  return count;
};

/** The journal once `bytes` more were applied, which led from one state to the other. O(classes). */
export const journaled = (journal: Journal, bytes: number, before: State, after: State): Journal => {
  const objects = objectsIn(before);
  const gone = Math.max(0, objects - objectsIn(after));
  const dead = gone === 0 ? 0 : Math.ceil((journal.snapshotBytes * gone) / objects);
  return { ...journal, bytes: journal.bytes + bytes + dead };
};

export interface Snapshot {
  readonly journal: Journal;
  readonly deletes: readonly RecordRange[];
  readonly puts: readonly RecordEntry[];
}

/** Replaces the snapshot that is stored in `space` by one of `state`. Cost: proportional to the state. */
export const snapshot = (state: State, space = SNAPSHOT): Snapshot => {
  const instructions = toInstructions(state);
  const puts: RecordEntry[] = [];
  let bytes = 0;
  for (let at = 0; at < instructions.length; at += limits.snapshotChunk) {
    const body = encodeInstructions(instructions.slice(at, at + limits.snapshotChunk));
    bytes += body.length;
    puts.push({ space, index: puts.length, bytes: body });
  }
  return {
    journal: { snapshotBytes: bytes, snapshotChunks: puts.length, bytes: 0 },
    deletes: [{ space, from: 0, to: EVERYTHING }],
    puts,
  };
};

/**
 * A record that cannot be read back: the store was damaged, or written by something else. `message` names
 * the record.
 */
export interface CorruptRecord {
  readonly space: string;
  readonly index: number;
  readonly message: string;
}

export const corrupt = (space: string, index: number, why: string): CorruptRecord => ({
  space,
  index,
  message: `record ${space}/${index} cannot be read: ${why}`,
});

export const readInstructions = (entry: RecordEntry): E.Either<CorruptRecord, readonly Instruction[]> => {
  const decoded = decodeInstructions(entry.bytes);
  return E.isLeft(decoded) ? E.left(corrupt(entry.space, entry.index, decoded.left.message)) : decoded;
};

/** The state that the given records build, applied in their order. */
export const replay = (
  entries: readonly RecordEntry[],
  read: (entry: RecordEntry) => E.Either<CorruptRecord, readonly Instruction[]> = readInstructions,
  from: State = emptyState,
): E.Either<CorruptRecord, State> => {
  const draft = edit(from);
  for (const entry of entries) {
    const instructions = read(entry);
    if (E.isLeft(instructions)) return instructions;
    for (const instruction of instructions.right) {
      const error = draft.apply(instruction);
      if (error !== null) return E.left(corrupt(entry.space, entry.index, error.message));
    }
  }
  return E.right(draft.finish());
};
