import * as E from 'fp-ts/lib/Either.js';
import * as assert from 'uvu/assert';
import { limits } from '../core/base/limits.js';
import { defaultMaxOffline } from '../core/history/horizon.js';
import { newPartition } from '../core/history/partition.js';
import { syncline } from '../core/merge/rule-set.js';
import type { Changeset } from '../core/model/changeset.js';
import { addTable } from '../core/model/instruction.js';
import { decodeServerMessage, encodeMessage } from '../core/protocol/codec.js';
import type { ClientMessage, ServerMessage } from '../core/protocol/messages.js';
import { acknowledgedAfter } from '../core/session/client-traffic.js';
import { serverStep } from '../core/session/server.js';
import {
  newServerMachine,
  type ServerEffect,
  type ServerEvent,
  type ServerMachine,
} from '../core/session/server-session.js';
import { startServer } from '../transports/drivers/server.js';
import { type MemoryNetwork, memoryNetwork } from '../transports/links/memory.js';
import { memoryServerStore } from '../transports/stores/memory.js';
import { Machine } from './kit/client-machine.js';
import { suite } from './kit/suite.js';
import { withLimits } from './kit/with-limits.js';

const fanOut = suite('fan-out');

type Sessionless<Message> = Message extends unknown ? Omit<Message, 'session'> : never;
type Download = Extract<Extract<ServerEffect, { type: 'send' }>['message'], { type: 'download' }>;

/** A server machine, with a session on each of its connections, 1 and up. */
class Server {
  machine: ServerMachine;
  now = 1_000_000;

  constructor(sessions: number) {
    const config = { rules: syncline, explain: false, maxOffline: defaultMaxOffline };
    this.machine = newServerMachine(config, newPartition(7));
    for (let connection = 1; connection <= sessions; connection++) {
      const made = this.take(
        this.said(connection, { type: 'bind', partition: 'p', token: '', needIdent: true }),
      ).find((effect) => effect.type === 'send');
      if (made?.message.type !== 'ident') throw new Error('no ident was given');
      const [read] = this.take(
        this.said(connection, {
          type: 'identify',
          ident: made.message.ident,
          salt: made.message.salt,
          latest: { version: 0, salt: 0 },
          download: { serverVersion: 0, lastIntegratedClientVersion: 0 },
        }),
      );
      if (read?.type === 'read') this.take({ type: 'read', id: read.id, entries: [], now: this.now });
    }
  }

  said(connection: number, message: Sessionless<ClientMessage>): ServerEvent {
    const whole = { ...message, session: 1 } as ClientMessage;
    return { type: 'message', connection, message: whole, chance: 5, now: this.now };
  }

  take(event: ServerEvent, isMoreComing = false): readonly ServerEffect[] {
    const { machine, effects } = serverStep(this.machine, event, isMoreComing);
    this.machine = machine;
    return effects;
  }
}

const write = (version: number, table: string): Changeset => ({
  version,
  base: 0,
  timestamp: 5,
  origin: 0,
  instructions: [addTable(table, { type: 'embedded' })],
});

const upload = (server: Server, connection: number, ...changesets: Changeset[]): ServerEvent => {
  const clientVersion = changesets[changesets.length - 1]?.version ?? 0;
  return server.said(connection, {
    type: 'upload',
    progress: { clientVersion, lastIntegratedServerVersion: 0 },
    lockedServerVersion: 0,
    changesets,
  });
};

/** What each connection is sent, in order. */
const downloadsOf = (effects: readonly ServerEffect[]): ReadonlyMap<number, readonly Download[]> => {
  const downloads = new Map<number, Download[]>();
  for (const effect of effects) {
    if (effect.type !== 'send' || effect.message.type !== 'download') continue;
    downloads.set(effect.connection, [...(downloads.get(effect.connection) ?? []), effect.message]);
  }
  return downloads;
};

const tablesIn = (downloads: readonly Download[] = []): readonly string[] =>
  downloads.flatMap(({ changesets }) =>
    changesets.flatMap(({ instructions }) => instructions.map((instruction) => instruction.table)),
  );

