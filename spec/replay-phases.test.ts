/** Whatever may come in whatever phase is recorded, replayed, told and anonymized like what programs live through. */
import * as E from 'fp-ts/lib/Either.js';
import * as assert from 'uvu/assert';
import { set } from '../core/base/trie.js';
import { newPartition } from '../core/history/partition.js';
import { syncline } from '../core/merge/rule-set.js';
import { addTable, createObject, eraseObject, type Instruction, update } from '../core/model/instruction.js';
import { intKey } from '../core/model/key.js';
import { decodeClientMessage, encodeMessage } from '../core/protocol/codec.js';
import type { ClientMessage } from '../core/protocol/messages.js';
import { anonymized } from '../core/replay/anonymize.js';
import { firstBad, firstWhere, parseCondition } from '../core/replay/condition.js';
import { Replay, type ReplayedStep } from '../core/replay/replay.js';
import { printStep, printStepLine, printTime } from '../core/replay/transcript.js';
import type { ParkedWrite } from '../core/reset/parked.js';
import type { ClientEvent, ClientSession } from '../core/session/client-session.js';
import { clientPhases, serverPhases } from '../core/session/phases.js';
import type { ServerEvent, ServerMachine, ServerStep } from '../core/session/server-session.js';
import { newServerMachine, sessionAt, withSession } from '../core/session/server-session.js';
import { type MemoryRecording, memoryRecording } from '../transports/recording.js';
import { clientSamples, holdsOf, machineIn, now, serverSamples, sessionIn } from './kit/phase-samples.js';
import { readRecording, reframed, underItsLimits } from './kit/recordings.js';
import { suite } from './kit/suite.js';
import { withLimits } from './kit/with-limits.js';

const test = suite('replay of every phase');

const bytesOf = (recorder: MemoryRecording): Uint8Array => {
  assert.is(recorder.failure, null);
  return recorder.bytes();
};

const replayed = (
  bytes: Uint8Array,
): { readonly replay: Replay; readonly steps: readonly ReplayedStep[] } => {
  const recording = readRecording(bytes);
  return underItsLimits(recording, () => {
    const replay = new Replay(recording);
    return { replay, steps: [...replay.steps()] };
  });
};

const allSame = (steps: readonly ReplayedStep[]): void => {
  for (const step of steps) assert.equal(step.differences, [], printStep(step));
};

/** What a step is, without what it is about. */
const kindOf = (step: ReplayedStep): string => {
  if (step.type === 'lost') return 'lost';
  const { event, after, threw } = step;
  const effects = after?.effects.map((effect) =>
    effect.type === 'send' ? `send ${effect.message.type}` : effect.type,
  );
  return `${step.type} ${event.type} ${effects?.join(' ') ?? `throws ${String(threw !== null)}`}`;
};

/** Anonymized, it goes the same way, and so it does once more. */
const keepsItsWay = (bytes: Uint8Array, hides = [false, true]): Uint8Array => {
  const recording = readRecording(bytes);
  let given = bytes;
  for (const names of hides) {
    const made = underItsLimits(recording, () => anonymized(readRecording(given), { salt: 12_345, names }));
    if (E.isLeft(made)) throw new Error(made.left.message);
    assert.is(made.right.astray, null);
    given = made.right.bytes;
  }
  const [before, after] = [replayed(bytes).steps, replayed(given).steps];
  allSame(after);
  assert.equal(after.map(kindOf), before.map(kindOf));
  return given;
};

const holds = (bytes: Uint8Array, text: string): boolean => Buffer.from(bytes).includes(Buffer.from(text));

const parked: ParkedWrite = {
  id: 3,
  version: 2,
  timestamp: 5,
  instructions: [
    { instruction: createObject('Secret', intKey(1n)), why: 'classGone', reason: 'a private reason' },
  ],
};

const clientRecording = (): { readonly bytes: Uint8Array; readonly threw: number } => {
  const recorder = memoryRecording({ maxBytes: 64 * 1024 * 1024 });
  const sessions = clientPhases.flatMap((phase) => holdsOf(phase).map((held) => sessionIn(phase, held)));
  let threw = 0;
  for (const plain of sessions)
    for (const event of Object.values(clientSamples).flat()) {
      const session = { ...plain, parked: [parked], waiters: waiting };
      try {
        recorder.client(plain.config.partition).take(session, event);
      } catch (error) {
        assert.instance(error, Error);
        threw++;
      }
    }
  return { bytes: bytesOf(recorder), threw };
};

