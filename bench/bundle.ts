/**
 * `npm run size -- [--json]`: what a browser's app pays for the client, in bytes.
 *
 *     client       `syncline/client` with the connector of `syncline/websocket`, and all that they import
 *     engine       the same without the package that encodes, `bson`
 *
 * Bundled by esbuild for browsers as one ES module, every export kept, minified, and compressed by gzip at its
 * highest level. A kB is 1000 bytes. The sizes are functions of the sources and of the installed packages, so
 * `spec/bundle.test.ts` holds them below `ceiling`; `goal` is where they are to be.
 */
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

const bundles = [
  { name: 'client', without: [], goal: 60_000, ceiling: 115_000 },
  { name: 'engine', without: ['bson'], goal: 30_000, ceiling: 98_000 },
] as const;

const exported = `
  export * from 'syncline/client';
  export { webSocketConnector } from 'syncline/websocket';
`;

interface Part {
  /** A package, or a folder of ours. */
  readonly name: string;
  /** Minified, not compressed. */
  readonly bytes: number;
}

interface Size {
  readonly minified: number;
  readonly compressed: number;
  /** Largest first. */
  readonly parts: readonly Part[];
  /** Of which there is anything in it. */
  readonly files: readonly string[];
}

const partOf = (path: string): string =>
  /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? /dist\/(\w+\/\w+)/.exec(path)?.[1] ?? 'the rest';

const sizeOf = async (without: readonly string[]): Promise<Size> => {
  const { outputFiles, metafile } = await build({
    stdin: { contents: exported, resolveDir: fileURLToPath(new URL('../..', import.meta.url)) },
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
  });
  const [file] = outputFiles;
  const [output] = Object.values(metafile.outputs);
  if (file === undefined || output === undefined) throw new Error('esbuild made nothing');
  const bytes = new Map<string, number>();
  const files: string[] = [];
  for (const [path, { bytesInOutput }] of Object.entries(output.inputs)) {
    if (bytesInOutput === 0) continue;
    files.push(path);
    const name = partOf(path);
    bytes.set(name, (bytes.get(name) ?? 0) + bytesInOutput);
  }
  return {
    minified: file.contents.length,
    compressed: gzipSync(file.contents, { level: 9 }).length,
    files,
    parts: [...bytes].map(([name, count]) => ({ name, bytes: count })).sort((a, b) => b.bytes - a.bytes),
  };
};

const kB = (bytes: number): string => `${(bytes / 1000).toFixed(1)} kB`;

const sizes = await Promise.all(
  bundles.map(async ({ name, without, goal, ceiling }) => ({
    name,
    goal,
    ceiling,
    ...(await sizeOf(without)),
  })),
);
if (process.argv.includes('--json')) console.log(JSON.stringify(sizes));
else {
  for (const { name, minified, compressed, goal } of sizes)
    console.log(
      `${name.padEnd(8)}${kB(compressed).padStart(9)} compressed, ${kB(minified)} minified; goal ${kB(goal)}`,
    );
  console.log('\nof the client, minified:');
  for (const { name, bytes } of sizes[0]?.parts ?? [])
    console.log(`  ${name.padEnd(24)}${kB(bytes).padStart(9)}`);
}
