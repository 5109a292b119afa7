/**
 * What the store of a partition holds.
 *
 *     meta/0                head, next ident, snapshot version, the journal's counters, then pairs (from, salt)
 *     log/v                 main entry v
 *     file/i                client file i
 *     reciprocal-i/v        main entry v as file i will have to be met by it
 *     quarantine/i          the last changeset of file i that could not be integrated, as it was uploaded
 *     snapshot/n            chunks of the state at the snapshot version
 */
import * as E from 'fp-ts/lib/Either.js';
import type { RecordEntry, RecordRange } from '../base/record.js';
import { runOf } from '../base/run.js';
import { set } from '../base/trie.js';
import type { Changeset } from '../model/changeset.js';
import { decodeChangeset, encodeChangeset, unpack } from '../model/codec.js';
import { type CorruptRecord, corrupt, replay } from './journal.js';
import { decodeNumbers, encodeNumbers } from './numbers.js';
import {
  type FileRecord,
  newPartition,
  type Partition,
  type SaltRange,
  type ServerEntry,
} from './partition.js';

const META_LAYOUT = 1;
const META_FIXED = 6;
const FILE_LAYOUT = 1;
const FILE_NUMBERS = 5;

export const metaRecord = (partition: Partition): RecordEntry => ({
  space: 'meta',
  index: 0,
  bytes: encodeNumbers(META_LAYOUT, [
    partition.head,
    partition.nextIdent,
    partition.snapshotVersion,
    partition.journal.snapshotBytes,
    partition.journal.snapshotChunks,
    partition.journal.bytes,
    ...partition.salts.flatMap((range) => [range.from, range.salt]),
  ]),
});

export const logRecord = (entry: Changeset): RecordEntry => ({
  space: 'log',
  index: entry.version,
  bytes: encodeChangeset(entry),
});

export const fileRecord = (file: FileRecord): RecordEntry => ({
  space: 'file',
  index: file.ident,
  bytes: encodeNumbers(FILE_LAYOUT, [
    file.salt,
    file.clientVersion,
    file.baseVersion,
    file.lockedVersion,
    file.lastSeen,
  ]),
});

export const reciprocalSpace = (ident: number): string => `reciprocal-${ident}`;

export const reciprocalRecord = (ident: number, form: Changeset): RecordEntry => ({
  space: reciprocalSpace(ident),
  index: form.version,
  bytes: encodeChangeset(form),
});

export const reciprocalsTrimmed = (ident: number, through: number): RecordRange => ({
  space: reciprocalSpace(ident),
  from: 0,
  to: through + 1,
});

export const quarantineRecord = (ident: number, changeset: Changeset): RecordEntry => ({
  space: 'quarantine',
  index: ident,
  bytes: encodeChangeset(changeset),
});

/** A changeset that a record holds: a main entry, a reciprocal form, a quarantined one. */
export const readEntry = (entry: RecordEntry): E.Either<CorruptRecord, ServerEntry> => {
  const decoded = decodeChangeset(entry.bytes);
  if (E.isLeft(decoded)) return E.left(corrupt(entry.space, entry.index, decoded.left.message));
  const changeset = unpack(decoded.right);
  return changeset.version === entry.index || entry.space === 'quarantine'
    ? E.right({ ...changeset, bytes: entry.bytes.length, through: 0 })
    : E.left(corrupt(entry.space, entry.index, `it is changeset ${changeset.version}`));
};

export const readEntries = (
  entries: readonly RecordEntry[],
): E.Either<CorruptRecord, readonly ServerEntry[]> => E.traverseArray(readEntry)(entries);

const readFile = (entry: RecordEntry): E.Either<CorruptRecord, FileRecord> => {
  const numbers = decodeNumbers(FILE_LAYOUT, FILE_NUMBERS, entry.bytes);
  if (typeof numbers === 'string') return E.left(corrupt(entry.space, entry.index, numbers));
  const [salt, clientVersion, baseVersion, lockedVersion, lastSeen] = numbers as [
    number,
    number,
    number,
    number,
    number,
  ];
  return E.right({ ident: entry.index, salt, clientVersion, baseVersion, lockedVersion, lastSeen });
};

const readMeta = (partition: Partition, entry: RecordEntry): E.Either<CorruptRecord, Partition> => {
  const numbers = decodeNumbers(META_LAYOUT, 'any', entry.bytes);
  if (typeof numbers === 'string') return E.left(corrupt(entry.space, entry.index, numbers));
  if (numbers.length < META_FIXED || (numbers.length - META_FIXED) % 2 !== 0)
    return E.left(
      corrupt(entry.space, entry.index, `${numbers.length} numbers, expected ${META_FIXED} and pairs`),
    );
  const at = (i: number): number => numbers[i] as number;
  const salts: SaltRange[] = [];
  for (let i = META_FIXED; i < numbers.length; i += 2) salts.push({ from: at(i), salt: at(i + 1) });
  return E.right({
    ...partition,
    head: at(0),
    nextIdent: at(1),
    snapshotVersion: at(2),
    journal: { snapshotBytes: at(3), snapshotChunks: at(4), bytes: at(5) },
    salts,
  });
};

/** Spaces that a server reads when it opens a partition, before it asks for the log above the snapshot. */
export const openingSpaces: readonly string[] = ['file', 'meta', 'snapshot'];

/**
 * First half of opening: files, cursors and the state of `snapshotVersion`, from the records of
 * `openingSpaces`. The second half is `extended` with the log above `snapshotVersion`, up to `head`.
 */
export const loadPartition = (
  entries: readonly RecordEntry[],
  salt: number,
): E.Either<CorruptRecord, Partition> => {
  let partition = newPartition(salt);
  const chunks: RecordEntry[] = [];
  for (const entry of entries) {
    if (entry.space === 'meta') {
      const read = readMeta(partition, entry);
      if (E.isLeft(read)) return read;
      partition = read.right;
    } else if (entry.space === 'file') {
      const file = readFile(entry);
      if (E.isLeft(file)) return file;
      partition = { ...partition, files: set(partition.files, String(entry.index), file.right) };
    } else {
      chunks.push(entry);
    }
  }
  if (chunks.length !== partition.journal.snapshotChunks)
    return E.left(
      corrupt(
        'snapshot',
        chunks.length,
        `${partition.journal.snapshotChunks} chunks expected, ${chunks.length} found`,
      ),
    );
  return E.map((state: Partition['state']) => ({ ...partition, state }))(replay(chunks));
};

/** Second half of opening: the main entries above the snapshot, without a gap, up to the head. */
export const extended = (
  partition: Partition,
  log: readonly RecordEntry[],
): E.Either<CorruptRecord, Partition> => {
  const entries = readEntries(log);
  if (E.isLeft(entries)) return entries;
  let expected = partition.snapshotVersion + 1;
  for (const entry of entries.right) {
    if (entry.version !== expected)
      return E.left(corrupt('log', expected, `entry ${entry.version} stands in its place`));
    expected++;
  }
  if (expected !== partition.head + 1)
    return E.left(corrupt('log', expected, `the log ends before the head, ${partition.head}`));
  let through = 0;
  const tail = entries.right.map((entry) => {
    through += entry.bytes;
    return { ...entry, through };
  });
  let at = 0;
  const state = replay(
    log,
    () => E.right((entries.right[at++] as ServerEntry).instructions),
    partition.state,
  );
  return E.map((after: Partition['state']) => ({ ...partition, state: after, tail: runOf(tail) }))(state);
};
