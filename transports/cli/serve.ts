/**
 * `syncline serve`: a server on an LMDB folder and a WebSocket port, until it is told to stop.
 *
 * Prints one line when it listens, `listening on ws://HOST:PORT`, and one for each thing that somebody
 * should look at. SIGINT and SIGTERM stop it in order; SIGKILL may be used at any time, since nothing is
 * acknowledged before it is on disk.
 */
import * as lmdb from 'lmdb';
import { WebSocketServer } from 'ws';
import { startServer } from '../drivers/server.js';
import type { ServerNote } from '../drivers/server-options.js';
import { webSocketListener } from '../links/websocket-server.js';
import { lmdbServerStore } from '../stores/lmdb.js';

export interface ServeOptions {
  /** Folder of the store; made where it is not there. */
  readonly directory: string;
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  /** Days after which a silent client has to reset itself. */
  readonly maxOfflineDays: number;
}

const told = (note: Exclude<ServerNote, { type: 'decided' | 'cut' | 'compacted' }>): string => {
  if (note.type === 'failed') return String(note.error);
  if (note.type === 'uncompacted') return note.message;
  return note.type === 'refused' ? `${note.code} ${note.message}` : `file ${note.ident}: ${note.message}`;
};

/** Resolves when the server has stopped. */
export const serve = async (options: ServeOptions): Promise<void> => {
  const listener = webSocketListener({ WebSocketServer, host: options.host, port: options.port });
  const store = await lmdbServerStore({ lmdb, path: options.directory });
  const server = await startServer({
    store,
    listeners: [listener],
    clientMaxOfflineDays: options.maxOfflineDays,
    onNote: (note) => {
      if (note.type === 'decided' || note.type === 'compacted') return;
      if (note.type === 'cut') console.error(`cut: ${note.reason.message}`);
      else console.error(`${note.type} in partition ${note.partition}: ${told(note)}`);
    },
  });
  console.log(`listening on ws://${options.host}:${listener.port}`);
  await new Promise<void>((resolve) => {
    process.once('SIGINT', resolve);
    process.once('SIGTERM', resolve);
  });
  await server.close();
};
