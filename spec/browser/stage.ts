/**
 * The stage of the browser test: one HTTP server that gives out the page, takes WebSockets and answers
 * long-polls, with the real server driver behind both; and a Chromium with a page for each device.
 */
import { existsSync } from 'node:fs';
import { createServer, type Server as HttpServer } from 'node:http';
import { relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { longPollListener, nodeHandler } from 'syncline/long-poll';
import { memoryServerStore } from 'syncline/memory';
import { type Server, startServer } from 'syncline/server';
import { webSocketListener } from 'syncline/websocket';
import { WebSocketServer } from 'ws';

const usualPlaces = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];

/** What the variable `CHROMIUM` names, or else what stands where systems put it. Undefined where there is none. */
export const chromiumPath = (): string | undefined => {
  const named = process.env['CHROMIUM'];
  return (named === undefined ? usualPlaces : [named]).find((path) => existsSync(path));
};

/**
 * The modules of the page by their paths, `/page.js` and what it imports, at once or on demand. Rejects where one
 * needs more than a browser has.
 */
export const bundledPage = async (): Promise<ReadonlyMap<string, string>> => {
  const outdir = resolve('page');
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL('./page.js', import.meta.url))],
    bundle: true,
    splitting: true,
    outdir,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    write: false,
    logLevel: 'silent',
  });
  return new Map(outputFiles.map(({ path, text }) => [`/${relative(outdir, path)}`, text]));
};

/** Milliseconds after which a poll is answered that has nothing to tell. */
export const pollHold = 1000;

const html = '<!doctype html><title>Syncline</title><script type="module" src="/page.js"></script>';

export class Stage {
  readonly server: Server;
  readonly #http: HttpServer;
  readonly #sockets: WebSocketServer;
  readonly #browser: Browser;
  readonly #url: string;

  private constructor(
    server: Server,
    http: HttpServer,
    sockets: WebSocketServer,
    browser: Browser,
    url: string,
  ) {
    this.server = server;
    this.#http = http;
    this.#sockets = sockets;
    this.#browser = browser;
    this.#url = url;
  }

  static async open(executablePath: string): Promise<Stage> {
    const modules = await bundledPage();
    const polls = longPollListener({ path: '/sync', hold: pollHold });
    const answerPoll = nodeHandler(polls);
    const http = createServer((request, response) => {
      const module = modules.get(request.url ?? '');
      if (request.url?.startsWith('/sync') === true) answerPoll(request, response);
      else if (module !== undefined)
        response.writeHead(200, { 'content-type': 'text/javascript' }).end(module);
      else response.writeHead(200, { 'content-type': 'text/html' }).end(html);
    });
    const sockets = new WebSocketServer({ server: http, path: '/sync' });
    const server = await startServer({
      store: memoryServerStore(),
      listeners: [polls, webSocketListener({ server: sockets })],
    });
    await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
    const address = http.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const browser = await chromium.launch({ executablePath, headless: true, args: ['--no-sandbox'] });
    return new Stage(server, http, sockets, browser, `http://127.0.0.1:${port}/`);
  }

  /** A page with a network switch of its own. */
  async page(): Promise<{ readonly context: BrowserContext; readonly page: Page }> {
    const context = await this.#browser.newContext();
    const page = await context.newPage();
    await page.goto(this.#url);
    await page.waitForFunction(() => globalThis.device !== undefined);
    return { context, page };
  }

  /** Resets every connection, as a network does that has forgotten them. Pages learn of it when they can. */
  cut(): void {
    for (const socket of this.#sockets.clients) socket.terminate();
    this.#http.closeAllConnections();
  }

  async close(): Promise<void> {
    await this.#browser.close();
    await this.server.close();
    this.#sockets.close();
    this.#http.closeAllConnections();
    await new Promise((resolve) => this.#http.close(resolve));
  }
}
