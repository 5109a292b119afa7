/**
 * A listener of long-poll links behind `node:http`, `node:https` or the compatible interface of `node:http2`,
 * by the few methods of their requests and responses that it takes.
 */
import type { Cancel } from '../ports.js';
import type { ByteSource } from './long-poll-body.js';
import type { HttpAnswer, HttpHandler, HttpRequest } from './long-poll-http.js';

/** An `IncomingMessage`. */
export interface NodeRequestLike {
  readonly method?: string | undefined;
  readonly url?: string | undefined;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  on(event: 'data', listener: (chunk: Uint8Array) => void): unknown;
  on(event: 'end' | 'close', listener: () => void): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
  pause(): unknown;
  resume(): unknown;
  destroy(): unknown;
}

/** A `ServerResponse`. */
export interface NodeResponseLike {
  readonly writableFinished: boolean;
  on(event: 'close', listener: () => void): unknown;
  writeHead(status: number, headers: Record<string, string>): unknown;
  end(body: Uint8Array): unknown;
  destroy(): unknown;
}

/** Bytes that are read and dropped behind what was wanted, so that the client gets to the answer. */
const drainedBytes = 1024 * 1024;

/** The body of a request, which is paused while nobody reads. */
class NodeBody implements ByteSource {
  readonly #request: NodeRequestLike;
  /** Come, and not read. */
  #chunks: Uint8Array[] = [];
  #end: 'coming' | 'whole' | 'broken' | 'unwanted' = 'coming';
  #drained = 0;
  #wake: () => void = () => undefined;

  constructor(request: NodeRequestLike) {
    this.#request = request;
    request.on('data', (chunk) => this.#take(chunk));
    request.on('end', () => this.#finish('whole'));
    request.on('close', () => this.#finish('broken'));
    request.on('error', () => this.#finish('broken'));
  }

  async next(): Promise<Uint8Array | undefined> {
    for (;;) {
      const chunk = this.#chunks.shift();
      if (chunk !== undefined) return chunk;
      if (this.#end === 'broken') throw new Error('the connection has ended');
      if (this.#end !== 'coming') return undefined;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        this.#request.resume();
      });
    }
  }

  cancel(): void {
    this.#chunks = [];
    this.#finish('unwanted');
    this.#request.resume();
  }

  #take(chunk: Uint8Array): void {
    if (this.#end === 'coming') {
      this.#chunks.push(chunk);
      this.#request.pause();
      this.#wake();
    } else {
      this.#drained += chunk.length;
      if (this.#drained > drainedBytes) this.#request.destroy();
    }
  }

  #finish(end: 'whole' | 'broken' | 'unwanted'): void {
    if (this.#end === 'coming') this.#end = end;
    this.#wake();
  }
}

const text = (value: string | readonly string[] | undefined): string | undefined =>
  typeof value === 'string' ? value : undefined;

/** The path of a target in any form (RFC 9112, section 3.2). */
const pathOf = (target: string): string => {
  if (!target.startsWith('/') && URL.canParse(target)) return new URL(target).pathname;
  return target.replace(/[?#].*$/s, '');
};

class NodeRequest implements HttpRequest {
  readonly #request: NodeRequestLike;
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly host: string | undefined;
  readonly body: NodeBody;
  isGone = false;
  #goneAction: () => void = () => undefined;

  constructor(request: NodeRequestLike, response: NodeResponseLike) {
    this.#request = request;
    this.method = request.method ?? 'GET';
    const url = request.url ?? '/';
    this.path = pathOf(url);
    this.query = /\?[^#]*/.exec(url)?.[0] ?? '';
    this.host = text(request.headers['host'] ?? request.headers[':authority']);
    this.body = new NodeBody(request);
    response.on('close', () => {
      if (response.writableFinished) return;
      this.isGone = true;
      this.#goneAction();
    });
  }

  header(name: string): string | undefined {
    return text(this.#request.headers[name]);
  }

  onGone(action: () => void): Cancel {
    this.#goneAction = action;
    return () => {
      this.#goneAction = () => undefined;
    };
  }
}

export interface NodeHandlerOptions {
  /** Answers of so many bytes and more are compressed for clients that take it; 16 KiB by default, null: none. */
  readonly compressFrom?: number | null;
}

const compressed = async (answer: HttpAnswer): Promise<HttpAnswer> => {
  const stream = new Blob([answer.body]).stream().pipeThrough(new CompressionStream('gzip'));
  const body = new Uint8Array(await new Response(stream).arrayBuffer());
  return { ...answer, body, headers: { ...answer.headers, 'content-encoding': 'gzip' } };
};

/**
 * `createServer(nodeHandler(listener))`, or called for the requests that are the listener's.
 *
 * Compression is here and not in the listener, because runtimes of standard handlers see to it themselves.
 */
export const nodeHandler =
  (listener: { readonly serve: HttpHandler }, { compressFrom = 16 * 1024 }: NodeHandlerOptions = {}) =>
  (request: NodeRequestLike, response: NodeResponseLike): void => {
    const respond = async (): Promise<void> => {
      const asked = new NodeRequest(request, response);
      const answer = await listener.serve(asked);
      const isLarge = compressFrom !== null && answer.body.length >= compressFrom;
      const isWanted =
        isLarge && /\bgzip\b(?!\s*;\s*q=0(?:\.0+)?\s*(?:,|$))/i.test(asked.header('accept-encoding') ?? '');
      const { status, headers, body } = isWanted ? await compressed(answer) : answer;
      response.writeHead(status, { ...headers, 'content-length': String(body.length) });
      response.end(body);
    };
    respond().catch((error: unknown) => {
      response.destroy();
      throw error;
    });
  };
