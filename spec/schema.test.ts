import fc from 'fast-check';
import * as E from 'fp-ts/lib/Either.js';
import * as assert from 'uvu/assert';
import { applyAll } from '../core/model/apply.js';
import { double, int, linkTo } from '../core/model/edge-types.js';
import { DictionaryInput, ListInput, ObjectInput, SetInput } from '../core/model/input.js';
import { printColumnSpec, printInstruction, printTableSpec } from '../core/model/notation.js';
import { decodeSchema } from '../core/model/schema-config.js';
import type { ConfigError } from '../core/model/schema-findings.js';
import { schemaInstructions } from '../core/model/schema-instructions.js';
import { emptyState, findTable } from '../core/model/state.js';
import { instructions } from './kit/notation.js';
import { decoded } from './kit/people.js';
import { seeded } from './kit/random.js';
import { suite } from './kit/suite.js';
import { configOf } from './kit/transactions.js';
import { build, randomSchema, wholeSchema } from './kit/worlds.js';

const schemas = suite('schema');

const errorsOf = (input: unknown): readonly ConfigError[] => {
  const result = decodeSchema(input);
  return E.isLeft(result) ? result.left : [];
};

/** A class with a primary key, the given properties, and what they may point to. */
const withProperties = (properties: Readonly<Record<string, unknown>>): unknown => [
  { name: 'A', primaryKey: '_id', properties: { _id: 'int', ...properties } },
  { name: 'B', primaryKey: '_id', properties: { _id: 'string' } },
  { name: 'Point', kind: 'embedded', properties: { x: 'double', next: 'Point' } },
  { name: 'Log', kind: 'asymmetric', primaryKey: '_id', properties: { _id: 'objectId' } },
];

const columnOf = (config: unknown): string => {
  const property = decoded(withProperties({ p: config }))
    .byName.get('A')
    ?.byName.get('p');
  return property === undefined ? 'none' : printColumnSpec(property.column);
};

schemas('types are written short, or spelled out', () => {
  const forms: readonly (readonly [unknown, string])[] = [
    ['int', 'int'],
    ['int?', 'int?'],
    ['string[]', 'string[]'],
    ['string?[]', 'string?[]'],
    ['int<>', 'int<>'],
    ['double{}', 'double{}'],
    ['bool', 'bool'],
    ['float', 'float'],
    ['decimal128', 'decimal'],
    ['decimal', 'decimal'],
    ['data', 'binary'],
    ['binary', 'binary'],
    ['date?', 'timestamp?'],
    ['timestamp', 'timestamp'],
    ['objectId', 'objectId'],
    ['uuid<>', 'uuid<>'],
    ['mixed', 'mixed?'],
    ['mixed?', 'mixed?'],
    ['mixed[]', 'mixed?[]'],
    ['mixed{}', 'mixed?{}'],
    ['B', 'link(B)?'],
    ['B?', 'link(B)?'],
    ['B[]', 'link(B)[]'],
    ['B<>', 'link(B)<>'],
    ['B{}', 'link(B)?{}'],
    ['Point', 'link(Point)?'],
    ['Point[]', 'link(Point)[]'],
    ['Point{}', 'link(Point)?{}'],
    ['link', 'link?'],
    ['link[]', 'link[]'],
    [{ type: 'int' }, 'int'],
    [{ type: 'int', optional: true }, 'int?'],
    [{ type: 'int?', collection: 'list' }, 'int?[]'],
    [{ type: 'int[]', collection: 'list', optional: true }, 'int?[]'],
    [{ type: 'link', target: 'B', collection: 'set' }, 'link(B)<>'],
    [{ type: 'link', target: 'Point' }, 'link(Point)?'],
    [{ type: 'mixed', optional: true }, 'mixed?'],
    [{ type: 'B', optional: true }, 'link(B)?'],
  ];
  for (const [config, column] of forms) assert.is(columnOf(config), column, JSON.stringify(config));
});

