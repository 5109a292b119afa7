/**
 * A run: an immutable sequence of entries with ascending versions, to which entries are appended at the end
 * and from which they are dropped at the front. Both histories (a device's unacknowledged writes, the
 * server's recent entries) are runs.
 *
 * Runs that grew from one another share one backing array: a run is a window on it. Appending writes
 * behind the window's end where no other run has written yet, and copies otherwise, so that a history of
 * n appends costs O(n) in all while every earlier run stays what it was.
 */
export interface Versioned {
  readonly version: number;
}

export interface Run<T extends Versioned> {
  /** Shared; only the window `[from, to)` belongs to this run. Never written inside any window. */
  readonly backing: T[];
  readonly from: number;
  readonly to: number;
}

export const emptyRun = <T extends Versioned>(): Run<T> => ({ backing: [], from: 0, to: 0 });

export const runOf = <T extends Versioned>(entries: readonly T[]): Run<T> => ({
  backing: entries.slice(),
  from: 0,
  to: entries.length,
});

export const runLength = <T extends Versioned>(run: Run<T>): number => run.to - run.from;

export const runLast = <T extends Versioned>(run: Run<T>): T | undefined =>
  run.to > run.from ? run.backing[run.to - 1] : undefined;

export const runFirst = <T extends Versioned>(run: Run<T>): T | undefined =>
  run.to > run.from ? run.backing[run.from] : undefined;

/** `entry.version` is above all versions of the run. Amortised O(1). */
export const appended = <T extends Versioned>(run: Run<T>, entry: T): Run<T> => {
  if (run.backing.length === run.to) {
    run.backing.push(entry);
    return { backing: run.backing, from: run.from, to: run.to + 1 };
  }
  const backing = run.backing.slice(run.from, run.to);
  backing.push(entry);
  return { backing, from: 0, to: backing.length };
};

/** Position in the backing array of the first entry above `version`. O(log n). */
const after = <T extends Versioned>(run: Run<T>, version: number): number => {
  let low = run.from;
  let high = run.to;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((run.backing[middle] as T).version <= version) low = middle + 1;
    else high = middle;
  }
  return low;
};

/** The run without its entries up to `version`. Copies once the dropped part outweighs the kept one. */
export const droppedThrough = <T extends Versioned>(run: Run<T>, version: number): Run<T> => {
  const from = after(run, version);
  if (from === run.from) return run;
  if (from > run.to - from) return runOf(run.backing.slice(from, run.to));
  return { backing: run.backing, from, to: run.to };
};

/** Entries above `version`, in order. O(log n + result). */
export const entriesAfter = <T extends Versioned>(run: Run<T>, version: number): T[] =>
  run.backing.slice(after(run, version), run.to);

export const entriesOf = <T extends Versioned>(run: Run<T>): T[] => run.backing.slice(run.from, run.to);

/** The last entry up to `version`. O(log n). */
export const lastThrough = <T extends Versioned>(run: Run<T>, version: number): T | undefined => {
  const at = after(run, version);
  return at > run.from ? run.backing[at - 1] : undefined;
};

/** The first entry above `version`. O(log n). */
export const firstAfter = <T extends Versioned>(run: Run<T>, version: number): T | undefined => {
  const at = after(run, version);
  return at < run.to ? run.backing[at] : undefined;
};
