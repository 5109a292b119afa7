import * as assert from 'uvu/assert';
import { defaultTiming } from '../core/session/client-session.js';
import type { Client } from '../transports/client.js';
import { systemEntropy } from '../transports/clock.js';
import { directLines } from '../transports/drivers/line.js';
import { openFile } from '../transports/drivers/open-file.js';
import { type LoadRecovery, loadRecovery } from '../transports/drivers/reset.js';
import { TokenKeeper } from '../transports/drivers/tokens.js';
import type { ClientStore, Clock, Connector } from '../transports/ports.js';
import { MemoryFile, memoryClientStore } from '../transports/stores/memory.js';
import { eventually, quick, ResetWorld, synced, taskSchema } from './kit/reset-world.js';
import { suite } from './kit/suite.js';

const test = suite('client resets that are interrupted');

/** Clients that are left behind must not keep the process alive. */
const clock: Clock = {
  now: () => Date.now(),
  schedule: (milliseconds, action) => {
    const timer = setTimeout(action, milliseconds).unref();
    return () => clearTimeout(timer);
  },
};

const contents = (client: Client): unknown[] =>
  [...client.objects('Task')].map((task) => [task['_id'], task['title'], [...(task['tags'] as string[])]]);

const recovered = [
  ['a', 'mine', ['x', 'y', 'z']],
  ['c', 'offline', []],
];
const untouched = [
  ['a', 'mine', ['x', 'y', 'z']],
  ['b', 'of what is gone', []],
  ['c', 'offline', []],
];

/** A device that was offline while its server was taken back to a backup. */
const world = async () => {
  const world = new ResetWorld();
  await world.start();
  const other = await world.open({ clock });
  const file = new MemoryFile();
  const device = await world.open({ clock, store: memoryClientStore(file) });
  other.write((tx) => tx.create('Task', { _id: 'a', title: 'one', tags: ['x', 'y'] }));
  await synced(other, device);
  const backup = world.backup();
  other.write((tx) => tx.create('Task', { _id: 'b', title: 'lost with the server' }));
  await synced(other, device);
  device.session.pause();
  await eventually('the device is paused', () => device.session.describe().phase === 'paused');
  device.write((tx) => {
    tx.set('Task', 'a', 'title', 'mine');
    tx.create('Task', { _id: 'c', title: 'offline' });
    tx.list('Task', 'a', 'tags').push('z');
    tx.increment('Task', 'a', 'votes', 2);
  });
  await device.write((tx) => tx.set('Task', 'b', 'title', 'of what is gone')).saved;
  await device.close();
  await other.close();
  await world.restore(backup);
  const open = (store: ClientStore, connector: Connector = world.network.connector) =>
    world.open({ clock, store, connector, reset: { mode: 'recover' } });
  return { world, file, open };
};

const finished = async (client: Client, server: ResetWorld): Promise<void> => {
  await eventually('the reset is over', () => client.session.describe().phase === 'streaming');
  await synced(client);
  assert.equal(contents(client), recovered);
  assert.is(client.object('Task', 'a')?.['votes'], 2);
  assert.is(client.parking.writes.length, 1);
  assert.is(await server.server.digest('p'), client.digest());
};

const isOver = (client: Client): boolean => {
  const { phase, pendingWrites, parked } = client.session.describe();
  return phase === 'streaming' && pendingWrites === 0 && parked === 1;
};

test('a crash after any commit: the reset goes on, and comes to the same', async () => {
  let crashes = 0;
  for (let survivors = 0; ; survivors++) {
    const { world: server, file, open } = await world();
    let left = survivors;
    let isDead = false;
    const inner = memoryClientStore(file);
    const dying: ClientStore = {
      load: () => inner.load(),
      commit: (batch) => {
        if (left-- > 0) return inner.commit(batch);
        isDead = true;
        return new Promise(() => undefined);
      },
      close: () => inner.close(),
    };
    const dead = await open(dying);
    server.clients.splice(server.clients.indexOf(dead), 1);
    await eventually('it crashes, or ends', () => isDead || isOver(dead));
    await inner.close();
    const again = await open(memoryClientStore(file));
    await finished(again, server);
    await server.end();
    if (!isDead) break;
    crashes++;
  }
  assert.ok(crashes >= 4, `only ${crashes} commits`);
});

