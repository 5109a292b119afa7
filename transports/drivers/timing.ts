/** The times of a session, as an app gives them. */
import { defaultTiming, type Timing } from '../../core/client.js';

/**
 * The default with what is given of it.
 *
 * @throws RangeError that names what is no pause: a retry that is due at no time would be one at once, again and again.
 */
export const timingOf = (given: Partial<Timing> = {}): Timing => {
  const timing: Record<string, number> = { ...defaultTiming };
  for (const [name, value] of Object.entries<unknown>(given)) {
    if (value === undefined) continue;
    if (!Object.hasOwn(timing, name))
      throw new RangeError(`timing.${name} is none of ${Object.keys(timing)}`);
    if (typeof value !== 'number' || !(value >= 0))
      throw new RangeError(`timing.${name} is ${value}, expected a number from 0`);
    timing[name] = value;
  }
  return timing as unknown as Timing;
};
