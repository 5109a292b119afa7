/**
 * Which partition has an object: the primary keys of all partitions, in memory.
 *
 * No partition knows of another, and an index beside them would have to be kept up by every server with every
 * upload. So it is made here when it is first needed, and looked after before it is used: the store is asked for
 * the revision of every partition, and read where that has changed. What this server itself has open costs only as
 * much as has changed in it.
 *
 * Costs: n revisions for a look at n partitions, a whole partition for each that others have changed, and about
 * 200 bytes for each object.
 */
import { difference, emptyState, hasObject, type Key, type State } from '../../core/index.js';
import type { PartitionStore } from '../ports.js';
import { loadWhole, type PartitionHost } from './partition-host.js';

export interface IndexSource {
  /** All partitions, by the names that devices open. */
  readonly partitions: () => Promise<readonly string[]>;
  readonly store: (partition: string) => Promise<PartitionStore>;
  /** Those that are open here. */
  readonly present: (partition: string) => Promise<PartitionHost> | undefined;
}

interface Seen {
  readonly revision: number;
  readonly keys: Map<string, Set<Key>>;
  /** Where it is open here: the state that the keys are of, but for those that were added since. */
  readonly state: State | null;
  readonly added: { readonly className: string; readonly key: Key }[];
}

export class KeyIndex {
  readonly #source: IndexSource;
  readonly #seen = new Map<string, Seen>();
  /** By class. */
  readonly #places = new Map<string, Map<Key, readonly string[]>>();
  #looking: Promise<void> | null = null;

  constructor(source: IndexSource) {
    this.#source = source;
  }

  /** Resolves when what had been committed by the time of the call is known. */
  async refresh(): Promise<void> {
    // A look that is under way may have been at the partition already that the caller asks for.
    const before = this.#looking;
    if (before !== null) await before.catch(() => undefined);
    this.#looking ??= this.#look().finally(() => {
      this.#looking = null;
    });
    await this.#looking;
  }

  /** Partitions that have the object; more than one where devices have made it in several. */
  placesOf(className: string, key: Key): readonly string[] {
    return this.#places.get(className)?.get(key) ?? [];
  }

  /** What a write of this server has added. */
  add(partition: string, className: string, key: Key): void {
    const seen = this.#seen.get(partition);
    if (seen === undefined)
      this.#seen.set(partition, { revision: -1, keys: new Map(), state: null, added: [] });
    const { keys, added } = this.#seen.get(partition) as Seen;
    const ofClass = keys.get(className) ?? new Set();
    keys.set(className, ofClass);
    if (ofClass.has(key)) return;
    ofClass.add(key);
    added.push({ className, key });
    this.#placed(partition, className, key);
  }

  /** Objects that more than one partition has. */
  duplicates(): number {
    let count = 0;
    for (const places of this.#places.values())
      for (const partitions of places.values()) if (partitions.length > 1) count++;
    return count;
  }

  /** How many objects of each class a partition has. */
  countsOf(partition: string): ReadonlyMap<string, number> {
    const keys = this.#seen.get(partition)?.keys ?? new Map<string, Set<Key>>();
    return new Map([...keys].map(([name, ofClass]) => [name, ofClass.size]));
  }

  async #look(): Promise<void> {
    const names = await this.#source.partitions();
    const present = new Set(names);
    for (const partition of this.#seen.keys()) if (!present.has(partition)) this.#forget(partition);
    for (const name of names) await this.#lookAt(name);
  }

  async #lookAt(partition: string): Promise<void> {
    const store = await this.#source.store(partition);
    const { revision } = await store.load([]);
    const host = await this.#source.present(partition)?.catch(() => undefined);
    const seen = this.#seen.get(partition);
    if (host !== undefined && host.revision >= revision) {
      this.#took(partition, host.revision, host.partition.state, true);
    } else if (seen?.revision !== revision) {
      const loaded = await loadWhole(store, 1);
      this.#took(partition, loaded.revision, loaded.partition.state, false);
    } else if (seen.state !== null) this.#seen.set(partition, { ...seen, state: null });
  }

  #took(partition: string, revision: number, state: State, isOpen: boolean): void {
    const seen = this.#seen.get(partition);
    const known = seen?.state ?? null;
    if (seen === undefined || known === null) {
      if (seen !== undefined && seen.revision === revision) {
        this.#seen.set(partition, { ...seen, state: isOpen ? state : null });
        return;
      }
      this.#forget(partition);
      const keys = new Map<string, Set<Key>>();
      for (const { table, inserted } of difference(emptyState, state)) {
        keys.set(table, new Set(inserted));
        for (const key of inserted) this.#placed(partition, table, key);
      }
      this.#seen.set(partition, { revision, keys, state: isOpen ? state : null, added: [] });
      return;
    }
    if (known !== state)
      for (const { table, inserted, deleted } of difference(known, state)) {
        const ofClass = seen.keys.get(table) ?? new Set();
        seen.keys.set(table, ofClass);
        for (const key of inserted)
          if (!ofClass.has(key)) {
            ofClass.add(key);
            this.#placed(partition, table, key);
          }
        for (const key of deleted) if (ofClass.delete(key)) this.#displaced(partition, table, key);
      }
    // What has come and gone since makes no difference between the two states.
    for (const { className, key } of seen.added)
      if (!hasObject(state, className, key) && seen.keys.get(className)?.delete(key))
        this.#displaced(partition, className, key);
    this.#seen.set(partition, { revision, keys: seen.keys, state: isOpen ? state : null, added: [] });
  }

  #forget(partition: string): void {
    for (const [table, keys] of this.#seen.get(partition)?.keys ?? [])
      for (const key of keys) this.#displaced(partition, table, key);
    this.#seen.delete(partition);
  }

  #placed(partition: string, className: string, key: Key): void {
    let places = this.#places.get(className);
    if (places === undefined) {
      places = new Map();
      this.#places.set(className, places);
    }
    places.set(key, [...(places.get(key) ?? []), partition]);
  }

  #displaced(partition: string, className: string, key: Key): void {
    const places = this.#places.get(className);
    const others = (places?.get(key) ?? []).filter((other) => other !== partition);
    if (others.length === 0) places?.delete(key);
    else places?.set(key, others);
  }
}
