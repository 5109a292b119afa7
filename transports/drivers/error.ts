/**
 * The error that the public methods throw or reject with. `area` says whose business it is:
 *
 *     schema    the class configurations, or how they fit the file
 *     write     a transaction that does not fit the schema
 *     read      a class or key that does not exist
 *     store     the disk: unreadable, or a commit that failed
 *     session   the conversation ended with an error
 *     rejected  the server cannot integrate the very write that was asked about
 *     listener  a listener of the app threw; told by `session.errors()`, and nothing was disturbed
 *     closed    the client or server is closed
 */
export type ErrorArea =
  | 'schema'
  | 'write'
  | 'read'
  | 'store'
  | 'session'
  | 'rejected'
  | 'listener'
  | 'closed';

export class SynclineError extends Error {
  override readonly name = 'SynclineError';
  readonly area: ErrorArea;
  /** The values that the message was made from, for programs. */
  readonly details: unknown;

  constructor(area: ErrorArea, message: string, details: unknown = null) {
    super(message);
    this.area = area;
    this.details = details;
  }

  /** Several findings in one error, one line each. */
  static ofList(
    area: ErrorArea,
    title: string,
    findings: readonly { readonly message: string }[],
  ): SynclineError {
    const lines = findings.map((finding) => `  ${finding.message}`);
    return new SynclineError(area, [`${title}:`, ...lines].join('\n'), findings);
  }
}

/** What was thrown, in words. */
export const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
