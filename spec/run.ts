/**
 * `node dist/spec/run.js [part of a name…]`: runs the test files, all or those named. The last line says
 * `N passed, M failed`, and the exit code whether M is zero.
 */
import type { ChildProcess } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { endGroup, runTests } from './runner.js';

const children: ChildProcess[] = [];
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    for (const child of children) if (child.exitCode === null && child.signalCode === null) endGroup(child);
    process.exit(1);
  });
}

const { passed, failed } = await runTests({
  sources: fileURLToPath(new URL('../../spec', import.meta.url)),
  built: fileURLToPath(new URL('.', import.meta.url)),
  filters: process.argv.slice(2),
  first: [
    'kill',
    'docs',
    'bench',
    'kill-compaction',
    'browser',
    'conformance',
    'links',
    'compact-law',
    'sessions',
    'simulation',
  ],
  // One more than there are processors, since some of the longest wait most of the time.
  jobs: availableParallelism() + 1,
  timeout: 600_000,
  write: (text) => console.log(text),
  started: (child) => children.push(child),
});
console.log(`\n${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;
