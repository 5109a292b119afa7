/** Lets everything that is ready run: all microtasks, and one round of the event loop. */
export const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve));

export interface Deferred<T> {
  readonly promise: Promise<T>;
  resolve(value: T): void;
  reject(error: unknown): void;
}

export const deferred = <T>(): Deferred<T> => {
  let resolve: (value: T) => void = () => undefined;
  let reject: (error: unknown) => void = () => undefined;
  const promise = new Promise<T>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  return { promise, resolve, reject };
};

/** Calls `listener` with each item as it comes. Resolves at the end of them. */
export const forEachOf = async <T>(items: AsyncIterable<T>, listener: (item: T) => void): Promise<void> => {
  for await (const item of items) listener(item);
};

/** Resolves once `condition` holds; rejects, naming `what`, if it does not within a time that even a machine with much other work has enough of. */
export const eventually = async (
  what: string,
  condition: () => boolean | Promise<boolean>,
  milliseconds = 120_000,
): Promise<void> => {
  const end = performance.now() + milliseconds;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`not within ${milliseconds} ms: ${what}`);
    await turn();
  }
};