const waiting: ClientSession['waiters'] = [
  { type: 'upload', id: 71, version: 0, isForAll: true },
  { type: 'download', id: 72, mark: 1 },
];

test('of a client: each event in each phase is reproduced, told, and goes its way with other content', () => {
  const { bytes, threw } = clientRecording();
  const { replay, steps } = replayed(bytes);
  assert.ok(steps.length > 400, `${steps.length} steps`);
  allSame(steps);
  assert.is(steps.filter((step) => step.type !== 'lost' && step.threw !== null).length, threw);
  for (const step of steps) {
    const told = printStep(step, replay.decisions(step));
    assert.match(told, `step ${step.number} `);
    if (step.type === 'lost') throw new Error(told);
    const { event } = step;
    assert.match(told, `  in   ${event.type === 'message' ? event.message.type : event.type}`);
    assert.match(printStepLine(step), `step ${step.number} 1970-01-`);
    assert.ok(replay.state(step) !== null);
  }
  assert.ok(holds(bytes, 'a private reason'));
  assert.not.ok(holds(keepsItsWay(bytes, [true]), 'a private reason'));
});

/** Records steps of servers, each of a machine of its own unless it goes on from the one before. */
class Serving {
  readonly recorder = memoryRecording({ maxBytes: 64 * 1024 * 1024 });

  take(machine: ServerMachine, ...events: readonly ServerEvent[]): ServerStep {
    const track = this.recorder.server('"p"');
    let step: ServerStep = { machine, effects: [] };
    for (const event of events) {
      const { machine: after, effects } = track.attempt(step.machine, event, false);
      step = { machine: after, effects };
      track.keep();
    }
    return step;
  }
}

const written = (...instructions: readonly Instruction[]): ServerEvent => ({
  type: 'written',
  write: {
    instructions,
    records: {
      deletes: [{ space: 'outbox', from: 1, to: 3 }],
      puts: [{ space: 'outbox', index: 3, bytes: new TextEncoder().encode('a private record') }],
    },
  },
  now,
});

const others = (machine: ServerMachine): readonly ServerEvent[] => [
  { type: 'gone', connection: 1, now },
  { type: 'gone', connection: 1, numbers: [1, 2], now },
  { type: 'drained', connection: 1, number: 1, now },
  { type: 'expelled', connection: 1, number: 1, code: 206, message: 'a private reason', now },
  { type: 'expelled', connection: 1, number: 1, code: 230, message: 'no', rejected: [1, 2], now },
  { type: 'expelled', connection: 2, number: 1, code: 206, message: 'no', now },
  { type: 'entitled', connection: 1, number: 1, canWrite: false, now },
  { type: 'entitled', connection: 2, number: 1, canWrite: false, now },
  { type: 'read', id: 99, entries: [], now },
  { type: 'read', id: 7, entries: [], now },
  { type: 'read', id: 7, entries: [{ space: 'log', index: 1, bytes: Uint8Array.of(0xff) }], now },
  { type: 'tick', now },
  { type: 'refreshed', partition: { ...machine.partition, salt: 99 }, now },
  written(addTable('Secret', { type: 'embedded' })),
  written(),
];

const unfitUpload = {
  type: 'upload',
  session: 1,
  progress: { clientVersion: 1, lastIntegratedServerVersion: 0 },
  lockedServerVersion: 0,
} as const;
const numbers = { version: 1, base: 0, timestamp: 1, origin: 0 };

/** Uploads that do not fit, or cannot be decoded, as they come out of their frames. */
const unfit: readonly ClientMessage[] = [
  { ...unfitUpload, changesets: [{ ...numbers, instructions: [createObject('Secret', intKey(1n))] }] },
  {
    ...unfitUpload,
    changesets: [],
    damaged: { reason: '', changesets: [{ ...numbers, body: new TextEncoder().encode('a private body') }] },
  },
].map((message) => {
  const decoded = decodeClientMessage(encodeMessage(message));
  if (E.isLeft(decoded)) throw new Error(decoded.left.message);
  return decoded.right;
});

