/**
 * Pumping downloads: whenever a session's cursor is behind the head it is sent what lies between, from the
 * tail in memory or, further back, from the store; and the marks that its cursor passes are answered.
 *
 * Sessions at one place in the history are sent the same entries, and most of them the very same changesets:
 * those who wrote none of the entries and are at the same version of their own. Such changesets are one array,
 * so that whoever encodes messages can encode it once.
 *
 * Whoever has written hears of it after the others have what was written: nobody waits longer than they do.
 *
 * A session is sent so much and no more until its link has let it out (`limits.unflushedBytes`): what comes meanwhile stays
 * in the history, and leaves in one piece then.
 */
import { limits } from '../base/limits.js';
import { entriesAfter } from '../base/run.js';
import { mapped, set, type Trie } from '../base/trie.js';
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

/** Consecutive entries of the history, at least one, and what sessions that wrote none of them are sent. */
interface Portion {
  readonly entries: readonly ServerEntry[];
  /** Of the last entry. */
  readonly version: number;
  readonly bytes: number;
  /** Those of the history that follow. */
  readonly downloadableBytes: number;
  /** Where the portion is of a stretch that was compacted. */
  readonly batch: Download['batch'];
  readonly origins: ReadonlySet<number>;
  /** By the newest client version that the server had of the session's file. */
  readonly shared: Map<number, Contents>;
}

/** What a session is sent, and where it is then. */
interface Contents {
  readonly changesets: readonly Changeset[];
  readonly download: DownloadCursor;
}

const noChangesets: readonly Changeset[] = [];

/** Of entries that follow the version `from`. */
const portionOf = (partition: Partition, from: number, entries: readonly ServerEntry[]): Portion => {
  let bytes = 0;
  const origins = new Set<number>();
  for (const entry of entries) {
    bytes += entry.bytes;
    origins.add(entry.origin);
  }
  const { version } = entries[entries.length - 1] as ServerEntry;
  const downloadableBytes = bytesAfter(partition, version);
  const { cut, compacted } = partition;
  const batch = from < compacted ? { cut, isLast: version >= compacted } : undefined;
  return { entries, version, bytes, downloadableBytes, batch, origins, shared: new Map() };
};

/** The first entries, up to `limits.downloadBytes` and at least one. */
const first = (entries: readonly ServerEntry[]): readonly ServerEntry[] => {
  let bytes = 0;
  for (let i = 0; i < entries.length; i++) {
    bytes += (entries[i] as ServerEntry).bytes;
    if (i > 0 && bytes > limits.downloadBytes) return entries.slice(0, i);
  }
  return entries;
};

const contentsFor = (portion: Portion, { ident, download }: ServerSession): Contents => {
  const base = download.lastIntegratedClientVersion;
  const isAmong = portion.origins.has(ident);
  const known = isAmong ? undefined : portion.shared.get(base);
  if (known !== undefined) return known;
  const { changesets, lastIntegratedClientVersion } = downloadable(portion.entries, ident, base);
  const contents = { changesets, download: { serverVersion: portion.version, lastIntegratedClientVersion } };
  if (!isAmong) portion.shared.set(base, contents);
  return contents;
};

/** Whether anything may be sent to the session now. */
const isOpen = (session: ServerSession): boolean =>
  session.phase === 'active' && !session.reading.download && !session.isHeld;

/** Whether nothing is to come down to the session but answers to its marks. */
const isAtEnd = (session: ServerSession, head: number): boolean =>
  (session.uploadsOnly || session.download.serverVersion === head) && !session.owesCursor;

/**
 * Sends what sessions lack, to many of them or to one. The history does not change meanwhile: what they are told
 * of it is worked out once.
 */
class Pump {
  readonly #partition: Partition;
  readonly #latest: SaltedVersion;
  readonly #effects: ServerEffect[] = [];
  /** For those who wait to hear that they have written. */
  readonly #late: ServerEffect[] = [];
  /** Where what the present session is sent goes. */
  #out = this.#effects;
  /** By the version that they follow. */
  readonly #portions = new Map<number, Portion>();
  /** But for its sessions. */
  #machine: ServerMachine;

  constructor(machine: ServerMachine) {
    const { partition } = machine;
    this.#machine = machine;
    this.#partition = partition;
    this.#latest = { version: partition.head, salt: saltOf(partition, partition.head) };
  }

