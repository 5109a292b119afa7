/**
 * Arbitraries of fast-check for simulated worlds: objects of an app's own classes, workloads of its own actions,
 * and the worlds themselves, so that a property over worlds shrinks to few devices and few kinds of faults.
 *
 * The package is given by the caller, so that who does not use it need not have it.
 */
import { ObjectId, UUID } from 'bson';
import type * as FastCheck from 'fast-check';
import type { Arbitrary } from 'fast-check';
import * as E from 'fp-ts/lib/Either.js';
import type { ClassSchema, Property, Schema } from '../../core/model/class-schema.js';
import { toEdge } from '../../core/model/edge.js';
import type { EdgeKey } from '../../core/model/edge-types.js';
import type { KeyType } from '../../core/model/key.js';
import { decodeSchema } from '../../core/model/schema-config.js';
import type { Transaction } from '../../core/session/transaction.js';
import { valuesOf } from '../kit/alphabet.js';
import { generators } from './generators.js';
import type { Workload } from './workload.js';

/** The package: `import fc from 'fast-check'`. */
export type FastCheckModule = Pick<
  typeof FastCheck,
  | 'array'
  | 'bigInt'
  | 'boolean'
  | 'constant'
  | 'constantFrom'
  | 'dictionary'
  | 'double'
  | 'integer'
  | 'maxSafeInteger'
  | 'oneof'
  | 'record'
  | 'sample'
  | 'string'
  | 'subarray'
  | 'uint8Array'
>;

/** How many collections of mixed values, and how many embedded objects, may be within one another. */
const depths = { mixed: 2, embedded: 2 };

/** Few keys, so that devices meet at the same objects. */
const keysOf = (fc: FastCheckModule, type: KeyType, nullable: boolean): Arbitrary<EdgeKey> => {
  const keys: readonly EdgeKey[] = {
    int: [1, 2, 3],
    string: ['a', 'b', 'c'],
    objectId: [new ObjectId('0'.repeat(24)), new ObjectId('f'.repeat(24))],
    uuid: [new UUID('0'.repeat(32)), new UUID('f'.repeat(32))],
  }[type];
  return fc.constantFrom(...keys, ...(nullable ? [null] : []));
};

class Classes {
  readonly #fc: FastCheckModule;
  readonly #schema: Schema;

  constructor(fc: FastCheckModule, schema: Schema) {
    this.#fc = fc;
    this.#schema = schema;
  }

  /** Contents with any of its properties, and the key where the class has one. */
  object(shape: ClassSchema, depth: number): Arbitrary<Record<string, unknown>> {
    const fields: Record<string, Arbitrary<unknown>> = {};
    for (const property of shape.properties) {
      const values = this.#property(property, depth);
      if (values !== null) fields[property.name] = values;
    }
    const { spec } = shape;
    const key = spec.type === 'topLevel' ? spec.primaryKey : null;
    if (key === null) return this.#fc.record(fields, { requiredKeys: [] });
    fields[key.name] = keysOf(this.#fc, key.type, key.nullable);
    return this.#fc.record(fields, { requiredKeys: [key.name] });
  }

  /** Null for links, and where embedded objects are too deep within one another. */
  #property(property: Property, depth: number): Arbitrary<unknown> | null {
    const fc = this.#fc;
    const { collection } = property.column;
    const item = this.#item(property, collection === 'set' ? 0 : depths.mixed, depth);
    if (item === null) return null;
    switch (collection) {
      case 'single':
        return item;
      case 'list':
      case 'set':
        return fc.array(item, { maxLength: 4 });
      case 'dictionary':
        return fc.dictionary(fc.constantFrom('k', 'l', 'm'), item, { noNullPrototype: true });
    }
  }