test('of a server: each event in each phase is reproduced, told, and goes its way with other content', () => {
  const serving = new Serving();
  for (const phase of serverPhases) {
    const plain = machineIn(phase);
    for (const canWrite of [true, false])
      for (const messages of [...Object.values(serverSamples), unfit])
        for (const message of messages)
          serving.take(plain, { type: 'message', connection: 1, message, chance: 3, now, canWrite });
    for (const purpose of ['open', 'download', 'integrate'] as const) {
      const session = sessionAt(plain, '1/1');
      if (session === undefined) throw new Error('no session');
      if ((purpose === 'open') !== (phase === 'opening')) continue;
      const queue = serverSamples.upload.flatMap((message) =>
        message.type === 'upload' && purpose === 'integrate' ? [message] : [],
      );
      const reading = { download: purpose === 'download', integrate: purpose === 'integrate' };
      const range = { space: 'log', from: 1, to: 2 };
      const reads = set(plain.reads, '7', { session: '1/1', purpose, range, before: [] });
      const asking = { ...withSession(plain, { ...session, queue, reading }), reads };
      for (const event of others(asking)) serving.take(asking, event);
    }
  }
  const bytes = bytesOf(serving.recorder);
  const { replay, steps } = replayed(bytes);
  assert.ok(steps.length > 100, `${steps.length} steps`);
  allSame(steps);
  const kinds = new Set(steps.map(kindOf));
  for (const kind of [
    'server message commit quarantined',
    'server message reported',
    'server written commit',
  ])
    assert.ok(
      [...kinds].some((each) => each.startsWith(kind)),
      `${kind}\n${[...kinds].join('\n')}`,
    );
  for (const step of steps) {
    const told = printStep(step, replay.decisions(step));
    assert.match(told, `step ${step.number} 1970-01-01T00:00:50.000Z server`);
    if (step.type !== 'lost' && step.event.type !== 'message')
      assert.match(printStepLine(step), step.event.type);
  }
  const texts = ['a private reason', 'a private record', 'a private body'];
  for (const text of texts) assert.ok(holds(bytes, text), text);
  const other = keepsItsWay(bytes);
  for (const text of [...texts, 'Secret']) assert.not.ok(holds(other, text), text);
});

test('a slow reader, and what is asked of its link, are reproduced', () => {
  const serving = new Serving();
  withLimits({ unflushedBytes: 1 }, () => {
    const active = machineIn('active');
    const { machine, effects } = serving.take(active, written(addTable('T', { type: 'embedded' })));
    assert.ok(effects.some(({ type }) => type === 'drain'));
    serving.take(machine, { type: 'drained', connection: 1, number: 1, now });
    allSame(replayed(bytesOf(serving.recorder)).steps);
    keepsItsWay(bytesOf(serving.recorder));
  });
});

/** A history with its data digested now and then, a machine that throws in the middle of it, and another that goes on. */
const longRecording = (): Uint8Array => {
  const serving = new Serving();
  const table = addTable('T', {
    type: 'topLevel',
    primaryKey: { name: '_id', type: 'int', nullable: false },
    asymmetric: false,
  });
  const key = intKey(1n);
  const writes: ServerEvent[] = [written(table)];
  for (let i = 0; i < 1100; i++)
    writes.push(written(i % 2 === 0 ? createObject('T', key) : eraseObject('T', key)));
  const { machine } = serving.take(
    newServerMachine({ rules: syncline, explain: false }, newPartition(5)),
    ...writes,
  );
  assert.throws(() => serving.take(machine, written(update('Gone', key, 'x', [], 1n))), /does not fit/);
  serving.take(machine, { type: 'tick', now });
  return bytesOf(serving.recorder);
};

const headsOf = (bytes: Uint8Array): readonly string[] =>
  readRecording(bytes).entries.map(({ head }) => head.type);

