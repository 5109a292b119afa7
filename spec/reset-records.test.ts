import * as E from 'fp-ts/lib/Either.js';
import * as assert from 'uvu/assert';
import type { RecordEntry } from '../core/base/record.js';
import { recordsBySpace } from '../core/history/client-records.js';
import { droppedRecord, firstDropped, loadDropped } from '../core/reset/dropped.js';
import { droppedIn, parkedOf } from '../core/reset/losses.js';
import { type PendingReset, planReset, type ResetCause, resetModes } from '../core/reset/mode.js';
import { loadParked, type ParkedWrite, parkedRecord } from '../core/reset/parked.js';
import type { Outcome, WriteReport } from '../core/reset/report.js';
import { loadClient, pendingRecord } from '../core/reset/reset-records.js';
import { decodeText, encodeText } from '../core/reset/text-record.js';
import { instructions } from './kit/notation.js';
import { recover, resetCaseOf } from './kit/reset-case.js';
import { suite } from './kit/suite.js';

const test = suite('what a reset remembers');

const cause: ResetCause = {
  action: 'ClientReset',
  code: 222,
  name: 'client_file_expired',
  message: 'it was away for long',
  isRecoveryDisabled: false,
  integrated: null,
  rejected: [],
};

const pendingOf = (mode: (typeof resetModes)[number], previous: PendingReset | null = null, more = {}) => {
  const plan = planReset(mode, { ...cause, ...more }, previous);
  return plan.type === 'reset' ? plan.pending : null;
};

test('the mode decides, and the server may forbid to recover', () => {
  const performed = (more: object) => resetModes.map((mode) => pendingOf(mode, null, more)?.performs ?? null);
  assert.equal(performed({}), [null, 'discard', 'recovery', 'recovery']);
  assert.equal(performed({ isRecoveryDisabled: true }), [null, 'discard', null, 'discard']);
  assert.match(pendingOf('recoverOrDiscard', null, { isRecoveryDisabled: true })?.fallback ?? '', 'forbids');
});

test('what did not help is not done again, whatever the mode, and the first cause is kept', () => {
  const first = pendingOf('recover') as PendingReset;
  const done: PendingReset = { ...first, stage: 'confirming' };
  const later = { message: 'once more' };
  assert.equal(
    resetModes.map((mode) => pendingOf(mode, done, later)?.performs ?? null),
    [null, 'discard', null, 'discard'],
  );
  const second = pendingOf('recoverOrDiscard', done, later) as PendingReset;
  assert.is(second.firstCause.message, cause.message);
  assert.is(second.attempts, 2);
  assert.match(second.fallback ?? '', cause.message);
  for (const mode of resetModes) {
    const plan = planReset(mode, cause, { ...second, stage: 'confirming' });
    assert.is(plan.type, 'refused');
    if (plan.type === 'refused' && mode !== 'manual') assert.match(plan.reason, cause.message);
  }
});

test('another cause is another reset, but not for ever', () => {
  let pending = pendingOf('recover') as PendingReset;
  for (let i = 2; i <= 10; i++) {
    const next = pendingOf('recover', { ...pending, stage: 'confirming' }, { code: 200 + i });
    assert.is(next?.attempts, i);
    pending = next as PendingReset;
  }
  assert.is(pendingOf('recover', { ...pending, stage: 'confirming' }, { code: 250 }), null);
});

test('resets that set one refused write aside after the other are no failures, and end by themselves', () => {
  let pending = pendingOf('recover', null, { rejected: [1] }) as PendingReset;
  for (let version = 2; version <= 50; version += 2) {
    const more = { rejected: [version, version + 1] };
    pending = pendingOf('recover', { ...pending, stage: 'confirming' }, more) as PendingReset;
    assert.equal([pending.performs, pending.attempts], ['recovery', 1]);
  }
  assert.is(pendingOf('recover', { ...pending, stage: 'confirming' }, { rejected: [50, 51] }), null);
});

test('a pending reset is read back as it was written, and nothing else is taken for one', () => {
  const pending = pendingOf('recoverOrDiscard') as PendingReset;
  const load = (record: RecordEntry) => loadClient([...stored, record]);
  const stored: RecordEntry[] = [];
  const bare = loadClient([]);
  assert.ok(E.isRight(bare) && bare.right.reset === null);
  const record = pendingRecord(pending);
  const meta = { space: 'meta', index: 0, bytes: new Uint8Array(1 + 14 * 8) };
  meta.bytes[0] = 2;
  stored.push(meta);
  const loaded = load(record);
  assert.equal(E.isRight(loaded) ? loaded.right.reset : null, pending);
  for (const value of [null, 7, {}, { ...pending, stage: 'other' }, { ...pending, cause: {} }])
    assert.ok(E.isLeft(load({ ...record, bytes: encodeText(value) })));
  for (let length = 0; length < record.bytes.length; length++)
    assert.ok(E.isLeft(load({ ...record, bytes: record.bytes.slice(0, length) })));
});

