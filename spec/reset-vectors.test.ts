import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import { parseResetVector, type ResetVector, replayReset } from './kit/reset-vector.js';
import { suite } from './kit/suite.js';
import { readVectorLines } from './kit/vectors.js';

const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const file = at('../../spec/vectors/reset.jsonl.gz');
const vectors = readVectorLines(file).map((line) => parseResetVector(line) as ResetVector);

const test = suite('vectors of resets');

for (const vector of vectors) test(vector.id, () => assert.equal(replayReset(vector), []));

test('a vector that is not ours is found, and shown', () => {
  const [first] = vectors as [ResetVector];
  assert.equal(replayReset({ ...first, outcomes: ['parked: rejected'] })[0]?.what, 'outcomes');
  const [found] = replayReset({ ...first, plus: [...first.plus, 'CreateObject B[77]'] });
  assert.ok(found?.lines.includes('- CreateObject B[77]'));
});

test('the runner takes them', () => {
  const { stdout, status } = spawnSync(process.execPath, [at('./vectors.js'), file], { encoding: 'utf8' });
  assert.is(status, 0);
  assert.match(stdout, new RegExp(`^${vectors.length} passed, 0 failed$`, 'm'));
});

test.run();
