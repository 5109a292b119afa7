import * as assert from 'uvu/assert';
import { syncline } from '../core/merge/rule-set.js';
import type { Client, ClientOptions, RecoveryReport, ResetMode, Snapshot } from '../transports/client.js';
import { systemClock } from '../transports/clock.js';
import type { ServerOptions } from '../transports/server.js';
import { MemoryFile, memoryClientStore } from '../transports/stores/memory.js';
import { eventually, ResetWorld, synced } from './kit/reset-world.js';
import { suite } from './kit/suite.js';

const test = suite('client resets, end to end');

const titles = (of: Pick<Client, 'objects'>): unknown[] =>
  [...of.objects('Task')].map((task) => `${task['_id']}=${task['title']}`);

/** A device that has an unsynced write when the server is taken back to where it had `a` only. */
const restored = async (
  mode: ResetMode,
  more: object = {},
  server: Partial<ServerOptions> = {},
  client: Partial<ClientOptions> = {},
) => {
  const world = new ResetWorld();
  await world.start(server);
  const other = await world.open({ reset: { mode: 'discardLocal' } });
  const heard: unknown[] = [];
  const file = new MemoryFile();
  const device = await world.open({ store: memoryClientStore(file), reset: { mode, ...more }, ...client });
  other.write((tx) => tx.create('Task', { _id: 'a', title: 'one', tags: ['x', 'y'] }));
  await synced(other, device);
  const backup = world.backup();
  other.write((tx) => tx.create('Task', { _id: 'b', title: 'lost with the server' }));
  await synced(other, device);
  await other.close();
  device.session.pause();
  await eventually('the device is paused', () => device.session.describe().phase === 'paused');
  const receipt = device.write((tx) => {
    tx.set('Task', 'a', 'title', 'mine');
    tx.create('Task', { _id: 'c', title: 'offline' });
    tx.list('Task', 'a', 'tags').push('z');
  });
  device.write((tx) => tx.set('Task', 'b', 'title', 'of what is gone'));
  await world.restore(backup);
  device.observe('Task', (changed) => void heard.push({ ...changed }));
  return { world, device, receipt, heard, file };
};

test('unsynced writes are recovered on a server that was restored, in one change', async () => {
  const told: { before: string[]; after: string[]; report: RecoveryReport }[] = [];
  const befores: unknown[] = [];
  const { world, device, receipt, heard } = await restored('recover', {
    onBefore: (before: Snapshot) => void befores.push(titles(before)),
    onAfter: (before: Snapshot, after: Snapshot, report: RecoveryReport) =>
      void told.push({ before: titles(before) as string[], after: titles(after) as string[], report }),
  });
  const waiting = device.session.waitForUpload();
  device.session.resume();
  await receipt.integrated();
  await waiting;
  await synced(device);
  assert.equal(titles(device), ['a=mine', 'c=offline']);
  assert.equal(device.object('Task', 'a')?.['tags'], ['x', 'y', 'z']);
  assert.is(await world.server.digest('p'), device.digest());
  assert.equal(heard, [{ insertions: [], modifications: [], deletions: ['b'] }]);
  assert.equal(befores, [['a=mine', 'b=of what is gone', 'c=offline']]);
  await eventually('the app is told', () => told.length === 1);
  assert.equal(told[0]?.before, ['a=mine', 'b=of what is gone', 'c=offline']);
  assert.equal(told[0]?.after, ['a=mine', 'c=offline']);
  assert.is(told[0]?.report.counts.superseded, 1);
  assert.equal(
    device.parking.writes.map(({ instructions }) => instructions.map(({ why }) => why)),
    [['superseded']],
  );
  assert.is(device.session.describe().reset, null);
  await world.end();
});

test('with the mode to discard, the state is exactly that of the server', async () => {
  const { world, device } = await restored('discardLocal');
  device.session.resume();
  await eventually('the reset is over', () => titles(device).length === 1);
  await synced(device);
  assert.equal(titles(device), ['a=one']);
  assert.is(await world.server.digest('p'), device.digest());
  assert.is(device.parking.writes.length, 0);
  await world.end();
});

