/**
 * Why bytes were refused.
 *
 * Decoders answer `Either<DecodeError, …>` for any bytes whatever. Inside, a refusal travels from the
 * byte that is wrong to the one `catch` at the border as a private exception without a stack (`Refusal`),
 * so that the loops in between hold no error paths. Everything else that is thrown is a bug.
 */
import { type Either, left } from 'fp-ts/lib/Either.js';

/**
 *     truncated      the bytes end inside something that announced more
 *     trailing       bytes remain after the end
 *     tooLarge       a size or count beyond `limits`
 *     unknown        a kind, type or message number that this version does not know
 *     malformed      known parts put together in a way that means nothing
 *     badText        bytes that are no well-formed text
 *     notCanonical   a meaning that has another, the only allowed encoding
 */
export type DecodeErrorCode =
  | 'truncated'
  | 'trailing'
  | 'tooLarge'
  | 'unknown'
  | 'malformed'
  | 'badText'
  | 'notCanonical';

export interface DecodeError {
  readonly code: DecodeErrorCode;
  /** Of the byte at which reading failed, counted from the start of the bytes given to the decoder. */
  readonly offset: number;
  /** What was found where, and what was expected. */
  readonly message: string;
}

class Refusal {
  readonly error: DecodeError;

  constructor(error: DecodeError) {
    this.error = error;
  }
}

/** Ends the decoding; the decoder catches it and gives its `answer`. */
export const refuse = (code: DecodeErrorCode, offset: number, message: string): never => {
  throw new Refusal({ code, offset, message });
};

/** What the decoder answers that has caught `thrown`. Throws it on where it is no refusal but a bug. */
export const answer = (thrown: unknown): Either<DecodeError, never> => {
  if (thrown instanceof Refusal) return left(thrown.error);
  throw thrown;
};

/** Runs `read` on bytes that begin at `base` of those that the decoder was given. */
export const within = <A>(base: number, read: () => A): A => {
  try {
    return read();
  } catch (thrown) {
    if (!(thrown instanceof Refusal)) throw thrown;
    const { code, offset, message } = thrown.error;
    return refuse(code, base + offset, message);
  }
};
