import * as E from 'fp-ts/lib/Either.js';
import * as assert from 'uvu/assert';
import { limits } from '../core/base/limits.js';
import { runLast } from '../core/base/run.js';
import { forEach, get, set } from '../core/base/trie.js';
import { loadClientFile } from '../core/history/client-records.js';
import { type FileRecord, fileOf, saltOf } from '../core/history/partition.js';
import { addTable, createObject } from '../core/model/instruction.js';
import { intKey } from '../core/model/key.js';
import type { ClientMessage, ServerMessage } from '../core/protocol/messages.js';
import { clientStep } from '../core/session/client.js';
import { newConnection, route } from '../core/session/connection.js';
import { serverStep } from '../core/session/server.js';
import { type ServerSession, sessionKey } from '../core/session/server-session.js';
import type { Conversation, Device, Stranger } from './kit/conversation.js';
import { disagreement, peopled, randomWrite } from './kit/conversation-law.js';
import { seeded } from './kit/random.js';
import { suite } from './kit/suite.js';
import { withLimits } from './kit/with-limits.js';
import { build } from './kit/worlds.js';

/** Binds session 1 with an ident of its own, and identifies itself at the head. */
const entered = (
  conversation: Conversation,
): { stranger: Stranger; session: () => ServerSession | undefined } => {
  const stranger = conversation.stranger();
  conversation.say(stranger, { type: 'bind', session: 1, partition: 'p', token: '', needIdent: true });
  const [given] = stranger.heard;
  if (given?.type !== 'ident') throw new Error('no ident was given');
  const { partition } = conversation.server;
  conversation.say(stranger, {
    type: 'identify',
    session: 1,
    ident: given.ident,
    salt: given.salt,
    latest: { version: partition.head, salt: saltOf(partition, partition.head) },
    download: { serverVersion: partition.head, lastIntegratedClientVersion: 0 },
  });
  const key = sessionKey(stranger.connection, 1);
  return { stranger, session: () => get(conversation.server.sessions, key) };
};

const upload = (version: number, server: number, changesets: 'one' | 'none'): ClientMessage => ({
  type: 'upload',
  session: 1,
  progress: { clientVersion: version, lastIntegratedServerVersion: server },
  lockedServerVersion: server,
  changesets:
    changesets === 'none'
      ? []
      : [
          {
            version,
            base: server,
            timestamp: 1,
            origin: 0,
            instructions: [addTable(`T${version}`, { type: 'embedded' })],
          },
        ],
});

const identOf = (stranger: Stranger): number => {
  const [given] = stranger.heard;
  return given?.type === 'ident' ? given.ident : 0;
};

const errors = (stranger: Stranger): string =>
  stranger.heard
    .flatMap((each) => (each.type === 'error' ? [`${each.code} ${each.message}`] : []))
    .join('\n');

const bounds = suite('bounds of what a session holds');

bounds(
  'uploads that cannot be integrated yet are queued up to a limit; acknowledgements take no place',
  () => {
    const conversation = peopled(seeded(1), 1);
    conversation.heal();
    const { head } = conversation.server.partition;
    const { stranger, session } = entered(conversation);
    assert.is(session()?.phase, 'opening');
    for (let version = 1; version <= limits.queuedUploads; version++)
      conversation.say(stranger, upload(version, head, 'one'));
    assert.is(session()?.queue.length, limits.queuedUploads);
    for (let i = 1; i <= 1000; i++)
      conversation.say(stranger, upload(limits.queuedUploads + i, head, 'none'));
    assert.is(session()?.queue.length, limits.queuedUploads);
    const before = conversation.server;
    conversation.say(stranger, upload(5000, head, 'one'));
    assert.match(errors(stranger), '104 more than');
    assert.is(session(), undefined);

    conversation.server = before;
    while (conversation.move());
    assert.is(session()?.queue.length, 0);
    assert.is(conversation.server.partition.head, head + limits.queuedUploads);
    conversation.heal();
    assert.is(disagreement(conversation), null);
  },
);

bounds('marks that cannot be answered yet are joined where the answer is one, and bounded', () => {
  const conversation = peopled(seeded(1), 1);
  conversation.heal();
  const { stranger, session } = entered(conversation);
  for (let request = 1; request <= 5000; request++)
    conversation.say(stranger, { type: 'mark', session: 1, request });
  assert.is(session()?.marks.length, 1);
  for (let request = 5000; request > 5000 - limits.pendingMarks; request--)
    conversation.say(stranger, { type: 'mark', session: 1, request });
  assert.match(errors(stranger), '104 more than');
});