test('with manual resets the file stays as it is, until the app asks for one', async () => {
  const { world, device, receipt } = await restored('manual');
  device.session.resume();
  await eventually('the session fails', () => device.session.describe().phase === 'failed');
  assert.match(device.session.describe().failure ?? '', /version|salt|bad_server/);
  assert.equal(titles(device), ['a=mine', 'b=of what is gone', 'c=offline']);
  device.write((tx) => tx.set('Task', 'c', 'title', 'still writable'));
  device.session.reset('recover');
  await eventually('the reset is over', () => device.session.describe().phase === 'streaming');
  await receipt.integrated();
  await synced(device);
  assert.equal(titles(device), ['a=mine', 'c=still writable']);
  assert.is(await world.server.digest('p'), device.digest());
  await world.end();
});

test('a callback that throws leaves everything as it was, and says so', async () => {
  const { world, device } = await restored('recoverOrDiscard', {
    onBefore: () => {
      throw new Error('not now');
    },
  });
  device.session.resume();
  await eventually('the session fails', () => device.session.describe().phase === 'failed');
  assert.match(device.session.describe().failure ?? '', 'not now');
  assert.equal(titles(device), ['a=mine', 'b=of what is gone', 'c=offline']);
  device.write((tx) => tx.delete('Task', 'c'));
  assert.equal(titles(device), ['a=mine', 'b=of what is gone']);
  await world.end();
});

test('a callback that never returns blocks nobody, and what is written meanwhile is recovered', async () => {
  let go: () => void = () => undefined;
  const { world, device } = await restored('recover', {
    onBefore: () => new Promise<void>((resolve) => (go = resolve)),
  });
  device.session.resume();
  await eventually('it waits', () => device.session.describe().reset?.stage === 'before');
  assert.is(device.session.describe().phase, 'resetting');
  device.write((tx) => tx.create('Task', { _id: 'd', title: 'meanwhile' }));
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.is(device.session.describe().reset?.stage, 'before');
  assert.equal(titles(device), ['a=mine', 'b=of what is gone', 'c=offline', 'd=meanwhile']);
  go();
  await eventually('the reset is over', () => device.session.describe().phase === 'streaming');
  await synced(device);
  assert.equal(titles(device), ['a=mine', 'c=offline', 'd=meanwhile']);
  assert.is(await world.server.digest('p'), device.digest());
  await world.end();
});

test('a file that is closed in the middle of a reset goes on with it when it is opened', async () => {
  const { world, device, file } = await restored('recover', {
    onBefore: () => new Promise<void>(() => undefined),
  });
  device.session.resume();
  await eventually('it waits', () => device.session.describe().reset?.stage === 'before');
  await device.close();
  const again = await world.open({ store: memoryClientStore(file), reset: { mode: 'recover' } });
  assert.is(again.session.describe().phase, 'resetting');
  assert.equal(titles(again), ['a=mine', 'b=of what is gone', 'c=offline']);
  await eventually('the reset is over', () => again.session.describe().phase === 'streaming');
  await synced(again);
  assert.equal(titles(again), ['a=mine', 'c=offline']);
  assert.is(await world.server.digest('p'), again.digest());
  await world.end();
});

test('a schema that does not fit the fresh data at all leaves the old ones in use', async () => {
  const world = new ResetWorld();
  await world.start();
  const backup = world.backup();
  const device = await world.open({ reset: { mode: 'recover' } });
  device.write((tx) => tx.create('Task', { _id: 'a', title: 'one' }));
  await synced(device);
  await world.restore(backup);
  const stranger = await world.open({
    schema: [{ name: 'Task', primaryKey: '_id', properties: { _id: 'string', title: 'int' } }],
  });
  await synced(stranger);
  await eventually('the session fails', () => device.session.describe().phase === 'failed');
  assert.match(device.session.describe().failure ?? '', 'Task.title');
  assert.equal(titles(device), ['a=one']);
  await world.end();
});

test('parked writes are kept across restarts, made good, or dismissed', async () => {
  const { world, device, file } = await restored('recover');
  device.session.resume();
  await eventually('the reset is over', () => device.parking.writes.length === 1);
  await synced(device);
  await device.close();
  const again = await world.open({ store: memoryClientStore(file), reset: { mode: 'recover' } });
  const [parked] = again.parking.writes;
  assert.match(parked?.instructions[0]?.reason ?? '', /eras|object/);
  assert.throws(() => again.parking.reapply(parked?.id ?? 0), /no such object|there is no/i);
  again.parking.reapply(parked?.id ?? 0, (tx, { instructions }) => {
    assert.is(instructions.length, 1);
    tx.create('Task', { _id: 'b', title: 'made good' });
  });
  assert.equal(again.parking.writes, []);
  assert.throws(() => again.parking.dismiss(parked?.id ?? 0), 'no parked write');
  await synced(again);
  assert.is(await world.server.digest('p'), again.digest());
  await again.close();
  const last = await world.open({ store: memoryClientStore(file), connect: false });
  assert.equal(last.parking.writes, []);
  assert.equal(titles(last), ['a=mine', 'b=made good', 'c=offline']);
  await world.end();
});

