/**
 * `server.collection(class)`: the synced objects of a class as a collection of documents, for the back end. Methods
 * and results are those of MongoDB's driver, as far as they go; what filters and updates can say stands in
 * `core/access/document-filter.ts` and `core/session/document-update.ts`.
 *
 * A call is one commit in each partition that it changes, and there is none across partitions: one that fails
 * halfway has changed others. Reading sees each partition as it is at one moment, and several at
 * different ones, so that a document which moves meanwhile may be seen twice, or not at all.
 *
 * Costs. A filter that fixes the partition key, or the primary key, is looked for where it says; any other visits
 * all partitions. What has to be sure where a primary key is asks the store for the revision of every partition
 * (`key-index.ts`): inserting a document with a key that was not made for it, looking for all documents or for a
 * missing one by primary key alone, moving, and linking to what is not there.
 */
import * as E from 'fp-ts/lib/Either.js';
import {
  compareDocuments,
  type Document,
  DocumentError,
  type DocumentUpdate,
  documentFilter,
  documentReplacement,
  documents,
  documentUpdate,
  type EdgeKey,
  encodeInstructions,
  type Instruction,
  limits,
  moves,
  type OwnWrite,
  type PartitionField,
  type RecordEntry,
} from '../../core/index.js';
import {
  type DeleteResult,
  type Filter,
  FindCursor,
  type FindOptions,
  type InsertManyResult,
  type InsertOneResult,
  type Update,
  type UpdateResult,
} from './collection-results.js';
import type { Documents } from './documents.js';
import { longestSyncedName } from './sync-control.js';

const EVERYTHING = Number.MAX_SAFE_INTEGER;

/** Partitions that are written to at once. */
const TOGETHER = 32;

/** More than one changeset holds. */
class TooLarge extends Error {}

export class Collection {
  readonly name: string;
  readonly #documents: Documents;

  /** Use `server.collection`. */
  constructor(name: string, all: Documents) {
    this.name = name;
    this.#documents = all;
  }

  /** Documents that fulfil a filter. Errors are those of the iteration. @throws DocumentError */
  find(filter: Filter = {}, options: FindOptions = {}): FindCursor {
    return new FindCursor(() => this.#find(filter, options));
  }

  async findOne(filter: Filter = {}, options: Omit<FindOptions, 'limit'> = {}): Promise<Document | null> {
    for await (const document of this.find(filter, { ...options, limit: 1 })) return document;
    return null;
  }

  async count(filter: Filter = {}): Promise<number> {
    const all = this.#documents;
    const of = await all.class(this.name);
    const search = this.#search(of, filter);
    let count = 0;
    for await (const partition of all.candidates(of, search)) {
      const field = all.fieldOf(of, partition);
      if (field !== null)
        count += documents.found(of, await all.state(partition), field, search, EVERYTHING).length;
    }
    return count;
  }

  async insertOne(document: Readonly<Record<string, unknown>>): Promise<InsertOneResult> {
    const { insertedIds } = await this.insertMany([document]);
    return { acknowledged: true, insertedId: insertedIds[0] as EdgeKey };
  }

  /** Inserts documents, in one changeset for each partition as long as they fit in one. Nothing is inserted where one of them is wrong. @throws DocumentError, WriteError */
  async insertMany(inputs: readonly Readonly<Record<string, unknown>>[]): Promise<InsertManyResult> {
    const all = this.#documents;
    const of = await all.writableClass(this.name);
    const read = inputs.map((document) => {
      const made = documents.newDocument(of, document, (digits) => all.fresh(digits));
      if (E.isLeft(made)) throw made.left;
      checkName(this.name, made.right.partition);
      return made.right;
    });
    const byPartition = new Map<string, documents.NewDocument[]>();
    for (const document of read) {
      const group = byPartition.get(document.partition);
      if (group === undefined) byPartition.set(document.partition, [document]);
      else group.push(document);
    }
    // A single commit is all or nothing by itself.
    if (byPartition.size > 1)
      for (const group of byPartition.values()) {
        const wrong = documents.wrongAmong(of, group);
        if (wrong !== null) throw wrong;
      }
    const given = read.filter(({ isFresh }) => !isFresh).map(({ key }) => key);
    if (given.length > 0) await all.index.refresh();
    const claimed = all.claim(of, given, null);
    if (E.isLeft(claimed)) throw claimed.left;
    try {
      const groups = [...byPartition];
      // Commits that are under way together share a flush.
      for (let i = 0; i < groups.length; i += TOGETHER)
        await allDone(
          groups.slice(i, i + TOGETHER).map(async ([partition, group]) => {
            await this.#insert(of, partition, group);
            for (const { key } of group) all.index.add(partition, this.name, key);
          }),
        );
    } finally {
      claimed.right();
    }
    return {
      acknowledged: true,
      insertedCount: read.length,
      insertedIds: Object.fromEntries(read.map(({ fields }, i) => [i, fields[of.id] as EdgeKey])),
    };
  }

  /** Updates the first document that is found. @throws DocumentError, WriteError */
  updateOne(filter: Filter, update: Update): Promise<UpdateResult> {
    return this.#update(filter, (of) => documentUpdate(of.schema, of.shape, of.partition.key, update), 1);
  }

  /** Puts a document in the place of the first that is found; its primary key stays. @throws DocumentError, WriteError */
  replaceOne(filter: Filter, document: Readonly<Record<string, unknown>>): Promise<UpdateResult> {
    return this.#update(
      filter,
      (of) => documentReplacement(of.schema, of.shape, of.partition.key, document),
      1,
    );
  }