schemas('classes are top-level, embedded or asymmetric, and keys of four types', () => {
  const schema = decoded([
    { name: 'A', primaryKey: 'id', properties: { id: 'int', b: 'string' } },
    { name: 'B', kind: 'object', primaryKey: '_id', properties: { _id: 'string?' } },
    { name: 'C', primaryKey: '_id', properties: { _id: 'objectId' } },
    {
      name: 'D',
      kind: 'asymmetric',
      primaryKey: '_id',
      properties: { _id: { type: 'uuid', optional: true } },
    },
    { name: 'E', kind: 'embedded', properties: {} },
  ]);
  assert.equal(
    schema.classes.map(({ name, spec }) => `${name} ${printTableSpec(spec)}`),
    [
      'A topLevel id: int',
      'B topLevel _id: string?',
      'C topLevel _id: objectId',
      'D asymmetric _id: uuid?',
      'E embedded',
    ],
  );
  assert.equal(
    schema.byName.get('A')?.properties.map(({ name }) => name),
    ['b'],
  );
});

schemas('defaults are read as values of their properties', () => {
  const schema = decoded(
    withProperties({
      int: { type: 'int', default: 5 },
      null: { type: 'int?', default: null },
      mixed: { type: 'mixed', default: { a: [int(1), double(1)] } },
      list: { type: 'string[]', default: ['a', 'b'] },
      set: { type: 'int<>', default: [1] },
      dictionary: { type: 'bool{}', default: { a: true } },
      point: { type: 'Point', default: { x: 1, next: { x: 2 } } },
      none: 'int',
    }),
  );
  const defaultOf = (name: string) => schema.byName.get('A')?.byName.get(name)?.default;
  assert.is(defaultOf('int'), 5n);
  assert.is(defaultOf('null'), null);
  assert.equal(defaultOf('mixed'), new DictionaryInput(new Map([['a', new ListInput([1n, 1])]])));
  assert.equal(defaultOf('list'), new ListInput(['a', 'b']));
  assert.equal(defaultOf('set'), new SetInput([1n]));
  assert.equal(defaultOf('dictionary'), new DictionaryInput(new Map([['a', true]])));
  const inner = new ObjectInput('Point', new Map([['x', 2]]));
  assert.equal(
    defaultOf('point'),
    new ObjectInput(
      'Point',
      new Map<string, number | ObjectInput>([
        ['x', 1],
        ['next', inner],
      ]),
    ),
  );
  assert.is(defaultOf('none'), undefined);
});

