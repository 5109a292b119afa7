/** Recovered writes as the new file keeps them: their versions and times, based on the fresh server version. */
import { writeRecord } from '../history/client-records.js';
import { encodeInstructions } from '../model/codec.js';
import type { RecoveredWrite } from './recovery.js';
import type { PackedWrite } from './switch.js';

/** Packs what was recovered, from position `from` on. Yields now and then. */
export function* packed(
  writes: readonly RecoveredWrite[],
  serverVersion: number,
  from: number,
): Generator<undefined, readonly PackedWrite[], undefined> {
  const out: PackedWrite[] = [];
  for (let at = from; at < writes.length; at++) {
    const { version, timestamp, instructions } = writes[at] as RecoveredWrite;
    const original = { version, base: serverVersion, timestamp, origin: 0, instructions };
    const write = { version, original, current: original, bytes: encodeInstructions(instructions).length };
    out.push({ write, record: writeRecord(original) });
    if (at % 64 === 63) yield;
  }
  return out;
}
