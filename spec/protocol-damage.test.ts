import * as E from 'fp-ts/lib/Either.js';
import * as assert from 'uvu/assert';
import { limits } from '../core/base/limits.js';
import * as make from '../core/model/instruction.js';
import { decodeClientMessage, encodeMessage } from '../core/protocol/codec.js';
import type { Message } from '../core/protocol/messages.js';
import { suite } from './kit/suite.js';

const wire = suite('damaged changesets');

wire('a body that cannot be decoded is a fact about its changeset, and about those behind it', () => {
  const good = {
    version: 7,
    base: 1,
    timestamp: 3,
    origin: 0,
    instructions: [make.addTable('A', { type: 'embedded' })],
  };
  const bad = { version: 8, base: 1, timestamp: 4, origin: 0, body: Uint8Array.of(1, 14) };
  const behind = { ...bad, version: 9, body: Uint8Array.of() };
  const long = { ...bad, version: 10, body: new Uint8Array(limits.changesetBytes + 1) };
  const damage = (...changesets: (typeof bad)[]): Message => ({
    type: 'upload',
    session: 1,
    progress: { clientVersion: 10, lastIntegratedServerVersion: 1 },
    lockedServerVersion: 0,
    changesets: [good],
    damaged: { changesets, reason: 'said by the decoder' },
  });
  for (const [original, reason] of [
    [damage(bad, behind), 'instruction of kind 14: expected 0 to 13'],
    [
      damage(long, bad),
      `the instructions of a changeset of ${limits.changesetBytes + 1} bytes: expected at most ${limits.changesetBytes}`,
    ],
  ] as const) {
    const bytes = encodeMessage(original);
    const decoded = decodeClientMessage(bytes);
    assert.ok(E.isRight(decoded) && decoded.right.type === 'upload');
    assert.is(decoded.right.damaged?.reason, reason);
    assert.equal(
      decoded.right.changesets.map(({ version }) => version),
      [7],
    );
    assert.equal(encodeMessage(decoded.right), bytes);
  }
});

wire.run();
