/**
 * Messages as bytes: each a MessagePack array of a type number, the session, and the fields in the order of
 * the table below. Changesets are arrays of version, base, timestamp, origin and the body as a binary
 * (format: `core/model/codec-format.ts`), as in `core/model/codec.ts`.
 *
 *     1    bind           partition, token, needIdent
 *     2    identify       ident, salt, latest version and salt, download cursor (server, client)
 *     3    upload         upload cursor (client, server), lockedServerVersion, changesets
 *     4    mark           request                                             in both directions
 *     5    unbind
 *     6    clientError    code, message
 *     17   ident          ident, salt
 *     18   download       download cursor (server, client), upload cursor (client, server),
 *                         latest version and salt, downloadableBytes, changesets
 *     20   unbound
 *     21   error          code, message, tryAgain, action, and, where there are any: hints, and their numbers
 *
 * Numbers are integers from 0 to 2^53 - 1. Text is a string, or WTF-8 in a binary where msgpackr would not
 * keep it (see `packer.ts`).
 *
 * Laws: decode(encode(x)) = x for well-formed x; encode(decode(b)) = b for all bytes b that decode. Decoding
 * any bytes gives a message or a `DecodeError`, never a throw, within `limits`. An upload decodes even where a
 * body in it does not: that is a fact about one changeset (`damaged`).
 */
import { type Either, right } from 'fp-ts/lib/Either.js';
import { answer, type DecodeError, refuse } from '../base/decode-error.js';
import { limits } from '../base/limits.js';
import type { Changeset } from '../model/changeset.js';
import { encodeInstructions } from '../model/codec.js';
import type { DownloadCursor, SaltedVersion, UploadCursor } from '../model/progress.js';
import { type ErrorAction, type ErrorCode, isErrorCode } from './errors.js';
import { type Fields, fieldsOf } from './fields.js';
import type { ClientMessage, DamagedChangeset, Message, ServerError, ServerMessage } from './messages.js';
import { isPlainText, pack, textBytes } from './packer.js';

/** Hints of an error, added up. */
const RECOVERY_DISABLED = 1;
const INTEGRATED = 2;
const RETRY_AFTER = 4;
const REJECTED = 8;

/** The type follows the head of the array. */
const TYPE_OFFSET = 1;

const BIND = 1;
const IDENTIFY = 2;
const UPLOAD = 3;
const MARK = 4;
const UNBIND = 5;
const CLIENT_ERROR = 6;
const IDENT = 17;
const DOWNLOAD = 18;
const UNBOUND = 20;
const ERROR = 21;

/** Their positions are their numbers on the wire. */
const actions = [
  'Transient',
  'Warning',
  'ProtocolViolation',
  'ApplicationBug',
  'ClientReset',
  'ClientResetNoRecovery',
] as const satisfies ErrorAction[];

/**
 * Throws where the message is not well formed: numbers beyond 2^53 - 1, ill-formed instructions, more
 * changesets or instructions than `limits` allow.
 */
export const encodeMessage = (message: Message): Uint8Array => pack(valuesOf(message));

const valuesOf = (message: Message): readonly unknown[] => {
  const { session } = message;
  switch (message.type) {
    case 'bind':
      return [
        BIND,
        ...uints(session),
        packText(message.partition),
        packText(message.token),
        message.needIdent,
      ];
    case 'identify': {
      const { ident, salt, latest, download } = message;
      return [
        IDENTIFY,
        ...uints(session, ident, salt, latest.version, latest.salt),
        ...uints(download.serverVersion, download.lastIntegratedClientVersion),
      ];
    }
    case 'upload': {
      const { clientVersion, lastIntegratedServerVersion } = message.progress;
      return [
        UPLOAD,
        ...uints(session, clientVersion, lastIntegratedServerVersion, message.lockedServerVersion),
        packChangesets(message.changesets, message.damaged?.changesets),
      ];
    }
    case 'mark':
      return [MARK, ...uints(session, message.request)];
    case 'unbind':
      return [UNBIND, ...uints(session)];
    case 'clientError':
      return [CLIENT_ERROR, ...uints(session, message.code), packText(message.message)];
    case 'ident':
      return [IDENT, ...uints(session, message.ident, message.salt)];
    case 'download': {
      const { download, upload, latest } = message;
      return [
        DOWNLOAD,
        ...uints(session, download.serverVersion, download.lastIntegratedClientVersion),
        ...uints(upload.clientVersion, upload.lastIntegratedServerVersion),
        ...uints(latest.version, latest.salt, message.downloadableBytes),
        packChangesets(message.changesets),
      ];
    }
    case 'unbound':
      return [UNBOUND, ...uints(session)];
    case 'error':
      return [
        ERROR,
        ...uints(session, message.code),
        packText(message.message),
        message.tryAgain,
        actions.indexOf(message.action),
        ...packHints(message),
      ];
  }
};