schemas('each mistake is named with its place, what was found and what was expected', () => {
  const cases: readonly (readonly [unknown, string, RegExp])[] = [
    [undefined, 'classes', /found undefined, expected an array of class configurations/],
    [{}, 'classes', /found a plain object/],
    [[5], 'classes[0]', /found the number 5, expected a class configuration/],
    [[{ properties: {} }], 'classes[0].name', /found undefined/],
    [[{ name: '', kind: 'embedded', properties: {} }], 'classes[0].name', /an empty name/],
    [[{ name: 'x'.repeat(58), kind: 'embedded', properties: {} }], 'classes[0].name', /58 bytes.*at most 57/],
    [[{ name: 'ä'.repeat(29), kind: 'embedded', properties: {} }], 'classes[0].name', /58 bytes/],
    [[{ name: 'a\ud800', kind: 'embedded', properties: {} }], 'classes[0].name', /half a surrogate pair/],
    [[{ name: 'int', kind: 'embedded', properties: {} }], 'classes[0].name', /a type of values/],
    [[{ name: 'A', kind: 'weird', primaryKey: 'a', properties: { a: 'int' } }], 'classes[0].kind', /"weird"/],
    [[{ name: 'A', kind: 'embedded' }], 'classes[0].properties', /found undefined/],
    [[{ name: 'A', kind: 'embedded', properties: {}, extra: 1 }], 'classes[0].extra', /one of name, kind/],
    [[{ name: 'A', kind: 'embedded', primaryKey: 'a', properties: {} }], 'classes[0].primaryKey', /embedded/],
    [[{ name: 'A', properties: { a: 'int' } }], 'classes[0].primaryKey', /found undefined/],
    [[{ name: 'A', primaryKey: 'b', properties: { a: 'int' } }], 'classes[0].primaryKey', /"b".*: a$/],
    [[{ name: 'A', primaryKey: 'toString', properties: {} }], 'classes[0].primaryKey', /"toString"/],
    [[{ name: 'A', primaryKey: 'a', properties: { a: 'bool' } }], 'classes[0].properties.a', /found bool/],
    [
      [{ name: 'A', primaryKey: 'a', properties: { a: 'int[]' } }],
      'classes[0].properties.a',
      /a list of int, expected int, string/,
    ],
    [
      [{ name: 'A', primaryKey: 'a', properties: { a: { type: 'int', default: 1 } } }],
      'classes[0].properties.a.default',
      /given when an object is created/,
    ],
    [
      [
        { name: 'A', kind: 'embedded', properties: {} },
        { name: 'A', kind: 'embedded', properties: {} },
      ],
      'classes[1].name',
      /"A" again.*classes\[0\]/,
    ],
    [withProperties({ p: 'Nope' }), 'classes[0].properties.p', /"Nope", expected a class/],
    [withProperties({ p: 'int[]?' }), 'classes[0].properties.p', /"int\[\]", expected/],
    [withProperties({ p: 'toString' }), 'classes[0].properties.p', /"toString"/],
    [withProperties({ p: 5 }), 'classes[0].properties.p', /found the number 5, expected a type/],
    [withProperties({ 'a b': 'Nope' }), 'classes[0].properties["a b"]', /"Nope"/],
    [withProperties({ '': 'int' }), 'classes[0].properties[""]', /an empty name/],
    [withProperties({ ['x'.repeat(256)]: 'int' }), `classes[0].properties.${'x'.repeat(256)}`, /at most 255/],
    [withProperties({ p: {} }), 'classes[0].properties.p.type', /found undefined/],
    [
      withProperties({ p: { type: 'int', opt: true } }),
      'classes[0].properties.p.opt',
      /one of type, optional/,
    ],
    [withProperties({ p: { type: 'int', optional: 1 } }), 'classes[0].properties.p.optional', /the number 1/],
    [withProperties({ p: { type: 'int?', optional: false } }), 'classes[0].properties.p.optional', /"\?"/],
    [
      withProperties({ p: { type: 'int', collection: 'bag' } }),
      'classes[0].properties.p.collection',
      /"bag"/,
    ],
    [
      withProperties({ p: { type: 'int[]', collection: 'set' } }),
      'classes[0].properties.p.collection',
      /list/,
    ],
    [withProperties({ p: { type: 'int', target: 'B' } }), 'classes[0].properties.p.target', /not int/],
    [withProperties({ p: { type: 'B', target: 'B' } }), 'classes[0].properties.p.target', /names the class/],
    [withProperties({ p: { type: 'link', target: 'Z' } }), 'classes[0].properties.p.target', /"Z"/],
    [withProperties({ p: 'Log' }), 'classes[0].properties.p', /Log, which is asymmetric/],
    [withProperties({ p: 'Point<>' }), 'classes[0].properties.p', /a set of Point, which is embedded/],
    [withProperties({ p: 'link<>' }), 'classes[0].properties.p', /a set of links to any class/],
    [withProperties({ p: 'link{}' }), 'classes[0].properties.p', /a dictionary of links to any class/],
    [withProperties({ p: { type: 'B', optional: false } }), 'classes[0].properties.p', /not optional/],
    [withProperties({ p: 'B?[]' }), 'classes[0].properties.p', /never null/],
    [withProperties({ p: 'B?<>' }), 'classes[0].properties.p', /never null/],
    [withProperties({ p: { type: 'mixed', optional: false } }), 'classes[0].properties.p.optional', /mixed/],
    [
      withProperties({ p: { type: 'int', default: 1.5 } }),
      'classes[0].properties.p.default',
      /the number 1.5, expected int/,
    ],
    [withProperties({ p: { type: 'int', default: null } }), 'classes[0].properties.p.default', /found null/],
    [
      withProperties({ p: { type: 'Point', default: { x: 'a' } } }),
      'classes[0].properties.p.default["x"]',
      /the string "a"/,
    ],
    [
      withProperties({ p: { type: 'Point', default: { y: 1 } } }),
      'classes[0].properties.p.default["y"]',
      /x, next/,
    ],
    [
      withProperties({ p: { type: 'int[]', default: [1, 'a'] } }),
      'classes[0].properties.p.default[1]',
      /"a"/,
    ],
    [
      withProperties({ p: { type: 'mixed', default: 5 } }),
      'classes[0].properties.p.default',
      /bare number 5/,
    ],
    [withProperties({ p: { type: 'B', default: 'a' } }), 'classes[0].properties.p.default', /without links/],
    [
      withProperties({ p: { type: 'mixed', default: linkTo('B', 'a') } }),
      'classes[0].properties.p.default',
      /without links/,
    ],
    [
      withProperties({ p: { type: 'int', default: () => 1 } }),
      'classes[0].properties.p.default',
      /a function/,
    ],
  ];
  for (const [input, path, message] of cases) {
    const errors = errorsOf(input);
    const found = errors.find((error) => error.path === path);
    assert.ok(found, `${path}: ${JSON.stringify(errors)}`);
    assert.match(found?.message ?? '', message);
    assert.is(found?.message, `${path}: found ${found?.found}, expected ${found?.expected}`);
  }
});

