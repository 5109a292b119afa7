/** The operations on partition-based sync, on bare stores. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as E from 'fp-ts/lib/Either.js';
import * as lmdb from 'lmdb';
import * as assert from 'uvu/assert';
import { schemaConfig } from '../core/access/stored-schema.js';
import type { RecordEntry } from '../core/base/record.js';
import { get } from '../core/base/trie.js';
import * as make from '../core/model/instruction.js';
import { intKey, stringKey } from '../core/model/key.js';
import { emptyState, type ObjectNode, property } from '../core/model/state.js';
import { arrival, sent } from '../core/session/moved-objects.js';
import { loadWhole, readPartition } from '../transports/drivers/partition-host.js';
import { SealedPartition, type SyncError } from '../transports/drivers/sync-error.js';
import type { ServerStore } from '../transports/ports.js';
import { lmdbServerStore } from '../transports/stores/lmdb.js';
import { MemoryDatabase, memoryServerStore } from '../transports/stores/memory.js';
import { holding } from './kit/holding-store.js';
import { suite } from './kit/suite.js';
import {
  config,
  contents,
  newTask,
  open,
  refusal,
  stringColumn,
  task,
  taskTable,
  write,
} from './kit/sync-store.js';

const control = suite('sync control');

const stores: readonly (readonly [
  string,
  () => Promise<{ store: ServerStore; end: () => Promise<void> }>,
])[] = [
  ['memory', async () => ({ store: memoryServerStore(), end: async () => undefined })],
  [
    'lmdb',
    async () => {
      const path = mkdtempSync(join(tmpdir(), 'syncline-control-'));
      const store = await lmdbServerStore({ lmdb, path });
      return {
        store,
        end: async () => {
          await store.close();
          rmSync(path, { recursive: true });
        },
      };
    },
  ],
];

for (const [kind, start] of stores) {
  control(`${kind}: begins with the given configuration, and keeps it`, async () => {
    const { store, end } = await start();
    assert.is((await refusal(open(store))).code, 'invalid');
    const wrong = await refusal(open(store, { config: config({ type: 'int' }), schema: [task()] }));
    assert.equal(
      [wrong.code, wrong.findings.map(({ path }) => path)],
      ['invalid', ['config.partition.type']],
    );
    const collides = await refusal(open(store, { config: config(), schema: [task({ owner: 'int' })] }));
    assert.is(collides.findings[0]?.path, 'schema.Task.owner');
    assert.equal(await store.partitions(), []);
    const sync = await open(store, { config: config(), schema: [task()] });
    assert.is(sync.current.record.state, 'enabled');
    const again = await open(store);
    assert.equal(again.current, sync.current);
    await open(store, { config: config({ required: false }, { state: 'disabled' }), schema: [task()] });
    assert.is(await sync.refresh(), false, 'says the same');
    const other = config({ key: 'team', permissions: { read: false, write: true } }, { service_name: 'x' });
    const fixed = await refusal(open(store, { config: other }));
    assert.is(fixed.code, 'fixed');
    assert.equal(
      fixed.findings.map(({ path }) => path),
      ['config.service_name', 'config.partition.key', 'config.partition.permissions.read'],
    );
    assert.match(fixed.message, 'config.partition.key: found the string "team", expected the string "owner"');
    // What concerns nobody's data.
    const longer = await open(store, { config: config({}, { client_max_offline_days: 3 }) });
    assert.is(longer.current.config.clientMaxOfflineDays, 3);
    assert.is(await sync.refresh(), true);
    assert.is(sync.current.config.clientMaxOfflineDays, 3);
    await end();
  });

  control(`${kind}: pauses, resumes, terminates and begins anew by the same key`, async () => {
    const { store, end } = await start();
    const sync = await open(store, { config: config(), schema: [task()] });
    const other = await open(store);
    await write(sync, '"a"', [...taskTable, ...newTask(1, { text: 'x' }), ...newTask(2)]);
    await write(sync, '"b"', [...taskTable, ...newTask(1, { text: 'y' })]);
    const held = await other.hosted('"a"');
    const { revision } = await held.load([]);

    await sync.disable();
    await sync.disable();
    assert.is(await other.refresh(), true);
    assert.is(other.current.record.state, 'disabled');
    assert.ok((other.current.record.lastDisabled ?? 0) > 1_600_000_000);
    assert.is(await other.enable(), null);
    assert.is(other.current.record.epoch, 0);

    await sync.terminate();
    await sync.terminate();
    assert.is(sync.current.record.state, 'terminated');
    assert.is((await refusal(other.disable())).code, 'state');
    assert.equal(await contents(sync), { '"a"': ['1 text="x"', '2 text=""'], '"b"': ['1 text="y"'] });
    assert.is((await held.commit(revision, { deletes: [], puts: [] })).type, 'conflict');
    assert.instance(await held.load(['meta']).catch((error: unknown) => error), SealedPartition);
    const late = await other.hosted('"new"');
    assert.instance(
      await late.commit(0, { deletes: [], puts: [] }).catch((error: unknown) => error),
      SealedPartition,
    );

    const begun = await sync.enable();
    assert.equal(begun, { epoch: 1, partitions: 3, objects: 3, unassigned: 0, dropped: [] });
    assert.is(sync.storedName('"a"'), '$1:"a"');
    const before = await contents(sync);
    assert.equal(before['"a"'], ['1 text="x"', '2 text=""']);
    assert.equal(before['"b"'], ['1 text="y"']);
    assert.is((await readPartition(await store.partition('"a"'))).version, 0, 'the past epoch is empty');
    assert.is(await other.refresh(), true);
    assert.equal(await contents(other), before);
    await write(other, '"a"', newTask(3));
    assert.is(await sync.enable(), null);
    await end();
  });
}

control('a new key divides the objects anew, and keeps what the old one said', async () => {
  const store = memoryServerStore();
  const sync = await open(store, { config: config(), schema: [task()] });
  const team = stringColumn('team', true);
  await write(sync, '"a"', [
    ...taskTable,
    team,
    ...newTask(1, { team: 'red' }),
    ...newTask(2, { team: 'blue' }),
  ]);
  await write(sync, '"b"', [...taskTable, team, ...newTask(3, { team: 'red', text: 'x' }), ...newTask(4)]);
  await write(sync, 'null', [...taskTable, ...newTask(5)]);
  assert.is((await refusal(sync.enable({ config: config({ key: 'team' }) }))).code, 'fixed');
  await sync.terminate();
  const begun = await sync.enable({ config: config({ key: 'team' }) });
  assert.equal(begun, { epoch: 1, partitions: 5, objects: 5, unassigned: 0, dropped: [] });
  assert.equal(await contents(sync), {
    '"a"': [],
    '"b"': [],
    '"blue"': ['2 owner="a" team="blue" text=""'],
    '"red"': ['1 owner="a" team="red" text=""', '3 owner="b" team="red" text="x"'],
    null: ['4 owner="b" team=null text=""', '5 owner=null team=null text=""'],
  });
  assert.equal(schemaConfig(sync.current.record.schema), [task({ team: 'string?', owner: 'string?' })]);

  // Required, and declared so: who has none is kept aside, and comes back.
  await sync.terminate();
  const required = config({ key: 'team', required: true });
  const collides = await refusal(sync.enable({ config: required }));
  assert.is(collides.findings[0]?.path, 'schema.Task.team');
  const strays = await sync.enable({
    config: required,
    schema: [task({ team: 'string', owner: 'string?' })],
  });
  assert.equal(strays?.unassigned, 2);
  assert.equal((await contents(sync))['$unassigned'], [
    '4 owner="b" team="" text=""',
    '5 owner=null team="" text=""',
  ]);
  await sync.terminate();
  await sync.enable({ config: config() });
  const back = await contents(sync);
  assert.equal(back['"b"'], ['3 owner="b" team="red" text="x"', '4 owner="b" team="" text=""']);
  assert.equal(back['null'], ['5 owner=null team="" text=""']);
});

control('what a new schema has no place for is told, and what it changes is kept where it fits', async () => {
  const store = memoryServerStore();
  const old = [
    task({ n: 'int', m: 'int?', gone: 'string', list: 'int[]' }),
    { name: 'Other', primaryKey: '_id', properties: { _id: 'string' } },
  ];
  const sync = await open(store, { config: config(), schema: old });
  const id = intKey(1n);
  await write(sync, '"a"', [
    ...taskTable,
    make.addColumn('Task', 'n', { type: 'int', nullable: false, collection: 'single', target: null }),
    make.addColumn('Task', 'm', { type: 'int', nullable: true, collection: 'single', target: null }),
    stringColumn('gone'),
    make.addColumn('Task', 'list', { type: 'int', nullable: false, collection: 'list', target: null }),
    make.addTable('Other', {
      type: 'topLevel',
      primaryKey: { name: '_id', type: 'string', nullable: false },
      asymmetric: false,
    }),
    make.createObject('Other', stringKey('o')),
    make.createObject('Task', id),
    make.update('Task', id, 'text', [], 'kept'),
    make.update('Task', id, 'gone', [], 'lost'),
    make.update('Task', id, 'm', [], 5n),
    make.arrayInsert('Task', id, 'list', [0], 1n, 0),
  ]);
  const next = [task({ n: 'int?', m: 'mixed', list: 'string[]' })];
  assert.is((await refusal(sync.enable({ schema: next }))).code, 'fixed');
  assert.is((await refusal(sync.extendSchema(next))).findings.length, 5);
  await sync.terminate();
  const begun = await sync.enable({ schema: next });
  assert.equal(begun?.dropped, [
    { class: 'Other', property: null, count: 1 },
    { class: 'Task', property: 'gone', count: 1 },
    { class: 'Task', property: 'list', count: 1 },
  ]);
  const { partition } = await loadWhole(await sync.read('"a"'), 1);
  const table = get(partition.state.tables, 'Task');
  const node = get((table as NonNullable<typeof table>).objects, id) as ObjectNode;
  const value = (name: string) => property(node, table?.byName.get(name) as never);
  assert.equal([value('text'), value('n'), value('m')], ['kept', 0n, 5n]);
});

control('documents that were on their way to another partition arrive, once', async () => {
  const store = memoryServerStore();
  const sync = await open(store, { config: config(), schema: [task()] });
  await write(sync, '"a"', [...taskTable, ...newTask(1)]);
  await write(sync, '"b"', [...taskTable, ...newTask(3)]);
  const outbox = sent(
    [],
    [
      { target: '"b"', instructions: [...taskTable, ...newTask(2, { text: 'moved' })] },
      { target: '"c"', instructions: [...taskTable, ...newTask(4)] },
      { target: '"b"', instructions: [...taskTable, ...newTask(5)] },
    ],
  );
  assert.ok(E.isRight(outbox));
  const leave = async (name: string, puts: readonly RecordEntry[]) => {
    const partition = await store.partition(name);
    const { revision } = await partition.load([]);
    await partition.commit(revision, { deletes: [], puts });
  };
  await leave('"a"', outbox.right);
  // The first one has arrived, and was deleted there since.
  const arrived = arrival(emptyState, [], '"a"', { number: 1, target: '"b"', instructions: [] });
  assert.ok(E.isRight(arrived));
  await leave('"b"', arrived.right.records.puts);
  await sync.terminate();
  assert.is((await sync.enable())?.objects, 4);
  assert.equal(await contents(sync), {
    '"a"': ['1 text=""'],
    '"b"': ['3 text=""', '5 text=""'],
    '"c"': ['4 text=""'],
  });
});

control(
  'a document on its way to a partition that is not there yet finds the property of its key',
  async () => {
    const store = memoryServerStore();
    const sync = await open(store, { config: config(), schema: [task({ owner: 'string?' })] });
    await write(sync, '"a"', taskTable);
    // As moves are: the property of the partition key is the target's to have.
    const outbox = sent([], [{ target: '"b"', instructions: [...taskTable, ...newTask(1, { owner: 'b' })] }]);
    assert.ok(E.isRight(outbox));
    const sender = await store.partition('"a"');
    await sender.commit((await sender.load([])).revision, { deletes: [], puts: outbox.right });
    await sync.terminate();
    assert.is((await sync.enable())?.objects, 1);
    assert.equal((await contents(sync))['"b"'], ['1 owner="b" text=""']);
  },
);

control('objects of one key cannot come together: nothing happens, and it is told', async () => {
  const store = memoryServerStore();
  const sync = await open(store, { config: config(), schema: [task()] });
  for (const name of ['"a"', '"b"']) await write(sync, name, [...taskTable, ...newTask(1), ...newTask(2)]);
  await sync.terminate();
  const error = await refusal(sync.enable({ config: config({ key: 'team' }) }));
  assert.is(error.code, 'objects');
  assert.equal(
    error.findings.map(({ message }) => message),
    [1, 2].map(
      (id) =>
        `Task[${id}]: found it in the partitions "a" and "b", expected one of them, since both would be in null`,
    ),
  );
  assert.equal([sync.current.record.state, sync.current.record.epoch], ['terminated', 0]);
  assert.is((await sync.enable())?.objects, 4);
});

control('what devices add extends the schema, on all servers', async () => {
  const store = memoryServerStore();
  const [one, two] = [await open(store, { config: config(), schema: [task()] }), await open(store)];
  const added = await Promise.all([
    one.extendBy([stringColumn('a')]),
    two.extendBy([stringColumn('b')]),
    one.extendBy([stringColumn('a')]),
  ]);
  assert.ok(added.every(E.isRight));
  await one.refresh();
  assert.equal([...(one.current.record.schema.byName.get('Task')?.byName.keys() ?? [])].sort(), [
    'a',
    'b',
    'text',
  ]);
  const collides = await one.extendBy([
    make.addColumn('Task', 'owner', { type: 'int', nullable: false, collection: 'single', target: null }),
  ]);
  assert.ok(E.isLeft(collides));
  assert.is(collides.left[0]?.path, 'schema.Task.owner');
  await open(store, { schema: [task()] });
  await one.extendSchema([task({ a: 'string', b: 'string', c: 'int' })]);
  assert.is(one.current.record.schema.byName.get('Task')?.properties.length, 4);
});

/** A store whose commits end after so many, as a process does. */
const mortal = (database: MemoryDatabase, commits: number): ServerStore => {
  const inner = memoryServerStore(database);
  let left = commits;
  return {
    ...inner,
    partition: async (name) => {
      const partition = await inner.partition(name);
      return {
        ...partition,
        commit: async (expected, batch) => {
          if (left === 0) throw new Error('the process has ended');
          left--;
          return partition.commit(expected, batch);
        },
      };
    },
  };
};

