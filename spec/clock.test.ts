import * as assert from 'uvu/assert';
import { systemClock, systemEntropy } from '../transports/clock.js';
import { turn } from './kit/async.js';
import { ManualClock } from './kit/manual-clock.js';
import { suite } from './kit/suite.js';

const test = suite('clock');

const wait = (milliseconds: number): Promise<number> => {
  const start = performance.now();
  return new Promise((resolve) => {
    systemClock.schedule(milliseconds, () => resolve(performance.now() - start));
  });
};

test('the system clock tells the time since 1970', () => {
  assert.ok(Math.abs(systemClock.now() - Date.now()) < 1000);
});

test('an action is called not before its time', async () => {
  const delays = Array.from({ length: 60 }, (_, i) => (i % 13) + 0.3 * (i % 3));
  const waited = await Promise.all(delays.map(wait));
  for (const [i, delay] of delays.entries())
    assert.ok((waited[i] ?? 0) >= delay, `${waited[i]} of ${delay} ms`);
});

test('an action is never called from within schedule', () => {
  let called = false;
  const cancel = systemClock.schedule(0, () => {
    called = true;
  });
  assert.not.ok(called);
  cancel();
});

test('a delay beyond the reach of the platform’s timers does not end at once', async () => {
  let called = 0;
  const cancels = [2 ** 31, 2 ** 32 + 1, 1e15, Number.POSITIVE_INFINITY].map((delay) =>
    systemClock.schedule(delay, () => {
      called += 1;
    }),
  );
  await wait(10);
  for (const cancel of cancels) cancel();
  assert.is(called, 0);
});

test('a cancelled action is not called', async () => {
  let called = false;
  systemClock.schedule(1, () => {
    called = true;
  })();
  await wait(5);
  assert.not.ok(called);
});

test('chance gives different integers from 1 to 2^53 - 1, spread over the range', () => {
  const drawn = Array.from({ length: 4000 }, () => systemEntropy.integer());
  assert.ok(drawn.every((value) => Number.isSafeInteger(value) && value >= 1));
  assert.is(new Set(drawn).size, drawn.length);
  const high = drawn.filter((value) => value >= 2 ** 52).length;
  // Six standard deviations from one half.
  assert.ok(Math.abs(high - 2000) < 190, `${high} of 4000 in the upper half`);
  for (let bit = 0; bit < 53; bit++) {
    const ones = drawn.filter((value) => Math.floor(value / 2 ** bit) % 2 === 1).length;
    assert.ok(Math.abs(ones - 2000) < 190, `bit ${bit} is set in ${ones} of 4000`);
  }
});

test('the manual clock runs actions in order of their time, then of their scheduling', () => {
  const clock = new ManualClock(1000);
  const log: string[] = [];
  clock.schedule(5, () => log.push(`b ${clock.now()}`));
  clock.schedule(2, () => {
    log.push(`a ${clock.now()}`);
    clock.schedule(3, () => log.push(`d ${clock.now()}`));
    clock.schedule(0, () => log.push(`a2 ${clock.now()}`));
  });
  clock.schedule(5, () => log.push(`c ${clock.now()}`));
  const cancel = clock.schedule(4, () => log.push('never'));
  cancel();
  assert.is(clock.next, 1002);
  clock.advance(4);
  assert.equal(log, ['a 1002', 'a2 1002']);
  assert.is(clock.now(), 1004);
  assert.is(clock.pending, 3);
  clock.advance(1);
  assert.equal(log.slice(2), ['b 1005', 'c 1005', 'd 1005']);
  assert.is(clock.next, undefined);
});

test('the manual clock lets promises settle between actions, if asked', async () => {
  const clock = new ManualClock();
  const log: number[] = [];
  const again = async (): Promise<void> => {
    await turn();
    log.push(clock.now());
    if (log.length < 3) clock.schedule(10, () => void again());
  };
  clock.schedule(10, () => void again());
  await clock.advanceAsync(100);
  assert.is(clock.now(), 100);
  assert.equal(log, [10, 20, 30]);
});

test.run();