const uints = (...numbers: number[]): number[] => {
  for (const number of numbers) {
    if (!Number.isSafeInteger(number) || number < 0) {
      throw new Error(`${number} in a message: expected an integer from 0 to 2^53 - 1`);
    }
  }
  return numbers;
};

/** What an error tells besides: a field that says which others follow, or nothing at all. */
const packHints = ({ isRecoveryDisabled, integrated, retryAfter, rejected }: ServerError): number[] => {
  let flags = isRecoveryDisabled === true ? RECOVERY_DISABLED : 0;
  const numbers: number[] = [];
  const put = (flag: number, value: number | undefined): void => {
    if (value === undefined) return;
    flags |= flag;
    numbers.push(value);
  };
  put(INTEGRATED, integrated);
  put(RETRY_AFTER, retryAfter);
  put(REJECTED, rejected);
  return flags === 0 ? [] : uints(flags, ...numbers);
};

const packText = (text: string): string | Uint8Array => (isPlainText(text) ? text : textBytes(text));

const packChangesets = (
  changesets: readonly Changeset[],
  damaged: readonly DamagedChangeset[] = [],
): unknown[] => {
  const count = changesets.length + damaged.length;
  let instructions = 0;
  for (const changeset of changesets) instructions += changeset.instructions.length;
  if (count > limits.messageChangesets || instructions > limits.messageInstructions) {
    throw new Error(`${count} changesets of ${instructions} instructions in one message`);
  }
  return [
    ...changesets.map((changeset) => [...numbersOf(changeset), encodeInstructions(changeset.instructions)]),
    ...damaged.map((changeset) => [...numbersOf(changeset), changeset.body]),
  ];
};

const numbersOf = ({
  version,
  base,
  timestamp,
  origin,
}: Omit<Changeset, 'instructions'>): readonly number[] => uints(version, base, timestamp, origin);

export const decodeClientMessage = (bytes: Uint8Array): Either<DecodeError, ClientMessage> =>
  decode(bytes, clientMessage);

export const decodeServerMessage = (bytes: Uint8Array): Either<DecodeError, ServerMessage> =>
  decode(bytes, serverMessage);

const decode = <M>(bytes: Uint8Array, read: (fields: Fields) => M): Either<DecodeError, M> => {
  try {
    if (bytes.length > limits.messageBytes) {
      refuse('tooLarge', 0, `a message of ${bytes.length} bytes: expected at most ${limits.messageBytes}`);
    }
    // A view of our own, because msgpackr leaves a property on what it reads.
    const view = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
    const fields = fieldsOf(view);
    const message = read(fields);
    fields.end();
    return right(message);
  } catch (thrown) {
    return answer(thrown);
  }
};

