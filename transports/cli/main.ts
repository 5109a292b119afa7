#!/usr/bin/env node
/** The command `syncline`. What a command needs is loaded with it: not everybody has every package. */
import { parseArgs } from 'node:util';

const usage = `usage:
  syncline serve DIR [--port N] [--host H] [--max-offline-days N] [--record FILE]
                     [--sync FILE] [--schema FILE] [--admin PORT]
                                             a server on the store in DIR; port 8787, host 127.0.0.1 by default;
                                             partition-based sync by the files, with its admin API on another port
  syncline sync status|disable|terminate --url URL
  syncline sync enable --url URL [--config FILE] [--schema FILE]
                                             asks the admin API of a server, with the token in the environment
                                             variable SYNCLINE_ADMIN_TOKEN
  syncline inspect DIR                       what the server's store in DIR holds
  syncline compact DIR [--dry-run] [--max-offline-days N]
                                             compacts the histories in DIR, or says what that would do and cost
  syncline replay FILE [--from N] [--to N] [--step N] [--why] [--interactive]
                                             lives through a recording again, and says whether it goes the same way
  syncline replay FILE --bisect [--until CONDITION]
                                             finds the first step that goes wrong, or at which a condition holds
  syncline replay FILE --anonymize OUT [--names]
                                             writes the recording with other content; with other names, too
  clients may be offline for 30 days by default; a server and a compaction of its folder go by the same number`;

/** Null where the option is not there. */
const numberOf = (name: string, given: string | undefined): number | null => {
  if (given === undefined) return null;
  const number = Number(given);
  if (!Number.isInteger(number) || number < 1)
    throw new Error(`--${name} ${given}: the number of a step is expected, from 1 on`);
  return number;
};

const portOf = (name: string, given: string): number => {
  const port = Number(given);
  if (given === '' || !Number.isInteger(port) || port < 0 || port > 65535)
    throw new Error(`--${name} ${given}: a number from 0 to 65535 is expected`);
  return port;
};

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
      record: { type: 'string' },
      sync: { type: 'string' },
      schema: { type: 'string' },
      admin: { type: 'string' },
      url: { type: 'string' },
      config: { type: 'string' },
      from: { type: 'string' },
      to: { type: 'string' },
      step: { type: 'string' },
      why: { type: 'boolean', default: false },
      interactive: { type: 'boolean', default: false },
      bisect: { type: 'boolean', default: false },
      until: { type: 'string' },
      anonymize: { type: 'string' },
      names: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    console.log(usage);
    return 0;
  }
  const [command, directory, ...rest] = positionals;
  if (directory === undefined || rest.length > 0)
    throw new Error('one command and one folder, file or action are expected');
  const maxOfflineDays = Number(values['max-offline-days']);
  if (!(maxOfflineDays > 0))
    throw new Error(`--max-offline-days ${values['max-offline-days']}: a number above 0 is expected`);
  switch (command) {
    case 'serve': {
      const { serve } = await import('./serve.js');
      await serve({
        directory,
        host: values.host,
        port: portOf('port', values.port),
        maxOfflineDays,
        record: values.record ?? null,
        sync: values.sync,
        schema: values.schema,
        admin: values.admin === undefined ? undefined : portOf('admin', values.admin),
      });
      return 0;
    }
    case 'sync': {
      const { url, config, schema } = values;
      const { syncCommand, tokenVariable } = await import('./sync.js');
      const token = process.env[tokenVariable];
      const { isDone, text } = await syncCommand({ action: directory, url, token, config, schema });
      if (isDone) console.log(text);
      else console.error(`syncline: ${text}`);
      return isDone ? 0 : 1;
    }
    case 'inspect': {
      const { inspect, printReports } = await import('./inspect.js');
      console.log(printReports(await inspect(directory)));
      return 0;
    }
    case 'replay': {
      const { replayFile } = await import('./replay.js');
      const isWell = await replayFile({
        path: directory,
        from: numberOf('from', values.from),
        to: numberOf('to', values.to),
        step: numberOf('step', values.step),
        why: values.why,
        bisect: values.bisect,
        until: values.until ?? null,
        interactive: values.interactive,
        anonymize: values.anonymize ?? null,
        names: values.names,
      });
      return isWell ? 0 : 1;
    }
    case 'compact': {
      const { compactFolder, printCompactReports } = await import('./compact.js');
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
