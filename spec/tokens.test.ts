/** Signed web tokens: each algorithm, each way in which a token can be wrong, and nothing of it in what is said. */
import { createServer } from 'node:http';
import { inspect } from 'node:util';
import * as jose from 'jose';
import * as assert from 'uvu/assert';
import { type JoseVerifierOptions, joseVerifier } from '../transports/jose.js';
import type { TokenVerdict } from '../transports/ports.js';
import { ManualClock } from './kit/manual-clock.js';
import { suite } from './kit/suite.js';

const test = suite('tokens');

const now = 1_800_000_000_000;
const clock = new ManualClock(now);
const seconds = now / 1000;
const secret = new TextEncoder().encode(
  'a secret of more than sixty-four bytes, as HS512 wants it; not yours.',
);

interface Signing {
  readonly alg?: string;
  readonly kid?: string;
  readonly claims?: Record<string, unknown>;
  readonly without?: readonly string[];
}

const sign = (
  key: jose.CryptoKey | Uint8Array,
  { alg = 'HS256', kid, claims = {}, without = [] }: Signing = {},
) => {
  const all: Record<string, unknown> = {
    sub: 'ada',
    iat: seconds,
    exp: seconds + 3600,
    role: 'editor',
    ...claims,
  };
  for (const claim of without) delete all[claim];
  return new jose.SignJWT(all).setProtectedHeader({ alg, ...(kid === undefined ? {} : { kid }) }).sign(key);
};

const verifier = (options: Partial<JoseVerifierOptions> = {}) =>
  joseVerifier({ jose, keys: { secret }, clock, ...options });

const faultOf = (verdict: TokenVerdict): string =>
  verdict.type === 'refused' ? `${verdict.fault}: ${verdict.message}` : 'verified';

const asymmetric = ['RS256', 'ES256', 'EdDSA', 'PS256', 'ES384', 'Ed25519'] as const;

test('a secret verifies what it has signed, and says whose it is and until when', async () => {
  for (const alg of ['HS256', 'HS384', 'HS512']) {
    const verdict = await verifier({ algorithms: [alg] })(await sign(secret, { alg }));
    assert.ok(verdict.type === 'verified');
    assert.is(verdict.user.id, 'ada');
    assert.is((verdict.user.data as { role: string }).role, 'editor');
    assert.equal([verdict.expiresAt, verdict.issuedAt], [now + 3_600_000, now]);
  }
});

