import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import * as assert from 'uvu/assert';
import { decodePartitionConfig } from '../core/access/config.js';
import { suite } from './kit/suite.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const run = promisify(execFile);
const read = (path: string): string => readFileSync(`${root}/${path}`, 'utf8');

interface Block {
  readonly path: string;
  readonly language: string;
  readonly text: string;
}

const blocksOf = (path: string): readonly Block[] =>
  [...read(path).matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].map(([, language = '', text = '']) => ({
    path,
    language,
    text,
  }));

const pages = [
  'README.md',
  ...['spec', 'bench'].flatMap((folder) =>
    readdirSync(`${root}/${folder}`)
      .filter((name) => name.endsWith('.md'))
      .map((name) => `${folder}/${name}`),
  ),
];
const blocks = pages.flatMap(blocksOf);

/** What checks a command that a page shows. A command that is not here has nobody who runs it. */
const runBy: readonly (readonly [command: RegExp, by: string])[] = [
  [/^npm ci && npm start$/, '.ci/run, and the test of the demonstration below'],
  [/^npm ci && npm test$/, '.ci/run'],
  [/^npx syncline serve \.\/data --port 8787$/, 'spec/kill.test.ts'],
  [
    /^export SYNCLINE_ADMIN_TOKEN=/,
    'whoever administers a server; spec/sync-cli.test.ts has a token of its own',
  ],
  [
    /^npx syncline serve \.\/data --port 8787 --sync config\.json --schema schema\.json --admin 8788$/,
    'spec/sync-cli.test.ts',
  ],
  [
    /^npx syncline sync (status|enable|disable|terminate) --url http:\/\/127\.0\.0\.1:8788( --config config\.json --schema schema\.json)?$/,
    'spec/sync-cli.test.ts',
  ],
  [/^npx syncline serve \.\/data --port 8787 --record server\.rec$/, 'spec/replay-cli.test.ts'],
  [/^npx syncline replay session\.rec( --[\w-]+( \d+| [\w=.]+)?)*$/, 'spec/replay-cli.test.ts'],
  [/^npx syncline inspect \.\/data$/, 'spec/pack.ts'],
  [/^npx syncline compact \.\/data( --dry-run| --max-offline-days \d+)?$/, 'spec/horizon-bounds.test.ts'],
  [
    /^npm run vectors -- \.\.\/shared\/vectors\/[\w.-]+( \.\.\/shared\/vectors\/[\w.-]+)*$/,
    'spec/vectors.test.ts',
  ],
  [/^npm run fuzz -- --law (merge|sessions) --(runs|seconds) \d+$/, 'the test of the fuzzer below'],
  [/^npm run size$/, 'spec/bundle.test.ts, by the script that it is'],
  [/^npm run fuzz -- --seconds \d+$/, 'the test of the fuzzer below'],
  [/^npm run sim -- --seed \d+ --runs \d+( --json)?$/, 'the test of the simulator below'],
  [/^npm run canaries$/, 'spec/canaries.test.ts'],
  [/^npm run coverage$/, 'whoever makes a release: it takes longer than all tests'],
  [/^npm run bench -- transports --only paced --peers none$/, 'spec/bench.test.ts'],
  [/^npm run bench -- [a-z ]+(--json|--smoke)?( --json| --smoke)?$/, 'spec/bench.test.ts'],
];

const docs = suite('pages');

docs('show no command that nothing runs', () => {
  const commands = blocks
    .filter((block) => block.language === 'sh')
    .flatMap((block) =>
      block.text
        .trim()
        .split('\n')
        .map((line) => ({ path: block.path, line: line.trim() })),
    );
  assert.ok(commands.length >= 4);
  for (const { path, line } of commands)
    assert.ok(
      runBy.some(([command]) => command.test(line)),
      `${path}: nothing runs \`${line}\``,
    );
});

docs('show code that is a file, word for word', () => {
  const examples = readdirSync(`${root}/spec/examples`)
    .filter((name) => name.endsWith('.ts'))
    .map((name) => read(`spec/examples/${name}`));
  const shown = blocks.filter((block) => block.language === 'ts');
  assert.ok(shown.length >= 1);
  for (const block of shown)
    assert.ok(
      examples.includes(block.text),
      `${block.path}: this code is no file of spec/examples:\n${block.text}`,
    );
});

