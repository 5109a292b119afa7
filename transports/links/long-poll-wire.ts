/**
 * Requests and answers of long-poll links, byte by byte. All numbers are big-endian.
 *
 *     every request and answer   version u8, type u8, tag u64, attempt u32
 *     open                       nonce of 16 bytes, largest frame taken u32, oldest and newest protocol u8
 *       its answer               session of 16 bytes, largest frame u32, largest body u32, hold u32, expiry u32,
 *                                protocol u8
 *     poll                       session of 16 bytes, acknowledged u64, most bytes wanted u32
 *       its answer               acknowledged u64, offset u64, bytes of the stream to the end
 *     send                       session of 16 bytes, acknowledged u64, offset u64, bytes of the stream
 *       its answer               acknowledged u64
 *
 * The version is that of these headers; the protocol is that of the frames (`core/protocol/version.ts`), of which
 * the client says what it speaks, and the server the newest that it speaks too.
 *
 * The tag is chance that the client chose for the link, and attempts are counted, so that an answer that a
 * cache kept from another request is told by them. The nonce lets a repeated open find the session of the
 * first. The session is known to the client and the server alone: it is in no URL.
 */
import * as E from 'fp-ts/lib/Either.js';
import type { Entropy } from '../ports.js';
import type { VersionRange } from '../versions.js';

const version = 1;

/** Bytes of a session or a nonce. */
const idBytes = 16;

export type RequestType = 'open' | 'poll' | 'send';
const types: readonly RequestType[] = ['open', 'poll', 'send'];

/** What tells attempts apart: `tag` up to 2^53, `attempt` counted within the link. */
export interface AttemptId {
  readonly tag: number;
  readonly attempt: number;
}

/** Sessions and nonces are strings of 16 code units, one for each byte: keys of maps. */
interface RequestFields {
  readonly open: { readonly nonce: string; readonly maxFrameBytes: number; readonly versions: VersionRange };
  readonly poll: { readonly session: string; readonly acknowledged: number; readonly maxBytes: number };
  readonly send: { readonly session: string; readonly acknowledged: number; readonly offset: number };
}

/** Sizes are bytes, times are milliseconds. */
interface AnswerFields {
  readonly open: {
    readonly session: string;
    readonly maxFrameBytes: number;
    readonly maxBodyBytes: number;
    readonly hold: number;
    readonly expiry: number;
    readonly protocol: number;
  };
  readonly poll: { readonly acknowledged: number; readonly offset: number };
  readonly send: { readonly acknowledged: number };
}

type Header<Fields, T extends keyof Fields> = {
  [K in T]: AttemptId & { readonly type: K } & Fields[K];
}[T];

export type RequestHeader<T extends RequestType = RequestType> = Header<RequestFields, T>;
export type AnswerHeader<T extends RequestType = RequestType> = Header<AnswerFields, T>;

/** Bytes of a header before what its type adds: enough to know the type. */
export const commonHeaderBytes = 14;

const requestBytes: Record<RequestType, number> = {
  open: commonHeaderBytes + idBytes + 6,
  poll: commonHeaderBytes + idBytes + 8 + 4,
  send: commonHeaderBytes + idBytes + 8 + 8,
};

const answerBytes: Record<RequestType, number> = {
  open: commonHeaderBytes + idBytes + 17,
  poll: commonHeaderBytes + 8 + 8,
  send: commonHeaderBytes + 8,
};

export const requestHeaderBytes = (type: RequestType): number => requestBytes[type];
export const answerHeaderBytes = (type: RequestType): number => answerBytes[type];

/** 128 bits of chance. */
export const randomId = (entropy: Entropy): string => {
  let id = '';
  for (let i = 0; i < idBytes; i += 4) {
    const word = entropy.integer() % 2 ** 32;
    id += String.fromCharCode(word >>> 24, (word >>> 16) & 255, (word >>> 8) & 255, word & 255);
  }
  return id;
};

/** A cursor over a header that is being written. */
class Writer {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array<ArrayBuffer>) {
    this.bytes = bytes;
    this.#view = new DataView(bytes.buffer);
  }

  common(type: RequestType, { tag, attempt }: AttemptId): this {
    this.bytes[0] = version;
    this.bytes[1] = types.indexOf(type);
    this.#at = 2;
    return this.u64(tag).u32(attempt);
  }

  u8(value: number): this {
    this.#view.setUint8(this.#at++, value);
    return this;
  }

  u32(value: number): this {
    this.#view.setUint32(this.#at, value);
    this.#at += 4;
    return this;
  }

  /** Up to 2^53. */
  u64(value: number): this {
    return this.u32(Math.floor(value / 2 ** 32)).u32(value % 2 ** 32);
  }

  id(value: string): this {
    for (let i = 0; i < idBytes; i++) this.bytes[this.#at++] = value.charCodeAt(i);
    return this;
  }
}