test('public keys of each algorithm verify, alone, in a set and behind an address', async () => {
  const pairs = await Promise.all(
    asymmetric.map(async (alg) => {
      const { publicKey, privateKey } = await jose.generateKeyPair(alg, {
        extractable: true,
        modulusLength: 2048,
      });
      return {
        alg,
        publicKey,
        privateKey,
        jwk: { ...(await jose.exportJWK(publicKey)), alg, kid: `key of ${alg}` },
      };
    }),
  );
  const keys = pairs.map(({ jwk }) => jwk);
  let asked = 0;
  const server = createServer((_, response) => {
    asked++;
    response.setHeader('content-type', 'application/json').end(JSON.stringify({ keys }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const keySetUrl = `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}/keys`;
  const algorithms = [...asymmetric];
  const remote = verifier({ keys: { keySetUrl }, algorithms });
  const local = verifier({ keys: { keySet: { keys } }, algorithms });
  for (const { alg, publicKey, privateKey, jwk } of pairs) {
    const token = await sign(privateKey, { alg, kid: jwk.kid });
    const others = pairs.find((other) => other.alg !== alg);
    for (const verify of [
      remote,
      local,
      verifier({ keys: { key: publicKey }, algorithms }),
      verifier({ keys: { key: jwk }, algorithms }),
    ])
      assert.is(faultOf(await verify(token)), 'verified', alg);
    // The right algorithm, and another key.
    const stranger = await jose.generateKeyPair(alg, { modulusLength: 2048 });
    const forged = await sign(stranger.privateKey, { alg, kid: jwk.kid });
    assert.match(faultOf(await local(forged)), 'untrusted: the signature');
    assert.match(
      faultOf(await remote(await sign(stranger.privateKey, { alg, kid: 'nobody' }))),
      'untrusted: the token is signed with a key',
    );
    // A key of the set, and the name of another one.
    if (others !== undefined)
      assert.match(faultOf(await local(await sign(privateKey, { alg, kid: others.jwk.kid }))), 'untrusted');
    assert.match(
      faultOf(
        await verifier({ keys: { key: publicKey }, algorithms: [alg === 'RS256' ? 'ES256' : 'RS256'] })(
          token,
        ),
      ),
      'algorithm that is not taken',
    );
  }
  assert.is(asked, 1);
  await new Promise((resolve) => server.close(resolve));
  server.closeAllConnections();
});

test('a key set that cannot be had is no verdict on the token', async () => {
  const verify = verifier({ keys: { keySetUrl: 'http://127.0.0.1:1/keys', timeout: 500 } });
  const { privateKey } = await jose.generateKeyPair('ES256');
  const token = await sign(privateKey, { alg: 'ES256' });
  const error = await verify(token).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  assert.match(String(error), 'the keys of tokens cannot be had');
  assert.not.match(inspect(error, { depth: 9 }), token.split('.')[2] ?? '');
});

const bytes = (text: string): string => Buffer.from(text).toString('base64url');

test('what is wrong with a token is told, and nothing of what is in it', async () => {
  const good = await sign(secret);
  const [head = '', body = '', signature = ''] = good.split('.');
  const { privateKey, publicKey } = await jose.generateKeyPair('RS256', { extractable: true });
  const publicPem = new TextEncoder().encode(await jose.exportSPKI(publicKey));
  const other = new TextEncoder().encode('another secret of at least thirty-two bytes');
  const strict = verifier({ audience: ['notes', 'tasks'], issuer: 'https://id.example' });
  const proper = { aud: 'tasks', iss: 'https://id.example' };
  const cases: readonly [string, (token: string) => Promise<TokenVerdict>, string, string][] = [
    ['nothing', verifier(), '', 'malformed: there is no token'],
    ['a word', verifier(), 'secret', 'malformed'],
    ['two parts', verifier(), `${head}.${body}`, 'malformed'],
    ['five parts', verifier(), `${good}.x.y`, 'malformed'],
    ['no base64', verifier(), `${head}.***.${signature}`, 'malformed|untrusted'],
    ['no JSON', verifier(), `${bytes('{')}.${body}.${signature}`, 'malformed'],
    [
      'a list for claims',
      verifier(),
      await new jose.CompactSign(Buffer.from('[]')).setProtectedHeader({ alg: 'HS256' }).sign(secret),
      'malformed',
    ],
    ['too long', verifier(), 'x'.repeat(20_000), 'malformed: a token of 20000 characters'],
    ['another secret', verifier(), await sign(other), 'untrusted: the signature'],
    [
      'a changed claim',
      verifier(),
      `${head}.${bytes('{"sub":"eve","exp":9999999999}')}.${signature}`,
      'untrusted: the signature',
    ],
    ['no algorithm', verifier(), `${bytes('{"alg":"none"}')}.${body}.`, 'untrusted: .* algorithm'],
    [
      'no algorithm, in capitals',
      verifier(),
      `${bytes('{"alg":"NONE"}')}.${body}.${signature}`,
      'untrusted: .* algorithm',
    ],
    [
      'an unsecured one',
      verifier(),
      new jose.UnsecuredJWT({ sub: 'eve', exp: seconds + 9 }).encode(),
      'untrusted|malformed',
    ],
    [
      'an algorithm of the family',
      verifier(),
      await sign(secret, { alg: 'HS512' }),
      'untrusted: .* algorithm',
    ],
    // The public key, which everybody has, taken for a secret.
    [
      'a public key as a secret',
      verifier({ keys: { key: publicKey } }),
      await sign(publicPem),
      'untrusted: .* algorithm',
    ],
    [
      'a signature for a secret',
      verifier(),
      await sign(privateKey, { alg: 'RS256' }),
      'untrusted: .* algorithm',
    ],
    [
      'an unknown demand',
      verifier(),
      await new jose.SignJWT({})
        .setProtectedHeader({ alg: 'HS256', crit: ['x'], x: 1 } as never)
        .sign(secret, { crit: { x: true } } as never),
      'untrusted|malformed',
    ],
    [
      'expired',
      verifier(),
      await sign(secret, { claims: { exp: seconds } }),
      'expired: the token has expired',
    ],
    ['not yet valid', verifier(), await sign(secret, { claims: { nbf: seconds + 1 } }), 'notYetValid'],
    ['no end', verifier(), await sign(secret, { without: ['exp'] }), 'malformed: the claim exp'],
    ['an end that is no time', verifier(), await sign(secret, { claims: { exp: 'soon' } }), 'malformed'],
    ['nobody', verifier(), await sign(secret, { without: ['sub'] }), 'malformed: the claim sub'],
    [
      'somebody without a name',
      verifier(),
      await sign(secret, { claims: { sub: '' } }),
      'malformed: the claim sub',
    ],
    [
      'somebody who is a number',
      verifier({ userClaim: 'uid' }),
      await sign(secret, { claims: { uid: 7 } }),
      'malformed: the claim uid',
    ],
    ['another audience', strict, await sign(secret, { claims: { ...proper, aud: 'mail' } }), 'wrongAudience'],
    ['no audience', strict, await sign(secret, { claims: proper, without: ['aud'] }), 'wrongAudience'],
    [
      'another issuer',
      strict,
      await sign(secret, { claims: { ...proper, iss: 'https://evil.example' } }),
      'untrusted: .* issuer',
    ],
    ['no issuer', strict, await sign(secret, { claims: proper, without: ['iss'] }), 'untrusted: .* issuer'],
    ['the right ones', strict, await sign(secret, { claims: proper }), 'verified'],
    [
      'one of several audiences',
      strict,
      await sign(secret, { claims: { ...proper, aud: ['mail', 'notes'] } }),
      'verified',
    ],
    [
      'a user of another claim',
      verifier({ userClaim: 'uid' }),
      await sign(secret, { claims: { uid: 'u1' } }),
      'verified',
    ],
    [
      'within the tolerance',
      verifier({ clockTolerance: 5000 }),
      await sign(secret, { claims: { exp: seconds - 4 } }),
      'verified',
    ],
    [
      'beyond the tolerance',
      verifier({ clockTolerance: 5000 }),
      await sign(secret, { claims: { exp: seconds - 5 } }),
      'expired',
    ],
  ];
  for (const [what, verify, token, expected] of cases) {
    const verdict = await verify(token);
    assert.match(faultOf(verdict), new RegExp(expected), what);
    if (verdict.type === 'verified') continue;
    const said = inspect(verdict, { depth: 9 });
    for (const part of token.split('.'))
      assert.ok(part.length < 8 || !said.includes(part), `${what}: ${said}`);
    assert.not.match(said, /eve|evil|mail/, what);
  }
});

test('a token is as good as the clock says', async () => {
  const moving = new ManualClock(now);
  const verify = verifier({ clock: moving, clockTolerance: 2000 });
  const token = await sign(secret, { claims: { exp: seconds + 10, nbf: seconds } });
  const until = await verify(token);
  assert.is(until.type === 'verified' && until.expiresAt, now + 12_000);
  moving.advance(11_999);
  assert.is(faultOf(await verify(token)), 'verified');
  moving.advance(1);
  assert.match(faultOf(await verify(token)), 'expired');
});

test('algorithms that do not go with the key, and weak secrets, are refused at once', async () => {
  const { publicKey } = await jose.generateKeyPair('ES256');
  const wrong: readonly [Partial<JoseVerifierOptions>, RegExp][] = [
    [{ algorithms: [] }, /at least one/],
    [{ algorithms: ['none'] }, /none is no algorithm/],
    [{ algorithms: ['RS256'] }, /RS256 is no algorithm for a secret/],
    [{ algorithms: ['HS256', 'ES256'] }, /ES256 is no algorithm for a secret/],
    [{ keys: { key: publicKey }, algorithms: ['HS256'] }, /HS256 is no algorithm for a public key/],
    [{ keys: { keySet: { keys: [] } }, algorithms: ['none'] }, /none is no algorithm/],
    [{ keys: { secret: new Uint8Array(31) } }, /31 bytes: HS256 takes one of at least 32/],
    [{ keys: { secret: new Uint8Array(47) }, algorithms: ['HS384'] }, /at least 48/],
    [{ keys: { keySetUrl: 'not a URL' } }, /Invalid URL/],
  ];
  for (const [options, message] of wrong) assert.throws(() => verifier(options), message);
});

test.run();
