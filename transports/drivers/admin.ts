/**
 * The administration of a server over HTTP: the state of sync and what changes it, its partitions, and what users
 * may do.
 *
 *     GET  /sync                                 state, epoch, configuration and schema
 *     POST /sync/enable     { config, schema }   goes on, or begins anew with what is given
 *     POST /sync/disable
 *     POST /sync/terminate
 *     POST /sync/schema     { schema }           the schema is to be this, which adds to the present one
 *     GET  /sync/partitions                      name, version, files, and objects by class
 *     GET  /sync/access?user=…&partition=…       what the rules say, in all their parts; `data=…`, JSON, is what the
 *                                                token would say of the user
 *     POST /users/ID/revoke                      ends the user's sessions, and what tokens until now have granted
 *     POST /users/ID/reevaluate                  asks the rules again about the user's sessions
 *
 * Whoever has the token may do all of it, and nobody else learns so much as which paths there are. Bodies and answers
 * are JSON; what goes wrong is `{ "error": { "code", "message", "findings" } }`. The token is in no answer, and told
 * to nobody.
 */

import { ObjectId, UUID } from 'bson';
import * as E from 'fp-ts/lib/Either.js';
import { type ConfigError, type PartitionValue, partitionOfName } from '../../core/index.js';
import { BodyError, BodyReader } from '../links/long-poll-body.js';
import {
  type HttpAnswer,
  type HttpHandler,
  type HttpRequest,
  standardHandler,
} from '../links/long-poll-http.js';
import { type NodeRequestLike, type NodeResponseLike, nodeHandler } from '../links/long-poll-node.js';
import type { Server } from './server.js';
import type { ServerSync } from './server-sync.js';
import { SyncError, type SyncErrorCode } from './sync-error.js';

export interface AdminOptions {
  readonly server: Pick<Server, 'sync' | 'explainAccess' | 'revoke' | 'reevaluate'>;
  /** What `Authorization: Bearer …` has to say: at least 16 characters of printable ASCII, of which nobody knows any. */
  readonly token: string;
  /** What the paths of all requests begin with; nothing by default. */
  readonly prefix?: string;
  /** Bytes that a body may have; 1 MiB by default. */
  readonly maxBodyBytes?: number;
  /** Told of failures that are the server's own; whoever asked is told that there was one. */
  readonly onFailure?: (error: unknown) => void;
}

export type AdminErrorCode =
  | SyncErrorCode
  /** Without the token. */
  | 'unauthorized'
  | 'not-found'
  | 'method-not-allowed'
  /** The request says nothing that is understood. */
  | 'malformed'
  | 'too-large'
  /** The server runs without a configuration of sync. */
  | 'not-configured'
  | 'failed';

const statusOf: Readonly<Record<AdminErrorCode, number>> = {
  malformed: 400,
  unauthorized: 401,
  'not-found': 404,
  'method-not-allowed': 405,
  fixed: 409,
  state: 409,
  objects: 409,
  contended: 409,
  'not-configured': 409,
  'too-large': 413,
  invalid: 422,
  damaged: 500,
  failed: 500,
};

/** For servers of the standard `Request` and `Response`. */
export const adminHandler = (options: AdminOptions): ((request: Request) => Promise<Response>) =>
  standardHandler(new Admin(options).serve);

/** For `node:http`: `createServer(nodeAdminHandler(…))`. */
export const nodeAdminHandler = (
  options: AdminOptions,
): ((request: NodeRequestLike, response: NodeResponseLike) => void) => nodeHandler(new Admin(options));

class Refused extends Error {
  readonly code: AdminErrorCode;
  readonly headers: Readonly<Record<string, string>>;

  constructor(code: AdminErrorCode, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(message);
    this.code = code;
    this.headers = headers;
  }
}

interface Route {
  readonly method: 'GET' | 'POST';
  readonly answer: () => Promise<unknown>;
}

const shortestToken = 16;

class Admin {
  readonly #options: AdminOptions;
  readonly #expected: Promise<Uint8Array>;

  constructor(options: AdminOptions) {
    if (!/^[\x21-\x7e]+$/.test(options.token) || options.token.length < shortestToken)
      throw new RangeError(
        `the token of an admin API has at least ${shortestToken} characters, of printable ASCII`,
      );
    this.#options = options;
    this.#expected = digestOf(options.token);
  }

  readonly serve: HttpHandler = async (request) => {
    try {
      await this.#authorize(request);
      const route = this.#route(request);
      if (route.method !== request.method)
        throw new Refused('method-not-allowed', `${route.method} is expected`, { allow: route.method });
      return answerOf(200, await route.answer());
    } catch (error) {
      return this.#refusal(error);
    } finally {
      // What was not read is not wanted.
      request.body.cancel();
    }
  };

