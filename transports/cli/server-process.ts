/** A `syncline serve` in a process of its own: for the demonstration, and for tests that kill it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export interface ServerProcess {
  readonly url: string;
  /** Resolves when the process is gone. SIGTERM lets it finish, SIGKILL does not. */
  stop(signal: 'SIGTERM' | 'SIGKILL'): Promise<void>;
}

const exit = (child: ChildProcess): Promise<void> =>
  new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) resolve();
    else child.once('exit', () => resolve());
  });

/**
 * Resolves when the server listens; rejects with what it printed where it ends before. Port 0 takes any. `main` is
 * the path of the command.
 */
export const startServerProcess = (
  directory: string,
  port = 0,
  main: string = fileURLToPath(new URL('./main.js', import.meta.url)),
): Promise<ServerProcess> => {
  const child = spawn(process.execPath, [main, 'serve', directory, '--port', String(port)], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let printed = '';
  return new Promise((resolve, reject) => {
    const read = (chunk: Buffer): void => {
      printed += chunk.toString();
      const url = /listening on (ws:\S+)/.exec(printed)?.[1];
      if (url === undefined) return;
      resolve({
        url,
        stop: (signal) => {
          child.kill(signal);
          return exit(child);
        },
      });
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    child.once('exit', (code) => reject(new Error(`the server ended with code ${code}:\n${printed}`)));
  });
};