/** A cursor over a header that is there in full. */
class Reader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 2;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  u8(): number {
    return this.#view.getUint8(this.#at++);
  }

  u32(): number {
    this.#at += 4;
    return this.#view.getUint32(this.#at - 4);
  }

  /** Beyond 2^53 the value is rounded, and larger than any that was sent. */
  u64(): number {
    return this.u32() * 2 ** 32 + this.u32();
  }

  id(): string {
    this.#at += idBytes;
    return String.fromCharCode(...this.#bytes.subarray(this.#at - idBytes, this.#at));
  }
}

/** The header, and `extra` bytes of zeros behind it. */
export const encodeRequest = (header: RequestHeader, extra = 0): Uint8Array<ArrayBuffer> => {
  const bytes = new Uint8Array(requestBytes[header.type] + extra);
  const writer = new Writer(bytes).common(header.type, header);
  if (header.type === 'open') {
    const { oldest, newest } = header.versions;
    writer.id(header.nonce).u32(header.maxFrameBytes).u8(oldest).u8(newest);
  } else if (header.type === 'poll') writer.id(header.session).u64(header.acknowledged).u32(header.maxBytes);
  else writer.id(header.session).u64(header.acknowledged).u64(header.offset);
  return bytes;
};

/** The header, and `extra` bytes of zeros behind it. */
export const encodeAnswer = (header: AnswerHeader, extra = 0): Uint8Array<ArrayBuffer> => {
  const bytes = new Uint8Array(answerBytes[header.type] + extra);
  const writer = new Writer(bytes).common(header.type, header);
  if (header.type === 'open') {
    const { session, maxFrameBytes, maxBodyBytes, hold, expiry, protocol } = header;
    writer.id(session).u32(maxFrameBytes).u32(maxBodyBytes).u32(hold).u32(expiry).u8(protocol);
  } else if (header.type === 'poll') writer.u64(header.acknowledged).u64(header.offset);
  else writer.u64(header.acknowledged);
  return bytes;
};

/** The type that a header of at least `commonHeaderBytes` announces, or what is wrong with it. */
export const decodeType = (bytes: Uint8Array): E.Either<string, RequestType> => {
  if (bytes[0] !== version) return E.left(`version ${bytes[0]}, expected ${version}`);
  const type = types[bytes[1] ?? types.length];
  return type === undefined ? E.left(`type ${bytes[1]}, expected 0 to ${types.length - 1}`) : E.right(type);
};

/** `bytes` are as many as `requestHeaderBytes` says. Every content of theirs is a header. */
export const decodeRequest = (type: RequestType, bytes: Uint8Array): RequestHeader => {
  const reader = new Reader(bytes);
  const tag = reader.u64();
  const attempt = reader.u32();
  if (type === 'open') {
    const nonce = reader.id();
    const maxFrameBytes = reader.u32();
    const oldest = reader.u8();
    return { type, tag, attempt, nonce, maxFrameBytes, versions: { oldest, newest: reader.u8() } };
  }
  const session = reader.id();
  const acknowledged = reader.u64();
  return type === 'poll'
    ? { type, tag, attempt, session, acknowledged, maxBytes: reader.u32() }
    : { type, tag, attempt, session, acknowledged, offset: reader.u64() };
};

/** The header of an answer, or why these bytes are none. What is behind it is the stream's. */
export const decodeAnswer = (bytes: Uint8Array): E.Either<string, AnswerHeader> => {
  const decoded = decodeType(bytes);
  if (E.isLeft(decoded)) return decoded;
  const type = decoded.right;
  const size = answerBytes[type];
  if (bytes.length < size) return E.left(`${bytes.length} bytes, expected at least ${size}`);
  const reader = new Reader(bytes);
  const tag = reader.u64();
  const attempt = reader.u32();
  if (type === 'poll') {
    return E.right({ type, tag, attempt, acknowledged: reader.u64(), offset: reader.u64() });
  }
  if (type === 'send') return E.right({ type, tag, attempt, acknowledged: reader.u64() });
  const session = reader.id();
  const maxFrameBytes = reader.u32();
  const maxBodyBytes = reader.u32();
  return E.right({
    type,
    tag,
    attempt,
    session,
    maxFrameBytes,
    maxBodyBytes,
    hold: reader.u32(),
    expiry: reader.u32(),
    protocol: reader.u8(),
  });
};
