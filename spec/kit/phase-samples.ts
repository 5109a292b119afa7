/** Each phase of the machines, and what may come in it: at least one event of each type, legal ones and ones that lie. */
import { newClientFile } from '../../core/history/client-file.js';
import { newPartition } from '../../core/history/partition.js';
import { allocateIdent } from '../../core/history/server-commit.js';
import { syncline } from '../../core/merge/rule-set.js';
import { addTable } from '../../core/model/instruction.js';
import type { ClientMessage, ServerMessage } from '../../core/protocol/messages.js';
import type { ResetCause } from '../../core/reset/mode.js';
import { reportOf } from '../../core/reset/report.js';
import type { PreparedSwitch } from '../../core/reset/switch.js';
import {
  type ClientEvent,
  type ClientSession,
  type Direction,
  defaultTiming,
  type Held,
  newClientSession,
} from '../../core/session/client-session.js';
import type { ClientEventType, serverEvents } from '../../core/session/phases.js';
import {
  newServerMachine,
  type ServerMachine,
  type ServerSession,
  withSession,
} from '../../core/session/server-session.js';
import { build } from './worlds.js';

export const now = 50_000;

const cursor = { serverVersion: 0, lastIntegratedClientVersion: 0 };
const upload = { clientVersion: 0, lastIntegratedServerVersion: 0 };
const download: ServerMessage = {
  type: 'download',
  session: 1,
  download: cursor,
  upload,
  latest: { version: 0, salt: 0 },
  downloadableBytes: 0,
  changesets: [],
};
const table = [addTable('X', { type: 'embedded' })];

const cause: ResetCause = {
  action: 'ClientReset',
  code: 208,
  name: 'bad_client_file_ident',
  message: 'no',
  isRecoveryDisabled: false,
  integrated: null,
  rejected: [],
};
const prepared: PreparedSwitch = {
  fresh: { ...newClientFile, ident: 3, salt: 9, generation: 1 },
  base: newClientFile.base,
  state: newClientFile.base,
  writes: [],
  report: reportOf([]),
  parked: [],
  dropped: [],
  through: 0,
};

export const clientSamples: Readonly<Record<ClientEventType, readonly ClientEvent[]>> = {
  resume: [
    { type: 'resume', now },
    { type: 'resume', direction: 'upload', now },
    { type: 'resume', direction: 'download', now },
  ],
  pause: [
    { type: 'pause', now },
    { type: 'pause', direction: 'upload', now },
    { type: 'pause', direction: 'download', now },
  ],
  reconnect: [{ type: 'reconnect', now }],
  renewed: [{ type: 'renewed', now }],
  opened: [{ type: 'opened', token: 't', now }],
  closed: [
    { type: 'closed', reason: 'lost', chance: 0.5, now },
    { type: 'closed', reason: 'busy', chance: 0.5, retryAfter: 5000, now },
    { type: 'closed', reason: 'large', chance: 0.5, tooLarge: true, now },
  ],
  timer: [
    { type: 'timer', chance: 0, now },
    { type: 'timer', chance: 0, now: 10 ** 9 },
  ],
  write: [{ type: 'write', instructions: table, state: build(table), now }],
  await: [
    { type: 'await', what: 'upload', id: 1, now },
    { type: 'await', what: 'download', id: 2, now },
    { type: 'await', what: 'upload', id: 3, version: 1, now },
    { type: 'abandon', id: 7, now },
    { type: 'record', on: true, now },
    { type: 'dismiss', id: 3, now },
  ],
  reset: [
    { type: 'reset', mode: 'recover', now },
    { type: 'reset', mode: 'manual', now },
  ],
  switched: [{ type: 'switched', prepared, now }],
  resetFailed: [{ type: 'resetFailed', reason: 'no', now }],
  garbage: [{ type: 'garbage', message: 'no message', now }],
  ident: [
    { ident: 2, salt: 5 },
    { ident: 0, salt: 0 },
  ].map((ident) => ({ type: 'message', message: { type: 'ident', session: 1, ...ident }, chance: 0, now })),
  download: [
    download,
    { ...download, upload: { ...upload, clientVersion: 99 } },
    {
      ...download,
      download: { ...cursor, serverVersion: 1 },
      latest: { version: 1, salt: 3 },
      changesets: [
        {
          version: 1,
          base: 0,
          timestamp: 5,
          origin: 9,
          instructions: [{ kind: 'EraseObject', table: 'nope', object: 'n' as never }],
        },
      ],
    } satisfies ServerMessage,
  ].map((message) => ({ type: 'message', message, chance: 0, now })),
  mark: [1, 44].map((request) => ({
    type: 'message',
    message: { type: 'mark', session: 1, request },
    chance: 0,
    now,
  })),
  unbound: [{ type: 'message', message: { type: 'unbound', session: 1 }, chance: 0, now }],
  error: (
    [
      [201, 'Transient'],
      [203, 'Transient'],
      [208, 'ClientReset'],
      [222, 'ClientResetNoRecovery'],
    ] as const
  ).flatMap(([code, action]) =>
    [true, false].map((tryAgain) => ({
      type: 'message',
      message: { type: 'error', session: 1, code, message: 'no', tryAgain, action },
      chance: 0,
      now,
    })),
  ),
};

