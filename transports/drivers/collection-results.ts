/** What collections are asked and answer: as MongoDB's driver has it. */
import type { Document, EdgeKey } from '../../core/index.js';

/** As documents and MongoDB's match language have it. */
export type Filter = Readonly<Record<string, unknown>>;
/** `$set` and the others, each with fields. */
export type Update = Readonly<Record<string, unknown>>;

export interface FindOptions {
  /** Fields with 1 for ascending and -1 for descending order; by primary key within partitions where it is left out. */
  readonly sort?: Readonly<Record<string, 1 | -1>>;
  readonly skip?: number;
  readonly limit?: number;
}

export interface InsertOneResult {
  readonly acknowledged: true;
  readonly insertedId: EdgeKey;
}

export interface InsertManyResult {
  readonly acknowledged: true;
  readonly insertedCount: number;
  /** By the index of the document. */
  readonly insertedIds: Readonly<Record<number, EdgeKey>>;
}

export interface UpdateResult {
  readonly acknowledged: true;
  readonly matchedCount: number;
  /** Of those the ones that have changed. */
  readonly modifiedCount: number;
  readonly upsertedCount: 0;
  readonly upsertedId: null;
}

export interface DeleteResult {
  readonly acknowledged: true;
  readonly deletedCount: number;
}

/** What is found, as it is asked for. */
export class FindCursor implements AsyncIterable<Document> {
  readonly #found: () => AsyncIterable<Document>;

  /** Use `find`. */
  constructor(found: () => AsyncIterable<Document>) {
    this.#found = found;
  }

  [Symbol.asyncIterator](): AsyncIterator<Document> {
    return this.#found()[Symbol.asyncIterator]();
  }

  async toArray(): Promise<Document[]> {
    const all: Document[] = [];
    for await (const document of this) all.push(document);
    return all;
  }
}
