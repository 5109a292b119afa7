/**
 * Pumping downloads: whenever a session's cursor is behind the head it is sent what lies between, from the
 * tail in memory or, further back, from the store; and the marks that its cursor passes are answered.
 *
 * Sessions at one place in the history are sent the same entries, and most of them the very same changesets:
 * those who wrote none of the entries and are at the same version of their own. Such changesets are one array,
 * so that whoever encodes messages can encode it once.
 *
 * A session is sent so much and no more until its link has let it out (`limits.unflushedBytes`): what comes meanwhile stays
 * in the history, and leaves in one piece then.
 */
import { limits } from '../base/limits.js';
import { entriesAfter } from '../base/run.js';
import { forEach, newOwner, set, type Trie } from '../base/trie.js';
import {
  bytesAfter,
  type FileRecord,
  fileOf,
  type Partition,
  type ServerEntry,
  saltOf,
  tailStart,
  uploadCursorOf,
} from '../history/partition.js';
import { downloadable } from '../history/server-commit.js';
import type { Changeset } from '../model/changeset.js';
import type { DownloadCursor, SaltedVersion } from '../model/progress.js';
import type { Download } from '../protocol/messages.js';
import {
  asking,
  keyOfSession,
  type ServerEffect,
  type ServerMachine,
  type ServerSession,
  type ServerStep,
  sent,
  sessionAt,
  stayAs,
} from './server-session.js';

/** What a message is counted as beside its changesets. */
const MESSAGE_BYTES = 64;

/** Consecutive entries of the history, and what sessions that wrote none of them are sent. */
interface Portion {
  readonly entries: readonly ServerEntry[];
  readonly bytes: number;
  readonly origins: ReadonlySet<number>;
  /** By the newest client version that the server had of the session's file. */
  readonly shared: Map<number, readonly Changeset[]>;
}

const portionOf = (entries: readonly ServerEntry[]): Portion => {
  let bytes = 0;
  const origins = new Set<number>();
  for (const entry of entries) {
    bytes += entry.bytes;
    origins.add(entry.origin);
  }
  return { entries, bytes, origins, shared: new Map() };
};

const nothing = portionOf([]);

/** The first entries, up to `limits.downloadBytes` and at least one. */
const first = (entries: readonly ServerEntry[]): readonly ServerEntry[] => {
  let bytes = 0;
  for (let i = 0; i < entries.length; i++) {
    bytes += (entries[i] as ServerEntry).bytes;
    if (i > 0 && bytes > limits.downloadBytes) return entries.slice(0, i);
  }
  return entries;
};

/** What the session is sent of the portion, and the newest version of its own file that the server had by then. */
const contentsFor = (
  { entries, origins, shared }: Portion,
  { ident, download: { lastIntegratedClientVersion: base } }: ServerSession,
): ReturnType<typeof downloadable> => {
  if (origins.has(ident)) return downloadable(entries, ident, base);
  let changesets = shared.get(base);
  if (changesets === undefined) {
    changesets = downloadable(entries, ident, base).changesets;
    shared.set(base, changesets);
  }
  return { changesets, lastIntegratedClientVersion: base };
};

/** Whether anything may be sent to the session now. */
const isOpen = (session: ServerSession): boolean =>
  session.phase === 'active' && !session.reading.download && !session.isHeld;

/** Whether nothing is to come down to the session but answers to its marks. */
const isAtEnd = (session: ServerSession, head: number): boolean =>
  (session.uploadsOnly || session.download.serverVersion === head) && !session.owesCursor;

/**
 * Sends what sessions lack, to many of them or to one. The history does not change meanwhile: what they are told
 * of it is worked out once, and the map of sessions is one edit.
 */
class Pump {
  readonly #partition: Partition;
  readonly #latest: SaltedVersion;
  readonly #owner = newOwner();
  readonly #effects: ServerEffect[] = [];
  /** By the version that they follow. */
  readonly #portions = new Map<number, Portion>();
  /** But for its sessions. */
  #machine: ServerMachine;
  #sessions: Trie<ServerSession>;

  constructor(machine: ServerMachine) {
    const { partition, sessions } = machine;
    this.#machine = machine;
    this.#sessions = sessions;
    this.#partition = partition;
    this.#latest = { version: partition.head, salt: saltOf(partition, partition.head) };
  }

