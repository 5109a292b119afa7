/**
 * A persistent map from strings: a hash trie of 32-way branches.
 *
 * The 32 bits of a key's hash are read five at a time, lowest first; each five choose a child. A branch
 * stores only the children it has, and a bitmap of which they are. A leaf sits at the first level where
 * no other hash shares its bits. Keys whose whole hashes are equal form one chain, in order of the keys.
 *
 * The shape therefore depends on the contents alone, never on the history: equal contents are visited in
 * the same order, and two versions of one map share every subtree that neither changed, which is what
 * makes `diffTries` cost no more than the difference.
 *
 * Editing in place. Whoever builds a new version in many steps passes an `Owner`, an object of identity
 * only. Nodes that carry the same owner were made by the same edit, nobody else can hold them, and they
 * are changed in place; all others are copied. Without an owner nothing is ever changed in place.
 *
 * Undefined means absent, and is never stored as a value.
 *
 * Lookups and edits cost one hash of the key and at most seven levels. Keys chosen by an adversary to
 * collide cost time linear in their number, and nothing worse.
 */
import { hashString } from './hash.js';

/** The right to change in place what carries it. Make one per edit, and forget it to end the edit. */
export interface Owner {
  readonly owner: 'edit';
}

export const newOwner = (): Owner => ({ owner: 'edit' });

class Leaf<V> {
  readonly hash: number;
  readonly key: string;
  readonly value: V;
  /** The next leaf of the same hash; its key is greater. */
  readonly next: Leaf<V> | null;

  constructor(hash: number, key: string, value: V, next: Leaf<V> | null) {
    this.hash = hash;
    this.key = key;
    this.value = value;
    this.next = next;
  }
}

class Branch<V> {
  readonly owner: Owner | null;
  bitmap: number;
  readonly children: (Leaf<V> | Branch<V>)[];

  constructor(owner: Owner | null, bitmap: number, children: (Leaf<V> | Branch<V>)[]) {
    this.owner = owner;
    this.bitmap = bitmap;
    this.children = children;
  }
}

type Node<V> = Leaf<V> | Branch<V>;

export class Trie<V> {
  /** @internal */
  readonly owner: Owner | null;
  /** @internal A branch even where it has one child or none. */
  root: Branch<V>;
  /** Number of entries. */
  size: number;

  /** @internal */
  constructor(owner: Owner | null, root: Branch<V>, size: number) {
    this.owner = owner;
    this.root = root;
    this.size = size;
  }
}

const nothing: Trie<never> = new Trie<never>(null, new Branch<never>(null, 0, []), 0);

export const emptyTrie = <V>(): Trie<V> => nothing as Trie<V>;