  /** Updates all documents that are found, in one changeset for each partition. @throws DocumentError, WriteError */
  updateMany(filter: Filter, update: Update): Promise<UpdateResult> {
    return this.#update(
      filter,
      (of) => documentUpdate(of.schema, of.shape, of.partition.key, update),
      EVERYTHING,
    );
  }

  /** Deletes the first document that is found, and the links to it. */
  deleteOne(filter: Filter): Promise<DeleteResult> {
    return this.#delete(filter, 1);
  }

  /** Deletes all documents that are found, and the links to them, in one changeset for each partition. */
  deleteMany(filter: Filter): Promise<DeleteResult> {
    return this.#delete(filter, EVERYTHING);
  }

  async *#find(filter: Filter, options: FindOptions): AsyncGenerator<Document> {
    const { sort, skip = 0, limit = EVERYTHING } = options;
    for (const [name, count] of Object.entries({ skip, limit }))
      if (!Number.isSafeInteger(count) || count < 0)
        throw new RangeError(`${this.name} find: found ${count} as ${name}, expected an integer from 0`);
    if (sort === undefined) {
      let at = 0;
      for await (const document of this.#visit(filter, skip + limit)) if (at++ >= skip) yield document;
      return;
    }
    const sorted: Document[] = [];
    for await (const document of this.#visit(filter, EVERYTHING)) sorted.push(document);
    const order = (a: Document, b: Document): number => {
      for (const [field, direction] of Object.entries(sort)) {
        const compared = compareDocuments(a, b, field);
        if (compared !== 0) return direction < 0 ? -compared : compared;
      }
      return 0;
    };
    yield* sorted.sort(order).slice(skip, skip + limit);
  }

  async *#visit(filter: Filter, most: number): AsyncGenerator<Document> {
    const all = this.#documents;
    const of = await all.class(this.name);
    const search = this.#search(of, filter);
    let left = most;
    for await (const partition of all.candidates(of, search)) {
      if (left <= 0) return;
      const field = all.fieldOf(of, partition);
      if (field === null) continue;
      const state = await all.state(partition);
      for (const key of documents.found(of, state, field, search, left)) {
        const document = documents.documentAt(of, state, field, key);
        if (document === null) continue;
        left--;
        yield document;
      }
    }
  }

  #search(of: documents.DocumentClass, filter: Filter): documents.Search {
    const read = documentFilter(`${this.name} filter`, filter);
    if (E.isLeft(read)) throw read.left;
    return documents.searchOf(of, read.right);
  }

  async #insert(
    of: documents.DocumentClass,
    partition: string,
    group: readonly documents.NewDocument[],
  ): Promise<void> {
    try {
      await this.#documents.write(partition, (elsewhere, state) => {
        const made = documents.insertion(of, state, group, elsewhere(partition));
        if (E.isLeft(made)) return made;
        return fits(made.right) ? E.right(only(made.right)) : E.left(new TooLarge());
      });
    } catch (error) {
      if (!(error instanceof TooLarge)) throw error;
      if (group.length <= 1) throw this.#tooLarge();
      const middle = group.length >> 1;
      await this.#insert(of, partition, group.slice(0, middle));
      await this.#insert(of, partition, group.slice(middle));
    }
  }

  #tooLarge(): DocumentError {
    return new DocumentError(
      'too-large',
      this.name,
      'more than fits in one changeset',
      `at most ${limits.changesetBytes} bytes`,
    );
  }

  /** Partitions with something to change. Where it moves to `first`, that is looked at before all others, and the index is fresh. */
  async *#affected(
    of: documents.DocumentClass,
    search: documents.Search,
    first: string | null = null,
  ): AsyncGenerator<{
    readonly partition: string;
    readonly field: NonNullable<ReturnType<Documents['fieldOf']>>;
  }> {
    const all = this.#documents;
    for await (const partition of all.candidates(of, search, first, first !== null)) {
      const field = all.fieldOf(of, partition);
      if (field === null) continue;
      if (documents.found(of, await all.state(partition), field, search, 1).length > 0)
        yield { partition, field };
    }
  }

  async #update(
    filter: Filter,
    given: (of: documents.DocumentClass) => E.Either<DocumentError, DocumentUpdate>,
    most: number,
  ): Promise<UpdateResult> {
    const all = this.#documents;
    const of = await all.writableClass(this.name);
    const search = this.#search(of, filter);
    const read = given(of);
    if (E.isLeft(read)) throw read.left;
    const { partition } = read.right;
    const to = partition === undefined ? null : documents.placementOf(of, partition.value);
    if (to !== null && E.isLeft(to)) throw to.left;
    if (to !== null) checkName(this.name, to.right.partition);
    // A move has to know what there is where it goes.
    if (to !== null) await all.index.refresh();
    let matched = 0;
    let modified = 0;
    // What moves is found once: where it goes is looked at before it gets there.
    for await (const affected of this.#affected(of, search, to?.right.partition)) {
      const updated = await this.#updateIn(affected, of, search, read.right, most - matched);
      matched += updated.matched;
      modified += updated.modified;
      if (matched >= most) break;
    }
    return {
      acknowledged: true,
      matchedCount: matched,
      modifiedCount: modified,
      upsertedCount: 0,
      upsertedId: null,
    };
  }

  async #updateIn(
    { partition, field }: Affected,
    of: documents.DocumentClass,
    search: documents.Search,
    update: DocumentUpdate,
    most: number,
  ): Promise<documents.Updated> {
    const all = this.#documents;
    let updated = documents.noneUpdated;
    let release = (): void => undefined;
    try {
      const make: Made = (elsewhere, state, outbox) => {
        release();
        const made = documents.updating(of, state, field, partition, search, update, most, elsewhere);
        if (E.isLeft(made)) return made;
        updated = made.right;
        if (!fits(updated.instructions)) return E.left(this.#tooLarge());
        if (updated.target === null) return E.right(only(updated.instructions));
        const claimed = all.claim(of, updated.moved, updated.target);
        if (E.isLeft(claimed)) return claimed;
        release = claimed.right;
        return outgoing(updated, updated.target, outbox);
      };
      await all.write(partition, make, update.partition === undefined ? [] : moves.outboxSpaces);
      if (updated.target !== null) await all.deliver(partition);
    } finally {
      release();
    }
    return updated;
  }

  async #delete(filter: Filter, most: number): Promise<DeleteResult> {
    const all = this.#documents;
    const of = await all.writableClass(this.name);
    const search = this.#search(of, filter);
    let deletedCount = 0;
    for await (const { partition, field } of this.#affected(of, search)) {
      let deleted = 0;
      await all.write(partition, (_, state) => {
        const made = documents.deleting(of, state, field, partition, search, most - deletedCount);
        if (E.isLeft(made)) return made;
        deleted = made.right.deleted;
        return fits(made.right.instructions)
          ? E.right(only(made.right.instructions))
          : E.left(this.#tooLarge());
      });
      deletedCount += deleted;
      if (deletedCount >= most) break;
    }
    return { acknowledged: true, deletedCount };
  }
}

