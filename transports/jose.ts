/** The entry point `syncline/jose`: tokens that are signed JSON web tokens, on the package `jose`. */

export type { TokenFault, TokenVerdict, User, VerifyToken } from './ports.js';
export {
  type JoseClaims,
  type JoseKey,
  type JoseModule,
  type JoseRemoteOptions,
  type JoseVerifierOptions,
  type JoseVerifyOptions,
  joseVerifier,
  type TokenKeys,
} from './tokens/jose.js';
