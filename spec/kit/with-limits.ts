/** Smaller limits, so that what they bound happens in a test. */
import { limits } from '../../core/base/limits.js';

/** Runs `body` with the given limits in place of the engine's. */
export const withLimits = <T>(smaller: Partial<Record<keyof typeof limits, number>>, body: () => T): T => {
  const before = { ...limits };
  Object.assign(limits, smaller);
  try {
    return body();
  } finally {
    Object.assign(limits, before);
  }
};
