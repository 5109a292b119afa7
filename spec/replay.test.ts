import * as fs from 'node:fs';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as E from 'fp-ts/lib/Either.js';
import * as assert from 'uvu/assert';
import { limits } from '../core/base/limits.js';
import { newClientFile } from '../core/history/client-file.js';
import { syncline } from '../core/merge/rule-set.js';
import { addTable } from '../core/model/instruction.js';
import { firstBad } from '../core/replay/condition.js';
import { blockBytes } from '../core/replay/container.js';
import { decodeRecording } from '../core/replay/recording.js';
import { Replay, type ReplayedStep } from '../core/replay/replay.js';
import { LIBRARY_VERSION } from '../core/replay/version.js';
import type { PendingReset } from '../core/reset/mode.js';
import { defaultTiming, newClientSession } from '../core/session/client-session.js';
import { fileRecording, memoryRecording } from '../transports/recording.js';
import { eventually } from './kit/async.js';
import { add, schema, setUp } from './kit/driver-world.js';
import { readRecording, recordedLives, underItsLimits, withDigestChanged } from './kit/recordings.js';
import { suite } from './kit/suite.js';
import { withLimits } from './kit/with-limits.js';
import { build } from './kit/worlds.js';
import type { SimulationOptions } from './simulation/simulate.js';

const test = suite('replay');

const stepsOf = (bytes: Uint8Array): ReplayedStep[] => {
  const recording = readRecording(bytes);
  return underItsLimits(recording, () => [...new Replay(recording).steps()]);
};

const allSame = (steps: readonly ReplayedStep[], what: string): void => {
  for (const step of steps) assert.equal(step.differences, [], `${what}, step ${step.number}`);
};

test('recordings say which version has made them', () => {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  assert.is(LIBRARY_VERSION, version);
});

/** A device whose server is restored to a time before has to reset. */
const resetting: SimulationOptions = {
  seed: 800_504,
  devices: 1,
  servers: 1,
  partitions: 1,
  carrier: 'link',
  explain: false,
  tight: false,
  compacts: true,
  maxOffline: null,
  reset: 'recover',
  events: [
    { at: 239, does: 'pause one way', seed: 2 },
    { at: 314, does: 'write', seed: 0 },
    { at: 752, does: 'restored backup', seed: 0 },
    { at: 895, does: 'write', seed: 0 },
  ],
};

test('whatever programs live through is reproduced exactly', async () => {
  const seen = new Set<string>();
  const seeds = Array.from({ length: 7 }, (_, i): SimulationOptions => ({ seed: i + 1 }));
  for (const options of [...seeds, resetting])
    for (const [name, recorder] of await recordedLives(options)) {
      assert.is(recorder.failure, null);
      assert.is(readRecording(recorder.bytes()).damage, null);
      const steps = stepsOf(recorder.bytes());
      allSame(steps, `seed ${options.seed}, ${name}`);
      for (const step of steps) if (step.type !== 'lost') seen.add(`${step.type} ${step.event.type}`);
    }
  for (const event of ['client write', 'client message', 'client switched', 'server message', 'server read'])
    assert.ok(seen.has(event), event);
  for (const event of ['server rewritten', 'server refreshed', 'server gone', 'client timer'])
    assert.ok(seen.has(event), event);
});

const sentence = 'so many words about a task that it takes some place in a recording. '.repeat(2);

const wordy = [{ ...schema[0], properties: { _id: 'string', votes: 'int', text: 'string?' } }];