test('parked writes are read back as they were written, and what is damaged is named', () => {
  const given = resetCaseOf(
    'AddTable A topLevel _id: int\nAddColumn A.n: int\nAddColumn A.s: string\nCreateObject A[1]',
    'Update A[1].n = 5\nUpdate A[1].s = "x"\n--\nUpdate A[1].n = 6',
    'EraseColumn A.n',
  );
  const parked = parkedOf(recover(given).report, 4);
  assert.equal(
    parked.map(({ id, version, instructions: parts }) => [id, version, parts.map(({ why }) => why)]),
    [
      [4, 1, ['propertyGone']],
      [5, 2, ['propertyGone']],
    ],
  );
  const entries = parked.map(parkedRecord);
  const loaded = loadParked(recordsBySpace(entries));
  assert.equal(E.isRight(loaded) ? loaded.right : [], parked as ParkedWrite[]);
  assert.equal(parked[0]?.instructions[0]?.instruction, instructions('Update A[1].n = 5')[0]);
  const [entry] = entries as [RecordEntry];
  for (let length = 0; length < entry.bytes.length; length++) {
    const damaged = loadParked(recordsBySpace([{ ...entry, bytes: entry.bytes.slice(0, length) }]));
    assert.match(E.isLeft(damaged) ? damaged.left.message : '', 'parked/4');
  }
  const read = decodeText(entry.bytes);
  const value = (E.isRight(read) ? read.right : {}) as { instructions: string; why: unknown[] };
  assert.ok(E.isRight(loadParked(recordsBySpace([{ ...entry, bytes: encodeText(value) }]))));
  for (const other of [
    { ...value, version: '1' },
    { ...value, instructions: 7 },
    { ...value, instructions: `${value.instructions}0` },
    { ...value, instructions: value.instructions.slice(2) },
    { ...value, instructions: 'Update A[1].n = 5' },
    { ...value, why: [] },
    { ...value, why: [['elsewhere', 'it was']] },
    { ...value, why: [['propertyGone', 5]] },
  ]) {
    const damaged = loadParked(recordsBySpace([{ ...entry, bytes: encodeText(other) }]));
    assert.match(E.isLeft(damaged) ? damaged.left.message : '', 'parked/4', JSON.stringify(other));
  }
});

test('what was dropped is one range for neighbours, and is read back as it was written', () => {
  const given = resetCaseOf(
    'AddTable A topLevel _id: int\nAddColumn A.n: int\nAddColumn A.s: string\nCreateObject A[1]',
    'Update A[1].n = 5\n--\nUpdate A[1].n = 6\n--\nUpdate A[1].s = "x"\n--\nUpdate A[1].s = "y"\nUpdate A[1].n = 7',
    'EraseColumn A.n',
  );
  const ranges = droppedIn(recover(given).report);
  assert.equal(ranges, [
    { from: 1, to: 2, drop: 'parked' },
    { from: 4, to: 4, drop: 'parked' },
  ]);
  assert.equal(
    [0, 1, 2, 3, 4, 5].filter((version) => firstDropped(ranges, version, version) !== undefined),
    [1, 2, 4],
  );
  const { version, instructions: parts, ...rest } = recover(given).report[0] as WriteReport;
  const outcome: Outcome = { type: 'superseded', by: null, reason: 'so the app wants' };
  const thrownAway = { ...rest, version, instructions: parts.map((part) => ({ ...part, outcome })) };
  assert.equal(droppedIn([thrownAway]), [{ from: 1, to: 1, drop: 'discarded' }]);
  const record = droppedRecord(ranges);
  const loaded = loadDropped(recordsBySpace([record]));
  assert.equal(E.isRight(loaded) ? loaded.right : [], ranges);
  for (const value of [7, {}, [[1, 2]], [[1, 2, 'other']], [['1', 2, 'parked']]])
    assert.ok(E.isLeft(loadDropped(recordsBySpace([{ ...record, bytes: encodeText(value) }]))));
  for (let length = 0; length < record.bytes.length; length++)
    assert.ok(E.isLeft(loadDropped(recordsBySpace([{ ...record, bytes: record.bytes.slice(0, length) }]))));
});

test.run();
