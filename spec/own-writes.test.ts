import * as E from 'fp-ts/lib/Either.js';
import * as assert from 'uvu/assert';
import { syncline } from '../core/merge/rule-set.js';
import { decodeSchema } from '../core/model/schema-config.js';
import { schemaInstructions } from '../core/model/schema-instructions.js';
import type { State } from '../core/model/state.js';
import { transact } from '../core/session/transaction.js';
import { type HostCallbacks, PartitionHost, readPartition } from '../transports/drivers/partition-host.js';
import type { PartitionStore } from '../transports/ports.js';
import { MemoryDatabase, memoryServerStore } from '../transports/stores/memory.js';
import { setUp } from './kit/driver-world.js';
import { suite } from './kit/suite.js';

const decoded = decodeSchema([
  { name: 'Task', primaryKey: '_id', properties: { _id: 'string', votes: 'int' } },
]);
if (E.isLeft(decoded)) throw new Error('the schema of this test cannot be read');
const schema = decoded.right;
const records = { deletes: [], puts: [] };

const callbacks: HostCallbacks = {
  perform: () => undefined,
  failed: () => undefined,
  now: () => 1_800_000_000_000,
  schedule: () => () => undefined,
};
const config = { rules: syncline, explain: false };

const opened = (store: PartitionStore): Promise<PartitionHost> =>
  PartitionHost.open(store, config, 7, callbacks, null);

/** One vote more than the state says: right only where it is the state that is changed. */
const vote = (state: State) => {
  const declared = schemaInstructions(state, schema);
  if (E.isLeft(declared)) throw new Error('the schema does not fit');
  if (declared.right.length > 0) return E.right({ instructions: declared.right, records });
  const made = transact(state, schema, (tx) => {
    const task = tx.object('Task', 'a');
    if (task === null) tx.create('Task', { _id: 'a', votes: 1 });
    else tx.update('Task', 'a', { votes: Number(task['votes']) + 1 });
  });
  if (E.isLeft(made)) throw made.left;
  return E.right({ instructions: made.right.instructions, records });
};

const writes = suite('writes of the server itself');

writes('are made of the very state that they change, however many servers write', async () => {
  const database = new MemoryDatabase();
  const store = memoryServerStore(database);
  const hosts = [await opened(await store.partition('p')), await opened(await store.partition('p'))] as const;
  await hosts[0].write(vote);
  for (let round = 0; round < 20; round++)
    await Promise.all(hosts.flatMap((host) => [host.write(vote), host.write(vote)]));
  const found = await readPartition(await store.partition('p'));
  const seen = await opened(await store.partition('p'));
  const made = transact(seen.partition.state, schema, (tx) => tx.object('Task', 'a')?.['votes']);
  assert.equal(E.isRight(made) && Number(made.right.result), 80);
  assert.is(found.version, 81);
  for (const host of hosts) host.stop();
});

writes('go to devices, in order with theirs, and are not taken for theirs', async () => {
  const store = memoryServerStore(new MemoryDatabase());
  const { server, open } = await setUp({ store, compaction: null });
  const client = await open();
  client.write((tx) => tx.create('Task', { _id: 'a', votes: 5 }));
  await client.session.waitForUpload();
  const host = await opened(await store.partition('p'));
  const version = await host.write((state) => {
    const made = transact(state, schema, (tx) => tx.increment('Task', 'a', 'votes', 10));
    return E.isLeft(made) ? made : E.right({ instructions: made.right.instructions, records });
  });
  client.write((tx) => tx.increment('Task', 'a', 'votes', 100));
  await client.session.waitForUpload();
  await client.session.waitForDownload();
  assert.is(Number(client.object('Task', 'a')?.['votes']), 115);
  assert.is(await server.version('p'), version + 1);
  assert.is(await server.digest('p'), client.digest());
  await client.close();
  await server.close();
});

writes(
  'that are refused, throw or change nothing leave everything as it was, and their promise says so',
  async () => {
    const store = memoryServerStore(new MemoryDatabase());
    const partition = await store.partition('p');
    const host = await opened(partition);
    const rejected = async (writing: Promise<number>): Promise<string> =>
      writing.then(
        () => 'no',
        (error: Error) => error.message,
      );
    assert.is(await rejected(host.write(() => E.left(new Error('I will not')))), 'I will not');
    const thrown = host.write(() => {
      throw new RangeError('too far');
    });
    const after = host.write(vote);
    assert.is(await rejected(thrown), 'too far');
    assert.is(await after, 1, 'the next one is not disturbed');
    assert.is(await host.write(() => E.right({ instructions: [], records })), 1);
    const kept = [{ space: 'outbox', index: 3, bytes: Uint8Array.of(9) }];
    assert.is(await host.write(() => E.right({ instructions: [], records: { deletes: [], puts: kept } })), 1);
    assert.equal((await partition.load(['outbox'])).entries, kept);
    host.stop();
    assert.match(await rejected(host.write(vote)), 'given up');
  },
);

writes('whose commit fails are not told to be done', async () => {
  const store = memoryServerStore(new MemoryDatabase());
  const partition = await store.partition('p');
  const failures: unknown[] = [];
  const failing: PartitionStore = {
    ...bound(partition),
    commit: () => Promise.reject(new Error('no space')),
  };
  const host = await PartitionHost.open(
    failing,
    config,
    7,
    { ...callbacks, failed: (error) => void failures.push(error) },
    null,
  );
  const outcomes = await Promise.allSettled([host.write(vote), host.write(vote)]);
  assert.equal(
    outcomes.map((each) => each.status === 'rejected' && (each.reason as Error).message),
    ['no space', 'no space'],
  );
  assert.is(failures.length, 1);
  assert.is((await readPartition(partition)).version, 0);
});

const bound = (partition: PartitionStore): PartitionStore => ({
  load: (spaces) => partition.load(spaces),
  read: (space, from, to, maxBytes) => partition.read(space, from, to, maxBytes),
  commit: (expected, batch) => partition.commit(expected, batch),
});

writes.run();
