/**
 * The messages of a conversation, as values. Encodings are elsewhere (`codec.ts` for our own wire): the
 * session machines know only this file.
 *
 * One connection carries several sessions, told apart by a number that the client chooses (1 and up);
 * session 0 in an error means the connection. A conversation:
 *
 *     client                                server
 *     bind                            →
 *                                     ←     ident            only if the client asked for one
 *     identify                        →
 *     mark, upload …                  →
 *                                     ←     download …, mark (the answer)
 *     unbind                          →
 *                                     ←     unbound
 *                                     ←     error            instead of any of the above
 *
 * Source: sessions-and-history, sections 2 and 4; merge-semantics, section 9.
 */
import type { Changeset } from '../model/changeset.js';
import type { Batch, DownloadCursor, SaltedVersion, UploadCursor } from '../model/progress.js';
import type { ErrorAction, ErrorCode } from './errors.js';

export interface Bind {
  readonly type: 'bind';
  readonly session: number;
  readonly partition: string;
  readonly token: string;
  readonly needIdent: boolean;
}

export interface Identify {
  readonly type: 'identify';
  readonly session: number;
  readonly ident: number;
  readonly salt: number;
  readonly latest: SaltedVersion;
  readonly download: DownloadCursor;
  /** Nothing is to come down in this session but acknowledgements; absent where all is. */
  readonly uploadsOnly?: true;
}

/** A changeset whose instructions cannot be decoded: its numbers, and the body as it came. */
export interface DamagedChangeset extends Omit<Changeset, 'instructions'> {
  readonly body: Uint8Array;
}

export interface Upload {
  readonly type: 'upload';
  readonly session: number;
  /** The client's position after these changesets: acknowledges downloads even where there are none. */
  readonly progress: UploadCursor;
  /** The server must keep the history from here on for this client. */
  readonly lockedServerVersion: number;
  readonly changesets: readonly Changeset[];
  /**
   * What follows on `changesets`, from the first on that is damaged: nothing behind it can be integrated
   * either. Only a decoder makes one; the client that sent it is told, and no other session.
   */
  readonly damaged?: {
    /** At least one. */
    readonly changesets: readonly DamagedChangeset[];
    /** Why the first cannot be decoded. */
    readonly reason: string;
  };
}

export interface ClientMark {
  readonly type: 'mark';
  readonly session: number;
  readonly request: number;
}

export interface Unbind {
  readonly type: 'unbind';
  readonly session: number;
}

/** The client could not integrate a download. */
export interface ClientError {
  readonly type: 'clientError';
  readonly session: number;
  readonly code: ErrorCode;
  readonly message: string;
}

export interface ServerIdent {
  readonly type: 'ident';
  readonly session: number;
  readonly ident: number;
  readonly salt: number;
}

export interface Download {
  readonly type: 'download';
  readonly session: number;
  readonly download: DownloadCursor;
  readonly upload: UploadCursor;
  readonly latest: SaltedVersion;
  /** Bytes of history that remain after this message. */
  readonly downloadableBytes: number;
  readonly changesets: readonly Changeset[];
  /** That it is a part of: nothing of it may be shown before all of it; absent where it is whole in itself. */
  readonly batch?: Batch;
}

export interface ServerMark {
  readonly type: 'mark';
  readonly session: number;
  readonly request: number;
}

export interface Unbound {
  readonly type: 'unbound';
  readonly session: number;
}

export interface ServerError {
  readonly type: 'error';
  readonly session: number;
  readonly code: ErrorCode;
  readonly message: string;
  /** The same conversation may be tried again, after a pause. */
  readonly tryAgain: boolean;
  readonly action: ErrorAction;
  /** A client reset that it asks for must not recover what was not synced; absent where it may. */
  readonly isRecoveryDisabled?: true;
  /** The newest write of the client's file that the history holds; absent where the server does not say. */
  readonly integrated?: number;
  /** Milliseconds for which the server asks to be left alone; absent where the client may decide. */
  readonly retryAfter?: number;
  /** The writes of the client's file that are refused, ascending; absent where the error is about none. */
  readonly rejected?: readonly number[];
}

export type ClientMessage = Bind | Identify | Upload | ClientMark | Unbind | ClientError;
export type ServerMessage = ServerIdent | Download | ServerMark | Unbound | ServerError;
export type Message = ClientMessage | ServerMessage;
