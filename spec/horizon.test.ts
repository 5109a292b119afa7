import * as E from 'fp-ts/lib/Either.js';
import * as assert from 'uvu/assert';
import { forecast } from '../core/history/forecast.js';
import { defaultMaxOffline, horizonOf } from '../core/history/horizon.js';
import { joinedLog, type Rewritten } from '../core/history/log-rewrite.js';
import { fileOf } from '../core/history/partition.js';
import { commitRewrite } from '../core/history/rewrite-commit.js';
import { readCertificate, readEntries } from '../core/history/server-records.js';
import { verifyCompaction } from '../core/history/verify.js';
import { edit } from '../core/model/apply.js';
import {
  addColumn,
  addInteger,
  addTable,
  createObject,
  eraseObject,
  type Instruction,
  update,
} from '../core/model/instruction.js';
import { intKey } from '../core/model/key.js';
import { toInstructions } from '../core/model/snapshot.js';
import { connectedFiles } from '../core/session/server-retention.js';
import { sameStored } from './kit/attack-law.js';
import { Conversation, type Device } from './kit/conversation.js';
import { compactingLife, disagreement } from './kit/conversation-law.js';
import { seeded } from './kit/random.js';
import { suite } from './kit/suite.js';
import { withLimits } from './kit/with-limits.js';

const horizon = suite('the horizon');
const DAY = 86_400_000;

const int = { type: 'int', nullable: false, collection: 'single', target: null } as const;
const schema: readonly Instruction[] = [
  addTable('T', {
    type: 'topLevel',
    primaryKey: { name: '_id', type: 'int', nullable: false },
    asymmetric: false,
  }),
  addColumn('T', 'x', int),
];
const key = (id: number) => intKey(BigInt(id));
const create = (id: number): Instruction => createObject('T', key(id));
const erase = (id: number): Instruction => eraseObject('T', key(id));
const set = (id: number, x: number): Instruction => update('T', key(id), 'x', [], BigInt(x));
const add = (id: number, x: number): Instruction => addInteger('T', key(id), 'x', [], BigInt(x));

const write = (conversation: Conversation, device: Device, ...instructions: Instruction[]): void => {
  conversation.now++;
  const draft = edit(device.state);
  for (const instruction of instructions) {
    const error = draft.apply(instruction);
    if (error !== null) throw new Error(error.message);
  }
  conversation.write(device, instructions, draft.finish());
};

/** Devices that all have the class. The first ones are connected, and have heard all there is. */
const setUp = (devices: number, connected = devices): [Conversation, ...Device[]] => {
  const conversation = new Conversation(seeded(1), devices);
  for (const device of conversation.devices) write(conversation, device, ...schema);
  for (const device of conversation.devices.slice(0, connected)) resume(conversation, device);
  return [conversation, ...conversation.devices];
};

const rest = (conversation: Conversation): void => {
  while (conversation.move());
};

const resume = (conversation: Conversation, device: Device): void => {
  conversation.tell(device, { type: 'resume' });
  rest(conversation);
};

const pause = (conversation: Conversation, device: Device): void => {
  conversation.tell(device, { type: 'pause' });
  rest(conversation);
};

const compact = (conversation: Conversation): Rewritten | null => {
  conversation.compactStep();
  conversation.compactStep();
  return conversation.compactStep();
};

const horizonNow = ({ server, now }: Conversation) =>
  horizonOf(server.partition, now, defaultMaxOffline, connectedFiles(server));

const built = (device: Device): readonly Instruction[] => toInstructions(device.state);

