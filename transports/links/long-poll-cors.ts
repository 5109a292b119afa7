/**
 * Which pages of the web may use a listener: cross-origin resource sharing (Fetch standard, section 3.2).
 *
 * Without a list nothing is said, and browsers keep answers from pages of other origins. With one, pages of
 * the server's own host and of the list are served, and others are refused before anything is read.
 */
import type { HttpRequest } from './long-poll-http.js';

export interface CorsOptions {
  /** As browsers write them, `https://app.example`; or `*` for all. By default only pages of the same origin. */
  readonly origins?: '*' | readonly string[];
  /** Whether pages of other origins may send cookies; false by default. Not with `*`. */
  readonly credentials?: boolean;
}

export interface CorsDecision {
  readonly allowed: boolean;
  /** For whatever is answered. */
  readonly headers: Readonly<Record<string, string>>;
}

/** Seconds that a browser may keep the answer to a preflight; no browser keeps it longer. */
const maxAge = 86_400;

/** What pages of other origins see beside the few headers that all see. */
const exposed = { 'access-control-expose-headers': 'retry-after' };

export const cors = ({ origins, credentials = false }: CorsOptions, request: HttpRequest): CorsDecision => {
  if (origins === undefined) return { allowed: true, headers: {} };
  if (origins === '*') return { allowed: true, headers: { ...exposed, 'access-control-allow-origin': '*' } };
  const origin = request.header('origin');
  const vary = { vary: 'origin' };
  if (origin === undefined) return { allowed: true, headers: vary };
  if (!origins.includes(origin)) return { allowed: isHost(origin, request.host), headers: vary };
  const shared = { ...vary, ...exposed, 'access-control-allow-origin': origin };
  return {
    allowed: true,
    headers: credentials ? { ...shared, 'access-control-allow-credentials': 'true' } : shared,
  };
};

/** What a preflight of an allowed page is answered with, beside the headers of the decision. */
export const preflightHeaders = (request: HttpRequest): Record<string, string> => {
  const asked = request.header('access-control-request-headers');
  return {
    'access-control-allow-methods': 'POST',
    ...(asked === undefined ? {} : { 'access-control-allow-headers': asked }),
    'access-control-max-age': String(maxAge),
  };
};

/** Whatever the scheme, which a proxy may have changed. */
const isHost = (origin: string, host: string | undefined): boolean =>
  URL.canParse(origin) && new URL(origin).host === host?.toLowerCase();
