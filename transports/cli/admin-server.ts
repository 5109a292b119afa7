/** The admin API of `syncline serve`, on a port of its own. */
import { createServer } from 'node:http';
import { nodeAdminHandler } from '../drivers/admin.js';
import type { Server } from '../drivers/server.js';
import { tokenVariable } from './sync.js';

export interface AdminServer {
  readonly url: string;
  close(): Promise<void>;
}

/** Resolves when it listens. Port 0 takes any. @throws where the token is not set, or too short */
export const startAdminServer = async (server: Server, host: string, port: number): Promise<AdminServer> => {
  const token = process.env[tokenVariable];
  if (token === undefined) throw new Error(`--admin: the variable ${tokenVariable} is expected to be set`);
  const http = createServer(
    nodeAdminHandler({ server, token, onFailure: (error) => console.error(`admin: ${String(error)}`) }),
  );
  await new Promise<void>((resolve, reject) => {
    http.once('error', reject);
    http.listen(port, host, resolve);
  });
  const address = http.address();
  const taken = typeof address === 'object' && address !== null ? address.port : port;
  return {
    url: `http://${host}:${taken}`,
    close: () =>
      new Promise((resolve) => {
        http.close(() => resolve());
        http.closeAllConnections();
      }),
  };
};