docs('name files that exist', () => {
  for (const path of pages)
    for (const [, name = ''] of read(path).matchAll(
      /`((?:core|transports|spec|bench)\/[\w./-]+\.(?:ts|md))`/g,
    ))
      assert.ok(read(name).length > 0, `${path} names ${name}`);
});

/**
 * What each of the examples prints that end by themselves, from one process that runs one after the other: to
 * start one takes longer than most examples do. It ends only where none of them leaves anything open.
 */
const printedBy = (() => {
  const names = [
    './examples/embedding.js',
    './examples/sessions.js',
    './examples/partitions.js',
    './examples/resetting.js',
    './examples/recording.js',
    './examples/serving.js',
    './examples/hosting.js',
    './examples/administering.js',
    './examples/documents.js',
  ] as const;
  const program = names
    .map((name) => {
      const address = new URL(name, import.meta.url).href;
      return `console.log('=== ${name}'); await import(${JSON.stringify(address)});`;
    })
    .join('\n');
  let all: Promise<ReadonlyMap<string, string>> | null = null;
  return async (example: (typeof names)[number]): Promise<string> => {
    all ??= run(process.execPath, ['--input-type=module', '-e', program]).then(
      ({ stdout }) =>
        new Map(
          [...stdout.matchAll(/^=== (\S+)\n((?:(?!=== ).*\n)*)/gm)].map(([, name = '', text = '']) => [
            name,
            text,
          ]),
        ),
    );
    return (await all).get(example) ?? '';
  };
})();

docs('the example prints what its comments say', async () => {
  const stdout = await printedBy('./examples/embedding.js');
  assert.is(stdout.split('\n').length - 1, 2, stdout);
  assert.match(stdout, "{ _id: 'a', done: true, title: 'Write offline', votes: 3 }");
  assert.match(stdout, /^true$/m);
});

docs('the example of sessions prints what its comments say', async () => {
  const stdout = await printedBy('./examples/sessions.js');
  assert.equal(stdout.split('\n'), ['all recipes are on the server', "[ 'download' ] 0 0 null", '']);
});

docs('the example of partitions prints what its page says', async () => {
  const stdout = await printedBy('./examples/partitions.js');
  const page = read('spec/partition-sync.md');
  const [, text = ''] = /^```text\n([\s\S]*?)^```$/m.exec(page) ?? [];
  const [first, second, refused, quantity, ...rest] = stdout.trimEnd().split('\n');
  assert.is(first, "{ _id: 2, name: 'Towel', quantity: 3, store_number: 'Store 42' }");
  assert.is(second, "[ 'Soap', 'Towel' ]");
  assert.match(refused ?? '', /was parked in a client reset$/);
  assert.is(quantity, '10');
  assert.is(rest.pop(), '0');
  assert.is(`${rest.join('\n')}\n`, text);
});

docs('show configurations of partitions that are right', () => {
  const configs = blocks
    .filter(({ language }) => language === 'json')
    .map(({ text }): unknown => JSON.parse(text))
    .filter((json) => typeof json === 'object' && json !== null && 'partition' in json);
  assert.ok(configs.length >= 2);
  for (const config of configs) assert.is(decodePartitionConfig(config)._tag, 'Right');
});

docs('the example of a reset prints what happens', async () => {
  const stdout = await printedBy('./examples/resetting.js');
  assert.equal(stdout.split('\n'), ['before 1', 'after 1 parked 0', '']);
});

docs('the example of a recording prints what its comments say', async () => {
  const stdout = await printedBy('./examples/recording.js');
  assert.equal(stdout.split('\n'), ['true true', '']);
});

docs('the example of a server prints what its comments say', async () => {
  const stdout = await printedBy('./examples/serving.js');
  assert.equal(stdout.split('\n'), [
    '{ connections: 1, sessions: 1, partitions: 1 }',
    '206 ann is not yours',
    'permission_denied: ann is not yours',
    '202 the token was revoked',
    '',
  ]);
});

docs('the example of a standard handler prints what its comments say', async () => {
  const stdout = await printedBy('./examples/hosting.js');
  assert.equal(stdout.split('\n'), ['1 2', '']);
});

