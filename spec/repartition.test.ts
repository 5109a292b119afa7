/** Dividing objects anew changes nothing of them, whatever they hold. */
import * as E from 'fp-ts/lib/Either.js';
import * as assert from 'uvu/assert';
import { unassigned } from '../core/access/epoch-name.js';
import { partitionOfName } from '../core/access/partition-value.js';
import { type PartitionKey, Repartition, type Repartitioned } from '../core/access/repartition.js';
import { extendedSchema } from '../core/access/schema-change.js';
import { emptySchema } from '../core/access/stored-schema.js';
import { forEach } from '../core/base/trie.js';
import type { Schema } from '../core/model/class-schema.js';
import { digest } from '../core/model/digest.js';
import type { ElementType } from '../core/model/schema.js';
import { schemaOf } from '../core/model/snapshot.js';
import { property, type State } from '../core/model/state.js';
import { columnSpecs } from './kit/alphabet.js';
import { seeded } from './kit/random.js';
import { suite } from './kit/suite.js';
import { randomWorld } from './kit/worlds.js';

const repartition = suite('dividing objects anew');

const WORLDS = 150;
const longestName = 400;
const nowhere: PartitionKey = { key: 'nowhere', type: 'string', isRequired: false };

const divided = (
  before: PartitionKey,
  after: PartitionKey,
  schema: Schema,
  states: Iterable<readonly [string, State]>,
): Repartitioned => {
  const work = new Repartition({ before, after, schema, longestName });
  for (const [name, state] of states) {
    const value = partitionOfName(name, before.type, false);
    work.take(name, E.isRight(value) ? value.right : undefined, state);
  }
  const done = work.finish();
  assert.ok(E.isRight(done), JSON.stringify(done));
  return done.right;
};

const objectsIn = (state: State): number => {
  let count = 0;
  forEach(state.tables, (table) => {
    count += table.objects.size;
  });
  return count;
};

/** Worlds with a schema that a configuration can say. */
function* worlds(): Generator<{ readonly state: State; readonly schema: Schema; readonly seed: number }> {
  for (let seed = 1; seed <= WORLDS; seed++) {
    const state = randomWorld(seeded(seed), { steps: 60 });
    const schema = extendedSchema(emptySchema, schemaOf(state));
    if (E.isRight(schema)) yield { state, schema: schema.right, seed };
  }
}

repartition('by the same key each partition is what it was', () => {
  let seen = 0;
  for (const { state, schema, seed } of worlds()) {
    const { states, dropped, objects } = divided(nowhere, nowhere, schema, [['"p"', state]]);
    assert.equal(dropped, [], `seed ${seed}`);
    assert.is(objects, objectsIn(state));
    if (objects === 0) continue;
    assert.equal([...states.keys()], ['"p"']);
    assert.is(digest(states.get('"p"') as State), digest(state), `seed ${seed}`);
    seen++;
  }
  assert.ok(seen > WORLDS / 2, `${seen} worlds`);
});

const keyTypes: Partial<Record<ElementType, PartitionKey['type']>> = {
  string: 'string',
  int: 'long',
  objectId: 'objectId',
  uuid: 'uuid',
};

for (const isRequired of [false, true])
  repartition(
    `by any key all objects are where they say, ${isRequired ? '' : 'not '}required, and come back`,
    () => {
      let split = 0;
      for (const { state, schema, seed } of worlds())
        for (const [key, { type: of, collection }] of columnSpecs) {
          const type = collection === 'single' ? keyTypes[of] : undefined;
          if (type === undefined || !schema.classes.some(({ byName }) => byName.has(key))) continue;
          const by: PartitionKey = { key, type, isRequired };
          const {
            states,
            objects,
            dropped,
            unassigned: strays,
          } = divided(nowhere, by, schema, [['null', state]]);
          assert.equal(dropped, []);
          assert.is(objects, objectsIn(state));
          let found = 0;
          for (const [name, part] of states) {
            found += objectsIn(part);
            const value = partitionOfName(name, type, isRequired);
            assert.is(E.isRight(value), name !== unassigned, name);
            if (E.isLeft(value)) {
              assert.is(objectsIn(part), strays);
              continue;
            }
            forEach(part.tables, (table) => {
              const column = table.byName.get(key);
              forEach(table.objects, (object) => {
                assert.equal(column === undefined ? null : property(object, column), value.right);
              });
            });
          }
          assert.is(found, objects, `seed ${seed}`);
          if (states.size > 1) split++;
          const back = divided(by, nowhere, schema, states).states;
          if (objects > 0)
            assert.is(digest(back.get('null') as State), digest(state), `seed ${seed}, key ${key}`);
        }
      assert.ok(split > 40, `${split} were split`);
    },
  );

repartition.run();
