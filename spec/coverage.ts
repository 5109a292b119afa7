/**
 * `npm run coverage -- [part of a test's name…] [--runs N] [--fuzz SECONDS]`: how much of `core` the tests and the
 * simulator run through. Runs the test files, all or those named, then N simulated worlds and the fuzzers, under V8's
 * own counters. Prints branch coverage by folder; the branches that nothing takes and `spec/uncovered.md` gives no
 * reason for, and the other way round; and which cells of the merge matrix decided nothing, and which pairs of phase
 * and event were never met. Exits with 1 below the target, or where anything of that has no reason.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type Counts, missed } from './kit/counted.js';
import { beyond, explainedBy, isReport, type Marks, marksOf, printMarks } from './kit/uncovered.js';

/** Percent of the branches of `core`. */
const target = 95;

const root = fileURLToPath(new URL('../..', import.meta.url));
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    runs: { type: 'string', default: '300' },
    fuzz: { type: 'string', default: '6' },
  },
});

const folder = mkdtempSync(join(tmpdir(), 'syncline-coverage-'));
const counters = join(folder, 'counters');
const counts = join(folder, 'counts');

const run = (program: string, args: readonly string[]): Promise<number | null> =>
  new Promise((resolve) => {
    const counting = `--import=${new URL('./kit/count-here.js', import.meta.url).href}`;
    const env = {
      ...process.env,
      NODE_V8_COVERAGE: counters,
      NODE_OPTIONS: counting,
      SYNCLINE_COUNTS: counts,
    };
    const child = spawn(program, args, { cwd: root, env, stdio: ['ignore', 'inherit', 'inherit'] });
    child.on('close', resolve);
  });

const node = (...args: readonly string[]): Promise<number | null> =>
  run(process.execPath, ['--enable-source-maps', ...args]);

interface Part {
  readonly total: number;
  readonly covered: number;
}

const percent = ({ covered, total }: Part): string =>
  `${total === 0 ? 100 : ((100 * covered) / total).toFixed(1)} %`.padStart(8);

const sum = (parts: readonly Part[]): Part => ({
  total: parts.reduce((all, { total }) => all + total, 0),
  covered: parts.reduce((all, { covered }) => all + covered, 0),
});

/** Of all programs that ran: how often each cell, or each pair, was met. */
const countsOf = (what: 'cells' | 'pairs'): Counts => {
  const all: Counts = new Map();
  for (const name of readdirSync(counts)) {
    const read = JSON.parse(readFileSync(join(counts, name), 'utf8')) as Record<string, [string, number][]>;
    for (const [each, count] of read[what] ?? []) all.set(each, (all.get(each) ?? 0) + count);
  }
  return all;
};

const tellMarks = (what: string, marks: Marks): void => {
  if (marks.size === 0) return;
  console.log(`\n${what}:`);
  for (const line of printMarks(marks)) console.log(line);
};

/**
 * In histories that can be: what made the value a collection has discarded the addition before anything inside can
 * meet it. Made-up writes (`spec/merge-index.test.ts`) may get there, and may not.
 */
const needNotDecide = new Set(['inside AddInteger']);

try {
  mkdirSync(counts);
  await node('dist/spec/run.js', ...positionals);
  await node('dist/spec/sim.js', '--runs', values.runs, '--jobs', '1');
  await node('dist/spec/fuzz.js', '--seconds', values.fuzz);
  const reports = join(folder, 'report');
  await run(process.execPath, [
    'node_modules/c8/bin/c8.js',
    'report',
    ...['--temp-directory', counters, '--reports-dir', reports, '--reporter', 'json'],
    ...['--include', 'core/**', '--all=false', '--exclude-after-remap'],
  ]);
  const report: unknown = JSON.parse(readFileSync(join(reports, 'coverage-final.json'), 'utf8'));
  if (!isReport(report)) throw new Error('the report is not what was expected');
  const files = Object.entries(report)
    .filter(([path]) => existsSync(path))
    .map(([path, file]) => {
      const taken = Object.values(file.b).flat();
      return {
        path: relative(root, path),
        branches: { total: taken.length, covered: taken.filter((times) => times > 0).length },
        marks: marksOf(relative(root, path), readFileSync(path, 'utf8'), file),
      };
    });
  const folders = [...new Set(files.map(({ path }) => path.split('/').slice(0, 2).join('/')))].sort();
  console.log(`\n${'folder'.padEnd(24)}${'branches'.padStart(8)}`);
  for (const each of folders) {
    const own = files.filter(({ path }) => path.startsWith(`${each}/`) || path === each);
    console.log(`${each.padEnd(24)}${percent(sum(own.map(({ branches }) => branches)))}`);
  }
  const found: Marks = new Map(files.flatMap(({ marks }) => [...marks]));
  const explained = explainedBy(readFileSync(join(root, 'spec/uncovered.md'), 'utf8'));
  const unexplained = beyond(found, explained);
  tellMarks('branches that nothing takes, and that have no reason in spec/uncovered.md', unexplained);
  tellMarks('branches that spec/uncovered.md explains, and something takes', beyond(explained, found));

  const [cells, pairs] = [countsOf('cells'), countsOf('pairs')];
  const [idle, never] = [missed(cells).filter((name) => !needNotDecide.has(name)), missed(pairs)];
  const deciding = cells.size - missed(cells).length;
  console.log(
    `\ncells of the merge matrix that decided something: ${deciding} of ${cells.size}; ${[...needNotDecide].join(', ')} need not`,
  );
  for (const name of idle) console.log(`  not ${name}`);
  console.log(`pairs of phase and event that were met: ${pairs.size - never.length} of ${pairs.size}`);
  for (const name of never) console.log(`  not ${name}`);

  const all = sum(files.map(({ branches }) => branches));
  const lacking = [...unexplained.values()].reduce((total, times) => total + times, 0);
  console.log(
    `branches of core: ${percent(all).trim()} of ${all.total} (target ${target} %); ${lacking} that nothing takes have no reason`,
  );
  const isWhole = lacking + idle.length + never.length === 0;
  process.exitCode = isWhole && all.covered >= (all.total * target) / 100 ? 0 : 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
