/**
 * A look at MessagePack bytes before msgpackr reads them, for it trusts them with much: it allocates what an
 * array announces, recurses as deep as they nest, and has extensions for records, references, errors and
 * typed arrays. What passes here is small, shallow, and made of plain forms and our own extensions.
 *
 * Nothing is said here about the one canonical form: that is settled by packing again (`pack.ts`).
 */
import { Reader } from '../base/bytes.js';
import { refuse } from '../base/decode-error.js';
import { limits } from '../base/limits.js';

/**
 * Offsets of all elements in the order of the bytes: containers before what they contain, keys before their
 * values. Refuses (see `core/base/decode-error.ts`) whatever is not exactly one element that msgpackr reads
 * without a failure, in memory that is in proportion to the bytes.
 */
export const scanPacked = (bytes: Uint8Array, isExtension: (type: number) => boolean): number[] => {
  const scan = new Scan(bytes, isExtension);
  scan.element(0);
  scan.reader.end('the last element');
  return scan.offsets;
};

class Scan {
  readonly reader: Reader;
  readonly offsets: number[] = [];
  readonly #isExtension: (type: number) => boolean;

  constructor(bytes: Uint8Array, isExtension: (type: number) => boolean) {
    this.reader = new Reader(bytes);
    this.#isExtension = isExtension;
  }

  element(depth: number): void {
    const { reader } = this;
    const start = reader.position;
    if (this.offsets.length >= limits.packedElements) {
      refuse('tooLarge', start, `more than ${limits.packedElements} elements`);
    }
    if (depth > limits.packedDepth) refuse('tooLarge', start, `nested deeper than ${limits.packedDepth}`);
    this.offsets.push(start);
    const token = reader.byte();
    if (token < 0x80 || token >= 0xe0) return;
    if (token < 0x90) this.#elements(2 * (token & 0x0f), depth);
    else if (token < 0xa0) this.#elements(token & 0x0f, depth);
    else if (token < 0xc0) reader.skip(token & 0x1f, 'a string');
    else this.#long(token, start, depth);
  }

  /** An element that more than a token begins. */
  #long(token: number, start: number, depth: number): void {
    const { reader } = this;
    switch (token) {
      case 0xc0: // null, false, true
      case 0xc2:
      case 0xc3:
        break;
      case 0xc4: // binary or string, with a size of 8, 16, 32 bits
      case 0xd9:
        reader.skip(reader.byte(), 'a binary or string');
        break;
      case 0xc5:
      case 0xda:
        reader.skip(reader.uint16(), 'a binary or string');
        break;
      case 0xc6:
      case 0xdb:
        reader.skip(reader.uint32(), 'a binary or string');
        break;
      case 0xcc: // integer without or with sign, of 8, 16, 32 bits
      case 0xd0:
        reader.skip(1, 'an integer');
        break;
      case 0xcd:
      case 0xd1:
        reader.skip(2, 'an integer');
        break;
      case 0xce:
      case 0xd2:
        reader.skip(4, 'an integer');
        break;
      case 0xcb: // double, integer with sign of 64 bits
      case 0xd3:
        reader.skip(8, 'a number');
        break;
      case 0xc7: // extension, with a size of 8, 16, 32 bits, or of 1, 2, 4, 8, 16 bytes
        this.#extension(reader.byte());
        break;
      case 0xc8:
        this.#extension(reader.uint16());
        break;
      case 0xc9:
        this.#extension(reader.uint32());
        break;
      case 0xd4:
      case 0xd5:
      case 0xd6:
      case 0xd7:
      case 0xd8:
        this.#extension(1 << (token - 0xd4));
        break;
      case 0xdc: // array, map, with a count of 16, 32 bits
        this.#elements(reader.uint16(), depth);
        break;
      case 0xdd:
        this.#elements(reader.uint32(), depth);
        break;
      case 0xde:
        this.#elements(2 * reader.uint16(), depth);
        break;
      case 0xdf:
        this.#elements(2 * reader.uint32(), depth);
        break;
      default:
        refuse('unknown', start, `MessagePack token 0x${token.toString(16)}`);
    }
  }

  #elements(count: number, depth: number): void {
    const { reader } = this;
    if (count > reader.remaining) {
      refuse(
        'truncated',
        reader.position,
        `${count} elements announced where ${reader.remaining} bytes remain`,
      );
    }
    for (let i = 0; i < count; i++) this.element(depth + 1);
  }

  #extension(size: number): void {
    const { reader } = this;
    const start = reader.position;
    const type = reader.byte();
    if (!this.#isExtension(type)) refuse('unknown', start, `MessagePack extension ${type}`);
    reader.skip(size, 'an extension');
  }
}
