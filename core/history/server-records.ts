/**
 * What the store of a partition holds.
 *
 *     meta/0                head, next ident, snapshot version, the journal's counters, cut, what the log
 *                           amounts to, how far it is compacted, then pairs (from, salt)
 *     log/v                 main entry v; up to the cut, what stands for all entries there (`log-rewrite.ts`)
 *     file/i                client file i
 *     reciprocal-i/v        main entry v as file i will have to be met by it
 *     quarantine/i          the last changeset of file i that could not be integrated, as it was uploaded
 *     snapshot/n            chunks of the state at the snapshot version
 *     certificate/n         that of the n-th compaction; the last few
 */
import * as E from 'fp-ts/lib/Either.js';
import type { RecordEntry, RecordRange } from '../base/record.js';
import { runOf } from '../base/run.js';
import { set } from '../base/trie.js';
import type { Changeset } from '../model/changeset.js';
import { decodeChangeset, encodeChangeset, unpack } from '../model/codec.js';
import type { Certificate, ClientPosition, Extent } from './certificate.js';
import { type CorruptRecord, corrupt, replay } from './journal.js';
import { decodeNumbers, encodeNumbers } from './numbers.js';
import {
  type FileRecord,
  newPartition,
  type Partition,
  type SaltRange,
  type ServerEntry,
} from './partition.js';

const META_LAYOUT = 3;
const META_FIXED = 12;
const CERTIFICATE_LAYOUT = 1;
const CERTIFICATE_FIXED = 19;
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
    partition.cut,
    partition.log.bytes,
    partition.log.settled,
    partition.log.folded,
    partition.log.compactions,
    partition.compacted,
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

/** Of the `index`-th compaction, counted from 1, made at `now`. */
export const certificateRecord = (index: number, certificate: Certificate, now: number): RecordEntry => {
  const { first, head, cut, before, after, digestAtCut, digestAtHead, safeFrom, expires } = certificate;
  return {
    space: 'certificate',
    index,
    bytes: encodeNumbers(CERTIFICATE_LAYOUT, [
      ...[now, first, head, cut, safeFrom],
      ...[before.changesets, before.instructions, before.bytes],
      ...[after.changesets, after.instructions, after.bytes],
      ...wordsOf(digestAtCut),
      ...wordsOf(digestAtHead),
      ...expires.flatMap(({ ident, version }) => [ident, version]),
    ]),
  };
};

/** A digest is a number of 128 bits, written in hexadecimal. */
const wordsOf = (digest: string): readonly number[] =>
  [0, 8, 16, 24].map((at) => Number.parseInt(digest.slice(at, at + 8), 16));

const digestOf = (words: readonly number[]): string =>
  words.map((word) => word.toString(16).padStart(8, '0')).join('');

/** What a server keeps of a compaction. */
export interface StoredCertificate extends Certificate {
  /** Counts the compactions of the partition, from 1. */
  readonly number: number;
  /** Milliseconds since 1970. */
  readonly at: number;
}

export const readCertificate = (entry: RecordEntry): E.Either<CorruptRecord, StoredCertificate> => {
  const numbers = decodeNumbers(CERTIFICATE_LAYOUT, 'any', entry.bytes);
  if (typeof numbers === 'string') return E.left(corrupt(entry.space, entry.index, numbers));
  if (numbers.length < CERTIFICATE_FIXED || (numbers.length - CERTIFICATE_FIXED) % 2 !== 0)
    return E.left(corrupt(entry.space, entry.index, `${numbers.length} numbers`));
  const at = (i: number): number => numbers[i] as number;
  const extent = (i: number): Extent => ({ changesets: at(i), instructions: at(i + 1), bytes: at(i + 2) });
  const expires: ClientPosition[] = [];
  for (let i = CERTIFICATE_FIXED; i < numbers.length; i += 2)
    expires.push({ ident: at(i), version: at(i + 1) });
  return E.right({
    number: entry.index,
    at: at(0),
    first: at(1),
    head: at(2),
    cut: at(3),
    safeFrom: at(4),
    before: extent(5),
    after: extent(8),
    digestAtCut: digestOf(numbers.slice(11, 15)),
    digestAtHead: digestOf(numbers.slice(15, 19)),
    expires,
  });
};

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
    cut: at(6),
    log: { bytes: at(7), settled: at(8), folded: at(9), compactions: at(10) },
    compacted: at(11),
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
