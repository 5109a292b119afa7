import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type SimulationOptions, simulate } from './simulation/simulate.js';

/** Lives that have failed once, made small, and what was wrong. Their events are given, so that they stay what they are. */
const corpus: readonly (SimulationOptions & { readonly wrong: string })[] = [
  {
    wrong: 'an expired file was not told which of its writes the server had, and a reset did them again',
    seed: 1747,
    devices: 1,
    servers: 1,
    partitions: 1,
    carrier: 'link',
    compacts: true,
    maxOffline: 54_000,
    reset: 'recover',
    events: [
      { at: 15_166, does: 'write', seed: 3 },
      { at: 15_166, does: 'pause', seed: 0 },
      { at: 94_000, does: 'server restart', seed: 0 },
    ],
  },
  {
    wrong: 'a device with its downloads held did not find out that the server had lost acknowledged writes',
    seed: 800_504,
    devices: 1,
    servers: 1,
    partitions: 1,
    carrier: 'link',
    explain: false,
    tight: false,
    compacts: true,
    maxOffline: null,
    reset: 'recover',
    events: [
      { at: 239, does: 'pause one way', seed: 2 },
      { at: 314, does: 'write', seed: 0 },
      { at: 752, does: 'restored backup', seed: 0 },
      { at: 895, does: 'write', seed: 0 },
    ],
  },
];

const past = suite('corpus');

for (const { wrong, ...options } of corpus)
  past(`not again: ${wrong}`, async () => {
    const { failure } = await simulate(options);
    assert.is(failure, null, failure === null ? '' : `${failure.checker}: ${failure.message}`);
  });

past.run();
