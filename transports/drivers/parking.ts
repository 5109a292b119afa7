/**
 * The parking place, as an app sees it: writes that lost their place in a client reset, or that the server has
 * refused. They stay until the app dismisses them or has made something of them.
 */
import * as E from 'fp-ts/lib/Either.js';
import { applyAll, type ParkedWrite, type State, type Transaction } from '../../core/client.js';
import type { Written } from './client.js';
import type { Receipt } from './client-options.js';
import { SynclineError } from './error.js';

export interface ParkingHost {
  readonly parked: () => readonly ParkedWrite[];
  readonly state: () => State;
  readonly dismiss: (id: number) => void;
  /** Makes a write that takes the place of parked write `id`. */
  readonly write: <Result>(body: () => Written<Result>, id: number) => Receipt<Result>;
  readonly transact: <Result>(body: (tx: Transaction) => Result) => Written<Result>;
}

export class Parking {
  readonly #host: ParkingHost;

  /** Made by the client. */
  constructor(host: ParkingHost) {
    this.#host = host;
  }

  /** Oldest first. */
  get writes(): readonly ParkedWrite[] {
    return this.#host.parked();
  }

  /** Forgets a parked write for good. */
  dismiss(id: number): void {
    this.#find(id);
    this.#host.dismiss(id);
  }

  /**
   * Makes a new write of a parked one: its instructions as they are, where they fit by now, all or none; or
   * whatever `body` makes of them. With that write, and only with it, the parked one is forgotten.
   */
  reapply(id: number, body?: (tx: Transaction, parked: ParkedWrite) => void): Receipt<void> {
    const parked = this.#find(id);
    if (body !== undefined) return this.#host.write(() => this.#host.transact((tx) => body(tx, parked)), id);
    const instructions = parked.instructions.map(({ instruction }) => instruction);
    const applied = applyAll(this.#host.state(), instructions);
    if (E.isLeft(applied)) throw new SynclineError('write', applied.left.message, applied.left);
    return this.#host.write(() => E.right({ instructions, state: applied.right, result: undefined }), id);
  }

  #find(id: number): ParkedWrite {
    const found = this.#host.parked().find((write) => write.id === id);
    if (found === undefined) throw new SynclineError('write', `there is no parked write ${id}`);
    return found;
  }
}
