#!/usr/bin/env node
/** The command `syncline`. */
import { parseArgs } from 'node:util';
import { compactFolder, printCompactReports } from './compact.js';
import { inspect, printReports } from './inspect.js';
import { serve } from './serve.js';

const usage = `usage:
  syncline serve DIR [--port N] [--host H] [--max-offline-days N]
                                             a server on the store in DIR; port 8787, host 127.0.0.1 by default
  syncline inspect DIR                       what the server's store in DIR holds
  syncline compact DIR [--dry-run] [--max-offline-days N]
                                             compacts the histories in DIR, or says what that would do and cost
  clients may be offline for 30 days by default; a server and a compaction of its folder go by the same number`;

/** Answers the exit code. */
const main = async (args: readonly string[]): Promise<number> => {
  const { positionals, values } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      port: { type: 'string', default: '8787' },
      host: { type: 'string', default: '127.0.0.1' },
      'dry-run': { type: 'boolean', default: false },
      'max-offline-days': { type: 'string', default: '30' },
    },
  });
  const [command, directory, ...rest] = positionals;
  if (directory === undefined || rest.length > 0) throw new Error('one command and one folder are expected');
  const maxOfflineDays = Number(values['max-offline-days']);
  if (!(maxOfflineDays > 0))
    throw new Error(`--max-offline-days ${values['max-offline-days']}: a number above 0 is expected`);
  switch (command) {
    case 'serve': {
      const port = Number(values.port);
      if (!Number.isInteger(port) || port < 0 || port > 65535)
        throw new Error(`--port ${values.port}: a number from 0 to 65535 is expected`);
      await serve({ directory, host: values.host, port, maxOfflineDays });
      return 0;
    }
    case 'inspect':
      console.log(printReports(await inspect(directory)));
      return 0;
    case 'compact': {
      const maxOffline = maxOfflineDays * 86_400_000;
      const options = { directory, dryRun: values['dry-run'], maxOffline, now: Date.now() };
      console.log(printCompactReports(await compactFolder(options)));
      return 0;
    }
    default:
      throw new Error(`there is no command ${command}`);
  }
};

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  console.error(`syncline: ${error instanceof Error ? error.message : String(error)}\n${usage}`);
  process.exitCode = 2;
}