test('a recording stays within its bounds, and holds what came last', async () => {
  const before = { ...limits };
  // What a server holds of its history is in each of its checkpoints.
  Object.assign(limits, { tailEntries: 20 });
  const maxBytes = 64 * 1024;
  const recorder = memoryRecording({ maxBytes });
  const serving = memoryRecording({ maxBytes });
  const { open, server } = await setUp({ recorder: serving });
  const client = await open({ recorder, schema: wordy });
  for (let i = 0; i < 40; i++) client.write((tx) => tx.create('Task', { _id: `t${i}`, text: sentence }));
  for (let i = 0; i < 800; i++) {
    client.write((tx) => tx.update('Task', `t${i % 40}`, { votes: i, text: `${i} ${sentence}` }));
    if (i % 20 === 0) await client.session.waitForUpload();
  }
  await client.session.waitForUpload();
  const { version } = client.write(() => undefined);
  await client.close();
  await server.close();
  Object.assign(limits, before);
  for (const each of [recorder, serving]) {
    const bytes = each.bytes();
    assert.is(each.failure, null);
    assert.ok(bytes.length <= maxBytes, `${bytes.length} bytes`);
    assert.ok(bytes.length > maxBytes / 3, `${bytes.length} bytes`);
    const { segments } = readRecording(bytes);
    assert.ok(segments > 4, `${segments} segments`);
    const steps = stepsOf(bytes);
    assert.ok(steps.length > 50);
    allSame(steps, 'ring');
  }
  const last = stepsOf(recorder.bytes()).at(-1);
  assert.is(last?.type === 'client' ? last.after?.machine.file.version : 0, version);
});

/** A client that has written, uploaded and closed; and what its server has seen. */
const shortLife = async (more: Parameters<Awaited<ReturnType<typeof setUp>>['open']>[0] = {}) => {
  const recorder = memoryRecording();
  const serving = memoryRecording();
  const { open, server } = await setUp({ recorder: serving });
  const client = await open({ recorder, ...more });
  for (let i = 0; i < 30; i++) add(client);
  await client.session.waitForUpload();
  await client.session.waitForDownload();
  await client.close();
  await server.close();
  return { client: recorder.bytes(), server: serving.bytes() };
};

test('the first step that differs is found, and no other one is taken for it', async () => {
  const { client, server } = await shortLife();
  for (const bytes of [client, server])
    for (const n of [1, 7, stepsOf(bytes).length]) {
      const changed = withDigestChanged(bytes, n);
      const bad = stepsOf(changed).filter(({ differences }) => differences.length > 0);
      assert.equal(
        bad.map(({ number }) => number),
        [n],
      );
      assert.is(firstBad(new Replay(readRecording(changed))).number, n);
    }
});

test('an engine that does something else is found out at the step where it does', async () => {
  const { client } = await shortLife();
  const recording = readRecording(client);
  const uploads = stepsOf(client).filter(
    (step) =>
      step.type === 'client' &&
      step.after?.effects.some((effect) => effect.type === 'send' && effect.message.type === 'upload'),
  );
  const { number } = withLimits({ uploadsInFlight: 0 }, () => firstBad(new Replay(recording)));
  assert.is(number, uploads[0]?.number);
  assert.is(firstBad(new Replay(recording)).number, null);
});

test('steps are reached in any order', async () => {
  const { server } = await shortLife();
  const recording = readRecording(server);
  const inOrder = [...new Replay(recording).steps()];
  const replay = new Replay(recording);
  assert.is(replay.length, inOrder.length);
  for (let i = 0; i < 200; i++) {
    const number = 1 + ((i * 37) % replay.length);
    const step = replay.at(number);
    const expected = inOrder[number - 1] as ReplayedStep;
    assert.is(step.number, number);
    if (step.type !== 'server' || expected.type !== 'server') throw new Error('a step is lost');
    assert.is(step.after?.machine.partition.head, expected.after?.machine.partition.head);
    assert.equal(step.event, expected.event);
  }
  assert.throws(() => replay.at(0), /there are steps 1 to/);
  assert.throws(() => replay.at(replay.length + 1), /there are steps 1 to/);
});