horizon('stands at the lowest position of all clients that are not silent for too long', () => {
  const [conversation, a, b] = setUp(2) as [Conversation, Device, Device];
  pause(conversation, b);
  for (let i = 0; i < 5; i++) {
    write(conversation, a, ...(i === 0 ? [create(1)] : []), set(1, i));
    rest(conversation);
  }
  const { ident } = b.session.file;
  const position = fileOf(conversation.server.partition, ident)?.baseVersion ?? 0;
  const { head } = conversation.server.partition;
  assert.ok(position < head);
  assert.equal(horizonNow(conversation), { version: position, heldBy: ident });

  const told = forecast(conversation.server.partition, conversation.now, defaultMaxOffline);
  assert.is(told.horizon, position);
  assert.is(told.cut, 0);
  const [first, second] = told.clients.map((client) => ({ ...client, lastSeen: 0 }));
  const { expiresAt } = told.clients[1] ?? { expiresAt: null };
  assert.equal(first?.standing, 'live');
  assert.equal(second, {
    ident,
    standing: 'live',
    version: position,
    behind: head - position,
    lastSeen: 0,
    expiresAt,
    holdsHorizon: true,
  });
  // At the very moment that the forecast names it still holds, and a millisecond later it does not.
  conversation.now = expiresAt as number;
  conversation.tick();
  assert.is(horizonNow(conversation).heldBy, ident);
  conversation.now++;
  assert.equal(horizonNow(conversation), { version: head, heldBy: null });
  const later = forecast(conversation.server.partition, conversation.now, defaultMaxOffline);
  assert.equal(
    later.clients.map(({ standing }) => standing),
    ['live', 'expired'],
  );
});

horizon('a client that was silent for too long is told so, and never left to diverge', () => {
  for (const compacts of [false, true]) {
    const [conversation, a, b] = setUp(2) as [Conversation, Device, Device];
    write(conversation, a, create(1), set(1, 1));
    rest(conversation);
    pause(conversation, b);
    write(conversation, b, set(1, 7));
    write(conversation, a, set(1, 2));
    rest(conversation);
    conversation.now += 30 * DAY + 3_700_000;
    conversation.tick();
    if (compacts) {
      assert.equal(compact(conversation)?.plan.cut, conversation.server.partition.head);
      const kept = conversation.records.entries(['certificate']).map(readCertificate);
      const [certificate] = kept.map((read) => (E.isRight(read) ? read.right : null));
      assert.equal(
        certificate?.expires.map(({ ident }) => ident),
        [b.session.file.ident],
      );
    }
    resume(conversation, b);
    assert.is(b.session.phase, 'failed');
    assert.is(b.session.failure?.code, 222);
    assert.is(b.session.failure?.action, 'ClientReset');
    assert.is(a.session.phase, 'streaming');
    // What it had not uploaded is still there for whoever resets it.
    assert.is(b.session.file.writes.to - b.session.file.writes.from, 1);
    conversation.begin(b);
    resume(conversation, b);
    assert.is(disagreement(conversation), null);
  }
});

horizon('a client that comes back in time goes on, whatever was compacted meanwhile', () => {
  const [conversation, a, b] = setUp(2) as [Conversation, Device, Device];
  write(conversation, a, create(1), set(1, 1));
  rest(conversation);
  pause(conversation, b);
  write(conversation, b, add(1, 100));
  for (let i = 0; i < 20; i++) write(conversation, a, set(1, i), ...(i === 9 ? [erase(1), create(1)] : []));
  rest(conversation);
  const before = conversation.server.partition.log.bytes;
  assert.ok(compact(conversation) !== null);
  assert.ok(conversation.server.partition.log.bytes < before);
  conversation.now += 29 * DAY;
  conversation.tick();
  compact(conversation);
  resume(conversation, b);
  assert.is(disagreement(conversation), null);
});

horizon('a connected client never expires, though nothing is said', () => {
  const [conversation, , b] = setUp(2) as [Conversation, Device, Device];
  for (let day = 0; day < 100; day++) {
    conversation.now += DAY;
    conversation.tick();
  }
  pause(conversation, b);
  resume(conversation, b);
  assert.is(disagreement(conversation), null);
});

