import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type SimulationOptions, simulate } from './simulation/simulate.js';

/** Lives that have failed once, made small, and what was wrong. */
const corpus: readonly (SimulationOptions & { readonly wrong: string })[] = [
  {
    wrong: 'an expired file was not told which of its writes the server had, and a reset did them again',
    seed: 1747,
    devices: 1,
    servers: 1,
    keep: [2, 4, 28],
  },
];

const past = suite('corpus');

for (const { wrong, ...options } of corpus)
  past(`not again: ${wrong}`, async () => {
    const { failure } = await simulate(options);
    assert.is(failure, null, failure === null ? '' : `${failure.checker}: ${failure.message}`);
  });

past('what a reset finds integrated already it does not do again', async () => {
  // The answer to the last upload is lost with the session, and the file expires before it comes back.
  for (let seed = 1; seed <= 12; seed++) {
    const { failure } = await simulate({
      seed,
      servers: 1,
      steps: 12,
      maxOffline: 15_000,
      reset: 'recover',
      faults: ['long absence', 'broken link'],
    });
    assert.is(failure, null, `seed ${seed}: ${failure?.checker}: ${failure?.message}`);
  }
});

past.run();
