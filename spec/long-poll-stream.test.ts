/** The stream of bytes that carries frames by requests, and the headers of those. */

import fc from 'fast-check';
import * as E from 'fp-ts/lib/Either.js';
import * as assert from 'uvu/assert';
import { IncomingStream, OutgoingStream } from '../transports/links/long-poll-stream.js';
import {
  type AnswerHeader,
  answerHeaderBytes,
  decodeAnswer,
  decodeRequest,
  decodeType,
  encodeAnswer,
  encodeRequest,
  type RequestHeader,
  randomId,
  requestHeaderBytes,
} from '../transports/links/long-poll-wire.js';
import type { CloseCode } from '../transports/ports.js';
import { fromChoices, seeded } from './kit/random.js';
import { suite } from './kit/suite.js';
import { stream } from './long-poll-script.js';

const test = suite('long-poll stream');

/** The next bytes that are not acknowledged. */
const body = (outgoing: OutgoingStream, length: number): Uint8Array => {
  const bytes = new Uint8Array(Math.min(length, outgoing.kept));
  outgoing.copyTo(bytes, 0);
  return bytes;
};

const frames = fc.array(
  fc.oneof(
    fc.uint8Array({ maxLength: 20 }),
    fc.integer({ min: 4000, max: 9000 }).map((length) => new Uint8Array(length).fill(length)),
  ),
  { maxLength: 30 },
);

test('bodies in any portions, again and again and out of turn, carry each frame once and in order', () => {
  fc.assert(
    fc.property(frames, fc.array(fc.nat()), (sent, choices) => {
      const random = fromChoices(choices);
      const outgoing = new OutgoingStream();
      const incoming = new IncomingStream(10_000);
      const made: { readonly offset: number; readonly bytes: Uint8Array }[] = [];
      const received: Uint8Array[] = [];
      const acknowledgements = [0];
      let end: unknown;
      const deliver = ({ offset, bytes }: (typeof made)[number]): void => {
        const middle = random.int(bytes.length + 1);
        for (const [from, to] of [
          [0, middle],
          [middle, bytes.length],
        ] as const) {
          const taken = incoming.take(offset + from, bytes.subarray(from, to));
          received.push(...taken.frames);
          end ??= taken.end;
        }
        acknowledgements.push(incoming.received);
      };
      let pushed = 0;
      const push = (): void => {
        const frame = sent[pushed++];
        if (frame !== undefined) outgoing.push(frame);
        else if (pushed === sent.length + 1) outgoing.close({ code: 'refused', message: 'because' });
      };
      while (pushed <= sent.length || outgoing.kept > 0) {
        for (let i = random.int(4); i >= 0; i--) push();
        const next = { offset: outgoing.acknowledged, bytes: body(outgoing, 10_000 - random.int(10_000)) };
        made.push(next);
        if (random.int(4) === 3) continue;
        deliver(next);
        const old = made[random.int(made.length)];
        if (old !== undefined && random.int(2) === 1) deliver(old);
        // An old acknowledgement first, or only.
        assert.ok(outgoing.acknowledge(acknowledgements[random.int(acknowledgements.length)] ?? 0));
        if (random.int(3) < 2) assert.ok(outgoing.acknowledge(incoming.received));
      }
      assert.equal(received, sent);
      assert.equal(end, { by: 'sender', reason: { code: 'refused', message: 'because' } });
      assert.ok(outgoing.finished);
    }),
  );
});

test('a stream is the same bytes, however its bodies are cut', () => {
  fc.assert(
    fc.property(frames, fc.integer({ min: 1, max: 500 }), (sent, length) => {
      const outgoing = new OutgoingStream();
      for (const frame of sent) outgoing.push(frame);
      const whole = body(outgoing, outgoing.kept);
      const parts: Uint8Array[] = [];
      while (outgoing.kept > 0) {
        const part = body(outgoing, length);
        parts.push(part);
        outgoing.acknowledge(outgoing.acknowledged + part.length);
      }
      assert.equal(Buffer.concat(parts), Buffer.from(whole));
    }),
  );
});

test('what was never sent cannot be acknowledged', () => {
  const outgoing = new OutgoingStream();
  assert.not(outgoing.acknowledge(1));
  outgoing.push(new Uint8Array(6));
  assert.not(outgoing.acknowledge(1));
  body(outgoing, 8);
  assert.equal([outgoing.kept, outgoing.unsent], [10, 2]);
  assert.ok(outgoing.acknowledge(8));
  assert.not(outgoing.acknowledge(9));
  assert.ok(outgoing.acknowledge(3));
  assert.equal([outgoing.kept, outgoing.unsent, outgoing.acknowledged], [2, 2, 8]);
});

test('a frame that arrived is a copy, and its sender may have gone', () => {
  const bytes = stream([Uint8Array.of(1, 2, 3), Uint8Array.of(4)]);
  const incoming = new IncomingStream(10);
  const first = incoming.take(0, bytes.subarray(0, 6));
  const second = incoming.take(6, bytes.subarray(6));
  bytes.fill(99);
  assert.equal([...first.frames, ...second.frames], [Uint8Array.of(1, 2, 3), Uint8Array.of(4)]);
});

test('a frame that is announced takes no more memory than what came of it', () => {
  const incoming = new IncomingStream(2 ** 31 - 1);
  const before = process.memoryUsage().arrayBuffers;
  const { end } = incoming.take(0, Uint8Array.of(0x7f, 255, 255, 255, 1, 2, 3));
  assert.is(end, undefined);
  assert.ok(process.memoryUsage().arrayBuffers - before < 1_000_000);
});