control('whatever commit is the last, sync is as it was or as it was to be', async () => {
  const objects = { '"a"': ['1 team="t" text="x"'], '"b"': ['2 team="t" text=""', '3 team=null text=""'] };
  const divided = {
    '"a"': [],
    '"b"': [],
    '"t"': ['1 owner="a" team="t" text="x"', '2 owner="b" team="t" text=""'],
    null: ['3 owner="b" team=null text=""'],
  };
  const outcomes = new Set<string>();
  for (let commits = 0; ; commits++) {
    const database = new MemoryDatabase();
    const first = await open(memoryServerStore(database), { config: config(), schema: [task()] });
    const team = stringColumn('team', true);
    await write(first, '"a"', [...taskTable, team, ...newTask(1, { team: 't', text: 'x' })]);
    await write(first, '"b"', [...taskTable, team, ...newTask(2, { team: 't' }), ...newTask(3)]);
    const dying = await open(mortal(database, commits));
    const ended = await dying
      .terminate()
      .then(() => dying.enable({ config: config({ key: 'team' }) }))
      .then(
        () => false,
        () => true,
      );
    const after = await open(memoryServerStore(database));
    const { state, epoch } = after.current.record;
    outcomes.add(`${state} ${epoch}`);
    assert.equal(await contents(after), epoch === 0 ? objects : divided, `after ${commits}`);
    // Whoever comes next can go on from there.
    if (state === 'terminated') assert.is((await after.enable())?.objects, 3);
    await after.terminate();
    await after.enable({ config: config({ key: 'team' }) });
    assert.equal((await contents(after))['"t"'], divided['"t"'], `then ${commits}`);
    if (!ended) break;
    assert.ok(commits < 40);
  }
  assert.equal([...outcomes], ['enabled 0', 'terminated 0', 'enabled 1']);
});