horizon(
  'a new device with writes from before its first contact meets the folded history, at both ends',
  () => {
    const [conversation, a, b] = setUp(2, 1) as [Conversation, Device, Device];
    // Made offline, before or while the others do theirs, on nothing.
    write(conversation, b, create(1), set(1, 50));
    write(conversation, b, create(2), set(2, 60));
    write(conversation, b, create(3), set(3, 70));
    write(conversation, a, create(1), set(1, 5));
    write(conversation, a, create(2), set(2, 6));
    rest(conversation);
    write(conversation, a, erase(2));
    write(conversation, a, add(1, 1));
    rest(conversation);
    assert.is(compact(conversation)?.plan.cut, conversation.server.partition.head);
    resume(conversation, b);
    assert.is(disagreement(conversation), null);
    // The snapshot is as old as the newest write in it: it wins. What was erased before is not known any more.
    assert.equal(built(b).slice(schema.length), [
      create(1),
      set(1, 6),
      create(2),
      set(2, 60),
      create(3),
      set(3, 70),
    ]);
  },
);

horizon(
  'a new device is not cut off within its first download, and a forgotten one holds nobody for long',
  () => {
    withLimits({ downloadBytes: 100, tailEntries: 2, snapshotChunk: 10 }, () => {
      for (const hasGot of [true, false]) {
        const [conversation, a, b] = setUp(2, 1) as [Conversation, Device, Device];
        for (let i = 0; i < 30; i++) write(conversation, a, create(i), set(i, i));
        rest(conversation);
        assert.ok(compact(conversation) !== null);
        const { cut } = conversation.server.partition;
        assert.ok(cut > 0);
        write(conversation, b, create(100), set(100, 1));
        conversation.tell(b, { type: 'resume' });
        const got = (): number => b.session.file.progress.download.serverVersion;
        while (hasGot ? got() === 0 : b.session.file.ident === 0) assert.ok(conversation.move());
        assert.is(got() > 0, hasGot);
        conversation.disconnect(b);
        pause(conversation, b);
        write(conversation, a, set(1, 77), erase(2));
        rest(conversation);
        // On its way: nothing more is folded.
        compact(conversation);
        assert.is(conversation.server.partition.cut, cut);
        if (hasGot) {
          resume(conversation, b);
          assert.is(disagreement(conversation), null);
          pause(conversation, b);
          continue;
        }
        conversation.now += DAY + 1;
        conversation.tick();
        compact(conversation);
        assert.is(conversation.server.partition.cut, conversation.server.partition.head);
        // It has got nothing yet, so it can begin with what there is now, even after a year.
        conversation.now += 365 * DAY;
        conversation.tick();
        resume(conversation, b);
        assert.is(disagreement(conversation), null);
      }
    });
  },
);

horizon('a new device that has got a part of what was folded since is told to reset', () => {
  withLimits({ downloadBytes: 100, tailEntries: 2 }, () => {
    const [conversation, a, b] = setUp(2, 1) as [Conversation, Device, Device];
    for (let i = 0; i < 30; i++) write(conversation, a, create(i), set(i, i));
    rest(conversation);
    conversation.tell(b, { type: 'resume' });
    while (b.session.file.progress.download.serverVersion === 0) assert.ok(conversation.move());
    conversation.disconnect(b);
    pause(conversation, b);
    conversation.now += DAY + 1;
    conversation.tick();
    assert.ok(compact(conversation) !== null);
    resume(conversation, b);
    assert.is(b.session.failure?.code, 222);
  });
});

horizon('an object that is hardly ever written does not hold the cut', () => {
  const [conversation, a] = setUp(2) as [Conversation, Device, Device];
  write(conversation, a, create(1), set(1, 1));
  write(conversation, a, create(2));
  for (let i = 0; i < 50; i++) write(conversation, a, add(2, 1));
  rest(conversation);
  const before = conversation.server.partition.log.bytes;
  assert.ok(compact(conversation) !== null);
  const { partition } = conversation.server;
  assert.is(partition.cut, partition.head);
  assert.is(conversation.records.entries(['log']).length, 1);
  assert.ok(partition.log.bytes * 5 < before, `${before} bytes, now ${partition.log.bytes}`);
  conversation.crashServer();
  conversation.heal();
  assert.is(disagreement(conversation), null);
});

