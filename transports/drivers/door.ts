/**
 * Who is let in, what is let through, and until when: tokens, the state of sync, its rules, and its schema. What is
 * refused is told to the client, and noted.
 */
import * as E from 'fp-ts/lib/Either.js';
import {
  type Bind,
  errorMessage,
  type RefusedWrites,
  readPartitionValue,
  type ServerEvent,
  type ServerMessage,
  syncPartition,
  type Upload,
} from '../../core/index.js';
import type { Clock, User } from '../ports.js';
import { Access, type AccessOptions, type Entitlement, type RefusalReason } from './access.js';
import { Asking } from './asking.js';
import { Authorizer } from './authorizer.js';
import type { Peer } from './peer.js';
import type { ServerNote } from './server-options.js';
import { pauseMessage, type ServerSync } from './server-sync.js';
import type { SyncOptions } from './sync-options.js';

type Told = Extract<ServerEvent, { type: 'expelled' | 'entitled' }>;
/** What becomes of a session that was let in. */
export type Fate = Told extends infer Event ? (Event extends Told ? Omit<Event, 'now'> : never) : never;

export interface DoorOptions {
  readonly access: AccessOptions;
  /** Null where there is no configuration. */
  readonly sync: { readonly server: ServerSync; readonly options: SyncOptions } | null;
  readonly clock: Clock;
  readonly note: (note: ServerNote) => void;
  readonly send: (peer: Peer, message: ServerMessage) => void;
  readonly tell: (partition: string, fate: Fate) => void;
  /** The writes of an upload that link to what other partitions have; null where there are none. */
  readonly crossing: (partition: string, connection: number, upload: Upload) => Promise<RefusedWrites | null>;
}

interface UploadFault extends RefusalReason {
  /** The writes that it is about. */
  readonly rejected?: readonly number[];
}

const shutsDown: RefusalReason = { code: 200, message: 'the server shuts down' };

const sessionOf = (peer: Peer, number: number): string => `${peer.id}/${number}`;

export class Door {
  readonly #options: DoorOptions;
  readonly #access: Access;
  readonly #authorizer: Authorizer | null;
  readonly #asking = new Asking<E.Either<RefusalReason, Entitlement>>(E.left(shutsDown));
  /** Sessions that are over, and whose clients have not been told yet: what is decided before comes first. */
  readonly #over = new Set<string>();
  #isClosing = false;

  constructor(options: DoorOptions) {
    this.#options = options;
    const { sync, clock, note } = options;
    const onFailure = (partition: string, error: Error) => note({ type: 'failed', partition, error });
    this.#authorizer =
      sync === null
        ? null
        : new Authorizer({
            ...sync.options,
            clock,
            present: () => sync.server.setting.config,
            onFailure,
          });
    this.#access = new Access(options.access, clock, onFailure, this.#authorizer);
  }

  get #sync(): ServerSync | null {
    return this.#options.sync?.server ?? null;
  }

  /** What a bind entitles to; null where there is no session. */
  async admitted(peer: Peer, message: Bind): Promise<Entitlement | null> {
    for (;;) {
      const setting = this.#sync?.setting;
      const admitted = await this.#asking.until(this.#access.admit(message));
      if (await this.#isPaused(peer, message)) return null;
      // What it was admitted by may have changed meanwhile.
      if (this.#sync?.setting !== setting) continue;
      if (E.isRight(admitted)) return admitted.right;
      this.#refuse(peer, message.session, message.partition, admitted.left);
      return null;
    }
  }

  /** Watches over the session until `release`; false where what it was entitled to is over already. */
  hold(peer: Peer, number: number, partition: string, entitlement: Entitlement): boolean {
    const { note, tell } = this.#options;
    const connection = peer.id;
    const over = this.#access.hold(sessionOf(peer, number), entitlement, {
      partition,
      end: (reason) => {
        note({ type: 'refused', partition, ...reason });
        this.#over.add(sessionOf(peer, number));
        tell(partition, { type: 'expelled', connection, number, ...reason });
      },
      entitle: (canWrite) => tell(partition, { type: 'entitled', connection, number, canWrite }),
    });
    if (over !== null) this.#refuse(peer, number, partition, over);
    return over === null;
  }

  /** Why an upload is not taken: the classes that it declares, or links that leave the partition; null where it is. */
  async uploadFault(peer: Peer, partition: string, upload: Upload): Promise<UploadFault | null> {
    if (this.#sync === null) return null;
    try {
      const canWrite = this.#access.mayWrite(sessionOf(peer, upload.session));
      const refusal = await this.#sync.admitSchema(upload.changesets, canWrite);
      if (refusal !== null) return { code: 225, message: refusal };
      const crossing = await this.#options.crossing(partition, peer.id, upload);
      return crossing && { code: 230, message: crossing.message, rejected: crossing.versions };
    } catch (error) {
      this.#options.note({ type: 'failed', partition: syncPartition, error });
      return { code: 201, message: 'what has been synced could not be looked up' };
    }
  }

  /** Whether a message may go down: of what a session has lost its right to, nothing may. */
  lets(peer: Peer, message: ServerMessage): boolean {
    // Everything that goes down comes by here, and there is hardly ever one.
    if (this.#over.size === 0) return true;
    if (!('session' in message) || message.type === 'error' || message.type === 'unbound') return true;
    return !this.#over.has(sessionOf(peer, message.session));
  }

  release(peer: Peer, number: number): void {
    this.#over.delete(sessionOf(peer, number));
    this.#access.release(sessionOf(peer, number));
  }

  revoke(user: string): void {
    this.#access.revoke(user);
  }

  reevaluate(user: string | null): Promise<void> {
    return this.#access.reevaluate(user);
  }

  async explain(user: User, value: unknown): Promise<string> {
    if (this.#authorizer === null)
      throw new Error('the server was started without rules: see its option `sync`');
    const read = readPartitionValue(value);
    if (E.isLeft(read)) throw new TypeError(read.left);
    return this.#authorizer.explain(user, read.right);
  }

  /** Nobody is let in any more, and nobody waited for. */
  stop(): void {
    this.#isClosing = true;
    this.#access.stop();
    this.#asking.end();
  }

  /** Whether sync is not enabled, so that there is no session for now. */
  async #isPaused(peer: Peer, { session, partition }: Bind): Promise<boolean> {
    const { note, send } = this.#options;
    if (this.#sync === null || this.#isClosing) return false;
    try {
      const pause = await this.#sync.gate();
      if (pause === null) return false;
      note({ type: 'refused', partition, code: pause.code, message: pause.message });
      send(peer, pauseMessage(session, pause));
    } catch (error) {
      note({ type: 'failed', partition: syncPartition, error });
      send(peer, errorMessage(session, 201, 'the state of sync could not be read'));
    }
    return true;
  }

  #refuse(peer: Peer, session: number, partition: string, reason: RefusalReason): void {
    if (reason !== shutsDown) this.#options.note({ type: 'refused', partition, ...reason });
    this.#options.send(peer, errorMessage(session, reason.code, reason.message));
  }
}
