/** What every `ClientStore` owes: the obligations in `ports.ts`, one test each. */
import type { ClientStore } from '../../transports/ports.js';
import { batch, bytes, entry, malformed, range, show } from './entries.js';
import { type ConformanceTest, holds, pattern, rejection, same, storeRejection } from './test.js';

/** One fresh file. */
export interface ClientStoreSetup {
  /** Opens the file, again and again: what was committed is there the next time. */
  open(): Promise<ClientStore>;
  /** Releases the file, whether or not the stores on it were closed. */
  dispose(): Promise<void>;
}

export const clientStoreConformance = (make: () => Promise<ClientStoreSetup>): readonly ConformanceTest[] => {
  const tests: ConformanceTest[] = [];
  const test = (name: string, body: (setup: ClientStoreSetup) => Promise<void>): void => {
    tests.push({
      name,
      run: async () => {
        const setup = await make();
        try {
          await body(setup);
        } finally {
          await setup.dispose();
        }
      },
    });
  };
  const content = async (store: ClientStore): Promise<readonly string[]> => show(await store.load());

  test('a fresh store is empty', async ({ open }) => {
    const store = await open();
    same('content', await content(store), []);
    await store.close();
  });

  test('what was committed is loaded, at once and after opening again', async ({ open }) => {
    const first = await open();
    await first.commit(
      batch([entry('log', 0, bytes(1, 2)), entry('log', 1, bytes()), entry('meta', 7, bytes(0))]),
    );
    const expected = ['log/0=1,2', 'log/1=', 'meta/7=0'];
    same('at once', await content(first), expected);
    await first.close();
    const second = await open();
    same('after opening again', await content(second), expected);
    await second.close();
  });

  test('entries come in ascending order of space and index', async ({ open }) => {
    const store = await open();
    const indices = [2 ** 53 - 1, 2 ** 32, 2 ** 32 - 1, 256, 255, 10, 9, 1, 0];
    const spaces = ['log-2', 'log', 'lo', 'log2', 'LOG', 'z', '0', 'a b', '~'];
    await store.commit(
      batch(spaces.flatMap((space) => indices.map((index) => entry(space, index, bytes(1))))),
    );
    const expected = [...spaces]
      .sort((a, b) => (a < b ? -1 : 1))
      .flatMap((space) => [...indices].reverse().map((index) => `${space}/${index}=1`));
    same('content', await content(store), expected);
    await store.close();
  });

  test('a put replaces', async ({ open }) => {
    const store = await open();
    await store.commit(batch([entry('a', 1, bytes(1)), entry('a', 2, pattern(5000, 1))]));
    await store.commit(batch([entry('a', 1, bytes(2)), entry('a', 2, bytes(3))]));
    await store.commit(batch([entry('a', 3, bytes(4)), entry('a', 3, bytes(5))]));
    same('content', await content(store), ['a/1=2', 'a/2=3', 'a/3=5']);
    await store.close();
  });

  test('a range is deleted from its start up to before its end, in its space only', async ({ open }) => {
    const store = await open();
    const puts = ['a', 'a2', 'b'].flatMap((space) =>
      [0, 1, 2, 3, 4].map((index) => entry(space, index, bytes(index))),
    );
    await store.commit(batch(puts));
    await store.commit(
      batch([], [range('a', 1, 3), range('b', 0, 2 ** 53), range('c', 0, 9), range('a2', 4, 4)]),
    );
    const left = ['a/0=0', 'a/3=3', 'a/4=4', 'a2/0=0', 'a2/1=1', 'a2/2=2', 'a2/3=3', 'a2/4=4'];
    same('content', await content(store), left);
    await store.commit(batch([], [range('a', 3, 1), range('a2', 1, 2), range('a2', 0, 4)]));
    same('after a range that ends before it starts', await content(store), [
      'a/0=0',
      'a/3=3',
      'a/4=4',
      'a2/4=4',
    ]);
    await store.close();
  });

  test('a batch deletes first and puts then', async ({ open }) => {
    const store = await open();
    await store.commit(batch([entry('a', 1, bytes(1)), entry('a', 2, bytes(2))]));
    await store.commit(batch([entry('a', 2, bytes(9)), entry('a', 3, bytes(9))], [range('a', 0, 10)]));
    same('content', await content(store), ['a/2=9', 'a/3=9']);
    await store.close();
  });

  test('the largest index can be put, replaced and deleted', async ({ open }) => {
    const store = await open();
    const last = Number.MAX_SAFE_INTEGER;
    await store.commit(batch([entry('a', last, bytes(1)), entry('a', last - 1, bytes(1))]));
    await store.commit(batch([entry('a', last, bytes(2))], [range('a', last - 1, last)]));
    same('content', await content(store), [`a/${last}=2`]);
    await store.commit(batch([], [range('a', last, 2 ** 53)]));
    same('after deleting', await content(store), []);
    await store.close();
  });

  test('commits are performed in the order of the calls, without waiting in between', async ({ open }) => {
    const store = await open();
    const commits: Promise<void>[] = [];
    const order: number[] = [];
    for (let i = 0; i < 200; i++) {
      const commit = store.commit(
        batch([entry('last', 0, bytes(i)), entry('log', i, bytes(i))], [range('log', i - (i % 2), i)]),
      );
      commits.push(commit.then(() => void order.push(i)));
    }
    await Promise.all(commits);
    const odd = Array.from({ length: 100 }, (_, i) => `log/${2 * i + 1}=${2 * i + 1}`);
    same('content', await content(store), ['last/0=199', ...odd]);
    same(
      'order in which they resolved',
      order,
      Array.from({ length: 200 }, (_, i) => i),
    );
    await store.close();
  });

  test('an empty batch commits', async ({ open }) => {
    const store = await open();
    await store.commit(batch([]));
    same('content', await content(store), []);
    await store.close();
  });

  test('values of megabytes are kept', async ({ open }) => {
    const first = await open();
    const values = [1, 4095, 4096, 65_537, 1_048_577, 5_000_011].map((length, i) =>
      entry('big', i, pattern(length, i)),
    );
    await first.commit(batch(values));
    await first.close();
    const second = await open();
    same('content', await content(second), show(values));
    await second.commit(batch([entry('big', 5, bytes(1))], [range('big', 0, 5)]));
    same('after replacing', await content(second), ['big/5=1']);
    await second.close();
  });

  test('thousands of entries in one batch and in many', async ({ open }) => {
    const first = await open();
    const count = 5000;
    await first.commit(batch(Array.from({ length: count }, (_, i) => entry('one', i, pattern(40, i)))));
    const many: Promise<void>[] = [];
    for (let i = 0; i < 1000; i++) many.push(first.commit(batch([entry('many', i, pattern(60, i))])));
    await Promise.all(many);
    await first.close();
    const second = await open();
    const expected = [
      ...Array.from({ length: 1000 }, (_, i) => entry('many', i, pattern(60, i))),
      ...Array.from({ length: count }, (_, i) => entry('one', i, pattern(40, i))),
    ];
    same('content', await content(second), show(expected));
    await second.commit(batch([], [range('one', 10, count - 10)]));
    same('entries after deleting a long range', (await second.load()).length, 1020);
    await second.close();
  });

  test('a store has its own copy of what was committed', async ({ open }) => {
    const store = await open();
    const buffer = bytes(0, 1, 2, 3, 0);
    await store.commit(batch([entry('a', 0, buffer.subarray(1, 4)), entry('a', 1, buffer.subarray(4))]));
    buffer.fill(9);
    same('content', await content(store), ['a/0=1,2,3', 'a/1=0']);
    await store.close();
  });

  test('what was loaded does not change with later commits', async ({ open }) => {
    const store = await open();
    await store.commit(batch([entry('a', 0, bytes(1)), entry('a', 1, pattern(9000, 1))]));
    const loaded = await store.load();
    const before = show(loaded);
    await store.commit(batch([entry('a', 0, bytes(2)), entry('a', 1, pattern(9000, 2))]));
    await store.load();
    same('the earlier answer', show(loaded), before);
    await store.close();
  });

  test('a malformed batch is refused whole with a RangeError, and the store goes on', async ({ open }) => {
    const store = await open();
    await store.commit(batch([entry('a', 5, bytes(5))]));
    for (const { what, batch: bad } of malformed()) {
      const error = await rejection(what, store.commit(bad));
      holds(`${what} is a RangeError, found ${error}`, error instanceof RangeError);
    }
    await store.commit(batch([entry('a', 6, bytes(6))]));
    same('content', await content(store), ['a/5=5', 'a/6=6']);
    await store.close();
  });

  test('a store is open once, and can be opened again when closed', async ({ open }) => {
    const first = await open();
    await first.commit(batch([entry('a', 0, bytes(1))]));
    await storeRejection('opening twice', 'inUse', open());
    await first.commit(batch([entry('a', 1, bytes(2))]));
    await first.close();
    const second = await open();
    same('content', await content(second), ['a/0=1', 'a/1=2']);
    await second.close();
  });

  test('close waits for the commits under way and may be repeated', async ({ open }) => {
    const first = await open();
    const commits = Array.from({ length: 20 }, (_, i) => first.commit(batch([entry('a', i, bytes(i))])));
    await Promise.all([first.close(), first.close()]);
    await Promise.all(commits);
    await first.close();
    const second = await open();
    same(
      'content',
      await content(second),
      Array.from({ length: 20 }, (_, i) => `a/${i}=${i}`),
    );
    await second.close();
  });

  test('a closed store rejects every call, and leaves the next holder alone', async ({ open }) => {
    const first = await open();
    await first.close();
    const second = await open();
    await storeRejection('load', 'closed', first.load());
    await storeRejection('commit', 'closed', first.commit(batch([entry('a', 0, bytes(1))])));
    await first.close();
    await storeRejection('opening twice', 'inUse', open());
    same('content', await content(second), []);
    await second.close();
  });

  return tests;
};
