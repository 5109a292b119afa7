/** The partitions that a server holds in memory: each opened when it is wanted, and given up when it has been idle. */
import type { PartitionHost } from './partition-host.js';

export interface HostsOptions {
  /** `failed` is told that the host has stopped. */
  readonly open: (partition: string, failed: (error: unknown) => void) => Promise<PartitionHost>;
  /** One could not be opened, or has stopped; the next that wants it opens it anew. */
  readonly failed: (partition: string, error: unknown) => void;
}

export class Hosts {
  readonly #options: HostsOptions;
  readonly #hosts = new Map<string, Promise<PartitionHost>>();
  /** Those that had no session at the last look. */
  #idle = new Set<Promise<PartitionHost>>();

  constructor(options: HostsOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#hosts.size;
  }

  get(partition: string): Promise<PartitionHost> {
    const present = this.#hosts.get(partition);
    if (present !== undefined) return present;
    const failed = (error: unknown) => {
      // Whatever a host does after it has failed is not the business of the one that took its place.
      if (this.#hosts.get(partition) !== opening) return;
      this.#hosts.delete(partition);
      this.#options.failed(partition, error);
    };
    const opening = this.#options.open(partition, failed);
    this.#hosts.set(partition, opening);
    opening.catch(failed);
    return opening;
  }

  /** The host that there is, or that is being opened; undefined where there is none. */
  peek(partition: string): Promise<PartitionHost> | undefined {
    return this.#hosts.get(partition);
  }

  /** Gives a host up, where nobody uses it. */
  async letGo(partition: string): Promise<void> {
    const opening = this.#hosts.get(partition);
    const host = await opening?.catch(() => undefined);
    if (host === undefined || this.#hosts.get(partition) !== opening || !host.isUnused) return;
    this.#hosts.delete(partition);
    host.stop();
  }

  /** The partition's host, which is not given up before the end of this turn. */
  async present(partition: string): Promise<PartitionHost> {
    for (;;) {
      const opening = this.get(partition);
      const host = await opening;
      if (this.#hosts.get(partition) === opening) return host;
    }
  }

  /** Unless the partition failed, or was given up: then there is nobody to tell. */
  tell(partition: string, tell: (host: PartitionHost) => void): Promise<void> {
    return this.#hosts.get(partition)?.then(tell, () => undefined) ?? Promise.resolve();
  }

  /** Gives up those that have been idle since the last look. */
  async look(): Promise<void> {
    const idle = new Set<Promise<PartitionHost>>();
    for (const [partition, opening] of [...this.#hosts]) {
      const host = await opening.catch(() => undefined);
      if (host === undefined || this.#hosts.get(partition) !== opening || !host.isUnused) continue;
      if (this.#idle.has(opening)) {
        this.#hosts.delete(partition);
        host.stop();
      } else idle.add(opening);
    }
    this.#idle = idle;
  }

  /** Gives up all, whatever they do: nothing more is heard of them. */
  drop(): void {
    const all = [...this.#hosts.values()];
    this.#hosts.clear();
    for (const opening of all)
      opening.then(
        (host) => host.stop(),
        () => undefined,
      );
  }

  /** Finishes what was begun, and gives up all. */
  async finish(): Promise<void> {
    for (const host of await Promise.allSettled(this.#hosts.values())) {
      if (host.status === 'rejected') continue;
      await host.value.idle();
      host.value.stop();
    }
  }
}
