/**
 * Pumping downloads: whenever a session's cursor is behind the head it is sent what lies between, from the
 * tail in memory or, further back, from the store; and the marks that its cursor passes are answered.
 *
 * Sessions at one place in the history are sent the same entries, and most of them the very same changesets:
 * those who wrote none of the entries and are at the same version of their own. Such changesets are one array,
 * so that whoever encodes messages can encode it once.
 *
 * A session is sent so much and no more until its link has let it out (`flushing`): what comes meanwhile stays
 * in the history, and leaves in one piece then.
 */
import { limits } from '../base/limits.js';
import { entriesAfter } from '../base/run.js';
import { forEach } from '../base/trie.js';
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
import {
  andThenServer,
  asking,
  flushing,
  type ServerEffect,
  type ServerMachine,
  type ServerSession,
  type ServerStep,
  sent,
  sessionAt,
  stayAs,
  withSession,
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

/** Portions by the version that they follow, of one history that does not change meanwhile. */
type Portions = Map<number, Portion>;

const portionOf = (entries: readonly ServerEntry[]): Portion => {
  let bytes = 0;
  const origins = new Set<number>();
  for (const entry of entries) {
    bytes += entry.bytes;
    origins.add(entry.origin);
  }
  return { entries, bytes, origins, shared: new Map() };
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

const portionAfter = (portions: Portions, { tail }: Partition, from: number): Portion => {
  let portion = portions.get(from);
  if (portion === undefined) {
    portion = portionOf(first(entriesAfter(tail, from)));
    portions.set(from, portion);
  }
  return portion;
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

/** Sends consecutive entries that follow the session's cursor. */
export const downloaded = (
  machine: ServerMachine,
  session: ServerSession,
  entries: readonly ServerEntry[],
): ServerStep => downloadedPortion(machine, session, portionOf(entries));

const downloadedPortion = (machine: ServerMachine, session: ServerSession, portion: Portion): ServerStep => {
  const { partition } = machine;
  const file = fileOf(partition, session.ident) as FileRecord;
  const { changesets, lastIntegratedClientVersion } = contentsFor(portion, session);
  const { entries } = portion;
  const serverVersion = entries[entries.length - 1]?.version ?? session.download.serverVersion;
  const download = { serverVersion, lastIntegratedClientVersion };
  const flushed = flushing({ ...session, download, owesCursor: false }, MESSAGE_BYTES + portion.bytes);
  return {
    machine: withSession(machine, flushed.session),
    effects: [
      sent(session, {
        type: 'download',
        session: session.number,
        download,
        upload: uploadCursorOf(file),
        latest: { version: partition.head, salt: saltOf(partition, partition.head) },
        downloadableBytes: bytesAfter(partition, serverVersion),
        changesets,
      }),
      ...flushed.effects,
    ],
  };
};

/** Brings the session up to the head, and answers the marks that it passes. */
export const pumped = (machine: ServerMachine, key: string): ServerStep =>
  pumpedFrom(machine, key, new Map());

const pumpedFrom = (machine: ServerMachine, key: string, portions: Portions): ServerStep => {
  let reached = stayAs(machine);
  for (;;) {
    const session = sessionAt(reached.machine, key);
    if (session === undefined || session.phase !== 'active' || session.reading.download || session.isHeld)
      return reached;
    const { partition } = reached.machine;
    const from = session.download.serverVersion;
    const isAtEnd = session.uploadsOnly || from === partition.head;
    if (isAtEnd && !session.owesCursor) {
      // Where nothing goes down a mark asks only whether anybody is there.
      const isPassed = (mark: { readonly version: number }): boolean =>
        session.uploadsOnly || mark.version <= from;
      const answered = session.marks.filter(isPassed);
      if (answered.length === 0) return reached;
      const flushed = flushing(
        { ...session, marks: session.marks.filter((mark) => !isPassed(mark)) },
        answered.length * MESSAGE_BYTES,
      );
      return {
        machine: withSession(reached.machine, flushed.session),
        effects: [
          ...reached.effects,
          ...answered.map((mark) =>
            sent(session, { type: 'mark', session: session.number, request: mark.request }),
          ),
          ...flushed.effects,
        ],
      };
    }
    if (!isAtEnd && from + 1 < tailStart(partition)) {
      return andThenServer(reached, (free) =>
        asking(
          withSession(free, { ...session, reading: { ...session.reading, download: true } }),
          {
            session: key,
            purpose: 'download',
            range: { space: 'log', from: from + 1, to: tailStart(partition) },
            before: [],
          },
          limits.downloadBytes,
        ),
      );
    }
    const portion = session.uploadsOnly ? portionOf([]) : portionAfter(portions, partition, from);
    reached = andThenServer(reached, (free) => downloadedPortion(free, session, portion));
  }
};

/** Brings every session up to the head. */
export const pumpedAll = (machine: ServerMachine): ServerStep => {
  const behind: string[] = [];
  forEach(machine.sessions, (session, key) => {
    if (
      session.phase === 'active' &&
      !session.isHeld &&
      ((session.download.serverVersion < machine.partition.head && !session.uploadsOnly) ||
        session.owesCursor)
    )
      behind.push(key);
  });
  const effects: ServerEffect[] = [];
  const portions: Portions = new Map();
  let current = machine;
  for (const key of behind) {
    const next = pumpedFrom(current, key, portions);
    current = next.machine;
    for (const effect of next.effects) effects.push(effect);
  }
  return { machine: { ...current, isBehind: false }, effects };
};
