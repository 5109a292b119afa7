/** What an app sees of a session: states, writes that arrive, errors, conflicts, a description. */

import * as assert from 'uvu/assert';
import { type ConnectionStateChange, SynclineError } from '../transports/client.js';
import { memoryNetwork } from '../transports/links/memory.js';
import { startServer } from '../transports/server.js';
import { MemoryFile, memoryClientStore, memoryServerStore } from '../transports/stores/memory.js';
import { eventually, forEachOf, turn } from './kit/async.js';
import {
  add,
  breakingStore,
  ended,
  newestId,
  nothingUnhandled,
  openOn,
  rejection,
  setUp,
  soon,
} from './kit/driver-world.js';
import { courteous, ScriptedServer } from './kit/scripted-server.js';
import { suite } from './kit/suite.js';

const states = suite('connection states');

states('are told one after the other, to each reader all since it asked', async () => {
  const { server, open, network } = await setUp();
  const a = await open({ connect: false });
  const seen: ConnectionStateChange[] = [];
  const reading = forEachOf(a.session.connectionStateChanges(), (change) => void seen.push(change));
  assert.is(a.session.connectionState, 'disconnected');
  a.session.resume();
  await a.session.waitForDownload();
  network.cut();
  await eventually('again', () => seen.length >= 5);
  a.session.pause();
  await eventually('paused', () => a.session.connectionState === 'disconnected');
  await a.close();
  await soon('the end', reading);
  assert.equal(
    seen.map(({ current }) => current),
    ['connecting', 'connected', 'disconnected', 'connecting', 'connected', 'disconnected'],
  );
  seen.forEach((change, i) => {
    assert.is(change.previous, seen[i - 1]?.current ?? 'disconnected');
  });
  await server.close();
  await nothingUnhandled();
});

states('end for a reader whose signal is aborted, and for nobody else', async () => {
  const { server, open } = await setUp();
  const a = await open({ connect: false });
  const abort = new AbortController();
  const aborted = forEachOf(a.session.connectionStateChanges({ signal: abort.signal }), () => undefined);
  const other: string[] = [];
  void forEachOf(a.session.connectionStateChanges(), ({ current }) => void other.push(current));
  abort.abort(new Error('enough'));
  assert.match(String(await soon('aborted', rejection(aborted))), 'enough');
  a.session.resume();
  await a.session.waitForDownload();
  assert.equal(other, ['connecting', 'connected']);
  await ended(server, a);
});

states('and the state are told apart: active says what the app wants, connected what there is', async () => {
  const { server, open } = await setUp();
  const a = await open();
  await server.close();
  await eventually('disconnected', () => a.session.connectionState === 'disconnected');
  assert.is(a.session.state, 'active');
  a.session.pause('upload');
  assert.is(a.session.state, 'active');
  a.session.pause('download');
  assert.is(a.session.state, 'inactive');
  a.session.resume('upload');
  assert.is(a.session.state, 'active');
  assert.equal(a.session.describe().paused, ['download']);
  await a.close();
});

states.run();

const directions = suite('one direction');

directions('uploads paused: others do not see what is written here, and it sees the others', async () => {
  const { server, open } = await setUp();
  const [a, b] = [await open(), await open()];
  await a.session.waitForUpload();
  a.session.pause('upload');
  const mine = add(a);
  add(b);
  const theirs = newestId();
  await b.session.waitForUpload();
  await a.session.waitForDownload();
  assert.ok(a.object('Task', theirs) !== null);
  await b.session.waitForDownload();
  assert.is(b.objects('Task').size, 1);
  a.session.resume('upload');
  await soon('integrated', mine.integrated());
  await b.session.waitForDownload();
  assert.is(b.digest(), a.digest());
  for (const client of [a, b]) await client.close();
  await server.close();
});

