/**
 * A program as one file, for tests that start it again and again: reading its hundreds of modules takes a start
 * longer than anything else. It is the same code, and packages with native parts stay outside.
 */
import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

/** Makes one file of a module and what it imports, in a new folder inside `folder`. Answers the file's path. */
export const oneFile = async (module: URL, folder: string): Promise<string> => {
  const outdir = join(folder, 'program');
  await build({
    entryPoints: [fileURLToPath(module)],
    outdir,
    outExtension: { '.js': '.mjs' },
    entryNames: 'main',
    bundle: true,
    format: 'esm',
    platform: 'node',
    external: ['lmdb', 'ws'],
    logLevel: 'silent',
  });
  symlinkSync(fileURLToPath(new URL('../../../node_modules', import.meta.url)), join(folder, 'node_modules'));
  return join(outdir, 'main.mjs');
};