test('a disk that fills up at any commit: the data stay readable, the reason is said, and later it goes on', async () => {
  for (let room = 0; ; room++) {
    const { world: server, file, open } = await world();
    let left = room;
    const inner = memoryClientStore(file);
    const filling: ClientStore = {
      load: () => inner.load(),
      commit: (batch) =>
        left-- > 0 ? inner.commit(batch) : Promise.reject(new Error('no space left on device')),
      close: () => inner.close(),
    };
    const full = await open(filling);
    const isFull = (): boolean => /no space/.test(full.session.describe().failure ?? '');
    await eventually('it says so, or ends', () => isFull() || isOver(full));
    const wasEnough = !isFull();
    const seen = contents(full);
    assert.ok(
      [recovered, untouched].some((either) => JSON.stringify(either) === JSON.stringify(seen)),
      JSON.stringify(seen),
    );
    await full.close();
    await finished(await open(memoryClientStore(file)), server);
    await server.end();
    if (wasEnough) {
      assert.ok(room >= 4, `room for ${room} commits was enough`);
      break;
    }
  }
});

test('a download that is cut off at any byte goes on from there', async () => {
  const cutAfter = async (budget: number): Promise<number> => {
    const { world: server, file, open } = await world();
    let received = 0;
    let cuts = 0;
    const cutting: Connector = {
      connect: (events) => {
        let isCut = false;
        const link = server.network.connector.connect({
          opened: () => events.opened(),
          frame: (frame) => {
            if (isCut) return;
            received += frame.length;
            if (received <= budget || cuts > 0) {
              events.frame(frame);
              return;
            }
            isCut = true;
            cuts++;
            const reason = { code: 'lost', message: 'cut off' } as const;
            link.close(reason);
          },
          closed: (reason) => events.closed(reason),
        });
        return link;
      },
    };
    await finished(await open(memoryClientStore(file), cutting), server);
    await server.end();
    return received;
  };
  const total = await cutAfter(Number.POSITIVE_INFINITY);
  for (let budget = 0; budget < total; budget += Math.ceil(total / 24)) await cutAfter(budget);
});

/** The device, where a reset has to come by its code like this. */
const loading = async (load: LoadRecovery, retryFirst: number) => {
  const { world: server, file, open } = await world();
  const device = await openFile(
    {
      schema: taskSchema,
      store: memoryClientStore(file),
      partition: 'p',
      reset: { mode: 'recoverOrDiscard' },
    },
    {
      lines: directLines(server.network.connector),
      tokens: new TokenKeeper(undefined, clock, 120_000),
      timing: { ...defaultTiming, ...quick, retryFirst, retryMost: retryFirst },
      clock,
      entropy: systemEntropy,
      loadRecovery: load,
      closing: () => undefined,
    },
  );
  const errors: string[] = [];
  void (async () => {
    for await (const error of device.session.errors()) errors.push(error.message);
  })();
  return { server, file, open, device, errors };
};

test('code that cannot be loaded is asked for again, and the file stays what it is until it comes', async () => {
  let attempts = 0;
  const { server, device, errors } = await loading(() => {
    attempts++;
    return attempts <= 3 ? Promise.reject(new Error('Failed to fetch')) : loadRecovery();
  }, 15);
  const receipt = device.session.integrated(device.session.describe().localVersion);
  await eventually('it says why', () =>
    /Failed to fetch/.test(device.session.describe().reset?.failure ?? ''),
  );
  const { phase, reset } = device.session.describe();
  assert.is(phase, 'resetting');
  assert.is(reset?.stage, 'loading');
  assert.ok((reset?.nextAttempt ?? 0) > 0);
  assert.equal(contents(device), untouched);
  await receipt;
  await finished(device, server);
  assert.is(attempts, 4);
  assert.equal(
    errors.filter((message) => /could not be loaded: Failed to fetch; it is asked for again/.test(message))
      .length,
    1,
  );
  assert.is(device.session.describe().reset, null);
  await device.close();
  await server.end();
});

test('code that does not come is waited for across pauses, writes, closings and calls to hurry', async () => {
  let attempts = 0;
  const { server, device, file, open } = await loading(() => {
    attempts++;
    return Promise.reject(new Error('offline'));
  }, 3_600_000);
  await eventually('it waits', () => device.session.describe().reset?.nextAttempt != null);
  device.reconnect();
  await eventually('it has asked again', () => attempts === 2);
  device.session.pause();
  assert.is(device.session.describe().reset, null);
  assert.is(device.session.describe().phase, 'paused');
  device.write((tx) => tx.increment('Task', 'a', 'votes', 40));
  device.session.resume();
  await eventually('it asks anew', () => attempts === 3);
  await device.close();
  assert.is(attempts, 3);
  const again = await open(memoryClientStore(file));
  await eventually('the reset is over', () => again.session.describe().phase === 'streaming');
  await synced(again);
  assert.equal(contents(again), recovered);
  assert.is(again.object('Task', 'a')?.['votes'], 42);
  await again.close();
  await server.end();
});

test.run();
