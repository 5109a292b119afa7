/**
 * The server's machine for one partition, as data: the partition, the sessions bound to it, and the reads
 * under way. `server.ts` has the transitions.
 */
import type { UploadPolicy } from '../access/upload-policy.js';
import type { RecordBatch, RecordEntry, RecordRange } from '../base/record.js';
import { emptyTrie, forEach, get, remove, set, type Trie } from '../base/trie.js';
import type { Rewritten } from '../history/log-rewrite.js';
import { fileOf, type Partition } from '../history/partition.js';
import type { OwnWrite, Reciprocals } from '../history/server-commit.js';
import type { Decision } from '../merge/recorder.js';
import type { RuleSet } from '../merge/rule.js';
import type { DownloadCursor, UploadCursor } from '../model/progress.js';
import { type ErrorAction, type ErrorCode, errorTable } from '../protocol/errors.js';
import type { ClientMessage, ServerError, ServerMessage, Upload } from '../protocol/messages.js';
import type { ServerPhase } from './phases.js';

export interface ServerConfig {
  readonly rules: RuleSet;
  /** Report what the merge decided (`decided` effects). */
  readonly explain: boolean;
  /** Milliseconds after which a silent client file expires (`core/history/horizon.ts`); 30 days by default. */
  readonly maxOffline?: number;
  /** Whether clients that must reset may not recover what they have not synced. */
  readonly isRecoveryDisabled?: boolean;
  /** What devices may not write here; absent where they may write whatever fits. */
  readonly policy?: UploadPolicy;
}

export interface ServerSession {
  readonly connection: number;
  /** The client's number for it on its connection. */
  readonly number: number;
  readonly phase: ServerPhase;
  /** 0 until the client has identified itself. */
  readonly ident: number;
  /** What has been sent to the client. */
  readonly download: DownloadCursor;
  /** Progress of the last upload of this session. */
  readonly upload: UploadCursor;
  readonly lockedVersion: number;
  readonly reciprocals: Reciprocals;
  /** Marks to be answered once the download cursor reaches `version`. Ascending. */
  readonly marks: readonly { readonly request: number; readonly version: number }[];
  /** Uploads that are checked and wait for their turn. */
  readonly queue: readonly Upload[];
  /** What the session waits for from the store. While it integrates, its queue waits. */
  readonly reading: { readonly download: boolean; readonly integrate: boolean };
  /** An upload has been integrated and its cursor not yet told. */
  readonly owesCursor: boolean;
  /** Bytes sent since the link was last known to have let everything out; an estimate from above. */
  readonly unflushed: number;
  /** Nothing is sent until the link has let out what was: a slow reader costs a bounded number of bytes. */
  readonly isHeld: boolean;
  /** Whether nothing is to go down but acknowledgements. */
  readonly uploadsOnly: boolean;
  /** Whether more than a schema is taken from the client. */
  readonly canWrite: boolean;
}

export type ReadPurpose = 'open' | 'download' | 'integrate';

export interface PendingRead {
  readonly session: string;
  readonly purpose: ReadPurpose;
  readonly range: RecordRange;
  /** What an integration has read so far. */
  readonly before: readonly RecordEntry[];
}

export interface ServerMachine {
  readonly config: ServerConfig;
  readonly partition: Partition;
  /** By `sessionKey`. */
  readonly sessions: Trie<ServerSession>;
  /** Session key by file ident: a file is bound once. */
  readonly bound: Trie<string>;
  /** By read id. */
  readonly reads: Trie<PendingRead>;
  readonly nextRead: number;
  /** Whether sessions may have to be brought up to the head. */
  readonly isBehind: boolean;
}

export type ServerEvent = {
  readonly now: number;
} /** `chance`: an integer from 1 to 2^53 - 1, used as a salt where one is needed. */ & (
  | {
      readonly type: 'message';
      readonly connection: number;
      readonly message: ClientMessage;
      readonly chance: number;
      /** Of a bind: false where the user may only read. */
      readonly canWrite?: boolean;
    }
  /** The connection is gone, and every session on it; `numbers` are theirs, if known, which saves a search. */
  | { readonly type: 'gone'; readonly connection: number; readonly numbers?: readonly number[] }
  /** The link of the session has let out what a `drain` effect asked about, or most of it. */
  | { readonly type: 'drained'; readonly connection: number; readonly number: number }
  /** The session is to end, for a reason that the machine does not know of. */
  | {
      readonly type: 'expelled';
      readonly connection: number;
      readonly number: number;
      readonly code: ErrorCode;
      readonly message: string;
      /** Writes that are refused with it, ascending; absent where it is about none. */
      readonly rejected?: readonly number[];
    }
  /** What the user of a session may do has changed. */
  | {
      readonly type: 'entitled';
      readonly connection: number;
      readonly number: number;
      readonly canWrite: boolean;
    }
  /** What a `read` effect asked for: all entries of the range, or the first ones of it up to its bytes. */
  | { readonly type: 'read'; readonly id: number; readonly entries: readonly RecordEntry[] }
  /** Time passes; as often as the driver likes. */
  | { readonly type: 'tick' }
  /** The server itself changes the partition. Fits its present state, or is a bug of whoever made it. */
  | { readonly type: 'written'; readonly write: OwnWrite }
  /** The log was rewritten beside the running machine. */
  | { readonly type: 'rewritten'; readonly rewritten: Rewritten }
  /** Another server has committed: `partition` is what the store now holds. */
  | { readonly type: 'refreshed'; readonly partition: Partition }
);

