import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as assert from 'uvu/assert';
import { suite } from './kit/suite.js';
import { importsOf, readSource, type Source } from './source.js';
import {
  check,
  type Excuses,
  entryPoints,
  type FileRule,
  type Finding,
  fileRules,
  imports,
  LINES,
  leftovers,
  lengths,
  locales,
  missing,
  openings,
  orphans,
  purity,
  rootEntries,
  skips,
  suitesRun,
  wayRounds,
} from './tidy.js';

/** Files that say one thing at more than the usual length. */
const excuses: Excuses = {
  'core/model/codec-scan.ts':
    'one scanner over shared scratch memory, which a second file would have to be given',
};

const tidy = suite('tidy');

const clean = (rule: FileRule, path: string, text: string): void => assert.equal(check(rule, path, text), []);
/** The rule finds something on just these lines. */
const found = (rule: FileRule, path: string, text: string, ...lines: number[]): void =>
  assert.equal(
    check(rule, path, text).map((line) => Number(line.slice(path.length + 1).split(':')[0])),
    lines,
  );

tidy('a source is taken apart into code, comments and strings', () => {
  const text = [
    'const a = \'x // y\'; // say "z"',
    `const b = \`t \${ \`u \${ {c: "d"}.c } /* v */\` } w\`; /* e`,
    "f */ const g = a / b / c; const h = /['\"`/]/g; k(/[/]'/);",
  ].join('\n');
  const { code, comments, strings } = readSource('a.ts', text);
  assert.is(
    code,
    [
      "const a = '      ';           ",
      `const b = \`  \${ \`  \${ {c: " "}.c }        \` }  \`;     `,
      '     const g = a / b / c; const h = /        ; k(/     );',
    ].join('\n'),
  );
  assert.is(comments.trim().replace(/\s+/g, ' '), '// say "z" /* e f */');
  assert.equal(
    strings.map((literal) => literal.text),
    ['x // y', 'd'],
  );
});

tidy('imports are seen in all their forms', () => {
  const text = `import './a.js'; import { b } from "../b.js"; export * from 'c';
    const d = await import('./d.js'); import type { E } from
    './e.js'; const from = './no.js'; // import './no.js'`;
  assert.equal(
    importsOf(readSource('x/y/z.ts', text)).map(({ target, line }) => [target, line]),
    [
      ['x/y/a.ts', 1],
      ['x/b.ts', 1],
      ['c', 1],
      ['x/y/d.ts', 2],
      ['x/y/e.ts', 3],
    ],
  );
});

tidy('core imports to the right, three packages, and no other room', () => {
  clean(imports, 'core/merge/a.ts', `import { b } from '../model/b.js'; import c from './c.js';`);
  clean(
    imports,
    'core/model/a.ts',
    `import * as E from 'fp-ts/lib/Either.js'; import 'bson'; import 'msgpackr';`,
  );
  for (const index of ['index', 'client', 'recovery', 'recording'])
    clean(imports, `core/${index}.ts`, `export { a } from './session/a.js';`);
  clean(imports, 'core/protocol/a.ts', `import '../base/b.js';`);
  found(imports, 'core/model/a.ts', `import { b } from '../merge/b.js';`, 1);
  found(imports, 'core/base/a.ts', `\nimport type { B } from '../model/b.js';`, 2);
  found(imports, 'core/merge/a.ts', `import '../protocol/b.js';`, 1);
  found(imports, 'core/merge/a.ts', `import '../index.js';\nimport '../client.js';`, 1, 2);
  found(imports, 'core/merge/a.ts', `import '../../transports/ports.js';`, 1);
  found(imports, 'core/other/a.ts', `import './b.js';`, 1);
  found(imports, 'core/merge/a.ts', `import 'node:fs';\nimport 'fp-ts';\nimport 'ws';`, 1, 2, 3);
});

