/**
 * The server machine: one partition and the sessions bound to it, as a pure function
 *
 *     serverStep(machine, event) → { machine, effects }
 *
 * Effects are performed strictly in their order; in particular nothing is sent before the commit that
 * stands before it is durable. If the store answers that another server has committed first, the driver
 * drops the step, sends `refreshed`, and takes the step again: the function is pure, so that is all there
 * is to winning and losing a race.
 *
 * Downloads are pumped: whenever a session's cursor is behind the head it is sent what lies between, from
 * the tail in memory or, further back, from the store. Uploads of one session are integrated in order; an
 * upload based on history that is no longer in the tail waits for the store, and other sessions go on.
 */
import * as E from 'fp-ts/lib/Either.js';
import { limits } from '../base/limits.js';
import type { RecordEntry } from '../base/record.js';
import { entriesAfter } from '../base/run.js';
import { forEach, get, remove, set } from '../base/trie.js';
import { isPassed } from '../history/horizon.js';
import { type FileRecord, fileOf, type Partition, tailStart } from '../history/partition.js';
import { allocateIdent, commitOwn, type OwnWrite } from '../history/server-commit.js';
import { readEntries, reciprocalSpace } from '../history/server-records.js';
import type { Bind, ClientError, ClientMark, ClientMessage, Identify, Upload } from '../protocol/messages.js';
import { checkTransition, permitted, type ServerEventType, serverTable } from './phases.js';
import { identifyFault } from './server-check.js';
import { downloaded, pumped, pumpedAll } from './server-download.js';
import { begun, maxOfflineOf, rewrittenLog, ticked } from './server-retention.js';
import {
  andThenServer,
  asking,
  behind,
  ended,
  keyOfSession,
  type PendingRead,
  type ServerEvent,
  type ServerMachine,
  type ServerSession,
  type ServerStep,
  sent,
  sessionAt,
  sessionKey,
  stayAs,
  withoutSession,
  withSession,
} from './server-session.js';
import { integrated, integrating, queued } from './server-upload.js';

const EVERYTHING = Number.MAX_SAFE_INTEGER;

const bind = (
  machine: ServerMachine,
  connection: number,
  message: Bind,
  now: number,
  chance: number,
  canWrite: boolean,
): ServerStep => {
  const session: ServerSession = {
    connection,
    number: message.session,
    phase: 'bound',
    ident: 0,
    download: { serverVersion: 0, lastIntegratedClientVersion: 0 },
    upload: { clientVersion: 0, lastIntegratedServerVersion: 0 },
    lockedVersion: 0,
    reciprocals: new Map(),
    marks: [],
    queue: [],
    reading: { download: false, integrate: false },
    owesCursor: false,
    unflushed: 0,
    isHeld: false,
    uploadsOnly: false,
    canWrite,
  };
  const bound = withSession(machine, session);
  if (!message.needIdent) return stayAs(bound);
  const commit = allocateIdent(machine.partition, chance, now);
  return {
    machine: { ...bound, partition: commit.partition },
    effects: [
      { type: 'commit', batch: commit.batch },
      sent(session, {
        type: 'ident',
        session: session.number,
        ident: commit.file.ident,
        salt: commit.file.salt,
      }),
    ],
  };
};

/** An older session of the same file gives way: its connection may be long dead without anybody knowing. */
const displaced = (machine: ServerMachine, ident: number, by: ServerSession): ServerStep => {
  const key = get(machine.bound, String(ident));
  const older = key === undefined ? undefined : sessionAt(machine, key);
  if (older === undefined) return stayAs(machine);
  return older.connection === by.connection
    ? ended(machine, by, 108, `file ${ident} is bound in session ${older.number} of this connection`)
    : ended(machine, older, 200, `file ${ident} was bound on another connection`);
};

const identify = (
  machine: ServerMachine,
  session: ServerSession,
  message: Identify,
  now: number,
): ServerStep => {
  const fault = identifyFault(machine.partition, message, now, maxOfflineOf(machine.config));
  if (fault !== null) {
    // What of its writes is here the client may not have heard, and a reset that recovers would do them twice.
    const file = fileOf(machine.partition, message.ident);
    const hints = file?.salt === message.salt ? { integrated: file.clientVersion } : {};
    return ended(machine, session, fault.code, fault.message, hints);
  }
  const noted = andThenServer(displaced(machine, message.ident, session), (free) =>
    begun(free, message.ident, now),
  );
  return andThenServer(noted, (free) => {
    if (sessionAt(free, keyOfSession(session)) === undefined) return stayAs(free);
    const { lockedVersion } = fileOf(free.partition, message.ident) as FileRecord;
    const opening: ServerSession = {
      ...session,
      phase: 'opening',
      ident: message.ident,
      download: message.download,
      uploadsOnly: message.uploadsOnly === true,
      // What is ahead of what the client shows it has not integrated, and its uploads will say so.
      lockedVersion: Math.min(lockedVersion, message.download.serverVersion),
    };
    const key = keyOfSession(opening);
    const held = withSession({ ...free, bound: set(free.bound, String(message.ident), key) }, opening);
    const range = { space: reciprocalSpace(message.ident), from: 0, to: EVERYTHING };
    return asking(held, { session: key, purpose: 'open', range, before: [] }, null);
  });
};

