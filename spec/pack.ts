/**
 * Packs the package, installs the tarball in an empty folder outside the repository, and uses it there as a
 * stranger would: every entry point is imported, the examples of the README and of the kit for tests run, and the
 * command answers.
 * Exits with 1 where anything of that fails.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'syncline-pack-'));
const run = (cwd: string, command: string, ...args: string[]): string =>
  execFileSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });

const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  readonly exports: Readonly<Record<string, unknown>>;
  readonly devDependencies: Readonly<Record<string, string>>;
};

try {
  const packed = JSON.parse(run(root, 'npm', 'pack', '--json', '--pack-destination', folder)) as
    | readonly { readonly filename: string }[]
    | Readonly<Record<string, { readonly filename: string }>>;
  const [tarball] = Object.values(packed);
  if (tarball === undefined) throw new Error('npm pack made nothing');
  writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }\n');
  const peers = ['ws', 'lmdb', 'fast-check'].map((name) => `${name}@${manifest.devDependencies[name]}`);
  run(folder, 'npm', 'install', '--no-audit', '--no-fund', `./${tarball.filename}`, ...peers);

  const entries = Object.keys(manifest.exports).filter((entry) => entry !== './package.json');
  const imports = entries.map((entry) => `await import('syncline${entry.slice(1)}');`);
  writeFileSync(join(folder, 'entries.js'), imports.join('\n'));
  run(folder, process.execPath, 'entries.js');

  copyFileSync(join(root, 'dist/spec/examples/embedding.js'), join(folder, 'example.js'));
  const printed = run(folder, process.execPath, 'example.js');
  if (!printed.includes('votes: 3') || !printed.includes('true'))
    throw new Error(`the example printed:\n${printed}`);

  for (const name of ['testing', 'check-link', 'check-merge', 'check-protocol', 'check-stores']) {
    copyFileSync(join(root, `dist/spec/examples/${name}.js`), join(folder, `${name}.js`));
    const { status, stdout } = spawnSync(process.execPath, [`${name}.js`], { cwd: folder, encoding: 'utf8' });
    if (status !== 0) throw new Error(`the example ${name} ended with ${status} and printed:\n${stdout}`);
  }

  const command = spawnSync(join(folder, 'node_modules/.bin/syncline'), ['inspect', 'nothing'], {
    cwd: folder,
    encoding: 'utf8',
  });
  if (command.status !== 2 || !command.stderr.includes('nothing: there is no such folder'))
    throw new Error(`syncline inspect ended with ${command.status} and printed:\n${command.stderr}`);
  console.log(
    `${tarball.filename}: ${entries.length} entry points, the examples and the command work in an empty folder`,
  );
} finally {
  rmSync(folder, { recursive: true, force: true });
}