const heldBy = (...held: readonly Direction[]): Held => ({
  upload: held.includes('upload'),
  download: held.includes('download'),
});
const both = heldBy('upload', 'download');

/** What the app may hold in a phase: both directions only in those that a whole pause leads to. */
export const holdsOf = (phase: ClientSession['phase']): readonly Held[] => {
  if (phase === 'paused') return [both];
  const some = [heldBy(), heldBy('upload')];
  if (phase !== 'catchingUp') some.push(heldBy('download'));
  if (phase === 'unbinding') some.push(both);
  return some;
};

export const sessionIn = (
  phase: ClientSession['phase'],
  held = holdsOf(phase)[0] ?? both,
): ClientSession => ({
  ...newClientSession(
    { partition: 'p', rules: syncline, explain: true, timing: defaultTiming, reset: 'recover' },
    { ...newClientFile, ident: phase === 'binding' ? 0 : 2, salt: 5 },
  ),
  phase,
  held,
  reset:
    phase === 'resetting'
      ? { performs: 'recovery', stage: 'downloading', cause, firstCause: cause, attempts: 1, fallback: null }
      : null,
  asked: phase === 'failed' ? cause : null,
  number: 1,
  marks: { requested: 1, sent: 1, answered: 0 },
  deadline: 60_000,
  failure:
    phase === 'failed' ? { code: 201, name: 'x', message: 'y', action: 'Transient', tryAgain: false } : null,
});

export const serverSamples: Readonly<
  Record<Exclude<(typeof serverEvents)[number], 'read'>, readonly ClientMessage[]>
> = {
  identify: [
    { type: 'identify', session: 1, ident: 2, salt: 7, latest: { version: 0, salt: 0 }, download: cursor },
    { type: 'identify', session: 1, ident: 2, salt: 8, latest: { version: 0, salt: 0 }, download: cursor },
    { type: 'identify', session: 1, ident: 90, salt: 8, latest: { version: 0, salt: 0 }, download: cursor },
  ],
  upload: [
    {
      type: 'upload',
      session: 1,
      progress: { ...upload, clientVersion: 1 },
      lockedServerVersion: 0,
      changesets: [{ version: 1, base: 0, timestamp: 1, origin: 0, instructions: table }],
    },
    {
      type: 'upload',
      session: 1,
      progress: { ...upload, clientVersion: 1 },
      lockedServerVersion: 9,
      changesets: [],
    },
    {
      type: 'upload',
      session: 1,
      progress: upload,
      lockedServerVersion: 0,
      changesets: [{ version: 5, base: 3, timestamp: 1, origin: 8, instructions: table }],
    },
  ],
  mark: [{ type: 'mark', session: 1, request: 1 }],
  unbind: [{ type: 'unbind', session: 1 }],
  clientError: [{ type: 'clientError', session: 1, code: 212, message: 'no' }],
};

export const machineIn = (phase: ServerSession['phase']): ServerMachine => {
  const { partition } = allocateIdent(newPartition(11), 7, 1);
  const session: ServerSession = {
    connection: 1,
    number: 1,
    phase,
    ident: phase === 'bound' ? 0 : 2,
    download: cursor,
    upload,
    lockedVersion: 0,
    reciprocals: new Map(),
    marks: [],
    queue: [],
    reading: { download: false, integrate: false },
    owesCursor: false,
    unflushed: 0,
    isHeld: false,
    uploadsOnly: false,
    canWrite: true,
  };
  return withSession(newServerMachine({ rules: syncline, explain: true }, partition), session);
};