directions('downloads paused: nothing changes here, and what is written arrives', async () => {
  const { server, open } = await setUp();
  const [a, b] = [await open(), await open()];
  await a.session.waitForDownload();
  a.session.pause('download');
  const changes: unknown[] = [];
  a.observe('Task', (changed) => void changes.push(changed));
  for (let i = 0; i < 3; i++) {
    add(b);
    await b.session.waitForUpload();
    await soon('integrated', add(a).integrated());
  }
  assert.is(changes.length, 3, 'its own writes');
  assert.is(a.objects('Task').size, 3);
  let isDown = false;
  const down = a.session.waitForDownload().then(() => {
    isDown = true;
  });
  await turn();
  assert.not(isDown);
  a.session.resume('download');
  await soon('down', down);
  await b.session.waitForDownload();
  assert.is(a.objects('Task').size, 6);
  assert.is(a.digest(), b.digest());
  assert.is(await server.digest('p'), a.digest());
  for (const client of [a, b]) await ended(server, client);
});

directions('in a storm of pauses and resumes: all that was written arrives everywhere', async () => {
  const { server, open } = await setUp();
  const [a, b] = [await open(), await open()];
  const choices = [undefined, 'upload', 'download'] as const;
  for (let i = 0; i < 200; i++) {
    const direction = choices[(i * 7) % 3];
    if (i % 5 < 3) a.session.pause(direction);
    else a.session.resume(choices[(i * 5) % 3]);
    if (i % 4 === 0) add(i % 8 === 0 ? a : b);
    if (i % 9 === 0) await turn();
  }
  a.session.resume();
  for (const client of [a, b]) await soon('uploaded', client.session.waitForUpload());
  for (const client of [a, b]) await soon('downloaded', client.session.waitForDownload());
  assert.is(a.digest(), b.digest());
  assert.is(await server.digest('p'), a.digest());
  for (const client of [a, b]) await ended(server, client);
});

directions.run();

const writes = suite('writes that arrive');

writes('are told one by one, across lost links', async () => {
  let frames = 0;
  const network = memoryNetwork({ lose: () => ++frames % 7 === 0 });
  const server = await startServer({ store: memoryServerStore(), listeners: [network.listener] });
  const { open } = await setUp();
  const a = await open({ connector: network.connector });
  for (let i = 0; i < 20; i++) {
    const receipt = add(a);
    await soon(`write ${i}`, receipt.integrated());
    assert.ok((await server.version('p')) > i);
  }
  await a.close();
  await server.close();
});

writes('of an earlier run are told by their version', async () => {
  const { server, open } = await setUp();
  const file = new MemoryFile();
  const a = await open({ store: memoryClientStore(file), connect: false });
  const { version } = add(a);
  await a.close();
  const again = await open({ store: memoryClientStore(file), connect: false });
  let isIntegrated = false;
  const integrated = again.session.integrated(version).then(() => {
    isIntegrated = true;
  });
  await turn();
  assert.not(isIntegrated);
  again.session.resume();
  await soon('integrated', integrated);
  await soon('and again', again.session.integrated(version));
  for (const odd of [-1, 0.5, 10_000, Number.NaN])
    assert.match(String(await rejection(again.session.integrated(odd))), 'does not exist');
  await ended(server, again);
});

writes('that the server cannot integrate are told so, with the reason', async () => {
  const server = new ScriptedServer({
    heard: (message, link) => {
      courteous(message, link);
      if (message.type === 'upload')
        link.say({
          type: 'error',
          session: message.session,
          code: 212,
          message: 'changeset 3 cannot be integrated: it is odd',
          tryAgain: false,
          action: 'ApplicationBug',
          rejected: [3],
        });
    },
  });
  const a = await openOn(server);
  const errors: SynclineError[] = [];
  void forEachOf(a.session.errors(), (error) => void errors.push(error));
  await a.session.waitForDownload();
  const [first, second] = [add(a), add(a)];
  assert.is(first.version, 3);
  const [error, behind] = await soon(
    'rejected',
    Promise.all([first.integrated(), second.integrated()].map(rejection)),
  );
  assert.instance(error, SynclineError);
  assert.match((error as SynclineError).message, 'bad_changeset: changeset 3 cannot be integrated');
  assert.is((error as SynclineError).area, 'rejected');
  assert.is(((error as SynclineError).details as { code: number }).code, 212);
  assert.is((behind as SynclineError).area, 'session');
  await turn();
  assert.is(errors.length, 1);
  assert.is(a.session.describe().errors.length, 1);
  await a.close();
  await nothingUnhandled();
});

