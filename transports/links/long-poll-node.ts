/**
 * A listener of long-poll links behind `node:http`, `node:https` or the compatible interface of `node:http2`,
 * by the few methods of their requests and responses that it takes.
 */

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

/** What serves standard requests, such as a `LongPollListener`. */
export interface StandardHandler {
  handle(request: Request): Promise<Response>;
}

/** Bytes that are read and dropped behind what the handler wanted, so that the client gets to the answer. */
const drainedBytes = 1024 * 1024;

const bodyOf = (request: NodeRequestLike): ReadableStream<Uint8Array> => {
  let isWanted = true;
  let drained = 0;
  const settle = (action: () => void): void => {
    if (isWanted) action();
    isWanted = false;
  };
  return new ReadableStream<Uint8Array>({
    start: (controller) => {
      request.on('data', (chunk) => {
        if (isWanted) {
          controller.enqueue(chunk);
          if ((controller.desiredSize ?? 0) <= 0) request.pause();
        } else {
          drained += chunk.length;
          if (drained > drainedBytes) request.destroy();
        }
      });
      request.on('end', () => settle(() => controller.close()));
      request.on('error', (error) => settle(() => controller.error(error)));
      request.on('close', () => settle(() => controller.error(new Error('the client has gone'))));
    },
    pull: () => {
      request.resume();
    },
    cancel: () => {
      isWanted = false;
      request.resume();
    },
  });
};

const standardRequest = (request: NodeRequestLike, signal: AbortSignal): Request => {
  const { method = 'GET', headers } = request;
  const host = headers['host'] ?? headers[':authority'];
  const base = URL.canParse(`http://${host}`) ? `http://${host}` : 'http://localhost';
  const path = request.url ?? '/';
  const standard = new Headers();
  for (const [name, value] of Object.entries(headers)) {
    // Those of HTTP/2 that begin with a colon are no headers.
    if (typeof value === 'string' && !name.startsWith(':')) standard.set(name, value);
  }
  const url = URL.canParse(path, base) ? new URL(path, base) : new URL(base);
  if (method === 'GET' || method === 'HEAD') return new Request(url, { method, headers: standard, signal });
  const init = { method, headers: standard, signal, body: bodyOf(request), duplex: 'half' };
  return new Request(url, init);
};

/** `createServer(nodeHandler(listener))`, or called for the requests that are the listener's. */
export const nodeHandler =
  (listener: StandardHandler) =>
  (request: NodeRequestLike, response: NodeResponseLike): void => {
    const controller = new AbortController();
    response.on('close', () => {
      if (!response.writableFinished) controller.abort();
    });
    const respond = async (standard: Request): Promise<void> => {
      const answer = await listener.handle(standard);
      const body = new Uint8Array(await answer.arrayBuffer());
      const length = String(body.length);
      response.writeHead(answer.status, { ...Object.fromEntries(answer.headers), 'content-length': length });
      response.end(body);
    };
    let standard: Request;
    try {
      standard = standardRequest(request, controller.signal);
    } catch {
      // Methods and headers that the standard forbids.
      response.writeHead(400, {});
      response.end(new Uint8Array());
      return;
    }
    respond(standard).catch((error: unknown) => {
      response.destroy();
      throw error;
    });
  };
