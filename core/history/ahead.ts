/**
 * What has come down of a history ahead of what may be shown of it.
 *
 * Where a history was compacted, the states between its versions are nobody's any more: what a later entry
 * overwrites is missing from an earlier one, and what is folded is divided by size. Whoever is brought over such a
 * stretch gets it in one batch of downloads, of which the last one says so. Until then the file stays as it was: the
 * changesets are kept here and in its store, in their order, and are integrated with those of the last download as
 * if all had been one. What is acknowledged meanwhile is acknowledged.
 *
 * A batch that was cut off goes on where it was; after a restart, too. But a server that was restored may have folded
 * its history elsewhere, and the parts of two folds are no whole: each part names the cut that it belongs to, and one
 * of another cut begins the batch anew. A cut that the file has passed says nothing of the parts, which are entries
 * as ever then.
 */
import * as E from 'fp-ts/lib/Either.js';
import type { RecordEntry, RecordRange } from '../base/record.js';
import { appended, emptyRun, type Run, runOf } from '../base/run.js';
import { edit } from '../model/apply.js';
import type { Changeset } from '../model/changeset.js';
import { decodeChangeset, encodeChangeset, unpack } from '../model/codec.js';
import type { Batch, DownloadCursor, SyncProgress } from '../model/progress.js';
import type { State } from '../model/state.js';
import { type CorruptRecord, corrupt } from './journal.js';
import { decodeNumbers, encodeNumbers } from './numbers.js';

export interface Ahead {
  /** How far it leads. */
  readonly download: DownloadCursor;
  /** The cut of the batch, where it lies above the file's own position; or 0. */
  readonly cut: number;
  readonly changesets: Run<Changeset>;
  /**
   * The file's state with them, so that the last part has little to do; null where that is not known: there are
   * writes, the file was opened amid the batch, or something does not fit, which the last part will tell.
   */
  readonly brought: State | null;
}

/** Files as far as they concern this. */
interface Position {
  readonly progress: SyncProgress;
  readonly ahead: Ahead | null;
}

/** Where the next download begins. */
export const downloadedTo = ({ progress, ahead }: Position): DownloadCursor =>
  ahead?.download ?? progress.download;

const cutOf = ({ progress }: Position, batch: Batch | undefined): number =>
  batch === undefined || batch.cut <= progress.download.serverVersion ? 0 : batch.cut;

/** Whether the part cannot follow on what is there. */
export const isOfAnother = (file: Position, batch: Batch | undefined): boolean =>
  file.ahead !== null && cutOf(file, batch) !== file.ahead.cut;

const stateAfter = (before: State, changesets: readonly Changeset[]): State | null => {
  const draft = edit(before);
  for (const { instructions } of changesets)
    for (const instruction of instructions) if (draft.apply(instruction) !== null) return null;
  return draft.finish();
};

/** With one part more. `before`: the state that it leads on from, where there are no writes. */
export const further = (
  file: Position,
  download: DownloadCursor,
  changesets: readonly Changeset[],
  batch: Batch,
  before: State | null,
): Ahead => ({
  download,
  cut: cutOf(file, batch),
  changesets: changesets.reduce(appended<Changeset>, file.ahead?.changesets ?? emptyRun()),
  brought: before === null ? null : stateAfter(before, changesets),
});

/** What is ahead once the file has a write. */
export const withWrite = (ahead: Ahead | null): Ahead | null =>
  ahead === null ? null : { ...ahead, brought: null };

/*
 *     ahead/0      how far it leads, and the cut
 *     ahead/v      the changeset of version v
 */
const SPACE = 'ahead';
const LAYOUT = 1;
const NUMBERS = 3;

/** What the store holds once `changesets` have come. */
export const aheadRecords = (
  { download, cut }: Ahead,
  changesets: readonly Changeset[],
): readonly RecordEntry[] => [
  {
    space: SPACE,
    index: 0,
    bytes: encodeNumbers(LAYOUT, [download.serverVersion, download.lastIntegratedClientVersion, cut]),
  },
  ...changesets.map((changeset) => ({
    space: SPACE,
    index: changeset.version,
    bytes: encodeChangeset(changeset),
  })),
];

export const aheadForgotten: RecordRange = { space: SPACE, from: 0, to: Number.MAX_SAFE_INTEGER };

/** `spaces`: all records of the store, each space in ascending order of index. Right null where nothing is ahead. */
export const loadAhead = (
  spaces: ReadonlyMap<string, readonly RecordEntry[]>,
): E.Either<CorruptRecord, Ahead | null> => {
  const [head, ...rest] = spaces.get(SPACE) ?? [];
  if (head === undefined) return E.right(null);
  if (head.index !== 0) return E.left(corrupt(SPACE, 0, 'it is missing, though changesets are there'));
  const numbers = decodeNumbers(LAYOUT, NUMBERS, head.bytes);
  if (typeof numbers === 'string') return E.left(corrupt(SPACE, 0, numbers));
  const [serverVersion, lastIntegratedClientVersion, cut] = numbers as [number, number, number];
  const changesets: Changeset[] = [];
  for (const { index, bytes } of rest) {
    const decoded = decodeChangeset(bytes);
    if (E.isLeft(decoded)) return E.left(corrupt(SPACE, index, decoded.left.message));
    const changeset = unpack(decoded.right);
    if (changeset.version !== index)
      return E.left(corrupt(SPACE, index, `it is changeset ${changeset.version}`));
    changesets.push(changeset);
  }
  return E.right({
    download: { serverVersion, lastIntegratedClientVersion },
    cut,
    changesets: runOf(changesets),
    brought: null,
  });
};