/** Of several marks at one version the highest is answered: it answers those below it. */
const marked = (machine: ServerMachine, session: ServerSession, message: ClientMark): ServerStep => {
  if (session.marks.length >= limits.pendingMarks)
    return ended(machine, session, 104, `more than ${limits.pendingMarks} marks wait for their answer`);
  const mark = { request: message.request, version: machine.partition.head };
  const last = session.marks[session.marks.length - 1];
  const joins = last !== undefined && last.version === mark.version && last.request < mark.request;
  const marks = [...(joins ? session.marks.slice(0, -1) : session.marks), mark];
  return stayAs(withSession(machine, { ...session, marks }));
};

const reported = (machine: ServerMachine, session: ServerSession, message: ClientError): ServerStep => ({
  machine: withoutSession(machine, session),
  effects: [{ type: 'reported', ident: session.ident, code: message.code, message: message.message }],
});

const unbound = (machine: ServerMachine, session: ServerSession): ServerStep => ({
  machine: withoutSession(machine, session),
  effects: [sent(session, { type: 'unbound', session: session.number })],
});

/** After whatever a session has asked for: integrate what can be, then let it have that, and everybody. */
const settled = (step: ServerStep, key: string, now: number): ServerStep => {
  const before = step.machine.partition.head;
  const done = andThenServer(step, (machine) => integrating(machine, key, now));
  // Whoever has written is told so when everybody is sent it.
  if (done.machine.partition.head > before) return andThenServer(done, behind);
  return andThenServer(done, (machine) => pumped(machine, key));
};

const handle = (
  machine: ServerMachine,
  session: ServerSession,
  message: Exclude<ClientMessage, Bind>,
  now: number,
): ServerStep => {
  const key = keyOfSession(session);
  switch (message.type) {
    case 'identify':
      return identify(machine, session, message, now);
    case 'upload':
      return settled(queued(machine, session, message), key, now);
    case 'mark':
      return settled(marked(machine, session, message), key, now);
    case 'unbind':
      return unbound(machine, session);
    case 'clientError':
      return reported(machine, session, message);
  }
};

const messageReceived = (
  machine: ServerMachine,
  connection: number,
  message: ClientMessage,
  now: number,
  chance: number,
  canWrite: boolean,
): ServerStep => {
  const session = sessionAt(machine, sessionKey(connection, message.session));
  if (message.type === 'bind') {
    if (session === undefined) return bind(machine, connection, message, now, chance, canWrite);
    return ended(machine, session, 107, `session ${message.session} is bound already`);
  }
  if (session === undefined) return stayAs(machine);
  const answer = permitted(serverTable, session.phase, message.type);
  if (answer === 'ignored') return stayAs(machine);
  if (answer === 'violation') return ended(machine, session, 109, `${message.type} while ${session.phase}`);
  const next = handle(machine, session, message, now);
  checkServerTransition(session, message.type, next.machine);
  return next;
};

/** A session may always end; where it goes on, the table must say so. */
const checkServerTransition = (
  before: ServerSession,
  event: ServerEventType,
  machine: ServerMachine,
): void => {
  const after = sessionAt(machine, keyOfSession(before));
  if (after !== undefined) checkTransition(serverTable, before.phase, event, after.phase);
};

const answered = (
  machine: ServerMachine,
  session: ServerSession,
  read: PendingRead,
  entries: readonly RecordEntry[],
  now: number,
): ServerStep => {
  const key = keyOfSession(session);
  const decoded = readEntries(entries);
  if (E.isLeft(decoded)) return ended(machine, session, 201, decoded.left.message);
  switch (read.purpose) {
    case 'open': {
      const reciprocals = new Map(decoded.right.map((entry) => [entry.version, entry]));
      return settled(stayAs(withSession(machine, { ...session, phase: 'active', reciprocals })), key, now);
    }
    case 'download': {
      const open = { ...session, reading: { ...session.reading, download: false } };
      if (decoded.right.length === 0)
        return ended(machine, session, 201, `the log has nothing at ${read.range.from}, below the head`);
      return settled(downloaded(machine, open, decoded.right), key, now);
    }
    case 'integrate': {
      const start = tailStart(machine.partition);
      const soFar = [...read.before, ...entries];
      // The tail has moved on meanwhile: what lies between must be read as well.
      if (read.range.to < start)
        return asking(
          machine,
          { ...read, range: { space: 'log', from: read.range.to, to: start }, before: soFar },
          null,
        );
      const old = readEntries(soFar);
      if (E.isLeft(old)) return ended(machine, session, 201, old.left.message);
      const met = [...old.right, ...entriesAfter(machine.partition.tail, read.range.to - 1)];
      const before = machine.partition.head;
      const done = integrated(machine, session, session.queue[0] as Upload, met, now);
      const grown = done.machine.partition.head > before ? andThenServer(done, behind) : done;
      return settled(grown, key, now);
    }
  }
};