const popcount = (bits: number): number => {
  let x = bits - ((bits >>> 1) & 0x55555555);
  x = (x & 0x33333333) + ((x >>> 2) & 0x33333333);
  return Math.imul((x + (x >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
};

/** Position among the children of the child whose bit is `bit`. */
const position = (bitmap: number, bit: number): number => popcount(bitmap & (bit - 1));

export const get = <V>(trie: Trie<V>, key: string): V | undefined => {
  const hash = hashString(key);
  let node: Node<V> = trie.root;
  let rest = hash;
  while (node instanceof Branch) {
    const bit = 1 << (rest & 31);
    if ((node.bitmap & bit) === 0) return undefined;
    node = node.children[position(node.bitmap, bit)] as Node<V>;
    rest >>>= 5;
  }
  if (node.hash !== hash) return undefined;
  for (let leaf: Leaf<V> | null = node; leaf !== null; leaf = leaf.next)
    if (leaf.key === key) return leaf.value;
  return undefined;
};

export const has = <V>(trie: Trie<V>, key: string): boolean => get(trie, key) !== undefined;

/** By how much the last `setIn` or `removeIn` changed the number of entries: 0 or 1. */
let changed = 0;

const setInChain = <V>(leaf: Leaf<V>, hash: number, key: string, value: V): Leaf<V> => {
  if (leaf.key === key) {
    if (Object.is(leaf.value, value)) return leaf;
    return new Leaf(hash, key, value, leaf.next);
  }
  if (key < leaf.key) {
    changed = 1;
    return new Leaf(hash, key, value, leaf);
  }
  if (leaf.next === null) {
    changed = 1;
    return new Leaf(hash, leaf.key, leaf.value, new Leaf<V>(hash, key, value, null));
  }
  const next = setInChain(leaf.next, hash, key, value);
  return next === leaf.next ? leaf : new Leaf(hash, leaf.key, leaf.value, next);
};

/** The branch, or chain of branches, that holds two leaves of different hashes from level `shift` on. */
const fork = <V>(owner: Owner | null, shift: number, a: Leaf<V>, b: Leaf<V>): Branch<V> => {
  const i = (a.hash >>> shift) & 31;
  const j = (b.hash >>> shift) & 31;
  if (i === j) return new Branch<V>(owner, 1 << i, [fork(owner, shift + 5, a, b)]);
  return new Branch<V>(owner, (1 << i) | (1 << j), i < j ? [a, b] : [b, a]);
};

const replaceChild = <V>(
  branch: Branch<V>,
  owner: Owner | null,
  at: number,
  child: Leaf<V> | Branch<V>,
): Branch<V> => {
  if (owner !== null && branch.owner === owner) {
    branch.children[at] = child;
    return branch;
  }
  const children = branch.children.slice();
  children[at] = child;
  return new Branch<V>(owner, branch.bitmap, children);
};

const setIn = <V>(
  branch: Branch<V>,
  owner: Owner | null,
  shift: number,
  hash: number,
  key: string,
  value: V,
): Branch<V> => {
  const bit = 1 << ((hash >>> shift) & 31);
  const at = position(branch.bitmap, bit);
  if ((branch.bitmap & bit) === 0) {
    changed = 1;
    const leaf = new Leaf<V>(hash, key, value, null);
    if (owner !== null && branch.owner === owner) {
      branch.children.splice(at, 0, leaf);
      branch.bitmap |= bit;
      return branch;
    }
    return new Branch<V>(owner, branch.bitmap | bit, branch.children.toSpliced(at, 0, leaf));
  }
  const child = branch.children[at] as Node<V>;
  let next: Node<V>;
  if (child instanceof Branch) next = setIn(child, owner, shift + 5, hash, key, value);
  else if (child.hash === hash) next = setInChain(child, hash, key, value);
  else {
    changed = 1;
    next = fork(owner, shift + 5, child, new Leaf<V>(hash, key, value, null));
  }
  return next === child ? branch : replaceChild(branch, owner, at, next);
};

const withRoot = <V>(trie: Trie<V>, owner: Owner | null, root: Branch<V>, size: number): Trie<V> => {
  if (owner !== null && trie.owner === owner) {
    trie.root = root;
    trie.size = size;
    return trie;
  }
  return new Trie<V>(owner, root, size);
};

/** The trie with `value` at `key`: `trie` itself where it is so already, or where `owner` owns it. */
export const set = <V>(trie: Trie<V>, key: string, value: V, owner: Owner | null = null): Trie<V> => {
  changed = 0;
  const root = setIn(trie.root, owner, 0, hashString(key), key, value);
  if (root === trie.root && changed === 0) return trie;
  return withRoot(trie, owner, root, trie.size + changed);
};

const removeFromChain = <V>(leaf: Leaf<V>, key: string): Leaf<V> | null => {
  if (leaf.key === key) {
    changed = 1;
    return leaf.next;
  }
  if (leaf.next === null) return leaf;
  const next = removeFromChain(leaf.next, key);
  return next === leaf.next ? leaf : new Leaf(leaf.hash, leaf.key, leaf.value, next);
};

const withoutChild = <V>(branch: Branch<V>, owner: Owner | null, bit: number, at: number): Branch<V> => {
  if (owner !== null && branch.owner === owner) {
    branch.children.splice(at, 1);
    branch.bitmap &= ~bit;
    return branch;
  }
  return new Branch<V>(owner, branch.bitmap & ~bit, branch.children.toSpliced(at, 1));
};

const removeIn = <V>(
  branch: Branch<V>,
  owner: Owner | null,
  shift: number,
  hash: number,
  key: string,
): Branch<V> => {
  const bit = 1 << ((hash >>> shift) & 31);
  if ((branch.bitmap & bit) === 0) return branch;
  const at = position(branch.bitmap, bit);
  const child = branch.children[at] as Node<V>;
  if (child instanceof Branch) {
    const next = removeIn(child, owner, shift + 5, hash, key);
    // A branch below the root that is left with a single leaf gives way to it: the canonical shape.
    const only = next.children.length === 1 ? next.children[0] : undefined;
    if (only instanceof Leaf) return replaceChild(branch, owner, at, only);
    return next === child ? branch : replaceChild(branch, owner, at, next);
  }
  if (child.hash !== hash) return branch;
  const chain = removeFromChain(child, key);
  if (chain === child) return branch;
  return chain === null ? withoutChild(branch, owner, bit, at) : replaceChild(branch, owner, at, chain);
};

/** The trie without `key`: `trie` itself where it has no entry, or where `owner` owns it. */
export const remove = <V>(trie: Trie<V>, key: string, owner: Owner | null = null): Trie<V> => {
  changed = 0;
  const root = removeIn(trie.root, owner, 0, hashString(key), key);
  if (changed === 0) return trie;
  return withRoot(trie, owner, root, trie.size - 1);
};

const forEachIn = <V>(node: Node<V>, visit: (value: V, key: string) => void): void => {
  if (node instanceof Branch) {
    for (const child of node.children) forEachIn(child, visit);
    return;
  }
  for (let leaf: Leaf<V> | null = node; leaf !== null; leaf = leaf.next) visit(leaf.value, leaf.key);
};

/** Visits all entries in the trie's own order, which depends on the contents only. */
export const forEach = <V>(trie: Trie<V>, visit: (value: V, key: string) => void): void =>
  forEachIn(trie.root, visit);

const mappedChain = <V>(leaf: Leaf<V>, change: (value: V, key: string) => V): Leaf<V> => {
  const value = change(leaf.value, leaf.key);
  const next = leaf.next === null ? null : mappedChain(leaf.next, change);
  return Object.is(value, leaf.value) && next === leaf.next
    ? leaf
    : new Leaf(leaf.hash, leaf.key, value, next);
};

const mappedBranch = <V>(branch: Branch<V>, change: (value: V, key: string) => V): Branch<V> => {
  const { children } = branch;
  let changed: Node<V>[] | null = null;
  for (let i = 0; i < children.length; i++) {
    const child = children[i] as Node<V>;
    const next = child instanceof Branch ? mappedBranch(child, change) : mappedChain(child, change);
    if (next === child) continue;
    changed ??= children.slice();
    changed[i] = next;
  }
  return changed === null ? branch : new Branch<V>(null, branch.bitmap, changed);
};

/**
 * The trie with what `change` makes of each value, in the order of `forEach`: `trie` itself where that is what it was.
 * Looks up no key, which for all entries of a trie is most of what `set` costs.
 */
export const mapped = <V>(trie: Trie<V>, change: (value: V, key: string) => V): Trie<V> => {
  const root = mappedBranch(trie.root, change);
  return root === trie.root ? trie : new Trie<V>(null, root, trie.size);
};

function* entriesIn<V>(node: Node<V>): Generator<[string, V]> {
  if (node instanceof Branch) {
    for (const child of node.children) yield* entriesIn(child);
    return;
  }
  for (let leaf: Leaf<V> | null = node; leaf !== null; leaf = leaf.next) yield [leaf.key, leaf.value];
}

/** All entries, lazily, in the order of `forEach`. The trie must not be edited in place meanwhile. */
export const entries = <V>(trie: Trie<V>): Generator<[string, V]> => entriesIn(trie.root);

/** All keys in ascending order of code units. */
export const sortedKeys = (trie: Trie<unknown>): string[] => {
  const keys: string[] = [];
  forEach(trie, (_, key) => keys.push(key));
  return keys.sort();
};

type OnChange<V> = (key: string, before: V | undefined, after: V | undefined) => void;

const diffChains = <V>(before: Leaf<V>, after: Leaf<V>, onChange: OnChange<V>): void => {
  let a: Leaf<V> | null = before;
  let b: Leaf<V> | null = after;
  while (a !== null && b !== null) {
    if (a.key === b.key) {
      if (!Object.is(a.value, b.value)) onChange(a.key, a.value, b.value);
      a = a.next;
      b = b.next;
    } else if (a.key < b.key) {
      onChange(a.key, a.value, undefined);
      a = a.next;
    } else {
      onChange(b.key, undefined, b.value);
      b = b.next;
    }
  }
  for (; a !== null; a = a.next) onChange(a.key, a.value, undefined);
  for (; b !== null; b = b.next) onChange(b.key, undefined, b.value);
};

const childAt = <V>(node: Node<V>, shift: number, index: number): Node<V> | undefined => {
  const bit = 1 << index;
  if (node instanceof Branch)
    return (node.bitmap & bit) === 0 ? undefined : node.children[position(node.bitmap, bit)];
  return ((node.hash >>> shift) & 31) === index ? node : undefined;
};

const diffNodes = <V>(
  before: Node<V> | undefined,
  after: Node<V> | undefined,
  shift: number,
  onChange: OnChange<V>,
): void => {
  if (before === after) return;
  if (before === undefined) {
    if (after !== undefined) forEachIn(after, (value, key) => onChange(key, undefined, value));
    return;
  }
  if (after === undefined) {
    forEachIn(before, (value, key) => onChange(key, value, undefined));
    return;
  }
  if (before instanceof Leaf && after instanceof Leaf) {
    if (before.hash === after.hash) diffChains(before, after, onChange);
    else {
      diffNodes(before, undefined, shift, onChange);
      diffNodes(undefined, after, shift, onChange);
    }
    return;
  }
  // A leaf beside a branch stands where it would stand as the only child of one.
  for (let i = 0; i < 32; i++)
    diffNodes(childAt(before, shift, i), childAt(after, shift, i), shift + 5, onChange);
};

/**
 * Calls `onChange` for each key whose value is not the same thing (`Object.is`) in both, in the trie's
 * order; undefined stands for absent. Subtrees that both share are not visited.
 */
export const diffTries = <V>(before: Trie<V>, after: Trie<V>, onChange: OnChange<V>): void =>
  diffNodes(before.root, after.root, 0, onChange);
