import * as assert from 'uvu/assert';
import { systemClock } from '../transports/clock.js';
import { MemoryDatabase } from '../transports/stores/memory.js';
import { clientStoreConformance } from './conformance/client-store.js';
import { batch, bytes, entry, show } from './conformance/entries.js';
import { serverStoreConformance } from './conformance/server-store.js';
import { turn } from './kit/async.js';
import { crashableClientStore, crashableServerStore } from './kit/crashable-store.js';
import { ManualClock } from './kit/manual-clock.js';
import { suite } from './kit/suite.js';

const test = suite('crashable store');

const prompt = { clock: systemClock, delay: () => 0 };

for (const { name, run } of clientStoreConformance(async () => {
  const process = crashableClientStore(prompt);
  return { open: async () => process.open(), dispose: async () => undefined };
})) {
  test(`client: ${name}`, run);
}

for (const { name, run } of serverStoreConformance(async () => {
  const database = new MemoryDatabase();
  return { open: async () => crashableServerStore(prompt, database).open(), dispose: async () => undefined };
})) {
  test(`server: ${name}`, run);
}

test('a crash keeps what was acknowledged, any number of commits after it, and tells nobody', async () => {
  for (const survivors of [0, 1, 2, 3]) {
    const clock = new ManualClock();
    const process = crashableClientStore({ clock, delay: () => 10 });
    const store = process.open();
    const settled: number[] = [];
    for (let i = 0; i < 5; i++)
      void store.commit(batch([entry('a', i, bytes(i))])).then(() => settled.push(i));
    void store.load().then(() => settled.push(-1));
    await clock.advanceAsync(25);
    assert.equal(settled, [-1, 0, 1]);
    assert.is(process.pending, 3);
    process.crash(survivors);
    void store.commit(batch([entry('a', 9, bytes(9))])).then(() => settled.push(9));
    void store.load().then(() => settled.push(-2));
    await clock.advanceAsync(100);
    assert.equal(settled, [-1, 0, 1]);
    const expected = Array.from({ length: 2 + survivors }, (_, i) => `a/${i}=${i}`);
    assert.equal(show(await process.open().load()), expected);
  }
});

test('a server that crashes leaves the others on its database alone', async () => {
  const clock = new ManualClock();
  const database = new MemoryDatabase();
  const [first, second] = [1, 2].map(() => crashableServerStore({ clock, delay: () => 10 }, database));
  assert.ok(first !== undefined && second !== undefined);
  const [crashing, lasting] = await Promise.all([first.open().partition('p'), second.open().partition('p')]);
  let told = 0;
  void crashing.commit(0, batch([entry('a', 0, bytes(1))])).then(() => {
    told += 1;
  });
  const outcome = lasting.commit(0, batch([entry('a', 0, bytes(2))]));
  first.crash(1);
  await clock.advanceAsync(10);
  assert.equal(await outcome, { type: 'conflict', revision: 1 });
  await turn();
  assert.is(told, 0);
  assert.equal(show((await lasting.load(['a'])).entries), ['a/0=1']);
});

test.run();
