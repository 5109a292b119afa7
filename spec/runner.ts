/**
 * Runs test files, each in a process of its own, and counts.
 *
 * A suite that never runs passes in silence, so nothing counts as passed but what uvu's summary counts: a
 * file that exits with an error, prints no summary, holds no test or outlives its time has failed. Files
 * are found by their sources, so a stale build of a source that is gone is not run, and a source that was
 * not built is a failure.
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

const summary = /^ {2}Total: +(\d+)\n {2}Passed: +(\d+)\n {2}Skipped: +(\d+)$/gm;
// biome's rule forbids a literal escape character in a pattern.
const colours = new RegExp(`${String.fromCharCode(27)}\\[[0-9;]*m`, 'g');

/** Judges a finished file by what it printed and how it ended. */
export const judge = (output: string, ending: string | null): Outcome => {
  const plain = output.replace(colours, '');
  const [total = 0, passed = 0, skipped = 0] = ([...plain.matchAll(summary)].at(-1) ?? [])
    .slice(1)
    .map(Number);
  const fault =
    ending ?? (total === 0 ? 'no summary, or no test: does the file end by running its suite?' : null);
  const failed = total - passed;
  return {
    passed,
    failed: fault !== null && failed === 0 ? 1 : failed,
    skipped,
    // Failing tests explain an exit code by themselves.
    fault: failed > 0 && ending === 'exit code 1' ? null : fault,
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
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk));
    let ending: string | null = null;
    const watchdog = setTimeout(() => {
      ending = `still running after ${options.timeout / 1000} s`;
      endGroup(child);
    }, options.timeout);
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

/**
 * Runs the files in order of name; writes a line per file, all output of those that fail, and of those that
 * skip tests the lines that say why: they begin with `!!!`.
 */
export const runTests = async (options: RunOptions): Promise<Counts> => {
  const { sources, built, filters, write } = options;
  const names = readdirSync(sources, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.test.ts'))
    .map((name) => name.slice(0, -'.ts'.length))
    .filter((name) => filters.length === 0 || filters.some((filter) => name.includes(filter)))
    .sort();
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
