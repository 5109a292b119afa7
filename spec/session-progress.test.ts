/** Progress: the laws of the meters, and what an app sees of them. */
import fc from 'fast-check';
import * as assert from 'uvu/assert';
import {
  followed,
  type Look,
  newFollowingMeter,
  newOutstandingMeter,
  type Progress,
  settledAt,
} from '../core/session/progress.js';
import type { Client } from '../transports/client.js';
import { memoryNetwork } from '../transports/links/memory.js';
import { startServer } from '../transports/server.js';
import { memoryServerStore } from '../transports/stores/memory.js';
import { eventually, forEachOf } from './kit/async.js';
import { Machine } from './kit/client-machine.js';
import { add, nothingUnhandled, rejection, setUp, soon } from './kit/driver-world.js';
import { suite } from './kit/suite.js';

const laws = suite('laws of progress');

/** Any course of looks that keeps the one promise that is made of them: what was transferred stays so. */
const looks = fc
  .array(
    fc.record({
      more: fc.oneof(fc.constant(0), fc.nat({ max: 5 }), fc.nat({ max: 10 ** 12 })),
      remaining: fc.oneof(fc.constant(null), fc.constant(0), fc.nat({ max: 5 }), fc.nat({ max: 10 ** 12 })),
    }),
    { minLength: 1, maxLength: 30 },
  )
  .map((steps) => {
    let transferred = 0;
    return steps.map(({ more, remaining }): Look => {
      transferred += more;
      return { transferred, remaining };
    });
  });

const assertSound = (item: Progress): void => {
  assert.ok(
    item.transferredBytes >= 0 && item.transferredBytes <= item.transferableBytes,
    JSON.stringify(item),
  );
  assert.ok(item.estimate >= 0 && item.estimate <= 1, JSON.stringify(item));
};

laws('following: sound, never back within one target, 1 exactly when nothing remains', () => {
  fc.assert(
    fc.property(looks, (course) => {
      let meter = newFollowingMeter;
      let last: Progress | null = null;
      for (const look of course) {
        const next = followed(meter, look);
        meter = next.meter;
        const { item } = next;
        if (item === null) continue;
        assertSound(item);
        assert.is(item.estimate === 1, look.remaining === 0);
        if (last !== null) {
          assert.ok(item.transferredBytes >= last.transferredBytes);
          if (item.transferableBytes === last.transferableBytes) assert.ok(item.estimate >= last.estimate);
        }
        last = item;
      }
    }),
  );
});

laws('outstanding: one target, never back, 1 exactly at the end', () => {
  fc.assert(
    fc.property(looks, (course) => {
      const [first, ...others] = course as [Look, ...Look[]];
      let meter = newOutstandingMeter(first);
      const items: Progress[] = [];
      const look = (now: Look, isDone: boolean) => {
        const next = settledAt(meter, now, isDone);
        meter = next.meter;
        if (next.item !== null) items.push(next.item);
      };
      for (const other of others) look(other, false);
      look(course[course.length - 1] as Look, true);
      items.forEach((item, i) => {
        assertSound(item);
        assert.is(item.estimate === 1, i === items.length - 1);
        const before = items[i - 1];
        if (before === undefined) return;
        assert.is(item.transferableBytes, before.transferableBytes);
        assert.ok(item.transferredBytes >= before.transferredBytes && item.estimate >= before.estimate);
      });
      assert.is(items[items.length - 1]?.estimate, 1);
    }),
  );
});

laws('bytes are those of the writes that the server has not acknowledged', () => {
  const machine = new Machine().stream().write().write().write();
  const bytes = (): readonly number[] => machine.session.file.writes.backing.map((write) => write.bytes);
  const [first = 0, second = 0, third = 0] = bytes();
  assert.ok(first > 0);
  machine.download([], 2);
  assert.is(machine.session.traffic.uploaded, first + second);
  machine.download([], 3);
  assert.is(machine.session.traffic.uploaded, first + second + third);
});

laws.run();

const progress = suite('progress of a session');

const collected = (
  items: AsyncIterable<Progress>,
): { readonly items: Progress[]; readonly end: Promise<void> } => {
  const list: Progress[] = [];
  return { items: list, end: forEachOf(items, (item) => void list.push(item)) };
};

const assertRun = (items: readonly Progress[]): void => {
  for (let i = 1; i < items.length; i++) {
    const [before, item] = [items[i - 1] as Progress, items[i] as Progress];
    assert.is(item.transferableBytes, before.transferableBytes);
    assert.ok(item.estimate >= before.estimate);
  }
  assert.is(items[items.length - 1]?.estimate, 1);
};