tidy('transports import core by its indexes, and adapters not each other', () => {
  clean(
    imports,
    'transports/drivers/client.ts',
    `import '../../core/index.js'; import '../../core/client.js'; import '../ports.js'; import 'ws';`,
  );
  clean(
    imports,
    'transports/links/long-poll-client.ts',
    `import './long-poll-frames.js'; import '../ports.js';`,
  );
  clean(imports, 'transports/stores/lmdb.ts', `import './lmdb/keys.js'; import 'lmdb';`);
  clean(imports, 'transports/cli/serve.ts', `import '../links/websocket.js'; import '../stores/lmdb.js';`);
  found(imports, 'transports/drivers/client.ts', `import '../../core/model/key.js';`, 1);
  clean(imports, 'transports/stores/lmdb.ts', `import './batch.js'; import '../clock.js';`);
  found(imports, 'transports/links/websocket.ts', `import './memory.js';`, 1);
  found(imports, 'transports/stores/lmdb.ts', `import '../links/frames.js';`, 1);
  found(imports, 'transports/stores/lmdb.ts', `import '../links/memory.js';`, 1);
  found(imports, 'transports/stores/lmdb.ts', `import '../drivers/client.js';`, 1);
  found(imports, 'transports/ports.ts', `import '../spec/kit/random.js';\nimport '../bench/suite.js';`, 1, 2);
});

tidy('core knows no clock, chance, timer, console, promise or host', () => {
  const impure = `const a = Date.now();
    const b = new Date();
    const c = Date ();
    const d = Math.random() + Math.log2(8);
    setTimeout(f, 1); console.log(1);
    const e = \`\${process.env}\`;
    const g = Buffer.from(x), h = new TextDecoder();
    const k = async () => {};
    const l = new Date`;
  found(purity, 'core/base/a.ts', impure, 1, 2, 3, 4, 4, 5, 5, 6, 7, 7, 8, 9);
  clean(purity, 'transports/a.ts', impure);
  clean(
    purity,
    'core/base/a.ts',
    `// Date.now() and console.log
    const a = 'setTimeout'; const b = new Date(ms); const c = Math.max(1, 2); const d = x.process({ await: 1 }); const updateDate = (y) => y;`,
  );
});

tidy('suites are run, once all their tests are added', () => {
  const start = `import { suite, test } from 'uvu';\n`;
  const named = `import { suite } from 'uvu';\nconst s = suite('s');\n`;
  clean(suitesRun, 'spec/a.test.ts', `${start}test('x', () => {});\ntest.run();\n`);
  clean(suitesRun, 'spec/a.test.ts', `${named}s('x', () => {});\ns.run();\n`);
  clean(
    suitesRun,
    'spec/kit/a.ts',
    `export const f = () => {\n  ${named}s('x', () => {});\n  s.run();\n};\n`,
  );
  clean(suitesRun, 'bench/a.ts', `export const suite = {};`);
  found(suitesRun, 'spec/a.test.ts', `${named}s('x', () => {});`, 3, 3);
  clean(
    suitesRun,
    'spec/a.test.ts',
    `const f = () => {\n  ${named}s('x', () => {});\n  s.run();\n};\nf();\n`,
  );
  found(suitesRun, 'spec/a.test.ts', `${named}s('x', () => {});\n// s.run();`, 4, 4);
  found(suitesRun, 'spec/a.test.ts', `${start}const s = suite('s');\ns.run();`, 3);
  found(suitesRun, 'spec/a.test.ts', `${named}const t = suite('t');\nt.run();`, 4);
  found(suitesRun, 'spec/a.test.ts', `${named}s.run();\ns('late', () => {});\nt.run();`, 4);
  found(suitesRun, 'spec/a.test.ts', `import { suite } from 'uvu';\nsuite('s')('x', () => {});\nt.run();`, 2);
  found(suitesRun, 'spec/a.test.ts', `import { suite } from './kit/suite.js';\nconst s = suite('s');`, 2, 2);
  found(suitesRun, 'spec/a.test.ts', `work();`, 1);
});

tidy('a test is skipped or singled out with a reason', () => {
  clean(skips, 'spec/a.test.ts', `// Waits for the store.\nt.skip('x', () => {});`);
  found(skips, 'spec/a.test.ts', `const a = 1;\nt.skip('x', () => {});\nt.only('y', () => {});`, 2, 3);
});

tidy('nothing is left to do in a source, and the compiler is not gone around', () => {
  found(leftovers, 'core/a.ts', `// ${'to'.toUpperCase()}${'do'.toUpperCase()}: more`, 1);
  clean(leftovers, 'core/a.ts', '// \\uXXXX, todo lists');
  found(wayRounds, 'core/a.ts', `const a: any = b as any;\n// @ts-ignore\nf<any>();`, 1, 1, 3, 2);
  found(wayRounds, 'core/a.ts', `// biome-ignore lint: x\n/* @ts-expect-error */`, 1, 2);
  clean(wayRounds, 'spec/a.ts', `// at any time, @ts-expect-error\nconst a = { any: 'any' }; E.any(b);`);
});

