/**
 * `npm run coverage -- [part of a test's name…] [--runs N] [--pairs N] [--fuzz SECONDS]`: how much of `core` the tests and the simulator run
 * through. Runs the test files, all or those named, then N simulated worlds and a second of every fuzzed law, under
 * V8's own counters, and prints branch coverage by folder, what each file lacks, and which pairs of phase and event
 * the simulator never met. Exits with 1 below the target.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { countPairs, missed } from './kit/counted.js';
import { simulate } from './simulation/simulate.js';

/** Percent of the branches of `core`. */
const target = 95;

const root = fileURLToPath(new URL('../..', import.meta.url));
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    runs: { type: 'string', default: '300' },
    pairs: { type: 'string', default: '150' },
    fuzz: { type: 'string', default: '6' },
  },
});

const folder = mkdtempSync(join(tmpdir(), 'syncline-coverage-'));
const counters = join(folder, 'counters');

const run = (program: string, args: readonly string[]): Promise<number | null> =>
  new Promise((resolve) => {
    const env = { ...process.env, NODE_V8_COVERAGE: counters };
    const child = spawn(program, args, { cwd: root, env, stdio: ['ignore', 'inherit', 'inherit'] });
    child.on('close', resolve);
  });

const node = (...args: readonly string[]): Promise<number | null> =>
  run(process.execPath, ['--enable-source-maps', ...args]);

interface Part {
  readonly total: number;
  readonly covered: number;
}

type Summary = Readonly<Record<string, { readonly branches: Part; readonly lines: Part }>>;

const isPart = (value: unknown): value is Part =>
  typeof value === 'object' && value !== null && 'total' in value && 'covered' in value;

const isSummary = (value: unknown): value is Summary =>
  typeof value === 'object' &&
  value !== null &&
  Object.values(value).every((each: unknown) => {
    if (typeof each !== 'object' || each === null) return false;
    return 'branches' in each && isPart(each.branches) && 'lines' in each && isPart(each.lines);
  });

const percent = ({ covered, total }: Part): string =>
  `${total === 0 ? 100 : ((100 * covered) / total).toFixed(1)} %`.padStart(8);

const sum = (parts: readonly Part[]): Part => ({
  total: parts.reduce((all, { total }) => all + total, 0),
  covered: parts.reduce((all, { covered }) => all + covered, 0),
});

try {
  await node('dist/spec/run.js', ...positionals);
  await node('dist/spec/sim.js', '--runs', values.runs, '--jobs', '1');
  await node('dist/spec/fuzz.js', '--seconds', values.fuzz);
  const report = join(folder, 'report');
  await run(process.execPath, [
    'node_modules/c8/bin/c8.js',
    'report',
    ...['--temp-directory', counters, '--reports-dir', report, '--reporter', 'json-summary'],
    ...['--include', 'core/**', '--all=false', '--exclude-after-remap'],
  ]);
  const summary: unknown = JSON.parse(readFileSync(join(report, 'coverage-summary.json'), 'utf8'));
  if (!isSummary(summary)) throw new Error('the report is not what was expected');
  const files = Object.entries(summary)
    .filter(([path]) => path !== 'total')
    .map(([path, { branches, lines }]) => ({ path: relative(root, path), branches, lines }));
  const folders = [...new Set(files.map(({ path }) => path.split('/').slice(0, 2).join('/')))].sort();
  console.log(`\n${'folder'.padEnd(24)}${'branches'.padStart(8)}${'lines'.padStart(9)}`);
  for (const each of folders) {
    const own = files.filter(({ path }) => path.startsWith(each));
    console.log(
      `${each.padEnd(24)}${percent(sum(own.map(({ branches }) => branches)))} ${percent(sum(own.map(({ lines }) => lines)))}`,
    );
  }
  console.log('\nfiles with branches that nothing takes:');
  for (const { path, branches } of files.sort(
    (a, b) => b.branches.total - b.branches.covered - (a.branches.total - a.branches.covered),
  ))
    if (branches.covered < branches.total)
      console.log(
        `${path.padEnd(44)}${String(branches.total - branches.covered).padStart(4)} of ${branches.total}`,
      );
  const pairs = countPairs();
  for (let seed = 1; seed <= Number(values.pairs); seed++) await simulate({ seed });
  const never = missed(pairs);
  console.log(
    `\npairs of phase and event that the simulator met: ${pairs.size - never.length} of ${pairs.size}`,
  );
  for (const name of never) console.log(`  not ${name}`);
  const all = sum(files.map(({ branches }) => branches));
  console.log(`\nbranches of core: ${percent(all).trim()} (target ${target} %)`);
  process.exitCode = all.covered < (all.total * target) / 100 ? 1 : 0;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
