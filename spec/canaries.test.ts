import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import { canariesIn, parseCanary, planted } from './canaries/patch.js';
import { suite } from './kit/suite.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const canaries = suite('canaries');
const all = canariesIn(join(root, 'spec', 'canaries'));

canaries('there are at least thirty, each with a fault of its own', () => {
  assert.ok(all.length >= 30, `${all.length} patches`);
  assert.is(new Set(all.map(({ says }) => says)).size, all.length);
});

canaries('every patch applies to the present sources, and changes one to three lines', () => {
  for (const canary of all) {
    const before = readFileSync(join(root, canary.file), 'utf8');
    const after = planted(canary, before);
    assert.is.not(after, before, canary.name);
    const added = after.split('\n').filter((line) => !before.includes(line)).length;
    assert.ok(added <= 5, `${canary.name} adds ${added} lines`);
  }
});

const patch = ['It is wrong.', 'within 7 runs of merge', '--- a/x.ts', '+++ b/x.ts', '@@ -1,2 +1,2 @@'];

canaries('a patch is found by its lines, wherever they are', () => {
  const canary = parseCanary('c', [...patch, ' one', '-two', '+three', ''].join('\n'));
  assert.is(canary.within, 7);
  assert.is(canary.law, 'merge');
  assert.is(planted(canary, 'zero\none\ntwo\nfour\n'), 'zero\none\nthree\nfour\n');
  assert.throws(() => planted(canary, 'one\nthree\n'), /does not apply: these lines are 0 times in x\.ts/);
  assert.throws(() => planted(canary, 'one\ntwo\none\ntwo\n'), /2 times/);
});

canaries('the command plants a fault, builds it and finds it', () => {
  const program = join(root, 'dist', 'spec', 'canaries.js');
  const { stdout } = spawnSync(process.execPath, [program, 'acknowledge-before-commit', '--jobs', '1'], {
    encoding: 'utf8',
  });
  assert.match(stdout, /^acknowledge-before-commit +run \d+ +of 200 +durable before visible$/m);
  assert.match(stdout, /^1 found, 0 not found$/m);
});

canaries('a name that no fault has is refused: nothing would be planted, and all of it found', () => {
  const program = join(root, 'dist', 'spec', 'canaries.js');
  const { status, stderr } = spawnSync(process.execPath, [program, 'no-such'], { encoding: 'utf8' });
  assert.is(status, 2);
  assert.match(stderr, 'no planted fault has no-such in its name');
});

canaries('what is no patch is refused', () => {
  assert.throws(() => parseCanary('c', 'It is wrong.\n--- a/x.ts\n'), /c is no patch of a canary/);
});

canaries.run();
