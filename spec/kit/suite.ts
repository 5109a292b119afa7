/**
 * The `suite` of uvu, with everything told that goes wrong.
 *
 * uvu prints an error's `details` as text. Where they are something else, as those of a `SynclineError`, or
 * where no error was thrown, it fails itself: it leaves the suite in silence, with exit code 0 and the other
 * tests not run. A hook that fails ends the same way. So whatever a test throws gets to uvu as an error that
 * it can print, and what a hook throws is printed here. A file that is told to end before it is done
 * (SIGTERM, which the runner sends to those that hang) says which test it was in.
 */
import { inspect } from 'node:util';
import { type Callback, type Test, suite as uvuSuite } from 'uvu';

const shown = (value: unknown): string =>
  inspect(value, { depth: 4, maxArrayLength: 30, maxStringLength: 1_000, breakLength: 100 }).slice(0, 8_000);

/** Uvu prints these as they are. */
const printed = (error: Error): boolean =>
  typeof error.name === 'string' &&
  typeof error.stack === 'string' &&
  (!('details' in error) || !error.details || typeof error.details === 'string') &&
  (!('operator' in error) || error.operator === undefined || typeof error.operator === 'string') &&
  error.cause === undefined;

/** An error that uvu can print and that says what was thrown, with the place. */
export const printable = (thrown: unknown): Error => {
  if (!(thrown instanceof Error)) return new Error(`thrown, and no error: ${shown(thrown)}`);
  if (printed(thrown)) return thrown;
  const { name, message, cause, stack } = thrown;
  const lines: string[] = [];
  if ('details' in thrown && thrown.details) lines.push(`details: ${shown(thrown.details)}`);
  if (cause !== undefined) lines.push(`cause: ${shown(cause)}`);
  const error = new Error(name === 'Error' ? message : `${name}: ${message}`);
  if (typeof stack === 'string') error.stack = stack;
  return Object.assign(error, { details: lines.join('\n') });
};

/** The test that runs, for the end that comes from outside. */
let current = '';

process.once('SIGTERM', () => {
  console.error(`>>> told to end ${current === '' ? 'between tests' : `in ${current}`}`);
  process.exit(1);
});

const told =
  <T>(run: Callback<T>): Callback<T> =>
  async (context) => {
    current = `"${context.__test__}" of ${context.__suite__ || 'the tests'}`;
    try {
      await run(context);
    } catch (error) {
      throw printable(error);
    } finally {
      current = '';
    }
  };

const toldHook =
  <T>(name: string, run: Callback<T>): Callback<T> =>
  async (context) => {
    try {
      await run(context);
    } catch (error) {
      console.error(`\n>>> the hook ${name} of ${context.__suite__ || 'the tests'} failed: ${shown(error)}`);
      throw printable(error);
    }
  };

/** As uvu's. `context` is what hooks and tests are given. */
export const suite = <T>(title?: string, context?: T): Test<T> => {
  const inner = uvuSuite<T>(title, context);
  const before = Object.assign((hook: Callback<T>) => inner.before(toldHook('before', hook)), {
    each: (hook: Callback<T>) => inner.before.each(toldHook('before.each', hook)),
  });
  const after = Object.assign((hook: Callback<T>) => inner.after(toldHook('after', hook)), {
    each: (hook: Callback<T>) => inner.after.each(toldHook('after.each', hook)),
  });
  return Object.assign((name: string, run: Callback<T>) => inner(name, told(run)), {
    // What it hands on; whoever singles a test out says why there.
    only: (name: string, run: Callback<T>) => inner.only(name, told(run)),
    // As above.
    skip: () => inner.skip(),
    before,
    after,
    run: () => inner.run(),
  });
};
