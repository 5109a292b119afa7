/**
 * Requests and answers of HTTP as far as a long-poll listener needs them, so that each server is an adapter
 * of a few lines, and the one below is that of the standard `Request` and `Response`.
 */
import type { Cancel } from '../ports.js';
import { type ByteSource, sourceOf } from './long-poll-body.js';

export interface HttpRequest {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  /** With its question mark; '' where there is none. */
  readonly query: string;
  /** That the client asked for, with the port, where it is known. */
  readonly host: string | undefined;
  /** Of a header, by its name in lower case. */
  header(name: string): string | undefined;
  readonly body: ByteSource;
  /** Whether the client waits no more for an answer. */
  readonly isGone: boolean;
  /** Calls `action` when the client goes, unless cancelled. */
  onGone(action: () => void): Cancel;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array<ArrayBuffer>;
}

export type HttpHandler = (request: HttpRequest) => Promise<HttpAnswer>;

const fromStandard = (request: Request): HttpRequest => {
  const { pathname, search, host } = new URL(request.url);
  const { method, headers, signal } = request;
  return {
    method,
    path: pathname,
    query: search,
    host,
    header: (name) => headers.get(name) ?? undefined,
    body: sourceOf(request.body),
    get isGone() {
      return signal.aborted;
    },
    onGone: (action) => {
      signal.addEventListener('abort', action);
      return () => signal.removeEventListener('abort', action);
    },
  };
};

export const standardHandler =
  (handler: HttpHandler) =>
  async (request: Request): Promise<Response> => {
    const { status, headers, body } = await handler(fromStandard(request));
    return new Response(status === 204 ? null : body, { status, headers });
  };
