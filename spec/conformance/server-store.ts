/** What every `ServerStore` and its partitions owe: the obligations in `ports.ts`, one test each. */
import { type CommitOutcome, maxPartitionName, type ServerStore } from '../../transports/ports.js';
import { batch, bytes, entry, malformed, range, show } from './entries.js';
import { type ConformanceTest, holds, pattern, rejection, same, storeRejection } from './test.js';

/** One fresh database. */
export interface ServerStoreSetup {
  /** Opens a further store on the database, as a further server would. */
  open(): Promise<ServerStore>;
  /** Releases the database, whether or not the stores on it were closed. */
  dispose(): Promise<void>;
}

export const serverStoreConformance = (make: () => Promise<ServerStoreSetup>): readonly ConformanceTest[] => {
  const tests: ConformanceTest[] = [];
  const test = (name: string, body: (setup: ServerStoreSetup) => Promise<void>): void => {
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
  const committed = (revision: number): CommitOutcome => ({ type: 'committed', revision });
  const conflict = (revision: number): CommitOutcome => ({ type: 'conflict', revision });
  const all = 2 ** 53;

  test('a fresh partition is empty, at revision 0, and not listed', async ({ open }) => {
    const store = await open();
    const partition = await store.partition('p');
    same('load', await partition.load(['a']), { revision: 0, entries: [] });
    same('read', await partition.read('a', 0, all, 100), []);
    same('partitions', await store.partitions(), []);
    await store.close();
  });

  test('a commit at the present revision raises it by one, and is there after opening again', async ({
    open,
  }) => {
    const first = await open();
    const partition = await first.partition('p');
    same('first', await partition.commit(0, batch([entry('a', 0, bytes(1))])), committed(1));
    same(
      'second',
      await partition.commit(1, batch([entry('a', 1, bytes(2)), entry('b', 0, bytes())])),
      committed(2),
    );
    same('empty', await partition.commit(2, batch([])), committed(3));
    await first.close();
    const second = await open();
    const { revision, entries } = await (await second.partition('p')).load(['b', 'a']);
    same('revision', revision, 3);
    same('entries', show(entries), ['a/0=1', 'a/1=2', 'b/0=']);
    same('partitions', await second.partitions(), ['p']);
    await second.close();
  });

  test('a commit at any other revision changes nothing and answers the present one', async ({ open }) => {
    const store = await open();
    const partition = await store.partition('p');
    const stray = batch([entry('a', 9, bytes(9))], [range('a', 0, all)]);
    same('too high at first', await partition.commit(1, stray), conflict(0));
    same('the partition does not come into being', await store.partitions(), []);
    await partition.commit(0, batch([entry('a', 0, bytes(1))]));
    await partition.commit(1, batch([entry('a', 1, bytes(1))]));
    for (const expected of [0, 1, 3, 100])
      same(`at ${expected}`, await partition.commit(expected, stray), conflict(2));
    same('entries', show((await partition.load(['a'])).entries), ['a/0=1', 'a/1=1']);
    await store.close();
  });

  test('of concurrent commits at one revision exactly one wins', async ({ open }) => {
    const stores = await Promise.all([open(), open(), open()]);
    const partitions = await Promise.all(stores.map((store) => store.partition('p')));
    for (let revision = 0; revision < 20; revision++) {
      const outcomes = await Promise.all(
        partitions.map((partition, who) =>
          partition.commit(revision, batch([entry('log', revision, bytes(who))])),
        ),
      );
      const winners = outcomes.flatMap(({ type }, who) => (type === 'committed' ? [who] : []));
      same('number of winners', winners.length, 1);
      for (const outcome of outcomes) same('revision answered', outcome.revision, revision + 1);
      for (const partition of partitions) {
        same('what all read', show(await partition.read('log', revision, all, 1)), [
          `log/${revision}=${winners[0]}`,
        ]);
      }
    }
    for (const store of stores) await store.close();
  });

  test('servers that race and try again lose nothing', async ({ open }) => {
    const stores = await Promise.all([open(), open()]);
    const each = 30;
    const race = async (store: ServerStore, who: number): Promise<void> => {
      const partition = await store.partition('p');
      let { revision } = await partition.load([]);
      for (let i = 0; i < each; ) {
        const outcome = await partition.commit(revision, batch([entry('log', revision, bytes(who, i))]));
        revision = outcome.revision;
        if (outcome.type === 'committed') i++;
      }
    };
    await Promise.all(stores.map(race));
    for (const store of stores) {
      const { revision, entries } = await (await store.partition('p')).load(['log']);
      same('revision', revision, 2 * each);
      for (const who of [0, 1]) {
        const written = entries
          .filter(({ bytes: content }) => content[0] === who)
          .map(({ bytes: [, i] }) => i);
        same(
          `writes of ${who}`,
          written,
          Array.from({ length: each }, (_, i) => i),
        );
      }
      await store.close();
    }
  });

  test('commits follow one another without waiting in between', async ({ open }) => {
    const store = await open();
    const partition = await store.partition('p');
    const commits = Array.from({ length: 100 }, (_, i) =>
      partition.commit(i, batch([entry('a', i, bytes(i))])),
    );
    same(
      'outcomes',
      await Promise.all(commits),
      Array.from({ length: 100 }, (_, i) => committed(i + 1)),
    );
    await store.close();
  });

  test('what one store has committed, every store reads', async ({ open }) => {
    const [writer, reader] = await Promise.all([open(), open()]);
    const [written, read] = await Promise.all([writer.partition('p'), reader.partition('p')]);
    for (let i = 0; i < 20; i++) {
      await written.commit(i, batch([entry('a', 0, bytes(i)), entry('b', i, bytes(i))]));
      const { revision, entries } = await read.load(['a']);
      same('load', [revision, show(entries)], [i + 1, [`a/0=${i}`]]);
      same('read', show(await read.read('b', i, all, 1)), [`b/${i}=${i}`]);
    }
    await writer.close();
    same('after the writer has closed', (await read.load([])).revision, 20);
    same('the reader goes on', await read.commit(20, batch([])), committed(21));
    await reader.close();
  });

  test('readers see whole commits only', async ({ open }) => {
    const [writer, reader] = await Promise.all([open(), open()]);
    const [written, read] = await Promise.all([writer.partition('p'), reader.partition('p')]);
    let done = false;
    const writing = (async () => {
      for (let i = 0; i < 60; i++) {
        await written.commit(i, batch(Array.from({ length: 20 }, (_, at) => entry('a', at, bytes(i)))));
      }
      done = true;
    })();
    while (!done) {
      const { revision, entries } = await read.load(['a']);
      const expected = revision === 0 ? [] : Array.from({ length: 20 }, (_, at) => `a/${at}=${revision - 1}`);
      same(`entries at revision ${revision}`, show(entries), expected);
      await new Promise((resolve) => setTimeout(resolve));
    }
    await writing;
    await writer.close();
    await reader.close();
  });

  test('partitions do not touch each other, whatever their names', async ({ open }) => {
    const store = await open();
    const names = [
      '',
      'a',
      'a/b',
      'a\0',
      'A',
      'é',
      '\u{1f600}',
      '\uffff',
      '\ud800',
      'x'.repeat(maxPartitionName),
    ];
    for (const [i, name] of names.entries()) {
      const partition = await store.partition(name);
      same(
        `commit to ${i}`,
        await partition.commit(0, batch([entry('s', 0, bytes(i)), entry('t', i, bytes(i))])),
        committed(1),
      );
    }
    for (const [i, name] of names.entries()) {
      const { revision, entries } = await (await store.partition(name)).load(['s', 't']);
      same(`content of ${i}`, [revision, show(entries)], [1, [`s/0=${i}`, `t/${i}=${i}`]]);
    }
    await (await store.partition('a')).commit(1, batch([], [range('s', 0, all), range('t', 0, all)]));
    same('the emptied one', (await (await store.partition('a')).load(['s', 't'])).entries, []);
    same('its neighbour', show((await (await store.partition('a\0')).load(['s'])).entries), ['s/0=3']);
    const sorted = [...names].sort((a, b) => (a < b ? -1 : 1));
    const listed = await store.partitions();
    holds(
      'partitions are listed in order of code unit',
      sorted.length === listed.length && sorted.every((name, i) => name === listed[i]),
    );
    await store.close();
  });

  test('a name that is too long is refused with a RangeError', async ({ open }) => {
    const store = await open();
    const error = await rejection('opening it', store.partition('x'.repeat(maxPartitionName + 1)));
    holds(`it is a RangeError, found ${error}`, error instanceof RangeError);
    await store.close();
  });

  test('load answers the named spaces only, in ascending order', async ({ open }) => {
    const store = await open();
    const partition = await store.partition('p');
    await partition.commit(
      0,
      batch(['b', 'a', 'ab', 'c'].flatMap((space) => [256, 2, 10].map((i) => entry(space, i, bytes(1))))),
    );
    const { entries } = await partition.load(['b', 'a', 'none', 'b']);
    same('entries', show(entries), ['a/2=1', 'a/10=1', 'a/256=1', 'b/2=1', 'b/10=1', 'b/256=1']);
    same('none named', (await partition.load([])).entries, []);
    await store.close();
  });

  test('read answers a range, and stops when the bytes are enough', async ({ open }) => {
    const store = await open();
    const partition = await store.partition('p');
    const indices = [0, 1, 2, 5, 2 ** 40, all - 1];
    await partition.commit(
      0,
      batch([...indices.map((i) => entry('a', i, pattern(100, i))), entry('b', 3, bytes(1))]),
    );
    const read = async (from: number, to: number, maxBytes: number) =>
      (await partition.read('a', from, to, maxBytes)).map(
        ({ index, bytes: content }) => `${index}:${content.length}`,
      );
    const shown = indices.map((i) => `${i}:100`);
    same('everything', await read(0, all, 1e9), shown);
    same('the start is included, the end is not', await read(1, 5, 1e9), shown.slice(1, 3));
    same('between two indices', await read(3, 5, 1e9), []);
    same('an empty range', await read(2, 2, 1e9), []);
    same('a range that ends before it starts', await read(5, 2, 1e9), []);
    same('at least one entry', await read(1, all, 0), shown.slice(1, 2));
    same('the entry that reaches the bytes is the last', await read(0, all, 200), shown.slice(0, 2));
    same('one byte more takes one entry more', await read(0, all, 201), shown.slice(0, 3));
    same('the largest index', await read(2 ** 40 + 1, all, 1e9), shown.slice(5));
    await store.close();
  });

  test('a batch deletes first and puts then', async ({ open }) => {
    const store = await open();
    const partition = await store.partition('p');
    await partition.commit(0, batch([0, 1, 2, 3].map((i) => entry('a', i, bytes(i)))));
    await partition.commit(1, batch([entry('a', 2, bytes(9)), entry('a', 0, bytes(8))], [range('a', 1, 4)]));
    same('entries', show((await partition.load(['a'])).entries), ['a/0=8', 'a/2=9']);
    await store.close();
  });

  test('values of megabytes and thousands of entries are kept', async ({ open }) => {
    const first = await open();
    const big = [1_048_577, 3_000_001, 0].map((length, i) => entry('big', i, pattern(length, i)));
    const many = Array.from({ length: 5000 }, (_, i) => entry('many', i, pattern(30, i)));
    await (await first.partition('p')).commit(0, batch([...many, ...big]));
    await first.close();
    const second = await open();
    const partition = await second.partition('p');
    same('entries', show((await partition.load(['many', 'big'])).entries), show([...big, ...many]));
    same('a page of them', show(await partition.read('many', 4000, all, 600)), show(many.slice(4000, 4020)));
    await second.close();
  });

  test('a store has its own copy, and its answers do not change', async ({ open }) => {
    const store = await open();
    const partition = await store.partition('p');
    const buffer = bytes(1, 2, 3);
    await partition.commit(0, batch([entry('a', 0, buffer), entry('a', 1, pattern(9000, 1))]));
    buffer.fill(9);
    const read = await partition.read('a', 0, all, 1e9);
    const before = show(read);
    same('its own copy', before[0], 'a/0=1,2,3');
    await partition.commit(1, batch([entry('a', 0, bytes(4)), entry('a', 1, pattern(9000, 2))]));
    await partition.load(['a']);
    same('the earlier answer', show(read), before);
    await store.close();
  });

  test('a malformed batch is refused whole with a RangeError, and the store goes on', async ({ open }) => {
    const store = await open();
    const partition = await store.partition('p');
    for (const { what, batch: bad } of malformed()) {
      const error = await rejection(what, partition.commit(0, bad));
      holds(`${what} is a RangeError, found ${error}`, error instanceof RangeError);
    }
    same('the next commit', await partition.commit(0, batch([entry('a', 6, bytes(6))])), committed(1));
    same('entries', show((await partition.load(['a'])).entries), ['a/6=6']);
    await store.close();
  });

  test('close waits for the commits under way, and ends one store only', async ({ open }) => {
    const [first, second] = await Promise.all([open(), open()]);
    const partition = await first.partition('p');
    const commits = Array.from({ length: 20 }, (_, i) =>
      partition.commit(i, batch([entry('a', i, bytes(i))])),
    );
    await Promise.all([first.close(), first.close()]);
    same(
      'revisions',
      (await Promise.all(commits)).map(({ revision }) => revision),
      Array.from({ length: 20 }, (_, i) => i + 1),
    );
    await storeRejection('load', 'closed', partition.load([]));
    await storeRejection('read', 'closed', partition.read('a', 0, 1, 1));
    await storeRejection('commit', 'closed', partition.commit(20, batch([])));
    await storeRejection('partition', 'closed', first.partition('q'));
    await storeRejection('partitions', 'closed', first.partitions());
    same('the other goes on', await (await second.partition('p')).commit(20, batch([])), committed(21));
    await second.close();
    const third = await open();
    same('revision', (await (await third.partition('p')).load([])).revision, 21);
    await third.close();
  });

  return tests;
};
