/**
 * How much life the simulator gets through: virtual device-seconds per second and whole runs per minute, by size.
 *
 * A run is a world with its faults, from its beginning until it has come to rest. `one thread of events` are runs
 * without a transcript; `with transcript` prints every message in the notation, as a failing run is replayed.
 *
 * Goal: 20,000 runs as `npm run sim` draws them in under 30 minutes on two cores, so 333 a minute on each.
 */
import { type SimulationOptions, simulate } from '../spec/simulation/simulate.js';
import { recordingCost } from './recording-cost.js';
import type { Suite, SuiteOptions } from './suite.js';

interface Size {
  readonly workload: string;
  readonly runs: number;
  readonly options: Omit<SimulationOptions, 'seed'>;
}

const sizes: readonly Size[] = [
  { workload: 'as npm run sim draws them', runs: 60, options: {} },
  {
    workload: '2 devices, 10 events',
    runs: 60,
    options: { devices: 2, servers: 1, partitions: 1, steps: 10 },
  },
  {
    workload: '4 devices, 50 events',
    runs: 20,
    options: { devices: 4, servers: 1, partitions: 1, steps: 50 },
  },
  {
    workload: '10 devices, 200 events',
    runs: 4,
    options: { devices: 10, servers: 2, partitions: 1, steps: 200 },
  },
];

const measured = async (
  { workload, runs, options }: Size,
  { smoke, report }: SuiteOptions,
): Promise<void> => {
  const count = smoke ? 1 : runs;
  // The first ones are slow while the engine learns the code.
  for (let seed = 1; seed <= (smoke ? 0 : 10); seed++) await simulate({ ...options, seed });
  for (const [subject, transcript] of [
    ['syncline', false],
    ['syncline, with transcript', true],
  ] as const) {
    let deviceSeconds = 0;
    let steps = 0;
    const start = performance.now();
    for (let seed = 1; seed <= count; seed++) {
      const { plan, milliseconds, steps: taken, failure } = await simulate({ ...options, seed, transcript });
      if (failure !== null) throw new Error(`seed ${seed} fails: ${failure.checker}: ${failure.message}`);
      deviceSeconds += (plan.devices * milliseconds) / 1000;
      steps += taken;
    }
    const seconds = (performance.now() - start) / 1000;
    report({ workload, subject, metric: 'speed', value: deviceSeconds / seconds, unit: 'device-seconds/s' });
    report({ workload, subject, metric: 'runs', value: (60 * count) / seconds, unit: 'runs/minute' });
    report({ workload, subject, metric: 'steps', value: steps / seconds, unit: 'steps/s' });
  }
};

export const suite: Suite = {
  name: 'sim',
  question: 'How much simulated life does a second hold?',
  async run(options) {
    // The larger ones differ in numbers only.
    for (const size of options.smoke ? sizes.slice(0, 2) : sizes) await measured(size, options);
    await recordingCost(options);
  },
};
