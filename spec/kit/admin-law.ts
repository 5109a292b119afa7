/**
 * The law of the administrator's requests: whatever comes over HTTP is answered, with a status that says what its
 * code says, and in a time that has an end; without the token it is refused, whatever else it says; what is refused
 * or only asked has changed nothing; none of it counts as a failure of the server.
 */
import { nodeAdminHandler } from '../../transports/admin.js';
import type { AdminErrorCode, AdminOptions } from '../../transports/drivers/admin.js';
import type { NodeRequestLike, NodeResponseLike } from '../../transports/links/long-poll-node.js';
import { startServer } from '../../transports/server.js';
import { memoryServerStore } from '../../transports/stores/memory.js';
import { damaged, jsonText, mangled } from './mangled.js';
import { processorTime } from './processor-time.js';
import { once, pick, type Random } from './random.js';

type Administered = AdminOptions['server'];

/** Milliseconds of the processor that one answer may take. */
const patience = 2_000;
const maxBodyBytes = 4_000;
const token = 'a-token-of-the-law-that-nobody-else-has';

const statusOf: Readonly<Record<Exclude<AdminErrorCode, 'damaged' | 'failed'>, number>> = {
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
};

const schema = [{ name: 'Task', primaryKey: '_id', properties: { _id: 'string', text: 'string?' } }];
const config = {
  type: 'partition',
  state: 'enabled',
  partition: {
    key: 'owner',
    type: 'string',
    permissions: { read: true, write: { '%%user.id': '%%partition' } },
  },
};

interface HostileRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  readonly body: readonly Uint8Array[];
  /** Or it breaks off behind these parts. */
  readonly isWhole: boolean;
}

const sound: readonly (readonly [method: string, url: string, body?: unknown])[] = [
  ['GET', '/sync'],
  ['POST', '/sync/enable', {}],
  ['POST', '/sync/enable', { config, schema }],
  ['POST', '/sync/disable', {}],
  ['POST', '/sync/terminate'],
  [
    'POST',
    '/sync/schema',
    { schema: [...schema, { name: 'List', primaryKey: '_id', properties: { _id: 'int' } }] },
  ],
  ['POST', '/sync/schema', { schema }],
  ['GET', '/sync/partitions'],
  ['GET', '/sync/access?user=ann&partition=%22ann%22&data=%7B%22a%22%3A1%7D'],
  ['POST', '/users/ann/revoke'],
  ['POST', '/users/a%2Fb/reevaluate', {}],
];

const methods = [
  'GET',
  'POST',
  'PUT',
  'DELETE',
  'HEAD',
  'OPTIONS',
  'TRACE',
  'CONNECT',
  'get',
  'POST ',
  '',
  '\0',
];
const urls = [
  '',
  '/',
  '*',
  '//sync',
  '/sync/',
  '/sync/../sync',
  '/users//revoke',
  '/users/%/revoke',
  '/%ff',
  '?',
  '#',
];
const queries = [
  '?',
  '?user=%',
  '?user=a&user=b',
  '?partition=1',
  '?__proto__=1',
  '?data={',
  '&data=[',
  '#x',
  '\0',
];

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const encoded = (value: string): Uint8Array => new TextEncoder().encode(value);

const headersOf = (random: Random): HostileRequest['headers'] => {
  const authorization = (): string | readonly string[] => {
    switch (random.int(12)) {
      case 0:
        return text(damaged(random, encoded(`Bearer ${token}`)));
      case 1:
        return pick(random, [
          '',
          'Bearer',
          'Basic eDp5',
          token,
          `Bearer ${token} ${token}`,
          'Bearer \u{1F600}',
        ]);
      case 2:
        return [`Bearer ${token}`, `Bearer ${token}`];
      default:
        return `Bearer ${token}`;
    }
  };
  return {
    ...(once(random, 25) ? {} : { authorization: authorization() }),
    ...(once(random, 4) ? { host: pick(random, ['', 'a', ':', '[', '\0']) } : {}),
    ...(once(random, 4) ? { 'accept-encoding': pick(random, ['gzip', 'gzip;q=0', '*', ';;;,', 'br']) } : {}),
    ...(once(random, 4) ? { origin: pick(random, ['null', 'http://evil', '\0']) } : {}),
    ...(once(random, 4) ? { 'content-length': pick(random, ['-1', '1e9', 'x']) } : {}),
  };
};

const bodyOf = (random: Random, body: unknown): readonly Uint8Array[] => {
  if (body === undefined && !once(random, 6)) return [];
  if (once(random, 20)) return Array.from({ length: 6 }, () => new Uint8Array(1_000).fill(0x20));
  if (once(random, 20)) return [encoded('['.repeat(3_000))];
  const bytes = encoded(jsonText(once(random, 3) ? mangled(random, body ?? {}, 0) : (body ?? {})));
  const sent = once(random, 4) ? damaged(random, bytes) : bytes;
  const at = random.int(sent.length + 1);
  return once(random, 3) ? [sent.subarray(0, at), sent.subarray(at)] : [sent];
};

