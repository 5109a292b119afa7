/** How sync is stored, and how its schema may change. */
import fc from 'fast-check';
import * as E from 'fp-ts/lib/Either.js';
import * as assert from 'uvu/assert';
import { readStoredName, storedName } from '../core/access/epoch-name.js';
import {
  destructiveChanges,
  extendedSchema,
  joinedSchema,
  keyCollisions,
} from '../core/access/schema-change.js';
import { emptySchema, schemaConfig } from '../core/access/stored-schema.js';
import { decodeSyncRecord, encodeSyncRecord, type SyncRecord } from '../core/access/sync-record.js';
import type { SchemaInstruction } from '../core/model/instruction.js';
import * as make from '../core/model/instruction.js';
import { suite } from './kit/suite.js';
import { config, schemaOf, stringColumn, task, taskTable } from './kit/sync-store.js';

const schema = suite('the schema of sync');

schema('names of epochs are read back, and nothing else is taken for one', () => {
  fc.assert(
    fc.property(fc.nat(), fc.string(), (epoch, text) => {
      const name = JSON.stringify(text);
      assert.equal(readStoredName(storedName(epoch, name)), { epoch, name });
    }),
  );
  assert.equal(readStoredName('$unassigned'), { epoch: 0, name: '$unassigned' });
  assert.equal(readStoredName('$3:$unassigned'), { epoch: 3, name: '$unassigned' });
  for (const stored of ['$sync', '$03:"a"', '$0:"a"', '$3:a', 'a', '', '$:"a"', '$9999999999999999:"a"'])
    assert.is(readStoredName(stored), null, stored);
});

schema('a schema survives being stored, whatever its names', () => {
  const classes = [
    task({
      a: 'int?',
      b: 'double[]',
      c: 'mixed{}',
      d: { type: 'link', target: 'Odd?' },
      e: { type: 'link', target: 'Odd?', collection: 'list' },
      f: 'link[]',
      g: 'Inner',
      h: 'Inner[]',
      i: 'uuid?<>',
      j: 'Task',
    }),
    JSON.parse(
      '{ "name": "Odd?", "primaryKey": "__proto__", "properties": { "__proto__": "uuid?", "constructor": "int" } }',
    ),
    { name: 'Inner', kind: 'embedded', properties: { x: 'int' } },
    { name: 'Log', kind: 'asymmetric', primaryKey: 'id', properties: { id: 'objectId', at: 'date' } },
  ];
  const first = schemaOf(classes);
  const again = schemaOf(JSON.parse(JSON.stringify(schemaConfig(first))));
  assert.equal(again, first);
});

schema('additive changes pass, destructive ones are all found at once', () => {
  const before = schemaOf([task({ done: 'bool', n: 'int' }), task({}, 'List')]);
  const more = schemaOf([task({ done: 'bool', n: 'int', at: 'date?' }), task({}, 'List'), task({}, 'New')]);
  assert.equal(destructiveChanges(before, more), []);
  const worse = schemaOf([{ ...task({ n: 'double' }), properties: { _id: 'int', n: 'double' } }]);
  assert.equal(
    destructiveChanges(before, worse).map(({ message }) => message),
    [
      'schema.Task.n: found double, expected int, as it is synced',
      'schema.Task.text: found no such property, expected the property, which is synced',
      'schema.Task.done: found no such property, expected the property, which is synced',
      'schema.List: found no such class, expected the class, which is synced',
    ],
  );
  const joined = joinedSchema(before, schemaOf([task({ at: 'date?' })]));
  assert.ok(E.isRight(joined));
  assert.equal([...(joined.right.byName.get('Task')?.byName.keys() ?? [])], ['text', 'done', 'n', 'at']);
  assert.is(E.isRight(joined) && joined.right.classes.length, 2);
  const same = joinedSchema(before, schemaOf([task()]));
  assert.ok(E.isRight(same) && same.right === before);
  const other = { ...task(), primaryKey: 'id', properties: { id: 'string' } };
  assert.is(destructiveChanges(before, schemaOf([other, task({}, 'List')])).length, 1);
});

