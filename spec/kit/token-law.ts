/**
 * The law of tokens: nothing counts as verified but what was signed, to the letter, and then for who and until when
 * it says; anything else is refused with its fault. Whatever comes, nothing is thrown, and it takes no time.
 */
import * as jose from 'jose';
import { joseVerifier } from '../../transports/jose.js';
import type { VerifyToken } from '../../transports/ports.js';
import { damaged, jsonText, mangled } from './mangled.js';
import { ManualClock } from './manual-clock.js';
import { processorTime } from './processor-time.js';
import { once, pick, type Random } from './random.js';

/** Milliseconds of the processor that one token may take. */
const patience = 2_000;

const now = 1_800_000_000_000;
const clock = new ManualClock(now);
const encoded = (value: string): Uint8Array => new TextEncoder().encode(value);
const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const base64 = (bytes: Uint8Array | string): string => Buffer.from(bytes).toString('base64url');

const secret = encoded('a secret of more than thirty-two bytes, for the law of tokens');

const keysOf = async (alg: string) => {
  const { publicKey, privateKey } = await jose.generateKeyPair(alg, { extractable: true });
  const jwk = { ...(await jose.exportJWK(publicKey)), alg, kid: `key of ${alg}` };
  return {
    alg,
    publicKey,
    privateKey,
    jwk,
    kid: jwk.kid,
    published: encoded(await jose.exportSPKI(publicKey)),
  };
};

interface Signer {
  readonly verify: VerifyToken;
  readonly alg: string;
  readonly kid: string | null;
  readonly key: Uint8Array | jose.CryptoKey;
  /** What anybody may know of the key. */
  readonly published: Uint8Array;
}

const signersOf = async (): Promise<readonly Signer[]> => {
  const [ec, ed] = await Promise.all([keysOf('ES256'), keysOf('EdDSA')]);
  const { alg, kid, privateKey: key, published } = ec;
  const set = { keys: [ec.jwk, ed.jwk] };
  return [
    {
      verify: joseVerifier({ jose, keys: { secret }, clock }),
      alg: 'HS256',
      kid: null,
      key: secret,
      published: new Uint8Array(32),
    },
    { verify: joseVerifier({ jose, keys: { keySet: set }, clock }), alg, kid, key, published },
    { verify: joseVerifier({ jose, keys: { key: ec.jwk }, clock }), alg, kid, key, published },
    { verify: joseVerifier({ jose, keys: { key: ec.publicKey }, clock }), alg, kid, key, published },
  ];
};

let made: Promise<readonly Signer[]> | null = null;

const claims = {
  sub: 'ada',
  iat: now / 1000,
  exp: now / 1000 + 3_600,
  nbf: now / 1000 - 1,
  role: ['editor'],
};

type Claims = Readonly<Record<string, unknown>>;

const signed = async ({ alg, kid, key }: Signer, payload: Claims): Promise<string> => {
  const head = { alg, ...(kid === null ? {} : { kid }) };
  const signer = new jose.CompactSign(encoded(jsonText(payload)));
  return signer.setProtectedHeader(head).sign(key);
};

const headers = (random: Random, { alg, kid }: Signer): unknown =>
  pick<unknown>(random, [
    { alg: 'none' },
    { alg: 'HS256', kid },
    { alg: 'RS256', kid },
    { alg: 'EdDSA', kid: 'key of EdDSA' },
    { alg: 'ES256', kid },
    { alg, kid: 'nobody' },
    { alg, kid, crit: ['b64'], b64: false },
    { alg, kid, crit: ['x'], x: 1 },
    { alg, jwk: { kty: 'oct', k: 'AAAA' } },
    { alg, kid: '__proto__' },
    mangled(random, { alg, kid, typ: 'JWT', cty: 'x' }, 0),
  ]);