bounds('a session whose link lets nothing out is sent so much and no more', () => {
  const conversation = peopled(seeded(1), 2);
  conversation.heal();
  const [writer] = conversation.devices as [Device];
  const random = seeded(5);
  withLimits({ unflushedBytes: 1000 }, () => {
    const { stranger, session } = entered(conversation);
    const enter = conversation.moves().length;
    for (let i = 0; i < enter; i++) conversation.moves()[0]?.();
    // Drains are not answered, because nobody moves for them.
    const write = (): void => {
      randomWrite(conversation, writer, random);
      while (writer.upward.length > 0 || writer.downward.length > 0)
        (conversation.moves()[0] as () => void)();
    };
    for (let i = 0; i < 300 && session()?.isHeld !== true; i++) write();
    assert.ok(session()?.isHeld);
    const { length } = stranger.heard;
    for (let i = 0; i < 100; i++) write();
    conversation.say(stranger, { type: 'mark', session: 1, request: 7 });
    assert.is(stranger.heard.length, length);
    assert.ok((session()?.unflushed ?? 0) < 2000);
    conversation.heal();
    assert.equal(session()?.download.serverVersion, conversation.server.partition.head);
    assert.ok(stranger.heard.some((message) => message.type === 'mark' && message.request === 7));
  });
  assert.is(disagreement(conversation), null);
});

bounds('a changeset that cannot be decoded ends its session alone, after those before it', () => {
  const conversation = peopled(seeded(1), 1);
  conversation.heal();
  const { head } = conversation.server.partition;
  const { stranger, session } = entered(conversation);
  const whole = upload(1, head, 'one');
  if (whole.type !== 'upload') throw new Error('not an upload');
  const bad = { version: 2, base: head, timestamp: 1, origin: 0, body: Uint8Array.of(1, 14) };
  conversation.say(stranger, {
    ...whole,
    progress: { clientVersion: 3, lastIntegratedServerVersion: head },
    damaged: { changesets: [bad, { ...bad, version: 3 }], reason: '' },
  });
  while (conversation.move());
  assert.is(session(), undefined);
  assert.match(errors(stranger), '212 changeset 2 cannot be integrated: instruction of kind 14');
  assert.is(conversation.server.partition.head, head + 1);
  assert.is(fileOf(conversation.server.partition, identOf(stranger))?.clientVersion, 1);
  assert.match(conversation.notes.join('\n'), 'quarantined 2');
  const [kept] = conversation.records.entries(['quarantine']);
  assert.equal(kept?.bytes.slice(-2), bad.body);
  assert.is(disagreement(conversation), null);
});

bounds('a connection that is gone takes its sessions along, found by their numbers or by a search', () => {
  const conversation = peopled(seeded(1), 1);
  conversation.heal();
  const strangers = [1, 2, 3].map(() => entered(conversation).stranger);
  const before = conversation.server;
  for (const { connection } of strangers) {
    const gone = { type: 'gone', connection, now: 0 } as const;
    const [searched, named] = [serverStep(before, gone), serverStep(before, { ...gone, numbers: [1, 77] })];
    assert.is(searched.machine.sessions.size, before.sessions.size - 1);
    assert.is(get(named.machine.sessions, sessionKey(connection, 1)), undefined);
    assert.equal(named, searched);
  }
});

bounds('a session that has ended waits for nothing', () => {
  const conversation = peopled(seeded(1), 1);
  conversation.heal();
  for (let i = 0; i < 5; i++) {
    const { stranger } = entered(conversation);
    conversation.say(stranger, { type: 'unbind', session: 1 });
  }
  let reads = 0;
  forEach(conversation.server.reads, () => reads++);
  assert.is(reads, 0);
});

bounds('the answer to a read does not reach another session that has taken the number', () => {
  const conversation = peopled(seeded(1), 1);
  conversation.heal();
  const { stranger, session } = entered(conversation);
  const { connection } = stranger;
  const event = { type: 'message', connection, chance: 5, now: 1 } as const;
  let machine = serverStep(conversation.server, {
    ...event,
    message: { type: 'unbind', session: 1 },
  }).machine;
  const bind = { type: 'bind', session: 1, partition: 'p', token: '', needIdent: false } as const;
  machine = serverStep(machine, { ...event, message: bind }).machine;
  for (let id = 1; id < conversation.server.nextRead; id++)
    machine = serverStep(machine, { type: 'read', id, entries: [], now: 1 }).machine;
  assert.is(get(machine.sessions, sessionKey(connection, 1))?.phase, 'bound');
  assert.is(session()?.phase, 'opening');
});

bounds('a connection does not count sessions that have failed at their clients', () => {
  let connection = newConnection;
  for (let session = 1; session <= limits.sessionsPerConnection + 1; session++) {
    const bound = route(connection, { type: 'bind', session, partition: 'p', token: '', needIdent: false });
    assert.is(bound.route.type, 'deliver', String(session));
    const failed = route(bound.connection, { type: 'clientError', session, code: 212, message: '' });
    assert.is(failed.route.type, 'deliver');
    connection = failed.connection;
  }
});

