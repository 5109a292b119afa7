/** The client's machine: those who wait for one write, or for all of them. */

import * as assert from 'uvu/assert';
import { entriesOf } from '../core/base/run.js';
import { newClientFile } from '../core/history/client-file.js';
import { writeRecord } from '../core/history/client-records.js';
import { addTable } from '../core/model/instruction.js';
import { droppedIn, parkedOf } from '../core/reset/losses.js';
import { type Outcome, parked, recovered, reportOf } from '../core/reset/report.js';
import { Machine } from './kit/client-machine.js';
import { suite } from './kit/suite.js';

const waits = suite('waits for writes');

waits('end with its acknowledgement, and not with that of another', () => {
  const machine = new Machine().stream().write().write();
  machine.tell({ type: 'await', what: 'upload', id: 1, version: 1 });
  machine.tell({ type: 'await', what: 'upload', id: 2, version: 2 });
  machine.download([], 1);
  const settled = () => machine.effects.flatMap((effect) => (effect.type === 'settled' ? [effect.id] : []));
  assert.equal(settled(), [1]);
  machine.download([], 2);
  assert.equal(settled(), [2]);
  machine.tell({ type: 'await', what: 'upload', id: 3, version: 2 });
  assert.equal(settled(), [3]);
});

waits('for a version that is no write end with the writes before it', () => {
  const machine = new Machine().stream().write().download(['Foreign']);
  assert.is(machine.session.file.version, 2);
  machine.tell({ type: 'await', what: 'upload', id: 1, version: 2 });
  assert.equal(machine.did, []);
  machine.download([], 1);
  assert.ok(machine.did.includes('settled'));
});

waits('are answered after a failure where the write had been integrated before', () => {
  const machine = new Machine()
    .stream()
    .write()
    .write()
    .download([], 1)
    .tell({ type: 'garbage', message: 'x' });
  assert.is(machine.phase, 'failed');
  machine.tell({ type: 'await', what: 'upload', id: 1, version: 1 });
  assert.equal(machine.effects, [{ type: 'settled', id: 1, failure: null }]);
  machine.tell({ type: 'await', what: 'upload', id: 2, version: 2 });
  assert.ok(machine.effects.some((effect) => effect.type === 'settled' && effect.failure?.code === 109));
});

waits('end with a client reset that drops what they are for, and go on where it does not', () => {
  const machine = new Machine().stream().write().write().write();
  machine.session = { ...machine.session, config: { ...machine.session.config, reset: 'recover' } };
  for (const version of [1, 2, 3]) machine.tell({ type: 'await', what: 'upload', id: version, version });
  machine.tell({ type: 'await', what: 'upload', id: 4 });
  machine.hear({ type: 'error', code: 208, message: 'no', tryAgain: false, action: 'ClientReset' });
  assert.is(machine.phase, 'resetting');
  const writes = entriesOf(machine.session.file.writes);
  const outcomes: readonly Outcome[] = [
    recovered,
    parked('classGone', 'gone'),
    { type: 'superseded', by: addTable('X', { type: 'embedded' }), reason: 'the server has it' },
  ];
  const report = writes.map(({ version, original: { timestamp, instructions } }, at) => ({
    version,
    timestamp,
    mergedBefore: 0,
    instructions: instructions.map((instruction) => ({ instruction, outcome: outcomes[at] as Outcome })),
  }));
  const fresh = { ...newClientFile, ident: 3, salt: 9, generation: 1 };
  machine.tell({
    type: 'switched',
    prepared: {
      fresh,
      base: fresh.base,
      state: machine.session.file.state,
      writes: writes.slice(0, 1).map((write) => ({ write, record: writeRecord(write.original) })),
      report: reportOf(report),
      parked: parkedOf(report, 1),
      dropped: droppedIn(report),
      through: 3,
    },
  });
  const settled = () =>
    machine.effects.flatMap((effect) =>
      effect.type === 'settled' ? [[effect.id, effect.failure?.message ?? null]] : [],
    );
  const why = 'write 2, or a part of it, was parked in a client reset';
  assert.equal(settled(), [
    [2, why],
    [4, why],
  ]);
  // What the server has overruled ends with the writes before it.
  assert.equal(
    machine.session.waiters.map(({ id }) => id),
    [1, 3],
  );
  for (const version of [1, 2]) machine.tell({ type: 'await', what: 'upload', id: 4 + version, version });
  assert.equal(settled(), [[6, why]]);
  machine.tell({ type: 'await', what: 'upload', id: 7 });
  assert.equal(settled(), []);
});

waits('cannot be left behind by a switch that does not know of the last write', () => {
  const machine = new Machine().stream().write();
  machine.session = { ...machine.session, config: { ...machine.session.config, reset: 'discardLocal' } };
  machine.hear({ type: 'error', code: 208, message: 'no', tryAgain: false, action: 'ClientReset' });
  machine.write();
  const { base } = newClientFile;
  const prepared = {
    fresh: newClientFile,
    base,
    state: base,
    writes: [],
    report: reportOf([]),
    parked: [],
    dropped: [],
  };
  assert.throws(() => machine.tell({ type: 'switched', prepared: { ...prepared, through: 1 } }), /bug/);
});

waits.run();

const acknowledgements = suite('acknowledgements');

/** Everything but the acknowledgement is as it was. */
const acknowledged = (machine: Machine, clientVersion: number): Machine => {
  const { progress } = machine.session.file;
  return machine.hear({
    type: 'download',
    download: progress.download,
    upload: { clientVersion, lastIntegratedServerVersion: 0 },
    latest: progress.latest,
    downloadableBytes: 0,
    changesets: [],
  });
};

acknowledgements('that a restored server has lost, and no version with them, do not end the session', () => {
  const machine = new Machine().stream().write().download([], 1).download(['Foreign']);
  acknowledged(machine, 2);
  const { upload } = machine.session.file.progress;
  assert.is(upload.clientVersion, 2);
  machine.tell({ type: 'closed', reason: 'lost', chance: 0 }).wake();
  machine.tell({ type: 'opened', token: 't' });
  acknowledged(machine, 1).answerMark();
  assert.is(machine.phase, 'streaming');
  assert.equal(machine.session.file.progress.upload, upload);
  machine.write();
  assert.equal(
    machine.sent.map((message) => (message.type === 'upload' ? message.changesets.length : 0)),
    [1],
  );
  const written = machine.session.file.version;
  acknowledged(machine, written);
  assert.is(machine.session.file.progress.upload.clientVersion, written);
});

acknowledgements('that go back within one binding break the protocol', () => {
  const machine = new Machine().stream().write().download([], 1).download(['Foreign']);
  acknowledged(machine, 2);
  acknowledged(machine, 1);
  assert.is(machine.phase, 'failed');
  assert.match(machine.session.failure?.message ?? '', 'went back');
});

acknowledgements.run();
