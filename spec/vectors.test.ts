/**
 * Recorded merges of the reference. A sample of them is part of the repository; the complete files are
 * replayed where they are found beside it. The sample holds every merge in which the reference does not
 * converge, every way in which it fails, nearly every pair of kinds that interact, and some of three sides.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as E from 'fp-ts/lib/Either.js';
import * as assert from 'uvu/assert';
import { type Transformed, transform } from '../core/merge/transform.js';
import { vectorConformance } from './conformance/vectors.js';
import { decodeReference } from './kit/reference-codec.js';
import { type Merge, replay } from './kit/replay.js';
import { suite } from './kit/suite.js';
import { parseVector, readVectorLines } from './kit/vectors.js';

const test = suite('vectors');

const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

const runner = at('./vectors.js');
const sample = at('../../spec/vectors/sample.jsonl.gz');
const shared = at('../../../shared/vectors');

const run = (...files: string[]): { output: string; status: number | null } => {
  const { stdout, status } = spawnSync(process.execPath, ['--enable-source-maps', runner, ...files], {
    encoding: 'utf8',
  });
  return { output: stdout, status };
};

const lastLine = (output: string): string => output.trimEnd().split('\n').at(-1) ?? '';

const lines = readVectorLines(sample);

for (const line of lines) {
  const vector = parseVector(line);
  test(`recorded: ${vector.id}`, () => {
    const { failures } = replay(vector);
    assert.equal(failures, []);
  });
}

test('a recorded merge that is not ours is found, and shown in the notation', () => {
  const vector = parseVector(lines.find((line) => line.includes('"mergedLeft"')) as string);
  const { merged } = vector;
  if (merged === null) throw new Error('the vector has no merge');
  const without = merged.left.map((changeset) => ({
    ...changeset,
    instructions: [],
    encoded: new Uint8Array(0),
  }));
  const { failures } = replay({ ...vector, anomaly: null, merged: { ...merged, left: without } });
  const found = failures.find(({ what }) => what === 'realm, merged left');
  assert.ok(found !== undefined);
  assert.ok(found.lines.every((line) => line.startsWith('+   ')));
});

test('a merge with its sides confused fails the suite, and ours passes it', async () => {
  const merges = lines.slice(0, 40);
  const failing = async (merge: Merge): Promise<number> => {
    let failed = 0;
    for (const { run } of vectorConformance(merges, merge))
      await run().catch(() => {
        failed++;
      });
    return failed;
  };
  const confused: Merge = (left, right, options) =>
    E.map(({ left: a, right: b }: Transformed) => ({ left: b, right: a }))(transform(left, right, options));
  assert.is(await failing(transform), 0);
  assert.ok((await failing(confused)) > 20);
  const [unreadable] = vectorConformance(['{"id": "v-1"}']);
  assert.is(unreadable?.name, 'vector 1: v-1');
  assert.instance(await unreadable?.run().catch((error: unknown) => error), Error);
});

test('bytes that are no changeset are refused', () => {
  const bytes = parseVector(lines[0] as string).baseEncoded;
  assert.throws(() => decodeReference(bytes.subarray(0, bytes.length - 1)), /end in the middle/);
  assert.throws(() => decodeReference(Uint8Array.of(40)), /unknown opcode/);
  assert.throws(() => decodeReference(Uint8Array.of(1, 0)), /not defined/);
  assert.throws(() => decodeReference(Uint8Array.of(63, 1, 0)), /out of order/);
});

test('the runner counts, and its exit code tells', () => {
  const good = run(sample);
  assert.is(good.status, 0, good.output);
  assert.is(lastLine(good.output), `${lines.length} passed, 0 failed`);
  const folder = mkdtempSync(join(tmpdir(), 'vectors-'));
  try {
    const file = join(folder, 'bad.jsonl');
    const [first = '', second = ''] = lines.filter((line) => line.includes('"error"'));
    writeFileSync(file, `${first}\n${second.replaceAll('Schema mismatch', 'Something else')}\nno vector\n`);
    const bad = run(file);
    assert.is(bad.status, 1);
    assert.is(lastLine(bad.output), '1 passed, 2 failed');
    assert.match(bad.output, 'FAILED no vector');
  } finally {
    rmSync(folder, { recursive: true });
  }
});

const files = existsSync(shared)
  ? readdirSync(shared).filter((name) => name.endsWith('.jsonl.gz') || name.endsWith('.jsonl'))
  : [];

if (files.length === 0)
  console.log(`!!! the complete vectors are not there (${shared}): only the sample was replayed`);
for (const file of files)
  test(`all recorded merges: ${file}`, () => {
    const { output, status } = run(join(shared, file));
    assert.is(status, 0, output);
    assert.match(lastLine(output), /^[1-9]\d* passed, 0 failed$/);
  });

test.run();