  /** The step, with the sessions as they are after it. */
  done(sessions: Trie<ServerSession>): ServerStep {
    return { machine: { ...this.#machine, sessions }, effects: [...this.#effects, ...this.#late] };
  }

  /** Brings the session up to the head, and answers the marks that it passes. */
  pump(key: string, before: ServerSession): ServerSession {
    let session = before;
    this.#out = session.owesCursor ? this.#late : this.#effects;
    const { head } = this.#partition;
    while (isOpen(session) && !isAtEnd(session, head)) {
      const from = session.download.serverVersion;
      if (session.uploadsOnly || from === head) session = this.#sentCursor(session);
      else if (from + 1 >= tailStart(this.#partition))
        session = this.#sentPortion(session, this.#after(from));
      else session = this.#readingOn(session, key);
    }
    return isOpen(session) && session.marks.length > 0 ? this.#markedIn(session) : session;
  }

  /** Sends consecutive entries that follow the session's cursor. */
  send(session: ServerSession, entries: readonly ServerEntry[]): ServerSession {
    return this.#sentPortion(session, portionOf(this.#partition, session.download.serverVersion, entries));
  }

  #after(from: number): Portion {
    let portion = this.#portions.get(from);
    if (portion === undefined) {
      portion = portionOf(this.#partition, from, first(entriesAfter(this.#partition.tail, from)));
      this.#portions.set(from, portion);
    }
    return portion;
  }

  #sentPortion(session: ServerSession, portion: Portion): ServerSession {
    const { downloadableBytes, bytes, batch } = portion;
    return this.#sentContents(session, contentsFor(portion, session), downloadableBytes, bytes, batch);
  }

  /** Tells only how far its uploads have come. */
  #sentCursor(session: ServerSession): ServerSession {
    const { download } = session;
    const rest = bytesAfter(this.#partition, download.serverVersion);
    return this.#sentContents(session, { changesets: noChangesets, download }, rest, 0, undefined);
  }

  #sentContents(
    session: ServerSession,
    { changesets, download }: Contents,
    downloadableBytes: number,
    bytes: number,
    batch: Download['batch'],
  ): ServerSession {
    const file = fileOf(this.#partition, session.ident) as FileRecord;
    const message: Download = {
      type: 'download',
      session: session.number,
      download,
      upload: uploadCursorOf(file),
      latest: this.#latest,
      downloadableBytes,
      changesets,
    };
    this.#out.push(sent(session, batch === undefined ? message : { ...message, batch }));
    return this.#flushed(session, download, session.marks, false, MESSAGE_BYTES + bytes);
  }

  /** What is no longer in memory comes from the store. */
  #readingOn(session: ServerSession, key: string): ServerSession {
    const from = session.download.serverVersion + 1;
    const range = { space: 'log', from, to: tailStart(this.#partition) };
    const read = { session: key, purpose: 'download', range, before: [] } as const;
    const { machine, effects } = asking(this.#machine, read, limits.downloadBytes);
    this.#machine = machine;
    this.#out.push(...effects);
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
      this.#out.push(sent(session, { type: 'mark', session: session.number, request }));
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
    if (isHeld) this.#out.push({ type: 'drain', connection, number });
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
  return pump.done(set(machine.sessions, keyOfSession(session), pump.send(session, entries)));
};

/** Brings the session up to the head, and answers the marks that it passes. */
export const pumped = (machine: ServerMachine, key: string): ServerStep => {
  const session = sessionAt(machine, key);
  if (session === undefined || !isOpen(session)) return stayAs(machine);
  if (isAtEnd(session, machine.partition.head) && session.marks.length === 0) return stayAs(machine);
  const pump = new Pump(machine);
  return pump.done(set(machine.sessions, key, pump.pump(key, session)));
};

/** Brings every session up to the head. */
export const pumpedAll = (machine: ServerMachine): ServerStep => {
  const pump = new Pump({ ...machine, isBehind: false });
  const { head } = machine.partition;
  const sessions = mapped(machine.sessions, (session, key) =>
    isOpen(session) && !isAtEnd(session, head) ? pump.pump(key, session) : session,
  );
  return pump.done(sessions);
};
