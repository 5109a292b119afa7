/** Inputs that strangers and damaged stores give: filters, updates, records of sync and of resets, subprotocols. */
import * as assert from 'uvu/assert';
import { hostileBytes } from './kit/decoder-law.js';
import { hostileInputs } from './kit/input-law.js';
import { seeded } from './kit/random.js';
import { suite } from './kit/suite.js';

const damage = suite('damaged inputs');

damage('are read or refused, and nothing is thrown', () => {
  for (let seed = 1; seed <= 30; seed++) assert.is(hostileInputs(seeded(seed)), null, `seed ${seed}`);
});

damage('of every decoder, too', () => {
  for (let seed = 1; seed <= 2; seed++) assert.is(hostileBytes(seeded(seed)), null, `seed ${seed}`);
});

damage.run();