writes('are given up with their signal, and with the client', async () => {
  const { server, open } = await setUp();
  const a = await open({ connect: false });
  const abort = new AbortController();
  const aborted = rejection(add(a).integrated({ signal: abort.signal }));
  const left = rejection(add(a).integrated());
  abort.abort(new Error('enough'));
  assert.match(String(await soon('aborted', aborted)), 'enough');
  await a.close();
  assert.match(String(await soon('closed', left)), 'the client is closed');
  await server.close();
  await nothingUnhandled();
});

writes.run();

const telling = suite('what a session tells');

telling('own writes that lose, to a client that was not opened to explain', async () => {
  const { server, open } = await setUp();
  const [a, b] = [await open(), await open()];
  add(a);
  const id = newestId();
  await a.session.waitForUpload();
  await b.session.waitForDownload();
  const conflicts = b.session.conflicts();
  a.session.pause();
  b.session.pause();
  b.write((tx) => tx.set('Task', id, 'votes', 1));
  await new Promise((resolve) => setTimeout(resolve, 5));
  a.write((tx) => tx.set('Task', id, 'votes', 2));
  for (const client of [a, b]) {
    client.session.resume();
    await client.session.waitForUpload();
    await client.session.waitForDownload();
  }
  const { value: lost } = await soon('the conflict', conflicts.next());
  assert.is(lost?.instruction.kind, 'Update');
  assert.is(lost?.by.file, b.session.describe().ident);
  assert.is(lost?.winner.file, a.session.describe().ident);
  await conflicts.return?.();
  for (const client of [a, b]) await ended(server, client);
});

telling('errors that suspend it, and those of the store that end it; then the loop ends', async () => {
  const { server, open } = await setUp();
  const { store, breaks } = breakingStore();
  const a = await open({ store });
  const errors: string[] = [];
  const reading = forEachOf(a.session.errors(), (error) => void errors.push(error.message));
  await a.session.waitForUpload();
  breaks();
  await rejection(add(a).saved);
  await soon('the end', reading);
  assert.match(errors.join(), 'no space left');
  await ended(server, a);
});

telling('who it is and where it stands, in one record that can be printed', async () => {
  const { server, open } = await setUp();
  const inner = memoryClientStore();
  const store = {
    place: '/data/ann',
    load: () => inner.load(),
    commit: inner.commit.bind(inner),
    close: () => inner.close(),
  };
  const token = { user: 'ann', token: () => Promise.resolve('a very secret token') };
  const a = await open({ store, token, connect: false });
  assert.is(a.session.path, '/data/ann');
  assert.is(a.session.user, 'ann');
  add(a);
  const before = a.session.describe();
  assert.equal(before.paused, ['upload', 'download']);
  assert.is(String(a.session), 'session of /data/ann, partition "p": paused');
  assert.ok(before.pendingBytes > 0);
  assert.is(before.downloadableBytes, null);
  assert.is(before.links.attempts, 0);
  a.session.resume();
  const wait = a.session.waitForUpload();
  assert.is(a.session.describe().waiting, 1);
  await wait;
  await a.session.waitForDownload();
  const after = a.session.describe();
  assert.is(after.pendingBytes, 0);
  assert.is(after.waiting, 0);
  assert.is(after.downloadableBytes, 0);
  assert.is(after.links.opened, 1);
  assert.ok((after.links.lastOpened ?? 0) > 0);
  await server.close();
  await eventually('the next attempt is planned', () => a.session.describe().nextAttempt !== null);
  const lost = a.session.describe();
  assert.match(String(lost.links.lastReason), 'goingAway');
  assert.match(JSON.stringify(lost), '"partition":"p"');
  assert.not.match(JSON.stringify(lost), 'secret');
  await a.close();
});

telling.run();
