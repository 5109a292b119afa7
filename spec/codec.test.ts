import * as E from 'fp-ts/lib/Either.js';
import fc from 'fast-check';
import { Packr } from 'msgpackr/pack';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Reader, Writer } from '../core/base/bytes.js';
import { attempt, type DecodeError } from '../core/base/decode-error.js';
import { limits } from '../core/base/limits.js';
import { findBadUtf8, readUtf8, utf8Length, writeUtf8 } from '../core/base/utf8.js';
import type { Changeset } from '../core/model/changeset.js';
import {
  decodeBody,
  decodeChangeset,
  decodeInstructions,
  encodeChangeset,
  encodeInstructions,
  pack,
} from '../core/model/codec.js';
import {
  addColumn,
  addInteger,
  arrayErase,
  arrayInsert,
  createObject,
  eraseTable,
  type Instruction,
  kinds,
  update,
  updateElement,
} from '../core/model/instruction.js';
import { intKey, objectIdKey, stringKey } from '../core/model/key.js';
import { KIND, OBJECT, STRIDE, TABLE, unpack } from '../core/model/packed.js';
import { binary, doubleFromBits, link, timestamp } from '../core/model/value.js';
import { printChangeset } from '../core/model/print.js';
import { changesets, instructions } from './kit/arbitraries.js';

const plain = (x: unknown): unknown => Array.isArray(x) ? x.map(plain) : x instanceof Uint8Array || typeof x !== 'object' || x === null ? x : Object.fromEntries(Object.entries(x).map(([k, v]) => [k, plain(v)]));
const codec = suite('codec');
codec('placeholder', () => {
  fc.assert(fc.property(changesets, (c) => {
    let bytes;
    try { bytes = encodeChangeset(c); } catch (e) { fc.pre(false); return; }
    const d = decodeChangeset(bytes);
    if (E.isLeft(d)) throw new Error(JSON.stringify(d.left));
    assert.equal(plain(unpack(d.right)), plain(c)); assert.is(printChangeset(unpack(d.right)), printChangeset(c));
    assert.equal(encodeChangeset(d.right), bytes);
  }), { numRuns: 2000 });
});
codec.run();