test('data are compared now and then, and a server that throws throws again', () => {
  const bytes = longRecording();
  assert.ok(headsOf(bytes).includes('state'));
  const { replay, steps } = replayed(bytes);
  allSame(steps);
  const bad = steps.filter((step) => step.type !== 'lost' && step.threw !== null);
  assert.is(bad.length, 1);
  assert.is(firstBad(replay).number, bad[0]?.number);
  const [step] = bad as [ReplayedStep];
  assert.match(printStep(step), /\n {2}out {2}throws bug: a write of the server does not fit/);
  assert.match(printStepLine(step), 'throws bug: a write of the server');
  assert.equal(replay.decisions(step), []);
  assert.ok(replay.state(step) !== null);
  keepsItsWay(bytes);
});

/** The recording without, or with other, entries of a type. */
const without = (bytes: Uint8Array, type: string, at = 0): Uint8Array => {
  const { entries } = readRecording(bytes);
  let met = 0;
  return reframed(bytes, (body, i) => (entries[i]?.head.type === type && met++ === at ? null : body));
};

test('where a recording lacks something, what depends on it is lost or differs, and is told', () => {
  const bytes = longRecording();
  const lost = replayed(without(bytes, 'checkpoint')).steps.filter((step) => step.type === 'lost');
  assert.is(lost.length, 1101);
  assert.match(lost[0]?.differences[0] ?? '', 'no checkpoint comes before it');
  for (const step of lost.slice(0, 3)) {
    assert.match(printStep(step), /^step \d+ machine 1 \(\) !! it cannot be taken/);
    const { replay } = replayed(bytes);
    assert.is(replay.state(step), null);
    assert.equal(replay.decisions(step), []);
    const { right: condition } = parseCondition('event=written') as E.Right<Condition>;
    assert.is(condition.holds(step, replay), false);
  }
  const missing = replayed(without(bytes, 'step', 1)).steps.filter(
    ({ differences }) => differences.length > 0,
  );
  assert.is(missing[0]?.number, 2, 'the object that is erased was never made');
  const made = anonymized(readRecording(without(bytes, 'step', 1)), { salt: 5 });
  assert.ok(E.isRight(made));
  const again = replayed(made.right.bytes).steps.filter(({ differences }) => differences.length > 0);
  assert.ok(again.length > 0, 'what was not reproduced is not reproduced with other content');
  const gone = anonymized(readRecording(without(bytes, 'checkpoint')), { salt: 5 });
  assert.ok(E.isRight(gone));
  assert.ok(headsOf(gone.right.bytes).length < headsOf(bytes).length);
});

type Condition = Parameters<typeof firstWhere>[2];

test('conditions find what they say, negated or not, and refuse the rest', () => {
  const { replay, steps } = replayed(longRecording());
  const numbers = steps.map(({ number }) => number);
  const first = (text: string): number | null => {
    const read = parseCondition(text);
    if (E.isLeft(read)) throw new Error(read.left);
    return firstWhere(replay, numbers, read.right).number;
  };
  assert.is(first('version>=10'), 10);
  assert.is(
    first('! version>=1'),
    steps.find((step) => step.type === 'server' && step.threw !== null)?.number ?? null,
  );
  assert.is(first('event=tick'), numbers.length);
  assert.is(first('!event=written'), numbers.length);
  assert.is(first('effect=commit'), 1);
  assert.is(first('code=212'), null);
  assert.is(first('phase=failed'), null);
  assert.is(first('decision=U1'), null);
  assert.is(first('T[1]'), 2);
  assert.is(first('!T[1]'), 1);
  assert.is(first('T[1].x = 5'), null);
  for (const text of ['', '!', 'T', 'phase', 'version>=x', 'version>9', 'what=ever', 'T[1].x'])
    assert.ok(E.isLeft(parseCondition(text)), text);
});

test('times are told as such where they are any', () => {
  assert.is(printTime(0), '1970-01-01T00:00:00.000Z');
  assert.is(printTime(Number.NaN), 'NaN');
  assert.is(printTime(1e300), '1e+300');
});

const unreadable: ClientEvent = { type: 'garbage', message: 'noise', now: 1e300 };

test('a step is told whenever it was', () => {
  const recorder = memoryRecording();
  recorder.client('p').take(sessionIn('streaming'), unreadable);
  const [step] = replayed(bytesOf(recorder)).steps;
  assert.match(
    step === undefined ? '' : printStepLine(step),
    /^step 1 1e\+300 client 1 \(p\) streaming → failed: garbage/,
  );
});

test.run();
