/** The machines where stores answer with damage, and where clients and servers say what cannot be. */
import * as E from 'fp-ts/lib/Either.js';
import * as assert from 'uvu/assert';
import type { RecordEntry } from '../core/base/record.js';
import { newClientFile } from '../core/history/client-file.js';
import { newPartition, saltOf } from '../core/history/partition.js';
import { syncline } from '../core/merge/rule-set.js';
import { addTable, type Instruction } from '../core/model/instruction.js';
import { stringKey } from '../core/model/key.js';
import type { ClientMessage, ServerError, ServerMessage } from '../core/protocol/messages.js';
import { droppedRecord } from '../core/reset/dropped.js';
import type { PendingReset, ResetCause } from '../core/reset/mode.js';
import { reportOf } from '../core/reset/report.js';
import { loadClient } from '../core/reset/reset-records.js';
import type { PreparedSwitch } from '../core/reset/switch.js';
import { encodeText } from '../core/reset/text-record.js';
import { pendingBytes } from '../core/session/progress.js';
import { serverStep } from '../core/session/server.js';
import { newServerMachine, type ServerEffect, type ServerEvent } from '../core/session/server-session.js';
import { Machine } from './kit/client-machine.js';
import { suite } from './kit/suite.js';
import { withLimits } from './kit/with-limits.js';

const corners = suite('corners of the machines');

type Sessionless<Message> = Message extends unknown ? Omit<Message, 'session'> : never;
type Timeless<Event> = Event extends unknown ? Omit<Event, 'now'> : never;

/** A server's machine with a store that a test answers for; connection 1, session 1. */
class Server {
  machine = newServerMachine({ rules: syncline, explain: false }, newPartition(7));
  /** Of the last step. */
  effects: readonly ServerEffect[] = [];
  readonly log: RecordEntry[] = [];
  #chance = 100;

  tell(event: Timeless<ServerEvent>): this {
    const step = serverStep(this.machine, { ...event, now: 1000 } as ServerEvent);
    this.machine = step.machine;
    this.effects = step.effects;
    for (const effect of step.effects)
      if (effect.type === 'commit')
        this.log.push(...effect.batch.puts.filter(({ space }) => space === 'log'));
    return this;
  }