  #item(property: Property, mixedDepth: number, depth: number): Arbitrary<unknown> | null {
    const fc = this.#fc;
    const { type, nullable } = property.column;
    let value: Arbitrary<unknown>;
    if (property.embedded !== null) {
      const shape = this.#schema.byName.get(property.embedded);
      if (shape === undefined || depth === 0) return null;
      value = this.object(shape, depth - 1);
    } else if (type === 'link') return null;
    else if (type === 'mixed') return this.#mixed(mixedDepth);
    else value = this.#scalar(type);
    return nullable ? fc.oneof({ weight: 4, arbitrary: value }, fc.constant(null)) : value;
  }

  #scalar(type: keyof typeof valuesOf): Arbitrary<unknown> {
    const fc = this.#fc;
    const odd = fc.constantFrom(...valuesOf[type].map((value) => toEdge(value, false)));
    switch (type) {
      case 'int':
        return fc.oneof(fc.integer({ min: -9, max: 9 }), fc.maxSafeInteger(), odd);
      case 'double':
        return fc.oneof(fc.double(), odd);
      case 'string':
        return fc.oneof(fc.string({ unit: 'grapheme', maxLength: 12 }), odd);
      case 'binary':
        return fc.oneof(fc.uint8Array({ maxLength: 12 }), odd);
      default:
        return odd;
    }
  }

  #mixed(depth: number): Arbitrary<unknown> {
    const fc = this.#fc;
    const scalars = Object.values(valuesOf).flatMap((values) => values.map((value) => toEdge(value, true)));
    const scalar = fc.oneof(fc.constantFrom<unknown>(null, ...scalars), fc.bigInt({ min: -9n, max: 9n }));
    if (depth === 0) return scalar;
    const inner = this.#mixed(depth - 1);
    return fc.oneof(
      { weight: 3, arbitrary: scalar },
      fc.array(inner, { maxLength: 3 }),
      fc.dictionary(fc.constantFrom('k', 'l'), inner, { noNullPrototype: true }),
    );
  }
}

/**
 * Objects of each class of a configuration, by its name: values of all types for any of the properties, few keys, and
 * no links, for which objects must be there. What `create` and, without the key, `update` of a transaction take.
 *
 * @throws Error where it is no configuration; says all that is wrong with it.
 */
export const objectArbitraries = (
  fc: FastCheckModule,
  config: readonly unknown[],
): Readonly<Record<string, Arbitrary<Record<string, unknown>>>> => {
  const schema = decodeSchema(config);
  if (E.isLeft(schema)) throw new Error(schema.left.map(({ message }) => message).join('\n'));
  const classes = new Classes(fc, schema.right);
  return Object.fromEntries(
    schema.right.classes.map((shape) => [shape.name, classes.object(shape, depths.embedded)]),
  );
};

/** A workload of one action for each transaction, drawn from an arbitrary by the chance of the simulated world. */
export const workloadOf =
  <Action>(
    fc: FastCheckModule,
    action: Arbitrary<Action>,
    perform: (tx: Transaction, action: Action, device: string) => void,
  ): Workload =>
  (tx, random, device) => {
    for (const drawn of fc.sample(action, { seed: random.int(2 ** 31), numRuns: 1 }))
      perform(tx, drawn, device);
  };

/** All kinds of faults there are, as `faults` of `simulate` takes them. */
export const faultNames: readonly string[] = generators
  .filter(({ isFault, needsSync }) => isFault && !needsSync)
  .map(({ name }) => name);

export interface WorldBounds {
  /** At most so many; 4 by default. */
  readonly devices?: number;
  /** At most so many; 2 by default. */
  readonly servers?: number;
  /** Events at most; 40 by default. */
  readonly steps?: number;
  /** Kinds of faults that there may be; all by default. */
  readonly faults?: readonly string[];
}

/** Options of `simulate`. */
export interface DrawnWorld {
  readonly seed: number;
  readonly devices: number;
  readonly servers: number;
  readonly steps: number;
  readonly faults: readonly string[];
}

/** What `simulate` runs: shrinks to one device, one server, few events, and no fault that is not needed. */
export const worldArbitrary = (
  fc: FastCheckModule,
  { devices = 4, servers = 2, steps = 40, faults = faultNames }: WorldBounds = {},
): Arbitrary<DrawnWorld> =>
  fc.record({
    seed: fc.integer({ min: 0, max: 2 ** 31 - 1 }),
    devices: fc.integer({ min: 1, max: devices }),
    servers: fc.integer({ min: 1, max: servers }),
    steps: fc.integer({ min: 1, max: steps }),
    faults: fc.subarray([...faults]),
  });
