/**
 * What the store of a client file holds.
 *
 *     meta/0             ident, salt, version, the cursors, stamp, the journal's counters, the generation
 *     local/v            the local write of client version v, as made here
 *     reciprocal/v       its present form towards the server, where that differs
 *     state/v            what commit v applied to the base, since the snapshot
 *     snapshot/n         chunks of the snapshot of the base
 *     ahead/v            what has come down and cannot be shown yet (`ahead.ts`)
 *
 * In odd generations the last two are `state.1` and `snapshot.1`: while a client reset downloads a fresh file
 * beside the old one, the two do not touch each other, and the switch need not copy the state.
 */
import * as E from 'fp-ts/lib/Either.js';
import type { RecordEntry, RecordRange } from '../base/record.js';
import { type Run, runFirst, runOf } from '../base/run.js';
import { edit } from '../model/apply.js';
import type { Changeset } from '../model/changeset.js';
import { decodeChangeset, encodeChangeset, encodeInstructions, unpack } from '../model/codec.js';
import type { State } from '../model/state.js';
import { loadAhead } from './ahead.js';
import { type ClientFile, type LocalWrite, newClientFile } from './client-file.js';
import { withoutIngested } from './ingested.js';
import { type CorruptRecord, corrupt, readInstructions, replay } from './journal.js';
import { decodeNumbers, encodeNumbers } from './numbers.js';

const EVERYTHING = Number.MAX_SAFE_INTEGER;
const META_LAYOUT = 2;
const META_NUMBERS = 14;

const isOdd = (generation: number): boolean => generation % 2 === 1;
const baseSpace = (generation: number): string => (isOdd(generation) ? 'state.1' : 'state');
export const snapshotSpace = (generation: number): string => (isOdd(generation) ? 'snapshot.1' : 'snapshot');

export const metaRecord = (file: ClientFile): RecordEntry => ({
  space: 'meta',
  index: 0,
  bytes: encodeNumbers(META_LAYOUT, [
    file.ident,
    file.salt,
    file.version,
    file.progress.latest.version,
    file.progress.latest.salt,
    file.progress.download.serverVersion,
    file.progress.download.lastIntegratedClientVersion,
    file.progress.upload.clientVersion,
    file.progress.upload.lastIntegratedServerVersion,
    file.stamp,
    file.journal.snapshotBytes,
    file.journal.snapshotChunks,
    file.journal.bytes,
    file.generation,
  ]),
});

export const writeRecord = (original: Changeset): RecordEntry => ({
  space: 'local',
  index: original.version,
  bytes: encodeChangeset(original),
});

export const reciprocalRecord = (version: number, current: Changeset): RecordEntry => ({
  space: 'reciprocal',
  index: version,
  bytes: encodeInstructions(current.instructions),
});

/** What the file's last commit applied to its base. */
export const baseRecord = (file: ClientFile, body: Uint8Array): RecordEntry => ({
  space: baseSpace(file.generation),
  index: file.version,
  bytes: body,
});

/** Forgets what was applied to the base so far: a snapshot holds it. */
export const baseTrimmed = (file: ClientFile): RecordRange => ({
  space: baseSpace(file.generation),
  from: 0,
  to: file.version + 1,
});

/** Forgets the base of a generation. */
export const baseForgotten = (generation: number): readonly RecordRange[] =>
  [baseSpace(generation), snapshotSpace(generation)].map((space) => ({ space, from: 0, to: EVERYTHING }));

/** Forgets the writes up to client version `through`. */
export const trimmed = (writes: Run<LocalWrite>, through: number): readonly RecordRange[] => {
  const first = runFirst(writes)?.version;
  if (first === undefined || first > through) return [];
  return [
    { space: 'local', from: first, to: through + 1 },
    { space: 'reciprocal', from: first, to: through + 1 },
  ];
};

const readMeta = (entry: RecordEntry): E.Either<CorruptRecord, ClientFile> => {
  const numbers = decodeNumbers(META_LAYOUT, META_NUMBERS, entry.bytes);
  if (typeof numbers === 'string') return E.left(corrupt(entry.space, entry.index, numbers));
  const at = (i: number): number => numbers[i] as number;
  return E.right({
    ...newClientFile,
    ident: at(0),
    salt: at(1),
    version: at(2),
    progress: {
      latest: { version: at(3), salt: at(4) },
      download: { serverVersion: at(5), lastIntegratedClientVersion: at(6) },
      upload: { clientVersion: at(7), lastIntegratedServerVersion: at(8) },
    },
    stamp: at(9),
    journal: { snapshotBytes: at(10), snapshotChunks: at(11), bytes: at(12) },
    generation: at(13),
  });
};

