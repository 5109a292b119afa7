/** Recordings on small and failing media, and recordings that are damaged. */
import * as E from 'fp-ts/lib/Either.js';
import * as assert from 'uvu/assert';
import { Reader, Writer } from '../core/base/bytes.js';
import { answer } from '../core/base/decode-error.js';
import { newClientFile } from '../core/history/client-file.js';
import { newPartition } from '../core/history/partition.js';
import { syncline } from '../core/merge/rule-set.js';
import { addColumn, addTable, createObject, type Instruction, update } from '../core/model/instruction.js';
import { stringKey } from '../core/model/key.js';
import { list as listOf } from '../core/model/value.js';
import { anonymized } from '../core/replay/anonymize.js';
import { parseCondition } from '../core/replay/condition.js';
import { joinSegments, segmentHead, splitSegments } from '../core/replay/container.js';
import { type EntryHead, headForm } from '../core/replay/entry.js';
import { FlightRecorder, leastSegmentBytes, type RecordingSink } from '../core/replay/flight-recorder.js';
import { bool, list, oneOf, text } from '../core/replay/form.js';
import { decodeRecording } from '../core/replay/recording.js';
import { Replay } from '../core/replay/replay.js';
import { printStep, printStepLine } from '../core/replay/transcript.js';
import {
  type ClientEvent,
  type ClientSession,
  defaultTiming,
  newClientSession,
} from '../core/session/client-session.js';
import { newServerMachine } from '../core/session/server-session.js';
import { memoryRecording } from '../transports/recording.js';
import { pick, type Random, seeded } from './kit/random.js';
import { readRecording, recordedLives, reframed, underItsLimits } from './kit/recordings.js';
import { suite } from './kit/suite.js';
import { withLimits } from './kit/with-limits.js';
import { build } from './kit/worlds.js';

const test = suite('corners of replay');

/** Two segments of few bytes, which may break. */
class SmallSink implements RecordingSink {
  readonly segmentBytes: number;
  #segments: { readonly sequence: number; readonly parts: Uint8Array[] }[] = [];
  /** What is thrown from some append on. */
  broken: { readonly thrown: unknown } | null = null;

  constructor(segmentBytes: number) {
    this.segmentBytes = segmentBytes;
  }

  begin(sequence: number): void {
    this.#segments = [...this.#segments.slice(-1), { sequence, parts: [] }];
  }

  waits(): void {
    // Whoever looks has flushed before.
  }

  append(bytes: Uint8Array, start: number, end: number): void {
    if (this.broken !== null) throw this.broken.thrown;
    this.#segments.at(-1)?.parts.push(bytes.slice(start, end));
  }

  flush(): void {
    if (this.broken !== null) throw this.broken.thrown;
  }

  get bytes(): Uint8Array {
    return joinSegments(
      this.#segments.map(({ sequence, parts }) => ({
        sequence,
        blocks: Uint8Array.from(parts.flatMap((part) => [...part])),
      })),
    );
  }
}

const replayOf = (bytes: Uint8Array): Replay => new Replay(readRecording(bytes));
const headsOf = (bytes: Uint8Array): readonly EntryHead[] =>
  readRecording(bytes).entries.map(({ head }) => head);

const config = { partition: 'p', rules: syncline, explain: false, timing: defaultTiming };
const table = addTable('T', {
  type: 'topLevel',
  primaryKey: { name: '_id', type: 'string', nullable: false },
  asymmetric: false,
});

/** A client that writes objects whose keys are as long as it is told. */
class Writing {
  session: ClientSession = newClientSession(config, { ...newClientFile, ident: 2, salt: 2 });
  #count = 0;

