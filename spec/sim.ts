/**
 * `npm run sim -- [--seed S] [--runs N] [--seconds N] [--json] [--jobs N]`, and to replay one run:
 * `--seed S [--devices N] [--servers N] [--partitions N] [--shares N] [--carrier link|long-poll] [--tight yes|no]
 * [--sync yes|no] [--keep 1,4,7] [--transcript]`.
 *
 * Prints seed and options first and a verdict last. Run i takes seed S + i, and nothing else decides it, so
 * that a failing run is taken again by its seed alone. It is made small, and its transcript is printed. With
 * `--json` one object a line: each failure, and the summary last.
 */
import { fork } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { shrinkRun } from './simulation/shrink.js';
import { type SimulationOptions, type SimulationReport, simulate } from './simulation/simulate.js';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: '1' },
    runs: { type: 'string' },
    seconds: { type: 'string' },
    jobs: { type: 'string' },
    json: { type: 'boolean', default: false },
    devices: { type: 'string' },
    servers: { type: 'string' },
    partitions: { type: 'string' },
    shares: { type: 'string' },
    carrier: { type: 'string' },
    tight: { type: 'string' },
    sync: { type: 'string' },
    keep: { type: 'string' },
    transcript: { type: 'boolean', default: false },
    /** How many failures end the runs. */
    failures: { type: 'string', default: '3' },
    shrink: { type: 'string', default: '30' },
  },
});

interface Totals {
  runs: number;
  failed: number;
  steps: number;
  writes: number;
  /** Of virtual time, all devices together. */
  deviceSeconds: number;
  longestRecovery: number;
  faults: Record<string, number>;
}

const noTotals = (): Totals => ({
  runs: 0,
  failed: 0,
  steps: 0,
  writes: 0,
  deviceSeconds: 0,
  longestRecovery: 0,
  faults: {},
});

const add = (totals: Totals, other: Totals): void => {
  totals.runs += other.runs;
  totals.failed += other.failed;
  totals.steps += other.steps;
  totals.writes += other.writes;
  totals.deviceSeconds += other.deviceSeconds;
  totals.longestRecovery = Math.max(totals.longestRecovery, other.longestRecovery);
  for (const [name, count] of Object.entries(other.faults))
    totals.faults[name] = (totals.faults[name] ?? 0) + count;
};

const totalsOf = (report: SimulationReport): Totals => ({
  runs: 1,
  failed: report.failure === null ? 0 : 1,
  steps: report.steps,
  writes: report.writes,
  deviceSeconds: (report.plan.devices * report.milliseconds) / 1000,
  longestRecovery: report.recovery,
  faults: Object.fromEntries(report.faults),
});

const numberOf = (text: string | undefined): number | undefined => {
  if (text === undefined) return undefined;
  const number = Number(text);
  if (Number.isSafeInteger(number) && number >= 0) return number;
  console.error(`${text} is no whole number`);
  process.exit(2);
};

const seed = numberOf(values.seed) ?? 1;
const seconds = numberOf(values.seconds);
const runs = numberOf(values.runs) ?? (seconds === undefined ? 100 : Number.MAX_SAFE_INTEGER);
const jobs = Math.min(numberOf(values.jobs) ?? Math.min(2, availableParallelism()), runs);
const until = performance.now() + 1000 * (seconds ?? Number.POSITIVE_INFINITY);
const mostFailures = numberOf(values.failures) ?? 3;

if (values.carrier !== undefined && values.carrier !== 'link' && values.carrier !== 'long-poll') {
  console.error(`--carrier ${values.carrier}, expected link or long-poll`);
  process.exit(2);
}
const chosen: Omit<SimulationOptions, 'seed'> = {
  devices: numberOf(values.devices),
  servers: numberOf(values.servers),
  partitions: numberOf(values.partitions),
  shares: numberOf(values.shares),
  carrier: values.carrier,
  tight: values.tight === undefined ? undefined : values.tight === 'yes',
  sync: values.sync === undefined ? undefined : values.sync === 'yes',
  keep: values.keep
    ?.split(',')
    .filter((each) => each !== '')
    .map((each) => numberOf(each) ?? 0),
};

/** What is said of a run besides its seed, as the command takes it. */
const flagsOf = (options: Omit<SimulationOptions, 'seed'>): readonly string[] => {
  const { sync, tight, keep } = options;
  const flags: string[] = [];
  for (const name of ['devices', 'servers', 'partitions', 'shares', 'carrier'] as const)
    if (options[name] !== undefined) flags.push(`--${name} ${options[name]}`);
  if (tight !== undefined) flags.push(`--tight ${tight ? 'yes' : 'no'}`);
  if (sync !== undefined) flags.push(`--sync ${sync ? 'yes' : 'no'}`);
  if (keep !== undefined) flags.push(`--keep ${keep.join(',') || ','}`);
  return flags;
};