export type ServerEffect =
  | { readonly type: 'commit'; readonly batch: RecordBatch }
  | { readonly type: 'send'; readonly connection: number; readonly message: ServerMessage }
  /** Answered by a `read` event. `maxBytes` null: the whole range. */
  | {
      readonly type: 'read';
      readonly id: number;
      readonly range: RecordRange;
      readonly maxBytes: number | null;
    }
  /** Answered by a `drained` event, once the link has let out what was sent. */
  | { readonly type: 'drain'; readonly connection: number; readonly number: number }
  | { readonly type: 'decided'; readonly ident: number; readonly decisions: readonly Decision[] }
  /** An upload that could not be integrated; it is kept in quarantine. */
  | {
      readonly type: 'quarantined';
      readonly ident: number;
      readonly version: number;
      readonly message: string;
    }
  /** What a client says about a download that it could not integrate. */
  | { readonly type: 'reported'; readonly ident: number; readonly code: ErrorCode; readonly message: string };

export interface ServerStep {
  readonly machine: ServerMachine;
  readonly effects: readonly ServerEffect[];
}

export const newServerMachine = (config: ServerConfig, partition: Partition): ServerMachine => ({
  config,
  partition,
  sessions: emptyTrie(),
  bound: emptyTrie(),
  reads: emptyTrie(),
  nextRead: 1,
  isBehind: false,
});

export const sessionKey = (connection: number, number: number): string => `${connection}/${number}`;

export const keyOfSession = (session: ServerSession): string =>
  sessionKey(session.connection, session.number);

export const sessionAt = (machine: ServerMachine, key: string): ServerSession | undefined =>
  get(machine.sessions, key);

/**
 * The session as those that are sent downloads are: spreads leave records of as many kinds as there are places that
 * make them, and whoever goes through all sessions takes several times as long for that.
 */
const alike = (session: ServerSession): ServerSession => ({
  connection: session.connection,
  number: session.number,
  phase: session.phase,
  ident: session.ident,
  download: session.download,
  upload: session.upload,
  lockedVersion: session.lockedVersion,
  reciprocals: session.reciprocals,
  marks: session.marks,
  queue: session.queue,
  reading: session.reading,
  owesCursor: session.owesCursor,
  unflushed: session.unflushed,
  isHeld: session.isHeld,
  uploadsOnly: session.uploadsOnly,
  canWrite: session.canWrite,
});

export const withSession = (machine: ServerMachine, session: ServerSession): ServerMachine => ({
  ...machine,
  sessions: set(machine.sessions, keyOfSession(session), alike(session)),
});

export const sent = (session: ServerSession, message: ServerMessage): ServerEffect => ({
  type: 'send',
  connection: session.connection,
  message,
});

export const errorMessage = (
  session: number,
  code: ErrorCode,
  message: string,
  action?: ErrorAction,
): ServerError => ({
  type: 'error',
  session,
  code,
  message,
  tryAgain: errorTable[code].tryAgain,
  action: action ?? errorTable[code].action,
});

/** What an ended session has asked the store for is not waited for: its key might name another one by then. */
export const withoutSession = (machine: ServerMachine, session: ServerSession): ServerMachine => {
  const key = keyOfSession(session);
  const ident = String(session.ident);
  let { reads } = machine;
  forEach(machine.reads, (read, id) => {
    if (read.session === key) reads = remove(reads, id);
  });
  return {
    ...machine,
    reads,
    sessions: remove(machine.sessions, key),
    bound: get(machine.bound, ident) === key ? remove(machine.bound, ident) : machine.bound,
  };
};

/** The session with an error that its client is told. */
export const ended = (
  machine: ServerMachine,
  session: ServerSession,
  code: ErrorCode,
  message: string,
  hints: Pick<ServerError, 'integrated' | 'rejected'> = {},
): ServerStep => ({
  machine: withoutSession(machine, session),
  effects: [
    sent(session, {
      ...errorMessage(session.number, code, message),
      ...resetHints(machine, session, code),
      ...hints,
    }),
  ],
});

/** What a client has to know that is asked to reset: what of its writes is here, and what it may do. */
const resetHints = (
  { config, partition }: ServerMachine,
  { ident }: ServerSession,
  code: ErrorCode,
): Pick<ServerError, 'integrated' | 'isRecoveryDisabled'> => {
  if (errorTable[code].action !== 'ClientReset') return {};
  const file = ident === 0 ? undefined : fileOf(partition, ident);
  return {
    ...(file === undefined ? {} : { integrated: file.clientVersion }),
    ...(config.isRecoveryDisabled === true ? { isRecoveryDisabled: true as const } : {}),
  };
};

/** The history has grown: before the step ends, or the last of several, everybody is to have it. */
export const behind = (machine: ServerMachine): ServerStep => stayAs({ ...machine, isBehind: true });

/** Asks the store; the answer comes as an event. */
export const asking = (machine: ServerMachine, read: PendingRead, maxBytes: number | null): ServerStep => {
  const id = machine.nextRead;
  return {
    machine: { ...machine, nextRead: id + 1, reads: set(machine.reads, String(id), read) },
    effects: [{ type: 'read', id, range: read.range, maxBytes }],
  };
};

export const stayAs = (machine: ServerMachine): ServerStep => ({ machine, effects: [] });

export const andThenServer = (
  first: ServerStep,
  next: (machine: ServerMachine) => ServerStep,
): ServerStep => {
  const second = next(first.machine);
  if (second.effects.length === 0) return { machine: second.machine, effects: first.effects };
  return { machine: second.machine, effects: [...first.effects, ...second.effects] };
};
