import * as E from 'fp-ts/lib/Either.js';
import * as assert from 'uvu/assert';
import type { Instruction } from '../core/model/instruction.js';
import { toInstructions } from '../core/model/snapshot.js';
import { type Anonymized, anonymized } from '../core/replay/anonymize.js';
import { Pseudonyms, Vocabulary } from '../core/replay/pseudonyms.js';
import { Replay, type ReplayedStep } from '../core/replay/replay.js';
import { memoryRecording } from '../transports/recording.js';
import { setUp } from './kit/driver-world.js';
import { readRecording, recordedLives, underItsLimits } from './kit/recordings.js';
import { suite } from './kit/suite.js';

const test = suite('anonymized recordings');

const withOtherContent = (bytes: Uint8Array, names = false): Anonymized => {
  const recording = readRecording(bytes);
  const made = underItsLimits(recording, () => anonymized(recording, { salt: 987_654_321_012_345, names }));
  if (E.isLeft(made)) throw new Error(made.left.message);
  return made.right;
};

interface Lived {
  /** What came, where it led, what was done and what was decided, in kind. */
  readonly story: readonly string[];
  /** Texts that the data held, but for names. */
  readonly texts: ReadonlySet<string>;
}

const textsOf = (instruction: Instruction): string[] => {
  const texts: string[] = [];
  if ('object' in instruction && instruction.object.startsWith('s')) texts.push(instruction.object.slice(1));
  if ('path' in instruction)
    for (const element of instruction.path) if (typeof element === 'string') texts.push(element);
  if ('value' in instruction && typeof instruction.value === 'string') texts.push(instruction.value);
  return texts;
};

const told = (step: ReplayedStep, replay: Replay): string => {
  assert.equal(step.differences, [], `step ${step.number}`);
  if (step.type === 'lost') return 'lost';
  const { after, before, event } = step;
  const place =
    step.type === 'client' ? step.after?.machine.phase : String(step.after?.machine.partition.head ?? '');
  const effects = (after?.effects ?? []).map((effect) =>
    effect.type === 'send' ? `send ${effect.message.type}` : effect.type,
  );
  const decisions = replay.decisions(step).map(({ rule, outcome }) => `${rule} ${outcome}`);
  assert.ok(before !== undefined);
  return [event.type, place, ...effects, ...decisions].join(' ');
};

const lived = (bytes: Uint8Array): Lived => {
  const recording = readRecording(bytes);
  return underItsLimits(recording, () => {
    const replay = new Replay(recording);
    const story: string[] = [];
    const texts = new Set<string>();
    const names = new Set<string>();
    for (const step of replay.steps()) {
      story.push(told(step, replay));
      const state = replay.state(step);
      if (state !== null && step.number % 5 === 0)
        for (const instruction of toInstructions(state)) {
          if ('field' in instruction) names.add(instruction.field);
          for (const text of textsOf(instruction)) texts.add(text);
        }
    }
    // Properties of embedded objects are named in paths, too.
    for (const name of names) texts.delete(name);
    return { story, texts };
  });
};

const holds = (bytes: Uint8Array, text: string): boolean => Buffer.from(bytes).includes(Buffer.from(text));

const keepsTheStory = (bytes: Uint8Array, names: boolean, what: string): void => {
  const before = lived(bytes);
  const made = withOtherContent(bytes, names);
  assert.is(made.astray, null, what);
  assert.equal(lived(made.bytes).story, before.story, what);
  for (const text of before.texts)
    if (text.length >= 5) assert.not.ok(holds(made.bytes, text), `${what}: ${text}`);
};

test('other content goes the same way, step by step, in random lives', async () => {
  for (let seed = 21; seed <= 24; seed++)
    for (const [name, recorder] of await recordedLives({ seed }))
      keepsTheStory(recorder.bytes(), seed % 2 === 0, `seed ${seed}, ${name}`);
});

const patients = [
  {
    name: 'Patient',
    primaryKey: '_id',
    properties: {
      _id: 'string',
      surname: 'string',
      weight: 'double',
      visits: 'int',
      photo: 'data?',
      born: 'date?',
      tags: 'string<>',
      notes: 'string{}',
    },
  },
];

const hospital = async () => {
  const recorder = memoryRecording();
  const serving = memoryRecording();
  const { open, server } = await setUp({ recorder: serving });
  const here = { schema: patients, partition: '"Ward 7 of Saint Mary"' };
  const ann = await open({ ...here, recorder, connect: false });
  const ben = await open({ ...here, connect: false });
  for (const client of [ann, ben]) {
    client.write((tx) => {
      tx.create('Patient', {
        _id: 'patient-4711',
        surname: client === ann ? 'Liebermann' : 'Libermann',
        weight: 61.75,
        photo: new TextEncoder().encode('a picture of a face'),
        born: new Date(123_456_789_000),
        tags: ['allergic to nuts'],
        notes: { 'what he said': 'my knee hurts' },
      });
      tx.create('Patient', { _id: 'patient-4712', surname: 'Ørsted' });
    });
    client.write((tx) => tx.update('Patient', 'patient-4712', { surname: `${client === ann}` }));
  }
  for (const client of [ben, ann]) {
    client.session.resume();
    await client.session.waitForUpload();
  }
  await ann.session.waitForDownload();
  await ann.close();
  await ben.close();
  await server.close();
  return [recorder.bytes(), serving.bytes()] as const;
};

const secrets = [
  ...['patient-4711', 'Liebermann', 'Libermann', 'Ørsted', 'a picture of a face'],
  ...['allergic to nuts', 'what he said', 'my knee hurts', 'Ward 7', 'Saint Mary'],
];
const names = ['Patient', 'surname', 'weight', 'visits'];

test('nothing of the content is left, nor of the names where they are content', async () => {
  for (const bytes of await hospital()) {
    for (const text of [...secrets, ...names]) assert.ok(holds(bytes, text), text);
    const weight = new Uint8Array(8);
    new DataView(weight.buffer).setFloat64(0, 61.75);
    assert.ok(Buffer.from(bytes).includes(Buffer.from(weight)));
    for (const hidesNames of [false, true]) {
      const made = withOtherContent(bytes, hidesNames);
      assert.is(made.astray, null);
      for (const text of secrets) assert.not.ok(holds(made.bytes, text), text);
      for (const text of names) assert.is(holds(made.bytes, text), !hidesNames, text);
      assert.not.ok(Buffer.from(made.bytes).includes(Buffer.from(weight)));
      assert.equal(lived(made.bytes).story, lived(bytes).story);
    }
  }
});

test('the same becomes the same, and what differs differs', () => {
  const texts = [...'abcdefghijklmnopqrstuvwxyz', 'é', 'ü', 'one', 'two', 'a longer one', ''];
  const pseudonyms = new Pseudonyms(42, new Vocabulary(), false);
  const given = texts.map((text) => pseudonyms.text(text));
  assert.equal(
    texts.map((text) => pseudonyms.text(text)),
    given,
  );
  assert.is(new Set(given).size, texts.length);
  given.forEach((text, i) => {
    assert.is(Buffer.byteLength(text), Buffer.byteLength(texts[i] ?? ''));
  });
  const other = new Pseudonyms(43, new Vocabulary(), false);
  assert.is.not(other.text('a longer one'), pseudonyms.text('a longer one'));
});

test.run();