test('no token gets into a recording', async () => {
  const secret = 'a-token-that-nobody-else-may-see';
  const recorder = memoryRecording();
  const serving = memoryRecording();
  const { open, server } = await setUp({
    recorder: serving,
    verifyToken: async (token) =>
      token === secret
        ? { type: 'verified', user: { id: 'ann', data: null }, expiresAt: null, issuedAt: null }
        : { type: 'refused', fault: 'untrusted', message: 'no' },
  });
  const client = await open({ recorder, token: { token: async () => secret } });
  add(client);
  await client.session.waitForUpload();
  await client.close();
  await server.close();
  for (const each of [recorder, serving]) {
    const bytes = each.bytes();
    assert.not.ok(Buffer.from(bytes).includes(secret));
    const steps = stepsOf(bytes);
    assert.ok(steps.length > 5);
    allSame(steps, 'tokens');
  }
});

test('what is too large leaves a gap, or its machine out, and the rest goes on', async () => {
  const recorder = memoryRecording({ maxBytes: 64 * 1024 });
  const { open, server } = await setUp();
  const client = await open({ recorder, schema: wordy });
  add(client);
  client.write((tx) => tx.create('Task', { _id: 'large', text: 'x'.repeat(9_000) }));
  add(client);
  const withGap = recorder.bytes();
  assert.ok(readRecording(withGap).entries.some(({ head }) => head.type === 'gap'));
  const steps = stepsOf(withGap);
  allSame(steps, 'gap');
  const version = client.write(() => undefined).version;
  const last = steps.at(-1);
  assert.is(last?.type === 'client' ? last.after?.machine.file.version : 0, version);

  for (let i = 0; i < 6; i++)
    client.write((tx) => tx.create('Task', { _id: `${i}`, text: 'y'.repeat(7_000) }));
  for (let i = 0; i < 10; i++) client.write((tx) => tx.update('Task', '0', { votes: i }));
  const without = readRecording(recorder.bytes());
  const left = without.entries.map(({ head }) => head).filter((head) => head.type === 'leftOut');
  assert.ok(left.some((head) => head.name === 'p' && head.bytes > 16 * 1024));
  allSame(stepsOf(recorder.bytes()), 'left out');
  await client.close();
  await server.close();
});

test('a machine that throws is recorded to the end, and throws again', () => {
  const recorder = memoryRecording();
  const track = recorder.client('p');
  const config = { partition: 'p', rules: syncline, explain: false, timing: defaultTiming };
  const cause = {
    ...{ action: 'ClientReset', code: 208, name: 'bad', message: 'm' },
    ...{ isRecoveryDisabled: false, integrated: null, rejected: [] },
  };
  const reset: PendingReset = {
    performs: 'recovery',
    stage: 'downloading',
    cause,
    firstCause: cause,
    attempts: 1,
    fallback: null,
  };
  const instructions = [
    addTable('T', {
      type: 'topLevel',
      primaryKey: { name: '_id', type: 'int', nullable: false },
      asymmetric: false,
    }),
  ];
  let session = newClientSession(config, newClientFile, reset);
  session = track.take(session, { type: 'resume', now: 1 }).session;
  assert.is(session.phase, 'resetting');
  session = track.take(session, { type: 'write', instructions, state: build(instructions), now: 2 }).session;
  const prepared = {
    ...{
      fresh: newClientFile,
      base: newClientFile.base,
      state: newClientFile.state,
      writes: [],
      dropped: [],
    },
    ...{
      report: { writes: [], counts: { recovered: 0, transformed: 0, superseded: 0, parked: 0 } },
      parked: [],
    },
    through: 0,
  };
  assert.throws(() => track.take(session, { type: 'switched', prepared, now: 3 }), /bug: a switch/);
  const steps = stepsOf(recorder.bytes());
  assert.is(steps.length, 3);
  allSame(steps, 'throws');
  const last = steps[2];
  assert.match(last?.type === 'client' ? (last.threw ?? '') : '', 'bug: a switch that does not know');
  assert.is(firstBad(new Replay(readRecording(recorder.bytes()))).number, 3);
});

