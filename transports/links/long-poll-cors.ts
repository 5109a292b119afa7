/**
 * Which pages of the web may use a listener: cross-origin resource sharing (Fetch standard, section 3.2).
 *
 * Without a list nothing is said, and browsers keep answers from pages of other origins. With one, pages of
 * the server's own host and of the list are served, and others are refused before anything is read.
 */

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

export const cors = ({ origins, credentials = false }: CorsOptions, request: Request): CorsDecision => {
  if (origins === undefined) return { allowed: true, headers: {} };
  if (origins === '*') return { allowed: true, headers: { 'access-control-allow-origin': '*' } };
  const origin = request.headers.get('origin');
  const vary = { vary: 'origin' };
  if (origin === null) return { allowed: true, headers: vary };
  if (!origins.includes(origin)) return { allowed: isOwnHost(origin, request.url), headers: vary };
  const shared = { ...vary, 'access-control-allow-origin': origin };
  return {
    allowed: true,
    headers: credentials ? { ...shared, 'access-control-allow-credentials': 'true' } : shared,
  };
};

/** What a preflight of an allowed page is answered with, beside the headers of the decision. */
export const preflightHeaders = (request: Request): Record<string, string> => ({
  'access-control-allow-methods': 'POST',
  'access-control-allow-headers': request.headers.get('access-control-request-headers') ?? '',
  'access-control-max-age': String(maxAge),
});

/** The scheme may have been changed by a proxy. */
const isOwnHost = (origin: string, url: string): boolean =>
  URL.canParse(origin) && new URL(origin).host === new URL(url).host;