horizon('the last few certificates are kept, and hold for the histories that they speak of', () => {
  const [conversation, a] = setUp(1) as [Conversation, Device];
  write(conversation, a, create(1));
  for (let i = 0; i < 12; i++) {
    write(conversation, a, set(1, i));
    write(conversation, a, set(1, i + 100));
    rest(conversation);
    const stored = () => {
      const read = readEntries(conversation.records.entries(['log']));
      if (E.isLeft(read)) throw new Error(read.left.message);
      return read.right;
    };
    const before = joinedLog(stored(), 0);
    assert.ok(compact(conversation) !== null);
    const [kept] = conversation.records.entries(['certificate']).slice(-1).map(readCertificate);
    if (kept === undefined || E.isLeft(kept)) throw new Error('no certificate');
    assert.is(kept.right.number, i + 1);
    assert.is(kept.right.at, conversation.now);
    assert.equal(verifyCompaction(before, joinedLog(stored(), kept.right.cut), kept.right), []);
  }
  assert.equal(
    conversation.records.entries(['certificate']).map(({ index }) => index),
    [5, 6, 7, 8, 9, 10, 11, 12],
  );
});

horizon('a rewritten log is not taken where the partition has moved on in a way that matters', () => {
  const [conversation, a, b] = setUp(2, 1) as [Conversation, Device, Device];
  write(conversation, a, create(1), set(1, 1));
  write(conversation, a, set(1, 2));
  rest(conversation);
  conversation.compactStep();
  conversation.compactStep();
  // A new device has begun with what is there.
  conversation.tell(b, { type: 'resume' });
  while (b.session.file.progress.download.serverVersion === 0) assert.ok(conversation.move());
  assert.is(conversation.compactStep(), null);
  assert.is(conversation.server.partition.cut, 0);
  rest(conversation);
  assert.is(disagreement(conversation), null);
  // Another server has compacted.
  conversation.compactStep();
  const { partition } = conversation.server;
  const first = compactedTwice(conversation);
  assert.ok(first !== null);
  assert.is(commitRewrite(conversation.server.partition, first, conversation.now, defaultMaxOffline), null);
  assert.is(commitRewrite({ ...partition, head: 1 }, first, conversation.now, defaultMaxOffline), null);
});

const compactedTwice = (conversation: Conversation): Rewritten | null => {
  conversation.compactStep();
  return conversation.compactStep();
};

horizon('what is stored is what the server has, after every step of a life with compactions', () => {
  withLimits({ journalBytes: 400, tailEntries: 4, downloadBytes: 300, snapshotChunk: 50 }, () => {
    for (let seed = 100; seed < 105; seed++) {
      const found = compactingLife(seeded(seed), undefined, sameLog);
      assert.is(found, null, `seed ${seed}: ${found}`);
    }
  });
});

const sameLog = (conversation: Conversation): string | null => {
  const { cut, log } = conversation.server.partition;
  const stored = conversation.stored();
  if (stored.cut !== cut) return `cut ${cut}, stored ${stored.cut}`;
  if (JSON.stringify(stored.log) !== JSON.stringify(log))
    return `log ${JSON.stringify(log)}, stored ${JSON.stringify(stored.log)}`;
  const entries = conversation.records.entries(['log']);
  const bytes = entries.reduce((sum, entry) => sum + entry.bytes.length, 0);
  if (bytes !== log.bytes) return `${bytes} bytes in the log, ${log.bytes} known of`;
  return sameStored(conversation);
};

horizon.run();
