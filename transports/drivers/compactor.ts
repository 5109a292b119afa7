/**
 * Compacts the log of one partition beside its running machine.
 *
 * The log is read in pieces and rewritten in slices (`core/history/log-rewrite.ts`), few of them in a turn of the
 * event loop, so that whoever syncs waits for a few milliseconds at most. The result goes to the machine as an event,
 * and is committed like anything else, or not, if the partition has moved on.
 *
 * Pieces that were read before and after a compaction are not of one log. So there is no second one here before
 * the first is durable; and where another server has made one meanwhile, what was read says nothing about the log.
 */
import * as E from 'fp-ts/lib/Either.js';
import {
  connectedFiles,
  dueRewrite,
  LogRewrite,
  maxOfflineOf,
  type RewritePlan,
  type RewritePolicy,
  type Rewritten,
  readEntries,
  type ServerMachine,
} from '../../core/index.js';
import type { Cancel, PartitionStore } from '../ports.js';

/** Bytes of the log that are read and decoded in one slice. */
const PIECE = 2 * 1024;
/** Slices of one turn of the event loop: as many as take no longer than so many milliseconds, and so many at most. */
const TURN = 2;
const SLICES = 10;
/** Commits and new bytes after which it is worth looking whether a compaction is due. */
const COMMITS = 32;
const BYTES = 8 * 1024;
/** Milliseconds after which it is looked in any case: the last one to acknowledge lets everything be folded. */
const LATER = 10_000;

export interface CompactorCallbacks {
  readonly machine: () => ServerMachine;
  readonly now: () => number;
  readonly schedule: (milliseconds: number, action: () => void) => Cancel;
  /**
   * The log is rewritten: the machine is to take it. Resolves once it has, or will not: before that, no other
   * compaction may read the log.
   */
  readonly done: (rewritten: Rewritten) => Promise<void>;
  /** It could not be, and stays as it is. */
  readonly left: (message: string) => void;
  readonly failed: (error: unknown) => void;
}

/** The entries of a log from its first one up to `head`, in pieces. `pause` is awaited between two of them. */
export const readLog = async (
  store: PartitionStore,
  head: number,
  pieceBytes: number,
  take: (entries: ReturnType<typeof readEntries>) => boolean,
  pause: () => Promise<boolean>,
): Promise<boolean> => {
  for (let from = 0; from <= head; ) {
    const records = await store.read('log', from, head + 1, pieceBytes);
    const last = records[records.length - 1];
    if (last === undefined) return true;
    if (!take(readEntries(records)) || !(await pause())) return false;
    from = last.index + 1;
  }
  return true;
};

export class Compactor {
  readonly #store: PartitionStore;
  readonly #policy: RewritePolicy;
  readonly #callbacks: CompactorCallbacks;
  #isRunning = false;
  #hasStopped = false;
  #commits = 0;
  #stopWaiting: Cancel | null = null;
  /** Bytes of the log when it was looked at last, and when a compaction last came to nothing. */
  #looked = 0;
  #vain = 0;

  constructor(store: PartitionStore, policy: RewritePolicy, callbacks: CompactorCallbacks) {
    this.#store = store;
    this.#policy = policy;
    this.#callbacks = callbacks;
  }

  get isRunning(): boolean {
    return this.#isRunning;
  }

  stop(): void {
    this.#hasStopped = true;
    this.#stopWaiting?.();
  }

  /** After each commit; looks now and then. */
  committed(): void {
    const { bytes } = this.#callbacks.machine().partition.log;
    const { minBytes, maxBytes } = this.#policy;
    if (++this.#commits >= COMMITS || bytes - this.#looked >= Math.min(BYTES, minBytes)) this.look();
    else if (bytes >= minBytes && bytes <= maxBytes)
      this.#stopWaiting ??= this.#callbacks.schedule(LATER, () => this.look());
  }

  /** Starts a compaction where one is due and none runs. */
  look(): void {
    const machine = this.#callbacks.machine();
    const { bytes } = machine.partition.log;
    this.#commits = 0;
    this.#looked = bytes;
    this.#stopWaiting?.();
    this.#stopWaiting = null;
    if (this.#hasStopped) return;
    if (this.#isRunning) {
      this.#stopWaiting = this.#callbacks.schedule(LATER, () => this.look());
      return;
    }
    if (this.#vain > 0 && bytes < 2 * this.#vain) return;
    const now = this.#callbacks.now();
    const offline = maxOfflineOf(machine.config);
    const plan = dueRewrite(machine.partition, now, offline, connectedFiles(machine), this.#policy);
    if (plan === null) return;
    this.#isRunning = true;
    this.#rewrite(plan)
      .catch(this.#callbacks.failed)
      .finally(() => {
        this.#isRunning = false;
      });
  }

  async #rewrite(plan: RewritePlan): Promise<void> {
    const rewrite = new LogRewrite(plan);
    const pause = async (): Promise<boolean> => {
      await new Promise<void>((resolve) => this.#callbacks.schedule(0, resolve));
      return !this.#hasStopped;
    };
    let fault: string | null = null;
    const take = (entries: ReturnType<typeof readEntries>): boolean => {
      if (E.isLeft(entries)) fault = entries.left.message;
      else rewrite.take(entries.right);
      return fault === null;
    };
    if (await readLog(this.#store, plan.head, PIECE, take, pause)) {
      for (let done = this.#stepped(rewrite); ; done = this.#stepped(rewrite)) {
        if (done !== null) {
          if (E.isRight(done)) await this.#callbacks.done(done.right);
          else fault = done.left;
          break;
        }
        if (!(await pause())) return;
      }
    }
    if (fault !== null && (await this.#isOvertaken(plan))) fault = null;
    this.#vain = fault === null ? 0 : plan.bytes;
    if (fault !== null) this.#callbacks.left(fault);
  }

  /** Whether the log has been compacted since the plan was made: each compaction leaves a certificate. */
  async #isOvertaken({ compactions }: RewritePlan): Promise<boolean> {
    const later = await this.#store.read('certificate', compactions + 1, Number.MAX_SAFE_INTEGER, 1);
    return later.length > 0;
  }

  /** What one turn comes to. */
  #stepped(rewrite: LogRewrite): ReturnType<LogRewrite['step']> {
    const { now } = this.#callbacks;
    const began = now();
    let done = rewrite.step();
    for (let i = 1; i < SLICES && done === null && now() - began < TURN; i++) done = rewrite.step();
    return done;
  }
}
