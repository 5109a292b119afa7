import fc from 'fast-check';
import * as assert from 'uvu/assert';
import { Reader, Writer } from '../core/base/bytes.js';
import { newClientFile } from '../core/history/client-file.js';
import { newPartition } from '../core/history/partition.js';
import { syncline } from '../core/merge/rule-set.js';
import { createObject } from '../core/model/instruction.js';
import { stringKey } from '../core/model/key.js';
import { encodeMessage } from '../core/protocol/codec.js';
import { clientEventForm, type RecordedClientEvent } from '../core/replay/client-form.js';
import { clientSubject } from '../core/replay/client-subject.js';
import type { Form } from '../core/replay/form.js';
import { type RecordedServerEvent, serverEventForm } from '../core/replay/server-form.js';
import { serverSubject } from '../core/replay/server-subject.js';
import { noRules } from '../core/replay/subject.js';
import { type ClientEvent, defaultTiming, newClientSession } from '../core/session/client-session.js';
import { clientPhases } from '../core/session/phases.js';
import { newServerMachine, type ServerEvent } from '../core/session/server-session.js';
import { suite } from './kit/suite.js';

const test = suite('forms of recordings');

const written = (write: (to: Writer) => void): Uint8Array => {
  const writer = new Writer();
  writer.begin();
  write(writer);
  return writer.finish();
};

const again = <T>(form: Form<T>, value: T): T => {
  const reader = new Reader(written((to) => form.write(to, value)));
  const read = form.read(reader);
  reader.end('the value');
  return read;
};

const now = fc.double({ noNaN: true });
const uint = fc.maxSafeNat();
const chance = fc.double({ min: 0, max: 1, noNaN: true });
const words = fc.string({ unit: fc.nat(0xffff).map((unit) => String.fromCharCode(unit)) });
const frame = fc.uint8Array();
const direction = fc.constantFrom('upload' as const, 'download' as const);

/** Every kind of event of a client but a switch, which has a file in it. */
const clientEvent = fc.oneof(
  fc.record(
    { type: fc.constantFrom('resume' as const, 'pause' as const), now, direction },
    { requiredKeys: ['type', 'now'] },
  ),
  fc.record({ type: fc.constantFrom('reconnect' as const, 'renewed' as const, 'opened' as const), now }),
  fc.record(
    {
      type: fc.constant('closed' as const),
      now,
      reason: words,
      chance,
      retryAfter: fc.double({ noNaN: true }),
      tooLarge: fc.boolean(),
    },
    { requiredKeys: ['type', 'now', 'reason', 'chance'] },
  ),
  fc.record({ type: fc.constant('timer' as const), now, chance }),
  fc.record(
    { type: fc.constant('write' as const), now, skipped: uint, instructions: frame, unparks: uint },
    { requiredKeys: ['type', 'now', 'skipped', 'instructions'] },
  ),
  fc.record({ type: fc.constantFrom('dismiss' as const, 'abandon' as const), now, id: uint }),
  fc.record(
    { type: fc.constant('await' as const), now, what: direction, id: uint, version: uint },
    { requiredKeys: ['type', 'now', 'what', 'id'] },
  ),
  fc.record({
    type: fc.constant('reset' as const),
    now,
    mode: fc.constantFrom('manual' as const, 'recover' as const),
  }),
  fc.record({ type: fc.constant('resetFailed' as const), now, reason: words }),
  fc.record({ type: fc.constant('record' as const), now, on: fc.boolean() }),
  fc.record(
    { type: fc.constant('message' as const), now, session: uint, frame, chance, bytes: uint },
    { requiredKeys: ['type', 'now', 'session', 'frame', 'chance'] },
  ),
  fc.record({ type: fc.constant('garbage' as const), now, message: words }),
) as fc.Arbitrary<RecordedClientEvent>;

