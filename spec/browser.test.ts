/**
 * The client in a real browser: two pages of one Chromium, on WebSocket and then on long-poll, with the
 * browser's own switch between online and offline.
 *
 * Being offline is not taken on trust. Chromium keeps an open WebSocket open and holds its frames, so the
 * session cannot know at once, and it still lets in the answer to a request that was under way. That nothing
 * else passes is seen from the server, which gets nothing, from the page, which gets nothing, and from
 * requests and sockets past the engine, which fail.
 */

import * as assert from 'uvu/assert';
import { digest } from '../core/model/digest.js';
import { Replay } from '../core/replay/replay.js';
import type { LinkKind } from './browser/page.js';
import { bundledPage, chromiumPath, pollHold, Stage } from './browser/stage.js';
import { readRecording } from './kit/recordings.js';
import { suite } from './kit/suite.js';

const browser = suite('browser');

browser('the client is bundled for browsers, without anything of Node', async () => {
  const modules = await bundledPage();
  for (const script of modules.values()) {
    assert.not.match(script, /\bfrom\s*["']node:/);
    assert.not.match(script, /\brequire\(["']/);
  }
  assert.match([...modules.values()].join(''), 'WebSocket');
});

const settle = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Milliseconds in which two pages on loopback are done with whatever is asked here, also on a machine with much other work. */
const ample = 120_000;

/** From what was left to do to all of it, never backwards. */
const grows = (estimates: readonly number[]): void => {
  const said = JSON.stringify(estimates);
  assert.ok(estimates.length >= 2, said);
  assert.ok((estimates[0] ?? 1) < 1, said);
  assert.is(estimates[estimates.length - 1], 1, said);
  for (let i = 1; i < estimates.length; i++) assert.ok((estimates[i] ?? 0) >= (estimates[i - 1] ?? 1), said);
};

/** What a page has recorded is reproduced here, step by step, up to its last state. */
const livesAgain = (recording: Uint8Array, lastDigest: string): void => {
  const replay = new Replay(readRecording(recording));
  assert.ok(replay.length > 60, `${replay.length} steps`);
  for (const { number, differences } of replay.steps()) assert.equal(differences, [], `step ${number}`);
  const state = replay.state(replay.at(replay.length));
  assert.is(state === null ? '' : digest(state), lastDigest);
};

const twoPages = async (stage: Stage, kind: LinkKind): Promise<void> => {
  const { server } = stage;
  const partition = `pages on ${kind}`;
  const [{ page: ann, context: annsNetwork }, { page: ben, context: bensNetwork }] = await Promise.all([
    stage.page(),
    stage.page(),
  ]);
  const pages = [ann, ben] as const;
  const converge = async (count: number): Promise<void> => {
    for (const page of pages)
      assert.ok(await page.evaluate((most) => device.uploaded(most), ample), 'upload');
    for (const page of pages)
      assert.ok(await page.evaluate((most) => device.downloaded(most), ample), 'download');
    const [anns = [], bens = []] = await Promise.all(pages.map((page) => page.evaluate(() => device.keys())));
    assert.is(anns.length, count);
    assert.equal(anns, bens);
    const digest = await server.digest(partition);
    for (const page of pages) assert.is(await page.evaluate(() => device.digest()), digest);
  };
  const write = async (prefix: string): Promise<void> => {
    await ann.evaluate((name) => device.write(name, 20), `${prefix} a`);
    await ben.evaluate((name) => device.write(name, 20), `${prefix} b`);
  };
  const online = [annsNetwork, bensNetwork];

  for (const page of pages)
    await page.evaluate(([name, on]) => device.open(name, on), [kind, partition] as const);
  await write('online');
  await converge(40);

  // Ann alone: Ben goes on, and the server hears nothing from her.
  await annsNetwork.setOffline(true);
  assert.is(await ann.evaluate(() => navigator.onLine), false);
  assert.is(await ann.evaluate(() => device.request()), 'failed');
  assert.is(await ann.evaluate(() => device.socket()), 'failed');
  await settle(pollHold + 100);
  await write('apart');
  assert.ok(await ben.evaluate((most) => device.uploaded(most), ample));
  const before = await server.version(partition);
  assert.is(await ann.evaluate(() => device.uploaded(400)), false, 'uploaded while offline');
  assert.is(await ann.evaluate(() => device.downloaded(100)), false, 'downloaded while offline');
  assert.is(await server.version(partition), before);
  assert.is(await ann.evaluate(() => device.keys().length), 60, 'her own writes, and none of his');
  assert.is((await ann.evaluate(() => device.describe())).pendingWrites, 20);
  for (const direction of ['upload', 'download'] as const)
    await ann.evaluate((way) => device.watch(way), direction);
  await annsNetwork.setOffline(false);
  assert.is(await ann.evaluate(() => device.request()), 200);
  await converge(80);
  for (const direction of ['upload', 'download'] as const)
    grows(await ann.evaluate((way) => device.watched(way), direction));

  // Both, and the network forgets their connections meanwhile.
  for (const network of online) await network.setOffline(true);
  stage.cut();
  await write('cut');
  await settle(300);
  for (const page of pages) {
    assert.is(await page.evaluate(() => device.uploaded(100)), false, 'uploaded while offline');
    assert.is((await page.evaluate(() => device.describe())).pendingWrites, 20);
  }
  for (const network of online) await network.setOffline(false);
  await converge(120);

  for (const page of pages) await page.evaluate(() => device.close());
  for (const page of pages)
    livesAgain(
      Uint8Array.from(await page.evaluate(() => device.recording())),
      await page.evaluate(() => device.digest()),
    );
  for (const network of online) await network.close();
};

/** Of the module that only a client reset needs. */
const onDemand = '**/recovery-*.js';

const resetApart = async (stage: Stage): Promise<void> => {
  const { server } = stage;
  const partition = 'resets';
  const { page, context } = await stage.page();
  let asked = 0;
  await page.route(onDemand, (route) => {
    asked++;
    return route.abort();
  });
  await page.evaluate((on) => device.open('WebSocket', on), partition);
  await page.evaluate(() => device.write('before', 3));
  assert.ok(await page.evaluate((most) => device.uploaded(most), ample));
  assert.is(asked, 0, 'loaded before a reset is asked for');
  await server.reset(partition, 209, 'the test asks for it');
  await page.waitForFunction(() => device.describe().reset?.stage === 'loading');
  await page.waitForFunction(() => /could not be loaded/.test(device.describe().reset?.failure ?? ''));
  await page.evaluate(() => device.write('meanwhile', 2));
  const waiting = await page.evaluate(() => device.describe());
  assert.is(waiting.phase, 'resetting');
  assert.ok(
    waiting.errors.some(({ message }) => /it is asked for again/.test(message)),
    JSON.stringify(waiting.errors),
  );
  assert.is(await page.evaluate(() => device.keys().length), 5);
  await page.unroute(onDemand);
  await page.waitForFunction(() => device.describe().phase === 'streaming');
  assert.ok(await page.evaluate((most) => device.uploaded(most), ample));
  assert.is(await page.evaluate(() => device.keys().length), 5);
  assert.is(await page.evaluate(() => device.digest()), await server.digest(partition));
  assert.ok(asked > 0);
  await page.evaluate(() => device.close());
  await context.close();
};

const executable = chromiumPath();
if (executable === undefined) {
  console.log(
    '!!! NO CHROMIUM IS INSTALLED: the client was not tried in a browser (apt-get install chromium)',
  );
  // Nothing to run it with; the line above says so.
  browser.skip('two pages converge, online and offline', () => undefined);
} else {
  let stage: Stage;
  browser.before(async () => {
    stage = await Stage.open(executable);
  });
  browser.after(() => stage.close());
  for (const kind of ['WebSocket', 'long-poll'] as const)
    browser(`two pages converge over ${kind}, online and offline`, () => twoPages(stage, kind));
  browser('a client reset waits for its code, and loses nothing', () => resetApart(stage));
}

browser.run();
