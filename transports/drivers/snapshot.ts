/** The data of a file at one moment: for reading, whatever happens to the file. */
import * as E from 'fp-ts/lib/Either.js';
import {
  digest,
  type KeyArgument,
  type ObjectsView,
  type ObjectView,
  objects,
  readObject,
  type State,
} from '../../core/client.js';
import { SynclineError } from './error.js';

export class Snapshot {
  readonly #state: State;

  /** Snapshots are made by the client. */
  constructor(state: State) {
    this.#state = state;
  }

  /** One object as a frozen plain record, or null if there is none. */
  object(className: string, key: KeyArgument): ObjectView | null {
    const found = readObject(this.#state, className, key);
    if (E.isLeft(found)) throw new SynclineError('read', found.left.message, found.left);
    return found.right;
  }

  /** All objects of a class, ordered by primary key. */
  objects(className: string): ObjectsView {
    const found = objects(this.#state, className);
    if (E.isLeft(found)) throw new SynclineError('read', found.left.message, found.left);
    return found.right;
  }

  /** 32 hex digits that are equal exactly where contents are. */
  digest(): string {
    return digest(this.#state);
  }
}