  event(length: number): ClientEvent {
    const key = `${this.#count++}${'x'.repeat(length)}`;
    const { state } = this.session.file;
    const made: Instruction[] = [createObject('T', stringKey(key))];
    if (this.#count === 1) made.unshift(table);
    return { type: 'write', instructions: made, state: build(made, state), now: this.#count };
  }
}

const recordsWithin = (random: Random): { readonly steps: number; readonly kinds: ReadonlySet<string> } => {
  const segmentBytes = leastSegmentBytes + random.int(4000);
  const sink = new SmallSink(segmentBytes);
  const recorder = new FlightRecorder(sink);
  const clients = Array.from({ length: 1 + random.int(3) }, (_, i) => ({
    writing: new Writing(),
    track: recorder.client(`client ${i}`),
  }));
  const kinds = new Set<string>();
  let steps = 0;
  for (let i = 0; i < 60; i++) {
    const { writing, track } = pick(random, clients);
    const length = random.int(random.int(8) === 0 ? segmentBytes : 60);
    const event: ClientEvent = random.int(3) > 0 ? writing.event(length) : { type: 'resume', now: i };
    writing.session = track.take(writing.session, event).session;
    assert.is(recorder.failure, null);
    if (i % 30 !== 29) continue;
    recorder.flush();
    const { bytes } = sink;
    assert.ok(bytes.length <= 2 * segmentBytes + 40, `${bytes.length} of ${segmentBytes}`);
    for (const head of headsOf(bytes)) kinds.add(head.type);
    for (const step of replayOf(bytes).steps()) {
      assert.equal(step.differences, [], printStep(step));
      steps++;
    }
  }
  return { steps, kinds };
};

test('a sink without room for what each segment begins with, a machine and a step is refused', () => {
  assert.throws(() => new FlightRecorder(new SmallSink(leastSegmentBytes - 1)), /segments of 8191 bytes/);
});

test('whatever the sizes of segments, machines and steps, what is there is reproduced', () => {
  const all = new Set<string>();
  let steps = 0;
  for (let seed = 1; seed <= 15; seed++) {
    const found = recordsWithin(seeded(seed));
    steps += found.steps;
    for (const kind of found.kinds) all.add(kind);
  }
  assert.ok(steps > 200, `${steps} steps`);
  for (const kind of ['step', 'gap', 'leftOut', 'checkpoint']) assert.ok(all.has(kind), kind);
});

test('with gaps, and machines left out, other content goes the same way', () => {
  for (let seed = 1; seed <= 5; seed++) {
    const sink = new SmallSink(leastSegmentBytes);
    const recorder = new FlightRecorder(sink);
    const track = recorder.client('p');
    const writing = new Writing();
    for (let i = 0; i < 25; i++)
      writing.session = track.take(writing.session, writing.event(i === 7 ? 1500 : 30 * seed)).session;
    recorder.flush();
    const { bytes } = sink;
    const made = anonymized(readRecording(bytes), { salt: 99 });
    assert.ok(E.isRight(made) && made.right.astray === null);
    for (const step of replayOf(made.right.bytes).steps()) assert.equal(step.differences, []);
  }
});

test('a medium that throws anything ends the recording, and the machine goes on', () => {
  for (const thrown of [new Error('the disk is full'), 'the disk is full', undefined]) {
    const sink = new SmallSink(leastSegmentBytes);
    const recorder = new FlightRecorder(sink);
    const [track, server] = [recorder.client('p'), recorder.server('q')];
    const writing = new Writing();
    writing.session = track.take(writing.session, writing.event(5)).session;
    sink.broken = { thrown };
    writing.session = track.take(writing.session, writing.event(5)).session;
    recorder.flush();
    assert.match(recorder.failure?.message ?? '', String(thrown).replace('Error: ', ''));
    const before = sink.bytes;
    writing.session = track.take(writing.session, writing.event(5)).session;
    assert.is(writing.session.file.version, 3);
    const machine = newServerMachine({ rules: syncline, explain: false }, newPartition(5));
    server.attempt(machine, { type: 'tick', now: 1 }, false, Uint8Array.of(1));
    server.keep();
    recorder.flush();
    assert.equal(sink.bytes, before);
  }
});

const writer = new Writer();

/** The recording with other heads of some entries. */
const withHeads = (bytes: Uint8Array, change: (head: EntryHead, index: number) => EntryHead): Uint8Array =>
  reframed(bytes, (body, index) => {
    const reader = new Reader(body);
    const head = headForm.read(reader);
    const rest = body.subarray(reader.position);
    const changed = change(head, index);
    if (changed === head) return body;
    writer.begin();
    headForm.write(writer, changed);
    writer.raw(rest);
    return writer.finish();
  });

const shortRecording = (): { readonly bytes: Uint8Array; readonly session: ClientSession } => {
  const recorder = memoryRecording();
  const track = recorder.client('p');
  const writing = new Writing();
  for (let i = 0; i < 6; i++) writing.session = track.take(writing.session, writing.event(3)).session;
  return { bytes: recorder.bytes(), session: writing.session };
};

const differencesOf = (bytes: Uint8Array): readonly string[] =>
  [...replayOf(bytes).steps()].flatMap(({ differences }) => differences);

test('a step that throws and did not, or did and does not, is told', () => {
  const { bytes } = shortRecording();
  const threw = withHeads(bytes, (head) =>
    head.type === 'step' ? { type: 'threw', track: head.track, isMoreComing: false, message: 'a bug' } : head,
  );
  assert.equal(differencesOf(threw), new Array(6).fill('it does not throw, and has: a bug'));
});

/** The recording of a server that throws. */
const throwing = (): Uint8Array => {
  const recorder = memoryRecording();
  const track = recorder.server('"p"');
  const machine = newServerMachine({ rules: syncline, explain: false }, newPartition(5));
  const write = { instructions: [createObject('Gone', stringKey('x'))], records: { deletes: [], puts: [] } };
  assert.throws(() => track.attempt(machine, { type: 'written', write, now: 1 }, false));
  return recorder.bytes();
};

test('what is thrown is compared with what was thrown', () => {
  const bytes = throwing();
  assert.equal(differencesOf(bytes), []);
  const other = withHeads(bytes, (head) =>
    head.type === 'threw' ? { ...head, message: 'another bug' } : head,
  );
  assert.equal(differencesOf(other), ['it has thrown something else: another bug']);
  const none = withHeads(bytes, (head) =>
    head.type === 'threw'
      ? { type: 'step', track: head.track, isMoreComing: false, isDeep: false, digest: 5 }
      : head,
  );
  assert.match(differencesOf(none)[0] ?? '', 'it throws, and did not: bug: a write of the server');
});

test('a checkpoint that what came before has not led to is told, and taken up', () => {
  const sink = new SmallSink(leastSegmentBytes);
  const recorder = new FlightRecorder(sink);
  const track = recorder.client('p');
  const writing = new Writing();
  const isWhole = (): boolean => {
    recorder.flush();
    return headsOf(sink.bytes).filter(({ type }) => type === 'checkpoint').length === 2;
  };
  for (let i = 0; i < 200 && !(i > 3 && isWhole()); i++)
    writing.session = track.take(writing.session, writing.event(3)).session;
  const { bytes } = sink;
  const heads = headsOf(bytes);
  const second = heads.findLastIndex(({ type }) => type === 'checkpoint');
  let dropped = -1;
  const without = reframed(bytes, (body, i) => {
    if (dropped >= 0 || heads[i]?.type !== 'step' || i < second - 3) return body;
    dropped = i;
    return null;
  });
  assert.ok(dropped >= 0 && dropped < second);
  assert.ok(differencesOf(without).some((text) => text.startsWith('what came before has not led to')));
  const [last] = [...replayOf(without).steps()].slice(-1);
  assert.equal(
    last?.differences.filter((text) => !text.startsWith('what came before')),
    [],
  );
});

/** Never throws: what cannot be read is lost, or different, and other content is refused or given. */
const survives = (bytes: Uint8Array): boolean => {
  const decoded = decodeRecording(bytes);
  if (E.isLeft(decoded)) return false;
  const replay = new Replay(decoded.right);
  let isSame = true;
  for (const step of replay.steps()) {
    assert.type(printStep(step), 'string');
    assert.type(printStepLine(step), 'string');
    replay.state(step);
    isSame &&= step.differences.length === 0;
  }
  assert.ok(replay.machines.size <= decoded.right.entries.length);
  return isSame;
};

test('entries with good checksums that hold anything are lost or differ, and nothing throws', async () => {
  const lives = await recordedLives({ seed: 22, devices: 1, servers: 1 });
  const random = seeded(7);
  const counts = { same: 0, other: 0 };
  for (const recorder of lives.values()) {
    const whole = recorder.bytes();
    const count = readRecording(whole).entries.length;
    underItsLimits(readRecording(whole), () => {
      for (let i = 0; i < 40; i++) {
        const victim = 1 + random.int(Math.min(count - 1, 40));
        const damaged = reframed(whole, (body, index) => {
          if (index > 40) return null;
          if (index !== victim) return body;
          const changed = body.slice(0, random.int(6) === 0 ? random.int(body.length) : body.length);
          if (changed.length > 0) changed[random.int(Math.min(changed.length, 120))] = random.int(256);
          return changed;
        });
        counts[survives(damaged) ? 'same' : 'other']++;
      }
    });
  }
  assert.ok(counts.other > 20, JSON.stringify(counts));
});

test('every step of a life can be told whole, with what was decided', async () => {
  for (const [name, recorder] of await recordedLives({ seed: 24, explain: true })) {
    const recording = readRecording(recorder.bytes());
    underItsLimits(recording, () => {
      const replay = new Replay(recording);
      for (const step of replay.steps()) {
        const told = printStep(step, replay.decisions(step), 2);
        assert.match(told, new RegExp(`^step ${step.number} `), name);
        assert.ok(told.split('\n').every((line) => line === line.trimEnd() || line.includes('"')));
      }
    });
  }
});

test('a write for a parked one, and one that is too large, are recorded as they are', () => {
  const recorder = memoryRecording();
  const { session } = shortRecording();
  const made = Array.from({ length: 30 }, (_, i) => createObject('T', stringKey(`${i} again`)));
  const write: ClientEvent = {
    type: 'write',
    instructions: made,
    state: build(made, session.file.state),
    unparks: 3,
    now: 9,
  };
  withLimits({ changesetBytes: 200 }, () => recorder.client('p').take(session, write));
  recorder.client('p').take(session, write);
  const bytes = recorder.bytes();
  const steps = [...replayOf(bytes).steps()];
  const [refused] = withLimits({ changesetBytes: 200 }, () => [...replayOf(bytes).steps()]);
  assert.equal([refused?.differences, steps[1]?.differences], [[], []]);
  const told = steps[1] === undefined ? '' : printStep(steps[1], null, 20);
  assert.match(told, 'write 30 instructions, for parked write 3');
  assert.match(told, '… and 10 lines more');
});

test('where the second segment was not begun, or is none, the first is read', () => {
  const { bytes } = shortRecording();
  const heads = segmentHead(1, bytes.length);
  const first = new Uint8Array([...heads, ...bytes.subarray(heads.length)]);
  for (const behind of [new Uint8Array(17), new TextEncoder().encode('SYNCLRECxxxxxxxxx')]) {
    const split = splitSegments(new Uint8Array([...first, ...behind]));
    assert.ok(E.isRight(split) && split.right.length === 1);
    assert.is([...replayOf(new Uint8Array([...first, ...behind])).steps()].length, 6);
  }
  const later = bytes.slice();
  later[8] = 9;
  const refused = decodeRecording(later);
  assert.match(E.isLeft(refused) ? refused.left.message : '', 'version 9 of recordings');
});

test('forms refuse what nobody has written', () => {
  const refusal = (body: () => unknown): string => {
    try {
      body();
      return '';
    } catch (thrown) {
      const refused = answer(thrown);
      return E.isLeft(refused) ? refused.left.message : '';
    }
  };
  const reader = (...bytes: readonly number[]) => new Reader(Uint8Array.from(bytes));
  assert.match(
    refusal(() => bool.read(reader(2))),
    '2 where 0 or 1 was expected',
  );
  assert.match(
    refusal(() => oneOf(['a', 'b']).read(reader(2))),
    'choice 2 of a, b',
  );
  assert.match(
    refusal(() => list(text).read(reader(9, 0))),
    '9 elements in 1 bytes',
  );
});

test('conditions on values tell collections from what they hold', () => {
  const recorder = memoryRecording();
  const made = [
    table,
    addColumn('T', 'm', { type: 'mixed', nullable: true, collection: 'single', target: null }),
    createObject('T', stringKey('a')),
    update('T', stringKey('a'), 'm', [], listOf),
  ];
  const session = newClientSession(config, { ...newClientFile, ident: 2, salt: 2 });
  recorder.client('p').take(session, { type: 'write', instructions: made, state: build(made), now: 1 });
  const replay = replayOf(recorder.bytes());
  const step = replay.at(1);
  const holds = (text: string): boolean => {
    const read = parseCondition(text);
    if (E.isLeft(read)) throw new Error(read.left);
    return read.right.holds(step, replay);
  };
  assert.equal(
    ['T["a"].m = list', 'T["a"].m = dictionary', 'T["a"].m = 5', 'T["a"].m = null', 'T["b"].m = list'].map(
      holds,
    ),
    [true, false, false, false, false],
  );
  assert.equal(['!T["a"].m = list', 'version>=1', 'version>=2', 'code=5'].map(holds), [
    false,
    true,
    false,
    false,
  ]);
});

test.run();
