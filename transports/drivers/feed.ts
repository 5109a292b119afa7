/**
 * Items for whoever reads, as async iterables: each reader has a queue of its own from the moment it asks, so
 * that nothing is missed between asking and the first turn of its loop. Queues are bounded: a reader that
 * does not keep up loses the oldest items, and nobody else notices.
 */

export interface WatchOptions {
  /** Ends the iteration, which then throws the signal's reason. */
  readonly signal?: AbortSignal;
}

interface Turn<T> {
  readonly resolve: (result: IteratorResult<T, undefined>) => void;
  readonly reject: (error: unknown) => void;
}

export class Reader<T extends object> implements AsyncIterableIterator<T, undefined> {
  readonly #limit: number;
  #items: T[] = [];
  #turns: Turn<T>[] = [];
  #hasEnded = false;
  /** What the iteration throws once all items are read. */
  #error: { readonly thrown: unknown } | null = null;
  #left: () => void = () => undefined;

  /** Keeps the newest `limit` items. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Calls `left` when this reader reads no more. */
  whenLeft(left: () => void): void {
    const before = this.#left;
    this.#left = () => {
      before();
      left();
    };
    if (this.#hasEnded) left();
  }

  /** Fails when `signal` is aborted. */
  follow(signal: AbortSignal | undefined): void {
    if (signal === undefined) return;
    const abort = () => this.fail(signal.reason);
    if (signal.aborted) {
      abort();
      return;
    }
    signal.addEventListener('abort', abort, { once: true });
    this.whenLeft(() => signal.removeEventListener('abort', abort));
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  push(item: T): void {
    if (this.#hasEnded) return;
    const turn = this.#turns.shift();
    if (turn !== undefined) {
      turn.resolve({ done: false, value: item });
      return;
    }
    this.#items.push(item);
    if (this.#items.length > this.#limit) this.#items.shift();
  }

  /** No more items come; those that wait are still read. */
  end(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    for (const turn of this.#turns.splice(0)) turn.resolve({ done: true, value: undefined });
    this.#left();
  }

  /** As `end`, and then the iteration throws. */
  fail(thrown: unknown): void {
    if (this.#hasEnded) return;
    const turn = this.#turns.shift();
    if (turn === undefined) this.#error = { thrown };
    else turn.reject(thrown);
    this.end();
  }

  next(): Promise<IteratorResult<T, undefined>> {
    const item = this.#items.shift();
    if (item !== undefined) return Promise.resolve({ done: false, value: item });
    const error = this.#error;
    this.#error = null;
    if (error !== null) return Promise.reject(error.thrown);
    if (this.#hasEnded) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve, reject) => this.#turns.push({ resolve, reject }));
  }

  /** A loop that is left early. */
  return(): Promise<IteratorResult<T, undefined>> {
    this.#items = [];
    this.#error = null;
    this.end();
    return Promise.resolve({ done: true, value: undefined });
  }
}

/** Items by which a reader may lag behind. */
const MOST_WAITING = 1000;

export class Feed<T extends object> {
  readonly #readers = new Set<Reader<T>>();
  readonly #wanted: (isWanted: boolean) => void;
  #hasEnded = false;

  /** `wanted` hears when the first reader comes, and when the last one has left. */
  constructor(wanted: (isWanted: boolean) => void = () => undefined) {
    this.#wanted = wanted;
  }

  push(item: T): void {
    for (const reader of this.#readers) reader.push(item);
  }

  end(): void {
    this.#hasEnded = true;
    for (const reader of [...this.#readers]) reader.end();
  }

  /** From now on, until the feed ends, the loop is left or the signal aborted. */
  read({ signal }: WatchOptions = {}): AsyncIterableIterator<T, undefined> {
    const reader = new Reader<T>(MOST_WAITING);
    reader.follow(signal);
    if (this.#hasEnded) reader.end();
    if (reader.hasEnded) return reader;
    this.#readers.add(reader);
    if (this.#readers.size === 1) this.#wanted(true);
    reader.whenLeft(() => {
      this.#readers.delete(reader);
      if (this.#readers.size === 0 && !this.#hasEnded) this.#wanted(false);
    });
    return reader;
  }
}