schema('a schema is extended by what devices upload, or by nothing of it', () => {
  const [addTask, addText] = taskTable as [SchemaInstruction, SchemaInstruction];
  const extended = extendedSchema(emptySchema, [addTask, addText, stringColumn('_id')]);
  assert.ok(E.isLeft(extended), 'the primary key is an int');
  const fine = extendedSchema(emptySchema, [addTask, addText, addTask, addText, stringColumn('more')]);
  assert.ok(E.isRight(fine));
  assert.equal(schemaConfig(fine.right), [task({ more: 'string' })]);
  const again = extendedSchema(fine.right, [addText]);
  assert.ok(E.isRight(again) && again.right === fine.right);
  const bad = extendedSchema(fine.right, [
    make.eraseTable('Task'),
    make.eraseColumn('Task', 'text'),
    make.eraseColumn('Task', 'unknown'),
    make.addColumn('Task', 'text', { type: 'int', nullable: false, collection: 'single', target: null }),
    make.addColumn('Nobody', 'x', { type: 'int', nullable: false, collection: 'single', target: null }),
    make.addTable('Task', { type: 'embedded' }),
  ]);
  assert.ok(E.isLeft(bad));
  assert.equal(
    bad.left.map(({ path }) => path),
    ['schema.Task', 'schema.Task.text', 'schema.Task.text', 'schema.Nobody.x', 'schema.Task'],
  );
  // What no configuration could say.
  for (const table of ['string', ''])
    assert.ok(E.isLeft(extendedSchema(emptySchema, [make.addTable(table, { type: 'embedded' })])), table);
  const bare = { type: 'topLevel', primaryKey: null, asymmetric: false } as const;
  assert.ok(E.isLeft(extendedSchema(emptySchema, [make.addTable('Old', bare)])));
});

schema('a property that has the name of the key is the key', () => {
  const key = { key: 'owner', type: 'long', isRequired: true } as const;
  const paths = (more: object, required = true) =>
    keyCollisions(schemaOf([task(more)]), { ...key, isRequired: required }).map(({ message }) => message);
  assert.equal(paths({}), []);
  assert.equal(paths({ owner: 'int' }), []);
  assert.equal(paths({ owner: 'int?' }, false), []);
  assert.equal(paths({ owner: 'int?' }), [
    'schema.Task.owner: found int?, expected int, since the partition key is required',
  ]);
  assert.equal(paths({ owner: 'string' }), [
    'schema.Task.owner: found string, expected int, as the partition key is',
  ]);
  assert.is(paths({ owner: 'int[]' }).length, 1);
  const embedded = schemaOf([{ name: 'E', kind: 'embedded', properties: { owner: 'bool' } }]);
  assert.equal(keyCollisions(embedded, key), []);
  const primary = schemaOf([{ name: 'P', primaryKey: 'owner', properties: { owner: 'int' } }]);
  assert.is(keyCollisions(primary, key).length, 1);
});

const record: SyncRecord = {
  state: 'disabled',
  epoch: 2,
  building: 3,
  config: config(),
  schema: schemaOf([task()]),
  lastDisabled: 17,
};

schema('the record is read back, and damage is told', () => {
  assert.equal(decodeSyncRecord(encodeSyncRecord(record)), E.right(record));
  const json = JSON.parse(new TextDecoder().decode(encodeSyncRecord(record)));
  const bytes = (more: object) => new TextEncoder().encode(JSON.stringify({ ...json, ...more }));
  const wrong: readonly (readonly [object, RegExp])[] = [
    [{ layout: 2 }, /layout 2/],
    [{ state: 'on' }, /state/],
    [{ epoch: -1 }, /epoch/],
    [{ epoch: 1.5 }, /epoch/],
    [{ building: 2 }, /building/],
    [{ config: [] }, /config/],
    [{ lastDisabled: 'x' }, /lastDisabled/],
    [{ schema: [{}] }, /schema/],
  ];
  for (const [more, message] of wrong) {
    const read = decodeSyncRecord(bytes(more));
    assert.ok(E.isLeft(read));
    assert.match(read.left.message, message);
  }
  for (const text of ['', '[', '3', '[]', `${'['.repeat(100_000)}`])
    assert.ok(E.isLeft(decodeSyncRecord(new TextEncoder().encode(text))), text.slice(0, 9));
  assert.ok(E.isLeft(decodeSyncRecord(new Uint8Array([0xff]))));
  fc.assert(fc.property(fc.uint8Array(), (noise) => void decodeSyncRecord(noise)));
});

schema.run();
