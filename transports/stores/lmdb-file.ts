/**
 * The file of an LMDB folder, looked at before it is opened: the package ends the process, without a word,
 * where LMDB refuses to open a file.
 *
 * A file starts with two meta pages, in the byte order of the machine: 24 bytes of page header (the mark of
 * a meta page at 18), then magic number (24), version (28), and page size (48). Older files have a header of
 * 16 bytes.
 */
import { accessSync, closeSync, constants, existsSync, fstatSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { StoreFailure } from './error.js';

const magic = 0xbeefc0de;
const metaFlag = 0x08;
const metaBytes = 176;

interface Meta {
  readonly isMeta: boolean;
  readonly magic: number;
  readonly version: number;
  readonly pageSize: number;
  readonly oldMagic: number;
}

/** Undefined where the file ends before. */
const readMeta = (file: number, at: number): Meta | undefined => {
  const words = new Uint32Array(metaBytes / 4);
  if (readSync(file, words, 0, metaBytes, at) < metaBytes) return undefined;
  const shorts = new Uint16Array(words.buffer);
  return {
    isMeta: ((shorts[9] ?? 0) & metaFlag) !== 0,
    magic: words[6] ?? 0,
    version: (words[7] ?? 0) & 0xffff,
    pageSize: words[12] ?? 0,
    oldMagic: words[4] ?? 0,
  };
};

const checkMetas = (place: string, file: number): void => {
  const { size } = fstatSync(file);
  // An empty file becomes a new database.
  if (size === 0) return;
  const first = readMeta(file, 0);
  if (first === undefined) throw new StoreFailure('corrupt', place, `data.mdb has ${size} bytes only`);
  if (first.oldMagic === magic || (first.magic === magic && first.version !== 2)) {
    throw new StoreFailure('foreign', place, 'data.mdb is of another version of LMDB, expected format 2');
  }
  const second =
    first.pageSize >= 256 && first.pageSize <= 65_536 ? readMeta(file, first.pageSize) : undefined;
  for (const meta of [first, second]) {
    if (meta === undefined || !meta.isMeta || meta.magic !== magic || meta.version !== 2) {
      throw new StoreFailure('corrupt', place, 'data.mdb does not begin as a file of LMDB does');
    }
  }
};

/**
 * @throws StoreFailure `failed` where the folder or a file in it may not be read and written, `foreign` or
 * `corrupt` where `data.mdb` is not a file that LMDB opens.
 */
export const checkFiles = (place: string): void => {
  const present = ['data.mdb', 'lock.mdb']
    .map((name) => join(place, name))
    .filter((path) => existsSync(path));
  try {
    for (const path of [place, ...present]) accessSync(path, constants.R_OK | constants.W_OK);
  } catch (error) {
    throw new StoreFailure('failed', place, error instanceof Error ? error.message : String(error), error);
  }
  const data = join(place, 'data.mdb');
  if (!present.includes(data)) return;
  const file = openSync(data, 'r');
  try {
    checkMetas(place, file);
  } finally {
    closeSync(file);
  }
};