const readWrites = (
  locals: readonly RecordEntry[],
  reciprocals: readonly RecordEntry[],
  ident: number,
): E.Either<CorruptRecord, readonly LocalWrite[]> => {
  const rewritten = new Map<number, Changeset['instructions']>();
  for (const entry of reciprocals) {
    const instructions = readInstructions(entry);
    if (E.isLeft(instructions)) return instructions;
    rewritten.set(entry.index, instructions.right);
  }
  const writes: LocalWrite[] = [];
  for (const entry of locals) {
    const decoded = decodeChangeset(entry.bytes);
    if (E.isLeft(decoded)) return E.left(corrupt(entry.space, entry.index, decoded.left.message));
    const original = unpack(decoded.right);
    if (original.version !== entry.index)
      return E.left(corrupt(entry.space, entry.index, `it is changeset ${original.version}`));
    const instructions = rewritten.get(original.version);
    writes.push({
      version: original.version,
      original,
      current: instructions === undefined ? original : { ...original, origin: ident, instructions },
      bytes: encodeInstructions(original.instructions).length,
    });
  }
  return E.right(writes);
};

/** All entries by space, each in ascending order of index. */
export type RecordsBySpace = ReadonlyMap<string, readonly RecordEntry[]>;

export const recordsBySpace = (entries: readonly RecordEntry[]): RecordsBySpace => {
  const spaces = new Map<string, RecordEntry[]>();
  for (const entry of entries) {
    const space = spaces.get(entry.space);
    if (space === undefined) spaces.set(entry.space, [entry]);
    else space.push(entry);
  }
  return spaces;
};

/** The state that the base and the writes, in their present forms, come to. */
const withWrites = (base: State, writes: readonly LocalWrite[]): E.Either<CorruptRecord, State> => {
  if (writes.length === 0) return E.right(base);
  const draft = edit(base);
  for (const { version, current } of writes)
    for (const instruction of current.instructions) {
      const error = draft.apply(instruction);
      if (error !== null) return E.left(corrupt('local', version, error.message));
    }
  return E.right(withoutIngested(draft.finish()));
};

/** The file that `meta` describes, with its base, and without writes. */
export const loadBase = (meta: RecordEntry, spaces: RecordsBySpace): E.Either<CorruptRecord, ClientFile> => {
  const file = readMeta(meta);
  if (E.isLeft(file)) return file;
  const { generation, journal } = file.right;
  const chunks = spaces.get(snapshotSpace(generation)) ?? [];
  if (chunks.length !== journal.snapshotChunks)
    return E.left(
      corrupt(
        snapshotSpace(generation),
        chunks.length,
        `${journal.snapshotChunks} chunks expected, ${chunks.length} found`,
      ),
    );
  const replayed = replay([...chunks, ...(spaces.get(baseSpace(generation)) ?? [])]);
  if (E.isLeft(replayed)) return replayed;
  const base = withoutIngested(replayed.right);
  return E.right({ ...file.right, base, state: base });
};

/** The file that the records hold; a new one if there are none. `entries` is all that the store has. */
export const loadClientFile = (entries: readonly RecordEntry[]): E.Either<CorruptRecord, ClientFile> => {
  const spaces = recordsBySpace(entries);
  const meta = spaces.get('meta')?.[0];
  if (meta === undefined)
    return entries.length === 0
      ? E.right(newClientFile)
      : E.left(corrupt('meta', 0, 'it is missing, though the store holds other records'));
  const file = loadBase(meta, spaces);
  if (E.isLeft(file)) return file;
  const ahead = loadAhead(spaces);
  if (E.isLeft(ahead)) return ahead;
  const writes = readWrites(spaces.get('local') ?? [], spaces.get('reciprocal') ?? [], file.right.ident);
  if (E.isLeft(writes)) return writes;
  const state = withWrites(file.right.base, writes.right);
  if (E.isLeft(state)) return state;
  return E.right({ ...file.right, ahead: ahead.right, state: state.right, writes: runOf(writes.right) });
};
