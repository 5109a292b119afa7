import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import * as assert from 'uvu/assert';
import { suite } from './kit/suite.js';
import { type Counts, judge, runTests } from './runner.js';

const runner = suite('runner');

const uvu = `import { suite } from ${JSON.stringify(import.meta.resolve('uvu'))};\n`;
/** With this repository's own `suite`, and an error of the library's. */
const own = `import { suite } from ${JSON.stringify(new URL('./kit/suite.js', import.meta.url).href)};
import { SynclineError } from ${JSON.stringify(new URL('../transports/drivers/error.js', import.meta.url).href)};
`;
const passing = `${uvu}const t = suite('t'); t('one', () => {}); t('two', () => {}); t.run();`;

/** Runs files given by name and compiled text; each has a source unless `sources` says otherwise. */
const runOf = async (
  files: Readonly<Record<string, string>>,
  { sources = Object.keys(files), filters = [] as string[], first = [] as string[], timeout = 120_000 } = {},
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
      first,
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

runner('a file that hangs says in which test', async () => {
  const hanging = `${own}const t = suite('t'); t('one', () => {});
    t('two', () => new Promise(() => setInterval(() => {}, 1000))); t.run();`;
  // A machine may be too busy to start it within the first of these.
  let said = '';
  for (let timeout = 1_000; timeout < 100_000 && !said.includes('told to end in "two"'); timeout *= 3) {
    const { failed, text } = await runOf({ 'a.test': hanging }, { timeout });
    assert.is(failed, 1);
    assert.match(text, `still running after ${timeout / 1000} s`);
    said = text;
  }
  assert.match(said, '>>> told to end in "two" of t');
});

runner('a file that has failed is not waited for', async () => {
  const open = `${own}const t = suite('t'); t('one', () => { setInterval(() => {}, 1000); throw new Error('x'); });
    t.run();`;
  const { failed, text } = await runOf({ 'a.test': open });
  assert.is(failed, 1);
  assert.match(text, 'something that is still open keeps it alive');
});

const thrown: readonly (readonly [what: string, code: string, told: readonly string[]])[] = [
  [
    'an error of the library',
    `new SynclineError('session', 'the file is gone', { code: 208, at: { session: 3 } })`,
    ['SynclineError: the file is gone', 'code: 208', 'session: 3', 'at file:'],
  ],
  ['an error with a cause', `new Error('no', { cause: new Error('the disk') })`, ['no', 'Error: the disk']],
  ['an error with another operator', `Object.assign(new Error('odd'), { operator: 7 })`, ['odd']],
  ['an object', `{ code: 212 }`, ['thrown, and no error', 'code: 212']],
  ['nothing', 'undefined', ['thrown, and no error: undefined']],
  ['an error without a name', `Object.assign(new Error('nameless'), { name: 7 })`, ['nameless']],
];

runner('whatever a test throws is printed, and the tests after it run', async () => {
  const tests = thrown.map(
    ([what, code]) =>
      `t('${what}', () => { throw ${code}; }); t('${what}, later', async () => { throw ${code}; });`,
  );
  const text = `${own}const t = suite('t'); ${tests.join('\n')} t('fine', () => {}); t.run();`;
  const found = await runOf({ 'a.test': text });
  assert.equal({ passed: found.passed, failed: found.failed }, { passed: 1, failed: 2 * thrown.length });
  const blocks = found.text.split(/^ {3}FAIL /m).slice(1);
  for (const [i, [what, , told]] of thrown.entries())
    for (const [k, name] of [`"${what}"`, `"${what}, later"`].entries())
      for (const part of [name, ...told]) assert.match(blocks[2 * i + k] ?? '', part);
  assert.not.match(found.text, 'cannot print');
});

runner('what a hook throws is printed', async () => {
  const hooks = ['before', 'before.each', 'after.each', 'after'];
  const suites = hooks.map(
    (
      hook,
    ) => `{ const t = suite('${hook} fails'); t.${hook}(() => { throw new SynclineError('store', '${hook} is full', { free: 0 }); });
      t('one', () => {}); t.run(); }`,
  );
  const found = await runOf({ 'a.test': own + suites.join('\n') });
  assert.ok(found.failed > 0);
  for (const hook of hooks)
    assert.match(found.text, `the hook ${hook} of ${hook} fails failed: SynclineError: ${hook} is full`);
});

runner('tells of tests that uvu is silent about', async () => {
  const text = `${uvu}const t = suite('t'); t('one', () => { throw { details: { a: 1 } }; }); t('two', () => {}); t.run();`;
  const found = await runOf({ 'a.test': text });
  assert.equal({ passed: found.passed, failed: found.failed }, { passed: 0, failed: 2 });
  assert.match(found.text, 'take `suite` from spec/kit/suite.ts');
});

runner('runs first what is said to take longest', async () => {
  const files = { 'a.test': passing, 'b.test': passing, 'deep/c.test': passing };
  const { text } = await runOf(files, { first: ['deep/c', 'b', 'gone'] });
  assert.is(text.split('\n').length, 3);
  assert.match(text.split('\n')[2] ?? '', 'a.test');
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
