/**
 * The law of inputs: whatever value is given where one of the language is read, also such as JSON does not have, it is
 * refused with an error or read, in a time that has an end, and nothing is thrown.
 */
import * as E from 'fp-ts/lib/Either.js';
import { decodePartitionConfig } from '../../core/access/config.js';
import { decodeSchema } from '../../core/model/schema-config.js';
import { chosenSubprotocol, subprotocols } from '../../transports/links/websocket-codes.js';
import { type Reading, readFilter, readUpdate } from './decoders.js';
import { damaged, mangled } from './mangled.js';
import { processorTime } from './processor-time.js';
import { once, pick, type Random } from './random.js';
import { filters, partitionConfig, updates } from './samples.js';
import { configOf } from './transactions.js';
import { randomWorld } from './worlds.js';

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const encoded = (value: string): Uint8Array => new TextEncoder().encode(value);

const outcomeOf = (decoded: E.Either<unknown, unknown>): Reading => ({
  outcome: E.isRight(decoded) ? 'taken' : 'refused',
  says: '',
});

/** What reads the values. */
export const inputReaders = {
  filters: readFilter,
  updates: readUpdate,
  'class configurations': (value: unknown) => outcomeOf(decodeSchema(value)),
  'partition configurations': (value: unknown) => outcomeOf(decodePartitionConfig(value)),
  /** The range of versions that a server speaks, and what it is offered. */
  subprotocols: ({ oldest, newest, offered }: Offer): Reading => {
    const chosen = chosenSubprotocol({ oldest, newest }, offered);
    if (chosen === undefined) return { outcome: 'refused', says: '' };
    const isFair = offered.includes(chosen) && subprotocols({ oldest, newest }).includes(chosen);
    return isFair
      ? { outcome: 'taken', says: '' }
      : { outcome: 'wrong', says: `chose ${chosen} of ${offered.join(', ')}` };
  },
};

interface Offer {
  readonly oldest: number;
  readonly newest: number;
  readonly offered: readonly string[];
}

type Readers = typeof inputReaders;

const trials: { readonly [Name in keyof Readers]: (random: Random) => Parameters<Readers[Name]>[0] } = {
  filters: (random) => mangled(random, pick(random, filters), 0),
  updates: (random) => mangled(random, pick(random, updates), 0),
  'class configurations': (random) =>
    // Most of them whole, since a single thing that is wrong refuses all.
    configOf(randomWorld(random, { steps: 1 }), random).map((each) =>
      once(random, 8) ? mangled(random, each, 0) : each,
    ),
  'partition configurations': (random) => mangled(random, partitionConfig, 0),
  subprotocols: (random) => {
    const oldest = 1 + random.int(3);
    const offered = Array.from({ length: random.int(5) }, () =>
      text(damaged(random, encoded(`syncline.${random.int(8)}`))),
    );
    return { oldest, newest: oldest + random.int(3), offered };
  },
};

export interface HostileInputs {
  readonly readers?: Readers;
  /** Told what became of each. */
  readonly told?: (name: keyof Readers, outcome: Reading['outcome']) => unknown;
  /** Milliseconds of the processor that one of them may take. */
  readonly patience?: number;
}

/** Each input some fifty times. Null where the law holds. */
export const hostileInputs = (random: Random, options: HostileInputs = {}): string | null => {
  const { readers = inputReaders, told, patience = 2_000 } = options;
  const read = <Name extends keyof Readers>(name: Name): string | null => {
    const reader = readers[name] as (input: Parameters<Readers[Name]>[0]) => Reading;
    const start = processorTime();
    let fault: string | null = null;
    try {
      const { outcome, says } = reader(trials[name](random));
      told?.(name, outcome);
      if (outcome === 'wrong') fault = says;
    } catch (error) {
      fault = error instanceof Error ? (error.stack ?? error.message) : String(error);
    }
    const took = processorTime() - start;
    return fault ?? (took > patience ? `took ${Math.round(took)} ms` : null);
  };
  for (const name of Object.keys(trials) as readonly (keyof Readers)[])
    for (let times = 0; times < 50; times++) {
      const fault = read(name);
      if (fault !== null) return `${name}: ${fault}`;
    }
  return null;
};
