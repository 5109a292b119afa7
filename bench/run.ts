/**
 * `npm run bench -- [suite…] [--json] [--smoke] [--list]`: runs the suites, all or those named.
 *
 *     --json    one object a line: {"suite","workload","subject","metric","value","unit"}
 *     --smoke   tiny sizes, to see that the suites work
 *     --list    the suites and their questions, and nothing is run
 */
import { parseArgs } from 'node:util';
import { suite as apply } from './apply.js';
import { suite as codec } from './codec.js';
import { suite as compaction } from './compaction.js';
import { suite as merge } from './merge.js';
import type { Row, Suite } from './suite.js';
import { renderTable } from './table.js';
import { suite as transports } from './transports.js';

const suites: readonly Suite[] = [apply, codec, compaction, merge, transports];

const usage = (): string =>
  `npm run bench -- [suite…] [--json] [--smoke] [--list], where suite is ${suites.map(({ name }) => name).join(', ')}`;

interface Request {
  readonly chosen: readonly Suite[];
  readonly json: boolean;
  readonly smoke: boolean;
  readonly list: boolean;
}

const runSuite = async (suite: Suite, { smoke, json }: Request): Promise<void> => {
  const rows: Row[] = [];
  if (!json) console.log(`\n${suite.name}: ${suite.question}\n`);
  await suite.run({
    smoke,
    report: ({ workload, subject, metric, value, unit }) => {
      if (!Number.isFinite(value)) {
        throw new Error(`${suite.name}: ${subject} scored ${value} ${unit} in ${metric} of ${workload}`);
      }
      rows.push({ workload, subject, metric, value, unit });
      if (json) console.log(JSON.stringify({ suite: suite.name, workload, subject, metric, value, unit }));
    },
  });
  if (!json) console.log(renderTable(rows));
};

/** What the command line asks for, or what is wrong with it. */
const readArguments = (): Request | string => {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: { json: { type: 'boolean' }, smoke: { type: 'boolean' }, list: { type: 'boolean' } },
    });
    const unknown = positionals.filter((name) => !suites.some((suite) => suite.name === name));
    if (unknown.length > 0) return `no suite is called ${unknown.join(' or ')}`;
    const chosen = suites.filter(({ name }) => positionals.length === 0 || positionals.includes(name));
    return { chosen, json: values.json === true, smoke: values.smoke === true, list: values.list === true };
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
};

const request = readArguments();
if (typeof request === 'string') {
  console.error(`${request}\n${usage()}`);
  process.exitCode = 2;
} else {
  for (const suite of request.chosen) {
    if (request.list) console.log(`${suite.name}: ${suite.question}`);
    else await runSuite(suite, request);
  }
}
