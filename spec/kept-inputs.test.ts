/** The inputs that are kept for decoders, and how the fuzzer keeps those that it finds. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { hostileBytes } from './kit/decoder-law.js';
import { type DecoderName, decoderNames, faultOf } from './kit/decoders.js';
import { keepInput, keptFault, readAllKept, readKept } from './kit/kept-inputs.js';
import { seeded } from './kit/random.js';
import { shrinkRow } from './kit/shrink.js';
import { suite } from './kit/suite.js';

const test = suite('kept inputs');

test('are read or refused as they were', () => {
  for (const input of readAllKept()) assert.is(keptFault(input), null);
});

test('are there for each decoder: such as it takes, and such as it refuses', () => {
  for (const name of decoderNames) {
    const outcomes = new Set(readKept(name).map(({ expected }) => expected));
    assert.ok(outcomes.has('taken') && outcomes.has('refused'), name);
  }
});

/** A decoder of changesets that cannot bear a byte. */
const planted = (name: DecoderName, bytes: Uint8Array): string | null =>
  name === 'changesets' && bytes.includes(0xf8) ? 'a planted fault' : faultOf(name, bytes);

test('a fault is found, made small, kept and tried again', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'kept-inputs-'));
  const broken: Uint8Array[] = [];
  for (let seed = 1; broken.length === 0 && seed <= 20; seed++) {
    const found = (_: DecoderName, bytes: Uint8Array): unknown => broken.push(bytes);
    const story = hostileBytes(seeded(seed), { faultOf: planted, found, only: ['changesets'] });
    assert.is(story === null, broken.length === 0);
  }
  const [bytes] = broken as [Uint8Array];
  const { row } = await shrinkRow([...bytes], (each) => planted('changesets', Uint8Array.from(each)));
  assert.equal(row, [0xf8]);
  const small = Uint8Array.from(row);
  keepInput('changesets', small, 'a planted fault\nand where', folder);
  keepInput('changesets', small, 'the same again', folder);
  const kept = readKept('changesets', folder);
  assert.equal(
    kept.map(({ line, expected, bytes }) => [line, expected, [...bytes]]),
    [[2, 'found', [0xf8]]],
  );
  // With the fault gone, what was found is an input like another.
  assert.equal(kept.map(keptFault), [null]);
  rmSync(folder, { recursive: true });
});

test('one that is read otherwise is told with its place', () => {
  const [input] = readKept('changesets').filter(({ expected }) => expected === 'taken');
  assert.ok(input !== undefined);
  assert.match(
    keptFault({ ...input, expected: 'refused' }) ?? '',
    /^changesets, line \d+: taken and not refused/,
  );
});

test.run();