test('a recording that is cut off anywhere, or damaged, is read up to there', async () => {
  const { client } = await shortLife();
  const whole = stepsOf(client).length;
  let most = 0;
  for (let length = 0; length < client.length; length += 13) {
    const decoded = decodeRecording(client.subarray(0, length));
    if (E.isLeft(decoded)) {
      assert.is(decoded.left.code, 'truncated');
      continue;
    }
    const { damage } = decoded.right;
    if (damage !== null) {
      // No more than the block that is not whole.
      const [, at] = /^a block at (\d+) is cut off$/.exec(damage) ?? [];
      assert.ok(length - Number(at) < 2 * blockBytes, damage);
    }
    const steps = [...new Replay(decoded.right).steps()];
    allSame(steps, `cut off at ${length}`);
    assert.ok(steps.length >= most && steps.length < whole);
    most = steps.length;
  }
  assert.ok(most > whole / 2);
  for (let at = 17; at < client.length; at += 23) {
    const bytes = client.slice();
    bytes[at] = (bytes[at] as number) ^ 0x20;
    const decoded = decodeRecording(bytes);
    if (E.isLeft(decoded)) continue;
    assert.ok(decoded.right.damage !== null || at >= client.length - 1, `damaged at ${at}`);
    allSame([...new Replay(decoded.right).steps()], `damaged at ${at}`);
  }
  const refused = decodeRecording(new TextEncoder().encode('this is something else altogether'));
  assert.match(E.isLeft(refused) ? refused.left.message : '', 'it is no recording');
});

test('a file holds at any moment what was recorded by then, in two places that take turns', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'syncline-recording-'));
  const path = join(folder, 'client.rec');
  const maxBytes = 64 * 1024;
  const recorder = fileRecording({ fs, path, maxBytes });
  const { open, server } = await setUp();
  const client = await open({ recorder, schema: wordy });
  const lastVersion = (): number => {
    const bytes = readFileSync(path);
    // Before the first write.
    if (bytes.length === 0) return 0;
    const steps = stepsOf(bytes);
    allSame(steps, 'file');
    const last = steps.at(-1);
    return last?.type === 'client' ? (last.after?.machine.file.version ?? 0) : 0;
  };
  for (let i = 0; i < 20; i++) client.write((tx) => tx.create('Task', { _id: `t${i}`, text: sentence }));
  for (let round = 0; round < 8; round++) {
    for (let i = 0; i < 60; i++)
      client.write((tx) => tx.update('Task', `t${i % 20}`, { votes: i, text: `${i} ${sentence}` }));
    const { version } = client.write(() => undefined);
    await eventually('the file has it', () => lastVersion() >= version);
    await client.session.waitForUpload();
  }
  await client.close();
  await server.close();
  recorder.close();
  assert.is(recorder.failure, null);
  assert.ok(fs.statSync(path).size <= maxBytes);
  assert.ok(readRecording(readFileSync(path)).segments >= 4);
  lastVersion();
  rmSync(folder, { recursive: true });
});

test('a medium that fails ends the recording, and nothing else', async () => {
  let left = 3;
  const failing = {
    ...fs,
    openSync: () => 1,
    fsyncSync: () => undefined,
    closeSync: () => undefined,
    writeSync: (_file: number, _bytes: Uint8Array, _offset: number, length: number) => {
      if (--left < 0) throw new Error('no space is left');
      return length;
    },
  };
  const recorder = fileRecording({ fs: failing, path: 'nowhere' });
  const { open, server } = await setUp();
  const client = await open({ recorder });
  let added = 0;
  await eventually('the medium has failed', async () => {
    added++;
    add(client);
    await client.session.waitForUpload();
    return recorder.failure !== null;
  });
  add(client);
  assert.is([...client.objects('Task')].length, added + 1);
  assert.match(recorder.failure?.message ?? '', 'no space is left');
  await client.close();
  await server.close();
});

test.run();
