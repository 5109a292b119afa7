/**
 * What the store of a client file holds.
 *
 *     meta/0             ident, salt, version, the cursors, stamp, the journal's counters
 *     local/v            the local write of client version v, as made here
 *     reciprocal/v       its present form towards the server, where that differs
 *     state/v            what commit v applied, since the snapshot
 *     snapshot/n         chunks of the snapshot
 */
import * as E from 'fp-ts/lib/Either.js';
import type { RecordEntry, RecordRange } from '../base/record.js';
import { type Run, runFirst, runOf } from '../base/run.js';
import { forEach } from '../base/trie.js';
import { edit } from '../model/apply.js';
import type { Changeset } from '../model/changeset.js';
import { decodeChangeset, encodeChangeset, encodeInstructions, unpack } from '../model/codec.js';
import { eraseObject } from '../model/instruction.js';
import type { Key } from '../model/key.js';
import type { State } from '../model/state.js';
import { type ClientFile, type LocalWrite, newClientFile } from './client-file.js';
import { type CorruptRecord, corrupt, readInstructions, replay } from './journal.js';
import { decodeNumbers, encodeNumbers } from './numbers.js';

const META_LAYOUT = 1;
const META_NUMBERS = 13;

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

export const stateRecord = (version: number, body: Uint8Array): RecordEntry => ({
  space: 'state',
  index: version,
  bytes: body,
});

/** Forgets what was applied up to `version`: a snapshot holds it. */
export const stateTrimmed = (version: number): RecordRange => ({ space: 'state', from: 0, to: version + 1 });

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

/**
 * Without the objects of asymmetric classes: they leave a device's state at the end of the transaction that
 * makes them, without an instruction that says so, and so come back when its instructions are replayed.
 */
const withoutIngested = (state: State): State => {
  const draft = edit(state);
  forEach(state.tables, (table) => {
    if (table.spec.type !== 'topLevel' || !table.spec.asymmetric) return;
    forEach(table.objects, (_, key) => {
      draft.apply(eraseObject(table.name, key as Key));
    });
  });
  return draft.finish();
};

/** The file that the records hold; a new one if there are none. `entries` is all that the store has. */
export const loadClientFile = (entries: readonly RecordEntry[]): E.Either<CorruptRecord, ClientFile> => {
  const spaces = new Map<string, RecordEntry[]>();
  for (const entry of entries) {
    const space = spaces.get(entry.space);
    if (space === undefined) spaces.set(entry.space, [entry]);
    else space.push(entry);
  }
  const of = (space: string): readonly RecordEntry[] => spaces.get(space) ?? [];
  const meta = of('meta')[0];
  if (meta === undefined)
    return entries.length === 0
      ? E.right(newClientFile)
      : E.left(corrupt('meta', 0, 'it is missing, though the store holds other records'));
  const file = readMeta(meta);
  if (E.isLeft(file)) return file;
  const chunks = of('snapshot');
  if (chunks.length !== file.right.journal.snapshotChunks)
    return E.left(
      corrupt(
        'snapshot',
        chunks.length,
        `${file.right.journal.snapshotChunks} chunks expected, ${chunks.length} found`,
      ),
    );
  const state = replay([...chunks, ...of('state')]);
  if (E.isLeft(state)) return state;
  const writes = readWrites(of('local'), of('reciprocal'), file.right.ident);
  if (E.isLeft(writes)) return writes;
  return E.right({ ...file.right, state: withoutIngested(state.right), writes: runOf(writes.right) });
};
