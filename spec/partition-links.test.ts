/** Links, as devices live by rules: none leads out of its partition. */

import * as assert from 'uvu/assert';
import { limits } from '../core/base/limits.js';
import { linkTo } from '../core/index.js';
import type { Changeset } from '../core/model/changeset.js';
import { createObject, update } from '../core/model/instruction.js';
import { stringKey } from '../core/model/key.js';
import { link } from '../core/model/value.js';
import type { Upload } from '../core/protocol/messages.js';
import { eventually } from './kit/async.js';
import { nothingUnhandled, soon } from './kit/driver-world.js';
import { RawClient } from './kit/raw-client.js';
import { everybody, world } from './kit/rules-world.js';
import { suite } from './kit/suite.js';

const links = suite('links with rules');

links('stay within a partition', async () => {
  const { server, open } = await world(everybody);
  const ann = await open('ann', 'one');
  ann.write((tx) => tx.create('Item', { _id: 'a', count: 0 }));
  await soon('upload', ann.session.waitForUpload());
  const bob = await open('bob', 'two');
  assert.throws(
    () => bob.write((tx) => tx.create('Item', { _id: 'b', count: 0, next: linkTo('Item', 'a') })),
    /does not exist/,
  );
  // Two devices, one of which erases what the other links to at the same time: that is no crossing.
  const cat = await open('cat', 'one');
  await soon('download', cat.session.waitForDownload());
  cat.session.pause();
  cat.write((tx) => {
    const c = tx.create('Item', { _id: 'c', count: 0, next: linkTo('Item', 'a') });
    tx.create('Item', { _id: 'd', count: 0, next: c });
  });
  ann.write((tx) => tx.delete('Item', 'a'));
  await soon('upload', ann.session.waitForUpload());
  cat.session.resume();
  await soon('upload', cat.session.waitForUpload());
  await soon('download', ann.session.waitForDownload());
  assert.is(ann.digest(), cat.digest());
  for (const client of [ann, bob, cat]) await client.close();
  await server.close();
  await nothingUnhandled();
});

links('to objects of other partitions are refused, and those pass that lead nowhere', async () => {
  const { server, open, network } = await world(everybody);
  const ann = await open('ann', 'one');
  ann.write((tx) => tx.create('Item', { _id: 'a', count: 0 }));
  await soon('upload', ann.session.waitForUpload());
  const bob = await open('bob', 'two');
  bob.write((tx) => tx.create('Item', { _id: 'b', count: 0 }));
  await soon('upload', bob.session.waitForUpload());
  // No client that knows its objects would write these.
  const numbers = { base: 0, timestamp: 1, origin: 0 };
  const linking = (version: number, key: string) => ({
    ...numbers,
    version,
    instructions: [update('Item', stringKey('b'), 'next', [], link('Item', stringKey(key)))],
  });
  const raw = new RawClient(network.connector);
  await raw.enter('"two"');
  const upload = (changesets: readonly ReturnType<typeof linking>[]): void =>
    raw.say({
      type: 'upload',
      session: 1,
      progress: {
        clientVersion: changesets[changesets.length - 1]?.version ?? 0,
        lastIntegratedServerVersion: 0,
      },
      lockedServerVersion: 0,
      changesets,
    });
  const before = await server.version('"two"');
  upload([linking(1, 'nowhere')]);
  await eventually('taken', async () => (await server.version('"two"')) === before + 1);
  upload([linking(2, 'b'), linking(3, 'a'), linking(4, 'nowhere'), linking(5, 'a')]);
  await eventually('refused', () => raw.codes.length > 0);
  const told = raw.heard.find((message) => message.type === 'error');
  assert.equal([raw.codes, told?.type === 'error' && told.rejected], [[230], [3, 5]]);
  assert.match(
    told?.type === 'error' ? told.message : '',
    'links to Item["a"], which is in another partition',
  );
  assert.is(await server.version('"two"'), before + 1);
  for (const client of [ann, bob]) await client.close();
  raw.link.close({ code: 'normal', message: '' });
  await server.close();
  await nothingUnhandled();
});

const uploadOf = (changesets: readonly Changeset[]): Upload => ({
  type: 'upload',
  session: 1,
  progress: {
    clientVersion: changesets[changesets.length - 1]?.version ?? 0,
    lastIntegratedServerVersion: changesets[changesets.length - 1]?.base ?? 0,
  },
  lockedServerVersion: 0,
  changesets,
});

links('are taken to what the device itself has sent just before, whoever has made the same', async () => {
  const { server, open, network } = await world(everybody);
  const ann = await open('ann', 'one');
  ann.write((tx) => tx.create('Item', { _id: 'b', count: 0 }));
  await soon('upload', ann.session.waitForUpload());
  const bob = await open('bob', 'two');
  bob.write((tx) => tx.create('Item', { _id: 'a', count: 0 }));
  await soon('upload', bob.session.waitForUpload());
  const raw = new RawClient(network.connector);
  await raw.enter('"one"');
  const numbers = { base: 0, timestamp: 1, origin: 0 };
  const before = await server.version('"one"');
  raw.say(uploadOf([{ ...numbers, version: 1, instructions: [createObject('Item', stringKey('a'))] }]));
  const linking = update('Item', stringKey('b'), 'next', [], link('Item', stringKey('a')));
  raw.say(uploadOf([{ ...numbers, version: 2, instructions: [linking] }]));
  await eventually('taken or refused', async () => {
    return raw.codes.length > 0 || (await server.version('"one"')) === before + 2;
  });
  assert.equal(raw.codes, []);
  for (const client of [ann, bob]) await client.close();
  raw.link.close({ code: 'normal', message: '' });
  await server.close();
  await nothingUnhandled();
});

links('are taken to what has moved away long since, once they were made before', async () => {
  const { server, open, network } = await world(everybody);
  const ann = await open('ann', 'one');
  ann.write((tx) => {
    tx.create('Item', { _id: 'a', count: 0 });
    tx.create('Item', { _id: 'b', count: 0 });
  });
  await soon('upload', ann.session.waitForUpload());
  await ann.close();
  const base = await server.version('"one"');
  await server.collection('Item').updateOne({ _id: 'a' }, { $set: { owner: 'two' } });
  const busy = new RawClient(network.connector);
  await busy.enter('"one"');
  const counting = Array.from({ length: limits.tailEntries }, (_, i) => ({
    base,
    timestamp: 1,
    origin: 0,
    version: i + 1,
    instructions: [update('Item', stringKey('b'), 'count', [], BigInt(i))],
  }));
  busy.say(uploadOf(counting));
  const moved = base + 1;
  const head = moved + limits.tailEntries;
  await eventually('a long history', async () => (await server.version('"one"')) === head);
  const raw = new RawClient(network.connector);
  await raw.enter('"one"');
  const linking = update('Item', stringKey('b'), 'next', [], link('Item', stringKey('a')));
  raw.say(uploadOf([{ base, timestamp: 1, origin: 0, version: 1, instructions: [linking] }]));
  await eventually('taken or refused', async () => {
    return raw.codes.length > 0 || (await server.version('"one"')) === head + 1;
  });
  assert.equal(raw.codes, []);
  for (const each of [busy, raw]) each.link.close({ code: 'normal', message: '' });
  await server.close();
  await nothingUnhandled();
});

links.run();
