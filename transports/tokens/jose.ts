/**
 * Tokens that are signed JSON web tokens (RFC 7519), verified by the package `jose`, which the embedder passes:
 * `import * as jose from 'jose'`. A server without such tokens does not load it.
 *
 * The algorithms are a list, and each key is for its kind of algorithm: what the head of a token says is checked
 * against the list before anything else, so that nobody can sign with a public key as if it were a secret, or
 * not at all.
 */
import { systemClock } from '../clock.js';
import type { Clock, TokenFault, TokenVerdict, VerifyToken } from '../ports.js';

/** What a token claims. */
export interface JoseClaims {
  readonly [claim: string]: unknown;
}

/** A key, or what finds the key for a token. */
export type JoseKey = Uint8Array | object;

export interface JoseVerifyOptions {
  readonly algorithms: string[];
  readonly audience?: string | string[];
  readonly issuer?: string | string[];
  readonly clockTolerance: number;
  readonly currentDate: Date;
  readonly requiredClaims: string[];
}

export interface JoseRemoteOptions {
  readonly timeoutDuration?: number;
  readonly cooldownDuration?: number;
  readonly cacheMaxAge?: number;
}

/** What is used of the package `jose`, version 6. */
export interface JoseModule {
  jwtVerify(token: string, key: never, options: JoseVerifyOptions): Promise<{ readonly payload: JoseClaims }>;
  createLocalJWKSet(keys: never): JoseKey;
  createRemoteJWKSet(url: URL, options: JoseRemoteOptions): JoseKey;
}

/** Where the keys are. Those of key sets are found by the `kid` and the algorithm of a token. */
export type TokenKeys =
  /** For HS256, HS384 and HS512: at least as many bytes as the digest has. */
  | { readonly secret: Uint8Array }
  /** A public key: a `CryptoKey`, a `KeyObject` of Node, or a JSON web key. */
  | { readonly key: object }
  /** A JSON web key set. */
  | { readonly keySet: { readonly keys: readonly object[] } }
  /** The address of one, which is asked for again when it is old, or has not the key of a token. Milliseconds. */
  | {
      readonly keySetUrl: string;
      readonly timeout?: number;
      /** Between two questions for keys that were not there. */
      readonly cooldown?: number;
      readonly maxAge?: number;
    };

export interface JoseVerifierOptions {
  readonly jose: JoseModule;
  readonly keys: TokenKeys;
  /** By default HS256 for a secret, and RS256, ES256 and EdDSA for other keys. */
  readonly algorithms?: readonly string[];
  /** Whom tokens have to be for; of several, one. */
  readonly audience?: string | readonly string[];
  /** Who has to have issued them; of several, one. */
  readonly issuer?: string | readonly string[];
  /** Milliseconds that the issuer's clock may differ; 0 by default. */
  readonly clockTolerance?: number;
  /** The claim that names the user; `sub` by default. */
  readonly userClaim?: string;
  readonly clock?: Clock;
}

/** Longer tokens are not looked at. */
const maxTokenLength = 16 * 1024;

const secretBytes: Readonly<Record<string, number>> = { HS256: 32, HS384: 48, HS512: 64 };

const signatures: ReadonlySet<string> = new Set([
  ...['RS', 'PS', 'ES'].flatMap((family) => ['256', '384', '512'].map((size) => `${family}${size}`)),
  'EdDSA',
  'Ed25519',
]);

const algorithmsFor = ({ keys, algorithms }: JoseVerifierOptions): string[] => {
  const chosen = [...(algorithms ?? ('secret' in keys ? ['HS256'] : ['RS256', 'ES256', 'EdDSA']))];
  if (chosen.length === 0) throw new RangeError('the algorithms of tokens are none, expected at least one');
  for (const each of chosen) {
    const least = secretBytes[each];
    if ('secret' in keys) {
      if (least === undefined) throw new RangeError(`${each} is no algorithm for a secret`);
      if (keys.secret.length < least)
        throw new RangeError(
          `a secret of ${keys.secret.length} bytes: ${each} takes one of at least ${least}`,
        );
    } else if (!signatures.has(each)) throw new RangeError(`${each} is no algorithm for a public key`);
  }
  return chosen;
};

const resolverOf = ({ jose, keys }: JoseVerifierOptions): JoseKey => {
  if ('secret' in keys) return keys.secret;
  if ('key' in keys) return keys.key;
  if ('keySet' in keys) return jose.createLocalJWKSet(keys.keySet as never);
  const { keySetUrl, timeout, cooldown, maxAge } = keys;
  return jose.createRemoteJWKSet(new URL(keySetUrl), {
    ...(timeout === undefined ? {} : { timeoutDuration: timeout }),
    ...(cooldown === undefined ? {} : { cooldownDuration: cooldown }),
    ...(maxAge === undefined ? {} : { cacheMaxAge: maxAge }),
  });
};

