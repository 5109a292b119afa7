import fc from 'fast-check';
import * as E from 'fp-ts/lib/Either.js';
import * as assert from 'uvu/assert';
import { edit } from '../core/model/apply.js';
import type { Schema } from '../core/model/class-schema.js';
import { digest } from '../core/model/digest.js';
import type { EdgeKey } from '../core/model/edge-types.js';
import type { Instruction } from '../core/model/instruction.js';
import { printInstruction } from '../core/model/notation.js';
import { schemaInstructions } from '../core/model/schema-instructions.js';
import { toInstructions } from '../core/model/snapshot.js';
import { hasObject, type State } from '../core/model/state.js';
import { isLink } from '../core/model/value.js';
import { type Transacted, type Transaction, transact } from '../core/session/transaction.js';
import { WriteError } from '../core/session/usage-error.js';
import { objects } from '../core/session/view.js';
import { decoded } from './kit/people.js';
import { type Random, seeded } from './kit/random.js';
import { suite } from './kit/suite.js';
import { type Call, configOf, perform, propertyValue, randomCall } from './kit/transactions.js';
import { randomWorld, type WorldOptions } from './kit/worlds.js';

fc.configureGlobal({ includeErrorInReport: true });

const laws = suite('laws of transactions');

interface App {
  readonly schema: Schema;
  readonly state: State;
}

/** A schema with defaults, and a state with links that lead nowhere, as downloads leave them. */
const randomApp = (random: Random, options: WorldOptions = {}): App => {
  const state = randomWorld(random, { steps: 30, ...options });
  const schema = decoded(configOf(state, random));
  assert.equal(schemaInstructions(state, schema), E.right([]));
  return { schema, state };
};

const accepted = <A>({ state, schema }: App, body: (tx: Transaction) => A): Transacted<A> => {
  const result = transact(state, schema, body);
  if (E.isLeft(result)) throw result.left;
  return result.right;
};

/** Makes random calls; answers those that succeeded. */
const play = (random: Random, tx: Transaction, schema: Schema, calls: number): readonly Call[] => {
  const succeeded: Call[] = [];
  for (let i = 0; i < calls; i++) {
    const call = randomCall(random, tx, schema);
    try {
      perform(tx, call);
      succeeded.push(call);
    } catch (error) {
      if (!(error instanceof WriteError)) throw error;
      assert.is(error.message, `${error.place}: found ${error.found}, expected ${error.expected}`);
    }
  }
  return succeeded;
};

const printed = (instructions: readonly Instruction[]): string =>
  instructions.map(printInstruction).join('\n');
const contents = (state: State): string => printed(toInstructions(state));

const seeds = fc.integer({ min: 0, max: 2 ** 31 - 1 });

laws('the instructions lead from the state before to the state after, and links to what exists', () => {
  fc.assert(
    fc.property(seeds, (seed) => {
      const random = seeded(seed);
      const app = randomApp(random);
      const before = contents(app.state);
      const { state, instructions } = accepted(app, (tx) => play(random, tx, app.schema, 12));
      const draft = edit(app.state);
      for (const instruction of instructions) {
        const error = draft.apply(instruction);
        if (error !== null) throw new Error(error.message);
        if ('value' in instruction && typeof instruction.value === 'object' && instruction.value !== null) {
          const { value } = instruction;
          const isVoid = isLink(value) && !hasObject(draft.state, value.table, value.key);
          // A set may lose a link that leads nowhere, but nothing may gain one.
          assert.ok(!isVoid || instruction.kind === 'SetErase', printInstruction(instruction));
        }
      }
      const again = draft.finish();
      assert.is(contents(again), contents(state));
      assert.is(digest(again), digest(state));
      assert.is(contents(app.state), before);
    }),
    { numRuns: 100 },
  );
});

laws('a call that is refused has done nothing', () => {
  fc.assert(
    fc.property(seeds, (seed) => {
      const random = seeded(seed);
      const app = randomApp(random);
      const first = accepted(app, (tx) => play(random, tx, app.schema, 10));
      const second = accepted(app, (tx) => {
        for (const call of first.result) perform(tx, call);
      });
      assert.is(printed(second.instructions), printed(first.instructions));
      assert.is(contents(second.state), contents(first.state));
    }),
    { numRuns: 100 },
  );
});

