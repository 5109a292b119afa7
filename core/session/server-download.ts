/**
 * Pumping downloads: whenever a session's cursor is behind the head it is sent what lies between, from the
 * tail in memory or, further back, from the store; and the marks that its cursor passes are answered.
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
  type ServerEntry,
  saltOf,
  tailStart,
  uploadCursorOf,
} from '../history/partition.js';
import { downloadable } from '../history/server-commit.js';
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

/** Sends consecutive entries that follow the session's cursor. */
export const downloaded = (
  machine: ServerMachine,
  session: ServerSession,
  entries: readonly ServerEntry[],
): ServerStep => {
  const { partition } = machine;
  const file = fileOf(partition, session.ident) as FileRecord;
  const { changesets, lastIntegratedClientVersion } = downloadable(
    entries,
    session.ident,
    session.download.lastIntegratedClientVersion,
  );
  const serverVersion = entries[entries.length - 1]?.version ?? session.download.serverVersion;
  const download = { serverVersion, lastIntegratedClientVersion };
  let bytes = MESSAGE_BYTES;
  for (const entry of entries) bytes += entry.bytes;
  const flushed = flushing({ ...session, download, owesCursor: false }, bytes);
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

/** The first entries, up to `limits.downloadBytes` and at least one. */
const portion = (entries: readonly ServerEntry[]): readonly ServerEntry[] => {
  let bytes = 0;
  for (let i = 0; i < entries.length; i++) {
    bytes += (entries[i] as ServerEntry).bytes;
    if (i > 0 && bytes > limits.downloadBytes) return entries.slice(0, i);
  }
  return entries;
};

/** Brings the session up to the head, and answers the marks that it passes. */
export const pumped = (machine: ServerMachine, key: string): ServerStep => {
  let reached = stayAs(machine);
  for (;;) {
    const session = sessionAt(reached.machine, key);
    if (session === undefined || session.phase !== 'active' || session.reading.download || session.isHeld)
      return reached;
    const { partition } = reached.machine;
    const from = session.download.serverVersion;
    if (from === partition.head && !session.owesCursor) {
      const answered = session.marks.filter((mark) => mark.version <= from);
      if (answered.length === 0) return reached;
      const flushed = flushing(
        { ...session, marks: session.marks.filter((mark) => mark.version > from) },
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
    if (from < partition.head && from + 1 < tailStart(partition)) {
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
    const entries = portion(entriesAfter(partition.tail, from));
    reached = andThenServer(reached, (free) => downloaded(free, session, entries));
  }
};

export const pumpedAll = (machine: ServerMachine): ServerStep => {
  const behind: string[] = [];
  forEach(machine.sessions, (session, key) => {
    if (
      session.phase === 'active' &&
      !session.isHeld &&
      (session.download.serverVersion < machine.partition.head || session.owesCursor)
    )
      behind.push(key);
  });
  const effects: ServerEffect[] = [];
  let current = machine;
  for (const key of behind) {
    const next = pumped(current, key);
    current = next.machine;
    for (const effect of next.effects) effects.push(effect);
  }
  return { machine: current, effects };
};
