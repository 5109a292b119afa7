/** Records that are not what was written: each is refused with its place, and nothing is made of it. */
import * as E from 'fp-ts/lib/Either.js';
import * as assert from 'uvu/assert';
import type { RecordEntry } from '../core/base/record.js';
import { runOf } from '../core/base/run.js';
import { aheadRecords } from '../core/history/ahead.js';
import { newClientFile } from '../core/history/client-file.js';
import {
  metaRecord as clientMeta,
  loadClientFile,
  reciprocalRecord,
  recordsBySpace,
  writeRecord,
} from '../core/history/client-records.js';
import type { CorruptRecord } from '../core/history/journal.js';
import { decodeNumbers, encodeNumbers } from '../core/history/numbers.js';
import { newPartition } from '../core/history/partition.js';
import { loadPartition, metaRecord, readCertificate } from '../core/history/server-records.js';
import type { Changeset } from '../core/model/changeset.js';
import { encodeInstructions } from '../core/model/codec.js';
import { createObject } from '../core/model/instruction.js';
import { intKey } from '../core/model/key.js';
import { loadParked } from '../core/reset/parked.js';
import { loadClient, loadFreshFile, newFreshFile } from '../core/reset/reset-records.js';
import { encodeText } from '../core/reset/text-record.js';
import { instructions } from './kit/notation.js';
import { suite } from './kit/suite.js';

const damage = suite('damaged records');

const refused = (what: string, result: E.Either<CorruptRecord, unknown>): string => {
  if (E.isRight(result)) throw new Error(`${what} was taken`);
  return result.left.message;
};

const write = (version: number, text: string): Changeset => ({
  version,
  base: 0,
  timestamp: 1,
  origin: 0,
  instructions: instructions(text),
});

const file = { ...newClientFile, ident: 2, salt: 3, version: 2 };
const schema = write(1, 'AddTable A topLevel _id: int');
const fitting = write(2, 'CreateObject A[1]');

damage('of a device: writes that cannot be decoded, stand elsewhere, or do not fit', () => {
  const loaded = (...records: readonly RecordEntry[]) => loadClientFile([clientMeta(file), ...records]);
  assert.ok(E.isRight(loaded(writeRecord(schema), writeRecord(fitting))));
  const torn = { ...writeRecord(fitting), bytes: writeRecord(fitting).bytes.slice(0, -1) };
  assert.match(refused('a torn write', loaded(writeRecord(schema), torn)), 'local');
  const elsewhere = { ...writeRecord(fitting), index: 7 };
  assert.match(refused('a write elsewhere', loaded(writeRecord(schema), elsewhere)), 'it is changeset 2');
  assert.match(refused('a write that does not fit', loaded(writeRecord(fitting))), 'local');
  const form = reciprocalRecord(2, fitting);
  const bad = { ...form, bytes: Uint8Array.of(255, 255) };
  assert.match(refused('a form', loaded(writeRecord(schema), writeRecord(fitting), bad)), 'reciprocal');
});

damage(
  'of a device: what has come down ahead, with parts that are damaged, elsewhere, or without their head',
  () => {
    const part = { ...fitting, base: 0, origin: 9 };
    const ahead = {
      download: { serverVersion: 2, lastIntegratedClientVersion: 0 },
      cut: 3,
      changesets: runOf([part]),
      brought: null,
    };
    const [head, record] = aheadRecords(ahead, [part]) as [RecordEntry, RecordEntry];
    const loaded = (...records: readonly RecordEntry[]) => loadClientFile([clientMeta(file), ...records]);
    const sound = loaded(head, record);
    assert.equal(E.isRight(sound) && sound.right.ahead, ahead);
    const torn = (entry: RecordEntry): RecordEntry => ({ ...entry, bytes: entry.bytes.slice(0, -1) });
    assert.match(refused('a torn part', loaded(head, torn(record))), 'ahead');
    assert.match(refused('a torn head', loaded(torn(head), record)), 'ahead');
    assert.match(refused('a part elsewhere', loaded(head, { ...record, index: 7 })), 'it is changeset 2');
    assert.match(refused('no head', loaded(record)), 'it is missing, though changesets are there');
  },
);

damage('of a device: what comes after a reset is refused with its file', () => {
  const lone = writeRecord(fitting);
  assert.match(refused('a file', loadClient([lone])), 'it is missing');
  const parked = { space: 'parked', index: 1, bytes: encodeText('nothing') };
  assert.match(refused('parked', loadClient([clientMeta(file), parked])), 'it is no parked write');
});