docs('the example of a simulated app finds the careless one, and prints its transcript', async () => {
  const { stdout } = await run(process.execPath, [`${root}/dist/spec/examples/testing.js`]);
  const [careful, found, small, ...transcript] = stdout.trimEnd().split('\n');
  assert.is(careful, 'the careful shop adds up in 20 worlds');
  assert.match(
    found ?? '',
    /^seed \d+: stock adds up: [A-Z]: \d+ of (bread|milk) were sold, and its stock is -?\d+$/,
  );
  assert.match(small ?? '', /^made small: [23] devices, /);
  assert.ok(transcript.some((line) => /Update Product\["(bread|milk)"\]\.stock = -\d+$/.test(line)));
});

for (const name of [
  './examples/check-link.js',
  './examples/check-merge.js',
  './examples/check-protocol.js',
  './examples/check-stores.js',
])
  docs(`the suite of ${name} passes`, async () => {
    const { stdout } = await run(process.execPath, [
      '--test-reporter=tap',
      fileURLToPath(new URL(name, import.meta.url)),
    ]);
    assert.match(stdout, /^# pass [1-9]\d+$/m);
    assert.match(stdout, /^# fail 0$/m);
  });

docs('the example of an administration prints what its comments say', async () => {
  const stdout = await printedBy('./examples/administering.js');
  assert.equal(stdout.split('\n'), [
    'fixed config.partition.key',
    'enabled 1 1',
    `[ '"Store 42"', '"north"' ]`,
    'the device has reset',
    '',
  ]);
});

docs('the example of documents prints what its comments say', async () => {
  const stdout = await printedBy('./examples/documents.js');
  assert.equal(stdout.split('\n'), [
    "{ _id: 'a', tags: [ 'hot' ], title: 'Write', votes: 13, team: 'red' }",
    "[ 'a' ] 2",
    '',
  ]);
});

docs('the fuzzer runs the laws that it is asked for', async () => {
  const fuzz = `${root}/dist/spec/fuzz.js`;
  const one = await run(process.execPath, [fuzz, '--law', 'sessions', '--runs', '4', '--seed', '7']);
  assert.match(one.stdout, 'law sessions, seed 7, 4 runs');
  assert.match(one.stdout, /^4 passed, 0 failed$/m);
  const { stdout } = await run(process.execPath, [fuzz, '--seconds', '0.8']);
  assert.match(stdout, /^law merge, seed 1, 0\.\d+ s$/m);
  assert.match(stdout, /^\d{2,} kept inputs\nlaw merge, seed 1/m);
  const told = [...stdout.matchAll(/^law (.*), seed 1, 0\.\d+ s$/gm)].map(([, law]) => law);
  const page = read('spec/README.md');
  const rows = page.match(/^\| random law \|.*\n(?:\|.*\n)+/m)?.[0] ?? '';
  const laws = rows
    .split('\n')
    .flatMap((row) => (row.split('|')[1] ?? '').match(/(?<=`)[a-z -]+(?=`)/g) ?? []);
  assert.equal(told, laws, 'the page names all of them');
  assert.match(stdout, /^\d+ passed, 0 failed$/m);
  // Which would be no run at all, and all of them passed.
  const endless = await run(process.execPath, [`${root}/dist/spec/fuzz.js`, '--seconds', 'x']).catch(
    ({ code }: { readonly code: number }) => code,
  );
  assert.is(endless, 2);
});

docs('the simulator runs its worlds, for people and for programs', async () => {
  const sim = `${root}/dist/spec/sim.js`;
  const { stdout } = await run(process.execPath, [sim, '--seed', '1', '--runs', '2']);
  assert.match(stdout, /^seed 1, 2 runs, \d at a time$/m);
  assert.match(stdout, /^2 passed, 0 failed, in [\d.]+ s$/m);
  const json = await run(process.execPath, [sim, '--seed', '1', '--runs', '1', '--jobs', '1', '--json']);
  const { type, seed, runs, failed } = JSON.parse(json.stdout);
  assert.equal({ type, seed, runs, failed }, { type: 'summary', seed: 1, runs: 1, failed: 0 });
});

docs('the demonstration converges', async () => {
  const { stdout } = await run(process.execPath, [`${root}/dist/transports/cli/demo.js`]);
  assert.match(stdout, 'converged: three replicas, one state');
  assert.match(stdout, '3201 of 3201');
});

docs.run();