test('each code and message of a close arrives, the message shortened between characters', () => {
  const codes: Record<CloseCode, CloseCode> = {
    normal: 'normal',
    goingAway: 'goingAway',
    protocolError: 'protocolError',
    tooLarge: 'tooLarge',
    refused: 'refused',
    lost: 'lost',
    unreachable: 'lost',
  };
  for (const [code, expected] of Object.entries(codes) as [CloseCode, CloseCode][]) {
    for (const message of ['', '\ufeffbom', 'é'.repeat(600), `a${'\u{1f600}'.repeat(300)}`]) {
      const { end } = new IncomingStream(10).take(0, stream([], { code, message }));
      assert.is(end?.reason.code, expected);
      const found = end?.reason.message ?? '';
      assert.ok(
        message.startsWith(found) && new TextEncoder().encode(found).length >= Math.min(997, message.length),
      );
      assert.not(found.includes('\ufffd'));
    }
  }
});

test('a stream that breaks its rules ends, after the frames before', () => {
  const good = stream([Uint8Array.of(7)]);
  const cases: readonly (readonly [number[], CloseCode, string])[] = [
    [[0, 0, 0, 11], 'tooLarge', 'a frame of 11 bytes, at most 10 bytes are taken'],
    [[0x7f, 255, 255, 255], 'tooLarge', 'a frame of 2147483647 bytes, at most 10 bytes are taken'],
    [[0x80, 0, 0, 0], 'protocolError', 'a close of 0 bytes, expected 1 to 1001'],
    [[0x80, 0, 3, 0xea], 'protocolError', 'a close of 1002 bytes, expected 1 to 1001'],
  ];
  for (const [bad, code, message] of cases) {
    const incoming = new IncomingStream(10);
    const { frames, end } = incoming.take(0, Uint8Array.from([...good, ...bad, 1, 2, 3]));
    assert.equal(frames, [Uint8Array.of(7)]);
    assert.equal(end, { by: 'receiver', reason: { code, message } });
    assert.equal(incoming.take(incoming.received, good), { frames: [], end: undefined });
  }
  const unknown = new IncomingStream(10).take(0, Uint8Array.of(0x80, 0, 0, 1, 200));
  assert.equal(unknown.end, { by: 'sender', reason: { code: 'lost', message: '' } });
});

const u8 = fc.integer({ min: 0, max: 255 });
const u32 = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const u53 = fc.maxSafeNat();
const id = fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => String.fromCharCode(...bytes));
const attempt = { tag: u53, attempt: u32 };

const requests: fc.Arbitrary<RequestHeader> = fc.oneof(
  fc.record({
    ...attempt,
    type: fc.constant('open' as const),
    nonce: id,
    maxFrameBytes: u32,
    versions: fc.record({ oldest: u8, newest: u8 }, { noNullPrototype: true }),
  }),
  fc.record({
    ...attempt,
    type: fc.constant('poll' as const),
    session: id,
    acknowledged: u53,
    maxBytes: u32,
  }),
  fc.record({ ...attempt, type: fc.constant('send' as const), session: id, acknowledged: u53, offset: u53 }),
);

const answers: fc.Arbitrary<AnswerHeader> = fc.oneof(
  fc.record({
    ...attempt,
    type: fc.constant('open' as const),
    session: id,
    maxFrameBytes: u32,
    maxBodyBytes: u32,
    hold: u32,
    expiry: u32,
    protocol: u8,
  }),
  fc.record({ ...attempt, type: fc.constant('poll' as const), acknowledged: u53, offset: u53 }),
  fc.record({ ...attempt, type: fc.constant('send' as const), acknowledged: u53 }),
);

test('headers are read as they were written', () => {
  fc.assert(
    fc.property(requests, (header) => {
      const bytes = encodeRequest(header, 5);
      assert.is(bytes.length, requestHeaderBytes(header.type) + 5);
      assert.equal(decodeType(bytes), E.right(header.type));
      assert.equal(decodeRequest(header.type, bytes), { ...header });
    }),
  );
  fc.assert(
    fc.property(answers, (header) => {
      const bytes = encodeAnswer(header, 5);
      assert.is(bytes.length, answerHeaderBytes(header.type) + 5);
      assert.equal(decodeAnswer(bytes), E.right({ ...header }));
      assert.ok(E.isLeft(decodeAnswer(bytes.subarray(0, bytes.length - 6))));
    }),
  );
});

test('bytes that are no answer are told so', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
      const decoded = decodeAnswer(bytes);
      assert.ok(E.isLeft(decoded) || bytes[0] === 1);
    }),
  );
  assert.equal(decodeAnswer(new Uint8Array()), E.left('version undefined, expected 1'));
  assert.equal(decodeAnswer(Uint8Array.of(1)), E.left('type undefined, expected 0 to 2'));
  assert.equal(decodeAnswer(Uint8Array.of(1, 3)), E.left('type 3, expected 0 to 2'));
  assert.equal(decodeAnswer(Uint8Array.of(1, 2, 0)), E.left('3 bytes, expected at least 22'));
});

test('an id has 128 bits of chance', () => {
  const random = seeded(1);
  const integer = (): number => random.int(2 ** 32) * 2 ** 21 + random.int(2 ** 21);
  const ids = Array.from({ length: 1000 }, () => randomId({ integer }));
  assert.is(new Set(ids).size, 1000);
  const ones = new Array<number>(128).fill(0);
  for (const each of ids) {
    assert.is(each.length, 16);
    for (let bit = 0; bit < 128; bit++)
      ones[bit] = (ones[bit] ?? 0) + ((each.charCodeAt(bit >> 3) >> (bit & 7)) & 1);
  }
  // Six standard deviations.
  for (const count of ones) assert.ok(Math.abs(count - 500) < 95, `${count} of 1000`);
});

test.run();
