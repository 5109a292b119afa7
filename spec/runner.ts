/**
 * Runs test files, each in a process of its own, and counts.
 *
 * A suite that never runs passes in silence, so nothing counts as passed but what uvu's summary counts: a
 * file that exits with an error, prints no summary, holds no test or outlives its time has failed. Files
 * are found by their sources, so a stale build of a source that is gone is not run, and a source that was
 * not built is a failure.
 *
 * A test that has failed often leaves something open, which would keep its process until its time is over.
 * So a process that has told of failures is ended soon after its summary; one whose time is over is asked to
 * say where it is (`spec/kit/suite.ts`), and then ended.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

export interface RunOptions {
  /** Folder of the sources, `*.test.ts` at any depth. */
  readonly sources: string;
  /** Folder of what they are compiled to. */
  readonly built: string;
  /** Parts of the names of the files to run; none for all. */
  readonly filters: readonly string[];
  /** Names without `.test` of those to start with, in this order, since they take longest. */
  readonly first?: readonly string[];
  /** Processes at a time. */
  readonly jobs: number;
  /** Milliseconds that one file may take. */
  readonly timeout: number;
  /** Called with whole lines. */
  readonly write: (text: string) => void;
  /** Given each process when it starts, for a caller that must end them. */
  readonly started?: (child: ChildProcess) => void;
}

export interface Counts {
  readonly passed: number;
  readonly failed: number;
}

interface Outcome extends Counts {
  readonly skipped: number;
  /** Why the file failed as a whole, where it did. */
  readonly fault: string | null;
  readonly output: string;
}

/** Milliseconds for a file that has failed to end, or for one that hangs to say where. */
const grace = 3_000;

const summary = /^ {2}Total: +(\d+)\n {2}Passed: +(\d+)\n {2}Skipped: +(\d+)$/gm;
// biome's rule forbids a literal escape character in a pattern.
const colours = new RegExp(`${String.fromCharCode(27)}\\[[0-9;]*m`, 'g');

const unprinted =
  'a test or a hook threw what uvu cannot print, and ended its suite: take `suite` from spec/kit/suite.ts';

/** What the last summary counts: all tests, those that passed, those that were skipped. */
const counted = (plain: string): readonly number[] =>
  ([...plain.matchAll(summary)].at(-1) ?? []).slice(1).map(Number);

/** Judges a finished file by what it printed and how it ended. */
export const judge = (output: string, ending: string | null): Outcome => {
  const plain = output.replace(colours, '');
  const [total = 0, passed = 0, skipped = 0] = counted(plain);
  const fault =
    ending ?? (total === 0 ? 'no summary, or no test: does the file end by running its suite?' : null);
  const failed = total - passed;
  const silent = failed > 0 && !/^ {3}FAIL /m.test(plain);
  return {
    passed,
    failed: fault !== null && failed === 0 ? 1 : failed,
    skipped,
    // Failing tests explain an exit code by themselves.
    fault: silent ? unprinted : failed > 0 && ending === 'exit code 1' ? null : fault,
    output,
  };
};

/** Ends a process and all that it has started. */
export const endGroup = (child: ChildProcess): void => {
  try {
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
  } catch {
    // The group is gone already.
  }
};

const runFile = (file: string, options: RunOptions): Promise<Outcome> =>
  new Promise((resolve) => {
    // A group of its own, so that what a test leaves behind can be ended with it.
    const child = spawn(process.execPath, ['--enable-source-maps', file], {
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, FORCE_COLOR: '0' },
    });
    options.started?.(child);
    const chunks: Buffer[] = [];
    let ending: string | null = null;
    let watchdog = setTimeout(() => {
      ending = `still running after ${options.timeout / 1000} s`;
      child.kill('SIGTERM');
      watchdog = setTimeout(() => endGroup(child), grace);
    }, options.timeout);
    const read = (chunk: Buffer): void => {
      chunks.push(chunk);
      if (ending !== null || !chunk.includes('Skipped:')) return;
      const [total = 0, passed = 0] = counted(Buffer.concat(chunks).toString());
      if (total === passed) return;
      clearTimeout(watchdog);
      watchdog = setTimeout(() => {
        ending = 'failed, and something that is still open keeps it alive';
        endGroup(child);
      }, grace);
    };
    child.stdout.on('data', read);
    child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk));
    const finish = (): void => {
      clearTimeout(watchdog);
      resolve(judge(Buffer.concat(chunks).toString(), ending));
    };
    child.on('exit', (code, signal) => {
      if (code !== 0) ending ??= signal === null ? `exit code ${code}` : `ended by ${signal}`;
      endGroup(child);
    });
    child.on('close', finish);
    child.on('error', (error) => {
      ending = error.message;
      finish();
    });
  });

const report = (name: string, outcome: Outcome, seconds: number, write: (text: string) => void): void => {
  const { passed, failed, skipped, fault } = outcome;
  const counts = failed === 0 ? `${passed} passed` : `${passed} passed, ${failed} FAILED`;
  write(`${name.padEnd(36)} ${counts.padEnd(24)} ${seconds.toFixed(1)} s`);
  if (skipped > 0) {
    write(`!!! ${name}: ${skipped} tests SKIPPED, by .skip or beside .only`);
    for (const [line] of outcome.output.matchAll(/^!!! .*$/gm)) write(line);
  }
  if (failed > 0) {
    write(outcome.output.trimEnd());
    if (fault !== null) write(`>>> ${name}: ${fault}`);
  }
};

const rank = (name: string, first: readonly string[]): number => {
  const found = first.indexOf(name.slice(0, -'.test'.length));
  return found < 0 ? first.length : found;
};

/**
 * Runs the files, those of `first` and then the others in order of name; writes a line per file, all output of those that fail, and of those that
 * skip tests the lines that say why: they begin with `!!!`.
 */
export const runTests = async (options: RunOptions): Promise<Counts> => {
  const { sources, built, filters, first = [], write } = options;
  const names = readdirSync(sources, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.test.ts'))
    .map((name) => name.slice(0, -'.ts'.length))
    .filter((name) => filters.length === 0 || filters.some((filter) => name.includes(filter)))
    .sort((a, b) => rank(a, first) - rank(b, first) || (a < b ? -1 : 1));
  if (names.length === 0) {
    write(`no test file in ${sources}${filters.length > 0 ? ` is named like ${filters.join(' or ')}` : ''}`);
    return { passed: 0, failed: 1 };
  }
  let passed = 0;
  let failed = 0;
  const queue = names.values();
  const work = async (): Promise<void> => {
    for (const name of queue) {
      const file = join(built, `${name}.js`);
      const start = performance.now();
      const outcome = existsSync(file)
        ? await runFile(file, options)
        : { passed: 0, failed: 1, skipped: 0, fault: `not built: there is no ${file}`, output: '' };
      report(name, outcome, (performance.now() - start) / 1000, write);
      passed += outcome.passed;
      failed += outcome.failed;
    }
  };
  await Promise.all(Array.from({ length: options.jobs }, work));
  return { passed, failed };
};