control('two servers that begin anew at once: one does, and the other says so', async () => {
  const database = new MemoryDatabase();
  const one = await open(memoryServerStore(database), { config: config(), schema: [task()] });
  await write(one, '"a"', [...taskTable, ...newTask(1)]);
  await one.terminate();
  const two = await open(memoryServerStore(database));
  const ends = await Promise.allSettled([one.enable(), two.enable()]);
  assert.equal(ends.map(({ status }) => status).sort(), ['fulfilled', 'rejected']);
  await one.refresh();
  assert.is(one.current.record.state, 'enabled');
  assert.equal(await contents(one), { '"a"': ['1 text=""'] });
});

control(
  'a server that is overtaken as it begins anew leaves alone what others have begun since',
  async () => {
    const outcomes = new Set<string>();
    for (let number = 1; ; number++) {
      const database = new MemoryDatabase();
      const one = await open(memoryServerStore(database), { config: config(), schema: [task()] });
      await write(one, '"a"', [...taskTable, ...newTask(1)]);
      await one.terminate();
      const { store, reached, goOn } = holding(memoryServerStore(database), number);
      const two = await open(store);
      const slow = two.enable().then(
        () => 'enabled',
        (error: SyncError) => error.code,
      );
      const isHeld = await Promise.race([reached.then(() => true), slow.then(() => false)]);
      if (!isHeld) break;
      await one.refresh();
      if (one.current.record.state !== 'terminated') await one.terminate();
      await one.enable();
      const { epoch } = one.current.record;
      goOn();
      outcomes.add(await slow);
      await one.refresh();
      assert.equal([one.current.record.state, one.current.record.epoch], ['enabled', epoch]);
      assert.equal(await contents(one), { '"a"': ['1 text=""'] }, `held after commit ${number}`);
      await write(one, '"a"', newTask(2));
    }
    assert.equal([...outcomes], ['contended', 'enabled']);
  },
);

control.run();
