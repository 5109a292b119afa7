import fc from 'fast-check';
import * as assert from 'uvu/assert';
import type { RecordEntry } from '../core/base/record.js';
import { entriesAfter } from '../core/base/run.js';
import type { Conversation, Device } from './kit/conversation.js';
import {
  compactingLife,
  disagreement,
  peopled,
  type Retained,
  randomLife,
  randomWrite,
} from './kit/conversation-law.js';
import { seeded } from './kit/random.js';
import { suite } from './kit/suite.js';

const conversations = suite('conversations');

const assertConverged = (conversation: Conversation): void => assert.is(disagreement(conversation), null);

conversations('two devices that write offline converge with the server', () => {
  const conversation = peopled(seeded(1), 2);
  const random = seeded(2);
  for (const device of conversation.devices)
    for (let i = 0; i < 10; i++) randomWrite(conversation, device, random);
  conversation.heal();
  assertConverged(conversation);
});

conversations('convergence survives any order of messages, losses of links and crashes', () => {
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      const found = randomLife(seeded(seed));
      if (found !== null) throw new Error(found);
    }),
    { numRuns: 150 },
  );
});

conversations('nobody notices that the history is compacted between any two steps', () => {
  const retained: Retained = { compactions: 0, folds: 0, expired: 0 };
  for (let seed = 1; seed <= 16; seed++) {
    const found = compactingLife(seeded(seed), retained);
    if (found !== null) throw new Error(`seed ${seed}: ${found}`);
  }
  assert.ok(
    retained.compactions > 60 && retained.folds > 6 && retained.expired > 1,
    JSON.stringify(retained),
  );
});

conversations('waits are answered when, and only when, what they wait for has happened', () => {
  const conversation = peopled(seeded(5), 2);
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
  const conversation = peopled(seeded(5), 1);
  const [a] = conversation.devices as [Device];
  conversation.tell(a, { type: 'await', what: 'upload', id: 1 });
  conversation.tell(a, { type: 'abandon', id: 1 });
  conversation.heal();
  assert.not(a.settled.has(1));
});

conversations('a device far behind is served from the store, with its pending writes merged', () => {
  const random = seeded(8);
  const conversation = peopled(random, 2);
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
    const conversation = peopled(seeded(3), 2);
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
    assert.equal(a.session.failure?.rejected, [a.session.file.version]);
    assert.is(conversation.records.entries(['quarantine']).length, 1);
    assert.is(b.session.phase, 'streaming');
    randomWrite(conversation, b, seeded(9));
    conversation.heal();
    assert.is(conversation.digests().get('B'), conversation.digests().get('server'));
  },
);

/** The server's store is what it was when the backup was taken, and a server starts on it. */
const restore = (conversation: Conversation, backup: readonly RecordEntry[]): void => {
  const { records } = conversation;
  const deletes = records.entries().map(({ space, index }) => ({ space, from: index, to: index + 1 }));
  records.apply({ deletes, puts: backup });
  conversation.crashServer();
};

conversations('a server restored from a backup is found out by its salts', () => {
  const conversation = peopled(seeded(4), 1);
  const [a] = conversation.devices as [Device];
  conversation.heal();
  const backup = conversation.records.entries();
  randomWrite(conversation, a, seeded(10));
  conversation.heal();
  restore(conversation, backup);
  conversation.heal();
  assert.is(a.session.phase, 'failed');
  assert.match(a.failures.join('\n'), /bad_server_version|diverging_histories|bad_client_version/);
});

for (const [since, code] of [
  ['nothing was written since', 'bad_server_version'],
  ['others have written since', 'diverging_histories'],
] as const)
  conversations(`a server restored while downloads are held has the file reset: ${since}`, () => {
    const conversation = peopled(seeded(4), 2);
    const [a, b] = conversation.devices as [Device, Device];
    conversation.heal();
    const backup = conversation.records.entries();
    conversation.tell(b, { type: 'pause' });
    conversation.tell(a, { type: 'pause', direction: 'download' });
    while (conversation.move());
    const made: number[] = [];
    for (let i = 0; i < 3; i++) {
      randomWrite(conversation, a, seeded(10 + i));
      made.push(a.session.file.version);
    }
    while (conversation.move());
    const { progress } = a.session.file;
    assert.is(progress.upload.clientVersion, made[2], 'all is acknowledged');
    // What is saved has to say it.
    conversation.crash(a);
    restore(conversation, backup);
    if (code === 'diverging_histories') {
      for (let i = 0; i < 6; i++) randomWrite(conversation, b, seeded(20 + i));
      conversation.tell(b, { type: 'resume' });
      while (conversation.move());
      assert.ok(conversation.server.partition.head >= progress.latest.version);
    }
    conversation.heal();
    assert.match(a.failures.join('\n'), code);
    assert.is(a.session.failure?.action, 'ClientReset');
    const integrated = a.session.asked?.integrated;
    assert.ok(typeof integrated === 'number');
    const lost = entriesAfter(a.session.file.writes, integrated).map((write) => write.version);
    assert.equal(lost, made, 'what the server has lost is here still');
  });

conversations.run();
