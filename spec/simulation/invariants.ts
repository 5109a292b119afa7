/**
 * An app's own promises about its data, checked wherever a device can show a state: after its own writes, whenever
 * something has come down, when its program starts, when a wait for the newest has ended, and when all is healed.
 */
import type { Client } from '../../transports/client.js';
import type { Checker, MakeChecker } from './checkers.js';
import type { World } from './world.js';

/**
 * Answers what is wrong with the data of `client`, which is that of the device of this name; nothing where nothing is.
 * What it throws is wrong, too.
 */
export type Invariant = (client: Client, device: string) => string | null | undefined;

const judged = (invariant: Invariant, client: Client, device: string): string | null => {
  try {
    return invariant(client, device) ?? null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
};

const holds =
  (invariant: Invariant) =>
  (world: World): Checker => {
    const wrongWith = (device: string, client: Client | null): string | null => {
      const wrong = client === null ? null : judged(invariant, client, device);
      return wrong === null ? null : `${device}: ${wrong}`;
    };
    return {
      saw: (seen) => {
        switch (seen.type) {
          case 'opened':
          case 'downloaded':
            return wrongWith(seen.device, seen.client);
          case 'changed':
            return wrongWith(seen.device, world.device(seen.device).client);
          case 'written':
            return wrongWith(seen.mark.device, world.device(seen.mark.device).client);
          default:
            return null;
        }
      },
      ended: () => {
        for (const { name, client } of world.devices) {
          const wrong = wrongWith(name, client);
          if (wrong !== null) return wrong;
        }
        return null;
      },
    };
  };

/** Checkers of the same names. */
export const checkersOf = (
  invariants: Readonly<Record<string, Invariant>>,
): Readonly<Record<string, MakeChecker>> =>
  Object.fromEntries(Object.entries(invariants).map(([name, invariant]) => [name, holds(invariant)]));