const someRequest = (random: Random): HostileRequest => {
  const [method, url, body] = pick(random, sound);
  const path = once(random, 10)
    ? pick(random, urls)
    : once(random, 8)
      ? text(damaged(random, encoded(url)))
      : url;
  return {
    method: once(random, 10) ? pick(random, methods) : method,
    url: once(random, 10) ? `${path}${pick(random, queries)}` : path,
    headers: headersOf(random),
    body: bodyOf(random, body),
    isWhole: !once(random, 15),
  };
};

interface Answer {
  readonly status: number;
  readonly body: string;
}

/** As `node:http` would hand it on. Undefined where the handler gives the connection up. */
const answerTo = (
  handle: ReturnType<typeof nodeAdminHandler>,
  { method, url, headers, body, isWhole }: HostileRequest,
): Promise<Answer | undefined> =>
  new Promise((resolve, reject) => {
    const listeners = new Map<string, (given: never) => void>();
    const tell = (event: string, given?: unknown): void => listeners.get(event)?.(given as never);
    let sent = 0;
    let isFlowing = false;
    const flow = (): void => {
      if (!isFlowing) return;
      const chunk = body[sent++];
      if (chunk !== undefined) tell('data', chunk);
      else if (sent === body.length + 1) tell(isWhole ? 'end' : 'close');
      else return;
      queueMicrotask(flow);
    };
    const request: NodeRequestLike = {
      method,
      url,
      headers,
      on: (event: string, listener: (given: never) => void) => listeners.set(event, listener),
      pause: () => {
        isFlowing = false;
      },
      resume: () => {
        if (isFlowing) return;
        isFlowing = true;
        queueMicrotask(flow);
      },
      destroy: () => resolve(undefined),
    };
    let status = 0;
    const response: NodeResponseLike = {
      writableFinished: false,
      on: () => undefined,
      writeHead: (given) => {
        status = given;
      },
      end: (given) => resolve({ status, body: text(given) }),
      destroy: () => resolve(undefined),
    };
    try {
      handle(request, response);
    } catch (error) {
      reject(error);
    }
  });

/** Null, or what is wrong with an answer by itself. */
const unsound = ({ headers }: HostileRequest, { status, body }: Answer): string | null => {
  if (body.includes(token)) return 'the token is told';
  const isAllowed = /^Bearer +a-token-of-the-law-that-nobody-else-has *$/i.test(
    String(headers['authorization']),
  );
  const hasToken = typeof headers['authorization'] === 'string' && isAllowed && body !== '';
  if (!hasToken && status !== 401) return 'without the token it is not refused';
  if (status === 200) return null;
  const { error } = JSON.parse(body) as { readonly error?: { readonly code?: keyof typeof statusOf } };
  const expected = error?.code === undefined ? undefined : statusOf[error.code];
  return expected === status ? null : `status ${status} with the code ${error?.code}`;
};

const shown = ({ method, url, headers, body }: HostileRequest): string =>
  `${JSON.stringify(method)} ${JSON.stringify(url)} ${JSON.stringify(headers)} ${JSON.stringify(text(Buffer.concat(body)))}`;

export interface HostileAdmin {
  /** Something in the place of the server that is administered. */
  readonly administered?: (server: Administered) => Administered;
  readonly told?: (status: number) => unknown;
}

/** Some forty requests to one server, whose state they change. Null where the law holds. */
export const hostileAdmin = async (random: Random, options: HostileAdmin = {}): Promise<string | null> => {
  const { administered = (server) => server, told } = options;
  const server = await startServer({
    store: memoryServerStore(),
    listeners: [],
    sync: { config, schema },
    verifyToken: async () => ({ type: 'refused', fault: 'malformed', message: 'nobody is expected' }),
  });
  const failures: unknown[] = [];
  const handle = nodeAdminHandler({
    server: administered(server),
    token,
    maxBodyBytes,
    onFailure: (error) => failures.push(error),
  });
  const state = async (): Promise<string> =>
    JSON.stringify([await server.sync?.status(), await server.sync?.partitions()]);
  const tried = async (request: HostileRequest): Promise<string | null> => {
    const before = await state();
    const start = processorTime();
    const answer = await answerTo(handle, request);
    const took = processorTime() - start;
    if (failures.length > 0) return `a failure of the server: ${String(failures[0])}`;
    if (took > patience) return `took ${Math.round(took)} ms`;
    if (answer === undefined) return request.isWhole ? 'no answer' : null;
    told?.(answer.status);
    const fault = unsound(request, answer);
    if (fault !== null) return fault;
    const mayChange = answer.status === 200 && request.method === 'POST';
    return mayChange || (await state()) === before
      ? null
      : `answered with ${answer.status}, and something has changed`;
  };
  try {
    for (let left = 40; left > 0; left--) {
      const request = someRequest(random);
      const fault = await tried(request);
      if (fault !== null) return `${shown(request)}\n${fault}`;
    }
    return null;
  } finally {
    await server.close();
  }
};
