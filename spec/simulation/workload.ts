/**
 * What a simulated app does: transactions at random over a schema at random, each of which leaves a mark.
 */
import * as E from 'fp-ts/lib/Either.js';
import type { Schema } from '../../core/model/class-schema.js';
import { decodeSchema } from '../../core/model/schema-config.js';
import type { Transaction } from '../../core/session/transaction.js';
import { ReadError, WriteError } from '../../core/session/usage-error.js';
import { once, type Random } from '../kit/random.js';
import { configOf, perform, randomCall } from '../kit/transactions.js';
import { randomWorld } from '../kit/worlds.js';

/** What one transaction does besides its mark. */
export type Workload = (tx: Transaction, random: Random, device: string) => void;

export interface App {
  /** Class configurations of one device. */
  readonly schema: readonly unknown[];
  readonly workload: Workload;
}

const decoded = (config: readonly unknown[]): Schema => {
  const schema = decodeSchema(config);
  if (E.isLeft(schema)) throw new Error(schema.left.map(({ message }) => message).join('\n'));
  return schema.right;
};

interface Shape {
  readonly name: string;
  readonly primaryKey?: string;
  readonly properties: Readonly<Record<string, unknown>>;
}

const isShape = (config: unknown): config is Shape =>
  typeof config === 'object' && config !== null && 'name' in config && 'properties' in config;

/** Some devices have an older version of the app, which lacks some properties. */
const older = (random: Random, config: readonly unknown[]): readonly unknown[] =>
  config.map((each) => {
    if (!isShape(each)) return each;
    const properties = Object.entries(each.properties).filter(
      ([name]) => name === each.primaryKey || !once(random, 4),
    );
    return { ...each, properties: Object.fromEntries(properties) };
  });

/** Transactions of a few calls, as `spec/kit/transactions.ts` makes them. Calls that do not fit change nothing. */
const calling =
  (schema: Schema): Workload =>
  (tx, random) => {
    for (let calls = random.int(4); calls > 0; calls--)
      try {
        perform(tx, randomCall(random, tx, schema));
      } catch (error) {
        if (!(error instanceof WriteError) && !(error instanceof ReadError)) throw error;
      }
  };

/** The app of each device: one schema at random, with the classes `tables` too, of which some devices have an older version. */
export const randomApps = (random: Random, devices: number, tables: readonly string[]): readonly App[] => {
  const config = configOf(randomWorld(random, { steps: 1, columnsPerTable: 4, tables }));
  return Array.from({ length: devices }, () => {
    const schema = once(random, 4) ? older(random, config) : config;
    return { schema, workload: calling(decoded(schema)) };
  });
};
