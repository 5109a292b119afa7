/**
 * What a client does about a reset that the server asks for.
 *
 *     manual             nothing: the session ends, and the app decides
 *     discardLocal       takes the fresh state; what was not synced is thrown away
 *     recover            carries what was not synced over to the fresh state
 *     recoverOrDiscard   the same; where that is forbidden or has not helped, the fresh state alone
 *
 * A reset is pending from the moment the server asks for it until everything has been uploaded and downloaded
 * once afterwards: only then has it helped. The record of it is kept in the file. Where the server asks for
 * the same again before that, resetting does not help, and doing it again would go on for ever:
 *
 *     what was done   mode now                         then
 *     discarded       any                              failure
 *     recovered       recover                          failure
 *     recovered       recoverOrDiscard, discardLocal   discards
 *
 * A request is the same where action, code and the write that the server has refused are. Others start anew,
 * but no more than `ATTEMPTS` in a row. A reset that fails otherwise (the app's callback, its schema) leaves no
 * record: that says nothing of the next one.
 *
 * Source: client-reset, sections 2 and 4, and 7, nos. 11 and 12; merge-semantics, sections 7.2 and 7.8.
 */

export const resetModes = ['manual', 'discardLocal', 'recover', 'recoverOrDiscard'] as const;
export type ResetMode = (typeof resetModes)[number];

/** What the server said. */
export interface ResetCause {
  readonly action: string;
  readonly code: number;
  readonly name: string;
  readonly message: string;
  /** The server forbids recovery. */
  readonly isRecoveryDisabled: boolean;
  /** The last write of this file that the server has; null where it does not say. */
  readonly integrated: number | null;
  /** The writes of this file that the server has refused, ascending; none where it is about something else. */
  readonly rejected: readonly number[];
}

/** A reset that the server has asked for, and that has not proved itself yet. */
export interface PendingReset {
  readonly performs: 'recovery' | 'discard';
  /** `confirming`: the switch is made, and not everything has gone up and come down since. */
  readonly stage: 'downloading' | 'confirming';
  readonly cause: ResetCause;
  /** What the first of several in a row was asked for. */
  readonly firstCause: ResetCause;
  readonly attempts: number;
  /** Why it discards, though the mode is to recover; null where it does not. */
  readonly fallback: string | null;
}

export type ResetPlan =
  | { readonly type: 'reset'; readonly pending: PendingReset }
  /** Left to the app. */
  | { readonly type: 'refused'; readonly reason: string };

/** In a row, for whatever reasons, before one has helped. */
export const ATTEMPTS = 10;

const isSame = (a: ResetCause, b: ResetCause): boolean =>
  a.action === b.action &&
  a.code === b.code &&
  a.rejected.length === b.rejected.length &&
  a.rejected.every((version, i) => version === b.rejected[i]);

/** Each of several resets that set refused writes aside leaves fewer of them: they come to an end by themselves. */
const isProgress = (cause: ResetCause, previous: ResetCause): boolean => {
  const last = previous.rejected[previous.rejected.length - 1];
  return last !== undefined && cause.rejected[0] !== undefined && cause.rejected[0] > last;
};

const describe = ({ code, name, message }: ResetCause): string => `${code} ${name}: ${message}`;

const refused = (reason: string): ResetPlan => ({ type: 'refused', reason });

/** Decides what to do about `cause`. `previous`: a reset that has not proved itself; null for none. */
export const planReset = (mode: ResetMode, cause: ResetCause, previous: PendingReset | null): ResetPlan => {
  if (mode === 'manual') return refused('the mode of client resets is manual');
  const firstCause = previous?.firstCause ?? cause;
  const before = previous?.attempts ?? 0;
  const attempts = previous !== null && isProgress(cause, previous.cause) ? before : before + 1;
  const again = `the first was asked for by ${describe(firstCause)}`;
  if (attempts > ATTEMPTS)
    return refused(`${previous?.attempts} client resets in a row did not help; ${again}`);
  let performs: PendingReset['performs'] = mode === 'discardLocal' ? 'discard' : 'recovery';
  let fallback: string | null = null;
  if (previous !== null && isSame(previous.cause, cause)) {
    if (previous.performs === 'discard')
      return refused(`a client reset that took the server's state did not help; ${again}`);
    if (mode === 'recover') return refused(`a client reset that recovered did not help; ${again}`);
    performs = 'discard';
    if (mode === 'recoverOrDiscard') fallback = `a client reset that recovered did not help; ${again}`;
  }
  if (cause.isRecoveryDisabled && mode === 'recover')
    return refused('the server forbids to recover, and the mode is to recover or do nothing');
  if (cause.isRecoveryDisabled && mode === 'recoverOrDiscard' && fallback === null) {
    performs = 'discard';
    fallback = 'the server forbids to recover';
  }
  return {
    type: 'reset',
    pending: { performs, stage: 'downloading', cause, firstCause, attempts, fallback },
  };
};
