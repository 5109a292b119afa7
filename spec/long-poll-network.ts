/**
 * A network between long-poll clients and a listener, in one process: requests and answers are lost,
 * doubled and late, as chance has it.
 */
import type { Fetch } from '../transports/links/long-poll-attempt.js';
import type { Clock } from '../transports/ports.js';
import { once, type Random } from './kit/random.js';

export interface NetworkOptions {
  readonly random: Random;
  readonly clock: Clock;
  /** One in so many, of each kind of fault. */
  readonly faults: number;
  /** Milliseconds that something late is late at most. */
  readonly delay: number;
}

export class Network {
  /** Whether there are faults. */
  isBad = true;
  readonly #handle: (request: Request) => Promise<Response>;
  readonly #options: NetworkOptions;
  #isCut = false;
  /** Ends all connections. */
  readonly #cut = new AbortController();

  constructor(handle: (request: Request) => Promise<Response>, options: NetworkOptions) {
    this.#handle = handle;
    this.#options = options;
  }

  /** Nothing gets through from now on. */
  cut(): void {
    this.#isCut = true;
    this.#cut.abort();
  }

  readonly fetch: Fetch = (url, init) => {
    const signals = init.signal ? [init.signal, this.#cut.signal] : [this.#cut.signal];
    const signal = AbortSignal.any(signals);
    return new Promise((resolve, reject) => {
      signal.addEventListener('abort', () => reject(new TypeError('the connection has ended')));
      this.#carry(url, { ...init, signal }).then(resolve, reject);
    });
  };

  async #carry(url: string, init: RequestInit): Promise<Response> {
    // Who opens a link tries it once, so that the link would not come about.
    const isOpening = init.body instanceof Uint8Array && init.body[1] === 0;
    if (this.#happens()) await this.#wait();
    if (this.#isCut || (!isOpening && this.#happens())) throw new TypeError('the request is lost');
    if (this.#happens()) this.#repeat(url, init);
    const answer = this.#handle(new Request(url, init));
    if (this.#happens()) void this.#handle(new Request(url, init));
    const response = await answer;
    if (this.#happens()) await this.#wait();
    if (this.#isCut || (!isOpening && this.#happens())) throw new TypeError('the answer is lost');
    return response;
  }

  /** Something on the way sends the request again, much later, when nobody waits for an answer. */
  #repeat(url: string, { method, body }: RequestInit): void {
    this.#options.clock.schedule(this.#options.delay * 3, () => {
      if (!this.#isCut) void this.#handle(new Request(url, { method: method ?? 'POST', body: body ?? null }));
    });
  }

  #happens(): boolean {
    return this.isBad && once(this.#options.random, this.#options.faults);
  }

  #wait(): Promise<void> {
    const { clock, random, delay } = this.#options;
    return new Promise((resolve) => {
      clock.schedule(random.int(delay + 1), resolve);
    });
  }
}
