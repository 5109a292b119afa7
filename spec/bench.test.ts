import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import { seeded } from './kit/random.js';
import { suite } from './kit/suite.js';

// The project `bench` builds on this one, so its modules are reached by their address, not by an import.
const built = (name: string): URL => new URL(`../bench/${name}.js`, import.meta.url);

interface Row {
  readonly workload: string;
  readonly subject: string;
  readonly metric: string;
  readonly value: number;
  readonly unit: string;
}

const {
  median,
  measure,
}: {
  median(values: readonly number[]): number;
  measure(work: (input: number) => void, options: { times: number; prepare(): number }): number;
} = await import(built('suite').href);
const { renderTable }: { renderTable(rows: readonly Row[]): string } = await import(built('table').href);

const run = (...args: string[]): { code: number | null; out: string; err: string } => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [fileURLToPath(built('run')), ...args], {
    encoding: 'utf8',
    timeout: 500_000,
  });
  return { code: status, out: stdout, err: stderr };
};

const bench = suite('bench');

const listed = run('--list')
  .out.split('\n')
  .filter((line) => line !== '');

bench('there are suites, each with a question', () => {
  assert.ok(listed.length > 0);
  for (const line of listed) assert.match(line, /^[a-z-]+: .+\?$/);
});

// One process for all of them: to start one takes longer than most suites do.
bench('every suite works, one after the other, and every row is a positive number', () => {
  const { code, out, err } = run('--smoke', '--json');
  assert.is(code, 0, err);
  const rows = out
    .trim()
    .split('\n')
    .map((text): Row & { suite: string } => JSON.parse(text));
  const names = listed.map((line) => line.split(':')[0] ?? '');
  assert.equal([...new Set(rows.map((row) => row.suite))], names);
  for (const name of names)
    assert.ok(rows.some(({ suite, subject }) => suite === name && subject === 'syncline'));
  for (const row of rows) {
    assert.equal(Object.keys(row), ['suite', 'workload', 'subject', 'metric', 'value', 'unit']);
    assert.ok(Number.isFinite(row.value) && row.value > 0, JSON.stringify(row));
    for (const text of [row.workload, row.subject, row.metric, row.unit]) assert.match(text, /\S/);
  }
});

bench('only the peers that are wanted are measured, and rows are told before the table', () => {
  const { code, out, err } = run('merge', '--smoke', '--peers', 'none');
  assert.is(code, 0, err);
  for (const peer of ['yjs', 'loro', 'automerge', 'ot-json1']) assert.not.match(out + err, peer);
  assert.match(err, /^merge-disjoint {2}syncline {2}transform: [\d.,]+ instructions\/s$/m);
  assert.match(err, /^merge-conflicting {2}syncline {2}merge and apply, bulk: [\d.,]+ writes\/s$/m);
  assert.match(out, /^merge-disjoint +transform +instructions\/s/m);
});

bench('one part of a suite can be measured alone', () => {
  const { code, out, err } = run('transports', '--smoke', '--only', 'paced', '--peers', 'none');
  assert.is(code, 0, err);
  assert.match(out, /^100 changes a second to \d+ +latency, p99 +ms/m);
  assert.not.match(out, 'round trips');
});

bench('an unknown suite, peer or option is refused with the usage', () => {
  for (const wrong of ['nothing', '--nothing', '--peers=nothing']) {
    const { code, out, err } = wrong.includes('=') ? run('merge', wrong) : run(wrong);
    assert.is(code, 2);
    assert.is(out, '');
    assert.match(err, wrong.replace('--peers=', ''));
    assert.match(err, 'npm run bench -- [suite…]');
  }
});

bench('the table puts subjects side by side, ours first, with ratios', () => {
  const row = (workload: string, subject: string, metric: string, value: number, unit: string): Row => ({
    workload,
    subject,
    metric,
    value,
    unit,
  });
  const table = renderTable([
    row('append', 'peer', 'time', 30, 'ms'),
    row('append', 'syncline', 'time', 12, 'ms'),
    row('append', 'syncline', 'size', 1234567, 'kB'),
    row('append', 'floor-copy', 'size', 98.7654, 'kB'),
    row('other', 'peer', 'time', 0, 'ms'),
  ]);
  assert.is(
    table,
    [
      'workload  metric  unit   syncline           peer          floor-copy',
      'append    time    ms        12.00  30.00 (×2.50)                   -',
      'append    size    kB    1,234,567              -  98.77 (×0.0000800)',
      'other     time    ms            -              0                   -',
    ].join('\n'),
  );
});

bench('the median is the middle', () => {
  assert.is(median([5, 1, 100]), 5);
  assert.is(median([4, 1, 2, 100]), 3);
  assert.throws(() => median([]), 'no values');
});

bench('a measurement prepares each repetition, and does not count the first', () => {
  let prepared = 0;
  const seen: number[] = [];
  const time = measure((input) => seen.push(input), { times: 3, prepare: () => prepared++ });
  assert.equal(seen, [0, 1, 2, 3]);
  assert.ok(time >= 0);
});

bench('chance comes back with its seed, within bounds and everywhere', () => {
  const draw = (seed: number, max: number): number[] => {
    const random = seeded(seed);
    return Array.from({ length: 1000 }, () => random.int(max));
  };
  assert.equal(draw(7, 100), draw(7, 100));
  assert.not.equal(draw(7, 100), draw(8, 100));
  const counts = new Array<number>(10).fill(0);
  for (const value of draw(1, 10)) counts[value] = (counts[value] ?? 0) + 1;
  assert.is(counts.length, 10);
  for (const count of counts) assert.ok(count > 60 && count < 140, counts.join());
  assert.ok(draw(2, 2 ** 32).some((value) => value > 2 ** 31));
  assert.equal(new Set(draw(3, 1)), new Set([0]));
});

bench.run();
