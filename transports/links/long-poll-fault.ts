/** What the server answers to requests that it does not serve: a status, and a body for people and programs. */

/**
 *     malformed           the body is no request of this protocol, or not all of one
 *     forbiddenOrigin     a page of an origin that is not on the list
 *     unknownPath         the listener serves one path, and not this
 *     wrongMethod         POST is expected
 *     timeout             the body did not come within the time
 *     outOfSequence       bytes or acknowledgements that cannot follow on those before; the link ends
 *     otherProtocol       no version of the protocol that both sides speak
 *     unknownSession      never opened, ended, or expired
 *     tooLarge            a body larger than is taken, or a frame, with which the link ends
 *     busy                as many sessions as there may be
 *     closed              the listener does not listen, or not any more
 */
export type FaultCode =
  | 'malformed'
  | 'forbiddenOrigin'
  | 'unknownPath'
  | 'wrongMethod'
  | 'timeout'
  | 'outOfSequence'
  | 'otherProtocol'
  | 'unknownSession'
  | 'tooLarge'
  | 'busy'
  | 'closed';

export interface Fault {
  readonly code: FaultCode;
  readonly message: string;
}

/** Seconds after which clients are to come again that are sent away for the time being. */
export const faultRetryAfter: Partial<Record<FaultCode, number>> = { busy: 30, closed: 5 };

export const faultStatus: Record<FaultCode, number> = {
  malformed: 400,
  forbiddenOrigin: 403,
  unknownPath: 404,
  wrongMethod: 405,
  timeout: 408,
  outOfSequence: 409,
  unknownSession: 410,
  tooLarge: 413,
  otherProtocol: 426,
  busy: 503,
  closed: 503,
};
