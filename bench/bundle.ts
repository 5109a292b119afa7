/**
 * `npm run size -- [--json]`: what a browser's app pays for the client, in bytes.
 *
 *     client       `syncline/client` with the connector of `syncline/websocket`, and all that they import
 *     engine       the same without the package that encodes, `bson`
 *     recording    the client with flight recordings, which bring the machines of both sides
 *
 * Bundled by esbuild for browsers as one ES module, every export kept (but for `recording` those of recordings are
 * not), minified, and compressed by gzip at its highest level. A kB is 1000 bytes. The sizes are functions of the
 * sources and of the installed packages, so `spec/bundle.test.ts` holds them below `ceiling`; `goal` is where
 * they are to be.
 *
 * The table says what of the client is whose. `alone`: by how much less gzip makes of it where a group is left out.
 * Groups help each other to be small, so that all of them add up to less than the whole.
 */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build, type Plugin } from 'esbuild';
import * as client from 'syncline/client';

const recordings = ['fileRecording', 'memoryRecording'];
const all = Object.keys(client);
const usual = all.filter((name) => !recordings.includes(name));

const bundles = [
  { name: 'client', names: usual, without: [], goal: 60_000, ceiling: 106_000 },
  { name: 'engine', names: usual, without: ['bson'], goal: 30_000, ceiling: 89_000 },
  { name: 'recording', names: all, without: [], goal: null, ceiling: 125_000 },
] as const;

/** First come, first served. */
const groups: readonly (readonly [name: string, files: RegExp])[] = [
  ['bson', /node_modules\/bson\//],
  ['fp-ts', /node_modules\/fp-ts\//],
  ['merge: rules of pairs', /core\/merge\/(?:rules\/|rule|outcome|pairwise|merge-pair|same-payload|shared)/],
  ['merge: lists', /core\/merge\/(?:list-|index-lists)/],
  ['merge: the index of the rest', /core\/merge\//],
  ['model: encoding', /core\/model\/(?:codec|packed)/],
  ['model: schemas', /core\/model\/(?:schema|class-schema|shorthand)/],
  ['model: values as apps have them', /core\/model\/(?:edge|input)/],
  ['model: instructions and states', /core\/model\//],
  ['recovery after resets', /core\/reset\/|drivers\/reset|changes-within/],
  ['transactions and views', /core\/session\/(?:transaction|view)/],
  ['the machine of a session', /core\/session\//],
  ['files and their records', /core\/history\//],
  ['messages', /core\/protocol\//],
  ['tries, bytes, text', /core\/base\//],
  ['drivers', /transports\/drivers\//],
  ['WebSocket', /transports\/links\//],
];

const restName = 'the rest';
const groupOf = (path: string): string => groups.find(([, files]) => files.test(path))?.[0] ?? restName;

interface Group {
  readonly name: string;
  readonly minified: number;
  /** By how much the compressed whole is smaller without it. */
  readonly alone: number;
}

const bundled = async (
  names: readonly string[],
  without: readonly string[],
  plugins: Plugin[],
): Promise<{ readonly contents: Uint8Array; readonly files: readonly string[] }> => {
  const { outputFiles, metafile } = await build({
    stdin: {
      contents: `
        export { ${names.join(', ')} } from 'syncline/client';
        export { webSocketConnector } from 'syncline/websocket';
      `,
      resolveDir: fileURLToPath(new URL('../..', import.meta.url)),
    },
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    external: without.flatMap((name) => [name, `${name}/*`]),
    legalComments: 'none',
    metafile: true,
    write: false,
    logLevel: 'silent',
    plugins,
  });
  const [file] = outputFiles;
  const [output] = Object.values(metafile.outputs);
  if (file === undefined || output === undefined) throw new Error('esbuild made nothing');
  const present = Object.entries(output.inputs).filter(([, { bytesInOutput }]) => bytesInOutput > 0);
  return { contents: file.contents, files: present.map(([path]) => path) };
};

const compressedBytes = (contents: Uint8Array | string): number => gzipSync(contents, { level: 9 }).length;

/** A statement that stays where it is, before the code of each file. */
const marks: Plugin = {
  name: 'marks',
  setup: ({ onLoad }) =>
    onLoad({ filter: /\.m?js$/ }, async ({ path }) => ({
      contents: `globalThis["@${groupOf(path)}"];${await readFile(path, 'utf8')}`,
      loader: 'js',
    })),
};

const groupsOf = async (names: readonly string[]): Promise<readonly Group[]> => {
  const { contents } = await bundled(names, [], [marks]);
  const [start = '', ...rest] = new TextDecoder().decode(contents).split(/globalThis\["@([^"]+)"\][,;]?/);
  const parts = [{ group: restName, text: start }];
  for (let i = 0; i < rest.length; i += 2) parts.push({ group: rest[i] ?? '', text: rest[i + 1] ?? '' });
  const textWithout = (name: string | null): string =>
    parts.flatMap(({ group, text }) => (group === name ? [] : [text])).join('');
  const whole = compressedBytes(textWithout(null));
  return [...new Set(parts.map(({ group }) => group))]
    .map((name) => ({
      name,
      minified: parts.reduce((sum, { group, text }) => sum + (group === name ? text.length : 0), 0),
      alone: whole - compressedBytes(textWithout(name)),
    }))
    .sort((a, b) => b.alone - a.alone);
};

const sizes = await Promise.all(
  bundles.map(async ({ name, names, without, goal, ceiling }) => {
    const { contents, files } = await bundled(names, without, []);
    const [minified, compressed] = [contents.length, compressedBytes(contents)];
    return { name, goal, ceiling, minified, compressed, files };
  }),
);

const kB = (bytes: number): string => `${(bytes / 1000).toFixed(1)} kB`;

if (process.argv.includes('--json')) console.log(JSON.stringify(sizes));
else {
  for (const { name, minified, compressed, goal } of sizes)
    console.log(
      `${name.padEnd(10)}${kB(compressed).padStart(9)} compressed, ${kB(minified)} minified${goal === null ? '' : `; goal ${kB(goal)}`}`,
    );
  console.log(`\n${'of the client'.padEnd(34)}${'minified'.padStart(10)}${'alone'.padStart(10)}`);
  for (const { name, minified, alone } of await groupsOf(usual))
    console.log(`  ${name.padEnd(32)}${kB(minified).padStart(10)}${kB(alone).padStart(10)}`);
}