schemas('all mistakes are told at once', () => {
  const errors = errorsOf([
    { name: 'A', primaryKey: '_id', properties: { _id: 'bool', tags: 'strin[]' } },
    { name: 'B', primaryKey: 'id', properties: { _id: 'int', a: 'A?[]' } },
  ]);
  assert.equal(errors.map(({ path }) => path).sort(), [
    'classes[0].properties._id',
    'classes[0].properties.tags',
    'classes[1].primaryKey',
    'classes[1].properties.a',
  ]);
});

schemas('names of built-in properties are names like others', () => {
  const properties = JSON.parse(
    '{"_id": "int", "__proto__": "int?", "constructor": "string", "toString": "bool"}',
  );
  const schema = decoded([{ name: '__proto__', primaryKey: '_id', properties }]);
  assert.equal(
    schema.byName
      .get('__proto__')
      ?.properties.map(({ name, column }) => `${name} ${printColumnSpec(column)}`),
    ['__proto__ int?', 'constructor string', 'toString bool'],
  );
  // A literal sets the prototype with that name: such an object is not plain.
  assert.is(
    errorsOf([{ name: 'A', kind: 'embedded', properties: { __proto__: { a: 'nonsense' } } }]).length,
    1,
  );
  assert.is(errorsOf([{ name: 'A', kind: 'embedded', properties: { a: '__proto__' } }]).length, 1);
});

schemas('embedded classes can hold themselves, but not by default without end', () => {
  const node = (properties: Readonly<Record<string, unknown>>) => [
    { name: 'Node', kind: 'embedded', properties },
    { name: 'Leaf', kind: 'embedded', properties: { back: { type: 'Node', default: {} } } },
  ];
  decoded(node({ children: 'Node[]', next: 'Node' }));
  decoded(node({ next: { type: 'Node', default: { next: null } } }));
  assert.match(errorsOf(node({ next: { type: 'Node', default: {} } }))[0]?.message ?? '', /without end/);
  assert.match(
    errorsOf(node({ leaves: { type: 'Leaf[]', default: [{}] } }))[0]?.message ?? '',
    /without end/,
  );
  decoded(node({ leaves: { type: 'Leaf[]', default: [{ back: null }] } }));
});

