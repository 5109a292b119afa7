/** The form of a server's machine: its partition, the sessions that are bound to it, and the events that it takes. */
import * as E from 'fp-ts/lib/Either.js';
import { partitionTypes } from '../access/partition-value.js';
import type { UploadPolicy } from '../access/upload-policy.js';
import { refuse } from '../base/decode-error.js';
import type { RecordEntry } from '../base/record.js';
import { entriesOf, runLast, runOf } from '../base/run.js';
import { emptyTrie, entries, set, type Trie } from '../base/trie.js';
import type { Certificate } from '../history/certificate.js';
import type { RewritePlan, Rewritten, RewrittenEntry } from '../history/log-rewrite.js';
import type { FileRecord, LogExtent, Partition, SaltRange, ServerEntry } from '../history/partition.js';
import type { OwnWrite } from '../history/server-commit.js';
import { certificateRecord, readCertificate } from '../history/server-records.js';
import type { Changeset } from '../model/changeset.js';
import { decodeChangeset, encodeChangeset, unpack } from '../model/codec.js';
import { emptyState } from '../model/state.js';
import { decodeClientMessage, encodeMessage } from '../protocol/codec.js';
import type { ErrorCode } from '../protocol/errors.js';
import type { Upload } from '../protocol/messages.js';
import { serverPhases } from '../session/phases.js';
import type {
  PendingRead,
  ServerConfig,
  ServerEvent,
  ServerMachine,
  ServerSession,
} from '../session/server-session.js';
import { errorCode, rulesForm } from './client-form.js';
import {
  accepted,
  batchForm,
  changesetForm,
  downloadForm,
  entryForm,
  instructionsForm,
  journalForm,
  rangeForm,
  stateForm,
  uploadForm,
} from './data-form.js';
import {
  binary,
  bool,
  type Form,
  float,
  list,
  oneOf,
  optional,
  record,
  text,
  through,
  uint,
  union,
} from './form.js';
import type { FindRules } from './subject.js';

/** As the pairs of keys and values that it holds, in its own order. */
const trie = <V>(value: Form<V>): Form<Trie<V>> =>
  through(
    list(record<{ readonly key: string; readonly value: V }>({ key: text, value })),
    (held) => [...entries(held)].map(([key, held]) => ({ key, value: held })),
    (pairs) => pairs.reduce((held, { key, value: of }) => set(held, key, of), emptyTrie<V>()),
  );

const fileRecord = record<FileRecord>({
  ident: uint,
  salt: uint,
  clientVersion: uint,
  baseVersion: uint,
  lockedVersion: uint,
  lastSeen: uint,
});

/** The newest entries; their sizes are known from their bytes. */
const tail: Form<Partition['tail']> = through(
  list(binary),
  (run) => entriesOf(run).map(encodeChangeset),
  (bodies, offset) => {
    let through = 0;
    let last = -1;
    const read = bodies.map((bytes): ServerEntry => {
      through += bytes.length;
      const entry = unpack(accepted(decodeChangeset(bytes), offset));
      if (last >= 0 && entry.version !== last + 1)
        refuse('malformed', offset, `entry ${entry.version} after entry ${last}`);
      last = entry.version;
      return { ...entry, bytes: bytes.length, through };
    });
    return runOf(read);
  },
);

export const partitionForm: Form<Partition> = record<Partition>({
  head: uint,
  cut: uint,
  compacted: uint,
  log: record<LogExtent>({ bytes: uint, settled: uint, folded: uint, compactions: uint }),
  salts: list(record<SaltRange>({ from: uint, salt: uint })),
  salt: uint,
  nextIdent: uint,
  snapshotVersion: uint,
  journal: journalForm,
  files: trie(fileRecord),
  tail,
  state: stateForm,
});

const uploadMessage: Form<Upload> = through(binary, encodeMessage, (bytes, offset) => {
  const message = accepted(decodeClientMessage(bytes), offset);
  return message.type === 'upload' ? message : refuse('malformed', offset, 'a message that is no upload');
});

const reciprocals: Form<ServerSession['reciprocals']> = through(
  list(changesetForm),
  (forms) => [...forms.values()],
  (forms: readonly Changeset[]) => new Map(forms.map((form) => [form.version, form])),
);

const session = record<ServerSession>({
  connection: uint,
  number: uint,
  phase: oneOf(serverPhases),
  ident: uint,
  download: downloadForm,
  upload: uploadForm,
  lockedVersion: uint,
  reciprocals,
  marks: list(record<ServerSession['marks'][number]>({ request: uint, version: uint })),
  queue: list(uploadMessage),
  reading: record<ServerSession['reading']>({ download: bool, integrate: bool }),
  owesCursor: bool,
  unflushed: uint,
  isHeld: bool,
  uploadsOnly: bool,
  canWrite: bool,
});

