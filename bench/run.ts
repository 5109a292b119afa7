/**
 * `npm run bench -- [suite…] [--json] [--smoke] [--list] [--peers …] [--only …]`: runs the suites, all or those named.
 *
 *     --json    one object a line: {"suite","workload","subject","metric","value","unit"}
 *     --smoke   tiny sizes, to see that the suites work
 *     --list    the suites and their questions, and nothing is run
 *     --peers   `none`, `all` (as without it), or the names of those to be measured, with commas
 *     --only    the parts of a suite that are to be run, with commas
 *
 * Rows are printed as they are known, as JSON or on stderr; tables of them, a suite each, on stdout in the end.
 */
import { parseArgs } from 'node:util';
import type { Row, Suite } from './suite.js';
import { renderRow, renderTable } from './table.js';

/** By name. What a suite needs is loaded with it. */
const suites = new Map<string, () => Promise<{ readonly suite: Suite }>>([
  ['access', () => import('./access.js')],
  ['apply', () => import('./apply.js')],
  ['codec', () => import('./codec.js')],
  ['compaction', () => import('./compaction.js')],
  ['merge', () => import('./merge.js')],
  ['reset', () => import('./reset.js')],
  ['sim', () => import('./sim.js')],
  ['transports', () => import('./transports.js')],
]);

const usage = (): string =>
  `npm run bench -- [suite…] [--json] [--smoke] [--list] [--peers all|none|name,…] [--only part,…], where suite is ${[...suites.keys()].join(', ')}`;

interface Request {
  readonly chosen: readonly Suite[];
  readonly json: boolean;
  readonly smoke: boolean;
  readonly list: boolean;
  /** Null for all. */
  readonly peers: readonly string[] | null;
  /** Null for all. */
  readonly only: readonly string[] | null;
}

const runSuite = async (suite: Suite, { smoke, json, peers, only }: Request): Promise<void> => {
  const rows: Row[] = [];
  if (!json) console.log(`\n${suite.name}: ${suite.question}\n`);
  await suite.run({
    smoke,
    wants: (peer) => peers === null || peers.includes(peer),
    does: (part) => only === null || only.includes(part),
    report: ({ workload, subject, metric, value, unit }) => {
      if (!Number.isFinite(value)) {
        throw new Error(`${suite.name}: ${subject} scored ${value} ${unit} in ${metric} of ${workload}`);
      }
      const row = { workload, subject, metric, value, unit };
      rows.push(row);
      if (json) console.log(JSON.stringify({ suite: suite.name, ...row }));
      else console.error(renderRow(row));
    },
  });
  if (!json) console.log(`\n${renderTable(rows)}`);
};

const peersNamed = (option: string | undefined): readonly string[] | null => {
  if (option === undefined || option === 'all') return null;
  return option === 'none' ? [] : option.split(',');
};

/** What the command line asks for, or what is wrong with it. */
const readArguments = async (): Promise<Request | string> => {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        json: { type: 'boolean' },
        smoke: { type: 'boolean' },
        list: { type: 'boolean' },
        peers: { type: 'string' },
        only: { type: 'string' },
      },
    });
    const unknown = positionals.filter((name) => !suites.has(name));
    if (unknown.length > 0) return `no suite is called ${unknown.join(' or ')}`;
    const loading = [...suites].filter(([name]) => positionals.length === 0 || positionals.includes(name));
    const chosen = (await Promise.all(loading.map(([, load]) => load()))).map(({ suite }) => suite);
    const peers = peersNamed(values.peers);
    const strangers = (peers ?? []).filter((peer) => !chosen.some((suite) => suite.peers?.includes(peer)));
    if (strangers.length > 0) return `no peer is called ${strangers.join(' or ')}`;
    const only = values.only === undefined ? null : values.only.split(',');
    const missing = (only ?? []).filter((part) => !chosen.some((suite) => suite.parts?.includes(part)));
    if (missing.length > 0) return `no part is called ${missing.join(' or ')}`;
    const { json, smoke, list } = values;
    return { chosen, json: json === true, smoke: smoke === true, list: list === true, peers, only };
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
};

const request = await readArguments();
if (typeof request === 'string') {
  console.error(`${request}\n${usage()}`);
  process.exitCode = 2;
} else {
  for (const suite of request.chosen) {
    if (request.list) console.log(`${suite.name}: ${suite.question}`);
    else await runSuite(suite, request);
  }
}