laws('what is written is what is read', () => {
  let compared = 0;
  fc.assert(
    fc.property(seeds, (seed) => {
      const random = seeded(seed);
      const app = randomApp(random);
      accepted(app, (tx) => {
        for (const shape of app.schema.classes) {
          if (shape.spec.type === 'embedded') continue;
          for (const { _id } of tx.objects(shape.name))
            for (const property of shape.properties) {
              const { column, embedded } = property;
              // Members of sets have no order, links read as they are written by maker only.
              if (column.collection === 'set' || column.type === 'link' || embedded !== null) continue;
              const value = propertyValue(random, property, 3);
              tx.set(shape.name, _id as EdgeKey, property.name, value);
              const wanted = value instanceof Map ? Object.fromEntries(value) : value;
              assert.equal(tx.object(shape.name, _id as EdgeKey)?.[property.name], wanted);
              compared++;
            }
        }
      });
    }),
    { numRuns: 100 },
  );
  assert.ok(compared > 20, `only ${compared} values were compared`);
});

/** All links in a state: the keys of their targets, by class. */
const linksIn = (state: State, except: string): readonly string[] =>
  toInstructions(state).flatMap((instruction) => {
    if (!('value' in instruction) || typeof instruction.value !== 'object' || instruction.value === null)
      return [];
    const { value } = instruction;
    const isOwn = `${instruction.table} ${instruction.object}` === except;
    return isLink(value) && !isOwn ? [`${value.table} ${value.key}`] : [];
  });

/** Columns that hold links, or what can hold them. */
const linking = [
  'linkA',
  'linkAny',
  'mixed',
  'embedded',
  'l_linkA',
  'l_linkAny',
  'l_mixed',
  'l_embedded',
].concat(['s_linkA', 's_mixed', 'd_linkA', 'd_mixed', 'd_embedded']);

laws('a deletion leaves no link behind, nor touches any other', () => {
  let taken = 0;
  fc.assert(
    fc.property(seeds, (seed) => {
      const random = seeded(seed);
      const app = randomApp(random, { columns: linking, steps: 60 });
      for (const { name, spec } of app.schema.classes) {
        if (spec.type === 'embedded') continue;
        const all = objects(app.state, name);
        if (E.isLeft(all)) throw all.left;
        for (const key of all.right.keys()) {
          const { state, instructions } = accepted(app, (tx) => tx.delete(name, key));
          const last = instructions[instructions.length - 1];
          const id = last?.kind === 'EraseObject' ? `${last.table} ${last.object}` : 'none';
          const before = linksIn(app.state, id);
          assert.equal(
            linksIn(state, id),
            before.filter((target) => target !== id),
          );
          assert.not(linksIn(state, '').includes(id));
          taken += before.length - linksIn(state, id).length;
        }
        // All at once, too.
        const { state } = accepted(app, (tx) => {
          for (const key of all.right.keys()) tx.delete(name, key);
        });
        const gone = linksIn(app.state, '').filter((target) => target.startsWith(`${name} `));
        const left = linksIn(state, '').filter((target) => target.startsWith(`${name} `));
        assert.ok(left.length <= gone.length);
        for (const target of left)
          assert.not(hasObject(app.state, name, target.slice(name.length + 1) as never));
      }
    }),
    { numRuns: 100 },
  );
  assert.ok(taken > 100, `only ${taken} links were taken away`);
});

laws('views do not change, whatever is written after them', () => {
  fc.assert(
    fc.property(seeds, (seed) => {
      const random = seeded(seed);
      const app = randomApp(random);
      const show = (tx: Transaction): string =>
        app.schema.classes
          .filter(({ spec }) => spec.type === 'topLevel')
          .map(({ name }) => fc.stringify(tx.objects(name).map((object) => object)))
          .join();
      accepted(app, (tx) => {
        const views = app.schema.classes
          .filter(({ spec }) => spec.type === 'topLevel')
          .map(({ name }) => tx.objects(name));
        const before = show(tx);
        play(random, tx, app.schema, 6);
        assert.is(views.map((view) => fc.stringify(view.map((object) => object))).join(), before);
      });
    }),
    { numRuns: 30 },
  );
});

laws.run();