const body = Buffer.from(encodeInstructions([createObject('A', intKey(1n))])).toString('hex');
const whole = { version: 1, timestamp: 1, instructions: body, why: [['classGone', 'it has gone']] };
const parkedWrites: readonly (readonly [what: string, value: unknown, says: string])[] = [
  ['a text', 'parked', 'it is no parked write'],
  ['nothing', null, 'it is no parked write'],
  ['a record of something else', { version: 1 }, 'it is no parked write'],
  ['no version', { ...whole, version: undefined }, 'lacks its version'],
  ['no time', { ...whole, timestamp: '1' }, 'lacks its version'],
  ['a list of instructions', { ...whole, instructions: ['all'] }, 'lacks its version'],
  ['half a byte', { ...whole, instructions: body.slice(1) }, 'lacks its version'],
  ['instructions that end too soon', { ...whole, instructions: body.slice(2, -2) }, 'record parked/1'],
  ['no reasons', { ...whole, why: [] }, 'of each instruction why'],
  ['a reason that is no list', { ...whole, why: ['classGone'] }, 'lacks its reason'],
  ['a reason that is not known', { ...whole, why: [['y', 'z']] }, 'lacks its reason'],
];
damage('of a parked write: none', () => {
  const record = { space: 'parked', index: 1, bytes: encodeText(whole) };
  assert.is(loadParked(recordsBySpace([record]))._tag, 'Right');
});
for (const [what, value, says] of parkedWrites)
  damage(`of a parked write: ${what}`, () => {
    const record = { space: 'parked', index: 1, bytes: encodeText(value) };
    assert.match(refused(what, loadParked(recordsBySpace([record]))), says);
  });

const cause = {
  action: 'ClientReset',
  code: 222,
  name: 'client_file_expired',
  message: 'it was away',
  isRecoveryDisabled: false,
  integrated: null,
  rejected: [],
};
const pending = {
  performs: 'recovery',
  stage: 'downloading',
  cause,
  firstCause: cause,
  attempts: 1,
  fallback: null,
};
const lies: Readonly<Record<string, unknown>> = {
  'no record': 7,
  'another deed': { ...pending, performs: 'nothing' },
  'another stage': { ...pending, stage: 'asleep' },
  'a fallback that is no sentence': { ...pending, fallback: 1 },
  'no attempts': { ...pending, attempts: 'one' },
  'a cause that is none': { ...pending, cause: 'because' },
  'a cause without code': { ...pending, cause: { ...cause, code: '222' } },
  'a cause that may or may not recover': { ...pending, firstCause: { ...cause, isRecoveryDisabled: 1 } },
  'a cause that integrated a text': { ...pending, cause: { ...cause, integrated: 'all' } },
  'a cause that rejected a text': { ...pending, cause: { ...cause, rejected: 'all' } },
};

const loadedReset = (value: unknown) =>
  loadClient([clientMeta(file), { space: 'reset', index: 0, bytes: encodeText(value) }]);

damage('of a pending reset: the honest one is read', () => {
  const read = loadedReset({
    ...pending,
    fallback: 'it may not',
    cause: { ...cause, integrated: 3, rejected: [2] },
  });
  assert.ok(E.isRight(read));
  assert.is(read.right.reset?.fallback, 'it may not');
});
for (const [what, value] of Object.entries(lies))
  damage(`of a pending reset: ${what}`, () => {
    assert.match(refused(what, loadedReset(value)), 'it is no pending client reset');
  });
damage('of a pending reset: text that is none', () => {
  const good = encodeText(pending);
  for (const bytes of [Uint8Array.of(9), good.slice(0, -3), Uint8Array.of(...good.slice(0, 1), 0xff, 0xfe)]) {
    const loaded = loadClient([clientMeta(file), { space: 'reset', index: 0, bytes }]);
    assert.ok(refused('the text', loaded).length > 0);
  }
});

damage('of a fresh file: it is begun again', () => {
  assert.equal(loadFreshFile(file, recordsBySpace([])), newFreshFile(file));
  const torn = { space: 'fresh', index: 0, bytes: Uint8Array.of(255) };
  assert.equal(loadFreshFile(file, recordsBySpace([torn])), newFreshFile(file));
});

damage('of a server: its meta record, and certificates of compactions', () => {
  const meta = metaRecord({ ...newPartition(5), head: 0 });
  assert.ok(E.isRight(loadPartition([meta], 5)));
  const [layout = 0] = meta.bytes;
  const numbers = decodeNumbers(layout, 'any', meta.bytes);
  assert.ok(typeof numbers !== 'string');
  for (const [what, bytes] of [
    ['one number too many', encodeNumbers(layout, [...numbers, 1])],
    ['too few numbers', encodeNumbers(layout, numbers.slice(0, 2))],
    ['another layout', encodeNumbers(77, numbers)],
    ['no number', Uint8Array.of(layout, 0xff)],
    ['nothing', new Uint8Array(0)],
  ] as const)
    assert.match(refused(what, loadPartition([{ ...meta, bytes }], 5)), 'meta', what);
  for (const bytes of [Uint8Array.of(), encodeNumbers(1, [1, 2, 3])])
    assert.match(
      refused('a certificate', readCertificate({ space: 'certificate', index: 1, bytes })),
      'certificate',
    );
});

damage('numbers that do not fit in a record are a bug of who writes them', () => {
  for (const number of [-1, 0.5, Number.NaN, 2 ** 53])
    assert.throws(() => encodeNumbers(1, [number]), /an integer from 0 to 2\^53 - 1/);
});

damage.run();