bounds('a session whose file has gone on at another server gives way, and no other does', () => {
  const conversation = peopled(seeded(1), 1);
  conversation.heal();
  const { stranger, session } = entered(conversation);
  while (conversation.move());
  const { partition } = conversation.server;
  const ident = String(session()?.ident);
  const elsewhere = { ...(get(partition.files, ident) as FileRecord), clientVersion: 9 };
  const next = serverStep(conversation.server, {
    type: 'refreshed',
    partition: { ...partition, files: set(partition.files, ident, elsewhere) },
    now: 1,
  });
  assert.is(get(next.machine.sessions, sessionKey(stranger.connection, 1)), undefined);
  assert.is(next.machine.sessions.size, 1);
  const [told, ...others] = next.effects;
  assert.equal(others, []);
  assert.is(told?.type === 'send' && told.message.type === 'error' && told.message.code, 200);
});

bounds.run();

const sizes = suite('sizes');

sizes('a download of more instructions than fit in one record is kept all the same', () => {
  const conversation = peopled(seeded(1), 2);
  const [a, b] = conversation.devices as [Device, Device];
  conversation.heal();
  conversation.tell(b, { type: 'pause' });
  while (conversation.move());
  for (let i = 0; i < 30; i++) {
    const instructions = [createObject('A', intKey(BigInt(1000 + i)))];
    conversation.write(a, instructions, build(instructions, a.state));
  }
  while (conversation.move());
  withLimits({ changesetInstructions: 20, snapshotChunk: 20 }, () => conversation.heal());
  assert.is(disagreement(conversation), null);
  const loaded = loadClientFile(b.records.entries());
  assert.is(E.isRight(loaded) && loaded.right.journal.bytes, 0);
  conversation.crash(b);
  conversation.heal();
  assert.is(disagreement(conversation), null);
});

sizes.run();

const contradictions = suite('contradictions');

contradictions('a server that forgets what was acknowledged to it is found out, and 0 says nothing', () => {
  const conversation = peopled(seeded(1), 2);
  const [a, b] = conversation.devices as [Device, Device];
  conversation.heal();
  randomWrite(conversation, b, seeded(2));
  conversation.heal();
  randomWrite(conversation, b, seeded(3));
  conversation.heal();
  const { file } = a.session;
  const { progress } = file;
  assert.ok(progress.upload.lastIntegratedServerVersion > 1);
  const said = (lastIntegratedServerVersion: number) =>
    clientStep(a.session, {
      type: 'message',
      now: 5,
      chance: 0,
      message: {
        type: 'download',
        session: a.session.number,
        ...progress,
        upload: { ...progress.upload, lastIntegratedServerVersion },
        downloadableBytes: 0,
        changesets: [],
      },
    }).session;
  assert.is(said(1).phase, 'failed');
  assert.match(String(said(1).failure?.message), 'went back');
  assert.equal(said(0).file.progress.upload, progress.upload);
  assert.is(runLast(said(0).file.writes), runLast(file.writes));
});

contradictions('a clock that was set back does not keep a device from its next attempt', () => {
  const conversation = peopled(seeded(1), 1);
  const [a] = conversation.devices as [Device];
  conversation.heal();
  conversation.disconnect(a);
  assert.is(a.session.phase, 'disconnected');
  const year = 365 * 24 * 3600 * 1000;
  conversation.now = (a.session.deadline as number) - year;
  conversation.tell(a, { type: 'timer', chance: 0 });
  assert.is(a.session.phase, 'connecting');
});

contradictions('a message for the connection is an error or nothing', () => {
  const conversation = peopled(seeded(1), 1);
  const [a] = conversation.devices as [Device];
  conversation.tell(a, { type: 'resume' });
  while (a.session.phase !== 'binding') conversation.move();
  const said = (message: ServerMessage) =>
    clientStep(a.session, { type: 'message', now: 5, chance: 0, message }).session;
  assert.is(said({ type: 'ident', session: 0, ident: 9, salt: 9 }), a.session);
  const failed = { type: 'error', session: 0, code: 103, message: 'no', tryAgain: false } as const;
  assert.is(said({ ...failed, action: 'ProtocolViolation' }).phase, 'failed');
});

contradictions('a link that is lost over and over does not slow down a device that gets on', () => {
  const conversation = peopled(seeded(1), 2);
  const [a, b] = conversation.devices as [Device, Device];
  conversation.tell(a, { type: 'resume' });
  while (conversation.move());
  withLimits({ downloadBytes: 1 }, () => {
    for (let i = 0; i < 12; i++) randomWrite(conversation, a, seeded(i));
    while (conversation.move());
    for (let i = 0; i < 5; i++) {
      const { serverVersion } = b.session.file.progress.download;
      conversation.tell(b, { type: 'resume' });
      while (b.session.file.progress.download.serverVersion === serverVersion)
        assert.ok(conversation.move(), 'nothing moves any more');
      assert.is(b.session.phase, 'catchingUp');
      conversation.disconnect(b);
      assert.is(b.session.attempts, 1, `after loss ${i + 1}`);
    }
  });
  conversation.heal();
  assert.is(disagreement(conversation), null);
});

contradictions.run();