test('a server that forbids to recover is obeyed: by falling back, or by doing nothing', async () => {
  const fallbacks: string[] = [];
  const obeys = await restored(
    'recoverOrDiscard',
    { onFallback: (reason: string) => void fallbacks.push(reason) },
    { isRecoveryModeDisabled: true },
  );
  obeys.device.session.resume();
  await eventually('the reset is over', () => titles(obeys.device).length === 1);
  await synced(obeys.device);
  assert.equal(titles(obeys.device), ['a=one']);
  assert.equal(fallbacks, ['the server forbids to recover']);
  // Nothing is lost all the same.
  assert.equal(
    obeys.device.parking.writes.flatMap(({ instructions }) => [
      ...new Set(instructions.map(({ why }) => why)),
    ]),
    ['recoveryFailed', 'recoveryFailed'],
  );
  await obeys.world.end();

  const refuses = await restored('recover', {}, { isRecoveryModeDisabled: true });
  refuses.device.session.resume();
  await eventually('the session fails', () => refuses.device.session.describe().phase === 'failed');
  assert.match(refuses.device.session.describe().failure ?? '', 'forbids');
  assert.equal(titles(refuses.device), ['a=mine', 'b=of what is gone', 'c=offline']);
  await refuses.world.end();
});

test('a device that was away for too long recovers what it wrote meanwhile', async () => {
  let days = 0;
  const clock = {
    now: () => Date.now() + days * 86_400_000,
    schedule: systemClock.schedule,
  };
  const world = new ResetWorld();
  await world.start({ clock, clientMaxOfflineDays: 30 });
  const file = new MemoryFile();
  const [other, device] = [
    await world.open(),
    await world.open({ store: memoryClientStore(file), reset: { mode: 'recover' } }),
  ];
  other.write((tx) => tx.create('Task', { _id: 'a', title: 'one', votes: 1 }));
  await synced(other, device);
  device.session.pause();
  await eventually('the device is paused', () => device.session.describe().phase === 'paused');
  device.write((tx) => {
    tx.increment('Task', 'a', 'votes', 2);
    tx.set('Task', 'a', 'title', 'mine');
  });
  days = 20;
  other.write((tx) => tx.increment('Task', 'a', 'votes', 10));
  await synced(other);
  days = 40;
  other.write((tx) => tx.create('Task', { _id: 'b', title: 'of others' }));
  await synced(other);
  device.session.resume();
  await eventually('the reset is over', () => device.session.describe().phase === 'streaming');
  await synced(device);
  assert.equal(titles(device), ['a=mine', 'b=of others']);
  assert.is(device.object('Task', 'a')?.['votes'], 13);
  assert.is(await world.server.digest('p'), device.digest());
  await synced(other);
  assert.is(other.digest(), device.digest());
  await world.end();
});

test('every code that asks for a reset gets one, and nothing is lost or done twice', async () => {
  const world = new ResetWorld();
  await world.start();
  let resets = 0;
  const device = await world.open({ reset: { mode: 'recover', onAfter: () => void resets++ } });
  device.write((tx) => tx.create('Task', { _id: 'a', title: 'one', tags: ['x'] }));
  await synced(device);
  const codes = [208, 209, 210, 211, 212, 217, 222, 228, 230] as const;
  for (const [at, code] of codes.entries()) {
    // Some of it is on its way when the server asks.
    for (let i = 0; i < 3; i++)
      device.write((tx) => {
        tx.increment('Task', 'a', 'votes', 1);
        tx.list('Task', 'a', 'tags').push(`${code}`);
      });
    await world.server.reset('p', code, 'as a test');
    await eventually(
      'it is over',
      () => resets === at + 1 && device.session.describe().phase === 'streaming',
    );
    await synced(device);
    assert.is(device.object('Task', 'a')?.['votes'], 3 * (at + 1));
    const tags = device.object('Task', 'a')?.['tags'];
    assert.is(Array.isArray(tags) ? tags.length : 0, 1 + 3 * (at + 1));
    assert.is(await world.server.digest('p'), device.digest());
  }
  assert.is(device.parking.writes.length, 0);
  await world.end();
});

