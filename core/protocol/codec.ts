/**
 * Messages as bytes: each a MessagePack array of a type number, the session, and the fields in the order of
 * the table below. Changesets are arrays of version, base, timestamp, origin and the body as a binary
 * (format: `core/model/codec-format.ts`), as in `core/model/codec.ts`.
 *
 *     1    bind           partition, token, needIdent
 *     2    identify       ident, salt, latest version and salt, download cursor (server, client), and true
 *                         where the session is uploadsOnly
 *     3    upload         upload cursor (client, server), lockedServerVersion, changesets
 *     4    mark           request                                             in both directions
 *     5    unbind
 *     6    clientError    code, message
 *     17   ident          ident, salt
 *     18   download       download cursor (server, client), upload cursor (client, server),
 *                         latest version and salt, downloadableBytes, changesets, and in a part of a batch
 *                         its cut, and whether it is the last
 *     20   unbound
 *     21   error          code, message, tryAgain, action, and, where there are any: hints, and their numbers
 *
 * Numbers are integers from 0 to 2^53 - 1. Text is a string, or WTF-8 in a binary where msgpackr would not
 * keep it (see `text.ts`). All of it has the bytes that msgpackr gives the same array (a test holds that), and is
 * written and read by hand: msgpackr would be a third of a small client, and takes longer.
 *
 * Laws: decode(encode(x)) = x for well-formed x; encode(decode(b)) = b for all bytes b that decode. Decoding
 * any bytes gives a message or a `DecodeError`, never a throw, within `limits`. An upload decodes even where a
 * body in it does not: that is a fact about one changeset (`damaged`).
 */
import { type Either, right } from 'fp-ts/lib/Either.js';
import { Reader, Writer } from '../base/bytes.js';
import { answer, type DecodeError, refuse } from '../base/decode-error.js';
import { limits } from '../base/limits.js';
import { writeArrayHead, writeBinHead, writeBool, writeStrHead, writeUint } from '../base/msgpack.js';
import type { Changeset } from '../model/changeset.js';
import { encodeChangeset } from '../model/codec.js';
import type { DownloadCursor, SaltedVersion, UploadCursor } from '../model/progress.js';
import { type ErrorAction, type ErrorCode, isErrorCode } from './errors.js';
import { Fields } from './fields.js';
import type { ClientMessage, Download, Message, ServerError, ServerMessage } from './messages.js';
import { isPlainText, textBytes } from './text.js';

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
export const errorActions = [
  'Transient',
  'Warning',
  'ProtocolViolation',
  'ApplicationBug',
  'ClientReset',
  'ClientResetNoRecovery',
] as const satisfies ErrorAction[];

const writer = new Writer();

/**
 * Throws where the message is not well formed: numbers beyond 2^53 - 1, ill-formed instructions, more
 * changesets or instructions than `limits` allow. The result is not to be written to: short results share memory.
 */
export const encodeMessage = (message: Message): Uint8Array => {
  switch (message.type) {
    case 'download':
      return downloadBytes(message);
    case 'ident':
      writer.begin();
      begin(4, IDENT, message.session);
      uint(message.ident);
      uint(message.salt);
      return writer.finish();
    case 'unbound':
      writer.begin();
      begin(2, UNBOUND, message.session);
      return writer.finish();
    case 'error': {
      const hints = hintsOf(message);
      writer.begin();
      begin(6 + hints.length, ERROR, message.session);
      uint(message.code);
      text(message.message);
      bool(message.tryAgain);
      uint(errorActions.indexOf(message.action));
      for (const hint of hints) uint(hint);
      return writer.finish();
    }
    default:
      return encodeClientMessage(message);
  }
};

/** As `encodeMessage`, for whoever sends nothing else. */
export const encodeClientMessage = (message: ClientMessage): Uint8Array => {
  writer.begin();
  const { session } = message;
  switch (message.type) {
    case 'bind':
      begin(5, BIND, session);
      text(message.partition);
      text(message.token);
      bool(message.needIdent);
      break;
    case 'identify':
      begin(message.uploadsOnly === true ? 9 : 8, IDENTIFY, session);
      uint(message.ident);
      uint(message.salt);
      saltedVersion(message.latest);
      downloadCursor(message.download);
      if (message.uploadsOnly === true) bool(true);
      break;
    case 'upload': {
      const { changesets, damaged } = message;
      begin(6, UPLOAD, session);
      uploadCursor(message.progress);
      uint(message.lockedServerVersion);
      changesetsHead(changesets, damaged?.changesets.length ?? 0);
      for (const changeset of changesets) writer.raw(encodeChangeset(changeset));
      for (const { body, ...numbers } of damaged?.changesets ?? [])
        writer.raw(encodeChangeset({ ...numbers, body: { bytes: body, start: 0 } }));
      break;
    }
    case 'mark':
      begin(3, MARK, session);
      uint(message.request);
      break;
    case 'unbind':
      begin(2, UNBIND, session);
      break;
    case 'clientError':
      begin(4, CLIENT_ERROR, session);
      uint(message.code);
      text(message.message);
      break;
  }
  return writer.finish();
};

