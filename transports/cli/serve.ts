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
import type { ServerNote, ServerOptions } from '../drivers/server-options.js';
import { hasSync } from '../drivers/server-sync.js';
import { webSocketListener } from '../links/websocket-server.js';
import type { ServerStore } from '../ports.js';
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

/** Partition-based sync, where it is asked for, or the store has it. */
const syncOf = async (
  { sync, schema }: ServeOptions,
  store: ServerStore,
): Promise<Pick<ServerOptions, 'sync'>> => {
  if (sync === undefined && schema === undefined && !(await hasSync(store))) return {};
  const classes: unknown = schema === undefined ? undefined : readJson(schema);
  return {
    sync: {
      ...(sync === undefined ? {} : { config: readJson(sync) }),
      // Whatever it is, it is checked as a schema.
      ...(classes === undefined ? {} : { schema: classes as readonly ClassConfig[] }),
    },
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
  const listener = webSocketListener({ WebSocketServer, host: options.host, port: options.port });
  const store = await lmdbServerStore({ lmdb, path: options.directory });
  const recorder = options.record === null ? null : fileRecording({ fs, path: options.record });
  const server = await startServer({
    store,
    listeners: [listener],
    clientMaxOfflineDays: options.maxOfflineDays,
    ...(await syncOf(options, store)),
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
