/** Bodies of requests and answers, read no further than they are wanted. */

/** Where bytes come from. */
export interface ByteSource {
  /** Some more bytes, undefined at the end. Rejects where they do not come whole. */
  next(): Promise<Uint8Array | undefined>;
  /** Wants no more. Reading that is under way comes to its end. */
  cancel(): void;
}

/** The body of a standard request or answer. */
export const sourceOf = (body: ReadableStream<Uint8Array> | null): ByteSource => {
  const reader = body?.getReader();
  return {
    next: async () => {
      const value: unknown = (await reader?.read())?.value;
      if (value === undefined || value instanceof Uint8Array) return value;
      throw new TypeError('the body is not of bytes');
    },
    cancel: () => {
      reader?.cancel().catch(() => undefined);
    },
  };
};

/** What reading is rejected with where the source fails. */
export class BodyError extends Error {}

/** A body in portions of the reader's choice. */
export class BodyReader implements ByteSource {
  readonly #source: ByteSource;
  /** Read, and not taken. */
  #rest: Uint8Array = new Uint8Array();

  constructor(source: ByteSource) {
    this.#source = source;
  }

  async next(): Promise<Uint8Array | undefined> {
    const rest = this.#rest;
    if (rest.length > 0) {
      this.#rest = rest.subarray(rest.length);
      return rest;
    }
    try {
      return await this.#source.next();
    } catch (error) {
      throw new BodyError(`the body cannot be read: ${String(error)}`, { cause: error });
    }
  }

  /** Exactly `length` bytes; undefined, and all lost, where the body ends before. */
  async take(length: number): Promise<Uint8Array | undefined> {
    const parts: Uint8Array[] = [];
    let taken = 0;
    while (taken < length) {
      const part = await this.next();
      if (part === undefined) return undefined;
      parts.push(part);
      taken += part.length;
    }
    const bytes = joined(parts, taken);
    this.#rest = bytes.subarray(length);
    return bytes.subarray(0, length);
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
    return joined(parts, length);
  }

  cancel(): void {
    this.#source.cancel();
  }
}

/** One array of the parts, which have so many bytes. */
export const joined = (parts: readonly Uint8Array[], length: number): Uint8Array => {
  const [first] = parts;
  if (first !== undefined && first.length === length) return first;
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
};
