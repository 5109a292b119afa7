/** Forms of data: states, changesets, records, and the file of a client. */
import * as E from 'fp-ts/lib/Either.js';
import type { DecodeError } from '../base/decode-error.js';
import { refuse } from '../base/decode-error.js';
import type { RecordBatch, RecordEntry, RecordRange } from '../base/record.js';
import { entriesOf, runOf } from '../base/run.js';
import type { Ahead } from '../history/ahead.js';
import type { ClientFile, LocalWrite } from '../history/client-file.js';
import { withoutIngested } from '../history/ingested.js';
import type { Journal } from '../history/journal.js';
import { edit } from '../model/apply.js';
import type { Changeset } from '../model/changeset.js';
import {
  decodeChangeset,
  decodeInstructions,
  encodeChangeset,
  encodeInstructions,
  unpack,
} from '../model/codec.js';
import type { Instruction } from '../model/instruction.js';
import type { DownloadCursor, SaltedVersion, SyncProgress, UploadCursor } from '../model/progress.js';
import { toInstructions } from '../model/snapshot.js';
import { emptyState, type State } from '../model/state.js';
import { binary, type Form, list, nullable, record, text, through, uint } from './form.js';

/** What was decoded; refuses at `offset` with the decoder's own reason. */
export const accepted = <T>(decoded: E.Either<DecodeError, T>, offset: number): T =>
  E.isRight(decoded)
    ? decoded.right
    : refuse(decoded.left.code, offset + decoded.left.offset, decoded.left.message);

/** Instructions in one piece of a state: as in the chunks of a stored snapshot. */
const CHUNK = 20_000;

export const instructionsForm: Form<readonly Instruction[]> = through(
  binary,
  encodeInstructions,
  (bytes, offset) => accepted(decodeInstructions(bytes), offset),
);

/** The state that the instructions lead to from another one; refuses where one does not fit. */
export const applied = (from: State, instructions: readonly Instruction[], offset = 0): State => {
  const draft = edit(from);
  for (const instruction of instructions) {
    const error = draft.apply(instruction);
    if (error !== null) refuse('malformed', offset, `an instruction does not fit: ${error.message}`);
  }
  return draft.finish();
};

const chunked = (state: State): readonly (readonly Instruction[])[] => {
  const instructions = toInstructions(state);
  const chunks: Instruction[][] = [];
  for (let at = 0; at < instructions.length; at += CHUNK) chunks.push(instructions.slice(at, at + CHUNK));
  return chunks;
};

/** Time and memory in proportion to the state. */
export const stateForm: Form<State> = through(list(instructionsForm), chunked, (chunks, offset) =>
  chunks.reduce((state, chunk) => applied(state, chunk, offset), emptyState),
);

export const changesetForm: Form<Changeset> = through(binary, encodeChangeset, (bytes, offset) =>
  unpack(accepted(decodeChangeset(bytes), offset)),
);

export const entryForm: Form<RecordEntry> = record<RecordEntry>({ space: text, index: uint, bytes: binary });
export const rangeForm: Form<RecordRange> = record<RecordRange>({ space: text, from: uint, to: uint });
export const batchForm: Form<RecordBatch> = record<RecordBatch>({
  deletes: list(rangeForm),
  puts: list(entryForm),
});

export const downloadForm: Form<DownloadCursor> = record<DownloadCursor>({
  serverVersion: uint,
  lastIntegratedClientVersion: uint,
});
export const uploadForm: Form<UploadCursor> = record<UploadCursor>({
  clientVersion: uint,
  lastIntegratedServerVersion: uint,
});
const saltedForm = record<SaltedVersion>({ version: uint, salt: uint });
export const journalForm: Form<Journal> = record<Journal>({
  snapshotBytes: uint,
  snapshotChunks: uint,
  bytes: uint,
});

/** Bytes that the state of that journal takes at least: whatever has come since the snapshot may have erased as much. */
export const leastBytes = ({ snapshotBytes, bytes }: Journal): number => Math.max(0, snapshotBytes - bytes);

interface PlainWrite {
  readonly original: Changeset;
  /** Null where it is the original still. */
  readonly current: Changeset | null;
  readonly bytes: number;
}

const writeForm: Form<LocalWrite> = through(
  record<PlainWrite>({ original: changesetForm, current: nullable(changesetForm), bytes: uint }),
  ({ original, current, bytes }) => ({ original, current: current === original ? null : current, bytes }),
  ({ original, current, bytes }) => ({
    version: original.version,
    original,
    current: current ?? original,
    bytes,
  }),
);

/** The state that it leads to is worked out again where it is needed. */
const aheadForm: Form<Ahead> = through(
  record<Pick<Ahead, 'download' | 'cut' | 'changesets'>>({
    download: downloadForm,
    cut: uint,
    changesets: through(list(changesetForm), entriesOf<Changeset>, (changesets) => runOf(changesets)),
  }),
  (ahead) => ahead,
  (ahead) => ({ ...ahead, brought: null }),
);

interface PlainFile extends Omit<ClientFile, 'writes' | 'state'> {
  readonly writes: readonly LocalWrite[];
}

/** The state is not written: the base and the writes, in their present forms, come to it. */
export const fileForm: Form<ClientFile> = through(
  record<PlainFile>({
    ident: uint,
    salt: uint,
    version: uint,
    progress: record<SyncProgress>({ latest: saltedForm, download: downloadForm, upload: uploadForm }),
    ahead: nullable(aheadForm),
    stamp: uint,
    journal: journalForm,
    generation: uint,
    base: stateForm,
    writes: list(writeForm),
  }),
  (file) => ({ ...file, writes: entriesOf(file.writes) }),
  (plain, offset) => {
    const { base, writes } = plain;
    let last = 0;
    let state = base;
    for (const { version, current } of writes) {
      if (version <= last) refuse('malformed', offset, `write ${version} after write ${last}`);
      last = version;
      state = applied(state, current.instructions, offset);
    }
    return { ...plain, writes: runOf(writes), state: writes.length === 0 ? base : withoutIngested(state) };
  },
);