type Refused = Extract<TokenVerdict, { type: 'refused' }>;

const refused = (fault: TokenFault, message: string): Refused => ({ type: 'refused', fault, message });

/** Sentences of our own: what `jose` says might quote what a token claims. */
const faults: ReadonlyMap<unknown, Refused> = new Map([
  ['ERR_JWT_EXPIRED', refused('expired', 'the token has expired')],
  ['ERR_JWS_INVALID', refused('malformed', 'the token is not well formed')],
  ['ERR_JWT_INVALID', refused('malformed', 'the token is not well formed')],
  ['ERR_JOSE_ALG_NOT_ALLOWED', refused('untrusted', 'the token is signed by an algorithm that is not taken')],
  ['ERR_JOSE_NOT_SUPPORTED', refused('untrusted', 'the token is signed in a way that is not known')],
  ['ERR_JWKS_NO_MATCHING_KEY', refused('untrusted', 'the token is signed with a key that is not known')],
  [
    'ERR_JWKS_MULTIPLE_MATCHING_KEYS',
    refused('untrusted', 'the token does not say which key it is signed with'),
  ],
  ['ERR_JWS_SIGNATURE_VERIFICATION_FAILED', refused('untrusted', 'the signature of the token is wrong')],
]);

const claimFaults: ReadonlyMap<unknown, Refused> = new Map([
  ['nbf', refused('notYetValid', 'the token is not valid yet')],
  ['aud', refused('wrongAudience', 'the token is for another audience')],
  ['iss', refused('untrusted', 'the token is of another issuer')],
]);

const field = (error: unknown, name: string): unknown =>
  typeof error === 'object' && error !== null ? Reflect.get(error, name) : undefined;

const refusalOf = (error: unknown): Refused | undefined => {
  const code = field(error, 'code');
  if (code !== 'ERR_JWT_CLAIM_VALIDATION_FAILED') return faults.get(code);
  const claim = field(error, 'claim');
  const isMissing = field(error, 'reason') === 'missing';
  return (
    (isMissing && claim !== 'aud' && claim !== 'iss' ? undefined : claimFaults.get(claim)) ??
    refused('malformed', `the claim ${String(claim)} of the token is missing or not of its type`)
  );
};

/** Of several algorithms a single key serves some: what its token names is its sender's choice, and no failure of ours. */
const misfitOf = (error: unknown, keys: TokenKeys): Refused | undefined =>
  'key' in keys && error instanceof TypeError
    ? refused('untrusted', 'the token is signed by an algorithm that does not go with the key')
    : undefined;

const isTime = (seconds: unknown): seconds is number =>
  typeof seconds === 'number' && Number.isFinite(seconds);

const list = (value: string | readonly string[]): string | string[] =>
  typeof value === 'string' ? value : [...value];

/**
 * A verifier for `ServerOptions.verifyToken`. Tokens have to name their user and their end. `data` of the user
 * are the claims.
 *
 * @throws RangeError where the algorithms do not go with the key, or a secret is too short.
 */
export const joseVerifier = (options: JoseVerifierOptions): VerifyToken => {
  const { jose, audience, issuer, clockTolerance = 0, userClaim = 'sub', clock = systemClock } = options;
  const fixed = {
    algorithms: algorithmsFor(options),
    clockTolerance: clockTolerance / 1000,
    requiredClaims: ['exp', userClaim],
    ...(audience === undefined ? {} : { audience: list(audience) }),
    ...(issuer === undefined ? {} : { issuer: list(issuer) }),
  };
  const key = resolverOf(options) as never;

  const verdictOf = (claims: JoseClaims): TokenVerdict => {
    const id = claims[userClaim];
    const { exp, iat } = claims as { readonly exp?: unknown; readonly iat?: unknown };
    if (typeof id !== 'string' || id === '')
      return refused('malformed', `the claim ${userClaim} of the token names nobody`);
    if (!isTime(exp)) return refused('malformed', 'the claim exp of the token is no time');
    return {
      type: 'verified',
      user: { id, data: claims },
      expiresAt: exp * 1000 + clockTolerance,
      issuedAt: isTime(iat) ? iat * 1000 : null,
    };
  };

  return async (token) => {
    if (token === '') return refused('malformed', 'there is no token');
    if (token.length > maxTokenLength)
      return refused(
        'malformed',
        `a token of ${token.length} characters, at most ${maxTokenLength} are taken`,
      );
    try {
      const { payload } = await jose.jwtVerify(token, key, { ...fixed, currentDate: new Date(clock.now()) });
      return verdictOf(payload);
    } catch (error) {
      const refusal = refusalOf(error) ?? misfitOf(error, options.keys);
      if (refusal !== undefined) return refusal;
      throw new Error('the keys of tokens cannot be had', { cause: error });
    }
  };
};