const begin = (fields: number, type: number, session: number): void => {
  writer.reserve(1);
  writeArrayHead(writer, fields);
  uint(type);
  uint(session);
};

const uint = (value: number): void => {
  writer.reserve(9);
  writeUint(writer, value);
};

const bool = (value: boolean): void => {
  writer.reserve(1);
  writeBool(writer, value);
};

const text = (value: string): void => {
  const bytes = textBytes(value);
  writer.reserve(5);
  if (isPlainText(value)) writeStrHead(writer, bytes.length);
  else writeBinHead(writer, bytes.length);
  writer.raw(bytes);
};

const saltedVersion = ({ version, salt }: SaltedVersion): void => {
  uint(version);
  uint(salt);
};

const downloadCursor = ({ serverVersion, lastIntegratedClientVersion }: DownloadCursor): void => {
  uint(serverVersion);
  uint(lastIntegratedClientVersion);
};

const uploadCursor = ({ clientVersion, lastIntegratedServerVersion }: UploadCursor): void => {
  uint(clientVersion);
  uint(lastIntegratedServerVersion);
};

/** What an error tells besides: a field that says which others follow, or nothing at all. */
const hintsOf = ({ isRecoveryDisabled, integrated, retryAfter, rejected }: ServerError): number[] => {
  let flags = isRecoveryDisabled === true ? RECOVERY_DISABLED : 0;
  const numbers: number[] = [];
  const put = (flag: number, value: number | undefined): void => {
    if (value === undefined) return;
    flags |= flag;
    numbers.push(value);
  };
  put(INTEGRATED, integrated);
  put(RETRY_AFTER, retryAfter);
  if (rejected !== undefined) {
    flags |= REJECTED;
    numbers.push(...rejected);
  }
  return flags === 0 ? [] : [flags, ...numbers];
};

const changesetsHead = (changesets: readonly Changeset[], more: number): void => {
  const count = changesets.length + more;
  let instructions = 0;
  for (const changeset of changesets) instructions += changeset.instructions.length;
  if (count > limits.messageChangesets || instructions > limits.messageInstructions) {
    throw new Error(`${count} changesets of ${instructions} instructions in one message`);
  }
  writer.reserve(5);
  writeArrayHead(writer, count);
};

/** Changesets that were sent, and the last message that told them. */
interface Contents {
  readonly changesets: readonly Changeset[];
  /** Their encoded form. */
  readonly encoded: Uint8Array;
  told: Download | null;
  /** That of `told`. */
  bytes: Uint8Array;
}

/**
 * Many sessions are sent the same changesets: an array of them is encoded once. And most are told the same of them:
 * the last message is kept.
 */
const contents = new WeakMap<readonly Changeset[], Contents>();

const noBytes = new Uint8Array(0);

/** Encoded changesets of so many bytes are not held for the next message. */
const HELD_BYTES = 64 * 1024;

/** Those who are sent the same changesets are mostly sent them one after the other. The first is nobody's. */
let lastSent: Contents = { changesets: [], encoded: noBytes, told: null, bytes: noBytes };

const contentsOf = (changesets: readonly Changeset[]): Contents => {
  if (lastSent.changesets === changesets) return lastSent;
  let known = contents.get(changesets);
  if (known === undefined) {
    writer.begin();
    changesetsHead(changesets, 0);
    for (const changeset of changesets) writer.raw(encodeChangeset(changeset));
    known = { changesets, encoded: writer.finish(), told: null, bytes: noBytes };
    contents.set(changesets, known);
  }
  if (known.encoded.length < HELD_BYTES) lastSent = known;
  return known;
};

const downloadBytes = (message: Download): Uint8Array => {
  const contents = contentsOf(message.changesets);
  if (contents.told !== null && isSame(contents.told, message)) return contents.bytes;
  writer.begin();
  begin(message.batch === undefined ? 10 : 12, DOWNLOAD, message.session);
  downloadCursor(message.download);
  uploadCursor(message.upload);
  saltedVersion(message.latest);
  uint(message.downloadableBytes);
  writer.raw(contents.encoded);
  if (message.batch !== undefined) {
    uint(message.batch.cut);
    bool(message.batch.isLast);
  }
  contents.told = message;
  contents.bytes = writer.finish();
  return contents.bytes;
};

