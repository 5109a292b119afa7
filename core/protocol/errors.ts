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
  readonly meaning: string;
  readonly fault: 'client' | 'server' | 'nobody';
  readonly tryAgain: boolean;
  readonly action: ErrorAction;
}

const spec = (
  name: string,
  meaning: string,
  fault: ErrorSpec['fault'],
  tryAgain: boolean,
  action: ErrorAction,
): ErrorSpec => ({ name, meaning, fault, tryAgain, action });

export const errorTable = {
  100: spec('connection_closed', 'the connection ends without an error', 'nobody', true, 'Transient'),
  101: spec('other_error', 'the server failed', 'server', true, 'Transient'),
  102: spec('unknown_message', 'a message of unknown type', 'client', false, 'ProtocolViolation'),
  103: spec('bad_syntax', 'a message that cannot be decoded', 'client', false, 'ProtocolViolation'),
  104: spec(
    'limits_exceeded',
    'a message or a count beyond the limits',
    'client',
    false,
    'ProtocolViolation',
  ),
  105: spec('wrong_protocol_version', 'no common protocol version', 'client', false, 'ProtocolViolation'),
  106: spec(
    'bad_session_ident',
    'a message for a session that is not bound',
    'client',
    false,
    'ProtocolViolation',
  ),
  107: spec('reuse_of_session_ident', 'a second bind of one session', 'client', false, 'ProtocolViolation'),
  108: spec('bound_in_other_session', 'one file bound twice', 'client', false, 'ProtocolViolation'),
  109: spec('bad_message_order', 'a message out of order', 'client', false, 'ProtocolViolation'),
  200: spec('session_closed', 'the session ends without an error', 'nobody', true, 'Transient'),
  201: spec('other_session_error', 'the server failed in this session', 'server', true, 'Transient'),
  202: spec('token_expired', 'the token has expired or was revoked', 'client', true, 'Transient'),
  203: spec('bad_authentication', 'the token is not valid', 'client', false, 'ApplicationBug'),
  204: spec(
    'illegal_realm_path',
    'the partition does not exist or is not well formed',
    'client',
    false,
    'ApplicationBug',
  ),
  206: spec('permission_denied', 'the user may not open this partition', 'client', false, 'ApplicationBug'),
  208: spec('bad_client_file_ident', 'the server does not know this file', 'nobody', false, 'ClientReset'),
  209: spec(
    'bad_server_version',
    'the client claims server versions that do not exist',
    'client',
    false,
    'ClientReset',
  ),
  210: spec(
    'bad_client_version',
    'client versions are missing or out of order',
    'client',
    false,
    'ClientReset',
  ),
  211: spec(
    'diverging_histories',
    'the salts differ: other histories under equal numbers',
    'nobody',
    false,
    'ClientReset',
  ),
  212: spec('bad_changeset', 'a changeset that cannot be integrated', 'client', false, 'ClientReset'),
  216: spec(
    'bad_origin_file_ident',
    'a changeset that names an origin it may not name',
    'client',
    false,
    'ProtocolViolation',
  ),
  217: spec('bad_client_file', 'the file can no longer sync', 'nobody', false, 'ClientReset'),
  222: spec(
    'client_file_expired',
    'the file was away for longer than the history reaches',
    'nobody',
    false,
    'ClientReset',
  ),
  225: spec(
    'invalid_schema_change',
    'a schema change that does not fit the schema of the server',
    'client',
    false,
    'ApplicationBug',
  ),
  228: spec(
    'server_permissions_changed',
    'what the user may see has changed',
    'nobody',
    false,
    'ClientReset',
  ),
  230: spec('write_not_allowed', 'a write that the user may not make', 'client', false, 'ClientReset'),
  233: spec('bad_progress', 'a download whose cursor goes back', 'server', false, 'ProtocolViolation'),
} as const satisfies Record<number, ErrorSpec>;

export type ErrorCode = keyof typeof errorTable;

/** Codes that ask for a client reset. */
export type ResetCode = 208 | 209 | 210 | 211 | 212 | 217 | 222 | 228 | 230;

export const isErrorCode = (code: number): code is ErrorCode => Object.hasOwn(errorTable, code);

export const isConnectionCode = (code: ErrorCode): boolean => code < 200;