fanOut('sessions that wrote nothing are sent the very same changesets', () => {
  const server = new Server(4);
  const sent = downloadsOf(server.take(upload(server, 1, write(1, 'A'), write(2, 'B'))));
  assert.is(sent.size, 4);
  const [own, second, third, fourth] = [1, 2, 3, 4].map((connection) => sent.get(connection)?.[0]);
  assert.equal(tablesIn(sent.get(1)), []);
  assert.equal(own?.download, { serverVersion: 2, lastIntegratedClientVersion: 2 });
  assert.equal(tablesIn(sent.get(2)), ['A', 'B']);
  assert.is(third?.changesets, second?.changesets);
  assert.is(fourth?.changesets, second?.changesets);
});

fanOut('whoever has written is told so after all others are sent what was written', () => {
  const server = new Server(40);
  for (const writer of [1, 17, 40]) {
    const version = server.machine.partition.head + 1;
    const effects = server.take(upload(server, writer, { ...write(version, `T${writer}`), base: 0 }));
    assert.is(effects[0]?.type, 'commit');
    const order = [...downloadsOf(effects).keys()];
    assert.is(order.length, 40);
    assert.is(order[39], writer);
  }
});

fanOut('downloads that say the same are one array of bytes, all others are not', () => {
  const server = new Server(4);
  server.take(upload(server, 4, write(3, 'Mine')));
  const sent = downloadsOf(server.take(upload(server, 1, write(1, 'A'))));
  const [second, third, fourth] = [2, 3, 4].map((connection) => sent.get(connection)?.[0] as Download);
  if (second === undefined || third === undefined || fourth === undefined)
    throw new Error('nothing was sent');
  assert.is(encodeMessage(third), encodeMessage(second));
  // One number differs in each, and the changesets are the same array.
  const { download, upload: up, latest } = second;
  const others: readonly Download[] = [
    { ...second, session: 2 },
    { ...second, download: { ...download, serverVersion: download.serverVersion + 1 } },
    { ...second, download: { ...download, lastIntegratedClientVersion: 1 } },
    { ...second, upload: { ...up, clientVersion: 9 } },
    { ...second, upload: { ...up, lastIntegratedServerVersion: 9 } },
    { ...second, latest: { ...latest, version: latest.version + 1 } },
    { ...second, latest: { ...latest, salt: 8 } },
    { ...second, downloadableBytes: 5 },
    { ...second, batch: { cut: 0, isLast: false } },
    { ...second, batch: { cut: 0, isLast: true } },
    { ...second, batch: { cut: 1, isLast: true } },
    { ...fourth, changesets: second.changesets },
  ];
  for (const other of others) {
    assert.equal(decodeServerMessage(encodeMessage(other)), E.right(other));
    assert.equal(decodeServerMessage(encodeMessage(second)), E.right(second));
  }
});

fanOut('sessions that have written are sent changesets with the base of their own', () => {
  const server = new Server(3);
  server.take(upload(server, 2, write(7, 'Mine')));
  const sent = downloadsOf(server.take(upload(server, 1, write(1, 'A'))));
  assert.equal(
    [2, 3].map((connection) => sent.get(connection)?.[0]?.changesets.map(({ base }) => base)),
    [[7], [0]],
  );
});

fanOut('of several events that are at hand one message tells all', () => {
  const one = new Server(4);
  const other = new Server(4);
  const events = [
    upload(one, 1, write(1, 'A')),
    upload(one, 2, write(1, 'B')),
    upload(one, 1, write(2, 'C')),
  ];
  const effects = events.flatMap((event, i) => [...one.take(event, i < events.length - 1)]);
  const separately = events.flatMap((event) => [...other.take(event)]);
  for (const connection of [3, 4]) {
    assert.is(downloadsOf(effects).get(connection)?.length, 1);
    assert.is(downloadsOf(separately).get(connection)?.length, 3);
  }
  for (const connection of [1, 2, 3, 4])
    assert.equal(
      tablesIn(downloadsOf(effects).get(connection)),
      tablesIn(downloadsOf(separately).get(connection)),
    );
  assert.is(one.machine.isBehind, false);
});

