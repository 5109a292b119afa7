/** What every subject of the fan-out does: one writer sets the text of one of a hundred things, over and over. */
import { encodeMessage, type Instruction } from '../core/index.js';
import { update } from '../core/model/instruction.js';
import { stringKey } from '../core/model/key.js';

export const things = 100;

/** What the change of that index writes. */
export const textOf = (index: number): string => `text of change ${index}`;

export const partition = 'fan-out';

export const schema = [{ name: 'Thing', primaryKey: '_id', properties: { _id: 'string', text: 'string' } }];

export const keyOf = (index: number): string => `thing ${index % things}`;

const written: readonly Instruction[] = [update('Thing', stringKey(keyOf(0)), 'text', [], textOf(1000))];

/** The floors carry the bytes in which our server tells one change. */
export const oneChange: Uint8Array<ArrayBuffer> = encodeMessage({
  type: 'download',
  session: 1,
  download: { serverVersion: 1000, lastIntegratedClientVersion: 0 },
  upload: { clientVersion: 0, lastIntegratedServerVersion: 0 },
  latest: { version: 1000, salt: 2 ** 52 + 1 },
  downloadableBytes: 0,
  changesets: [{ version: 1000, base: 0, timestamp: 1_800_000_000_000, origin: 2, instructions: written }],
}).slice();
