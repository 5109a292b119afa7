/**
 * `syncline serve`: a server on an LMDB folder and a WebSocket port, until it is told to stop.
 *
 * Prints one line when it listens, `listening on ws://HOST:PORT`, and one for each thing that somebody
 * should look at. SIGINT and SIGTERM stop it in order; SIGKILL may be used at any time, since nothing is
 * acknowledged before it is on disk.
 */
import * as fs from 'node:fs';
import * as lmdb from 'lmdb';
import { WebSocketServer } from 'ws';
import type { ClassConfig } from '../../core/index.js';
import { type Server, startServer } from '../drivers/server.js';
import type { ServerNote } from '../drivers/server-options.js';
import { hasSync } from '../drivers/server-sync.js';
import type { SyncOptions } from '../drivers/sync-options.js';
import { webSocketListener } from '../links/websocket-server.js';
import { fileRecording } from '../recording.js';
import { lmdbServerStore } from '../stores/lmdb.js';
import { type AdminServer, startAdminServer } from './admin-server.js';
import { readJson } from './sync.js';

export interface ServeOptions {
  /** Folder of the store; made where it is not there. */
  readonly directory: string;
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  /** Days after which a silent client has to reset itself. */
  readonly maxOfflineDays: number;
  /** File to record to; null for none. */
  readonly record: string | null;
  /** Files with the configuration of sync and its classes, the port of the admin API; undefined for none. */
  readonly sync: string | undefined;
  readonly schema: string | undefined;
  readonly admin: number | undefined;
}

/** Partition-based sync, where it is asked for; undefined where it is not. @throws where a file cannot be read */
const syncOf = ({ sync, schema }: ServeOptions): SyncOptions | undefined => {
  if (sync === undefined && schema === undefined) return undefined;
  return {
    ...(sync === undefined ? {} : { config: readJson(sync) }),
    // Whatever it is, it is checked as a schema.
    ...(schema === undefined ? {} : { schema: readJson(schema) as readonly ClassConfig[] }),
  };
};

const told = (note: Exclude<ServerNote, { type: 'decided' | 'cut' | 'compacted' }>): string => {
  if (note.type === 'failed') return String(note.error);
  if (note.type === 'uncompacted') return note.message;
  return note.type === 'refused' ? `${note.code} ${note.message}` : `file ${note.ident}: ${note.message}`;
};

const startAdmin = async (server: Server, { host, admin }: ServeOptions): Promise<AdminServer | null> =>
  admin === undefined ? null : startAdminServer(server, host, admin);

/** Resolves when the server has stopped. */
export const serve = async (options: ServeOptions): Promise<void> => {
  const given = syncOf(options);
  const listener = webSocketListener({ WebSocketServer, host: options.host, port: options.port });
  const store = await lmdbServerStore({ lmdb, path: options.directory });
  const recorder = options.record === null ? null : fileRecording({ fs, path: options.record });
  process.once('exit', () => recorder?.close());
  const sync = given ?? ((await hasSync(store)) ? {} : undefined);
  const server = await startServer({
    store,
    listeners: [listener],
    clientMaxOfflineDays: options.maxOfflineDays,
    ...(sync === undefined ? {} : { sync }),
    ...(recorder === null ? {} : { recorder }),
    onNote: (note) => {
      if (note.type === 'decided' || note.type === 'compacted') return;
      if (note.type === 'cut') console.error(`cut: ${note.reason.message}`);
      else console.error(`${note.type} in partition ${note.partition}: ${told(note)}`);
    },
  });
  const admin = await startAdmin(server, options).catch(async (error: unknown) => {
    await server.close();
    recorder?.close();
    throw error;
  });
  if (admin !== null) console.log(`administered at ${admin.url}`);
  console.log(`listening on ws://${options.host}:${listener.port}`);
  await new Promise<void>((resolve) => {
    process.once('SIGINT', resolve);
    process.once('SIGTERM', resolve);
  });
  await admin?.close();
  await server.close();
  recorder?.close();
};