  hear(message: Sessionless<ClientMessage>): this {
    const whole = { ...message, session: 1 } as ClientMessage;
    return this.tell({ type: 'message', connection: 1, message: whole, chance: ++this.#chance });
  }

  /** Writes of the server's own, one class each. */
  grow(...names: readonly string[]): this {
    for (const name of names)
      this.tell({
        type: 'written',
        write: { instructions: [addTable(name, { type: 'embedded' })], records: { deletes: [], puts: [] } },
      });
    return this;
  }

  /** Bound by a new file, and about to read what was kept of it. */
  opening(): this {
    this.hear({ type: 'bind', partition: 'p', token: '', needIdent: true });
    const [ident] = this.told;
    if (ident?.type !== 'ident') throw new Error('no ident');
    return this.hear({
      type: 'identify',
      ident: ident.ident,
      salt: ident.salt,
      latest: { version: 0, salt: saltOf(this.machine.partition, 0) },
      download: { serverVersion: 0, lastIntegratedClientVersion: 0 },
    });
  }

  get told(): readonly ServerMessage[] {
    return this.effects.flatMap((effect) => (effect.type === 'send' ? [effect.message] : []));
  }

  get error(): ServerError | undefined {
    return this.told.find((message): message is ServerError => message.type === 'error');
  }

  get reads(): readonly Extract<ServerEffect, { type: 'read' }>[] {
    return this.effects.flatMap((effect) => (effect.type === 'read' ? [effect] : []));
  }

  answer(id: number, entries: readonly RecordEntry[]): this {
    return this.tell({ type: 'read', id, entries });
  }

  upload(version: number, ...instructions: readonly Instruction[]): this {
    return this.hear({
      type: 'upload',
      progress: { clientVersion: version, lastIntegratedServerVersion: 0 },
      lockedServerVersion: 0,
      changesets: [{ version, base: 0, timestamp: 5, origin: 0, instructions }],
    });
  }
}

const damaged: RecordEntry = { space: 'log', index: 1, bytes: Uint8Array.of(0xff, 1, 2) };

corners('a client that names a write of its own that was never integrated has another history', () => {
  const server = new Server().hear({ type: 'bind', partition: 'p', token: '', needIdent: true });
  const [ident] = server.told;
  assert.ok(ident?.type === 'ident');
  server.grow('X').hear({
    type: 'identify',
    ident: ident.ident,
    salt: ident.salt,
    latest: { version: 1, salt: saltOf(server.machine.partition, 1) },
    download: { serverVersion: 1, lastIntegratedClientVersion: 5 },
  });
  assert.is(server.error?.code, 210);
  assert.match(server.error?.message ?? '', 'client version 5 was never integrated, 0 was the last');
  assert.is(server.error?.integrated, 0);
});

corners('what a session was kept of that cannot be read ends it, and no other', () => {
  const server = new Server().opening();
  const [read] = server.reads;
  assert.ok(read !== undefined && read.range.space !== 'log');
  server.answer(read.id, [{ ...damaged, space: read.range.space }]);
  assert.is(server.error?.code, 201);
  server.opening();
  server.answer(server.reads[0]?.id ?? 0, []);
  assert.is(server.error, undefined);
});

/** Active, with an upload whose history is no longer in memory, which is asked for. */
const behind = (...instructions: readonly Instruction[]): Server => {
  const server = new Server();
  withLimits({ tailEntries: 1 }, () => server.grow('A', 'B', 'C', 'D'));
  server.opening();
  server.answer(server.reads[0]?.id ?? 0, []);
  // What it is to download stands below the tail as well.
  const downloads = server.reads;
  assert.is(downloads.length, 1);
  server.upload(1, ...instructions);
  assert.is(server.reads.length, 1, 'the history below the tail is read for the upload');
  return server;
};

corners('an upload on history below the tail is merged with what the store has', () => {
  const server = behind(addTable('T', { type: 'embedded' }));
  const { head } = server.machine.partition;
  const [read] = server.reads;
  assert.equal(read?.range.from, 1);
  server.answer(
    read?.id ?? 0,
    server.log.filter(({ index }) => index < (read?.range.to ?? 0)),
  );
  assert.is(server.error, undefined);
  assert.is(server.machine.partition.head, head + 1);
});

corners('where that history is damaged the session ends, and nothing is integrated', () => {
  const server = behind(addTable('T', { type: 'embedded' }));
  const before = server.machine.partition;
  server.answer(server.reads[0]?.id ?? 0, [damaged]);
  assert.is(server.error?.code, 201);
  assert.is(server.machine.partition, before);
});

corners('where the upload does not fit that history it is kept aside, and the history does not grow', () => {
  const server = behind({ kind: 'CreateObject', table: 'Gone', object: stringKey('x') });
  const { head } = server.machine.partition;
  const [read] = server.reads;
  server.answer(
    read?.id ?? 0,
    server.log.filter(({ index }) => index < (read?.range.to ?? 0)),
  );
  assert.is(server.error?.code, 212);
  assert.equal(server.error?.rejected, [1]);
  assert.ok(server.effects.some(({ type }) => type === 'quarantined'));
  assert.is(server.machine.partition.head, head);
});

corners('a link that lets out what nobody waited for changes nothing', () => {
  const server = new Server().opening();
  const before = server.machine;
  for (const number of [1, 2]) {
    server.tell({ type: 'drained', connection: 1, number });
    assert.is(server.machine, before);
    assert.equal(server.effects, []);
  }
});

const cause: ResetCause = {
  action: 'ClientReset',
  code: 208,
  name: 'bad_client_file_ident',
  message: 'no',
  isRecoveryDisabled: false,
  integrated: null,
  rejected: [],
};
const pending: PendingReset = {
  performs: 'recovery',
  stage: 'downloading',
  cause,
  firstCause: { ...cause, code: 222, name: 'client_file_expired', message: 'it was away for long' },
  attempts: 2,
  fallback: null,
};

const resetting = (machine: Machine): Machine => {
  machine.session = { ...machine.session, phase: 'resetting', reset: pending, linked: false };
  return machine;
};

corners('who waits for a write that a reset has made nothing of waits no longer', () => {
  const machine = resetting(new Machine().stream().write().write());
  machine
    .tell({ type: 'await', what: 'upload', id: 7 })
    .tell({ type: 'await', what: 'upload', id: 8, version: 1 });
  assert.equal(machine.did, []);
  const prepared: PreparedSwitch = {
    fresh: { ...newClientFile, ident: 3, salt: 9, generation: machine.session.file.generation + 1 },
    base: newClientFile.base,
    state: newClientFile.base,
    writes: [],
    report: reportOf([]),
    parked: [],
    dropped: [],
    through: 2,
  };
  machine.tell({ type: 'switched', prepared });
  const settled = machine.effects.filter((effect) => effect.type === 'settled');
  assert.equal(settled, [
    { type: 'settled', id: 7, failure: null },
    { type: 'settled', id: 8, failure: null },
  ]);
  assert.equal(machine.session.waiters, []);
});

corners('a reset that fails names what it was asked for first', () => {
  const machine = resetting(new Machine().stream()).tell({ type: 'resetFailed', reason: 'the disk is full' });
  assert.is(machine.phase, 'failed');
  assert.match(
    machine.session.failure?.message ?? '',
    'the disk is full; it was asked for by 222 client_file_expired: it was away for long',
  );
  assert.is(machine.session.failure?.code, 208);
});

corners('bytes of pending writes are those up to the version that is asked about', () => {
  const machine = new Machine().stream().tell({ type: 'pause', direction: 'upload' }).write().write().write();
  const { file } = machine.session;
  const sums = [0, 1, 2, 3, 4].map((through) => pendingBytes(file, through));
  assert.is(sums[0], 0);
  assert.ok((sums[1] as number) > 0 && (sums[2] as number) > (sums[1] as number));
  assert.is(sums[3], pendingBytes(file));
  assert.is(sums[4], sums[3]);
});

corners('dropped writes that cannot be read back are named, and the file is not opened', () => {
  const stored = new Machine()
    .stream()
    .write()
    .effects.flatMap((effect) => (effect.type === 'commit' ? effect.batch.puts : []));
  const load = (value: unknown) =>
    loadClient([...stored, { ...droppedRecord([]), bytes: encodeText(value) }]);
  assert.ok(E.isRight(load([])));
  for (const value of [7, [7], [[1, 2, 'lost']]]) {
    const refused = load(value);
    assert.match(E.isLeft(refused) ? refused.left.message : '', 'dropped/0');
  }
});

corners.run();
