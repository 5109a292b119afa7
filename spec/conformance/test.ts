/**
 * Conformance suites: what each implementation of a port owes, as named tests that any framework can run.
 *
 *     for (const { name, run } of clientStoreConformance(make)) test(name, run);
 *
 * The suites use nothing but the language and timers, so that they also run in browsers.
 */
import { systemClock } from '../../transports/clock.js';

export interface ConformanceTest {
  readonly name: string;
  /** Rejects, saying what was found and what was expected, where the obligation is not met. */
  run(): Promise<void>;
}

/** Fails unless both print alike; for values of plain data. */
export const same = (what: string, found: unknown, expected: unknown): void => {
  const print = (value: unknown): string =>
    JSON.stringify(value, (_, inner: unknown) => (inner === undefined ? 'undefined' : inner)) ?? 'undefined';
  if (print(found) !== print(expected)) {
    const short = (text: string): string => (text.length > 600 ? `${text.slice(0, 600)}…` : text);
    throw new Error(`${what}: found ${short(print(found))}, expected ${short(print(expected))}`);
  }
};

export const holds = (what: string, condition: boolean): void => {
  if (!condition) throw new Error(`does not hold: ${what}`);
};

/** Fails unless the promise is rejected, and answers what it was rejected with. */
export const rejection = async (what: string, promise: Promise<unknown>): Promise<Error> => {
  const outcome = await promise.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (!(outcome instanceof Error))
    throw new Error(`${what}: expected a rejection with an Error, found ${outcome}`);
  return outcome;
};

/** Fails unless the promise is rejected with a `StoreError` of this code. */
export const storeRejection = async (
  what: string,
  code: string,
  promise: Promise<unknown>,
): Promise<void> => {
  const error = await rejection(what, promise);
  same(`${what}: code of ${error}`, 'code' in error ? error.code : undefined, code);
  const place = 'place' in error ? String(error.place) : '';
  holds(
    `${what}: the message names the place: ${error.message}`,
    place !== '' && error.message.includes(place),
  );
};

/** The promise's outcome, or a rejection that names `what` if there is none in time. */
export const within = async <T>(what: string, promise: Promise<T>, milliseconds: number): Promise<T> => {
  let cancel = (): void => undefined;
  const late = new Promise<never>((_, reject) => {
    cancel = systemClock.schedule(milliseconds, () =>
      reject(new Error(`not within ${milliseconds} ms: ${what}`)),
    );
  });
  return Promise.race([promise, late]).finally(() => cancel());
};

export const pause = (milliseconds = 0): Promise<void> =>
  new Promise((resolve) => {
    systemClock.schedule(milliseconds, resolve);
  });

/** `length` bytes that depend on `seed`, no two neighbouring kilobytes alike. */
export const pattern = (length: number, seed: number): Uint8Array => {
  const bytes = new Uint8Array(length);
  let word = (seed * 2654435761 + 12345) >>> 0;
  for (let i = 0; i < length; i++) {
    word = (Math.imul(word, 1664525) + 1013904223) >>> 0;
    bytes[i] = word >>> 24;
  }
  return bytes;
};

/** Length and a hash: what large bytes are compared by. */
export const digest = (bytes: Uint8Array): string => {
  let hash = 0x811c9dc5;
  for (let i = 0; i < bytes.length; i++) hash = Math.imul(hash ^ (bytes[i] ?? 0), 0x01000193) >>> 0;
  return `${bytes.length}:${hash.toString(16)}`;
};