test('a recovery that fails falls back to discarding where the mode says so, and parks everything', async () => {
  let isBroken = false;
  const rules = new Proxy(syncline, {
    get: (target, name) => {
      if (isBroken) throw new Error('the rules are broken');
      return Reflect.get(target, name);
    },
  });
  for (const mode of ['recover', 'recoverOrDiscard'] as const) {
    isBroken = false;
    const fallbacks: string[] = [];
    const { world, device } = await restored(
      mode,
      {
        onBefore: () => {
          isBroken = true;
        },
        onAfter: () => {
          isBroken = false;
        },
        onFallback: (reason: string) => void fallbacks.push(reason),
      },
      {},
      { rules },
    );
    device.session.resume();
    const { session } = device;
    await eventually('it ends', () => ['failed', 'streaming'].includes(session.describe().phase));
    isBroken = false;
    if (mode === 'recover') {
      assert.match(session.describe().failure ?? '', 'the rules are broken');
      assert.equal(titles(device), ['a=mine', 'b=of what is gone', 'c=offline']);
    } else {
      assert.equal(titles(device), ['a=one']);
      assert.equal(fallbacks, ['the recovery failed: the rules are broken']);
      assert.is(device.parking.writes.length, 2);
    }
    await world.end();
  }
});

const refusal = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'it resolved',
    (error: unknown) => String(error),
  );

test('who waits for a write that a reset discards is told so: then, later and after a restart', async () => {
  const { world, device, receipt, file } = await restored('discardLocal');
  const waits = [
    refusal(receipt.integrated()),
    refusal(device.session.waitForUpload()),
    refusal(device.session.integrated(receipt.version + 1)),
  ];
  device.session.resume();
  for (const wait of waits) assert.match(await wait, /discarded in a client reset/);
  assert.match(await refusal(receipt.integrated()), /discarded in a client reset/);
  const later = device.write((tx) => tx.create('Task', { _id: 'd', title: 'of the new file' }));
  await later.integrated();
  await synced(device);
  assert.match(await refusal(receipt.integrated()), /discarded in a client reset/);
  await device.close();
  const again = await world.open({ store: memoryClientStore(file) });
  assert.match(await refusal(again.session.integrated(receipt.version)), /discarded in a client reset/);
  await again.session.integrated(later.version);
  await world.end();
});

test('who waits for a write that a reset parks is told so, also when it was made good', async () => {
  const { world, device, receipt, file } = await restored(
    'recoverOrDiscard',
    {},
    { isRecoveryModeDisabled: true },
  );
  const waits = [refusal(receipt.integrated()), refusal(device.session.waitForUpload())];
  device.session.resume();
  for (const wait of waits) assert.match(await wait, /parked in a client reset/);
  for (const { id } of device.parking.writes) device.parking.dismiss(id);
  await synced(device);
  assert.match(await refusal(receipt.integrated()), /parked in a client reset/);
  await device.close();
  const again = await world.open({ store: memoryClientStore(file) });
  assert.match(await refusal(again.session.integrated(receipt.version)), /parked in a client reset/);
  await world.end();
});

test('nothing that is written between the recovery and the switch is lost', async () => {
  const written: string[] = [];
  let writing: Promise<void> = Promise.resolve();
  const { world, device } = await restored('recover', {
    onBefore: () => {
      writing = (async () => {
        for (let i = 0; i < 100; i++) {
          await null;
          device.write((tx) => tx.create('Task', { _id: `w${i}`, title: 'meanwhile' }));
          written.push(`w${i}=meanwhile`);
        }
      })();
    },
  });
  device.session.resume();
  await eventually('it has written', () => written.length === 100);
  await writing;
  await eventually('the reset is over', () => device.session.describe().phase === 'streaming');
  await synced(device);
  assert.equal(titles(device).sort(), ['a=mine', 'c=offline', ...written].sort());
  assert.is(await world.server.digest('p'), device.digest());
  await world.end();
});

test.run();