/** Whether two downloads of the same changesets say the same. */
const isSame = (a: Download, b: Download): boolean =>
  a.session === b.session &&
  a.download.serverVersion === b.download.serverVersion &&
  a.download.lastIntegratedClientVersion === b.download.lastIntegratedClientVersion &&
  a.upload.clientVersion === b.upload.clientVersion &&
  a.upload.lastIntegratedServerVersion === b.upload.lastIntegratedServerVersion &&
  a.latest.version === b.latest.version &&
  a.latest.salt === b.latest.salt &&
  a.downloadableBytes === b.downloadableBytes &&
  a.batch?.cut === b.batch?.cut &&
  a.batch?.isLast === b.batch?.isLast;

export const decodeClientMessage = (bytes: Uint8Array): Either<DecodeError, ClientMessage> =>
  decode(bytes, clientMessage);

export const decodeServerMessage = (bytes: Uint8Array): Either<DecodeError, ServerMessage> =>
  decode(bytes, serverMessage);

const decode = <M>(bytes: Uint8Array, read: (fields: Fields) => M): Either<DecodeError, M> => {
  try {
    if (bytes.length > limits.messageBytes) {
      refuse('tooLarge', 0, `a message of ${bytes.length} bytes: expected at most ${limits.messageBytes}`);
    }
    // A plain view, whatever kind of array was given, because bodies are views on it.
    const view = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
    const reader = new Reader(view);
    const fields = new Fields(reader, 'a message');
    const message = read(fields);
    fields.end();
    reader.end('the message');
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
      const latest = readSaltedVersion(fields);
      const download = readDownloadCursor(fields);
      const identify = { type: 'identify', session, ident, salt, latest, download } as const;
      if (!fields.hasMore) return identify;
      if (!fields.bool('uploadsOnly')) fields.fail('unknown', 'uploadsOnly is true where it is there at all');
      return { ...identify, uploadsOnly: true };
    }
    case UPLOAD: {
      const progress = readUploadCursor(fields);
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
      const download = readDownloadCursor(fields);
      const upload = readUploadCursor(fields);
      const latest = readSaltedVersion(fields);
      const downloadableBytes = fields.uint('the downloadable bytes');
      // Merging may have made a changeset larger than an upload can be.
      const changesets = fields.changesets(limits.messageBytes);
      const message = {
        type: 'download',
        session,
        download,
        upload,
        latest,
        downloadableBytes,
        changesets,
      } as const;
      if (!fields.hasMore) return message;
      const cut = fields.uint('the cut of a batch');
      return { ...message, batch: { cut, isLast: fields.bool('whether it is the last of its batch') } };
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
    ...((flags & REJECTED) === 0 ? {} : { rejected: rejectedIn(fields) }),
  };
};

/** They are the last of the hints: however many follow. */
const rejectedIn = (fields: Fields): readonly number[] => {
  const rejected: number[] = [];
  do {
    const version = fields.uint('a write that was rejected');
    if (rejected.length > 0 && version <= (rejected[rejected.length - 1] as number))
      fields.fail('notCanonical', `rejected write ${version} does not come after the one before`);
    rejected.push(version);
  } while (fields.hasMore);
  return rejected;
};

const readSaltedVersion = (fields: Fields): SaltedVersion => {
  const version = fields.uint('the latest server version');
  return { version, salt: fields.uint('its salt') };
};

const readDownloadCursor = (fields: Fields): DownloadCursor => {
  const serverVersion = fields.uint('the server version of the download');
  return { serverVersion, lastIntegratedClientVersion: fields.uint('its last integrated client version') };
};

const readUploadCursor = (fields: Fields): UploadCursor => {
  const clientVersion = fields.uint('the client version of the upload');
  return { clientVersion, lastIntegratedServerVersion: fields.uint('its last integrated server version') };
};

const errorCode = (fields: Fields): ErrorCode => {
  const code = fields.uint('the code of an error');
  return isErrorCode(code) ? code : fields.fail('unknown', `error code ${code}`);
};

const errorAction = (fields: Fields): ErrorAction => {
  const number = fields.uint('the action on an error');
  return errorActions[number] ?? fields.fail('unknown', `action ${number} on an error`);
};
