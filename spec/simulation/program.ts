/**
 * The programs that devices of a simulated world live in. Mostly each has one of its own; or several share one, as
 * files that are open at once: on one connection, with one clock, as one user. They die together, but each is
 * closed and opened again by itself.
 */
// What a reset loads is there beforehand: the disk that it comes from knows nothing of simulated time.
import '../../transports/drivers/recovery.js';
import {
  type Client,
  type ClientOptions,
  type FileOptions,
  openClient,
  openDevice,
} from '../../transports/client.js';
import type { Life } from './time.js';

/** Opens a file in a program; `life` is that of the file. */
export type OpenFile = (options: FileOptions, life: Life) => Promise<Client>;

/** How a program reaches its server, as long as it lives. */
export type Reach = (life: Life) => Omit<ClientOptions, keyof FileOptions>;

export const ownProgram =
  (reach: Reach): OpenFile =>
  (options, life) =>
    openClient({ ...options, ...reach(life) });

export class SharedProgram {
  readonly #reach: Reach;
  #life: Life = { isAlive: false };
  #device: ReturnType<typeof openDevice> | null = null;

  constructor(reach: Reach) {
    this.#reach = reach;
  }

  readonly open: OpenFile = (options) => {
    if (this.#device === null || !this.#life.isAlive) {
      this.#life = { isAlive: true };
      this.#device = openDevice(this.#reach(this.#life));
    }
    return this.#device.open(options);
  };

  /** It dies; whoever opens a file starts it again. */
  readonly crash = (): void => {
    this.#life.isAlive = false;
  };
}