  async #authorize(request: HttpRequest): Promise<void> {
    const [, given] = /^Bearer +([\x21-\x7e]+) *$/i.exec(request.header('authorization') ?? '') ?? [];
    // Digests have one length, and where they differ first says nothing of the token.
    const found = await digestOf(given ?? '');
    if (given === undefined || !areEqual(found, await this.#expected))
      throw new Refused(
        'unauthorized',
        'the token of the admin API is expected as `Authorization: Bearer …`',
        {
          'www-authenticate': 'Bearer',
        },
      );
  }

  #route(request: HttpRequest): Route {
    const { prefix = '' } = this.#options;
    const path = request.path.startsWith(prefix) ? request.path.slice(prefix.length) : '';
    switch (path) {
      case '/sync':
        return get(() => this.#sync.status());
      case '/sync/enable':
        return post(() => this.#enable(request));
      case '/sync/disable':
        return post(() => this.#changed(request, (sync) => sync.disable()));
      case '/sync/terminate':
        return post(() => this.#changed(request, (sync) => sync.terminate()));
      case '/sync/schema':
        return post(() => this.#extend(request));
      case '/sync/partitions':
        return get(async () => ({ partitions: await this.#sync.partitions() }));
      case '/sync/access':
        return get(() => this.#explain(request));
    }
    const [, id, action] = /^\/users\/([^/]+)\/(revoke|reevaluate)$/.exec(path) ?? [];
    if (id === undefined) throw new Refused('not-found', 'there is no such path');
    return post(async () => {
      await this.#body(request, []);
      const user = decoded(id);
      const { server } = this.#options;
      if (action === 'revoke') server.revoke(user);
      else await server.reevaluate(user);
      return { user };
    });
  }

  get #sync(): ServerSync {
    const { sync } = this.#options.server;
    if (sync === null) throw new Refused('not-configured', 'the server runs without a configuration of sync');
    return sync;
  }

  async #enable(request: HttpRequest): Promise<unknown> {
    const { config, schema } = await this.#body(request, ['config', 'schema']);
    const begun = await this.#sync.enable({
      ...(config === undefined ? {} : { config }),
      ...(schema === undefined ? {} : { schema }),
    });
    return { ...(await this.#sync.status()), begun };
  }

  async #extend(request: HttpRequest): Promise<unknown> {
    const { schema } = await this.#body(request, ['schema']);
    await this.#sync.extendSchema(schema);
    return this.#sync.status();
  }

  async #changed(request: HttpRequest, change: (sync: ServerSync) => Promise<void>): Promise<unknown> {
    await this.#body(request, []);
    await change(this.#sync);
    return this.#sync.status();
  }

  async #explain(request: HttpRequest): Promise<unknown> {
    const query = new URLSearchParams(request.query);
    const [user, partition] = [query.get('user'), query.get('partition')];
    if (user === null || partition === null)
      throw new Refused('malformed', 'the query is expected to name `user` and `partition`');
    const { type, isRequired } = this.#sync.setting.config.partition;
    const value = partitionOfName(partition, type, isRequired);
    if (E.isLeft(value)) throw new Refused('malformed', `partition: ${value.left.message}`);
    const data = query.get('data');
    const explanation = await this.#options.server.explainAccess(
      { id: user, data: data === null ? null : jsonOf(data, 'data') },
      applicationValue(value.right),
    );
    return { user, partition, explanation };
  }

  /** An object with no other members than the named ones; nothing at all counts as an empty one. */
  async #body(request: HttpRequest, names: readonly string[]): Promise<Readonly<Record<string, unknown>>> {
    const { maxBodyBytes = 1024 * 1024 } = this.#options;
    const bytes = await new BodyReader(request.body).whole(maxBodyBytes);
    if (bytes === undefined) throw new Refused('too-large', `at most ${maxBodyBytes} bytes are expected`);
    if (bytes.length === 0) return {};
    const body = jsonOf(textOf(bytes), 'the body');
    if (typeof body !== 'object' || body === null || Array.isArray(body))
      throw new Refused('malformed', 'an object of JSON is expected');
    for (const name of Object.keys(body))
      if (!names.includes(name))
        throw new Refused(
          'malformed',
          `${JSON.stringify(name)} is not expected, ${names.length === 0 ? 'nothing is' : names.join(' or ')}`,
        );
    return body as Readonly<Record<string, unknown>>;
  }

  #refusal(error: unknown): HttpAnswer {
    if (error instanceof Refused)
      return answerOf(statusOf[error.code], errorOf(error.code, error.message), error.headers);
    if (error instanceof SyncError) {
      const [message = ''] = error.message.split('\n');
      return answerOf(statusOf[error.code], errorOf(error.code, message, error.findings));
    }
    if (error instanceof BodyError)
      return answerOf(statusOf.malformed, errorOf('malformed', 'the body did not come whole'));
    this.#options.onFailure?.(error);
    return answerOf(500, errorOf('failed', 'the server failed'));
  }
}

const get = (answer: Route['answer']): Route => ({ method: 'GET', answer });
const post = (answer: Route['answer']): Route => ({ method: 'POST', answer });

const errorOf = (code: AdminErrorCode, message: string, findings: readonly ConfigError[] = []): unknown => ({
  error: { code, message, ...(findings.length === 0 ? {} : { findings }) },
});

const answerOf = (
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): HttpAnswer => ({
  status,
  headers: {
    'content-type': 'application/json',
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...headers,
  },
  body: new TextEncoder().encode(`${JSON.stringify(body)}\n`),
});

const digestOf = async (text: string): Promise<Uint8Array> =>
  new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text)));

/** Of arrays of one length; takes the same time wherever they differ. */
const areEqual = (a: Uint8Array, b: Uint8Array): boolean => {
  let difference = a.length ^ b.length;
  for (let i = 0; i < a.length; i++) difference |= (a[i] ?? 0) ^ (b[i] ?? 0);
  return difference === 0;
};

const textOf = (bytes: Uint8Array): string => {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new Refused('malformed', 'the body is no UTF-8');
  }
};

const jsonOf = (text: string, what: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    throw new Refused('malformed', `${what} is no JSON`);
  }
};

const decoded = (segment: string): string => {
  try {
    return decodeURIComponent(segment);
  } catch {
    throw new Refused('malformed', 'the path is not encoded as one');
  }
};

/** As applications give it. */
const applicationValue = (value: PartitionValue): unknown => {
  if (value === null || typeof value !== 'object') return value;
  return value.type === 'objectId' ? new ObjectId(value.hex) : new UUID(value.hex);
};
