import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type Counts, judge, runTests } from './runner.js';

const runner = suite('runner');

const uvu = `import { suite } from ${JSON.stringify(import.meta.resolve('uvu'))};\n`;
const passing = `${uvu}const t = suite('t'); t('one', () => {}); t('two', () => {}); t.run();`;

/** Runs files given by name and compiled text; each has a source unless `sources` says otherwise. */
const runOf = async (
  files: Readonly<Record<string, string>>,
  { sources = Object.keys(files), filters = [] as string[], timeout = 20_000 } = {},
): Promise<Counts & { readonly text: string }> => {
  const root = mkdtempSync(join(tmpdir(), 'syncline-runner-'));
  try {
    const put = (path: string, text: string): void => {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), text);
    };
    put('source/helper.ts', '');
    put('built/package.json', '{"type":"module"}');
    for (const name of sources) put(`source/${name}.ts`, '');
    for (const [name, text] of Object.entries(files)) put(`built/${name}.js`, text);
    const lines: string[] = [];
    const counts = await runTests({
      sources: join(root, 'source'),
      built: join(root, 'built'),
      filters,
      jobs: 2,
      timeout,
      write: (text) => lines.push(text),
    });
    return { ...counts, text: lines.join('\n') };
  } finally {
    rmSync(root, { recursive: true });
  }
};

runner('counts what passes, in files at any depth, one line each', async () => {
  const { passed, failed, text } = await runOf({ 'a.test': passing, 'deep/b.test': passing });
  assert.equal({ passed, failed }, { passed: 4, failed: 0 });
  assert.is(text.split('\n').length, 2);
  assert.match(text, /^a\.test +2 passed +\d+\.\d s$/m);
  assert.match(text, /^deep\/b\.test +2 passed/m);
});

runner('counts each failing test, and prints its output', async () => {
  const failing = `${uvu}const t = suite('t'); t('fine', () => {});
    t('bad', () => { throw new Error('lost a write'); }); t('worse', () => { throw new Error('x'); }); t.run();`;
  const { passed, failed, text } = await runOf({ 'a.test': failing });
  assert.equal({ passed, failed }, { passed: 1, failed: 2 });
  assert.match(text, 'lost a write');
});

const failures: readonly (readonly [what: string, code: string, reason: string])[] = [
  ['a file that never runs its suite', `${uvu}const t = suite('t'); t('one', () => {});`, 'no summary'],
  ['a suite without tests', `${uvu}const t = suite('t'); t.run();`, 'no test'],
  ['an empty file', '', 'no summary'],
  ['a file that throws', `throw new Error('at once');`, 'exit code 1'],
  ['a file that leaves early', `${uvu}process.exit(0);`, 'no summary'],
  [
    'a file whose tests pass before it crashes',
    `${passing}\nsetTimeout(() => { throw new Error('afterwards'); }, 50);`,
    'exit code 1',
  ],
  [
    'a file that kills itself',
    `process.kill(process.pid, 'SIGKILL'); setInterval(() => {}, 1000);`,
    'SIGKILL',
  ],
];

for (const [what, code, reason] of failures) {
  runner(`${what} has failed`, async () => {
    const { failed, text } = await runOf({ 'a.test': code });
    assert.is(failed, 1);
    assert.match(text, `>>> a.test: `);
    assert.match(text, reason);
  });
}

runner('a file that outlives its time has failed, with what it started', async () => {
  const child = `import { spawn } from 'node:child_process';
    spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'inherit' });
    setInterval(() => {}, 1000);`;
  const { failed, text } = await runOf({ 'a.test': child }, { timeout: 1500 });
  assert.is(failed, 1);
  assert.match(text, 'still running after 1.5 s');
});

runner('a build without source is not run, and a source without build has failed', async () => {
  const files = { 'gone.test': `throw new Error('stale');` };
  const { passed, failed, text } = await runOf(files, { sources: ['new.test'] });
  assert.equal({ passed, failed }, { passed: 0, failed: 1 });
  assert.match(text, '>>> new.test: not built');
  assert.not.match(text, 'stale');
});

runner('runs the files that are named, and fails if there are none', async () => {
  const files = { 'a.test': passing, 'b.test': `throw new Error('b');` };
  assert.is((await runOf(files, { filters: ['a.te'] })).failed, 0);
  const none = await runOf(files, { filters: ['c'] });
  assert.equal({ passed: none.passed, failed: none.failed }, { passed: 0, failed: 1 });
});

runner('is loud about skipped tests', async () => {
  const skipping = `${uvu}const t = suite('t'); t('one', () => {}); t.skip('two', () => {}); t.run();
    console.log('!!! there is no two');`;
  const { passed, failed, text } = await runOf({ 'a.test': skipping });
  assert.equal({ passed, failed }, { passed: 1, failed: 0 });
  assert.match(text, '!!! a.test: 1 tests SKIPPED');
  assert.match(text, /^!!! there is no two$/m);
});

runner('believes the last summary, in colour or not', () => {
  const summary = (total: number, passed: number): string =>
    `\n  Total:     ${total}\u001b[32m\n  Passed:    ${passed}\u001b[39m\n  Skipped:   0\n  Duration:  1ms\n`;
  const { passed, failed } = judge(summary(9, 9) + summary(3, 2), 'exit code 1');
  assert.equal({ passed, failed }, { passed: 2, failed: 1 });
});

runner.run();
