/** The meters of one session (`core/session/progress.ts`), each with the reader that it tells. */
import {
  type ClientSession,
  type Direction,
  followed,
  lookAt,
  newFollowingMeter,
  newOutstandingMeter,
  type Progress,
  pendingBytes,
  settledAt,
} from '../../core/client.js';
import { Reader } from './feed.js';

/** A meter and its reader; told of the machine after each step. */
export type Watch = (machine: ClientSession) => void;

/** Whoever does not keep up wants to know where it is now, not where it was. */
const LATEST_ONLY = 1;

export class ProgressWatches {
  readonly #watches = new Set<Watch>();

  moved(machine: ClientSession): void {
    for (const watch of this.#watches) watch(machine);
  }

  /** Follows moving targets until the loop is left or the session ends. */
  follow(direction: Direction, machine: ClientSession): Reader<Progress> {
    const reader = new Reader<Progress>(LATEST_ONLY);
    let meter = newFollowingMeter;
    this.#add(reader, machine, (now) => {
      const next = followed(meter, lookAt(now, direction));
      meter = next.meter;
      if (next.item !== null) reader.push(next.item);
    });
    return reader;
  }

  /** Until all that is outstanding now is done: for a download, `done` must be called; an upload tells itself. */
  settle(direction: Direction, machine: ClientSession, done: Promise<void>): Reader<Progress> {
    const reader = new Reader<Progress>(LATEST_ONLY);
    const { version } = machine.file;
    const lookNow = (now: ClientSession) =>
      direction === 'upload'
        ? { transferred: now.traffic.uploaded, remaining: pendingBytes(now.file, version) }
        : lookAt(now, 'download');
    let meter = newOutstandingMeter(lookNow(machine));
    let present = machine;
    const tell = (isDone: boolean) => {
      const next = settledAt(meter, lookNow(present), isDone);
      meter = next.meter;
      if (next.item !== null) reader.push(next.item);
    };
    this.#add(reader, machine, (now) => {
      present = now;
      tell(false);
    });
    done.then(
      () => {
        tell(true);
        reader.end();
      },
      (error: unknown) => reader.fail(error),
    );
    return reader;
  }

  /** Nothing moves any more. */
  end(): void {
    this.#watches.clear();
  }

  #add(reader: Reader<Progress>, machine: ClientSession, watch: Watch): void {
    this.#watches.add(watch);
    reader.whenLeft(() => this.#watches.delete(watch));
    watch(machine);
  }
}
