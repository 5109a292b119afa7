/**
 * `npm run size -- [--json]`: what a browser's app pays for the client, in bytes.
 *
 *     client       `syncline/client` with the connector of `syncline/websocket`, and all that they import
 *     engine       the same without the package that encodes, `bson`
 *     recording    the client with flight recordings, which bring the machines of both sides
 *
 * Bundled by esbuild for browsers as ES modules, every export kept (but for `recording` those of recordings are
 * not), minified, and each module compressed by gzip at its highest level. `start` is what a page loads before it
 * runs, `on demand` what it loads when a server asks for a client reset. A kB is 1000 bytes. The sizes are
 * functions of the sources and of the installed packages, so `spec/bundle.test.ts` holds them below `ceiling` and `startCeiling`;
 * `goal` is where all of it is to be, on demand or not.
 *
 * The table says what of the client is whose. `alone`: by how much less gzip makes of it where a group is left out.
 * Groups help each other to be small, so that all of them add up to less than the whole.
 */
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build, type Plugin } from 'esbuild';
import * as client from 'syncline/client';

const recordings = ['fileRecording', 'memoryRecording'];
const all = Object.keys(client);
const usual = all.filter((name) => !recordings.includes(name));

const bundles = [
  { name: 'client', names: usual, without: [], goal: 60_000, ceiling: 107_500, startCeiling: 99_300 },
  { name: 'engine', names: usual, without: ['bson'], goal: 30_000, ceiling: 90_000, startCeiling: 81_900 },
  { name: 'recording', names: all, without: [], goal: null, ceiling: 125_900, startCeiling: 117_900 },
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
  ['recovery after resets', /core\/reset\/|drivers\/re(?:set|covery)|changes-within/],
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

/** Where the modules would be written. */
const outDir = resolve('bundle');

interface Part {
  readonly contents: Uint8Array;
  readonly files: readonly string[];
  /** Whether it is loaded before the page runs. */
  readonly isStart: boolean;
}

const bundled = async (
  names: readonly string[],
  without: readonly string[],
  plugins: Plugin[],
): Promise<readonly Part[]> => {
  const { outputFiles, metafile } = await build({
    stdin: {
      contents: `
        export { ${names.join(', ')} } from 'syncline/client';
        export { webSocketConnector } from 'syncline/websocket';
      `,
      resolveDir: fileURLToPath(new URL('../..', import.meta.url)),
    },
    bundle: true,
    splitting: true,
    outdir: outDir,
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
  const outputs = new Map(
    Object.entries(metafile.outputs).map(([path, output]) => [resolve(path), output] as const),
  );
  const isStart = new Set<string>();
  const load = (path: string): void => {
    isStart.add(path);
    for (const { kind, path: next, external } of outputs.get(path)?.imports ?? [])
      if (kind === 'import-statement' && external !== true && !isStart.has(resolve(next)))
        load(resolve(next));
  };
  load(resolve(outDir, 'stdin.js'));
  return outputFiles.map(({ path, contents }) => {
    const inputs = Object.entries(outputs.get(path)?.inputs ?? {});
    const present = inputs.filter(([, { bytesInOutput }]) => bytesInOutput > 0);
    return { contents, files: present.map(([file]) => file), isStart: isStart.has(path) };
  });
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
  const modules = await bundled(names, [], [marks]);
  const text = modules.map(({ contents }) => new TextDecoder().decode(contents)).join('');
  const [start = '', ...rest] = text.split(/globalThis\["@([^"]+)"\][,;]?/);
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

interface Bytes {
  readonly minified: number;
  readonly compressed: number;
}

const bytesOf = (parts: readonly Part[]): Bytes => ({
  minified: parts.reduce((sum, { contents }) => sum + contents.length, 0),
  compressed: parts.reduce((sum, { contents }) => sum + compressedBytes(contents), 0),
});

const sizes = await Promise.all(
  bundles.map(async ({ name, names, without, goal, ceiling, startCeiling }) => {
    const parts = await bundled(names, without, []);
    const [start, later] = [true, false].map((is) => parts.filter(({ isStart }) => isStart === is));
    const filesOf = (some: readonly Part[] = []) => some.flatMap(({ files }) => files);
    return {
      name,
      goal,
      ceiling,
      startCeiling,
      ...bytesOf(parts),
      start: { ...bytesOf(start ?? []), files: filesOf(start) },
      onDemand: { ...bytesOf(later ?? []), files: filesOf(later) },
    };
  }),
);

const kB = (bytes: number): string => `${(bytes / 1000).toFixed(1)} kB`.padStart(9);

if (process.argv.includes('--json')) console.log(JSON.stringify(sizes));
else {
  const columns = (...cells: readonly string[]) => cells.map((cell) => cell.padStart(11)).join('');
  console.log(`compressed${columns('start', 'on demand', 'sum', 'minified', 'goal')}`);
  for (const { name, start, onDemand, compressed, minified, goal } of sizes)
    console.log(
      name.padEnd(10) +
        columns(
          kB(start.compressed),
          kB(onDemand.compressed),
          kB(compressed),
          kB(minified),
          goal === null ? '' : kB(goal),
        ),
    );
  console.log(`\n${'of the client'.padEnd(34)}${columns('minified', 'alone')}`);
  for (const { name, minified, alone } of await groupsOf(usual))
    console.log(`  ${name.padEnd(32)}${columns(kB(minified), kB(alone))}`);
}
