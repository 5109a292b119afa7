/** The link suite on long-poll links over `node:http`. */

import { linkConformance } from './conformance/link.js';
import { suite } from './kit/suite.js';
import { halfOpenSetup, longPollSetup } from './long-poll-setup.js';

const test = suite('long-poll link');

for (const { name, run } of linkConformance(longPollSetup)) test(name, run);
for (const { name, run } of linkConformance(halfOpenSetup))
  if (name.startsWith('a half-open')) test(`${name}, soon`, run);

test.run();
