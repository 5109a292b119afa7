import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import { suite } from './kit/suite.js';
import { generators } from './simulation/generators.js';
import { planOf } from './simulation/plan.js';
import { shrinkRun } from './simulation/shrink.js';
import { simulate } from './simulation/simulate.js';

const simulation = suite('simulation');

simulation('one seed is one life, byte for byte', async () => {
  for (const seed of [7, 2001, 300_003]) {
    const [first, second] = [
      await simulate({ seed, transcript: true }),
      await simulate({ seed, transcript: true }),
    ];
    assert.ok((first.transcript?.lines.length ?? 0) > 50);
    assert.is(first.transcript?.hash(), second.transcript?.hash());
    assert.equal(first.faults, second.faults);
    assert.is(first.steps, second.steps);
  }
});

simulation('one seed is one life over long-poll links', async () => {
  const options = { seed: 12, carrier: 'long-poll', devices: 3, transcript: true } as const;
  const [first, second] = [await simulate(options), await simulate(options)];
  assert.is(first.failure, null);
  assert.is(first.transcript?.hash(), second.transcript?.hash());
});

simulation('a plan is a function of its options', () => {
  for (let seed = 0; seed < 100; seed++)
    assert.equal(planOf({ seed }, generators), planOf({ seed }, generators));
});

simulation('other chances make other lives', async () => {
  const hashes = new Set<string | undefined>();
  for (let seed = 0; seed < 5; seed++)
    hashes.add((await simulate({ seed, transcript: true })).transcript?.hash());
  assert.is(hashes.size, 5);
});

simulation('short lives keep all promises', async () => {
  const struck = new Map<string, number>();
  for (let seed = 1; seed <= 200; seed++) {
    const { failure, faults } = await simulate({ seed, steps: 6 });
    assert.is(failure, null, `seed ${seed}: ${failure?.checker}: ${failure?.message}`);
    for (const [name, count] of faults) struck.set(name, (struck.get(name) ?? 0) + count);
  }
  const idle = generators.filter(({ name, isFault }) => isFault && !struck.has(name));
  assert.equal(
    idle.map(({ name }) => name),
    [],
    'these faults never strike',
  );
});

simulation('a failing life is made small, and fails alike', async () => {
  // A promise that nobody gave.
  const fewMarks = () => ({
    ended: () => null,
    saw: (seen: { readonly type: string }) => (seen.type === 'restored' ? 'a backup was restored' : null),
  });
  const options = {
    seed: 0,
    faults: ['restored backup', 'broken link'],
    checkers: { 'no backups': fewMarks },
  };
  for (let seed = 1; ; seed++) {
    const report = await simulate({ ...options, seed });
    if (report.failure === null || report.plan.events.length < 10) continue;
    const small = await shrinkRun({ ...options, seed }, report, { tries: 300 });
    assert.is(small.report.failure?.checker, 'no backups');
    assert.is(small.report.plan.events.length, 1);
    assert.is(small.report.plan.devices, 1);
    const again = await simulate({ ...small.options, transcript: true });
    assert.is(again.transcript?.hash(), small.report.transcript?.hash());
    return;
  }
});

simulation('the command says first what it was asked for', () => {
  const program = fileURLToPath(new URL('sim.js', import.meta.url));
  const asked = ['--seed', '2', '--runs', '1', '--devices', '2', '--sync', 'no'];
  const { stdout } = spawnSync(process.execPath, [program, ...asked], { encoding: 'utf8' });
  assert.match(stdout, /^seed 2, 1 runs, 1 at a time, --devices 2, --sync no\n/);
});

simulation.run();