tidy('strings are ordered and written the same on every machine', () => {
  found(locales, 'spec/a.ts', `a.localeCompare(b);\nn.toLocaleString();\nnew Intl.Collator();`, 1, 2, 3);
  clean(locales, 'spec/a.ts', `// localeCompare\nconst toLocal = 'Intl.';`);
});

tidy('a source begins with what it is about', () => {
  clean(openings, 'core/a.ts', '/** A thing. */\nexport {};');
  clean(openings, 'transports/cli/a.ts', '#!/usr/bin/env node\n/** A thing. */\nexport {};');
  clean(openings, 'spec/a.test.ts', 'export {};');
  clean(openings, 'spec/examples/a.ts', 'export {};');
  found(openings, 'core/a.ts', 'export {};', 1);
});

const files = (texts: Readonly<Record<string, string>>): Source[] =>
  Object.entries(texts).map(([path, text]) => readSource(path, text));

tidy('long files need an excuse, and excuses a long file', () => {
  const long = files({ 'a.ts': '\n'.repeat(LINES + 1), 'b.ts': '\n'.repeat(LINES) });
  assert.is(lengths(long, {}).length, 1);
  assert.equal(lengths(long, { 'a.ts': 'a table' }), []);
  assert.is(lengths(long, { 'a.ts': 'a table', 'b.ts': 'was a table' }).length, 1);
});

tidy('every source is used, and every entry point there', () => {
  const entries = entryPoints('{ ".": "./dist/core/index.js", "bin": { "x": "dist/transports/cli/x.js" } }');
  assert.equal([...entries], ['core/index.ts', 'transports/cli/x.ts']);
  const sources = files({
    'core/index.ts': `export * from './a.js';`,
    'core/a.ts': `spawn(new URL('./b.js', import.meta.url)); // import './c.js'`,
    'core/b.ts': '',
    'core/c.ts': `import './c.js'; // node dist/core/c.js`,
    'core/e.ts': '',
    'spec/d.test.ts': `run(\`\${root}/dist/core/e.js\`);`,
  });
  assert.equal(
    orphans(sources, entries).map((line) => line.split(':')[0]),
    ['core/c.ts'],
  );
  assert.equal(
    missing(sources, entries).map((line) => line.split(':')[0]),
    ['transports/cli/x.ts'],
  );
});

tidy('the top level holds four rooms and their furniture', () => {
  assert.equal(rootEntries(['core', 'spec', 'LICENSE', '.ci', 'package.json']), []);
  assert.is(rootEntries(['src', 'index.ts', 'docs']).length, 3);
});

const root = fileURLToPath(new URL('../..', import.meta.url));
const readText = (path: string): string => readFileSync(join(root, path), 'utf8');

/** What git does not keep: the simple forms, `name/` and `*.end`. */
const ignored = readText('.gitignore')
  .split('\n')
  .filter((line) => line !== '');
const isIgnored = (name: string): boolean =>
  ignored.some((pattern) =>
    pattern.startsWith('*') ? name.endsWith(pattern.slice(1)) : `${name}/` === pattern,
  );

const project = ['core', 'transports', 'bench', 'spec'].flatMap((room) =>
  readdirSync(join(root, room), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.includes('node_modules'))
    .map((name) => `${room}/${name.replaceAll('\\', '/')}`)
    .map((path) => readSource(path, readText(path))),
);
const entries = entryPoints(readText('package.json') + readText('.ci/run'));

/** Fails with the findings alone: where the check stands helps nobody. */
const none = (findings: readonly Finding[]): void => {
  if (findings.length === 0) return;
  const error = new Error(`${findings.length} findings\n    ${findings.join('\n    ')}`);
  error.stack = '';
  throw error;
};

for (const [name, rule] of Object.entries(fileRules)) {
  tidy(`the project keeps the rule ${name}`, () => none(project.flatMap(rule)));
}
tidy('the project keeps its files short', () => none(lengths(project, excuses)));
tidy('the project uses all its files', () => none(orphans(project, entries)));
tidy('the project has the files that package.json names', () => none(missing(project, entries)));
tidy('the project keeps its top level', () =>
  none(rootEntries(readdirSync(root).filter((name) => !isIgnored(name)))),
);

tidy.run();