const readAnswered = (
  machine: ServerMachine,
  id: number,
  entries: readonly RecordEntry[],
  now: number,
): ServerStep => {
  const read = get(machine.reads, String(id));
  if (read === undefined) return stayAs(machine);
  const open = { ...machine, reads: remove(machine.reads, String(id)) };
  const session = sessionAt(open, read.session);
  if (session === undefined || permitted(serverTable, session.phase, 'read') === 'ignored')
    return stayAs(open);
  const next = answered(open, session, read, entries, now);
  checkServerTransition(session, 'read', next.machine);
  return next;
};

const gone = (
  machine: ServerMachine,
  connection: number,
  numbers: readonly number[] | undefined,
): ServerStep => {
  const lost: ServerSession[] = [];
  if (numbers === undefined)
    forEach(machine.sessions, (session) => {
      if (session.connection === connection) lost.push(session);
    });
  else
    for (const number of numbers) {
      const session = sessionAt(machine, sessionKey(connection, number));
      if (session !== undefined) lost.push(session);
    }
  return stayAs(lost.reduce(withoutSession, machine));
};

const drained = (machine: ServerMachine, connection: number, number: number): ServerStep => {
  const key = sessionKey(connection, number);
  const session = sessionAt(machine, key);
  if (session === undefined || !session.isHeld) return stayAs(machine);
  return pumped(withSession(machine, { ...session, unflushed: 0, isHeld: false }), key);
};

/**
 * The store holds more than this server knew. A file whose record another server has changed is bound there:
 * its session here gives way, because what it keeps of the file (its reciprocal forms) is out of date.
 */
const refreshed = (machine: ServerMachine, partition: Partition): ServerStep => {
  const away: ServerSession[] = [];
  forEach(machine.sessions, (session) => {
    const before = fileOf(machine.partition, session.ident);
    const after = fileOf(partition, session.ident);
    if (before?.clientVersion !== after?.clientVersion || before?.baseVersion !== after?.baseVersion)
      away.push(session);
    else if (after !== undefined && isPassed(after) && before !== undefined && !isPassed(before))
      away.push(session);
  });
  const known = stayAs({ ...machine, partition });
  const alone = away.reduce(
    (step, session) =>
      andThenServer(step, (present) =>
        ended(present, session, 200, `file ${session.ident} was bound on another server`),
      ),
    known,
  );
  return andThenServer(alone, behind);
};

const entitled = (
  machine: ServerMachine,
  connection: number,
  number: number,
  canWrite: boolean,
): ServerStep => {
  const session = sessionAt(machine, sessionKey(connection, number));
  return stayAs(session === undefined ? machine : withSession(machine, { ...session, canWrite }));
};

const written = (machine: ServerMachine, write: OwnWrite, now: number): ServerStep => {
  const commit = commitOwn(machine.partition, write, now);
  if (E.isLeft(commit)) throw new Error(`bug: a write of the server does not fit: ${commit.left.message}`);
  const { partition, batch } = commit.right;
  if (batch.puts.length + batch.deletes.length === 0) return stayAs(machine);
  const step: ServerStep = { machine: { ...machine, partition }, effects: [{ type: 'commit', batch }] };
  return partition === machine.partition ? step : andThenServer(step, behind);
};

/**
 * One step. Total (law 8) and deterministic (law 6); throws on a bug only. With `isMoreComing` what the history
 * has grown by is sent to others in a later step: of several events that are at hand, one message tells all.
 */
export const serverStep = (machine: ServerMachine, event: ServerEvent, isMoreComing = false): ServerStep => {
  const stepped = stepAlone(machine, event);
  return stepped.machine.isBehind && !isMoreComing ? andThenServer(stepped, pumpedAll) : stepped;
};

const stepAlone = (machine: ServerMachine, event: ServerEvent): ServerStep => {
  switch (event.type) {
    case 'message':
      return messageReceived(
        machine,
        event.connection,
        event.message,
        event.now,
        event.chance,
        event.canWrite ?? true,
      );
    case 'gone':
      return gone(machine, event.connection, event.numbers);
    case 'drained':
      return drained(machine, event.connection, event.number);
    case 'expelled': {
      const session = sessionAt(machine, sessionKey(event.connection, event.number));
      if (session === undefined) return stayAs(machine);
      const { code, message, rejected } = event;
      return ended(machine, session, code, message, rejected === undefined ? {} : { rejected });
    }
    case 'entitled':
      return entitled(machine, event.connection, event.number, event.canWrite);
    case 'read':
      return readAnswered(machine, event.id, event.entries, event.now);
    case 'tick':
      return ticked(machine, event.now);
    case 'written':
      return written(machine, event.write, event.now);
    case 'rewritten':
      return rewrittenLog(machine, event.rewritten, event.now);
    case 'refreshed':
      return refreshed(machine, event.partition);
  }
};
