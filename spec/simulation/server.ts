/** One server of a simulated world: the production server on its own view of the shared disk. */

import type { Certificate } from '../../core/history/certificate.js';
import type { Listener } from '../../transports/ports.js';
import type { ServerNote, ServerOptions } from '../../transports/server.js';
import { type Server, startServer } from '../../transports/server.js';
import { StoreFailure } from '../../transports/stores/error.js';
import type { Random } from '../kit/random.js';
import type { ServerDisk } from './disk.js';
import type { Observation } from './observation.js';
import type { Life, LocalClock, VirtualTime } from './time.js';

export interface ServerSetup {
  readonly name: string;
  readonly disk: ServerDisk;
  readonly clock: LocalClock;
  readonly random: Random;
  readonly listener: (life: Life) => Listener;
  readonly options: Omit<ServerOptions, 'store' | 'listeners'>;
  /** Partition-based sync, as it is started with at present. */
  readonly sync: () => Pick<ServerOptions, 'sync'>;
  /** Whether it needs its disk to start, which may not be well: it is started again then. */
  readonly mayFail: boolean;
  readonly time: VirtualTime;
  readonly onCompacted: (certificate: Certificate) => void;
  readonly onTokenOver: () => void;
  readonly observe: (observation: Observation) => void;
}

/** Milliseconds after which a server that could not start is started again. */
const again = 1_000;

export class SimulatedServer {
  readonly name: string;
  readonly disk: ServerDisk;
  readonly clock: LocalClock;
  readonly #setup: ServerSetup;
  server: Server | null = null;
  #life: Life = { isAlive: false };

  constructor(setup: ServerSetup) {
    this.name = setup.name;
    this.disk = setup.disk;
    this.clock = setup.clock;
    this.#setup = setup;
  }

  start(): void {
    if (this.#life.isAlive) return;
    const life: Life = { isAlive: true };
    this.#life = life;
    const { clock, disk, listener, name, observe, options, random, sync } = this.#setup;
    startServer({
      ...options,
      ...sync(),
      store: disk.open(),
      listeners: [listener(life)],
      onNote: (note) => {
        if (life.isAlive) this.#noted(note);
      },
      clock: clock.seenBy(life),
      entropy: { integer: () => 1 + random.int(2 ** 31) },
    }).then(
      (server) => {
        if (life.isAlive) this.server = server;
      },
      (error: unknown) => {
        if (!life.isAlive) return;
        if (!(this.#setup.mayFail && error instanceof StoreFailure))
          observe({ type: 'fault', where: name, message: `does not start: ${String(error)}` });
        observe({ type: 'told', who: name, what: `does not start: ${String(error)}` });
        disk.crash();
        this.#end(life, true);
        this.#setup.time.schedule(again, () => this.start());
      },
    );
  }

  #noted(note: ServerNote): void {
    const { name, observe } = this.#setup;
    switch (note.type) {
      case 'decided':
        observe({ type: 'decided', where: name, decisions: note.decisions });
        return;
      case 'quarantined':
      case 'reported':
        observe({ type: note.type, server: name, message: note.message });
        return;
      case 'failed':
        observe({
          type: 'told',
          who: name,
          what: `partition ${note.partition} fails: ${String(note.error)}`,
        });
        return;
      case 'compacted':
        this.#setup.onCompacted(note.certificate);
        return;
      case 'refused':
        if (note.code === 202) this.#setup.onTokenOver();
        return;
      case 'uncompacted':
        observe({ type: 'fault', where: name, message: `does not compact: ${note.message}` });
        return;
      case 'cut':
        observe({ type: 'told', who: name, what: `cuts a link: ${note.reason.message}` });
        return;
      default:
    }
  }

  /** The program dies. */
  crash(): boolean {
    if (!this.#life.isAlive) return false;
    const { survivors, pending } = this.disk.crash();
    const what = pending === 0 ? 'crashes' : `crashes; ${survivors} of ${pending} commits are on its disk`;
    this.#setup.observe({ type: 'told', who: this.name, what });
    this.#end(this.#life, true);
    return true;
  }

  #end(life: Life, hasCrashed: boolean): void {
    life.isAlive = false;
    this.server = null;
    this.#setup.observe({ type: 'serverStopped', server: this.name, hasCrashed });
  }

  /** Shuts down; `then` is called once the program has ended. */
  stop(then: () => void = () => undefined): boolean {
    const { server } = this;
    const life = this.#life;
    if (server === null) return false;
    this.server = null;
    server.close().then(
      () => {
        if (!life.isAlive) return;
        this.#end(life, false);
        then();
      },
      (error: unknown) =>
        this.#setup.observe({
          type: 'fault',
          where: this.name,
          message: `does not shut down: ${String(error)}`,
        }),
    );
    return true;
  }
}
