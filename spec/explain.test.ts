import * as assert from 'uvu/assert';
import { limits } from '../core/base/limits.js';
import { createObject, update } from '../core/model/instruction.js';
import { intKey } from '../core/model/key.js';
import { explain, noExplanations, tookEffect } from '../core/session/explain.js';
import { type Client, openClient } from '../transports/client.js';
import { memoryNetwork } from '../transports/links/memory.js';
import { startServer } from '../transports/server.js';
import { memoryClientStore, memoryServerStore } from '../transports/stores/memory.js';
import { forEachOf } from './kit/async.js';
import { suite } from './kit/suite.js';

const schema = [
  {
    name: 'Task',
    primaryKey: '_id',
    properties: { _id: 'string', title: 'string?', votes: 'int', tags: 'string[]', notes: 'string{}' },
  },
];

/** Two devices that have met; each then writes offline, A first; they meet again. */
const meeting = async (inA: (a: Client) => void, inB: (b: Client) => void) => {
  const network = memoryNetwork();
  const server = await startServer({ store: memoryServerStore(), listeners: [network.listener] });
  let now = 1_000_000;
  const clock = { now: () => now++, schedule: () => () => undefined };
  const open = (explained: boolean): Promise<Client> =>
    openClient({
      schema,
      store: memoryClientStore(),
      connector: network.connector,
      partition: 'p',
      explain: explained,
      clock,
    });
  const [a, b] = [await open(true), await open(true)];
  const lost: string[] = [];
  void forEachOf(b.session.conflicts(), (write) => lost.push(`${write.instruction.kind} by ${write.rule}`));
  a.write((tx) => tx.create('Task', { _id: 'x', title: 'first' }));
  await a.session.waitForUpload();
  await b.session.waitForDownload();
  a.session.pause();
  b.session.pause();
  inA(a);
  inB(b);
  for (const device of [a, b]) {
    device.session.resume();
    await device.session.waitForUpload();
  }
  for (const device of [a, b]) await device.session.waitForDownload();
  const ident = (device: Client): number => device.session.describe().ident;
  return {
    a,
    b,
    lost,
    ident,
    end: async () => {
      await a.close();
      await b.close();
      await server.close();
    },
  };
};

const explained = suite('explain');

explained('names the write that gave the value and the one that lost to it', async () => {
  const { a, b, lost, ident, end } = await meeting(
    (device) => device.write((tx) => tx.set('Task', 'x', 'title', 'of A')),
    (device) => device.write((tx) => tx.set('Task', 'x', 'title', 'of B')),
  );
  for (const device of [a, b]) {
    const title = device.explain('Task', 'x', 'title');
    assert.is(title?.present?.by.file, ident(b));
    const instruction = title?.present?.instruction;
    assert.is(instruction?.kind === 'Update' && instruction.value, 'of B');
  }
  // B held its own write when A's came down: there the two met.
  const [met] = b.explain('Task', 'x', 'title')?.lost ?? [];
  assert.is(met?.rule, 'U1');
  assert.is(met?.by.file, ident(a));
  assert.is(met?.winner.file, ident(b));
  assert.ok((met?.winner.timestamp ?? 0) > (met?.by.timestamp ?? 0));
  assert.equal(lost, []);
  await end();
});

explained('tells a device which of its own writes are lost, to what and why', async () => {
  const { a, b, lost, ident, end } = await meeting(
    (device) => device.write((tx) => tx.delete('Task', 'x')),
    (device) => device.write((tx) => tx.set('Task', 'x', 'title', 'too late')),
  );
  assert.equal(lost, ['Update by n:EraseObject']);
  const title = b.explain('Task', 'x', 'title');
  assert.is(title?.present?.instruction.kind, 'EraseObject');
  assert.is(title?.present?.by.file, ident(a));
  assert.is(title?.lost[0]?.by.file, ident(b));
  assert.is(a.explain('Task', 'x')?.present?.instruction.kind, 'EraseObject');
  await end();
});

explained('explains what lies inside by names, and lists as a whole', async () => {
  const { a, b, ident, end } = await meeting(
    (device) => device.write((tx) => tx.dictionary('Task', 'x', 'notes').set('k', 'of A')),
    (device) =>
      device.write((tx) => {
        tx.dictionary('Task', 'x', 'notes').set('other', 'of B');
        tx.list('Task', 'x', 'tags').push('t');
      }),
  );
  assert.is(b.explain('Task', 'x', ['notes', 'k'])?.present?.by.file, ident(a));
  assert.is(a.explain('Task', 'x', ['notes', 'other'])?.present?.by.file, ident(b));
  assert.is(a.explain('Task', 'x', ['tags', 0])?.present?.by.file, ident(b));
  assert.equal(a.explain('Task', 'x', 'votes')?.lost, []);
  await end();
});

explained('is null for a client that was opened without it, and refuses what does not exist', async () => {
  const { connector } = memoryNetwork();
  const plain = await openClient({
    schema,
    store: memoryClientStore(),
    connector,
    partition: 'p',
    connect: false,
  });
  assert.is(plain.explain('Task', 'x', 'title'), null);
  assert.throws(() => plain.explain('Nope', 'x'), /Nope/);
  await plain.close();
});

explained('keeps a bounded number of places, the newest ones', () => {
  const key = (i: number) => intKey(BigInt(i));
  let known = noExplanations;
  const count = 2 * limits.explainedPlaces + 10;
  for (let i = 0; i < count; i++) {
    const instructions = [update('T', key(i), 'f', [], 1n)];
    known = tookEffect(known, { version: i, base: 0, timestamp: i, origin: 2, instructions }, 2);
  }
  assert.ok(known.younger.size + known.older.size <= 2 * limits.explainedPlaces);
  assert.is(explain(known, 'T', key(0), ['f']).present, null);
  assert.is(explain(known, 'T', key(count - 1), ['f']).present?.by.timestamp, count - 1);
});

explained('a creation of what exists does not explain its properties', () => {
  const write = (
    instruction: ReturnType<typeof update> | ReturnType<typeof createObject>,
    timestamp: number,
  ) => ({
    version: timestamp,
    base: 0,
    timestamp,
    origin: 3,
    instructions: [instruction],
  });
  const first = tookEffect(noExplanations, write(update('T', intKey(1n), 'f', [], 1n), 1), 2);
  const both = tookEffect(first, write(createObject('T', intKey(1n)), 2), 2);
  assert.is(explain(both, 'T', intKey(1n), ['f']).present?.by.timestamp, 1);
  assert.is(explain(both, 'T', intKey(1n), []).present?.by.timestamp, 2);
});

explained.run();
