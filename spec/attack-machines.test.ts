import { hostileClients, hostileServer } from './kit/attack-law.js';
import { type Random, seeded } from './kit/random.js';
import { suite } from './kit/suite.js';

const attacks = suite('attacks on the machines');

const holds = (law: (random: Random) => string | null, runs: number): void => {
  for (let seed = 1; seed <= runs; seed++) {
    let found: string | null = null;
    try {
      found = law(seeded(seed));
    } catch (error) {
      found = error instanceof Error ? String(error.stack) : String(error);
    }
    if (found !== null) throw new Error(`seed ${seed}: ${found}`);
  }
};

attacks('clients who say anything disturb nobody, and what is stored can be read back', () =>
  holds(hostileClients, 40),
);

attacks('a server that says anything makes no device throw, lose a write, or store what it cannot read', () =>
  holds(hostileServer, 40),
);

attacks.run();
