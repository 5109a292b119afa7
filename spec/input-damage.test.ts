/** Inputs that strangers and damaged stores give: whatever a decoder reads, and values of the language. */
import * as assert from 'uvu/assert';
import { hostileBytes } from './kit/decoder-law.js';
import { decoderNames, decoders } from './kit/decoders.js';
import { hostileInputs, inputReaders } from './kit/input-law.js';
import { readAllKept } from './kit/kept-inputs.js';
import { processorTime } from './kit/processor-time.js';
import { seeded } from './kit/random.js';
import { suite } from './kit/suite.js';

const damage = suite('damaged inputs');

damage('are read or refused, and nothing is thrown; both happen to each', () => {
  const seen = new Set<string>();
  for (let seed = 1; seed <= 10; seed++)
    assert.is(
      hostileInputs(seeded(seed), { told: (name, outcome) => seen.add(`${name} ${outcome}`) }),
      null,
      `seed ${seed}`,
    );
  const both = Object.keys(inputReaders).flatMap((name) => [`${name} refused`, `${name} taken`]);
  assert.equal(seen, new Set(both));
});

damage('of every decoder, too', () => {
  const kept = readAllKept();
  const seen = new Set<string>();
  for (let seed = 1; seed <= 2; seed++) {
    const found = hostileBytes(seeded(seed), {
      kept,
      faultOf: (name, bytes) => {
        const { outcome, says } = decoders[name](bytes);
        seen.add(`${name} ${outcome}`);
        return outcome === 'wrong' ? says : null;
      },
    });
    assert.is(found, null, `seed ${seed}`);
  }
  assert.equal(seen, new Set(decoderNames.flatMap((name) => [`${name} refused`, `${name} taken`])));
});

const hasRegion = (input: unknown): boolean =>
  typeof input === 'object' && input !== null && 'region' in input && 'votes' in input;

damage('of a reader that throws, or reads otherwise than it should, are told', () => {
  const fails = (broken: Partial<typeof inputReaders>, patience = 2_000): string => {
    for (let seed = 1; seed <= 20; seed++) {
      const found = hostileInputs(seeded(seed), { readers: { ...inputReaders, ...broken }, patience });
      if (found !== null) return found;
    }
    return 'nothing is found';
  };
  const throwing = fails({
    filters: (input) => {
      if (hasRegion(input)) throw new TypeError('a planted fault');
      return inputReaders.filters(input);
    },
  });
  assert.match(throwing, /^filters: TypeError: a planted fault/);
  const unfair = fails({
    subprotocols: (offer) => {
      const read = inputReaders.subprotocols(offer);
      const planted = { outcome: 'wrong', says: 'a planted choice' } as const;
      return read.outcome === 'taken' && offer.offered.length > 2 ? planted : read;
    },
  });
  assert.is(unfair, 'subprotocols: a planted choice');
  const slow = fails(
    {
      updates: (input) => {
        const until = processorTime() + 300;
        while (hasRegion(input) && processorTime() < until);
        return inputReaders.updates(input);
      },
    },
    250,
  );
  assert.match(slow, /^updates: took \d+ ms$/);
});

damage.run();
