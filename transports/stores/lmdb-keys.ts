/**
 * Keys of an LMDB store. LMDB orders keys by bytes, so that every part is written with a fixed width or an
 * end mark, most significant byte first:
 *
 *     00 name                                      facts about the store itself
 *     01 name (two bytes a code unit)              a partition: its number and revision
 *     02 partition (4) space (ASCII) 00 index (8)  an entry; a client store is partition 0
 */
const textBytes = (key: Uint8Array, at: number, text: string): void => {
  for (let i = 0; i < text.length; i++) key[at + i] = text.charCodeAt(i);
};

/** `text` is ASCII. */
export const factKey = (text: string): Uint8Array => {
  const key = new Uint8Array(1 + text.length);
  textBytes(key, 1, text);
  return key;
};

export const partitionKey = (name: string): Uint8Array => {
  const key = new Uint8Array(1 + 2 * name.length);
  key[0] = 1;
  for (let i = 0; i < name.length; i++) {
    const unit = name.charCodeAt(i);
    key[1 + 2 * i] = unit >>> 8;
    key[2 + 2 * i] = unit & 0xff;
  }
  return key;
};

export const partitionName = (key: Uint8Array): string => {
  let name = '';
  for (let i = 1; i + 1 < key.length; i += 2) {
    name += String.fromCharCode(((key[i] ?? 0) << 8) | (key[i + 1] ?? 0));
  }
  return name;
};

export const anyPartition = { start: Uint8Array.of(1), end: Uint8Array.of(2) };

const entryHead = (partition: number, space: string, tail: number): Uint8Array => {
  const key = new Uint8Array(6 + space.length + tail);
  key[0] = 2;
  key[1] = partition >>> 24;
  key[2] = partition >>> 16;
  key[3] = partition >>> 8;
  key[4] = partition;
  textBytes(key, 5, space);
  return key;
};

/** `index` may be 2^53, the end of every space. */
export const entryKey = (partition: number, space: string, index: number): Uint8Array => {
  const key = entryHead(partition, space, 8);
  writeNumber(key, 6 + space.length, index);
  return key;
};

export const entrySpace = (key: Uint8Array): string => {
  let space = '';
  for (let i = 5; i < key.length - 9; i++) space += String.fromCharCode(key[i] ?? 0);
  return space;
};

export const entryIndex = (key: Uint8Array): number => readNumber(key, key.length - 8);

/** Every entry of a client store. */
export const anyEntry = {
  start: Uint8Array.of(2, 0, 0, 0, 0),
  end: Uint8Array.of(2, 0, 0, 0, 1),
};

/** An integer from 0 to 2^53 in eight bytes. */
export const writeNumber = (target: Uint8Array, at: number, value: number): void => {
  const view = new DataView(target.buffer, target.byteOffset, target.byteLength);
  view.setUint32(at, Math.floor(value / 2 ** 32));
  view.setUint32(at + 4, value >>> 0);
};

export const readNumber = (source: Uint8Array, at: number): number => {
  const view = new DataView(source.buffer, source.byteOffset, source.byteLength);
  return view.getUint32(at) * 2 ** 32 + view.getUint32(at + 4);
};