fanOut('what was put off is sent with the last event, whatever that is', () => {
  const server = new Server(2);
  assert.equal(downloadsOf(server.take(upload(server, 1, write(1, 'A')), true)).get(2), undefined);
  const sent = downloadsOf(server.take({ type: 'gone', connection: 1, now: server.now }));
  assert.equal(tablesIn(sent.get(2)), ['A']);
});

fanOut(
  'who only listens acknowledges once in a while, and when it has heard that this was everything',
  () => {
    const acknowledgements = ({ sent }: Machine): readonly number[] =>
      sent.flatMap((message) =>
        message.type === 'upload' ? [message.progress.lastIntegratedServerVersion] : [],
      );
    withLimits({ acknowledgedVersions: 3 }, () => {
      const machine = new Machine().stream();
      assert.equal(acknowledgements(machine.download(['A'])), []);
      assert.equal(acknowledgements(machine.download(['B'])), []);
      assert.equal(acknowledgements(machine.download(['C'])), [3]);
      assert.equal(acknowledgements(machine.download(['D'])), []);
      machine.tell({ type: 'await', what: 'download', id: 1 });
      assert.equal(acknowledgements(machine.answerMark()), [4]);
      machine.download(['E']);
      assert.equal(acknowledgements(machine.write()), [5]);
    });
    assert.ok(limits.acknowledgedVersions < limits.tailEntries);
  },
);

fanOut('files that hear the same do not acknowledge it at the same time', () => {
  const most = limits.acknowledgedVersions;
  const after = Array.from({ length: 200 }, (_, i) => acknowledgedAfter(i + 2));
  assert.is(new Set(after).size, 200);
  for (const versions of after) assert.ok(versions > most / 2 && versions <= most, String(versions));
  withLimits({ acknowledgedVersions: 1 }, () => assert.is(acknowledgedAfter(7), 1));
});

/** A link past the client: what it was sent, decoded. */
const rawLink = (network: MemoryNetwork) => {
  const heard: ServerMessage[] = [];
  let wake: () => void = () => undefined;
  const link = network.connector.connect({
    opened: () => undefined,
    frame: (frame) => {
      const message = decodeServerMessage(frame);
      if (E.isLeft(message)) throw new Error(message.left.message);
      heard.push(message.right);
      wake();
    },
    closed: () => undefined,
  });
  return {
    heard,
    send: (message: Sessionless<ClientMessage>) =>
      link.send(encodeMessage({ ...message, session: 1 } as ClientMessage)),
    until: async (holds: () => boolean): Promise<void> => {
      while (!holds())
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
    },
  };
};

fanOut('uploads that come together leave together', async () => {
  const network = memoryNetwork();
  const server = await startServer({ store: memoryServerStore(), listeners: [network.listener] });
  const [writer, reader] = [rawLink(network), rawLink(network)];
  for (const link of [writer, reader]) {
    link.send({ type: 'bind', partition: 'p', token: '', needIdent: true });
    await link.until(() => link.heard.length > 0);
    const [given] = link.heard;
    assert.is(given?.type, 'ident');
    if (given?.type !== 'ident') return;
    const { ident, salt } = given;
    const nothing = { serverVersion: 0, lastIntegratedClientVersion: 0 };
    link.send({ type: 'identify', ident, salt, latest: { version: 0, salt: 0 }, download: nothing });
    link.send({ type: 'mark', request: 1 });
    await link.until(() => link.heard.some(({ type }) => type === 'mark'));
  }
  const count = 16;
  for (let version = 1; version <= count; version++)
    writer.send({
      type: 'upload',
      progress: { clientVersion: version, lastIntegratedServerVersion: 0 },
      lockedServerVersion: 0,
      changesets: [write(version, `T${version}`)],
    });
  const downloads = () => reader.heard.filter((message) => message.type === 'download');
  await reader.until(() => downloads().some(({ download }) => download.serverVersion === count));
  assert.is(downloads().length, 1);
  assert.is(tablesIn(downloads()).length, count);
  await server.close();
});

fanOut.run();
