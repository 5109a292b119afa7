import fc from 'fast-check';
import * as assert from 'uvu/assert';
import { hashString } from '../core/base/hash.js';
import {
  diffTries,
  emptyTrie,
  entries,
  forEach,
  get,
  has,
  mapped,
  newOwner,
  type Owner,
  remove,
  set,
  sortedKeys,
  type Trie,
} from '../core/base/trie.js';
import { seeded } from './kit/random.js';
import { suite } from './kit/suite.js';

const trie = suite('trie');

/** Two different strings of one length whose hashes are equal, both starting with `prefix`. */
const collision = (prefix: string): [string, string] => {
  const seen = new Map<number, string>();
  const random = seeded(1);
  for (let i = 0; i < 1_000_000; i++) {
    const text = prefix + String.fromCharCode(random.int(0xd800), random.int(0xd800));
    const hash = hashString(text);
    const other = seen.get(hash);
    if (other !== undefined && other !== text) return [other, text];
    seen.set(hash, text);
  }
  throw new Error('no collision');
};

// The hash goes over the string from left to right, so what follows two colliding beginnings collides too.
const [a, b] = collision('');
const [ax, ay] = collision(a);
const colliding = [ax, ay, b + ax.slice(a.length), b + ay.slice(a.length)];

const keys = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...colliding) },
  { weight: 2, arbitrary: fc.constantFrom('', 'a', 'b', '__proto__', 'constructor', 'toString') },
  { weight: 3, arbitrary: fc.nat({ max: 99 }).map((n) => `k${n}`) },
);

type Step =
  | { readonly kind: 'set'; readonly key: string; readonly value: number }
  | { readonly kind: 'remove'; readonly key: string }
  /** Ends the edit, keeps the version, and starts another edit, with or without an owner. */
  | { readonly kind: 'keep'; readonly owned: boolean };

const steps = fc.array(
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({ kind: fc.constant('set' as const), key: keys, value: fc.nat({ max: 3 }) }),
    },
    { weight: 4, arbitrary: fc.record({ kind: fc.constant('remove' as const), key: keys }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('keep' as const), owned: fc.boolean() }) },
  ),
  { maxLength: 80 },
);

interface Version {
  readonly trie: Trie<number>;
  readonly twin: ReadonlyMap<string, number>;
}

/** All versions that the steps keep, each with a map that went through the same. */
const versionsOf = (run: readonly Step[]): Version[] => {
  const versions: Version[] = [];
  let current = emptyTrie<number>();
  let twin = new Map<string, number>();
  let owner: Owner | null = null;
  for (const step of run) {
    if (step.kind === 'set') {
      current = set(current, step.key, step.value, owner);
      twin.set(step.key, step.value);
    } else if (step.kind === 'remove') {
      current = remove(current, step.key, owner);
      twin.delete(step.key);
    } else {
      versions.push({ trie: current, twin });
      twin = new Map(twin);
      owner = step.owned ? newOwner() : null;
    }
  }
  versions.push({ trie: current, twin });
  return versions;
};

const sortedEntries = (map: Iterable<readonly [string, number]>): (readonly [string, number])[] =>
  [...map].sort(([x], [y]) => (x < y ? -1 : 1));

/** The whole structure, owners aside. */
const shape = (t: Trie<number>): string =>
  JSON.stringify(t, (name, value: unknown) => (name === 'owner' ? undefined : value));

trie('the colliding keys of these tests collide', () => {
  assert.is(new Set(colliding).size, 4);
  assert.is(new Set(colliding.map(hashString)).size, 1);
});

trie('holds what was set, and undefined elsewhere', () => {
  const one = set(emptyTrie<number>(), 'a', 1);
  const two = set(one, ax, 2);
  assert.is(get(two, 'a'), 1);
  assert.is(get(two, ax), 2);
  assert.is(get(two, ay), undefined);
  assert.is(has(two, ax), true);
  assert.is(has(two, ay), false);
  assert.is(has(one, ax), false);
  assert.is(get(one, '__proto__'), undefined);
  assert.equal([one.size, two.size, emptyTrie().size], [1, 2, 0]);
});

trie('setting what is there, and removing what is not, answers the same trie', () => {
  const one = set(set(emptyTrie<number>(), ax, 1), ay, 2);
  assert.is(set(one, ay, 2), one);
  assert.is(remove(one, 'a'), one);
  assert.is(remove(one, colliding[2] as string), one);
});