/** The command that replays a run. */
const command = (options: SimulationOptions): string =>
  ['npm run sim --', `--seed ${options.seed}`, '--runs 1', ...flagsOf(options), '--transcript'].join(' ');

interface Told {
  readonly seed: number;
  readonly checker: string;
  readonly message: string;
  readonly command: string;
  readonly transcript: readonly string[];
}

const toldOf = async (options: SimulationOptions, report: SimulationReport): Promise<Told> => {
  const small = await shrinkRun(options, report, { milliseconds: 1000 * (numberOf(values.shrink) ?? 30) });
  return {
    seed: options.seed,
    checker: report.failure?.checker ?? '',
    message: small.report.failure?.message ?? report.failure?.message ?? '',
    command: command(small.options),
    transcript: small.report.transcript?.lines ?? [],
  };
};

const tell = (told: Told): void => {
  if (values.json) console.log(JSON.stringify({ type: 'failure', ...told }));
  else {
    console.log(`\nseed ${told.seed} fails: ${told.checker}: ${told.message}`);
    console.log(`made small: ${told.command}\n`);
    for (const line of told.transcript) console.log(line);
  }
};

/** Runs every `jobs`-th seed from `first`. */
const work = async (first: number, onFailure: (told: Told) => void): Promise<Totals> => {
  const totals = noTotals();
  for (let run = first; run < runs && performance.now() < until; run += jobs) {
    const options = { ...chosen, seed: seed + run };
    const report = await simulate({ ...options, transcript: values.transcript });
    add(totals, totalsOf(report));
    if (values.transcript) for (const line of report.transcript?.lines ?? []) console.log(line);
    if (report.failure === null) continue;
    if (values.transcript)
      onFailure({ seed: options.seed, ...report.failure, command: command(options), transcript: [] });
    else onFailure(await toldOf(options, report));
    if (totals.failed >= mostFailures) break;
  }
  return totals;
};

type FromWorker = { readonly told: Told } | { readonly totals: Totals };

const isFromWorker = (message: unknown): message is FromWorker =>
  typeof message === 'object' && message !== null && ('told' in message || 'totals' in message);

/** Workers are this program once more, each with its share of the seeds. */
const share = (): Promise<Totals> => {
  const file = fileURLToPath(import.meta.url);
  const totals = noTotals();
  const workers = Array.from(
    { length: jobs },
    (_, first) =>
      new Promise<void>((resolve, reject) => {
        const worker = fork(file, process.argv.slice(2), {
          env: { ...process.env, SYNCLINE_SIM_SHARE: `${first}/${jobs}` },
          execArgv: process.execArgv,
        });
        worker.on('message', (message: unknown) => {
          if (!isFromWorker(message)) return;
          if ('told' in message) tell(message.told);
          else add(totals, message.totals);
        });
        worker.on('exit', (code) => {
          if (code === 0) resolve();
          else reject(new Error(`a worker ended with ${code}`));
        });
      }),
  );
  return Promise.all(workers).then(() => totals);
};

const verdict = (totals: Totals, elapsed: number): void => {
  const faults = Object.entries(totals.faults).sort(([, a], [, b]) => b - a);
  if (values.json) {
    console.log(JSON.stringify({ type: 'summary', seed, ...totals, seconds: elapsed }));
    return;
  }
  const perSecond = Math.round(totals.deviceSeconds / elapsed);
  console.log(
    `\n${totals.steps} steps, ${totals.writes} writes, ${Math.round(totals.deviceSeconds)} device-seconds (${perSecond} a second), rest within ${totals.longestRecovery / 1000} s of healing`,
  );
  console.log(`faults: ${faults.map(([name, count]) => `${count} ${name}`).join(', ') || 'none'}`);
  console.log(`${totals.runs - totals.failed} passed, ${totals.failed} failed, in ${elapsed.toFixed(1)} s`);
};

const asWorker = process.env['SYNCLINE_SIM_SHARE'];
if (asWorker === undefined) {
  const start = performance.now();
  if (!values.json)
    console.log(
      [
        `seed ${seed}, ${seconds === undefined ? `${runs} runs` : `${seconds} s`}, ${jobs} at a time`,
        ...flagsOf(chosen),
      ].join(', '),
    );
  const totals = await (jobs > 1 ? share() : work(0, tell));
  verdict(totals, (performance.now() - start) / 1000);
  process.exitCode = totals.failed === 0 ? 0 : 1;
} else {
  const send = (message: FromWorker): void => void process.send?.(message);
  send({ totals: await work(Number(asWorker.split('/')[0]), (told) => send({ told })) });
  process.disconnect?.();
}
