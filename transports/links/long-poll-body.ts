/** Bodies of requests and answers, read no further than they are wanted. */

/** What reading is rejected with where the stream fails. */
export class BodyError extends Error {}

/** A body in portions of the reader's choice. */
export class BodyReader {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  /** Read, and not taken. */
  #rest: Uint8Array = new Uint8Array();

  constructor(body: ReadableStream<Uint8Array> | null) {
    this.#reader = body?.getReader();
  }

  /** Some more bytes, undefined at the end. */
  async next(): Promise<Uint8Array | undefined> {
    const rest = this.#rest;
    if (rest.length > 0) {
      this.#rest = rest.subarray(rest.length);
      return rest;
    }
    let value: unknown;
    try {
      value = (await this.#reader?.read())?.value;
    } catch (error) {
      throw new BodyError(`the body cannot be read: ${String(error)}`, { cause: error });
    }
    if (value === undefined || value instanceof Uint8Array) return value;
    throw new BodyError('the body is not of bytes');
  }

  /** Exactly `length` bytes; undefined, and all lost, where the body ends before. */
  async take(length: number): Promise<Uint8Array | undefined> {
    let taken: Uint8Array = new Uint8Array();
    while (taken.length < length) {
      const part = await this.next();
      if (part === undefined) return undefined;
      taken = taken.length === 0 ? part : joined(taken, part);
    }
    this.#rest = taken.subarray(length);
    return taken.subarray(0, length);
  }

  /** The whole, or undefined where it is longer than `maxBytes`. */
  async whole(maxBytes: number): Promise<Uint8Array | undefined> {
    const parts: Uint8Array[] = [];
    let length = 0;
    for (;;) {
      const part = await this.next();
      if (part === undefined) break;
      length += part.length;
      if (length > maxBytes) {
        this.cancel();
        return undefined;
      }
      parts.push(part);
    }
    const [only] = parts;
    if (only !== undefined && parts.length === 1) return only;
    const bytes = new Uint8Array(length);
    let at = 0;
    for (const part of parts) {
      bytes.set(part, at);
      at += part.length;
    }
    return bytes;
  }

  /** Wants no more. */
  cancel(): void {
    this.#reader?.cancel().catch(() => undefined);
  }
}

const joined = (a: Uint8Array, b: Uint8Array): Uint8Array => {
  const bytes = new Uint8Array(a.length + b.length);
  bytes.set(a);
  bytes.set(b, a.length);
  return bytes;
};
