/**
 * The closed table of protocol errors: what each code means, whose fault it is, whether to try again, and
 * what the client does about it. Numbers and names are those of the reference, so that its clients can be
 * served; 100 to 199 end the connection, 200 to 299 end the session.
 *
 * Source: sessions-and-history, section 5; merge-semantics, section 8.7.
 */
export type ErrorAction =
  | 'Transient'
  | 'Warning'
  | 'ProtocolViolation'
  | 'ApplicationBug'
  | 'ClientReset'
  | 'ClientResetNoRecovery';

export interface ErrorSpec {
  readonly name: string;
  readonly tryAgain: boolean;
  readonly action: ErrorAction;
}

const spec = (name: string, action: ErrorAction): ErrorSpec => ({
  name,
  tryAgain: action === 'Transient',
  action,
});

export const errorTable = {
  /** The connection ends without an error; nobody is at fault. */
  100: spec('connection_closed', 'Transient'),
  /** The server failed; the server's fault. */
  101: spec('other_error', 'Transient'),
  /** A message of unknown type; the client's fault. */
  102: spec('unknown_message', 'ProtocolViolation'),
  /** A message that cannot be decoded; the client's fault. */
  103: spec('bad_syntax', 'ProtocolViolation'),
  /** A message or a count beyond the limits; the client's fault. */
  104: spec('limits_exceeded', 'ProtocolViolation'),
  /** No common protocol version; the client's fault. */
  105: spec('wrong_protocol_version', 'ProtocolViolation'),
  /** A message for a session that is not bound; the client's fault. */
  106: spec('bad_session_ident', 'ProtocolViolation'),
  /** A second bind of one session; the client's fault. */
  107: spec('reuse_of_session_ident', 'ProtocolViolation'),
  /** One file bound twice; the client's fault. */
  108: spec('bound_in_other_session', 'ProtocolViolation'),
  /** A message out of order; the client's fault. */
  109: spec('bad_message_order', 'ProtocolViolation'),
  /** The session ends without an error; nobody is at fault. */
  200: spec('session_closed', 'Transient'),
  /** The server failed in this session; the server's fault. */
  201: spec('other_session_error', 'Transient'),
  /** The token has expired or was revoked; the client's fault. */
  202: spec('token_expired', 'Transient'),
  /** The token is not valid; the client's fault. */
  203: spec('bad_authentication', 'ApplicationBug'),
  /** The partition does not exist or is not well formed; the client's fault. */
  204: spec('illegal_realm_path', 'ApplicationBug'),
  /** The user may not open this partition; the client's fault. */
  206: spec('permission_denied', 'ApplicationBug'),
  /** The server does not know this file; nobody is at fault. */
  208: spec('bad_client_file_ident', 'ClientReset'),
  /** The client claims server versions that do not exist; the client's fault. */
  209: spec('bad_server_version', 'ClientReset'),
  /** Client versions are missing or out of order; the client's fault. */
  210: spec('bad_client_version', 'ClientReset'),
  /** The salts differ: other histories under equal numbers; nobody is at fault. */
  211: spec('diverging_histories', 'ClientReset'),
  /** A changeset that cannot be integrated; the client's fault. */
  212: spec('bad_changeset', 'ClientReset'),
  /** A changeset that names an origin it may not name; the client's fault. */
  216: spec('bad_origin_file_ident', 'ProtocolViolation'),
  /** The file can no longer sync; nobody is at fault. */
  217: spec('bad_client_file', 'ClientReset'),
  /** The file was away for longer than the history reaches; nobody is at fault. */
  222: spec('client_file_expired', 'ClientReset'),
  /** A schema change that does not fit the schema of the server; the client's fault. */
  225: spec('invalid_schema_change', 'ApplicationBug'),
  /** What the user may see has changed; nobody is at fault. */
  228: spec('server_permissions_changed', 'ClientReset'),
  /** A write that the user may not make; the client's fault. */
  230: spec('write_not_allowed', 'ClientReset'),
  /** A download whose cursor goes back; the server's fault. */
  233: spec('bad_progress', 'ProtocolViolation'),
} as const satisfies Record<number, ErrorSpec>;

export type ErrorCode = keyof typeof errorTable;

/** Codes that ask for a client reset. */
export type ResetCode = 208 | 209 | 210 | 211 | 212 | 217 | 222 | 228 | 230;

export const isErrorCode = (code: number): code is ErrorCode => Object.hasOwn(errorTable, code);

export const isConnectionCode = (code: ErrorCode): boolean => code < 200;
