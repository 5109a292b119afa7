/**
 * An application for tests of transactions and reads: people with properties of every shape, a class full
 * of defaults, and an asymmetric one.
 */
import * as E from 'fp-ts/lib/Either.js';
import * as assert from 'uvu/assert';
import { applyAll } from '../../core/model/apply.js';
import type { Schema } from '../../core/model/class-schema.js';
import { digest } from '../../core/model/digest.js';
import { int } from '../../core/model/edge-types.js';
import { printInstruction } from '../../core/model/notation.js';
import { decodeSchema } from '../../core/model/schema-config.js';
import { schemaInstructions } from '../../core/model/schema-instructions.js';
import { emptyState, type State } from '../../core/model/state.js';
import { type Transacted, type Transaction, transact } from '../../core/session/transaction.js';
import { instructions } from './notation.js';
import { build } from './worlds.js';

/** Throws where the configuration is wrong. */
export const decoded = (input: unknown): Schema => {
  const result = decodeSchema(input);
  if (E.isLeft(result)) throw new Error(result.left.map(({ message }) => message).join('\n'));
  return result.right;
};

export const schema = decoded([
  {
    name: 'P',
    primaryKey: '_id',
    properties: {
      _id: 'int',
      name: 'string',
      age: 'int?',
      tags: 'string[]',
      codes: 'int<>',
      notes: 'string{}',
      any: 'mixed',
      anys: 'mixed[]',
      anyOf: 'mixed<>',
      anyBy: 'mixed{}',
      home: 'Address',
      places: 'Address[]',
      byName: 'Address{}',
      friend: 'P',
      friends: 'P[]',
      circle: 'P<>',
      roles: 'P{}',
      pointer: 'link',
      pointers: 'link[]',
    },
  },
  {
    name: 'Address',
    kind: 'embedded',
    properties: { street: 'string?', lines: 'string[]', owner: 'P', next: 'Address' },
  },
  {
    name: 'D',
    primaryKey: 'key',
    properties: {
      key: 'string?',
      count: { type: 'int', default: 7 },
      nothing: { type: 'string?', default: null },
      tags: { type: 'string[]', default: ['a', 'b'] },
      codes: { type: 'int<>', default: [1, 1] },
      notes: { type: 'int{}', default: { k: 1 } },
      any: { type: 'mixed', default: { k: [int(1)] } },
      place: { type: 'Spot', default: { x: 1 } },
      empty: { type: 'Spot', default: null },
      spots: { type: 'Spot[]', default: [{ x: 2 }] },
      named: { type: 'Spot{}', default: { here: {} } },
    },
  },
  { name: 'Spot', kind: 'embedded', properties: { x: 'int', y: { type: 'int', default: 9 } } },
  {
    name: 'Log',
    kind: 'asymmetric',
    primaryKey: '_id',
    properties: { _id: 'int', text: 'string', p: 'P', any: 'mixed' },
  },
]);

const added = schemaInstructions(emptyState, schema);
if (E.isLeft(added)) throw new Error('the schema does not fit itself');
/** No objects. */
export const nothing = build(added.right);

/** The schema and what `text` adds, in the notation. */
export const world = (text: string): State => build(instructions(text), nothing);

/** Runs a transaction that must succeed, and holds it to the law of transactions. */
export const done = <A>(before: State, body: (tx: Transaction) => A): Transacted<A> => {
  const result = transact(before, schema, body);
  if (E.isLeft(result)) throw result.left;
  const again = applyAll(before, result.right.instructions);
  if (E.isLeft(again)) throw new Error(again.left.message);
  assert.is(digest(again.right), digest(result.right.state));
  return result.right;
};

/** What the body emits, one line each, without the class and key of object 1. */
export const emitted = (before: State | string, body: (tx: Transaction) => unknown): readonly string[] =>
  done(typeof before === 'string' ? world(before) : before, body).instructions.map((instruction) =>
    printInstruction(instruction).replace('P[1].', ''),
  );
