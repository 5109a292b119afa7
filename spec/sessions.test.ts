import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Conversation, type Device } from './kit/conversation.js';
import { pick, type Random, seeded } from './kit/random.js';
import { randomInstructions } from './kit/valid.js';
import { build, wholeSchema } from './kit/worlds.js';

const conversations = suite('conversations');

const schema = wholeSchema();

/** Every device starts from the same classes, as an app's devices do, and makes them itself. */
const withSchema = (conversation: Conversation): Conversation => {
  for (const device of conversation.devices) conversation.write(device, schema, build(schema));
  return conversation;
};

const randomWrite = (conversation: Conversation, device: Device, random: Random): void => {
  const run = randomInstructions(random, device.state, 1 + random.int(4), { emitted: true });
  conversation.write(device, run.instructions, run.state);
};

const describeAll = (conversation: Conversation): string =>
  [...conversation.digests()].map(([name, digest]) => `${name} ${digest}`).join('\n');

const assertConverged = (conversation: Conversation): void => {
  for (const device of conversation.devices) {
    assert.is(device.session.phase, 'streaming', `${device.name}: ${device.failures.join('; ')}`);
    assert.equal(device.session.waiters, []);
  }
  const digests = new Set(conversation.digests().values());
  assert.is(digests.size, 1, describeAll(conversation));
  for (const device of conversation.devices)
    assert.is(
      device.session.file.writes.to - device.session.file.writes.from,
      0,
      `${device.name} keeps writes`,
    );
};

conversations('two devices that write offline converge with the server', () => {
  const conversation = withSchema(new Conversation(seeded(1), 2));
  const random = seeded(2);
  for (const device of conversation.devices)
    for (let i = 0; i < 10; i++) randomWrite(conversation, device, random);
  conversation.heal();
  assertConverged(conversation);
});

conversations('convergence survives any order of messages, losses of links and crashes', () => {
  fc.assert(
    fc.property(
      fc.integer(),
      fc.integer({ min: 1, max: 4 }),
      fc.integer({ min: 5, max: 60 }),
      (seed, devices, steps) => {
        const random = seeded(seed);
        const conversation = withSchema(new Conversation(random, devices));
        for (const device of conversation.devices)
          if (random.int(2) === 0) conversation.tell(device, { type: 'resume' });
        for (let i = 0; i < steps; i++) {
          const device = pick(random, conversation.devices);
          switch (random.int(12)) {
            case 0:
            case 1:
            case 2:
              randomWrite(conversation, device, random);
              break;
            case 3:
              conversation.disconnect(device);
              break;
            case 4:
              conversation.tell(device, { type: 'resume' });
              break;
            case 5:
              conversation.tell(device, { type: 'pause' });
              break;
            case 6:
              conversation.crash(device);
              break;
            case 7:
              if (random.int(3) === 0) conversation.crashServer();
              break;
            default:
              for (let k = random.int(8); k >= 0; k--) conversation.move();
          }
        }
        conversation.heal();
        assertConverged(conversation);
      },
    ),
    { numRuns: 150 },
  );
});

conversations('waits are answered when, and only when, what they wait for has happened', () => {
  const conversation = withSchema(new Conversation(seeded(5), 2));
  const [a, b] = conversation.devices as [Device, Device];
  conversation.tell(a, { type: 'await', what: 'upload', id: 1 });
  conversation.tell(b, { type: 'await', what: 'download', id: 2 });
  assert.is(a.settled.size + b.settled.size, 0);
  conversation.heal();
  assert.is(a.settled.get(1), null);
  assert.is(b.settled.get(2), null);
  assert.is(a.session.file.progress.upload.clientVersion >= 1, true);

  randomWrite(conversation, a, seeded(6));
  conversation.tell(a, { type: 'await', what: 'upload', id: 3 });
  assert.not(a.settled.has(3));
  while (!a.settled.has(3)) assert.ok(conversation.move(), 'nothing moves any more');
  const head = conversation.server.partition.head;
  conversation.tell(b, { type: 'await', what: 'download', id: 4 });
  while (!b.settled.has(4)) assert.ok(conversation.move(), 'nothing moves any more');
  assert.ok(b.session.file.progress.download.serverVersion >= head);
  conversation.tell(a, { type: 'await', what: 'upload', id: 5 });
  assert.is(a.settled.get(5), null);
});

conversations('a wait that is abandoned is not answered', () => {
  const conversation = withSchema(new Conversation(seeded(5), 1));
  const [a] = conversation.devices as [Device];
  conversation.tell(a, { type: 'await', what: 'upload', id: 1 });
  conversation.tell(a, { type: 'abandon', id: 1 });
  conversation.heal();
  assert.not(a.settled.has(1));
});

conversations('a device far behind is served from the store, with its pending writes merged', () => {
  const random = seeded(8);
  const conversation = withSchema(new Conversation(random, 2));
  const [a, b] = conversation.devices as [Device, Device];
  conversation.heal();
  conversation.tell(b, { type: 'pause' });
  while (conversation.move());
  for (let i = 0; i < 40; i++) {
    randomWrite(conversation, a, random);
    randomWrite(conversation, b, random);
    while (conversation.move());
  }
  // A server that starts again holds only what lies above its snapshot: nothing, after one was taken.
  conversation.crashServer();
  const { partition } = conversation.server;
  conversation.server = {
    ...conversation.server,
    partition: { ...partition, tail: { backing: [], from: 0, to: 0 } },
  };
  conversation.heal();
  assertConverged(conversation);
});

conversations(
  'a changeset that does not fit is quarantined, its file is told, and nobody else is disturbed',
  () => {
    const conversation = withSchema(new Conversation(seeded(3), 2));
    const [a, b] = conversation.devices as [Device, Device];
    conversation.heal();
    const before = a.state;
    // A device with a bug: it uploads an update of an object that nobody has.
    const bad = {
      kind: 'Update',
      table: 'A',
      object: 'i77',
      field: 'n',
      path: [],
      value: 1n,
      isDefault: false,
      priorSize: null,
    } as const;
    conversation.write(a, [bad as never], before);
    conversation.heal();
    assert.is(a.session.phase, 'failed');
    assert.match(a.failures.join('\n'), 'bad_changeset');
    assert.match(conversation.notes.join('\n'), 'quarantined');
    assert.is(conversation.records.entries(['quarantine']).length, 1);
    assert.is(b.session.phase, 'streaming');
    randomWrite(conversation, b, seeded(9));
    conversation.heal();
    assert.is(conversation.digests().get('B'), conversation.digests().get('server'));
  },
);

conversations('a server restored from a backup is found out by its salts', () => {
  const conversation = withSchema(new Conversation(seeded(4), 1));
  const [a] = conversation.devices as [Device];
  conversation.heal();
  const backup = conversation.records.entries();
  randomWrite(conversation, a, seeded(10));
  conversation.heal();
  const everything = Number.MAX_SAFE_INTEGER;
  conversation.records.apply({
    deletes: ['meta', 'log', 'file', 'snapshot', 'reciprocal-2'].map((space) => ({
      space,
      from: 0,
      to: everything,
    })),
    puts: backup,
  });
  conversation.crashServer();
  conversation.heal();
  assert.is(a.session.phase, 'failed');
  assert.match(a.failures.join('\n'), /bad_server_version|diverging_histories|bad_client_version/);
});

conversations.run();
