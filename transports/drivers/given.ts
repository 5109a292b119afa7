/** What an app gives that only the compiler holds to its type, and not every app has one. */
import { type Direction, type ProgressMode, type ResetMode, resetModes } from '../../core/client.js';
import type { Connector } from '../ports.js';
import type { ResetOptions } from './reset.js';

const shown = (given: unknown): string =>
  typeof given === 'string' ? JSON.stringify(given) : typeof given === 'object' ? 'an object' : String(given);

/** @throws TypeError that names what may be given. */
export const oneOf = <Name extends string>(what: string, given: Name, names: readonly Name[]): Name => {
  if (names.includes(given)) return given;
  throw new TypeError(`${what} is ${shown(given)}, expected one of ${names.join(', ')}`);
};

const directions: readonly Direction[] = ['upload', 'download'];
export const progressModes: readonly ProgressMode[] = ['reportIndefinitely', 'forCurrentlyOutstandingWork'];
/** Those that an app can ask for once a reset was left to it. */
export const performedModes = resetModes.filter(
  (mode): mode is Exclude<ResetMode, 'manual'> => mode !== 'manual',
);

export const directionOf = (given: Direction): Direction => oneOf('direction', given, directions);

/** @throws TypeError where it is none. */
export const aConnector = (given: Connector): Connector => {
  if (typeof (given as Partial<Connector> | undefined)?.connect === 'function') return given;
  throw new TypeError(`connector is ${shown(given)}, expected one such as webSocketConnector makes`);
};

/** @throws TypeError where they are none. */
export const resetOptionsOf = (given: ResetOptions): ResetOptions => {
  if (typeof given !== 'object' || given === null)
    throw new TypeError(`reset is ${shown(given)}, expected an object such as { mode: 'recover' }`);
  oneOf('reset.mode', given.mode, resetModes);
  return given;
};
