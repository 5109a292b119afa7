/**
 * What a benchmark suite is, and how it measures.
 *
 * A suite asks one question and answers it with rows: on a workload, a subject scores a value in a metric.
 * Subjects are `syncline`, peers by their package's name, and floors (`floor-…`), the least that any
 * solution would have to do. `bench/run.ts` lists the suites.
 */
export interface Row {
  readonly workload: string;
  readonly subject: string;
  readonly metric: string;
  /** Finite. */
  readonly value: number;
  readonly unit: string;
}

export interface SuiteOptions {
  /** Tiny workloads, one repetition: shows that the suite works, and says nothing about speed. */
  readonly smoke: boolean;
  /** Whether a peer is to be measured, of those that the suite says it has. */
  wants(peer: string): boolean;
  /** Whether a part of the question is to be answered, of those that the suite says it has. */
  does(part: string): boolean;
  report(row: Row): void;
}

export interface Suite {
  /** Its file is `bench/<name>.ts`. */
  readonly name: string;
  readonly question: string;
  /** Those that can be chosen. */
  readonly peers?: readonly string[];
  /** What can be asked for alone. */
  readonly parts?: readonly string[];
  run(options: SuiteOptions): void | Promise<void>;
}

/** The middle value, or the mean of the two in the middle. Of at least one value. */
export const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b);
  const low = sorted[(sorted.length - 1) >> 1];
  const high = sorted[sorted.length >> 1];
  if (low === undefined || high === undefined) throw new Error('the median of no values');
  return (low + high) / 2;
};

/**
 * Median time of `work` in milliseconds, after one repetition that is not timed. Garbage is collected when
 * the engine sees fit, as in an app: what a subject allocates is part of its time. `prepare` makes the
 * input of each repetition, outside the time; `times` is the number of timed repetitions.
 */
export function measure(work: () => unknown, options?: { readonly times?: number }): number;
export function measure<Input>(
  work: (input: Input) => unknown,
  options: { readonly times?: number; readonly prepare: () => Input },
): number;
export function measure<Input>(
  work: (input: Input) => unknown,
  { times = 5, prepare }: { readonly times?: number; readonly prepare?: () => Input } = {},
): number {
  const durations: number[] = [];
  for (let repetition = 0; repetition <= times; repetition++) {
    const input = prepare?.() as Input;
    const start = performance.now();
    work(input);
    const duration = performance.now() - start;
    if (repetition > 0) durations.push(duration);
  }
  return median(durations);
}