/** Something that was never signed, or was and is no more what it was. */
const forged = async (random: Random, signer: Signer, original: string): Promise<string> => {
  const [head = '', payload = '', signature = ''] = original.split('.');
  switch (random.int(9)) {
    case 0:
    case 1:
      return text(damaged(random, encoded(original)));
    case 2:
      return `${base64(jsonText(headers(random, signer)))}.${payload}.${pick(random, [signature, '', 'AA'])}`;
    case 3:
      return `${head}.${base64(jsonText(mangled(random, { ...claims, sub: 'bob' }, 0)))}.${signature}`;
    case 4:
      return `${head}.${payload}.${base64(damaged(random, Buffer.from(signature, 'base64url')))}`;
    case 5: {
      // What is published is no secret.
      const own = new jose.CompactSign(encoded(jsonText(claims))).setProtectedHeader({ alg: 'HS256' });
      return own.sign(signer.published);
    }
    case 6:
      return pick(random, ['', '.', '..', '...', `${original}.`, `.${original}`, `${head}.${payload}`]);
    case 7:
      return `${base64(damaged(random, Buffer.from(head, 'base64url')))}.${payload}.${signature}`;
    default:
      return `${head}.${pick(random, ['', 'e30', '_', 'A'.repeat(20_000)])}.${signature}`;
  }
};

/** Null, or what is wrong with a verdict on a token, of which `original` is one that was signed with `payload`. */
const judged = async (
  verify: VerifyToken,
  token: string,
  original: string,
  payload: Claims,
  told: HostileTokens['told'],
): Promise<string | null> => {
  const verdict = await verify(token);
  told?.(verdict.type === 'verified' ? 'verified' : verdict.fault);
  if (verdict.type === 'refused') return verdict.message === '' ? 'refused without a reason' : null;
  const [at, originalAt] = [token.lastIndexOf('.'), original.lastIndexOf('.')];
  const bytesOf = (signature: string): string => Buffer.from(signature, 'base64url').toString('hex');
  const isSigned =
    token.slice(0, at) === original.slice(0, originalAt) &&
    bytesOf(token.slice(at + 1)) === bytesOf(original.slice(originalAt + 1));
  if (!isSigned) return 'verified, and nobody has signed it';
  const { sub, exp } = payload;
  if (verdict.user.id !== sub || verdict.user.id === '') return `verified as ${verdict.user.id}`;
  return verdict.expiresAt === Number(exp) * 1000 && verdict.expiresAt > now
    ? null
    : `good until ${verdict.expiresAt}`;
};

export interface HostileTokens {
  /** Something in the place of a verifier. */
  readonly verifier?: (verify: VerifyToken) => VerifyToken;
  readonly told?: (fault: string) => unknown;
}

/** Some twenty tokens for each of a few verifiers. Null where the law holds. */
export const hostileTokens = async (random: Random, options: HostileTokens = {}): Promise<string | null> => {
  const { verifier = (verify) => verify, told } = options;
  made ??= signersOf();
  for (const signer of await made)
    for (let left = 20; left > 0; left--) {
      // The issuer is trusted, and may be wrong: its claims are what they are.
      const given = once(random, 3) ? mangled(random, claims, 0) : claims;
      const isRecord = typeof given === 'object' && given !== null && !Array.isArray(given);
      const payload = JSON.parse(jsonText(isRecord ? given : claims)) as Claims;
      const original = await signed(signer, payload);
      const token = once(random, 4) ? original : await forged(random, signer, original);
      const start = processorTime();
      let fault: string | null;
      try {
        fault = await judged(verifier(signer.verify), token, original, payload, told);
      } catch (error) {
        fault = `thrown: ${error instanceof Error ? `${error.message}: ${String(error.cause)}` : String(error)}`;
      }
      const took = processorTime() - start;
      if (fault === null && took > patience) fault = `took ${Math.round(took)} ms`;
      if (fault !== null)
        return `${token}\n${text(Buffer.from(token.split('.')[0] ?? '', 'base64url'))}\n${jsonText(payload)}\n${fault}`;
    }
  return null;
};
