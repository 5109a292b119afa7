/**
 * HTTP between long-poll clients and listeners, in virtual time: requests and answers take a while, and when
 * the network is bad they are lost, doubled, and repeated much later, which long-poll links have to hide.
 */
import { longPollConnector } from '../../transports/links/long-poll.js';
import { type LongPollListener, longPollListener } from '../../transports/links/long-poll-server.js';
import type { Connector, Listener } from '../../transports/ports.js';
import { once, type Random } from '../kit/random.js';
import type { Weather } from './network.js';
import type { Life, VirtualTime } from './time.js';

interface Station {
  readonly listener: LongPollListener;
  readonly life: Life;
}

interface Request_ {
  readonly device: string;
  readonly server: string;
  readonly fail: () => void;
}

/** One request in so many meets each kind of fault while the network is bad. */
const badness = 8;

export class HttpNetwork {
  readonly #time: VirtualTime;
  readonly #random: Random;
  readonly #weather: ReadonlyMap<string, Weather>;
  readonly #stations = new Map<string, Station>();
  readonly #open = new Set<Request_>();
  isBad = false;

  constructor(time: VirtualTime, random: Random, weather: ReadonlyMap<string, Weather>) {
    this.#time = time;
    this.#random = random;
    this.#weather = weather;
  }

  #wait(milliseconds: number): Promise<void> {
    return new Promise((resolve) => void this.#time.schedule(milliseconds, resolve));
  }

  #delay(device: string): Promise<void> {
    const { delay, jitter } = this.#weather.get(device) as Weather;
    return this.#wait(delay + this.#random.int(jitter + 1));
  }

  #happens(): boolean {
    return this.isBad && once(this.#random, badness);
  }

  /** The requests that `isMeant` names get no answer. */
  break(isMeant: (device: string, server: string) => boolean): void {
    for (const request of [...this.#open]) if (isMeant(request.device, request.server)) request.fail();
  }

  #fetch(device: string, life: Life, server: string, url: string, init: RequestInit): Promise<Response> {
    return new Promise((resolve, reject) => {
      const fail = (): void => {
        if (!this.#open.delete(request) || !life.isAlive) return;
        reject(new TypeError('the connection has ended'));
      };
      const request: Request_ = { device, server, fail };
      this.#open.add(request);
      init.signal?.addEventListener('abort', fail);
      this.#carry(device, server, url, init).then((response) => {
        if (response === null) fail();
        else if (this.#open.delete(request) && life.isAlive) resolve(response);
      }, fail);
    });
  }

  async #carry(device: string, server: string, url: string, init: RequestInit): Promise<Response | null> {
    await this.#delay(device);
    const weather = this.#weather.get(device) as Weather;
    if (weather.isCutOff || this.#happens()) return null;
    const station = this.#stations.get(server);
    if (station === undefined || !station.life.isAlive) return null;
    const { body } = init;
    const handle = (): Promise<Response> =>
      station.listener.handle(new Request(url, { method: 'POST', body: body ?? null }));
    if (this.#happens())
      this.#time.schedule(30_000, () => {
        if (station.life.isAlive) void handle();
      });
    if (this.#happens()) void handle();
    const response = await handle();
    await this.#delay(device);
    return !station.life.isAlive || weather.isCutOff || this.#happens() ? null : response;
  }

  connector(device: string, life: Life, route: () => string, random: Random): Connector {
    const clock = this.#clock(life);
    const entropy = { integer: () => 1 + random.int(2 ** 31) };
    return {
      connect: (events) => {
        const server = route();
        const fetch = (url: string, init: RequestInit): Promise<Response> =>
          this.#fetch(device, life, server, url, init);
        return longPollConnector({ url: `http://${server}/`, fetch, clock, entropy }).connect({
          opened: () => {
            if (life.isAlive) events.opened();
          },
          frame: (frame) => {
            if (life.isAlive) events.frame(frame);
          },
          closed: (reason) => {
            if (life.isAlive) events.closed(reason);
          },
        });
      },
    };
  }

  listener(server: string, life: Life): Listener {
    const entropy = { integer: () => 1 + this.#random.int(2 ** 31) };
    const listener = longPollListener({ clock: this.#clock(life), entropy });
    return {
      listen: async (accept) => {
        this.#stations.set(server, { listener, life });
        await listener.listen(accept);
      },
      close: () => listener.close(),
    };
  }

  #clock(life: Life) {
    return {
      now: () => this.#time.now(),
      schedule: (milliseconds: number, action: () => void) =>
        this.#time.schedule(milliseconds, () => {
          if (life.isAlive) action();
        }),
    };
  }
}