trie('mapping is setting all values, in the order of a visit, and shares what it does not change', () => {
  fc.assert(
    fc.property(steps, fc.integer({ min: 1, max: 4 }), (run, divisor) => {
      for (const { trie: before } of versionsOf(run)) {
        const was = shape(before);
        const change = (value: number): number => (value % divisor === 0 ? value + 10 : value);
        const visited: string[] = [];
        const after = mapped(before, (value, key) => {
          visited.push(key);
          return change(value);
        });
        let twin = before;
        for (const [key, value] of entries(before)) twin = set(twin, key, change(value));
        assert.equal(
          visited,
          [...entries(before)].map(([key]) => key),
        );
        assert.is(shape(after), shape(twin));
        assert.is(shape(before), was);
        assert.is(
          mapped(before, (value) => value),
          before,
        );
      }
    }),
    { numRuns: 500 },
  );
});

trie('is a map, whatever happens in whatever order, and old versions stay as they were', () => {
  fc.assert(
    fc.property(steps, (run) => {
      // All steps are done before the first version is looked at.
      for (const { trie: t, twin } of versionsOf(run)) {
        assert.is(t.size, twin.size);
        assert.equal(sortedEntries(entries(t)), sortedEntries(twin));
        assert.equal(sortedKeys(t), [...twin.keys()].sort());
        for (const key of [...colliding, 'a', '__proto__', 'k1']) assert.is(get(t, key), twin.get(key));
      }
    }),
    { numRuns: 1500 },
  );
});

trie('equal contents have one structure and one order, whatever the history', () => {
  fc.assert(
    fc.property(steps, (run) => {
      for (const { trie: t, twin } of versionsOf(run)) {
        let fresh = emptyTrie<number>();
        for (const [key, value] of sortedEntries(twin)) fresh = set(fresh, key, value);
        assert.is(shape(t), shape(fresh));
        assert.equal([...entries(t)], [...entries(fresh)]);
      }
    }),
    { numRuns: 1000 },
  );
});

trie('forEach and entries visit the same in the same order', () => {
  fc.assert(
    fc.property(steps, (run) => {
      const { trie: t } = versionsOf(run)[0] as Version;
      const visited: [string, number][] = [];
      forEach(t, (value, key) => visited.push([key, value]));
      assert.equal(visited, [...entries(t)]);
    }),
  );
});

trie('the difference is what a comparison of all entries finds', () => {
  fc.assert(
    fc.property(steps, steps, (run, other) => {
      const versions = [...versionsOf(run), ...versionsOf(other)];
      for (const before of versions)
        for (const after of versions) {
          const found = new Map<string, readonly [number | undefined, number | undefined]>();
          diffTries(before.trie, after.trie, (key, x, y) => {
            assert.not.ok(found.has(key));
            found.set(key, [x, y]);
          });
          const all = new Set([...before.twin.keys(), ...after.twin.keys()]);
          const expected = [...all]
            .filter((key) => before.twin.get(key) !== after.twin.get(key))
            .map((key) => [key, [before.twin.get(key), after.twin.get(key)]] as const);
          assert.equal(found, new Map(expected));
        }
    }),
    { numRuns: 200 },
  );
});

trie('versions share what neither changed', () => {
  const owner = newOwner();
  let before = emptyTrie<number>();
  for (let i = 0; i < 20_000; i++) before = set(before, `k${i}`, i, owner);
  const after = remove(set(before, 'k77', -1), 'k78');
  const nodes = (t: Trie<number>): Set<object> => {
    const found = new Set<object>();
    const visit = (node: object): void => {
      found.add(node);
      if ('children' in node) for (const child of node.children as object[]) visit(child);
    };
    visit(t.root);
    return found;
  };
  const old = nodes(before);
  const fresh = [...nodes(after)].filter((node) => !old.has(node));
  assert.ok(fresh.length <= 14, `${fresh.length} new nodes`);
});

trie('an owner edits in place what it made, and nothing else', () => {
  const first = newOwner();
  const one = set(emptyTrie<number>(), 'a', 1, first);
  assert.is(set(one, 'b', 2, first), one);
  const second = newOwner();
  const two = set(one, 'c', 3, second);
  assert.is.not(two, one);
  assert.equal([one.size, two.size], [2, 3]);
  assert.is(emptyTrie<number>().size, 0);
});

trie.run();
