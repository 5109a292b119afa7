/**
 * A device: several files open at once, each with its own session, all on one connection, as one user. The
 * connection is opened with the first file that wants it and ends a while after the last one is done with it.
 */
import { systemClock, systemEntropy } from '../clock.js';
import { chanceOf } from './caller.js';
import type { Client } from './client.js';
import type { FileOptions, ReachOptions, Surroundings } from './client-options.js';
import { SynclineError } from './error.js';
import { aConnector } from './given.js';
import { openFile } from './open-file.js';
import { loadRecovery } from './reset.js';
import { SharedLines } from './shared.js';
import { timingOf } from './timing.js';
import { TokenKeeper } from './tokens.js';

export interface DeviceOptions extends ReachOptions {
  /** Milliseconds that the connection stays open when no file uses it; 30 s by default. */
  readonly linger?: number;
}

export const openDevice = (options: DeviceOptions): Device => new Device(options);

export class Device {
  readonly #around: Surroundings;
  readonly #lines: SharedLines;
  readonly #files = new Set<Client>();
  #closing: Promise<void> | null = null;

  /** Use `openDevice`. */
  constructor(options: DeviceOptions) {
    const { connector, token, clock = systemClock, entropy = systemEntropy, linger = 30_000 } = options;
    const timing = timingOf(options.timing);
    const chance = () => chanceOf(entropy);
    this.#lines = new SharedLines({ connector: aConnector(connector), clock, chance, timing, linger });
    this.#around = {
      lines: this.#lines,
      tokens: new TokenKeeper(token, clock, timing.handshake),
      timing,
      clock,
      entropy,
      loadRecovery,
      closing: (client) => void this.#files.delete(client),
    };
  }

  /** As `openClient`, on this device's connection. A file may be closed before the device, and opened again. */
  async open(options: FileOptions): Promise<Client> {
    if (this.#closing !== null) throw closedError();
    const client = await openFile(options, this.#around);
    if (this.#closing !== null) {
      await client.close();
      throw closedError();
    }
    this.#files.add(client);
    return client;
  }

  /** The files that are open. */
  get files(): readonly Client[] {
    return [...this.#files];
  }

  /** `client.reconnect()` for every file. */
  reconnect(): void {
    for (const client of this.#files) client.reconnect();
  }

  /** Closes every file, then the connection. Idempotent. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const closed = await Promise.allSettled(this.files.map((client) => client.close()));
    this.#lines.close({ code: 'normal', message: 'the device closes' });
    for (const each of closed) if (each.status === 'rejected') throw each.reason;
  }
}

const closedError = (): SynclineError => new SynclineError('closed', 'the device is closed');
