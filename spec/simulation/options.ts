/** What a run is asked for, as plain JavaScript may ask: a misspelt fault would be none, and the run would pass. */
import { resetModes } from '../../core/reset/mode.js';
import { generators } from './generators.js';
import { ledgerSchema } from './ledger.js';
import { carriers, type PlanOptions } from './plan.js';

const faults = generators.filter(({ isFault }) => isFault).map(({ name }) => name);
const own: ReadonlySet<unknown> = new Set(ledgerSchema.map(({ name }) => name));
const counts = { devices: 1, servers: 1, partitions: 1, shares: 1, steps: 0 } as const;

const unexpected = (name: string, found: unknown, expected: string): never => {
  throw new RangeError(`${name} of a simulation is ${String(found)}, expected ${expected}`);
};

const oneOf = (name: string, found: unknown, expected: readonly unknown[]): void => {
  if (found !== undefined && !expected.includes(found)) unexpected(name, found, expected.join(', '));
};

/** @throws RangeError that names the option, what it is, and what was expected. */
export const checkOptions = (
  options: PlanOptions & { readonly schema?: readonly unknown[] | undefined },
): void => {
  if (!Number.isSafeInteger(options.seed)) unexpected('seed', options.seed, 'an integer');
  for (const [name, least] of Object.entries(counts)) {
    const found = options[name as keyof typeof counts];
    if (found !== undefined && !(Number.isSafeInteger(found) && found >= least))
      unexpected(name, found, `an integer from ${least}`);
  }
  oneOf('carrier', options.carrier, carriers);
  oneOf('reset', options.reset, resetModes);
  for (const fault of options.faults ?? []) oneOf('a fault', fault, faults);
  for (const each of options.schema ?? [])
    if (typeof each === 'object' && each !== null && 'name' in each && own.has(each.name))
      unexpected('a class', each.name, `another name than ${[...own].join(', ')}, which are the simulator’s`);
};