const pendingRead = record<PendingRead>({
  session: text,
  purpose: oneOf(['open', 'download', 'integrate']),
  range: rangeForm,
  before: list(entryForm),
});

const config = (find: FindRules): Form<ServerConfig> =>
  record<ServerConfig>({
    rules: rulesForm(find),
    explain: bool,
    maxOffline: optional(float),
    isRecoveryDisabled: optional(bool),
    policy: optional(record<UploadPolicy>({ key: text, type: oneOf(partitionTypes), partition: text })),
  });

/** What the machine relies on where it goes through its history: refuses what would lead it past the end. */
const sound = (machine: ServerMachine, offset: number): ServerMachine => {
  const { head, tail: newest } = machine.partition;
  const last = runLast(newest)?.version ?? head;
  if (last !== head) refuse('malformed', offset, `the history ends at ${last}, and its head is ${head}`);
  for (const [key, { download }] of entries(machine.sessions))
    if (download.serverVersion > head)
      refuse('malformed', offset, `session ${key} is at ${download.serverVersion} of ${head}`);
  return machine;
};

const same = (machine: ServerMachine): ServerMachine => machine;

export const serverForm = (find: FindRules): Form<ServerMachine> => through(machineForm(find), same, sound);

const machineForm = (find: FindRules): Form<ServerMachine> =>
  record<ServerMachine>({
    config: config(find),
    partition: partitionForm,
    sessions: trie(session),
    bound: trie(text),
    reads: trie(pendingRead),
    nextRead: uint,
    isBehind: bool,
  });

const certificate: Form<Certificate> = through(
  entryForm,
  (made) => certificateRecord(0, made, 0),
  (entry, offset) => {
    const read = readCertificate(entry);
    return E.isRight(read) ? read.right : refuse('malformed', offset, read.left.message);
  },
);

const rewrittenEntry: Form<RewrittenEntry> = through(
  record<{ readonly bytes: Uint8Array; readonly replaces: number }>({ bytes: binary, replaces: uint }),
  (entry) => entry,
  ({ bytes, replaces }, offset) => ({
    changeset: unpack(accepted(decodeChangeset(bytes), offset)),
    bytes,
    replaces,
  }),
);

/** The state of the plan is not looked at by those who commit what was made of it. */
const plan: Form<RewritePlan> = through(
  record<Omit<RewritePlan, 'state'>>({ cut: uint, head: uint, compactions: uint, bytes: uint }),
  (made) => made,
  (made) => ({ ...made, state: emptyState }),
);

const rewritten = record<Rewritten>({
  plan,
  snapshot: list(rewrittenEntry),
  changed: list(rewrittenEntry),
  certificate,
  bytes: uint,
});

type Timed = { readonly now: number };

/** An event of a server as it is recorded: a message as its frame, without a token. */
export type RecordedServerEvent =
  | Extract<
      ServerEvent,
      {
        type:
          | 'gone'
          | 'drained'
          | 'expelled'
          | 'entitled'
          | 'read'
          | 'tick'
          | 'rewritten'
          | 'refreshed'
          | 'written';
      }
    >
  | (Timed & {
      readonly type: 'message';
      readonly connection: number;
      readonly frame: Uint8Array;
      readonly chance: number;
      readonly canWrite?: boolean;
    });

const now = float;

export const serverEventForm: Form<RecordedServerEvent> = union<RecordedServerEvent>({
  message: record<Timed & { connection: number; frame: Uint8Array; chance: number; canWrite?: boolean }>({
    now,
    connection: uint,
    frame: binary,
    chance: uint,
    canWrite: optional(bool),
  }),
  read: record<Timed & { id: number; entries: readonly RecordEntry[] }>({
    now,
    id: uint,
    entries: list(entryForm),
  }),
  drained: record({ now, connection: uint, number: uint }),
  gone: record<Timed & { connection: number; numbers?: readonly number[] }>({
    now,
    connection: uint,
    numbers: optional(list(uint)),
  }),
  expelled: record<
    Timed & {
      connection: number;
      number: number;
      code: ErrorCode;
      message: string;
      rejected?: readonly number[];
    }
  >({
    now,
    connection: uint,
    number: uint,
    code: errorCode,
    message: text,
    rejected: optional(list(uint)),
  }),
  entitled: record({ now, connection: uint, number: uint, canWrite: bool }),
  tick: record({ now }),
  rewritten: record({ now, rewritten }),
  refreshed: record({ now, partition: partitionForm }),
  written: record({
    now,
    write: record<OwnWrite>({ instructions: instructionsForm, records: batchForm }),
  }),
});