  done(): ServerStep {
    return { machine: { ...this.#machine, sessions: this.#sessions }, effects: this.#effects };
  }

  /** Brings the session up to the head, and answers the marks that it passes. */
  pump(key: string, before: ServerSession): void {
    let session = before;
    const { head } = this.#partition;
    while (isOpen(session) && !isAtEnd(session, head)) {
      const from = session.download.serverVersion;
      if (session.uploadsOnly || from === head) session = this.#sentPortion(session, nothing);
      else if (from + 1 >= tailStart(this.#partition))
        session = this.#sentPortion(session, this.#after(from));
      else session = this.#readingOn(session, key);
    }
    if (isOpen(session)) session = this.#markedIn(session);
    if (session !== before) this.#sessions = set(this.#sessions, key, session, this.#owner);
  }

  /** Sends consecutive entries that follow the session's cursor. */
  send(key: string, session: ServerSession, entries: readonly ServerEntry[]): void {
    const after = this.#sentPortion(session, portionOf(entries));
    this.#sessions = set(this.#sessions, key, after, this.#owner);
  }

  #after(from: number): Portion {
    let portion = this.#portions.get(from);
    if (portion === undefined) {
      portion = portionOf(first(entriesAfter(this.#partition.tail, from)));
      this.#portions.set(from, portion);
    }
    return portion;
  }

  #sentPortion(session: ServerSession, portion: Portion): ServerSession {
    const partition = this.#partition;
    const file = fileOf(partition, session.ident) as FileRecord;
    const { changesets, lastIntegratedClientVersion } = contentsFor(portion, session);
    const { entries } = portion;
    const serverVersion = entries[entries.length - 1]?.version ?? session.download.serverVersion;
    const download = { serverVersion, lastIntegratedClientVersion };
    const message: Download = {
      type: 'download',
      session: session.number,
      download,
      upload: uploadCursorOf(file),
      latest: this.#latest,
      downloadableBytes: bytesAfter(partition, serverVersion),
      changesets,
    };
    const { cut, compacted } = partition;
    const isPart = entries.length > 0 && session.download.serverVersion < compacted;
    const batch = { cut, isLast: serverVersion >= compacted };
    this.#effects.push(sent(session, isPart ? { ...message, batch } : message));
    return this.#flushed(session, download, session.marks, false, MESSAGE_BYTES + portion.bytes);
  }

  /** What is no longer in memory comes from the store. */
  #readingOn(session: ServerSession, key: string): ServerSession {
    const from = session.download.serverVersion + 1;
    const range = { space: 'log', from, to: tailStart(this.#partition) };
    const read = { session: key, purpose: 'download', range, before: [] } as const;
    const { machine, effects } = asking(this.#machine, read, limits.downloadBytes);
    this.#machine = machine;
    this.#effects.push(...effects);
    return { ...session, reading: { ...session.reading, download: true } };
  }

  #markedIn(session: ServerSession): ServerSession {
    const from = session.download.serverVersion;
    // Where nothing goes down a mark asks only whether anybody is there.
    const isPassed = (mark: { readonly version: number }): boolean =>
      session.uploadsOnly || mark.version <= from;
    const answered = session.marks.filter(isPassed);
    if (answered.length === 0) return session;
    for (const { request } of answered)
      this.#effects.push(sent(session, { type: 'mark', session: session.number, request }));
    const marks = session.marks.filter((mark) => !isPassed(mark));
    return this.#flushed(
      session,
      session.download,
      marks,
      session.owesCursor,
      answered.length * MESSAGE_BYTES,
    );
  }

  /**
   * The session with what it was sent, and so many bytes more on its link. Field by field, because engines take
   * thirty times as long for a spread, and everybody goes through here at each change.
   */
  #flushed(
    session: ServerSession,
    download: DownloadCursor,
    marks: ServerSession['marks'],
    owesCursor: boolean,
    bytes: number,
  ): ServerSession {
    const { connection, number } = session;
    const unflushed = session.unflushed + bytes;
    const isHeld = unflushed >= limits.unflushedBytes;
    if (isHeld) this.#effects.push({ type: 'drain', connection, number });
    return {
      connection,
      number,
      phase: session.phase,
      ident: session.ident,
      download,
      upload: session.upload,
      lockedVersion: session.lockedVersion,
      reciprocals: session.reciprocals,
      marks,
      queue: session.queue,
      reading: session.reading,
      owesCursor,
      unflushed,
      isHeld,
      uploadsOnly: session.uploadsOnly,
      canWrite: session.canWrite,
    };
  }
}

/** Sends consecutive entries that follow the session's cursor. */
export const downloaded = (
  machine: ServerMachine,
  session: ServerSession,
  entries: readonly ServerEntry[],
): ServerStep => {
  const pump = new Pump(machine);
  pump.send(keyOfSession(session), session, entries);
  return pump.done();
};

/** Brings the session up to the head, and answers the marks that it passes. */
export const pumped = (machine: ServerMachine, key: string): ServerStep => {
  const session = sessionAt(machine, key);
  if (session === undefined || !isOpen(session)) return stayAs(machine);
  if (isAtEnd(session, machine.partition.head) && session.marks.length === 0) return stayAs(machine);
  const pump = new Pump(machine);
  pump.pump(key, session);
  return pump.done();
};

/** Brings every session up to the head. */
export const pumpedAll = (machine: ServerMachine): ServerStep => {
  const pump = new Pump({ ...machine, isBehind: false });
  forEach(machine.sessions, (session, key) => {
    if (isOpen(session) && !isAtEnd(session, machine.partition.head)) pump.pump(key, session);
  });
  return pump.done();
};
