/**
 * The end of a partition's history: it is sealed, which no server that holds it can miss, since sealing is a
 * commit; what it held begins anew elsewhere (`founded`); and it is emptied.
 *
 *     sealed/0     1: sealed, and as it was; 2: sealed and emptied
 *
 * A new history knows the files of the old one, and has them reset: so they are told what of their writes is in
 * it, and none is done twice.
 */
import * as E from 'fp-ts/lib/Either.js';
import { inSequence, type RecordBatch, type RecordEntry } from '../base/record.js';
import { forEach, set } from '../base/trie.js';
import type { Changeset } from '../model/changeset.js';
import { toInstructions } from '../model/snapshot.js';
import type { State } from '../model/state.js';
import { chunked } from './log-rewrite.js';
import { type FileRecord, newPartition, type Partition, serverIdent } from './partition.js';
import { commitOwn, type PartitionCommit } from './server-commit.js';
import * as records from './server-records.js';

export const sealedSpace = 'sealed';

const SEALED = 1;
const EMPTIED = 2;
const EVERYTHING = Number.MAX_SAFE_INTEGER;

export const sealedRecord: RecordEntry = { space: sealedSpace, index: 0, bytes: new Uint8Array([SEALED]) };

/** What the records of the space say. */
export const sealOf = (entries: readonly RecordEntry[]): 'open' | 'sealed' | 'emptied' => {
  const entry = entries.find(({ space }) => space === sealedSpace);
  if (entry === undefined) return 'open';
  return entry.bytes[0] === EMPTIED ? 'emptied' : 'sealed';
};

const spaces = ['meta', 'log', 'file', 'snapshot', 'certificate', 'quarantine', 'outbox', 'outbox-to'];

/** Leaves nothing but the seal. `idents`: the partition's files. */
export const emptiedPartition = (idents: readonly number[]): RecordBatch => ({
  deletes: [...spaces, ...idents.map(records.reciprocalSpace)].map((space) => ({
    space,
    from: 0,
    to: EVERYTHING,
  })),
  puts: [{ space: sealedSpace, index: 0, bytes: new Uint8Array([EMPTIED]) }],
});

/** Of the history that this one follows. */
export type Predecessor = Pick<Partition, 'files' | 'nextIdent'>;

/**
 * A new history that begins with `state`, as a write of the server's own. The files of its predecessor have to
 * reset themselves. `salt` is drawn for this process, 1 to 2^53 - 1; `now` in milliseconds since 1970.
 */
export const founded = (
  state: State,
  predecessor: Predecessor | null,
  salt: number,
  now: number,
): PartitionCommit => {
  let partition: Partition = newPartition(salt);
  const batches: RecordBatch[] = [];
  const changesetOf = (instructions: Changeset['instructions']): Changeset => ({
    version: 1,
    base: 0,
    timestamp: now,
    origin: serverIdent,
    instructions,
  });
  for (const { instructions } of chunked(toInstructions(state), changesetOf)) {
    const commit = commitOwn(partition, { instructions, records: { deletes: [], puts: [] } }, now);
    if (E.isLeft(commit)) throw new Error(`bug: a state does not build itself: ${commit.left.message}`);
    partition = commit.right.partition;
    batches.push(commit.right.batch);
  }
  // The parts that the state is divided in are nobody's states.
  partition = { ...partition, compacted: partition.head };
  const puts: RecordEntry[] = [];
  if (predecessor !== null) {
    partition = { ...partition, nextIdent: predecessor.nextIdent };
    forEach(predecessor.files, (file) => {
      const left: FileRecord = { ...file, baseVersion: 0, lockedVersion: 0, lastSeen: 0 };
      partition = { ...partition, files: set(partition.files, String(left.ident), left) };
      puts.push(records.fileRecord(left));
    });
  }
  puts.push(records.metaRecord(partition));
  batches.push({ deletes: [], puts });
  return { partition, batch: inSequence(batches) };
};