/** Large enough for several messages. */
const fill = (client: Client, from: number, count: number): void => {
  for (let i = from; i < from + count; i++)
    client.write((tx) => tx.create('Task', { _id: `${i} ${'x'.repeat(40_000)}`, votes: i }));
};

progress('of what is outstanding goes up to 1 and ends, in both directions', async () => {
  const { server, open } = await setUp();
  const [a, b] = [await open({ connect: false }), await open({ connect: false })];
  fill(a, 0, 60);
  const up = collected(a.session.progress('upload', 'forCurrentlyOutstandingWork'));
  a.session.resume();
  await soon('uploaded', up.end);
  assert.ok(up.items.length >= 3, `${up.items.length} items`);
  assert.ok((up.items[0]?.transferableBytes ?? 0) >= 60 * 40_000);
  assertRun(up.items);
  assert.is(await server.digest('p'), a.digest());

  const down = collected(b.session.progress('download', 'forCurrentlyOutstandingWork'));
  b.session.resume();
  await soon('downloaded', down.end);
  assertRun(down.items);
  assert.ok((down.items[0]?.transferableBytes ?? 0) >= 60 * 40_000);
  assert.is(b.objects('Task').size, 60);
  for (const client of [a, b]) await client.close();
  await server.close();
  await nothingUnhandled();
});

progress('of nothing is 1 at once', async () => {
  const { server, open } = await setUp();
  const a = await open();
  await a.session.waitForUpload();
  for (const direction of ['upload', 'download'] as const) {
    const seen = collected(a.session.progress(direction, 'forCurrentlyOutstandingWork'));
    await soon(direction, seen.end);
    assert.equal(seen.items, [{ transferredBytes: 0, transferableBytes: 0, estimate: 1 }]);
  }
  await a.close();
  await server.close();
});

progress('that is followed tells of new work, and ends with the client', async () => {
  const { server, open } = await setUp();
  const a = await open();
  await a.session.waitForUpload();
  const up = collected(a.session.progress('upload', 'reportIndefinitely'));
  await eventually('it is told where it is', () => up.items[0]?.estimate === 1);
  fill(a, 0, 5);
  await eventually('new work', () => up.items.some((item) => item.estimate < 1));
  await a.session.waitForUpload();
  await eventually('done', () => up.items[up.items.length - 1]?.estimate === 1);
  await a.close();
  await soon('the end', up.end);
  await server.close();
  await nothingUnhandled();
});

progress('is not told before the server has said how much there is', async () => {
  const { server, open } = await setUp();
  const a = await open({ connect: false });
  const down = collected(a.session.progress('download', 'reportIndefinitely'));
  add(a);
  await a.session.integrated(0);
  assert.equal(down.items, []);
  a.session.resume();
  await eventually('told', () => down.items.length > 0);
  await a.close();
  await server.close();
});

progress('of outstanding work survives the loss of links', async () => {
  let frames = 0;
  const network = memoryNetwork({ lose: () => ++frames % 9 === 0 });
  const server = await startServer({ store: memoryServerStore(), listeners: [network.listener] });
  const { open } = await setUp();
  const a = await open({ connector: network.connector });
  fill(a, 0, 30);
  const up = collected(a.session.progress('upload', 'forCurrentlyOutstandingWork'));
  await soon('uploaded', up.end);
  assertRun(up.items);
  assert.is(await server.digest('p'), a.digest());
  await a.close();
  await server.close();
});

progress('of outstanding work throws where the session fails, and where its signal is aborted', async () => {
  const { server, open } = await setUp({ authorize: async () => ({ code: 206, message: 'not you' }) });
  const a = await open({ connect: false });
  add(a);
  const abort = new AbortController();
  const aborted = collected(
    a.session.progress('upload', 'forCurrentlyOutstandingWork', { signal: abort.signal }),
  );
  abort.abort(new Error('enough'));
  assert.match(String(await rejection(aborted.end)), 'enough');
  const failing = collected(a.session.progress('upload', 'forCurrentlyOutstandingWork'));
  a.session.resume();
  assert.match(String(await soon('failed', rejection(failing.end))), 'not you');
  await a.close();
  await server.close();
  await nothingUnhandled();
});

progress('costs nothing once nobody looks', async () => {
  const { server, open } = await setUp();
  const a = await open();
  add(a);
  for await (const item of a.session.progress('upload', 'reportIndefinitely')) if (item.estimate === 1) break;
  const left = a.session.progress('download', 'forCurrentlyOutstandingWork');
  await left.return?.();
  assert.equal(await left.next(), { done: true, value: undefined });
  assert.is(a.session.describe().waiting, 0);
  await a.close();
  await server.close();
  await nothingUnhandled();
});

progress.run();
