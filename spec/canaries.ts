/**
 * `npm run canaries -- [part of a name…] [--jobs N] [--json]`: plants each fault of `spec/canaries` in a copy of
 * the tree, builds it, and runs the simulator, or the law that the patch names, until it finds the fault. Prints
 * a table; fails where one is not found within the runs that its patch allows.
 */
import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { type Canary, canariesIn, planted } from './canaries/patch.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const run = promisify(execFile);

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    jobs: { type: 'string', default: '2' },
    json: { type: 'boolean', default: false },
    seed: { type: 'string', default: '1' },
    /** Fewer runs than the patches allow, for a quick look. */
    most: { type: 'string', default: '1000000' },
  },
});

interface Finding {
  readonly canary: Canary;
  /** How many runs it took; null where it was not found. */
  readonly runs: number | null;
  /** What failed, or why nothing could be found. */
  readonly by: string;
}

/** A copy of the tree, in which each build compiles only what has changed. */
const copyOfTree = (): string => {
  const folder = mkdtempSync(join(tmpdir(), 'syncline-canary-'));
  for (const name of ['core', 'transports', 'spec', 'dist', 'package.json', 'tsconfig.json'])
    cpSync(join(root, name), join(folder, name), { recursive: true, preserveTimestamps: true });
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  return folder;
};

const outOfTime = 'it ran out of time';

/** What a program prints, however it ends. */
const outputOf = async (folder: string, args: readonly string[]): Promise<string> => {
  try {
    return (await run(process.execPath, args, { cwd: folder, maxBuffer: 2 ** 28, timeout: 900_000 })).stdout;
  } catch (error) {
    const { stdout, stderr, killed } = error as { stdout?: string; stderr?: string; killed?: boolean };
    return killed === true ? outOfTime : `${stdout ?? ''}${stderr ?? ''}`;
  }
};

const bySimulator = async (
  folder: string,
  { within, withSync }: Canary,
): Promise<Omit<Finding, 'canary'>> => {
  const limit = [
    '--seed',
    values.seed,
    '--runs',
    String(Math.min(within, Number(values.most))),
    '--jobs',
    '1',
    '--failures',
    '1',
    ...(withSync ? ['--sync', 'yes'] : []),
  ];
  const output = await outputOf(folder, ['dist/spec/sim.js', ...limit, '--shrink', '0', '--json']);
  for (const line of output.split('\n')) {
    if (!line.startsWith('{')) continue;
    const told: unknown = JSON.parse(line);
    if (typeof told !== 'object' || told === null || !('type' in told) || told.type !== 'failure') continue;
    const { seed, checker } = told as unknown as { readonly seed: number; readonly checker: string };
    return { runs: seed - Number(values.seed) + 1, by: checker };
  }
  if (output === outOfTime) return { runs: null, by: outOfTime };
  const isWhole = output.includes('"type":"summary"');
  // A program that does not even get to the end has been found out, too.
  return isWhole
    ? { runs: null, by: 'not found' }
    : { runs: 1, by: `the simulator ends: ${output.trim().split('\n').at(-1)?.slice(0, 80) ?? ''}` };
};

const byLaw = async (folder: string, law: string, { within }: Canary): Promise<Omit<Finding, 'canary'>> => {
  const limit = [
    '--seed',
    values.seed,
    '--runs',
    String(Math.min(within, Number(values.most))),
    '--failures',
    '1',
  ];
  const output = await outputOf(folder, ['dist/spec/fuzz.js', '--law', law, ...limit]);
  const found = /^seed (\d+) fails/m.exec(output);
  return found === null
    ? { runs: null, by: 'not found' }
    : { runs: Number(found[1]) - Number(values.seed) + 1, by: `law ${law}` };
};

const find = async (folder: string, canary: Canary): Promise<Finding> => {
  const path = join(folder, canary.file);
  const before = readFileSync(path, 'utf8');
  let after: string;
  try {
    after = planted(canary, before);
  } catch (error) {
    return { canary, runs: null, by: error instanceof Error ? error.message : String(error) };
  }
  writeFileSync(path, after);
  try {
    const built = await outputOf(folder, ['node_modules/typescript/bin/tsc', '-b', 'spec']);
    if (/error TS1\d{3}:/.test(built)) return { canary, runs: null, by: `does not compile: ${built}` };
    const found =
      canary.law === null ? await bySimulator(folder, canary) : await byLaw(folder, canary.law, canary);
    return { canary, ...found };
  } finally {
    writeFileSync(path, before);
  }
};

const tell = ({ canary, runs, by }: Finding): void => {
  if (values.json) console.log(JSON.stringify({ canary: canary.name, within: canary.within, runs, by }));
  else
    console.log(
      `${canary.name.padEnd(36)} ${(runs === null ? 'NOT FOUND' : `run ${runs}`).padEnd(10)} of ${String(canary.within).padEnd(6)} ${by}`,
    );
};

const chosen = canariesIn(join(root, 'spec', 'canaries')).filter(
  ({ name }) => positionals.length === 0 || positionals.some((part) => name.includes(part)),
);
if (chosen.length === 0) {
  console.error(`no planted fault has ${positionals.join(' or ')} in its name`);
  process.exit(2);
}
const findings: Finding[] = [];
const queue = chosen.values();
const work = async (): Promise<void> => {
  const folder = copyOfTree();
  try {
    for (const canary of queue) {
      const finding = await find(folder, canary);
      findings.push(finding);
      tell(finding);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};
await Promise.all(Array.from({ length: Number(values.jobs) }, work));
const missed = findings.filter(({ runs }) => runs === null).length;
if (!values.json) console.log(`\n${findings.length - missed} found, ${missed} not found`);
process.exitCode = missed === 0 ? 0 : 1;
