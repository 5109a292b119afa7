import fc from 'fast-check';
import * as assert from 'uvu/assert';
import { decodeClientMessage, encodeMessage } from '../core/protocol/codec.js';
import type { Client, ResetMode } from '../transports/client.js';
import type { Connector } from '../transports/ports.js';
import { MemoryFile, memoryClientStore } from '../transports/stores/memory.js';
import { instructions } from './kit/notation.js';
import { pick, type Random, seeded } from './kit/random.js';
import { eventually, ResetWorld, synced } from './kit/reset-world.js';
import { suite } from './kit/suite.js';
import { build } from './kit/worlds.js';

const test = suite('client resets at any moment');

/** What a device has that has made one task. */
const oneTask = build(
  instructions`
    AddTable Task topLevel _id: string
    AddColumn Task.title: string
    AddColumn Task.votes: int
    AddColumn Task.tags: string[]
    AddColumn Task.due: timestamp?
    CreateObject Task["a"]
    Update Task["a"].title = "one"
  `,
);

const ids = ['a', 'b', 'c'];

const randomWrite = (random: Random, client: Client): void => {
  const id = pick(random, ids);
  client.write((tx) => {
    const task = tx.object('Task', id);
    if (task === null) tx.create('Task', { _id: id, title: 'new', tags: ['x'] });
    else
      switch (random.int(6)) {
        case 0:
          tx.delete('Task', id);
          break;
        case 1:
          tx.increment('Task', id, 'votes', 1);
          break;
        case 2:
          tx.set('Task', id, 'title', `title ${random.int(100)}`);
          break;
        case 3:
          if ((task['tags'] as string[]).length > 0) tx.list('Task', id, 'tags').remove(0);
          break;
        default:
          tx.list('Task', id, 'tags').push(`tag ${random.int(100)}`);
      }
  });
};

const randomLife = async (seed: number): Promise<void> => {
  const random = seeded(seed);
  const world = new ResetWorld();
  await world.start();
  const modes: readonly ResetMode[] = ['recover', 'recoverOrDiscard', 'discardLocal'];
  const files = [new MemoryFile(), new MemoryFile()];
  const open = (at: number) =>
    world.open({
      store: memoryClientStore(files[at] as MemoryFile),
      reset: { mode: at === 0 ? 'recover' : pick(random, modes) },
    });
  const devices = [await open(0), await open(1)];
  let backup = world.backup();
  for (let step = 0; step < 14; step++) {
    const at = random.int(devices.length);
    const device = devices[at] as Client;
    switch (random.int(9)) {
      case 0:
        backup = world.backup();
        break;
      case 1:
        await world.restore(backup);
        break;
      case 2:
        device.session.pause();
        break;
      case 3:
        device.session.resume();
        break;
      case 4:
        await device.close();
        devices[at] = await open(at);
        break;
      case 5:
        await new Promise((resolve) => setTimeout(resolve, random.int(8)));
        break;
      default:
        randomWrite(random, device);
    }
  }
  for (const device of devices) device.session.resume();
  await eventually('everybody streams', () =>
    devices.every(({ session }) => {
      const { phase, pendingWrites } = session.describe();
      return phase === 'streaming' && pendingWrites === 0;
    }),
  ).catch((error: unknown) => {
    throw new Error(
      `${String(error)}: ${devices.map(({ session }) => JSON.stringify(session.describe())).join()}`,
    );
  });
  await synced(...devices);
  await synced(...devices);
  const [a, b] = devices as [Client, Client];
  assert.is(a.digest(), b.digest());
  assert.is(await world.server.digest('p'), a.digest());
  await world.end();
};

test('whatever is written, paused, restored and reopened, all end alike', async () => {
  await fc.assert(fc.asyncProperty(fc.nat(), randomLife), { numRuns: 15 });
});

test('a write that the server refuses is parked, and the others get there', async () => {
  const world = new ResetWorld();
  await world.start();
  const device = await world.open({ reset: { mode: 'recover' } });
  device.write((tx) => tx.create('Task', { _id: 'a', title: 'one' }));
  await synced(device);
  device.session.pause();
  // A device with a bug: it writes to an object that it does not have.
  const bad = instructions('Update Task["nobody"].title = "x"');
  await device.extend(bad, oneTask);
  await device.write((tx) => tx.set('Task', 'a', 'title', 'mine')).saved;
  device.session.resume();
  await eventually('it is parked', () => device.parking.writes.length === 1);
  await synced(device);
  assert.equal(
    device.parking.writes.flatMap(({ instructions: all }) =>
      all.map(({ instruction, why }) => [instruction, why]),
    ),
    [[bad[0], 'rejected']],
  );
  assert.is(device.object('Task', 'a')?.['title'], 'mine');
  assert.is(await world.server.digest('p'), device.digest());
  await world.end();
});

/** Refuses, as a server would that has lost its history again, whoever has seen anything of it. */
const forgetful = (connector: Connector, refusals: { count: number }): Connector => ({
  connect: (events) => {
    const link = connector.connect(events);
    return {
      get bufferedBytes() {
        return link.bufferedBytes;
      },
      close: (reason) => link.close(reason),
      send: (frame) => {
        const message = decodeClientMessage(frame);
        if (
          message._tag === 'Right' &&
          message.right.type === 'identify' &&
          message.right.latest.version > 0
        ) {
          refusals.count++;
          const { session } = message.right;
          queueMicrotask(() =>
            events.frame(
              encodeMessage({
                type: 'error',
                session,
                code: 208,
                message: `refusal ${refusals.count}`,
                tryAgain: false,
                action: 'ClientReset',
              }),
            ),
          );
          return;
        }
        link.send(frame);
      },
    };
  },
});

test('a server that asks for a reset after every reset does not get one for ever', async () => {
  for (const [mode, resets] of [
    ['recover', 1],
    ['recoverOrDiscard', 2],
    ['discardLocal', 1],
  ] as const) {
    const world = new ResetWorld();
    await world.start();
    const other = await world.open();
    other.write((tx) => tx.create('Task', { _id: 'a', title: 'one' }));
    await synced(other);
    const refusals = { count: 0 };
    const fallbacks: string[] = [];
    let done = 0;
    const device = await world.open({
      connector: forgetful(world.network.connector, refusals),
      reset: {
        mode,
        onAfter: () => void done++,
        onFallback: (reason) => void fallbacks.push(reason),
      },
    });
    await synced(device);
    device.session.pause();
    device.session.resume();
    await eventually('it gives up', () => device.session.describe().phase === 'failed');
    const { failure } = device.session.describe();
    assert.match(failure ?? '', 'did not help');
    assert.match(failure ?? '', 'refusal 1');
    await eventually('the app is told', () => done === resets);
    assert.is(refusals.count, resets + 1);
    assert.is(fallbacks.length, mode === 'recoverOrDiscard' ? 1 : 0);
    assert.is(device.object('Task', 'a')?.['title'], 'one');
    await world.end();
  }
});

test.run();