const conflictsOf = (state: string, config: unknown): readonly string[] => {
  const result = schemaInstructions(build(instructions(state)), decoded(config));
  return E.isLeft(result) ? result.left.map(({ message }) => message) : [];
};

schemas('a state gets the classes and properties that it lacks', () => {
  const schema = decoded([
    { name: 'A', primaryKey: '_id', properties: { _id: 'int', b: 'B[]', p: 'Point', name: 'string?' } },
    { name: 'B', primaryKey: '_id', properties: { _id: 'string', a: 'A' } },
    { name: 'Point', kind: 'embedded', properties: { x: 'double' } },
  ]);
  const missing = (state: string): readonly string[] => {
    const before = build(instructions(state));
    const result = schemaInstructions(before, schema);
    if (E.isLeft(result)) throw new Error(JSON.stringify(result.left));
    const after = applyAll(before, result.right);
    assert.ok(E.isRight(after));
    const again = E.isRight(after) ? schemaInstructions(after.right, schema) : after;
    assert.equal(again, E.right([]));
    return result.right.map(printInstruction);
  };
  assert.equal(missing(''), [
    'AddTable A topLevel _id: int',
    'AddTable B topLevel _id: string',
    'AddTable Point embedded',
    'AddColumn A.b: link(B)[]',
    'AddColumn A.p: link(Point)?',
    'AddColumn A.name: string?',
    'AddColumn B.a: link(A)?',
    'AddColumn Point.x: double',
  ]);
  assert.equal(
    missing(`AddTable A topLevel _id: int
      AddTable Point embedded
      AddTable Other embedded
      AddColumn A.name: string?
      AddColumn A.more: string
      AddColumn A.p: link(Point)?`),
    [
      'AddTable B topLevel _id: string',
      'AddColumn A.b: link(B)[]',
      'AddColumn B.a: link(A)?',
      'AddColumn Point.x: double',
    ],
  );
});

schemas('a state that contradicts the schema is told from one that lacks something', () => {
  const config = [
    { name: 'A', primaryKey: '_id', properties: { _id: 'int', a: 'int', b: 'string[]', m: 'mixed{}' } },
  ];
  assert.equal(conflictsOf('AddTable A embedded', config), [
    'A: the data have it as embedded, the schema as topLevel _id: int',
  ]);
  assert.equal(conflictsOf('AddTable A topLevel id: int', config), [
    'A: the data have it as topLevel id: int, the schema as topLevel _id: int',
  ]);
  assert.equal(
    conflictsOf(
      'AddTable A topLevel _id: int\nAddColumn A.a: int?\nAddColumn A.b: string\nAddColumn A.m: mixed{}',
      config,
    ),
    [
      'A.a: the data have it as int?, the schema as int',
      'A.b: the data have it as string, the schema as string[]',
    ],
  );
});

schemas('every schema of a state can be configured', () => {
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      const wanted = seed % 8 === 0 ? wholeSchema() : randomSchema(seeded(seed));
      const whole = build(wanted.filter((instruction) => instruction.table !== 'G'));
      const schema = decoded(configOf(whole));
      const added = schemaInstructions(emptyState, schema);
      if (E.isLeft(added)) throw new Error('nothing contradicts nothing');
      const state = build(added.right);
      for (const { name } of schema.classes) {
        const a = findTable(state, name);
        const b = findTable(whole, name);
        assert.equal(a?.spec, b?.spec);
        assert.equal(
          a?.columns.map((column) => [column.name, column.spec]),
          b?.columns.map((column) => [column.name, column.spec]),
        );
      }
      assert.equal(schemaInstructions(whole, schema), E.right([]));
    }),
    { numRuns: 100 },
  );
});

schemas.run();