const clientMessage = (fields: Fields): ClientMessage => {
  const type = fields.uint('the type of a message');
  const session = fields.uint('the session');
  switch (type) {
    case BIND: {
      const partition = fields.text('the partition');
      const token = fields.text('the token');
      return { type: 'bind', session, partition, token, needIdent: fields.bool('needIdent') };
    }
    case IDENTIFY: {
      const ident = fields.uint('the file ident');
      const salt = fields.uint('its salt');
      const latest = saltedVersion(fields);
      return { type: 'identify', session, ident, salt, latest, download: downloadCursor(fields) };
    }
    case UPLOAD: {
      const progress = uploadCursor(fields);
      const lockedServerVersion = fields.uint('the locked server version');
      const uploaded = fields.uploadedChangesets(limits.changesetBytes);
      return { type: 'upload', session, progress, lockedServerVersion, ...uploaded };
    }
    case MARK:
      return { type: 'mark', session, request: fields.uint('the request') };
    case UNBIND:
      return { type: 'unbind', session };
    case CLIENT_ERROR: {
      const code = errorCode(fields);
      return { type: 'clientError', session, code, message: fields.text('the message of an error') };
    }
    default:
      return refuse('unknown', TYPE_OFFSET, `message type ${type}: no message of a client`);
  }
};

const serverMessage = (fields: Fields): ServerMessage => {
  const type = fields.uint('the type of a message');
  const session = fields.uint('the session');
  switch (type) {
    case IDENT: {
      const ident = fields.uint('the file ident');
      return { type: 'ident', session, ident, salt: fields.uint('its salt') };
    }
    case DOWNLOAD: {
      const download = downloadCursor(fields);
      const upload = uploadCursor(fields);
      const latest = saltedVersion(fields);
      const downloadableBytes = fields.uint('the downloadable bytes');
      // Merging may have made a changeset larger than an upload can be.
      const changesets = fields.changesets(limits.messageBytes);
      return { type: 'download', session, download, upload, latest, downloadableBytes, changesets };
    }
    case MARK:
      return { type: 'mark', session, request: fields.uint('the request') };
    case UNBOUND:
      return { type: 'unbound', session };
    case ERROR: {
      const code = errorCode(fields);
      const message = fields.text('the message of an error');
      const tryAgain = fields.bool('tryAgain');
      const action = errorAction(fields);
      return { type: 'error', session, code, message, tryAgain, action, ...hints(fields) };
    }
    default:
      return refuse('unknown', TYPE_OFFSET, `message type ${type}: no message of a server`);
  }
};

const hints = (
  fields: Fields,
): Pick<ServerError, 'isRecoveryDisabled' | 'integrated' | 'retryAfter' | 'rejected'> => {
  if (!fields.hasMore) return {};
  const flags = fields.uint('the hints of an error');
  if (flags === 0 || flags > (RECOVERY_DISABLED | INTEGRATED | RETRY_AFTER | REJECTED))
    fields.fail('unknown', `hints ${flags} of an error: expected 1 to 15`);
  return {
    ...((flags & RECOVERY_DISABLED) === 0 ? {} : { isRecoveryDisabled: true as const }),
    ...((flags & INTEGRATED) === 0 ? {} : { integrated: fields.uint('the newest integrated write') }),
    ...((flags & RETRY_AFTER) === 0 ? {} : { retryAfter: fields.uint('the pause that is asked for') }),
    ...((flags & REJECTED) === 0 ? {} : { rejected: fields.uint('the write that was rejected') }),
  };
};

const saltedVersion = (fields: Fields): SaltedVersion => {
  const version = fields.uint('the latest server version');
  return { version, salt: fields.uint('its salt') };
};

const downloadCursor = (fields: Fields): DownloadCursor => {
  const serverVersion = fields.uint('the server version of the download');
  return { serverVersion, lastIntegratedClientVersion: fields.uint('its last integrated client version') };
};

const uploadCursor = (fields: Fields): UploadCursor => {
  const clientVersion = fields.uint('the client version of the upload');
  return { clientVersion, lastIntegratedServerVersion: fields.uint('its last integrated server version') };
};

const errorCode = (fields: Fields): ErrorCode => {
  const code = fields.uint('the code of an error');
  return isErrorCode(code) ? code : fields.fail('unknown', `error code ${code}`);
};

const errorAction = (fields: Fields): ErrorAction => {
  const number = fields.uint('the action on an error');
  return actions[number] ?? fields.fail('unknown', `action ${number} on an error`);
};
