/** Whatever administrators and strangers send over HTTP, and as tokens. */
import * as assert from 'uvu/assert';
import type { AdminOptions } from '../transports/admin.js';
import { SyncError } from '../transports/drivers/sync-error.js';
import type { VerifyToken } from '../transports/ports.js';
import { hostileAdmin } from './kit/admin-law.js';
import { seeded } from './kit/random.js';
import { suite } from './kit/suite.js';
import { hostileTokens } from './kit/token-law.js';

const test = suite('hostile requests');

test('to the admin API are answered with what they are worth, and change nothing where they are refused', async () => {
  const seen = new Set<number>();
  for (let seed = 1; seed <= 15; seed++)
    assert.is(await hostileAdmin(seeded(seed), { told: (status) => seen.add(status) }), null, `seed ${seed}`);
  assert.equal([...seen].sort(), [200, 400, 401, 404, 405, 409, 413, 422]);
});

type Administered = AdminOptions['server'];

/** `server` with another way to disable sync, or to revoke. */
const planted =
  (change: (server: Administered) => Partial<Record<'revoke' | 'sync', unknown>>) =>
  (server: Administered): Administered => {
    const changed = change(server);
    return {
      explainAccess: (user, value) => server.explainAccess(user, value),
      reevaluate: (user) => server.reevaluate(user),
      revoke: (changed.revoke ?? ((user: string) => server.revoke(user))) as Administered['revoke'],
      sync: (changed.sync ?? server.sync) as Administered['sync'],
    };
  };

const found = async (administered: (server: Administered) => Administered): Promise<string> => {
  for (let seed = 1; seed <= 15; seed++) {
    const fault = await hostileAdmin(seeded(seed), { administered });
    if (fault !== null) return fault;
  }
  return 'nothing is found';
};

test('to an admin API that fails, or changes what it refuses, are told', async () => {
  const throwing = planted(() => ({
    revoke: () => {
      throw new TypeError('a planted fault');
    },
  }));
  assert.match(await found(throwing), /revoke"[\s\S]*\na failure of the server: TypeError: a planted fault$/);
  const changing = planted(({ sync }) => ({
    sync: new Proxy(sync as object, {
      get: (target, name) => {
        const own: unknown = Reflect.get(target, name, target);
        if (typeof own !== 'function') return own;
        return async (...given: unknown[]) => {
          const done: unknown = await own.apply(target, given);
          if (name === 'disable') throw new SyncError('state', 'a planted refusal');
          return done;
        };
      },
    }),
  }));
  assert.match(await found(changing), /disable[\s\S]*\nanswered with 409, and something has changed$/);
});

test('as tokens are refused with their fault, and nothing is verified that nobody has signed', async () => {
  const seen = new Set<string>();
  for (let seed = 1; seed <= 12; seed++)
    assert.is(await hostileTokens(seeded(seed), { told: (fault) => seen.add(fault) }), null, `seed ${seed}`);
  assert.equal([...seen].sort(), ['expired', 'malformed', 'notYetValid', 'untrusted', 'verified']);
});

test('as tokens are told where a verifier believes them, or throws', async () => {
  const found = async (verifier: (verify: VerifyToken) => VerifyToken): Promise<string> => {
    for (let seed = 1; seed <= 12; seed++) {
      const fault = await hostileTokens(seeded(seed), { verifier });
      if (fault !== null) return fault;
    }
    return 'nothing is found';
  };
  const user = { id: 'ada', data: null };
  const believing = await found((verify) => async (token) => {
    const verdict = await verify(token);
    if (verdict.type === 'verified' || !token.endsWith('.')) return verdict;
    return { type: 'verified', user, expiresAt: null, issuedAt: null };
  });
  assert.match(believing, /\nverified, and nobody has signed it$/);
  const throwing = await found((verify) => (token) => {
    if (token.length > 16_384) throw new RangeError('a planted fault');
    return verify(token);
  });
  assert.match(throwing, /\nthrown: a planted fault/);
});

test.run();
