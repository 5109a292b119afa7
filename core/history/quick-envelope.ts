/**
 * The envelope of an encoded changeset, at a glance: four integers, and the head of the binary that is the
 * body. MessagePack, each in its shortest form. Format: `core/model/codec.ts`.
 */

const ARRAY_OF_FIVE = 0x95;
const UINT_8 = 0xcc;
const UINT_16 = 0xcd;
const UINT_32 = 0xce;
const FLOAT_64 = 0xcb;
const BIN_8 = 0xc4;
const BIN_16 = 0xc5;

export class QuickEnvelope {
  version = 0;
  base = 0;
  timestamp = 0;
  origin = 0;
  private position = 0;

  /** Where the body begins that ends at `end`; -1 where that is not known at a glance. `view` is on the same bytes. */
  read(bytes: Uint8Array, view: DataView, end: number): number {
    if (bytes[0] !== ARRAY_OF_FIVE) return -1;
    this.position = 1;
    this.version = this.integer(bytes, view);
    this.base = this.integer(bytes, view);
    this.timestamp = this.integer(bytes, view);
    this.origin = this.integer(bytes, view);
    if (this.version < 0 || this.base < 0 || this.timestamp < 0 || this.origin < 0) return -1;
    const size = this.bodySize(bytes, view);
    return size === end - this.position ? this.position : -1;
  }

  /** -1 where it is something else. */
  private integer(bytes: Uint8Array, view: DataView): number {
    const { position } = this;
    const token = bytes[position] as number;
    if (token < 0x80) {
      this.position++;
      return token;
    }
    let value: number;
    switch (token) {
      case UINT_8:
        this.position += 2;
        value = bytes[position + 1] as number;
        return value < 0x80 ? -1 : value;
      case UINT_16:
        this.position += 3;
        value = view.getUint16(position + 1);
        return value < 0x100 ? -1 : value;
      case UINT_32:
        this.position += 5;
        value = view.getUint32(position + 1);
        return value < 0x10000 ? -1 : value;
      case FLOAT_64:
        this.position += 9;
        value = view.getFloat64(position + 1);
        return value > 0xffffffff && Number.isSafeInteger(value) ? value : -1;
      default:
        return -1;
    }
  }

  private bodySize(bytes: Uint8Array, view: DataView): number {
    const { position } = this;
    if (bytes[position] === BIN_8) {
      this.position += 2;
      return bytes[position + 1] as number;
    }
    if (bytes[position] !== BIN_16) return -1;
    this.position += 3;
    const size = view.getUint16(position + 1);
    return size < 0x100 ? -1 : size;
  }
}