const serverEvent = fc.oneof(
  fc.record(
    {
      type: fc.constant('message' as const),
      now,
      connection: uint,
      frame,
      chance: uint,
      canWrite: fc.boolean(),
    },
    { requiredKeys: ['type', 'now', 'connection', 'frame', 'chance'] },
  ),
  fc.record(
    { type: fc.constant('gone' as const), now, connection: uint, numbers: fc.array(uint) },
    { requiredKeys: ['type', 'now', 'connection'] },
  ),
  fc.record({ type: fc.constant('drained' as const), now, connection: uint, number: uint }),
  fc.record({
    type: fc.constant('expelled' as const),
    now,
    connection: uint,
    number: uint,
    code: fc.constantFrom(202 as const, 206 as const),
    message: words,
  }),
  fc.record({
    type: fc.constant('read' as const),
    now,
    id: uint,
    entries: fc.array(fc.record({ space: words, index: uint, bytes: frame })),
  }),
  fc.record({ type: fc.constant('tick' as const), now }),
  fc.record({
    type: fc.constant('written' as const),
    now,
    write: fc.record({
      instructions: fc.array(words.map((key) => createObject('T', stringKey(key)))),
      records: fc.record({
        deletes: fc.array(fc.record({ space: words, from: uint, to: uint })),
        puts: fc.array(fc.record({ space: words, index: uint, bytes: frame })),
      }),
    }),
  }),
) as fc.Arbitrary<RecordedServerEvent>;

const plain = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value, (_, each) => (each instanceof Uint8Array ? [...each] : each)));

test('events are read as they were written', () => {
  fc.assert(
    fc.property(clientEvent, (event) => assert.equal(plain(again(clientEventForm, event)), plain(event))),
    { numRuns: 400 },
  );
  fc.assert(
    fc.property(serverEvent, (event) => assert.equal(plain(again(serverEventForm, event)), plain(event))),
    { numRuns: 400 },
  );
});

test('what is written without its form, for speed, is written as its form says', () => {
  const config = { partition: 'p', rules: syncline, explain: false, timing: defaultTiming };
  const session = newClientSession(config, newClientFile);
  const client = clientSubject(noRules);
  const mark = { type: 'mark', session: 3, request: 5 } as const;
  const told = encodeMessage(mark);
  const events: readonly ClientEvent[] = [
    { type: 'message', message: mark, chance: 0.25, bytes: 4, now: 17.5 },
    { type: 'message', message: mark, chance: 0, now: -1 },
    { type: 'write', instructions: [createObject('T', stringKey('a'))], state: session.file.state, now: 5 },
  ];
  for (const event of events) {
    const bytes = written((to) => client.write(to, event, null, told));
    const reader = new Reader(bytes);
    const read = clientEventForm.read(reader);
    reader.end('the event');
    assert.equal(
      written((to) => clientEventForm.write(to, read)),
      bytes,
    );
    assert.is(read.type, event.type);
    assert.is(read.now, event.now);
  }
  const server = serverSubject(noRules);
  const machine = newServerMachine({ rules: syncline, explain: false }, newPartition(1));
  for (const more of [{}, { canWrite: true }]) {
    const event: ServerEvent = {
      type: 'message',
      connection: 7,
      message: mark,
      chance: 2 ** 50,
      now: 4,
      ...more,
    };
    const bytes = written((to) => server.write(to, event, null, told));
    const read = serverEventForm.read(new Reader(bytes));
    assert.equal(
      written((to) => serverEventForm.write(to, read)),
      bytes,
    );
    assert.equal(server.event(read, machine), event);
  }
});

test('a token is left out of a bind, whatever frame it came in', () => {
  const bind = { type: 'bind', session: 1, partition: 'p', token: 'nobody else', needIdent: true } as const;
  const event: ServerEvent = { type: 'message', connection: 1, message: bind, chance: 5, now: 1 };
  for (const given of [encodeMessage(bind), null]) {
    const bytes = written((to) => serverSubject(noRules).write(to, event, null, given));
    assert.not.ok(Buffer.from(bytes).includes('nobody else'));
  }
});

test('phases differ in their first two letters, by which digests of steps know them', () => {
  assert.is(new Set(clientPhases.map((phase) => phase.slice(0, 2))).size, clientPhases.length);
});

test.run();