/** A partition with something to change, and what the field of the partition key says there. */
interface Affected {
  readonly partition: string;
  readonly field: PartitionField;
}

/** Resolves, or rejects with the first error, when none is under way any more. */
const allDone = async (works: readonly Promise<void>[]): Promise<void> => {
  for (const outcome of await Promise.allSettled(works))
    if (outcome.status === 'rejected') throw outcome.reason;
};

const checkName = (className: string, partition: string): void => {
  if (partition.length > longestSyncedName)
    throw new DocumentError(
      'wrong-partition-value',
      className,
      `a value whose partition has a name of ${partition.length} code units`,
      `at most ${longestSyncedName}`,
    );
};

type Made = Parameters<Documents['write']>[1];

const only = (instructions: readonly Instruction[]): OwnWrite => ({
  instructions,
  records: { deletes: [], puts: [] },
});

const fits = (instructions: readonly Instruction[]): boolean =>
  instructions.length <= limits.changesetInstructions &&
  encodeInstructions(instructions).length <= limits.changesetBytes - envelope;

/** Bytes that a changeset takes besides its instructions, and some. */
const envelope = 1024;

const outgoing = (
  { instructions, parts }: documents.Updated,
  target: string,
  outbox: readonly RecordEntry[],
): E.Either<Error, OwnWrite> => {
  const puts = moves.sent(
    outbox,
    parts.map((part) => ({ target, instructions: part })),
  );
  return E.isLeft(puts)
    ? E.left(new Error(puts.left.message))
    : E.right({ instructions, records: { deletes: [], puts: puts.right } });
};
